/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Runs a command in a simulated host: the part that stays outside. It reads the options, starts process 1 of
 * the host in namespaces of its own, passes signals on, and ends with the command's status. All that belongs to
 * the host ends with process 1, which ends when this does, however that happens. */

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "tests/simulator/card-spec.h"
#include "tests/simulator/simhost.h"
#include "tests/simulator/spec.h"

static const char *const default_parents[] = {"mtty:mtty-1=24,mtty-2=12", "mbochs:mbochs-small=64"};

enum {
        OPTION_SOURCE = 0x100,
        OPTION_BUILD,
        OPTION_PARENT,
        OPTION_NO_PARENTS,
        OPTION_CARD,
        OPTION_CREATE_DELAY,
        OPTION_REMOVE_DELAY,
        OPTION_DEFINITIONS,
        OPTION_DAEMON_OPTION,
        OPTION_NO_DAEMON,
        OPTION_POLKIT,
        OPTION_BUS,
};

static const struct option options_table[] = {
        {"source",       required_argument, NULL, OPTION_SOURCE      },
        {"build",        required_argument, NULL, OPTION_BUILD       },
        {"parent",       required_argument, NULL, OPTION_PARENT      },
        {"no-parents",   no_argument,       NULL, OPTION_NO_PARENTS  },
        {"card",         required_argument, NULL, OPTION_CARD        },
        {"create-delay", required_argument, NULL, OPTION_CREATE_DELAY},
        {"remove-delay", required_argument, NULL, OPTION_REMOVE_DELAY},
        {"definitions",  required_argument, NULL, OPTION_DEFINITIONS },
        {"daemon-option", required_argument, NULL, OPTION_DAEMON_OPTION},
        {"no-daemon",    no_argument,       NULL, OPTION_NO_DAEMON   },
        {"polkit",       no_argument,       NULL, OPTION_POLKIT      },
        {"bus",          required_argument, NULL, OPTION_BUS         },
        {"verbose",      no_argument,       NULL, 'v'                },
        {"help",         no_argument,       NULL, 'h'                },
        {NULL,           0,                 NULL, 0                  },
};

static void help(void) {
        printf("%s [OPTION…] [--] [COMMAND [ARG…]]\n"
               "\n"
               "Runs COMMAND, or a shell, as root in a simulated host: with mediated devices that need neither\n"
               "hardware nor kernel modules, a system bus, and the daemon. Ends with COMMAND's status and leaves\n"
               "nothing behind. In it, `simctl` changes it; see `simctl --help`.\n"
               "\n"
               "  --parent NAME:TYPE=COUNT[,TYPE=COUNT…]\n"
               "                      a parent and the types it supports; the types share one capacity, of\n"
               "                      which a device takes COUNT's part (repeatable; default:\n"
               "                      mtty:mtty-1=24,mtty-2=12 and mbochs:mbochs-small=64)\n"
               "  --no-parents        no parent at first\n"
               "  --card CARD:vfs=[off:]COUNT[,KEY=VALUE…][,TYPE=COUNT…]\n"
               "                      a card with virtual functions and vendor VFIO, and its types, such as\n"
               "                      0000:3d:00.0:vfs=16,nvidia-1145=8,nvidia-1152=4; off: without virtual\n"
               "                      functions at first; KEY=VALUE: dialect=nvidia|upstream, driver=NAME,\n"
               "                      sriov=program|raw, groups=on|off, sizes=mixed|equal,\n"
               "                      locked=on|off (repeatable)\n"
               "  --create-delay MS   how long the drivers take to create a device\n"
               "  --remove-delay MS   how long they take to remove one\n"
               "  --definitions DIR   a copy of it is /etc/mdevctl.d\n"
               "  --daemon-option OPT an option that the daemon gets (repeatable)\n"
               "  --no-daemon         do not run the daemon\n"
               "  --polkit            with the real polkit, started when it is asked\n"
               "  --bus daemon|broker which program is the system bus: dbus-daemon (default) or dbus-broker\n"
               "  -v, --verbose       show what the daemon logs (else it goes to the host's /run/mediated.log)\n",
               program_invocation_name);
}

static int parse_msec(const char *string, const char **ret) {
        if (string[0] == '\0' || string[strspn(string, "0123456789")] != '\0' || strlen(string) > 9)
                return -EINVAL;

        *ret = string;
        return 0;
}

static int add_parent(Options *options, const char *string) {
        _cleanup_(spec_freep) Spec *spec = NULL;
        int r;

        if (options->n_parents == PARENTS_MAX)
                return -E2BIG;

        r = spec_parse(string, &spec);
        if (r >= 0)
                options->parents[options->n_parents++] = string;
        return r;
}

static int add_card(Options *options, const char *string) {
        _cleanup_(card_spec_freep) CardSpec *spec = NULL;
        int r;

        if (options->n_cards == CARDS_MAX || strlen(string) + sizeof(CARD_WORD) > CARD_WORD_MAX)
                return -E2BIG;

        r = card_spec_parse(string, &spec);
        if (r >= 0)
                options->cards[options->n_cards++] = string;
        return r;
}

static int open_definitions(const char *path, int *ret) {
        int fd;

        /* Not close-on-exec: it is copied by a program that finds it in /proc/self/fd. */
        fd = open(path, O_RDONLY | O_DIRECTORY);
        if (fd < 0)
                return -errno;

        *ret = fd;
        return 0;
}

