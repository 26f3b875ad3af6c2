/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The file systems of a simulated host: what it may write to is its own, the rest is the real host's. */

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <pwd.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "tests/simulator/mounts.h"
#include "tests/simulator/process.h"
#include "tests/simulator/words.h"

#define NEW_DEV SIMULATOR_DIRECTORY "/dev"
#define SERVICES "/usr/share/dbus-1/system-services"
#define POLKIT_SERVICE "org.freedesktop.PolicyKit1.service"
#define POLKIT_ACTIONS "/usr/share/polkit-1/actions"

static const struct {
        const char *name;
        unsigned major;
        unsigned minor;
} devices[] = {
        {"null", 1, 3}, {"zero", 1, 5}, {"full", 1, 7},  {"random", 1, 8},
        {"urandom", 1, 9}, {"tty", 5, 0}, {"ptmx", 5, 2}, {"fuse", 10, 229},
};

static const struct {
        const char *target;
        const char *name;
} device_links[] = {
        {"/proc/self/fd", "fd"},
        {"/proc/self/fd/0", "stdin"},
        {"/proc/self/fd/1", "stdout"},
        {"/proc/self/fd/2", "stderr"},
};

static int failed(const char *what) {
        int r = -errno;

        fprintf(stderr, "simulate: %s: %s\n", what, strerror(errno));
        return r;
}

static int make_directory(const char *path) {
        return mkdir(path, 0755) < 0 && errno != EEXIST ? failed(path) : 0;
}

static int mount_new(const char *type, const char *path, const char *data) {
        return mount(type, path, type, MS_NOSUID, data) < 0 ? failed(path) : 0;
}

static int bind_mount(const char *source, const char *path) {
        return mount(source, path, NULL, MS_BIND | MS_REC, NULL) < 0 ? failed(path) : 0;
}

/* What is written to it stays in the host. */
static int mount_overlay(const char *path, const char *name) {
        char upper[PATH_MAX], data[PATH_MAX * 3 + 64];
        int r;

        snprintf(upper, sizeof(upper), SIMULATOR_DIRECTORY "/%s", name);
        r = make_directory(upper);
        if (r < 0)
                return r;

        snprintf(data, sizeof(data), "lowerdir=%s,upperdir=%s/upper,workdir=%s/work", path, upper, upper);
        for (size_t i = 0; i < 2; i++) {
                char directory[PATH_MAX + 8];

                snprintf(directory, sizeof(directory), "%s/%s", upper, i == 0 ? "upper" : "work");
                r = make_directory(directory);
                if (r < 0)
                        return r;
        }

        return mount_new("overlay", path, data);
}

/* Copies what matches to a directory; nothing that matches is no error. */
static int copy_matching(const char *directory, const char *pattern, const char *target) {
        char path[PATH_MAX], *arguments[64] = {(char *) "cp", (char *) "-aL", (char *) "-t", (char *) target};
        glob_t found = {0};
        size_t n = 4;
        int r;

        snprintf(path, sizeof(path), "%s/%s", directory, pattern);
        if (glob(path, 0, NULL, &found) != 0)
                return 0;

        for (size_t i = 0; i < found.gl_pathc && n + 1 < ELEMENTSOF(arguments); i++)
                arguments[n++] = found.gl_pathv[i];

        r = process_run(arguments);
        globfree(&found);
        return r;
}

/* libsystemd believes that udev runs where there is its control socket. */
static int prepare_run(void) {
        static const char *const directories[] = {
                "/run/dbus", "/run/lock", "/run/udev", "/run/mediated", SIMULATOR_DIRECTORY,
        };
        struct passwd *messagebus;
        int r, fd;

        r = mount_new("tmpfs", "/run", "mode=0755");
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(directories); i++)
                r = make_directory(directories[i]);
        if (r < 0)
                return r;

        messagebus = getpwnam("messagebus");
        if (!messagebus || chown("/run/dbus", messagebus->pw_uid, messagebus->pw_gid) < 0)
                return failed("/run/dbus");

        fd = open("/run/udev/control", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0)
                return failed("/run/udev/control");
        close(fd);
        return 0;
}

static int prepare_definitions(int fd) {
        /* mdevctl does nothing without them */
        static const char *const script_directories[] = {
                "/etc/mdevctl.d/scripts.d",
                "/etc/mdevctl.d/scripts.d/callouts",
                "/etc/mdevctl.d/scripts.d/notifiers",
        };
        char source[64];
        char *arguments[] = {(char *) "cp", (char *) "-a", source, (char *) "/etc/mdevctl.d/", NULL};
        int r;

        r = make_directory("/etc/mdevctl.d");
        if (r >= 0)
                r = mount_new("tmpfs", "/etc/mdevctl.d", "mode=0755");
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(script_directories); i++)
                r = make_directory(script_directories[i]);
        if (r < 0 || fd < 0)
                return r;

        snprintf(source, sizeof(source), "/proc/self/fd/%d/.", fd);
        r = process_run(arguments);
        close(fd);
        return r;
}

