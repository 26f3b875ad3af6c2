/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Faults that a test has prepared, each a file. */

#include "common/fault-point.h"

#ifdef FAULT_POINTS

#include <fcntl.h>
#include <signal.h>

#include "common/io.h"

static int faults_fd(void) {
        const char *directory = getenv("MEDIATED_FAULT_POINTS");
        static int fd = -1;

        if (fd < 0 && directory)
                fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
        return fd;
}

void fault_point(const char *name) {
        char action[64];
        int fd = faults_fd();

        /* If two processes get here, only one of them removes the file. */
        if (fd < 0 || read_text_at(fd, name, action, sizeof(action)) < 0 || unlinkat(fd, name, 0) < 0)
                return;

        if (streq(action, "kill-parent") || streq(action, "kill-both"))
                (void) kill(getppid(), SIGKILL);
        if (streq(action, "kill") || streq(action, "kill-both"))
                (void) raise(SIGKILL);
        if (strncmp(action, "sleep ", 6) == 0)
                sleep_usec(strtoull(action + 6, NULL, 10) * USEC_PER_MSEC);
}

#endif
