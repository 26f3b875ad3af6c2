/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* dbus-broker as the system bus. Its launcher expects the listening socket from systemd, and a journal to log to: both
 * are made here. The journal is in the launcher's own mount namespace, so that nothing else in the host finds one. What
 * the bus would have systemd start on demand does not start. */

#include "tests/simulator/broker.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define BUS_SOCKET "/run/dbus/system_bus_socket"
#define BUS_CONFIGURATION "/usr/share/dbus-1/system.conf"
#define JOURNAL_DIRECTORY "/run/systemd/journal"
#define JOURNAL_SOCKET JOURNAL_DIRECTORY "/socket"
#define DATAGRAM_SIZE 65536

/* The first descriptor that systemd hands over. */
#define LISTEN_FD 3

static int bind_socket(int type, const char *path) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        _cleanup_close_ int fd = -1;

        (void) stpncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
        fd = socket(AF_UNIX, type, 0);
        if (fd < 0 || bind(fd, (struct sockaddr *) &address, sizeof(address)) < 0 || chmod(path, 0666) < 0)
                return -errno;
        return TAKE_FD(fd);
}

/* One field a line, of which the message is for a reader. */
static void write_entry(int log_fd, char *entry) {
        for (char *line = strtok(entry, "\n"); line; line = strtok(NULL, "\n"))
                if (strncmp(line, "MESSAGE=", strlen("MESSAGE=")) == 0)
                        dprintf(log_fd, "%s\n", line + strlen("MESSAGE="));
}

static void keep_journal(int fd, int log_fd) {
        static char entry[DATAGRAM_SIZE + 1];
        ssize_t n;

        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        while ((n = recv(fd, entry, DATAGRAM_SIZE, 0)) >= 0) {
                entry[n] = '\0';
                write_entry(log_fd, entry);
        }
        _exit(EXIT_FAILURE);
}

static int start_journal(int log_fd) {
        _cleanup_close_ int fd = -1;
        pid_t pid;

        if (unshare(CLONE_NEWNS) < 0 || (mkdir("/run/systemd", 0755) < 0 && errno != EEXIST) ||
            mount("tmpfs", "/run/systemd", "tmpfs", MS_NOSUID, "mode=0755") < 0 || mkdir(JOURNAL_DIRECTORY, 0755) < 0)
                return -errno;

        fd = bind_socket(SOCK_DGRAM | SOCK_CLOEXEC, JOURNAL_SOCKET);
        if (fd < 0)
                return fd;
        pid = fork();
        if (pid < 0)
                return -errno;
        if (pid == 0)
                keep_journal(fd, log_fd);
        return 0;
}

static int hand_over_socket(void) {
        _cleanup_close_ int fd = -1;
        char number[12];

        fd = bind_socket(SOCK_STREAM, BUS_SOCKET);
        if (fd < 0)
                return fd;
        snprintf(number, sizeof(number), "%d", getpid());
        if (listen(fd, SOMAXCONN) < 0 || setenv("LISTEN_FDS", "1", 1) < 0 || setenv("LISTEN_PID", number, 1) < 0)
                return -errno;
        if (fd != LISTEN_FD)
                return dup2(fd, LISTEN_FD) < 0 ? -errno : 0;
        TAKE_FD(fd);
        return 0;
}

int broker_exec(int ready_fd, int log_fd) {
        int r;

        r = start_journal(log_fd);
        if (r < 0)
                return r;
        /* Out of the way of the socket. */
        ready_fd = fcntl(ready_fd, F_DUPFD_CLOEXEC, LISTEN_FD + 1);
        if (ready_fd < 0)
                return -errno;
        r = hand_over_socket();
        if (r < 0)
                return r;
        if (write(ready_fd, "ready\n", strlen("ready\n")) < 0)
                return -errno;
        execlp(BROKER_PROGRAM, BROKER_PROGRAM, "--scope", "system", "--config-file", BUS_CONFIGURATION, NULL);
        return -errno;
}
