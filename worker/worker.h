/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the parts of the worker offer each other. A worker may block anywhere; that is what it is for. */

#include "common/protocol.h"
#include "common/sysfs.h"

/* Each runs one task and fills in the report; none of them fails in another way. */
void run_create(const struct task *task, struct report *report);
void run_stop(const struct task *task, struct report *report);
void run_recover(const struct task *task, struct report *report);
void run_read_types(const struct task *task, struct report *report);
void run_define(const struct task *task, struct report *report);
void run_modify(const struct task *task, struct report *report);
void run_undefine(const struct task *task, struct report *report);
void run_live(const struct task *task, struct report *report);
void run_get_attributes(const struct task *task, struct report *report);
void run_clean_store(const struct task *task, struct report *report);

/** wait_unless_orphaned() - sleep @usec. The process ends when the daemon is gone meanwhile: then nobody waits for the
 * answer, and the next daemon looks for itself. */
void wait_unless_orphaned(uint64_t usec);

/** end_after_task() - this process ends when it has reported. */
void end_after_task(void);

/** say_in_callout() - tell the daemon that callouts begin or end. */
void say_in_callout(bool begins);

/** process_start_time() - start time of a process in clock ticks (field 22 of /proc/PID/stat). @pid 0: this one.
 * Returns 0 or a negative errno. */
int process_start_time(pid_t pid, uint64_t *ret);

/** process_has_ended() - whether there is no such process, or only what is left until it is reaped. */
bool process_has_ended(pid_t pid);

/** wait_for_process_end() - wait until the process of that pid and start time is gone; ends like
 * wait_unless_orphaned(). */
void wait_for_process_end(pid_t pid, uint64_t start_time);

/** group_hold() - open the device's VFIO group, so that no other process can open the device. Returns an fd, -EBUSY
 * when somebody has it open, or another negative errno when there is no group to open. */
int group_hold(int device_fd);

/** find_holders() - which processes have the device's nodes in /dev/vfio open. Adds to report->holders those that use
 * the device: all but the process @held_by, unless that has opened more than the group. libvirt opens the group to see
 * that no virtual machine has it, and keeps it open while mdevctl removes the device. Returns how many have a node
 * open, or a negative errno. */
int find_holders(int device_fd, pid_t held_by, struct report *report);

/** device_is_in_use() - whether somebody other than @held_by has it open. Tells who in @report. */
bool device_is_in_use(const char *uuid, pid_t held_by, struct report *report);

/** remove_device() - remove a complete device nobody has open and wait until its directory is gone. @held_by: a process
 * that has its group open, but no device, for whoever wants the removal; 0: none. Fills in @report: DONE, BUSY or
 * FAILED. */
void remove_device(const char *uuid, const struct sysfs_device *expected, pid_t held_by, struct report *report);
