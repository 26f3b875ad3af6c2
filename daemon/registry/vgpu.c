/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the daemon knows of each VF, and which messages from udev are about VFs. */

#include "daemon/registry/vgpu.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <systemd/sd-event.h>
#include <uthash.h>

#include "common/intent.h"
#include "common/io.h"
#include "common/root.h"
#include "common/sysfs-link.h"
#include "common/vgpu.h"
#include "daemon/base/timer.h"
#include "daemon/registry/device.h"
#include "daemon/registry/parent.h"
#include "daemon/registry/registry.h"
#include "daemon/registry/vgpu-names.h"

/* How long a removal takes before the device is shown as one that is being removed. Most removals end sooner, and a
 * device in use, which is tried again and again, is not being removed. */
#define STOPPING_USEC USEC_PER_SEC

/* What the daemon knows of a VF: parent->kept. */
struct vf {
        struct vgpu_note use;           /* its uuid is empty: it has no type */
        sd_event_source *watch;         /* hears of writes */
        uint64_t removing_since;        /* since when a worker removes the device; 0: it does not */
        sd_event_source *stopping_timer;        /* looks at the device when that takes long */
        bool orphaned;                  /* whether a worker of an earlier daemon may still be removing the device */
};

static struct vf *vf_of(const struct parent *parent) {
        return parent->kept;
}

/* Somebody has written to the file. mediated itself may have done so, and then this comes for nothing. */
static int on_write(sd_event_source *source, const struct inotify_event *event, void *userdata) {
        const struct parent *parent = userdata;

        if (event->len > 0 && streq(event->name, "current_vgpu_type"))
                parent_capacity_changed(parent->registry, parent->name);
        return 0;
}

/* The directory is watched and not the file, because a file system may have several inodes for a file. Without a watch,
 * a write of others is noticed when the types are read the next time. */
static void watch(struct parent *parent) {
        _cleanup_close_ int fd = -1;
        char path[PATH_MAX];

        if (snprintf(path, sizeof(path), "%s/nvidia", parent->path + 1) >= PATH_MAX)
                return;
        fd = openat(root_fd(), path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd >= 0)
                (void) sd_event_add_inotify_fd(parent->registry->event, &vf_of(parent)->watch, fd, IN_MODIFY, on_write,
                                               parent);
}

static int on_stopping(sd_event_source *source, uint64_t usec, void *userdata) {
        const struct parent *parent = userdata;

        if (*vf_of(parent)->use.uuid)
                (void) device_refresh(parent->registry, vf_of(parent)->use.uuid);
        return 0;
}

static struct vf *vf_free(struct vf *vf) {
        if (!vf)
                return NULL;
        sd_event_source_disable_unref(vf->watch);
        sd_event_source_disable_unref(vf->stopping_timer);
        free(vf);
        return NULL;
}

/* Returns NULL without memory. */
static struct vf *get_vf(struct parent *parent) {
        struct vf *vf = parent->kept;

        if (vf)
                return vf;
        vf = calloc(1, sizeof(*vf));
        if (!vf || timer_new(&vf->stopping_timer, parent->registry->event, "vgpu-stopping", PRIORITY_REQUESTS,
                             TIMER_EXACT_USEC, on_stopping, parent) < 0)
                return vf_free(vf);
        parent->kept = vf;
        watch(parent);
        return vf;
}

static bool holds(const struct parent *parent, const char *uuid) {
        return parent->kept && streq(vf_of(parent)->use.uuid, uuid);
}

static struct parent *find_holder(struct registry *registry, const char *uuid) {
        struct parent *parent, *next;

        HASH_ITER(hh, registry->parents, parent, next)
                if (holds(parent, uuid))
                        return parent;
        return NULL;
}

static void touch(struct registry *registry, const struct parent *parent) {
        if (parent->kept && *vf_of(parent)->use.uuid)
                registry_touch_device(registry, vf_of(parent)->use.uuid, NULL);
}

static int enumerate(struct registry *registry) {
        _cleanup_closedir_ DIR *dir = NULL;
        struct parent *parent, *next;
        struct sysfs_parent look;
        struct dirent *entry;
        int r;

        HASH_ITER(hh, registry->parents, parent, next)
                touch(registry, parent);

        r = open_directory_at(root_fd(), VGPU_PARENTS, &dir);
        /* A host without this bus. */
        if (r == -ENOENT)
                return 0;
        if (r < 0)
                return r;
        while ((entry = readdir(dir))) {
                if (entry->d_name[0] == '.')
                        continue;
                r = vgpu_look_at_parent(entry->d_name, &look);
                if (r >= 0)
                        registry_touch_parent(registry, entry->d_name);
                else if (is_shortage(r))
                        registry_look_again(registry);
        }
        return 0;
}

