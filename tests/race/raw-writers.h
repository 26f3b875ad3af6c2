/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Processes that know nothing of the daemon: they create and remove by sysfs, and open VFIO groups, whenever they
 * are allowed to.
 *
 * They are polite: a removal is written only to the file of a device that was complete, as KERNEL.md says. In the
 * kernel's last gap, between the link `mdev_type` and `active`, such a write can wedge a device all the same; the
 * writer knows, because it gets EAGAIN. The rude ones write to `remove` as soon as it is there. */

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

#define SLOTS_MAX 64
#define WRITERS_MAX 16

/* In memory that all processes share. */
struct raw_slot {
        char uuid[37];
        atomic_bool allowed;
        atomic_ulong begun, ended; /* writes; equal: nobody is at it */
        atomic_ulong wedged;       /* by one of them, since `allowed` */
};

enum raw_count {
        RAW_CREATED,
        RAW_CREATE_EXISTS,
        RAW_CREATE_FAILED,
        RAW_REMOVED,
        RAW_REMOVE_LATE, /* somebody else was first */
        RAW_REMOVE_EAGAIN,
        RAW_REMOVE_FAILED,
        RAW_HELD,
        RAW_HOLD_BUSY,
        _RAW_COUNT_MAX,
};

struct raw {
        struct raw_slot slots[SLOTS_MAX];
        unsigned int n_slots;
        atomic_ulong counts[_RAW_COUNT_MAX];
        const char *const *parents;
        const char *const *types;
        unsigned int n_parents;
        bool rude;
};

const char *raw_count_to_string(enum raw_count count);

/** raw_new() - the shared memory, or NULL. */
struct raw *raw_new(void);

/** raw_start() - a process that writes until it is killed. Returns its pid or a negative errno. */
pid_t raw_start(struct raw *raw, unsigned long seed);

/** raw_is_idle() - nobody writes and nobody will begin, once it is no longer allowed. */
bool raw_is_idle(const struct raw_slot *slot);
