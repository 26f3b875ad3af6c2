/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/race/raw-writers.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "common/macro.h"

#define PAUSE_USEC_MAX 3000
#define HOLD_USEC_MAX 10000

const char *raw_count_to_string(enum raw_count count) {
        static const char *const names[_RAW_COUNT_MAX] = {
                [RAW_CREATED] = "raw.create.success",      [RAW_CREATE_EXISTS] = "raw.create.EEXIST",
                [RAW_CREATE_FAILED] = "raw.create.failed", [RAW_REMOVED] = "raw.remove.success",
                [RAW_REMOVE_LATE] = "raw.remove.late",     [RAW_REMOVE_EAGAIN] = "raw.remove.EAGAIN",
                [RAW_REMOVE_FAILED] = "raw.remove.failed", [RAW_HELD] = "raw.hold.success",
                [RAW_HOLD_BUSY] = "raw.hold.EBUSY",
        };

        return names[count];
}

struct raw *raw_new(void) {
        struct raw *raw;

        raw = mmap(NULL, sizeof(*raw), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        return raw == MAP_FAILED ? NULL : raw;
}

bool raw_is_idle(const struct raw_slot *slot) {
        return atomic_load(&slot->begun) == atomic_load(&slot->ended);
}

static void count(struct raw *raw, enum raw_count which) {
        atomic_fetch_add(&raw->counts[which], 1);
}

static int write_at(int dir_fd, const char *name, const char *text) {
        _cleanup_close_ int fd = -1;

        fd = openat(dir_fd, name, O_WRONLY | O_CLOEXEC);
        if (fd < 0 || write(fd, text, strlen(text)) < 0)
                return -errno;
        return 0;
}

static int open_device(const struct raw_slot *slot) {
        char path[PATH_MAX];

        snprintf(path, sizeof(path), "/sys/bus/mdev/devices/%s", slot->uuid);
        return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static void create(struct raw *raw, struct raw_slot *slot, unsigned int parent) {
        char path[PATH_MAX];
        int r;

        snprintf(path, sizeof(path), "/sys/class/mdev_bus/%s/mdev_supported_types/%s/create", raw->parents[parent],
                 raw->types[parent]);
        r = write_at(AT_FDCWD, path, slot->uuid);
        count(raw, r >= 0 ? RAW_CREATED : r == -EEXIST ? RAW_CREATE_EXISTS : RAW_CREATE_FAILED);
}

static void remove_device(struct raw *raw, struct raw_slot *slot) {
        _cleanup_close_ int device_fd = -1;
        struct stat st;
        int r;

        /* All by the directory: a device that comes later is another one. */
        device_fd = open_device(slot);
        if (device_fd < 0 || (!raw->rude && fstatat(device_fd, "mdev_type", &st, AT_SYMLINK_NOFOLLOW) < 0))
                return;

        r = write_at(device_fd, "remove", "1");
        if (r == -EAGAIN)
                atomic_fetch_add(&slot->wedged, 1);
        count(raw, r >= 0                                         ? RAW_REMOVED
                   : r == -ENOENT || r == -ENODEV || r == -EACCES ? RAW_REMOVE_LATE
                   : r == -EAGAIN                                 ? RAW_REMOVE_EAGAIN
                                                                  : RAW_REMOVE_FAILED);
}

static void hold(struct raw *raw, struct raw_slot *slot, useconds_t usec) {
        _cleanup_close_ int device_fd = -1, group_fd = -1;
        char link[PATH_MAX], path[PATH_MAX];
        ssize_t n;

        device_fd = open_device(slot);
        n = device_fd < 0 ? -1 : readlinkat(device_fd, "iommu_group", link, sizeof(link) - 1);
        if (n < 0)
                return;
        link[n] = '\0';
        snprintf(path, sizeof(path), "/dev/vfio/%.32s", strrchr(link, '/') ? strrchr(link, '/') + 1 : link);

        group_fd = open(path, O_RDWR | O_CLOEXEC);
        if (group_fd < 0 && errno != EBUSY)
                return;
        count(raw, group_fd >= 0 ? RAW_HELD : RAW_HOLD_BUSY);
        if (group_fd >= 0)
                (void)usleep(usec);
}

static void write_once(struct raw *raw, struct raw_slot *slot, unsigned short random[3]) {
        long what = nrand48(random) % 8;
        unsigned int parent = (unsigned int)nrand48(random) % raw->n_parents;
        useconds_t usec = (useconds_t)(nrand48(random) % HOLD_USEC_MAX);

        atomic_fetch_add(&slot->begun, 1);
        if (atomic_load(&slot->allowed)) {
                if (what < 4)
                        create(raw, slot, parent);
                else if (what < 7)
                        remove_device(raw, slot);
                else
                        hold(raw, slot, usec);
        }
        atomic_fetch_add(&slot->ended, 1);
}

pid_t raw_start(struct raw *raw, unsigned long seed) {
        unsigned short random[3] = {(unsigned short)seed, (unsigned short)(seed >> 16),
                                    (unsigned short)(seed >> 32)};
        pid_t pid;

        pid = fork();
        if (pid != 0)
                return pid < 0 ? -errno : pid;

        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;) {
                struct raw_slot *slot = raw->slots + (unsigned long)nrand48(random) % raw->n_slots;

                if (atomic_load(&slot->allowed))
                        write_once(raw, slot, random);
                (void)usleep((useconds_t)(nrand48(random) % PAUSE_USEC_MAX));
        }
}
