/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Steps: what may hang in the kernel, in a process of its own, for a limited time. */

#include <sys/types.h>

#include "common/macro.h"

enum step_result {
        STEP_DONE,
        STEP_RETRY,             /* it failed, and may succeed later */
        STEP_FAILED,            /* it failed for good */
        STEP_KILLED,            /* it did not end in time, and was killed */
        STEP_HUNG,              /* it did not even end when it was killed */
        STEP_STOPPED,           /* somebody wants this program to end */
};

/* A sentence for a person. Fits into a pipe at once. */
typedef char step_message[1024];

/** step_say() - put a sentence into a message. What does not fit is cut off. */
void step_say(step_message message, const char *format, ...) _printf_(2, 3);

/* A function that runs in a child process. It returns one of the first three results. */
typedef enum step_result step_func(const void *argument, step_message message);

/** step_run() - call @func in a child process. When the time limit has passed, the child is killed, and it is left
 * behind when even that does not end it. @message is set for the first three results, and empty for the others. */
enum step_result step_run(step_func *func, const void *argument, uint64_t timeout_usec, int signal_fd,
                          step_message message);

/** step_run_program() - run a program, and kill its children with it. Returns STEP_DONE when it has ended, with the
 * status of waitpid(); STEP_FAILED with a negative errno in @ret_status when it cannot be started. */
enum step_result step_run_program(char *const argv[], uint64_t timeout_usec, int signal_fd, int *ret_status);

/** step_sleep() - sleep. Returns STEP_DONE or STEP_STOPPED. */
enum step_result step_sleep(uint64_t usec, int signal_fd);
