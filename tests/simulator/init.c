/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Process 1 of a simulated host: builds it, runs the command in it, and passes on signals and reaps meanwhile.
 * When it ends the kernel ends everything else in the host. */

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "tests/simulator/broker.h"
#include "tests/simulator/mounts.h"
#include "tests/simulator/process.h"
#include "tests/simulator/ready.h"
#include "tests/simulator/supervisor.h"
#include "tests/simulator/words.h"

#define BUS_LOG SIMULATOR_DIRECTORY "/bus.log"
#define READY_MSEC 10000
#define STOP_USEC (1 * USEC_PER_SEC)
#define STOP_WRAPPED_USEC (30 * USEC_PER_SEC)
#define TERM_USEC (5 * USEC_PER_SEC)

typedef struct Init {
        const Options *options;
        sd_event *event;
        Supervisor *supervisor;
        pid_t sysfs;
        pid_t command;
        int status;             /* the command's, once it has ended */
} Init;

static int failed(const char *what, int r) {
        fprintf(stderr, "simulate: %s: %s\n", what, strerror(-r));
        return r;
}

static int loopback_up(void) {
        _cleanup_close_ int fd = -1;
        struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};

        fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) < 0)
                return failed("loopback", -errno);

        return 0;
}

/* The programs that have just been built come first. */
static int set_environment(const Options *options) {
        static const char *const directories[] = {
                "client", "daemon", "worker", "tests/simulator", "tests/benchmark", "tests/race",
        };
        char path[PATH_MAX * 8] = "";
        const char *old = getenv("PATH");
        size_t n = 0;

        for (size_t i = 0; i < ELEMENTSOF(directories); i++)
                n += (size_t) snprintf(path + n, sizeof(path) - n, "%s/%s:", options->build, directories[i]);
        n += (size_t) snprintf(path + n, sizeof(path) - n, "%s/tests/benchmark:", options->source);
        snprintf(path + n, sizeof(path) - n, "%s", old ? old : "/usr/sbin:/usr/bin:/sbin:/bin");

        unsetenv("DBUS_SYSTEM_BUS_ADDRESS");
        unsetenv("DBUS_SESSION_BUS_ADDRESS");
        unsetenv("NOTIFY_SOCKET");
        if (setenv("PATH", path, 1) < 0 || setenv("MEDIATED_BUILD", options->build, 1) < 0 ||
            setenv("SYSTEMD_DEVICE_VERIFY_SYSFS", "0", 1) < 0)
                return failed("environment", -errno);

        return 0;
}

/* Waits for a child to write to its end of the pipe. */
static int wait_ready(int fd, const char *what) {
        struct pollfd pollfd = {.fd = fd, .events = POLLIN};
        char buffer[256];

        if (poll(&pollfd, 1, READY_MSEC) <= 0)
                return failed(what, -ETIMEDOUT);
        if (read(fd, buffer, sizeof(buffer)) <= 0)
                return failed(what, -ECHILD);

        return 0;
}

static int start_sysfs(Init *init, int ready_fd) {
        const Options *options = init->options;
        char program[PATH_MAX], number[12], cards[CARDS_MAX][CARD_WORD_MAX];
        char *arguments[PARENTS_MAX + CARDS_MAX + 5];
        size_t n = 0;

        snprintf(program, sizeof(program), "%s/tests/simulator/simsys", options->build);
        snprintf(number, sizeof(number), "%d", ready_fd);
        arguments[n++] = program;
        arguments[n++] = number;
        arguments[n++] = (char *) options->create_delay;
        arguments[n++] = (char *) options->remove_delay;
        for (size_t i = 0; i < options->n_parents; i++)
                arguments[n++] = (char *) options->parents[i];
        for (size_t i = 0; i < options->n_cards; i++) {
                snprintf(cards[i], sizeof(cards[i]), CARD_WORD "%s", options->cards[i]);
                arguments[n++] = cards[i];
        }
        arguments[n] = NULL;

        init->sysfs = process_spawn(arguments, &(ProcessOptions) {.output_fd = -1, .background = true});
        return init->sysfs < 0 ? failed(program, init->sysfs) : 0;
}

static int start_dbus_daemon(int ready_fd, int log_fd) {
        char print[32];
        char *arguments[] = {
                (char *) "dbus-daemon", (char *) "--system",   (char *) "--nofork", (char *) "--nopidfile",
                (char *) "--nosyslog",  print,                 NULL,
        };
        pid_t pid;

        snprintf(print, sizeof(print), "--print-address=%d", ready_fd);
        pid = process_spawn(arguments, &(ProcessOptions) {.output_fd = log_fd, .background = true});
        return pid < 0 ? failed("dbus-daemon", pid) : 0;
}

static int start_broker(int ready_fd, int log_fd) {
        const ProcessOptions background = {.output_fd = log_fd, .background = true};
        pid_t pid;

        pid = process_fork();
        if (pid < 0)
                return failed("fork", -errno);
        if (pid == 0) {
                process_redirect(&background);
                failed(BROKER_PROGRAM, broker_exec(ready_fd, log_fd));
                _exit(EXIT_FAILURE);
        }
        return 0;
}

