/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Other processes: when they have started, and waiting for their end. */

#include <errno.h>
#include <inttypes.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>

#include "common/io.h"
#include "common/root.h"
#include "worker/worker.h"

int process_start_time(pid_t pid, uint64_t *ret) {
        char path[64], text[1024], *p;
        ssize_t n;

        if (pid == 0)
                snprintf(path, sizeof(path), "proc/self/stat");
        else
                snprintf(path, sizeof(path), "proc/%d/stat", (int) pid);
        n = read_text_at(root_fd(), path, text, sizeof(text));
        if (n < 0)
                return (int) n;

        /* The second field is the name, which may contain anything, even ')'. So the fields are counted from the last
         * ')'. */
        p = strrchr(text, ')');
        for (int field = 2; p && field < 22; field++)
                p = strchr(p + 1, ' ');
        if (!p || sscanf(p, " %" SCNu64, ret) != 1)
                return -EBADMSG;

        return 0;
}

bool process_has_ended(pid_t pid) {
        _cleanup_close_ int fd = -1;
        struct pollfd pollfd = { .events = POLLIN };

        fd = (int) syscall(SYS_pidfd_open, pid, 0);
        if (fd < 0)
                return errno == ESRCH;

        /* A process that has ended and is not reaped yet has a pidfd, which says so. */
        pollfd.fd = fd;
        return poll(&pollfd, 1, 0) > 0;
}

void wait_for_process_end(pid_t pid, uint64_t start_time) {
        _cleanup_close_ int fd = -1;
        struct pollfd pollfds[2];
        uint64_t t;

        fd = (int) syscall(SYS_pidfd_open, pid, 0);
        /* The pidfd is opened before the start time is read, so both are of the same process. */
        if (fd < 0 || process_start_time(pid, &t) < 0 || t != start_time)
                return;

        pollfds[0] = (struct pollfd) { .fd = fd, .events = POLLIN };
        pollfds[1] = (struct pollfd) { .fd = WORKER_SOCKET_FD, .events = 0 };
        while (poll(pollfds, 2, -1) < 0 && errno == EINTR)
                ;
        if (pollfds[1].revents & POLLHUP)
                _exit(EXIT_SUCCESS);
}
