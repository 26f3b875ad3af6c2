/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The table of devices, in which each UUID is once, as in the kernel. */

#include "daemon/registry/device.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <utlist.h>

#include "common/bus-names.h"
#include "common/io.h"
#include "common/message-ids.h"
#include "common/root.h"
#include "daemon/base/log.h"
#include "daemon/registry/backend.h"
#include "daemon/registry/parent.h"
#include "daemon/registry/registry.h"

static const char *const states[_DEVICE_STATE_MAX] = {
        [DEVICE_STARTING] = "starting",
        [DEVICE_ACTIVE] = "active",
        [DEVICE_STOPPING] = "stopping",
        [DEVICE_WEDGED] = "wedged",
};

const char *device_state_to_string(enum device_state state) {
        assert(state < _DEVICE_STATE_MAX);
        return states[state];
}

struct device *device_find(struct registry *registry, const char *uuid) {
        struct device *device;

        HASH_FIND_STR(registry->devices, uuid, device);
        return device;
}

/* A device is of the first kind that finds it. Where a known device was seen means nothing to other kinds. */
static int look_at(struct registry *registry, const char *uuid, const char *path, const struct backend **ret_backend,
                   struct sysfs_device *ret) {
        const struct device *device = device_find(registry, uuid);
        int r = -ENOENT;

        for (size_t i = 0; registry->backends[i] && r < 0 && !is_shortage(r); i++) {
                const struct backend *backend = registry->backends[i];

                *ret_backend = backend;
                r = backend->look_at_device(registry, uuid, device && device->backend != backend ? NULL : path, ret);
        }
        return r;
}

static int lists(struct registry *registry, const char *uuid) {
        int r = 0;

        for (size_t i = 0; registry->backends[i] && r <= 0 && !is_shortage(r); i++)
                r = registry->backends[i]->lists_device(registry, uuid);
        return r;
}

int device_group(struct registry *registry, const char *uuid, char *ret, size_t size) {
        const struct device *device = device_find(registry, uuid);
        const struct backend *backend;
        char link[PATH_MAX];
        struct sysfs_device look;
        int r;

        r = device ? 0 : look_at(registry, uuid, NULL, &backend, &look);
        if (r < 0)
                return r;
        if (snprintf(link, sizeof(link), "%s/iommu_group", (device ? device->path : look.path) + 1) >= PATH_MAX)
                return -ENAMETOOLONG;
        return readlink_name_at(root_fd(), link, ret, size);
}

