/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Intents: notes of what a create is about to do. They are kept in /run/mediated, so that the next daemon can clean up
 * after a crash.
 *
 * The phase is in the file's name, because a rename happens as a whole or not at all:
 *
 *   UUID.prepared   The daemon has given the create to a worker. Nothing was written yet, or the kernel has refused.
 *   UUID.writing    The worker is about to write to `create`, or has written. A device with this UUID, parent and type
 *                   is ours.
 *
 * The daemon makes and removes intents. The worker moves them from one phase to the other. */

#include <stdbool.h>
#include <sys/types.h>

#include "common/macro.h"

#define INTENT_DIRECTORY "run/mediated/intents"

struct intent {
        char *parent;
        char *type;
        pid_t pid;              /* the worker's pid */
        uint64_t start_time;    /* the worker's start time in clock ticks, see proc(5) */
        uint64_t inode;         /* the inode of the device's directory, once it is known, else 0 */
        bool autostart;         /* whether autostart wanted the create, and no caller */
        bool writing;           /* whether the phase is `writing` */
};

void intent_clear(struct intent *intent);
#define _cleanup_intent_ _cleanup_(intent_clear)

/** intent_make_directory() - make /run/mediated and the directory of intents in it, if they do not exist. Returns 0 or
 * a negative errno. */
int intent_make_directory(void);

/** intent_store() - write an intent in the phase that it has (@intent->writing), in place of one that is there in this
 * phase. Returns 0 or a negative errno. */
int intent_store(const char *uuid, const struct intent *intent);

/** intent_load() - read the intent of a UUID, whatever its phase is. Returns 0, -ENOENT, or -EBADMSG or -EINVAL for
 * what is not an intent. */
int intent_load(const char *uuid, struct intent *ret);

/** intent_set_writing() - change the phase. Returns 0 or a negative errno, -ENOENT when there is no intent in the other
 * phase. */
int intent_set_writing(const char *uuid, bool writing);

/** intent_remove() - remove the intent of a UUID, whatever its phase is. It is no error if there is none. Returns 0 or
 * a negative errno. */
int intent_remove(const char *uuid);

/** intent_remove_half() - remove an intent whose writer died before it renamed the file into its place. intent_list()
 * does that, too. */
void intent_remove_half(const char *uuid);

/** intent_list() - call @func with each UUID that has an intent, and remove those whose writers died before the rename.
 * Returns 0 or a negative errno. */
int intent_list(int (*func)(const char *uuid, void *userdata), void *userdata);