/* Nothing of the real host's is started on the bus. */
static int prepare_bus(const Options *options) {
        _cleanup_close_ int services = -1;
        char directory[PATH_MAX], polkit[64];
        int r;

        services = open(SERVICES, O_RDONLY | O_DIRECTORY);
        if (services < 0)
                return failed(SERVICES);

        r = mount_new("tmpfs", SERVICES, "mode=0755");
        if (r >= 0 && options->polkit) {
                snprintf(polkit, sizeof(polkit), "/proc/self/fd/%d", services);
                r = copy_matching(polkit, POLKIT_SERVICE, SERVICES);
        }

        snprintf(directory, sizeof(directory), "%s/dbus", options->source);
        if (r >= 0)
                r = copy_matching(directory, "*.conf", "/etc/dbus-1/system.d/");
        if (r >= 0 && access(POLKIT_ACTIONS, F_OK) == 0) {
                r = mount_overlay(POLKIT_ACTIONS, "polkit-actions");
                if (r >= 0)
                        r = copy_matching(directory, "*.policy", POLKIT_ACTIONS);
        }

        return r;
}

/* Makes a link in a directory that the real host need not have: the nearest one that it has becomes writable. */
static int install_link(const char *target, const char *directory, const char *name, const char *overlay) {
        char lower[PATH_MAX], link[PATH_MAX], *slash;
        char *make_directories[] = {(char *) "mkdir", (char *) "-p", (char *) directory, NULL};
        char *make_link[] = {(char *) "ln", (char *) "-sf", (char *) target, link, NULL};
        int r;

        snprintf(link, sizeof(link), "%s/%s", directory, name);
        snprintf(lower, sizeof(lower), "%s", directory);
        while (access(lower, F_OK) < 0 && (slash = strrchr(lower, '/')) > lower)
                *slash = '\0';

        r = mount_overlay(lower, overlay);
        if (r >= 0)
                r = process_run(make_directories);
        if (r >= 0)
                r = process_run(make_link);
        return r;
}

/* The daemon starts the worker that is installed. Here that is the one that has just been built. */
static int prepare_worker(const Options *options) {
        char worker[PATH_MAX], real[PATH_MAX];

        snprintf(worker, sizeof(worker), "%s/worker/mediated-worker", options->build);
        /* An installed simulator uses what is installed. */
        if (realpath(worker, real) && streq(real, LIBEXECDIR "/mediated-worker"))
                return 0;

        return install_link(worker, LIBEXECDIR, "mediated-worker", "libexec");
}

/* NVIDIA's program is where its driver installs it. */
static int prepare_cards(const Options *options) {
        char program[PATH_MAX];

        if (options->n_cards == 0)
                return 0;

        snprintf(program, sizeof(program), "%s/tests/simulator/sriov-manage", options->build);
        return install_link(program, "/usr/lib/nvidia", "sriov-manage", "usr-lib-nvidia");
}

/* /dev of its own, because /dev/vfio must not appear in the real one, which all namespaces share. */
static int prepare_dev(void) {
        char path[PATH_MAX];
        int r;

        r = make_directory(NEW_DEV);
        if (r >= 0 && mount("tmpfs", NEW_DEV, "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=0755") < 0)
                r = failed(NEW_DEV);
        if (r < 0)
                return r;

        umask(0);
        for (size_t i = 0; i < ELEMENTSOF(devices); i++) {
                snprintf(path, sizeof(path), NEW_DEV "/%s", devices[i].name);
                if (mknod(path, S_IFCHR | 0666, makedev(devices[i].major, devices[i].minor)) < 0)
                        return failed(path);
        }
        umask(022);

        for (size_t i = 0; i < ELEMENTSOF(device_links); i++) {
                snprintf(path, sizeof(path), NEW_DEV "/%s", device_links[i].name);
                if (symlink(device_links[i].target, path) < 0)
                        return failed(path);
        }

        r = make_directory(NEW_DEV "/pts");
        if (r >= 0)
                r = make_directory(NEW_DEV "/shm");
        if (r >= 0)
                r = make_directory(NEW_DEV "/vfio");
        if (r >= 0)
                r = bind_mount("/dev/pts", NEW_DEV "/pts");
        if (r >= 0)
                r = mount_new("tmpfs", NEW_DEV "/shm", "mode=1777");
        if (r >= 0 && mount(NEW_DEV, "/dev", NULL, MS_MOVE, NULL) < 0)
                r = failed("/dev");
        return r;
}

/* All that can be done before there is a /sys. Called in process 1, which has its own PID namespace only. */
int mounts_prepare(const Options *options) {
        int r;

        if (unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWCGROUP) < 0)
                return failed("cannot make namespaces");
        if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
                return failed("/");

        r = mount_new("proc", "/proc", NULL);
        if (r >= 0)
                r = prepare_run();
        if (r >= 0)
                r = mount_overlay("/etc", "etc");
        if (r >= 0)
                r = prepare_definitions(options->definitions_fd);
        if (r >= 0)
                r = prepare_worker(options);
        if (r >= 0)
                r = prepare_cards(options);
        if (r >= 0)
                r = prepare_bus(options);
        if (r >= 0)
                r = prepare_dev();
        return r;
}

/* What needs the simulated /sys to be there. */
int mounts_in_sys(void) {
        int r;

        r = bind_mount("/sys/.dev-vfio", "/dev/vfio");
        if (r >= 0)
                r = mount_new("cgroup2", "/sys/fs/cgroup", NULL);
        return r;
}
