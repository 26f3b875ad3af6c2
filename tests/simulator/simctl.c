/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Changes the simulated host it runs in, or makes its parts misbehave. */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/vfio.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>

#include "tests/simulator/ready.h"
#include "tests/simulator/words.h"

#ifndef VFIO_DEVICE_BIND_IOMMUFD /* Linux 6.6 */
#define VFIO_DEVICE_BIND_IOMMUFD _IO(VFIO_TYPE, VFIO_BASE + 18)
#endif

static void help(void) {
        printf("simctl VERB…: change the simulated host, or make it misbehave\n"
               "\n"
               "  add-parent [--types-after MS] [--enospc] [--no-name] [--no-description] SPEC\n"
               "        register a parent, NAME:TYPE=COUNT[,TYPE=COUNT…]; a name like 0000:41:00.0 is a\n"
               "        PCI device, any other a virtual one; the types vfio_ap-… and vfio_ccw-… are those\n"
               "        of IBM Z's drivers. --types-after: the types appear that much later. --enospc: the\n"
               "        driver counts instances and answers ENOSPC, not the core with EUSERS\n"
               "  remove-parent NAME\n"
               "        unregister it, with all its devices; waits for those in use\n"
               "  hold [--group-only|--cdev] UUID|VF|CARD\n"
               "        a process opens the device's VFIO group and the device, and prints its pid;\n"
               "        with --group-only the group alone, which delays no removal; with --cdev the node\n"
               "        in /dev/vfio/devices that a virtual function has; of a card, its memory\n"
               "  release UUID|VF|CARD\n"
               "        that process ends\n"
               "  delay PARENT create|remove|read|write|enter|release MS\n"
               "        how long the driver takes to create, remove, answer a read, take an attribute;\n"
               "        enter: from the write to `remove` until the file is gone; release: how long the\n"
               "        UUID stays taken after the device has gone\n"
               "  fail PARENT create|remove|ATTRIBUTE ERRNO [COUNT [SKIP]]\n"
               "        the next COUNT (1) writes, or reads if it is only to be read, fail with ERRNO (a\n"
               "        name or a number), after SKIP (0) that go well; COUNT 0: no more. ATTRIBUTE is\n"
               "        relative to the device's directory, or one of the types'\n"
               "  hang PARENT create|remove|read|write|uevent\n"
               "        the driver never returns from it; uevent: reading `uevent` of the parent or of\n"
               "        its devices blocks\n"
               "  resume PARENT|CARD|VF\n"
               "        it does return, from everything\n"
               "  waiting PARENT|CARD|VF\n"
               "        prints how many operations are in the driver now, because it is slow or hangs\n"
               "  lose-uevents COUNT\n"
               "        the next COUNT uevents reach nobody\n"
               "  delay-uevents MS\n"
               "        udev is that far behind the kernel\n"
               "  storm COUNT\n"
               "        so many uevents at once\n"
               "  record-lookups FILE\n"
               "        from now on, each name that is looked up in /sys and that the kernel does not\n"
               "        remember goes to the end of the file: PID NAME, and a NUL\n"
               "  daemon stop|start|restart|kill\n"
               "        stop: SIGTERM, and it stays down; kill: SIGKILL, after which it is started\n"
               "        again as after every crash. start, restart: until it has its name on the bus\n"
               "\n"
               "Cards, and their virtual functions (VF) with vendor VFIO:\n"
               "\n"
               "  add-card CARD:vfs=[off:]COUNT[,KEY=VALUE…][,TYPE=COUNT…]\n"
               "        a card appears, as with the option --card of the simulated host\n"
               "  delay CARD sriov_numvfs|types|sriov-manage|uevent MS\n"
               "  hang CARD sriov_numvfs|types|sriov-manage|uevent\n"
               "        a write to sriov_numvfs; the types, which come that much later than the functions;\n"
               "        NVIDIA's program; a read of `uevent`\n"
               "  fail CARD sriov_numvfs|sriov-manage|sriov-manage-quietly ERRNO [COUNT [SKIP]]\n"
               "        sriov-manage: it ends with status 1, and the card has no driver any more;\n"
               "        sriov-manage-quietly: it ends with status 0, and has done nothing\n"
               "  delay VF current_vgpu_type|create|remove|plugin|patience|wedge|read|write\n"
               "        MS\n"
               "  hang VF current_vgpu_type|create|remove|plugin|read|write\n"
               "        current_vgpu_type: between the checks of a write to it and what the write does;\n"
               "        create, remove: after that, when a type is written or a 0; plugin: from the end of\n"
               "        the function's user (at first 100 ms); patience: how long a clear waits for that\n"
               "        (at first 500 ms); wedge: a user that goes within MS wedges the function (see below);\n"
               "        read, write: of the files in nvidia/\n"
               "  fail VF create|remove|created|removed|FILE ERRNO [COUNT [SKIP]]\n"
               "        created, removed: the write fails although it has done what was written; FILE: one\n"
               "        in nvidia/\n"
               "  vgpu-list CARD normal|no-heading|heading|empty|active|name-first|strange\n"
               "        how creatable_vgpu_types looks: heading: alone; active: only the type that the\n"
               "        function has, if it has one; strange: with a line that cannot be read\n"
               "  mig CARD off|on|ready\n"
               "        on: there are no instances, so that no type can be created\n"
               "  wedge VF clear|guest\n"
               "        clear: a clear fails with EIO; guest: a type can be set, but the device cannot be\n"
               "        opened. Only when all functions of the card are made again it ends\n"
               "  reboot\n"
               "        of all cards: their users are killed, nothing hangs any more, and they have the\n"
               "        functions that they had at first, without types. The daemon is not restarted, and\n"
               "        mediated devices stay\n");
}

