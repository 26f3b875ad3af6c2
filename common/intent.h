/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Intents: what a create is about to do, kept in /run/mediated so that the next daemon can clean up after a crash.
 *
 * The phase is in the file's name, because a rename is the one change that is whole or not there:
 *
 *   UUID.prepared   the daemon has handed the create out; nothing was written yet, or the kernel refused
 *   UUID.writing    the worker is about to write `create`, or has: a device of that UUID, parent and type is ours
 *
 * The daemon makes and removes intents, the worker moves them from one phase to the other. */

#include <stdbool.h>
#include <sys/types.h>

#include "common/macro.h"

#define INTENT_DIRECTORY "run/mediated/intents"

struct intent {
        char *parent;
        char *type;
        pid_t pid;              /* the worker */
        uint64_t start_time;    /* its start time in clock ticks, see proc(5) */
        uint64_t inode;         /* the device's directory once the daemon has seen it, else 0 */
        bool autostart;         /* nobody asked for it, autostart did */
        bool writing;
};

void intent_clear(struct intent *intent);
#define _cleanup_intent_ _cleanup_(intent_clear)

/** intent_make_directory() - make /run/mediated and the directory of intents in it, where they are missing. Returns 0
 * or a negative errno. */
int intent_make_directory(void);

/** intent_store() - write an intent in phase `prepared`, or rewrite the one there is in its phase. Returns 0 or a
 * negative errno. */
int intent_store(const char *uuid, const struct intent *intent);

/** intent_load() - returns 0, -ENOENT, or -EBADMSG or -EINVAL for what is not an intent. */
int intent_load(const char *uuid, struct intent *ret);

/** intent_set_writing() - change the phase. Returns 0 or a negative errno, -ENOENT when the intent is not there. */
int intent_set_writing(const char *uuid, bool writing);

/** intent_remove() - in whatever phase it is; none is no error. Returns 0 or a negative errno. */
int intent_remove(const char *uuid);

/** intent_remove_half() - remove what somebody who died had not yet put in its place; intent_list() does that, too. */
void intent_remove_half(const char *uuid);

/** intent_list() - call @func with each UUID that has an intent, and drop what was never finished. Returns 0 or a
 * negative errno. */
int intent_list(int (*func)(const char *uuid, void *userdata), void *userdata);