/* The kernel makes `dev` for a character device only, and vfio-dev/vfioN also without one. */
static int find_vfio_name(const struct device *device, char ret[static SYSFS_NAME_SIZE]) {
        char path[PATH_MAX];
        struct stat st;
        int n, r;

        n = snprintf(path, sizeof(path), "%s/vfio-dev", device->path + 1);
        if (n >= PATH_MAX)
                return -ENAMETOOLONG;
        r = first_entry_at(root_fd(), path, ret, SYSFS_NAME_SIZE);
        if (r < 0)
                return r;
        if (snprintf(path + n, sizeof(path) - (size_t) n, "/%s/dev", ret) >= PATH_MAX - n)
                return -ENAMETOOLONG;
        return fstatat(root_fd(), path, &st, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

/* Keeps the name that was found, or "" when it is certain that there is none. */
static const char *keep_name(char **kept, int r, const char *name) {
        if (!is_shortage(r)) {
                free(*kept);
                *kept = strdup(r < 0 ? "" : name);
        }
        return *kept ? *kept : "";
}

/* A client that asks again and again for the properties of all devices makes the daemon read each directory only once
 * between two uevents of the device. */
const char *device_vfio_name(struct device *device) {
        char name[SYSFS_NAME_SIZE];

        if (device->vfio_name || device->state != DEVICE_ACTIVE)
                return device->vfio_name ? device->vfio_name : "";
        return keep_name(&device->vfio_name, find_vfio_name(device, name), name);
}

const char *device_group_name(struct device *device) {
        char name[SYSFS_NAME_SIZE];

        if (device->group_name && device->state == DEVICE_ACTIVE)
                return device->group_name;
        return keep_name(&device->group_name,
                         device_group(device->registry, device->uuid, name, sizeof(name)), name);
}

/* They change when the device gets another driver, or none. */
static void forget_names(struct device *device) {
        free(TAKE_PTR(device->vfio_name));
        free(TAKE_PTR(device->group_name));
}

bool device_is_in_transition(const struct device *device) {
        return device->state == DEVICE_STARTING || device->state == DEVICE_STOPPING;
}

const char *device_explain_wedged(const struct device *device) {
        static char text[512];

        device->backend->explain_wedged(device, text, sizeof(text));
        return text;
}

uint64_t device_grace_usec(const struct device *device) {
        uint64_t age = now_usec() - device->complete_since, grace = device->backend->grace_usec;

        return device->complete_since > 0 && age < grace ? grace - age : 0;
}

static struct device *device_free(struct device *device) {
        if (!device)
                return NULL;

        assert(!device->prev && !device->hh.tbl);
        export_remove(device->registry->exports, &device->export);
        attributes_clear(&device->attributes);
        failure_clear(&device->error);
        free(device->parent);
        free(device->path);
        forget_names(device);
        free(device->type);
        free(device);
        return NULL;
}
DEFINE_CLEANUP_FUNC(struct device *, device_free)

static void watch(struct device *device) {
        assert(device->hh.tbl);
        if (device->prev)
                return;
        device->transition_since = now_usec();
        DL_APPEND(device->registry->transitions, device);
        registry_watch_transitions(device->registry);
}

static void unwatch(struct device *device) {
        if (!device->prev)
                return;
        DL_DELETE(device->registry->transitions, device);
        device->prev = NULL;
}

static void unlink_device(struct device *device) {
        assert(device->hh.tbl);
        unwatch(device);
        HASH_DEL(device->registry->devices, device);
        device->hh.tbl = NULL;
}

void device_forget(struct device *device) {
        unlink_device(device);
        device_free(device);
}

static void device_gone(struct device *device) {
        const struct registry *registry = device->registry;

        unlink_device(device);
        if (registry->observer->device_gone)
                registry->observer->device_gone(device, registry->userdata);
        device_free(device);
}

static struct device *device_new(struct registry *registry, const char *uuid, const struct backend *backend,
                                 const struct sysfs_device *look) {
        _cleanup_(device_freep) struct device *device = NULL;
        char *path;

        assert(uuid_is_normal(uuid) && !device_find(registry, uuid));

        device = calloc(1, sizeof(*device));
        if (!device)
                return NULL;

        device->registry = registry;
        device->backend = backend;
        strcpy(device->uuid, uuid);
        device->inode = look->inode;
        device->parent = strdup(look->parent);
        device->path = strdup(look->path);
        device->state = _DEVICE_STATE_MAX;
        if (!device->parent || !device->path || sd_bus_path_encode(BUS_DEVICE_PATH, uuid, &path) < 0 ||
            export_add(registry->exports, &device->export, path, BUS_DEVICE, device) < 0)
                return NULL;
        HASH_ADD_STR(registry->devices, uuid, device);
        return device->hh.tbl ? TAKE_PTR(device) : NULL;
}

static enum device_state judge(struct device *device, const struct sysfs_device *look) {
        uint64_t t = now_usec();

        if (look->state != DEVICE_WEDGED || !device->backend->looks_wedged_in_removal) {
                device->limbo_since = 0;
                return look->state;
        }
        if (device->limbo_since == 0)
                device->limbo_since = t;
        return t - device->limbo_since >= DEVICE_WEDGED_USEC ? DEVICE_WEDGED : DEVICE_STOPPING;
}

/* Returns 0 or -ENOMEM. */
static int set_type(struct device *device, const char *type) {
        char *copy;

        /* While the device is being removed, its link is gone already, but the type is still known. */
        if (!*type || (device->type && streq(device->type, type)))
                return 0;

        copy = strdup(type);
        if (!copy)
                return -ENOMEM;
        free(device->type);
        device->type = copy;
        export_change(device->registry->exports, &device->export, "Type");
        return 0;
}

void device_set_defined(struct device *device, bool defined) {
        if (device->defined == defined)
                return;
        device->defined = defined;
        export_change(device->registry->exports, &device->export, "Defined");
        export_change(device->registry->exports, &device->export, "Definition");
}

void device_set_error(struct device *device, const struct failure *error) {
        if (!error && device->error.code == FAILURE_NONE)
                return;
        failure_copy(error, &device->error);
        export_change(device->registry->exports, &device->export, "Error");
}

void device_set_removing(struct device *device, bool removing) {
        if (removing)
                watch(device);
        else if (!device_is_in_transition(device))
                unwatch(device);
}

static void set_state(struct device *device, enum device_state state) {
        struct registry *registry = device->registry;

        assert(state < _DEVICE_STATE_MAX && device->hh.tbl);
        if (device->state == state)
                return;

        if (state == DEVICE_ACTIVE && device->state == DEVICE_STARTING)
                device->complete_since = now_usec();
        device->state = state;
        export_change(registry->exports, &device->export, "State");
        if (registry->observer->device_changed)
                registry->observer->device_changed(device, registry->userdata);
        if (state == DEVICE_ACTIVE && registry->settled)
                parent_capacity_changed(registry, device->parent);

        if (device_is_in_transition(device))
                watch(device);
        else
                unwatch(device);

        if (state == DEVICE_WEDGED)
                log_full(LOG_WARNING, 0,
                         (struct log_fields) {
                                 .message_id = MESSAGE_DEVICE_WEDGED,
                                 .uuid = device->uuid,
                                 .parent = device->parent,
                         },
                         "Device %s is wedged: %s", device->uuid, device_explain_wedged(device));
}

/* Takes what was seen over; @look is NULL when there is no such device. */
static struct device *device_update(struct registry *registry, const char *uuid, const struct backend *backend,
                                    const struct sysfs_device *look) {
        struct device *device = device_find(registry, uuid);
        bool is_new;

        /* Another directory is another device, also when nobody has seen the first one go. */
        if (device && (!look || device->backend != backend || device->inode != look->inode)) {
                parent_capacity_changed(registry, device->parent);
                device_gone(device);
                device = NULL;
        }
        if (!look)
                return NULL;

        is_new = !device;
        if (is_new) {
                device = device_new(registry, uuid, backend, look);
                if (!device) {
                        registry_look_again(registry);
                        return NULL;
                }
        }

        forget_names(device);
        if (set_type(device, look->type) < 0) {
                registry_look_again(registry);
                if (!is_new)
                        return device;
                device_forget(device);
                return NULL;
        }
        set_state(device, judge(device, look));
        /* A device that is complete when it is seen for the first time may have become so just now. */
        if (is_new && device->state == DEVICE_ACTIVE && registry->settled)
                device->complete_since = now_usec();
        return device;
}

struct device *device_refresh(struct registry *registry, const char *uuid) {
        return device_refresh_at(registry, uuid, NULL);
}

struct device *device_look_for(struct registry *registry, const char *uuid) {
        int r = device_find(registry, uuid) ? 1 : lists(registry, uuid);

        if (is_shortage(r))
                registry_look_again(registry);
        return r > 0 ? device_refresh(registry, uuid) : NULL;
}

struct device *device_refresh_at(struct registry *registry, const char *uuid, const char *path) {
        struct device *device = device_find(registry, uuid);
        const struct backend *backend = NULL;
        struct sysfs_device look;
        int r;

        r = look_at(registry, uuid, device ? device->path : path, &backend, &look);
        if (is_shortage(r)) {
                registry_look_again(registry);
                return device;
        }
        return device_update(registry, uuid, backend, r < 0 ? NULL : &look);
}

struct device *device_confirm(struct registry *registry, const char *uuid) {
        struct device *device = device_find(registry, uuid);
        ino_t inode;

        if (device && device->state == DEVICE_ACTIVE &&
            device->backend->device_inode(registry, device->path, &inode) >= 0 && inode == device->inode &&
            device->backend->is_intact(device->path))
                return device;

        return device_look_for(registry, uuid);
}

void device_removed(struct registry *registry, const char *uuid, ino_t inode) {
        struct device *device = device_find(registry, uuid);

        if (device && device->inode == inode)
                (void) device_update(registry, uuid, NULL, NULL);
}

struct device *device_created(struct registry *registry, const char *uuid, const char *parent_name, const char *type) {
        struct parent *parent = parent_find(registry, parent_name);
        struct sysfs_device look = { .state = DEVICE_ACTIVE };
        struct device *device = device_find(registry, uuid);

        /* Somebody has begun to remove it before its creation was reported. If its last uevent has been heard already,
         * only looking again and again shows when it is gone. */
        if (device && (device->state == DEVICE_STOPPING || device->state == DEVICE_WEDGED))
                return device_refresh(registry, uuid);
        if (!parent || strlen(type) >= sizeof(look.type) ||
            parent->backend->device_path(parent, uuid, look.path) < 0)
                return device_refresh(registry, uuid);

        snprintf(look.parent, sizeof(look.parent), "%s", parent->name);
        strcpy(look.type, type);
        /* device_check_created() asks for the inode. It costs a look-up, and nobody needs it before the answer. */
        look.inode = device ? device->inode : 0;
        device = device_update(registry, uuid, parent->backend, &look);
        if (device)
                device->complete_since = 0;
        return device;
}

void device_check_created(struct registry *registry, const char *uuid) {
        struct device *device = device_find(registry, uuid);
        ino_t inode;

        if (!device)
                return;
        if (device->backend->device_inode(registry, device->path, &inode) < 0 ||
            (device->inode && device->inode != inode)) {
                (void) device_refresh(registry, uuid);
                return;
        }
        device->inode = inode;
        /* If somebody has begun to remove it, its last uevent may have been heard after its link had gone, so that it
         * was not found. Therefore it is looked at; as a rule that is the look that the uevents of its creation ask
         * for. */
        registry_touch_device(registry, uuid, device->path);
}
