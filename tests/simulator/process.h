/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Starting programs from process 1. */

#include <sys/types.h>

#include "common/macro.h"

typedef struct ProcessOptions {
        int output_fd;          /* standard output and error; -1: inherited */
        bool background;        /* no standard input, and no signals from the terminal */
        bool confined;          /* with the capabilities of mediated.service only */
} ProcessOptions;

pid_t process_fork(void);
void process_redirect(const ProcessOptions *options);
pid_t process_spawn(char *const *arguments, const ProcessOptions *options);
int process_run(char *const *arguments);
