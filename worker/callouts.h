/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* mdevctl's callouts and notifiers: the programs that vendors and sites put around an action.
 *
 * All callouts of one task have one parent process, this worker, and what was begun with `pre` is ended with `post`:
 * s390's ap-check takes a lock in the name of its parent process in the one and frees it in the other. */

#include "common/definition.h"
#include "worker/worker.h"

/* What is kept of each of a callout's two outputs; the rest is read and thrown away. */
#define CALLOUT_OUTPUT_SIZE_MAX (64u * 1024)

/** callouts_exist() - whether there is any that may be run; if not, no action needs any of what follows. */
bool callouts_exist(void);

/** callouts_around() - run `pre`, then @func, then `post` and the notifiers. @conf is the definition they get. A
 * refused `pre` ends it with CalloutFailed in @report, unless task->force. @func fills in @report. Of a task that was
 * interrupted only what comes after it is run, as for a failure. */
void callouts_around(const struct task *task, const char *action, const struct definition *conf,
                     void (*func)(const struct task *task, void *userdata, struct report *report), void *userdata,
                     struct report *report);

/** callouts_interrupted() - an action was interrupted between `pre` and `post`: run what would have come. */
void callouts_interrupted(const struct task *task, const char *action, const struct definition *conf, bool success);

/** callouts_live() - change a running device's attributes to @conf by a callout that can. Returns 0, or -1 with
 * @failure set. */
int callouts_live(const struct task *task, const struct definition *conf, struct failure *failure);

/** callouts_get_attributes() - ask for the running device's attributes. Returns 1 with them, 0 when no callout serves
 * the device or it tells nothing, or -1 with @failure set. */
int callouts_get_attributes(const struct task *task, struct attributes *ret, struct failure *failure);