static int failed(const char *what, int r) {
        fprintf(stderr, "simctl: %s: %s\n", what, strerror(-r));
        return EXIT_FAILURE;
}

static int usage(void) {
        fprintf(stderr, "simctl: wrong arguments; see simctl --help\n");
        return 2;
}

static int ask(const char *path, const char *const *words, size_t n, Words *answer) {
        _cleanup_close_ int fd = -1;
        int r;

        fd = words_connect(path);
        if (fd < 0)
                return failed("not in a simulated host", fd);

        r = words_send(fd, words, n);
        if (r >= 0)
                r = words_receive(fd, answer);
        if (r >= 0 && answer->n == 0)
                r = -EBADMSG;
        if (r < 0)
                return failed(words[0], r);

        r = atoi(answer->words[0]);
        if (r > 0) {
                fprintf(stderr, "simctl: %s: %s\n", words[0],
                        answer->n > 1 && answer->words[1][0] ? answer->words[1] : strerror(r));
                return EXIT_FAILURE;
        }

        return EXIT_SUCCESS;
}

/* The options before SPEC become words after it. */
static int verb_add_parent(char **arguments, size_t n) {
        const char *words[WORDS_MAX] = {"add-parent", NULL};
        char types_after[64];
        size_t n_words = 2;
        Words answer;

        for (; n > 1 && n_words < WORDS_MAX && strncmp(arguments[0], "--", 2) == 0; arguments++, n--) {
                words[n_words++] = arguments[0] + 2;
                if (streq(arguments[0], "--types-after")) {
                        snprintf(types_after, sizeof(types_after), "types-after=%s", arguments[1]);
                        words[n_words - 1] = types_after;
                        arguments++;
                        n--;
                }
        }

        if (n != 1)
                return usage();

        words[1] = arguments[0];
        return ask(SYSFS_SOCKET, words, n_words, &answer);
}

static int parse_errno(const char *string) {
        char *end;
        long n;

        for (int i = 1; i < 134; i++) {
                const char *name = strerrorname_np(i);

                if (name && streq(name, string))
                        return i;
        }

        n = strtol(string, &end, 10);
        return *end || n <= 0 || n > 133 ? -EINVAL : (int) n;
}

static int verb_fail(char **arguments, size_t n) {
        const char *words[] = {"fail", arguments[0], arguments[1], NULL, "1", "0"};
        char number[12];
        Words answer;
        int error;

        error = parse_errno(arguments[2]);
        if (error < 0)
                return failed(arguments[2], error);

        snprintf(number, sizeof(number), "%d", error);
        words[3] = number;
        for (size_t i = 3; i < n; i++)
                words[i + 1] = arguments[i];
        return ask(SYSFS_SOCKET, words, ELEMENTSOF(words), &answer);
}

/* What a user of a device opens, and the request by which it gets the device, or 0. */
typedef struct Use {
        const char *device;
        char path[PATH_MAX];
        unsigned long command;
} Use;

static int use_cdev(const char *directory, Use *ret) {
        char path[PATH_MAX];
        _cleanup_closedir_ DIR *dir = NULL;
        struct dirent *entry;

        snprintf(path, sizeof(path), "%s/vfio-dev", directory);
        dir = opendir(path);
        while (dir && (entry = readdir(dir)))
                if (entry->d_name[0] != '.') {
                        snprintf(ret->path, sizeof(ret->path), "/dev/vfio/devices/%s", entry->d_name);
                        ret->command = VFIO_DEVICE_BIND_IOMMUFD;
                        return 0;
                }

        return dir ? -ENODEV : -errno;
}

static int use_group(const char *directory, Use *ret) {
        char link[PATH_MAX], target[PATH_MAX];
        ssize_t n;

        snprintf(link, sizeof(link), "%s/iommu_group", directory);
        n = readlink(link, target, sizeof(target) - 1);
        if (n < 0)
                return -errno;

        target[n] = '\0';
        snprintf(ret->path, sizeof(ret->path), "/dev/vfio/%s", strrchr(target, '/') + 1);
        ret->command = VFIO_GROUP_GET_DEVICE_FD;
        return 0;
}