static int start_bus(Init *init, int ready_fd) {
        _cleanup_close_ int log_fd = -1;

        log_fd = open(BUS_LOG, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
        return init->options->broker ? start_broker(ready_fd, log_fd) : start_dbus_daemon(ready_fd, log_fd);
}

/* Both begin at the same time. */
static int start_servers(Init *init) {
        int sysfs[2] = {-1, -1}, bus[2] = {-1, -1}, r;

        if (pipe(sysfs) < 0 || pipe(bus) < 0)
                return failed("pipe", -errno);

        r = start_sysfs(init, sysfs[1]);
        if (r >= 0)
                r = start_bus(init, bus[1]);
        close(sysfs[1]);
        close(bus[1]);

        if (r >= 0)
                r = wait_ready(sysfs[0], "simsys");
        if (r >= 0)
                r = mounts_in_sys();
        if (r >= 0)
                r = wait_ready(bus[0], "the system bus");
        close(sysfs[0]);
        close(bus[0]);
        return r;
}

static int start_command(Init *init) {
        char *const *command = init->options->command;

        init->command = process_fork();
        if (init->command < 0)
                return failed("fork", -errno);
        if (init->command > 0)
                return 0;

        if (init->options->daemon) {
                int r = ready_wait(0);

                if (r < 0) {
                        failed("the daemon has not taken its name on the bus", r);
                        _exit(125);
                }
        }

        execvp(command[0], command);
        fprintf(stderr, "simulate: %s: %s\n", command[0], strerror(errno));
        _exit(errno == ENOENT ? 127 : 126);
}

static int on_stop_time(sd_event_source *source, uint64_t usec, void *userdata) {
        Init *init = userdata;

        return sd_event_exit(init->event, init->status);
}

/* The daemon may say what it has to say at its end (leaks, for one), but not for long. */
static int init_stop(Init *init, int status) {
        init->status = status;
        if (!init->supervisor || supervisor_pid(init->supervisor) == 0)
                return sd_event_exit(init->event, status);

        supervisor_stop(init->supervisor);
        return sd_event_add_time_relative(init->event, NULL, CLOCK_MONOTONIC,
                                          getenv("MEDIATED_WRAPPER") ? STOP_WRAPPED_USEC : STOP_USEC, 1, on_stop_time,
                                          init);
}

static int on_child(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata) {
        Init *init = userdata;
        int status;
        pid_t pid;

        while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
                if (pid == init->command) {
                        init->command = 0;
                        (void) init_stop(init, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
                } else if (pid == init->sysfs) {
                        fprintf(stderr, "simulate: simsys has died\n");
                        return sd_event_exit(init->event, 125);
                } else if (init->supervisor && supervisor_reaped(init->supervisor, pid, status) && init->command == 0)
                        return sd_event_exit(init->event, init->status);
        }

        return 0;
}

static int on_term_time(sd_event_source *source, uint64_t usec, void *userdata) {
        Init *init = userdata;

        return sd_event_exit(init->event, 128 + SIGTERM);
}

/* To all that the terminal would send it to: the process group that simhost was started in, whose number in
 * this PID namespace is 0. The servers have left it. */
static void forward(int signo) {
        _cleanup_closedir_ DIR *proc = opendir("/proc");
        struct dirent *entry;

        while (proc && (entry = readdir(proc))) {
                pid_t pid = atoi(entry->d_name);

                if (pid > 1 && getpgid(pid) == 0)
                        (void) kill(pid, signo);
        }
}

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata) {
        Init *init = userdata;

        /* What a terminal sends they get from the terminal. */
        if (info->ssi_code == SI_KERNEL && info->ssi_signo == SIGINT)
                return 0;

        forward((int) info->ssi_signo);

        /* A shell does not end by it. */
        if (info->ssi_signo == SIGTERM)
                return sd_event_add_time_relative(init->event, NULL, CLOCK_MONOTONIC, TERM_USEC, 1, on_term_time,
                                                  init);
        return 0;
}

static int init_listen(Init *init) {
        int r;

        r = sd_event_new(&init->event);
        if (r >= 0)
                r = sd_event_add_signal(init->event, NULL, SIGCHLD, on_child, init);
        if (r >= 0)
                r = sd_event_add_signal(init->event, NULL, SIGINT, on_signal, init);
        if (r >= 0)
                r = sd_event_add_signal(init->event, NULL, SIGTERM, on_signal, init);
        if (r >= 0)
                r = sd_event_add_signal(init->event, NULL, SIGHUP, on_signal, init);
        return r;
}

int init_main(const Options *options) {
        Init init = {.options = options};
        int r;

        /* SIGCHLD and the signals to pass on are blocked since before the fork; nothing is lost until the loop
         * runs. */
        r = mounts_prepare(options);
        if (r >= 0)
                r = loopback_up();
        if (r >= 0)
                r = set_environment(options);
        if (r >= 0)
                r = start_servers(&init);
        if (r >= 0)
                r = init_listen(&init);
        if (r >= 0 && options->daemon) {
                r = supervisor_new(&init.supervisor, init.event, options);
                if (r >= 0)
                        supervisor_start(init.supervisor);
        }
        if (r >= 0)
                r = start_command(&init);
        if (r < 0)
                return 125;

        r = sd_event_loop(init.event);
        return r < 0 ? 125 : r;
}