static int parse_option(Options *options, int option, bool *no_parents) {
        switch (option) {
        case OPTION_SOURCE:
                options->source = optarg;
                return 0;
        case OPTION_BUILD:
                options->build = optarg;
                return 0;
        case OPTION_PARENT:
                return add_parent(options, optarg);
        case OPTION_NO_PARENTS:
                *no_parents = true;
                return 0;
        case OPTION_CARD:
                return add_card(options, optarg);
        case OPTION_CREATE_DELAY:
                return parse_msec(optarg, &options->create_delay);
        case OPTION_REMOVE_DELAY:
                return parse_msec(optarg, &options->remove_delay);
        case OPTION_DEFINITIONS:
                return open_definitions(optarg, &options->definitions_fd);
        case OPTION_DAEMON_OPTION:
                if (options->n_daemon_arguments == DAEMON_ARGUMENTS_MAX)
                        return -E2BIG;
                options->daemon_arguments[options->n_daemon_arguments++] = optarg;
                return 0;
        case OPTION_NO_DAEMON:
                options->daemon = false;
                return 0;
        case OPTION_POLKIT:
                options->polkit = true;
                return 0;
        case OPTION_BUS:
                options->broker = streq(optarg, "broker");
                return options->broker || streq(optarg, "daemon") ? 0 : -EINVAL;
        case 'v':
                options->verbose = true;
                return 0;
        default:
                return -ENOTSUP; /* getopt has said what is wrong */
        }
}

/* Returns 1 if there is nothing to run. */
static int parse_options(int argc, char **argv, Options *options) {
        static char *shell[] = {NULL, NULL};
        bool no_parents = false;
        int option, index = 0, r;

        while ((option = getopt_long(argc, argv, "+vh", options_table, &index)) >= 0) {
                if (option == 'h') {
                        help();
                        return 1;
                }

                r = parse_option(options, option, &no_parents);
                if (r < 0) {
                        if (r != -ENOTSUP)
                                fprintf(stderr, "simulate: --%s %s: %s\n", options_table[index].name, optarg,
                                        strerror(-r));
                        return r;
                }
        }

        if (options->n_parents == 0 && options->n_cards == 0 && !no_parents)
                for (size_t i = 0; i < ELEMENTSOF(default_parents); i++)
                        options->parents[options->n_parents++] = default_parents[i];

        if (options->broker && options->polkit) {
                fprintf(stderr,
                        "simulate: --polkit needs --bus daemon: dbus-broker starts services by systemd, and the "
                                "simulated host has none\n");
                return -ENOTSUP;
        }

        shell[0] = getenv("SHELL");
        if (!shell[0])
                shell[0] = (char *) "/bin/bash";
        options->command = optind < argc ? argv + optind : shell;
        return 0;
}

static int check_daemon(const Options *options) {
        static const char *const programs[] = {"daemon/mediated", "worker/mediated-worker"};
        char path[PATH_MAX];

        for (size_t i = 0; options->daemon && i < ELEMENTSOF(programs); i++) {
                snprintf(path, sizeof(path), "%s/%s", options->build, programs[i]);
                if (access(path, X_OK) < 0) {
                        fprintf(stderr, "simulate: %s: %s (--no-daemon does without)\n", path, strerror(errno));
                        return -ENOENT;
                }
        }

        return 0;
}

/* What a terminal sends to all of its foreground processes the command has got already. */
static bool must_forward(const siginfo_t *info) {
        return info->si_code != SI_KERNEL || info->si_signo == SIGHUP;
}

static int wait_for_init(pid_t init, const sigset_t *signals) {
        for (;;) {
                siginfo_t info;
                int status;

                if (sigwaitinfo(signals, &info) < 0)
                        continue;

                if (info.si_signo != SIGCHLD) {
                        if (must_forward(&info))
                                (void) kill(init, info.si_signo);
                        continue;
                }

                if (waitpid(init, &status, WNOHANG) == init)
                        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        }
}

static int run(const Options *options) {
        sigset_t signals;
        pid_t init;

        sigemptyset(&signals);
        sigaddset(&signals, SIGCHLD);
        sigaddset(&signals, SIGHUP);
        sigaddset(&signals, SIGINT);
        sigaddset(&signals, SIGTERM);
        sigprocmask(SIG_BLOCK, &signals, NULL);

        if (unshare(CLONE_NEWPID) < 0) {
                fprintf(stderr, "simulate: cannot make a PID namespace: %s\n", strerror(errno));
                return EXIT_FAILURE;
        }

        init = fork();
        if (init < 0) {
                fprintf(stderr, "simulate: cannot fork: %s\n", strerror(errno));
                return EXIT_FAILURE;
        }
        if (init == 0) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                _exit(init_main(options));
        }

        return wait_for_init(init, &signals);
}

int main(int argc, char **argv) {
        Options options = {
                .source = ".",
                .build = "build",
                .create_delay = "0",
                .remove_delay = "0",
                .definitions_fd = -1,
                .daemon = true,
        };
        int r;

        r = parse_options(argc, argv, &options);
        if (r != 0)
                return r < 0 ? 2 : EXIT_SUCCESS;

        if (geteuid() != 0) {
                fprintf(stderr, "simulate: must be run as root\n");
                return EXIT_FAILURE;
        }

        r = check_daemon(&options);
        if (r < 0)
                return EXIT_FAILURE;

        /* No more processes can be made in a PID namespace that has ended; a leak checker would want one. */
        _exit(run(&options));
}