/* A card has no such files. Its user has its memory open. */
static int use_find(const char *device, const char *option, Use *ret) {
        char directory[64], path[PATH_MAX];
        bool cdev = option && streq(option, "--cdev");
        int r;

        ret->device = device;
        snprintf(directory, sizeof(directory), "/sys/bus/mdev/devices/%s", device);
        if (access(directory, F_OK) < 0)
                snprintf(directory, sizeof(directory), "/sys/bus/pci/devices/%s", device);

        snprintf(path, sizeof(path), "%s/sriov_numvfs", directory);
        if (access(path, F_OK) >= 0) {
                snprintf(ret->path, sizeof(ret->path), "%s/resource0", directory);
                ret->command = 0;
                return 0;
        }

        r = cdev ? use_cdev(directory, ret) : use_group(directory, ret);
        if (option && streq(option, "--group-only"))
                ret->command = 0;
        return r;
}

/* Becomes the holder: opens the file, says through the pipe how that went, and waits to be ended. */
static void hold(const Use *use, int answer_fd) {
        int fd, r = 0;

        (void) prctl(PR_SET_NAME, "simctl-holder");
        (void) setsid();

        fd = open(use->path, O_RDWR | O_CLOEXEC);
        if (fd < 0 || (use->command > 0 && ioctl(fd, use->command, use->device) < 0))
                r = errno;
        if (write(answer_fd, &r, sizeof(r)) < 0 || r > 0)
                _exit(EXIT_FAILURE);

        close(answer_fd);
        fd = open("/dev/null", O_RDWR | O_CLOEXEC);
        for (int i = STDIN_FILENO; i <= STDERR_FILENO; i++)
                (void) dup2(fd, i);
        close(fd);
        for (;;)
                (void) pause();
}

/* A process of its own, as a VM is: it has the device open, and its death closes it. */
static int verb_hold(char **arguments, size_t n) {
        const char *option = n == 2 ? arguments[0] : NULL, *device = arguments[n - 1];
        int fds[2], r;
        pid_t pid;
        Use use;

        if (option && !streq(option, "--group-only") && !streq(option, "--cdev"))
                return usage();

        r = use_find(device, option, &use);
        if (r < 0)
                return failed(device, r);
        if (pipe(fds) < 0)
                return failed("pipe", -errno);

        pid = fork();
        if (pid < 0)
                return failed("fork", -errno);
        if (pid == 0)
                hold(&use, fds[1]);

        close(fds[1]);
        if (read(fds[0], &r, sizeof(r)) != sizeof(r))
                return failed(use.path, -EIO);
        if (r > 0)
                return failed(use.path, -r);

        printf("%d\n", pid);
        return EXIT_SUCCESS;
}

static int verb_waiting(char **arguments, size_t n) {
        const char *words[] = {"waiting", arguments[0]};
        Words answer;
        int r;

        r = ask(SYSFS_SOCKET, words, ELEMENTSOF(words), &answer);
        if (r == EXIT_SUCCESS)
                puts(answer.words[1]);
        return r;
}

static int verb_daemon(char **arguments, size_t n) {
        const char *words[] = {"daemon", arguments[0]};
        Words answer;
        int r;

        r = ask(INIT_SOCKET, words, ELEMENTSOF(words), &answer);
        if (r != EXIT_SUCCESS || (!streq(arguments[0], "start") && !streq(arguments[0], "restart")))
                return r;

        r = ready_wait(atoi(answer.words[1]));
        return r < 0 ? failed("the daemon has not taken its name on the bus", r) : EXIT_SUCCESS;
}

static const struct {
        const char *name;
        size_t n_min;
        size_t n_max;
        int (*verb)(char **arguments, size_t n); /* NULL: the arguments are sent as they are */
} verbs[] = {
        {"add-parent",     1, 6, verb_add_parent},
        {"remove-parent",  1, 1, NULL           },
        {"hold",           1, 2, verb_hold      },
        {"release",        1, 1, NULL           },
        {"delay",          3, 3, NULL           },
        {"fail",           3, 5, verb_fail      },
        {"hang",           2, 2, NULL           },
        {"resume",         1, 1, NULL           },
        {"waiting",        1, 1, verb_waiting   },
        {"lose-uevents",   1, 1, NULL           },
        {"delay-uevents",  1, 1, NULL           },
        {"storm",          1, 1, NULL           },
        {"record-lookups", 1, 1, NULL           },
        {"add-card",       1, 1, NULL           },
        {"vgpu-list",      2, 2, NULL           },
        {"mig",            2, 2, NULL           },
        {"wedge",          2, 2, NULL           },
        {"reboot",         0, 0, NULL           },
        {"daemon",         1, 1, verb_daemon    },
};

int main(int argc, char **argv) {
        size_t n = argc > 1 ? (size_t) argc - 2 : 0;
        Words answer;

        if (argc == 2 && (streq(argv[1], "--help") || streq(argv[1], "-h"))) {
                help();
                return EXIT_SUCCESS;
        }

        for (size_t i = 0; argc > 1 && i < ELEMENTSOF(verbs); i++) {
                if (!streq(verbs[i].name, argv[1]))
                        continue;
                if (n < verbs[i].n_min || n > verbs[i].n_max)
                        return usage();
                if (verbs[i].verb)
                        return verbs[i].verb(argv + 2, n);
                return ask(SYSFS_SOCKET, (const char *const *) argv + 1, n + 1, &answer);
        }

        return usage();
}
