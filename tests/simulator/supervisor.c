/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Keeps the daemon running, as its unit does on a real host: 100 ms after it died it is started again, unless
 * simctl has stopped it. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "tests/simulator/process.h"
#include "tests/simulator/supervisor.h"
#include "tests/simulator/words.h"

#define RESTART_USEC (100 * USEC_PER_MSEC)
#define LOG "/run/mediated.log"
#define ASKING_MAX 16U

typedef struct Asking {
        int fd;
        bool start;             /* when the running daemon has ended */
} Asking;

struct Supervisor {
        sd_event *event;
        char *arguments[DAEMON_ARGUMENTS_MAX + 5];
        int log_fd;             /* -1: not logged to a file */
        pid_t pid;              /* 0: not running */
        bool wanted;
        sd_event_source *timer;
        Asking asking[ASKING_MAX];
        size_t n_asking;
};

static void supervisor_write_pid(const Supervisor *supervisor) {
        _cleanup_fclose_ FILE *f = NULL;

        /* Renamed into place: who reads it never sees half of it. */
        f = fopen(DAEMON_PID_FILE ".new", "we");
        if (!f)
                return;
        fprintf(f, "%d\n", supervisor->pid);
        fflush(f);
        (void) rename(DAEMON_PID_FILE ".new", DAEMON_PID_FILE);
}

void supervisor_start(Supervisor *supervisor) {
        pid_t pid;

        supervisor->wanted = true;
        (void) sd_event_source_set_enabled(supervisor->timer, SD_EVENT_OFF);
        if (supervisor->pid > 0)
                return;

        pid = process_spawn(supervisor->arguments, &(ProcessOptions) {
                .output_fd = supervisor->log_fd,
                .background = true,
                .confined = true,
        });
        if (pid < 0) {
                fprintf(stderr, "simulate: cannot start the daemon: %s\n", strerror(-pid));
                return;
        }

        supervisor->pid = pid;
        supervisor_write_pid(supervisor);
}

static int on_restart(sd_event_source *source, uint64_t usec, void *userdata) {
        supervisor_start(userdata);
        return 0;
}

void supervisor_stop(Supervisor *supervisor) {
        supervisor->wanted = false;
        (void) sd_event_source_set_enabled(supervisor->timer, SD_EVENT_OFF);
        if (supervisor->pid > 0)
                (void) kill(supervisor->pid, SIGTERM);
}

pid_t supervisor_pid(const Supervisor *supervisor) {
        return supervisor->pid;
}

static void supervisor_answer(Supervisor *supervisor, int fd, int error) {
        char text[12] = "";

        if (error >= 0)
                snprintf(text, sizeof(text), "%d", supervisor->pid);
        (void) words_answer(fd, error, text);
        close(fd);
}

/* In the daemon's log, where a test looks for it. Being killed is what tests do to it. */
static void supervisor_say_end(const Supervisor *supervisor, int status) {
        int fd = supervisor->log_fd >= 0 ? supervisor->log_fd : STDERR_FILENO;

        if (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL)
                dprintf(fd, "simulate: the daemon has died of signal %d\n", WTERMSIG(status));
        else if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
                dprintf(fd, "simulate: the daemon has ended with status %d\n", WEXITSTATUS(status));
}

/* Returns whether the process was the daemon. */
bool supervisor_reaped(Supervisor *supervisor, pid_t pid, int status) {
        size_t n = supervisor->n_asking;

        if (pid != supervisor->pid)
                return false;

        supervisor_say_end(supervisor, status);

        supervisor->pid = 0;
        supervisor->n_asking = 0;
        (void) unlink(DAEMON_PID_FILE);

        for (size_t i = 0; i < n; i++) {
                if (supervisor->asking[i].start)
                        supervisor_start(supervisor);
                supervisor_answer(supervisor, supervisor->asking[i].fd, 0);
        }

        if (supervisor->wanted && supervisor->pid == 0) {
                (void) sd_event_source_set_time_relative(supervisor->timer, RESTART_USEC);
                (void) sd_event_source_set_enabled(supervisor->timer, SD_EVENT_ONESHOT);
        }

        return true;
}

/* Returns 1 if the answer is to come when the daemon has ended. */
static int supervisor_command(Supervisor *supervisor, const char *verb, Asking *asking) {
        bool running = supervisor->pid > 0;

        if (streq(verb, "start")) {
                supervisor_start(supervisor);
                return 0;
        }

        if (streq(verb, "stop"))
                supervisor_stop(supervisor);
        else if (streq(verb, "restart")) {
                if (!running)
                        supervisor_start(supervisor);
                else {
                        supervisor_stop(supervisor);
                        asking->start = true;
                }
        } else if (streq(verb, "kill")) {
                if (!running)
                        return -ESRCH;
                (void) kill(supervisor->pid, SIGKILL);
        } else
                return -EOPNOTSUPP;

        return running;
}

static int on_ask(sd_event_source *source, int listen_fd, uint32_t revents, void *userdata) {
        Supervisor *supervisor = userdata;
        Asking asking = {.fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC)};
        Words words;
        int r;

        if (asking.fd < 0)
                return 0;

        /* simctl sends its request right after it has connected. */
        r = words_receive(asking.fd, &words);
        if (r >= 0)
                r = words.n == 2 ? supervisor_command(supervisor, words.words[1], &asking) : -EINVAL;
        if (r > 0 && supervisor->n_asking < ASKING_MAX)
                supervisor->asking[supervisor->n_asking++] = asking;
        else
                supervisor_answer(supervisor, asking.fd, r > 0 ? -EBUSY : r);
        return 0;
}

int supervisor_new(Supervisor **ret, sd_event *event, const Options *options) {
        Supervisor *supervisor;
        size_t n = 0;
        int r, fd;

        supervisor = calloc(1, sizeof(Supervisor));
        if (!supervisor)
                return -ENOMEM;
        /* valgrind, say, with its options. */
        if (getenv("MEDIATED_WRAPPER")) {
                supervisor->arguments[n++] = (char *) "sh";
                supervisor->arguments[n++] = (char *) "-c";
                supervisor->arguments[n++] = (char *) "exec $MEDIATED_WRAPPER \"$0\" \"$@\"";
        }
        if (asprintf(&supervisor->arguments[n++], "%s/daemon/mediated", options->build) < 0)
                return -ENOMEM;
        for (size_t i = 0; i < options->n_daemon_arguments; i++)
                supervisor->arguments[n++] = (char *) options->daemon_arguments[i];

        supervisor->event = event;
        supervisor->log_fd = options->verbose ? -1 : open(LOG, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

        fd = words_listen(INIT_SOCKET);
        r = fd < 0 ? fd : sd_event_add_io(event, NULL, fd, EPOLLIN, on_ask, supervisor);
        if (r >= 0)
                r = sd_event_add_time(event, &supervisor->timer, CLOCK_MONOTONIC, 0, 1, on_restart, supervisor);
        if (r >= 0)
                r = sd_event_source_set_enabled(supervisor->timer, SD_EVENT_OFF);
        if (r < 0)
                return r;

        *ret = supervisor;
        return 0;
}
