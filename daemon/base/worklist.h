/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Names of what is to be looked at later.
 *
 * A hint that something has changed only puts a name on the list. A name is there once, however many hints come, so a
 * storm of hints about four things costs four looks. When the first name is due, all names that wait become the current
 * list, which is worked off in slices between other events, so that ten thousand names do not hold up a request. Names
 * that are added meanwhile wait for the next list: one that is added again by its own look cannot keep the event loop
 * busy.
 *
 * The owner is called for each name, and at the end of each list. */

#include "daemon/base/timer.h"

struct worklist;

/** worklist_look_t - look at @name. @detail is what was added with it, or NULL. Returns whether other events should
 * have a turn before the next name, because this one was much work. */
typedef bool (*worklist_look_t)(const char *name, const char *detail, void *userdata);

/** worklist_free() - drop all names. */
struct worklist *worklist_free(struct worklist *list);
DEFINE_CLEANUP_FUNC(struct worklist *, worklist_free)

/** worklist_new() - @description: a literal. @on_end is called when all names of one list have been looked at. Returns
 * 0 or a negative errno. */
int worklist_new(struct worklist **ret, sd_event *event, const char *description, worklist_look_t look,
                 void (*on_end)(void *userdata), void *userdata);

/** worklist_add() - have @name looked at in @usec µs, or earlier with other names. One that waits already keeps its
 * detail. Returns 0 or -ENOMEM. */
int worklist_add(struct worklist *list, const char *name, const char *detail, uint64_t usec);

/** worklist_has() - whether @name waits for the next list. */
bool worklist_has(const struct worklist *list, const char *name);

/** worklist_hurry() - look at all that waits without delay, in slices. Returns whether there is anything to look at. */
bool worklist_hurry(struct worklist *list);

/** worklist_settle() - look at all that waits now, before this returns. What is added meanwhile waits. */
void worklist_settle(struct worklist *list);
