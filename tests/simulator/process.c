/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Starting programs from process 1. */

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "tests/simulator/process.h"

/* A fork whose child has no signals blocked. */
pid_t process_fork(void) {
        sigset_t none;
        pid_t pid;

        pid = fork();
        if (pid == 0) {
                sigemptyset(&none);
                sigprocmask(SIG_SETMASK, &none, NULL);
        }
        return pid;
}

/* As the unit does: without CAP_NET_ADMIN a monitor's receive buffer is as small as it is in the field. */
static void confine(void) {
        for (unsigned long capability = 0; capability <= CAP_LAST_CAP; capability++)
                if (capability != CAP_DAC_OVERRIDE && capability != CAP_DAC_READ_SEARCH &&
                    capability != CAP_SYS_PTRACE)
                        (void) prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
}

void process_redirect(const ProcessOptions *options) {
        if (options->background) {
                int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

                (void) dup2(fd, STDIN_FILENO);
                (void) setsid();
        }

        if (options->output_fd >= 0) {
                (void) dup2(options->output_fd, STDOUT_FILENO);
                (void) dup2(options->output_fd, STDERR_FILENO);
        }
}

pid_t process_spawn(char *const *arguments, const ProcessOptions *options) {
        pid_t pid;

        pid = process_fork();
        if (pid < 0)
                return -errno;
        if (pid == 0) {
                process_redirect(options);
                if (options->confined)
                        confine();
                execvp(arguments[0], arguments);
                fprintf(stderr, "simulate: %s: %s\n", arguments[0], strerror(errno));
                _exit(errno == ENOENT ? 127 : 126);
        }

        return pid;
}

int process_run(char *const *arguments) {
        int status;
        pid_t pid;

        pid = process_spawn(arguments, &(ProcessOptions) {.output_fd = -1, .background = true});
        if (pid < 0)
                return pid;
        if (waitpid(pid, &status, 0) < 0)
                return -errno;

        return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EIO;
}
