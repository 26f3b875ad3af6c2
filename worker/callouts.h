/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* mdevctl's callouts and notifiers: the programs that vendors and sites put around an action.
 *
 * All callouts of one task have the same parent process, which is this worker, and each `pre` is followed by its
 * `post`. s390's ap-check depends on both: in `pre` it takes a lock in the name of its parent process, and in `post` it
 * frees the lock. */

#include "common/definition.h"
#include "common/mdevctl-version.h"
#include "worker/worker.h"

/* How many bytes are kept of each of a callout's two outputs. The rest is read and thrown away. */
#define CALLOUT_OUTPUT_SIZE_MAX (64u * 1024)

/** callouts_follow() - call callouts as that version of mdevctl does, from now on. */
void callouts_follow(const struct mdevctl_version *version);

/** callouts_exist() - whether there is a callout or notifier that may be run. If there is none, an action needs none of
 * the functions below. */
bool callouts_exist(void);

/** callouts_around() - run `pre`, then @func, which fills in @report, then `post` and the notifiers. @conf is the
 * definition that they get. If a callout refuses `pre` and task->force is not set, only the notifiers are run after it,
 * and @report gets CalloutFailed. If the task was interrupted, only `post` and the notifiers are run, as after a
 * failure. */
void callouts_around(const struct task *task, const char *action, const struct definition *conf,
                     void (*func)(const struct task *task, void *userdata, struct report *report), void *userdata,
                     struct report *report);

/** callouts_interrupted() - run `post` and the notifiers for an action that was interrupted between `pre` and
 * `post`. */
void callouts_interrupted(const struct task *task, const char *action, const struct definition *conf, bool success);

/** callouts_live() - change a running device's attributes to those of @conf, by a callout that can do so. If the
 * callout reports success, @compare looks whether it is true. Returns 0, or -1 with @failure set. */
int callouts_live(const struct task *task, const struct definition *conf,
                  int (*compare)(const struct task *task, struct failure *failure), struct failure *failure);

/** callouts_get_attributes() - ask a callout for a running device's attributes. Returns 1 with them; 0 when no callout
 * is responsible for the device, or when it prints none; or -1 with @failure set. */
int callouts_get_attributes(const struct task *task, struct attributes *ret, struct failure *failure);
