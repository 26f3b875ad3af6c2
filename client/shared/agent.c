/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* polkit's agent for terminals, started as systemctl starts it. */

#include "client/shared/agent.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "common/macro.h"

#define AGENT "pkttyagent"

/* The child only execs. It gets @notify_fd and a terminal from us, nothing else. */
static void run_agent(int notify_fd, pid_t parent) {
        char fd[16];
        int terminal;

        if (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || getppid() != parent)
                _exit(EXIT_FAILURE);

        /* The agent asks on the terminal, even if our own output goes elsewhere. */
        terminal = open("/dev/tty", O_WRONLY);
        if (terminal < 0 || dup2(terminal, STDOUT_FILENO) < 0 || dup2(terminal, STDERR_FILENO) < 0)
                _exit(EXIT_FAILURE);
        if (terminal > STDERR_FILENO)
                close(terminal);

        snprintf(fd, sizeof(fd), "%d", notify_fd);
        if (fcntl(notify_fd, F_SETFD, 0) < 0)
                _exit(EXIT_FAILURE);
        execlp(AGENT, AGENT, "--notify-fd", fd, "--fallback", NULL);
        _exit(EXIT_FAILURE);
}

void agent_start(pid_t *pid) {
        _cleanup_close_ int ready = -1, notify = -1;
        pid_t self = getpid(), child;
        int fds[2];

        assert(*pid >= 0);
        if (*pid > 0 || geteuid() == 0 || !isatty(STDIN_FILENO))
                return;
        if (pipe2(fds, O_CLOEXEC) < 0)
                return;
        ready = fds[0];
        notify = fds[1];

        child = fork();
        if (child < 0)
                return;
        if (child == 0)
                run_agent(notify, self);
        *pid = child;

        /* The agent closes its end of the pipe when polkit knows it, and the kernel does if the agent dies. A request
         * that came before that would be refused. */
        close(TAKE_FD(notify));
        while (poll(&(struct pollfd) { .fd = ready }, 1, -1) < 0 && errno == EINTR)
                ;
}

void agent_stop(pid_t *pid) {
        if (*pid <= 0)
                return;

        kill(*pid, SIGTERM);
        kill(*pid, SIGCONT);
        while (waitpid(*pid, NULL, 0) < 0 && errno == EINTR)
                ;
        *pid = 0;
}