/* The card says with `change` that it has made virtual functions. */
static void touch_card(struct registry *registry, const char *name) {
        struct parent *parent, *next;

        HASH_ITER(hh, registry->parents, parent, next)
                if (parent->backend == &vgpu_backend && streq(parent->card, name))
                        registry_touch_parent(registry, parent->name);
}

static void on_uevent(struct registry *registry, sd_device *event) {
        const char *path, *subsystem, *name;
        struct sysfs_parent look;
        struct parent *parent;
        int r;

        if (sd_device_get_property_value(event, "DEVPATH", &path) < 0 ||
            sd_device_get_property_value(event, "SUBSYSTEM", &subsystem) < 0 || !streq(subsystem, "pci"))
                return;
        name = path_name(path);

        touch_card(registry, name);
        parent = parent_find(registry, name);
        if (parent)
                touch(registry, parent);
        r = vgpu_look_at_parent(name, &look);
        if (parent || r >= 0 || is_shortage(r))
                registry_touch_parent(registry, name);
}

static int lists_parent(const char *name) {
        struct sysfs_parent look;
        int r;

        r = sysfs_lists(VGPU_PARENTS, name);
        if (r <= 0)
                return r;
        r = vgpu_look_at_parent(name, &look);
        return is_shortage(r) ? r : r >= 0;
}

static bool has_type(const struct parent *parent, const char *type) {
        return mdev_types_find(&parent->types, type);
}

static int lists_device(struct registry *registry, const char *uuid) {
        return find_holder(registry, uuid) ? 1 : 0;
}

