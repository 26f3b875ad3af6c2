/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Runs one program: gives it its input, limits its outputs, and waits for its end. */

#include "common/macro.h"

struct callout_output {
        int status;             /* the exit status, or -1 if it did not exit by itself */
        bool timed_out;
        char *out;
        char *err;
        bool lost;              /* whether a part of the output is missing because memory was short */
};

void callout_output_clear(struct callout_output *output);
#define _cleanup_callout_output_ _cleanup_(callout_output_clear)

/** callout_run() - run @argv with @input on stdin and wait for its end, but not for the end of processes that it leaves
 * behind. After @timeout_usec it is killed with its process group. The beginning of stdout and the end of stderr are
 * kept. Returns 0, or a negative errno when it could not be started. */
int callout_run(char *const argv[], char *const environment[], const char *input, uint64_t timeout_usec,
                struct callout_output *ret);
