/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the parts of the worker offer each other. A worker may block anywhere: this is what it is for. */

#include "common/device.h"
#include "common/protocol.h"

/* Each of these functions runs one task and fills in the report, also when the task fails. */
void run_create(const struct task *task, struct report *report);
void run_stop(const struct task *task, struct report *report);
void run_recover(const struct task *task, struct report *report);
void run_define(const struct task *task, struct report *report);
void run_modify(const struct task *task, struct report *report);
void run_undefine(const struct task *task, struct report *report);
void run_live(const struct task *task, struct report *report);
void run_get_attributes(const struct task *task, struct report *report);
void run_get_users(const struct task *task, struct report *report);
void run_clean_store(const struct task *task, struct report *report);

/** wait_unless_orphaned() - sleep for @usec. If the daemon ends before that, this process ends: nobody waits for its
 * report, and the next daemon looks at the kernel itself. */
void wait_unless_orphaned(uint64_t usec);

/** end_after_task() - let this process end when it has sent the report of its task. */
void end_after_task(void);

/** say_in_callout() - report to the daemon that callouts begin or end. */
void say_in_callout(bool begins);

/** process_start_time() - the start time of a process in clock ticks (field 22 of /proc/PID/stat). @pid 0: this
 * process. Returns 0 or a negative errno. */
int process_start_time(pid_t pid, uint64_t *ret);

/** process_has_ended() - whether there is no such process, or it has ended and is not reaped yet. */
bool process_has_ended(pid_t pid);

/** wait_for_process_end() - wait until the process with this pid and start time has ended. If the daemon ends before
 * that, this process ends. */
void wait_for_process_end(pid_t pid, uint64_t start_time);

/** device_is_in_use() - whether a process uses the device whose directory is @device_fd; such processes are added to
 * report->holders. @held_by: a process that has the device's group open for the caller, but not the device; 0: none. If
 * nobody uses the device, *ret_group_fd is an fd of its group, and no other process can open the device until it is
 * closed. It is -1 before, and stays negative if there is no group. */
bool device_is_in_use(int device_fd, pid_t held_by, struct report *report, int *ret_group_fd);