/* Whether a worker is about to write to the VF, or is in the driver. */
static bool is_locked(const struct parent *parent) {
        _cleanup_close_ int fd = -1;
        char path[PATH_MAX];

        if (vgpu_lock_path(parent->name, path) < 0)
                return false;
        fd = openat(root_fd(), path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

static enum device_state state_of(const struct vf *vf) {
        if (vf->use.wedged)
                return DEVICE_WEDGED;
        if (vf->orphaned)
                return DEVICE_STOPPING;
        return vf->removing_since > 0 && now_usec() - vf->removing_since >= STOPPING_USEC ? DEVICE_STOPPING
                                                                                           : DEVICE_ACTIVE;
}

static int look_at_device(struct registry *registry, const char *uuid, const char *path, struct sysfs_device *ret) {
        struct parent *parent = find_holder(registry, uuid);
        struct sysfs_parent look;
        int r;

        if (!parent)
                return -ENOENT;
        if (vf_of(parent)->orphaned && !is_locked(parent)) {
                vf_of(parent)->orphaned = false;
                parent_read_types(parent);
        }
        r = vgpu_look_at_parent(parent->name, &look);
        if (r < 0)
                return r;
        /* The VF was created or bound again, and the kernel has forgotten its type. */
        if (look.types_dev != parent->types_dev || look.types_inode != parent->types_inode)
                return -ENOENT;

        *ret = (struct sysfs_device) {
                .state = state_of(vf_of(parent)),
                .inode = vf_of(parent)->use.generation,
        };
        strcpy(ret->path, look.path);
        snprintf(ret->parent, sizeof(ret->parent), "%s", parent->name);
        vgpu_type(vf_of(parent)->use.number, ret->type);
        return 0;
}

static int device_path(const struct parent *parent, const char *uuid, char ret[static PATH_MAX]) {
        snprintf(ret, PATH_MAX, "%s", parent->path);
        return 0;
}

static int device_inode(struct registry *registry, const char *path, ino_t *ret) {
        const struct parent *parent = parent_find(registry, path_name(path));

        if (!parent || !parent->kept || !*vf_of(parent)->use.uuid)
                return -ENOENT;
        *ret = vf_of(parent)->use.generation;
        return 0;
}

static bool is_intact(const char *path) {
        struct sysfs_parent look;

        return vgpu_look_at_parent(path_name(path), &look) >= 0;
}

static void take_holds(struct parent *parent, const char *type) {
        struct registry *registry = parent->registry;
        struct vgpu_note use = {};
        char was[UUID_TEXT_SIZE];
        struct vf *vf = get_vf(parent);

        if (!vf || (vgpu_number(type) > 0 &&
                    vgpu_identify(parent->name, parent->types_inode, vgpu_number(type), &use) < 0))
                return registry_look_again(registry);

        strcpy(was, vf->use.uuid);
        vf->use = use;
        if (*was && !streq(was, use.uuid))
                (void) device_refresh(registry, was);
        if (*use.uuid)
                (void) device_refresh(registry, use.uuid);
}

static bool is_sibling(const struct parent *a, const struct parent *b) {
        return a != b && a->backend == b->backend && streq(a->card, b->card);
}

static int add_all(struct mdev_types *types, const struct mdev_types *more) {
        for (size_t i = 0; i < more->n; i++)
                if (mdev_types_add_full(types, more->items + i) < 0)
                        return -ENOMEM;
        return 0;
}

/* A VF of the card has a type that was not known. */
static int tell_siblings(struct parent *parent, const struct mdev_type *type) {
        struct parent *sibling, *next;
        int r;

        HASH_ITER(hh, parent->registry->parents, sibling, next) {
                r = is_sibling(sibling, parent) ? mdev_types_add_full(&sibling->types, type) : 0;
                if (r < 0)
                        return r;
                if (r > 0)
                        export_change(sibling->registry->exports, &sibling->export, "Types");
        }
        return 0;
}

/* A VF lists only the types that it could have now. All VFs of a card have the same types, so those that another one
 * lists, or that it has listed itself, are types without an available instance. */
static int complete_types(struct parent *parent, struct mdev_types *types) {
        const struct mdev_types *known = &parent->types;
        struct parent *sibling, *next;
        bool is_new = false;
        int r;

        HASH_ITER(hh, parent->registry->parents, sibling, next)
                if (known->n == 0 && is_sibling(sibling, parent))
                        known = &sibling->types;
        for (size_t i = 0; i < types->n; i++)
                if (!mdev_types_find(known, types->items[i].id)) {
                        is_new = true;
                        if (tell_siblings(parent, types->items + i) < 0)
                                return -ENOMEM;
                }
        r = known->n > 0 ? add_all(types, known) : vgpu_names_load(parent->card, types);
        if (r >= 0 && is_new)
                vgpu_names_store(parent->card, types);
        return r;
}

static void set_changing(struct parent *parent, bool changing, bool removes) {
        struct vf *vf = get_vf(parent);

        if (!vf)
                return;
        vf->removing_since = changing && removes ? now_usec() : 0;
        if (vf->removing_since > 0)
                timer_arm_at(vf->stopping_timer, vf->removing_since + STOPPING_USEC);
        else
                timer_disarm(vf->stopping_timer);
}

/* Until a worker has read the VF, a device that was noted counts as being there: whoever asks a daemon that has just
 * started finds it, and its UUID is not given to another one. A create that was not acknowledged may have made nothing,
 * so its note does not count. */
static void recall(struct parent *parent) {
        _cleanup_intent_ struct intent intent = {};
        struct vf *vf = get_vf(parent);
        struct vgpu_note use;

        if (!vf || vgpu_note_load(parent->name, parent->types_inode, &use) < 0)
                return registry_look_again(parent->registry);
        if (!*use.uuid || intent_load(use.uuid, &intent) >= 0)
                return;
        vf->use = use;
        /* No worker of this daemon has begun yet. */
        vf->orphaned = is_locked(parent);
        (void) device_refresh(parent->registry, use.uuid);
}

static void forget_parent(struct parent *parent) {
        parent->kept = vf_free(parent->kept);
}

static void explain_wedged(const struct device *device, char *ret, size_t size) {
        (void) snprintf(ret, size, VGPU_WEDGED, device->parent);
}

const struct backend vgpu_backend = {
        .name = VGPU_BACKEND,
        .enumerate = enumerate,
        .on_uevent = on_uevent,
        .lists_parent = lists_parent,
        .look_at_parent = vgpu_look_at_parent,
        .has_type = has_type,
        .lists_device = lists_device,
        .look_at_device = look_at_device,
        .device_path = device_path,
        .device_inode = device_inode,
        .take_holds = take_holds,
        .complete_types = complete_types,
        .set_changing = set_changing,
        .recall = recall,
        .forget_parent = forget_parent,
        .is_intact = is_intact,
        .is_named_in_definitions = true,
        .fresh_usec = USEC_PER_SEC,
        .has_one_device = true,
        .explain_wedged = explain_wedged,
};
