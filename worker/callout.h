/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Running one program: its input, its bounded outputs, its end. */

#include "common/macro.h"

struct callout_output {
        int status;             /* exit status; -1: it did not exit by itself */
        bool timed_out;
        char *out;
        char *err;
        bool lost;              /* there was no memory for all of it */
};

void callout_output_clear(struct callout_output *output);
#define _cleanup_callout_output_ _cleanup_(callout_output_clear)

/** callout_run() - run @argv with @input on stdin and wait for its end, not for that of what it leaves behind. After
 * @timeout_usec it is killed with its process group. Of stdout the beginning is kept, of stderr the end. Returns 0 or a
 * negative errno: it could not be started. */
int callout_run(char *const argv[], char *const environment[], const char *input, uint64_t timeout_usec,
                struct callout_output *ret);
