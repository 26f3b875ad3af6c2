/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The place of a device or a definition. */

#include "client/mediatectl/place.h"

#include <errno.h>
#include <fcntl.h>

#include "client/output/tell.h"
#include "client/shared/suggest.h"
#include "common/io.h"
#include "common/sysfs.h"

/* How many types a message lists. A graphics card has some 30 of them. */
#define TYPES_LISTED_MAX 12

/* How many typing errors a guess may assume. It is less than in a verb, because a parent may well not be there yet. */
#define EDITS_MAX(name) (strlen(name) < 6 ? 1 : strlen(name) / 3)

bool place_has_type(const struct lists *lists, const char *parent, const char *type) {
        for (size_t i = 0; i < lists->types.n; i++)
                if (streq(lists->types.items[i].parent, parent) && streq(lists->types.items[i].type, type))
                        return true;
        return false;
}

char *place_types(const struct lists *lists, const char *parent) {
        char *text = NULL;
        size_t size, n = 0;
        FILE *file = open_memstream(&text, &size);

        if (!file)
                return NULL;
        for (size_t i = 0; i < lists->types.n; i++) {
                if (!streq(lists->types.items[i].parent, parent))
                        continue;
                if (n < TYPES_LISTED_MAX)
                        fprintf(file, "%s%s", n > 0 ? ", " : "it has ", lists->types.items[i].type);
                n++;
        }
        if (n == 0)
                fprintf(file, "it has none yet");
        if (n > TYPES_LISTED_MAX)
                fprintf(file, " and %zu more, see mediatectl types %s", n - TYPES_LISTED_MAX, parent);
        /* fclose() fails when memory is too short for the end of the text. The stream is closed even then. */
        if (fclose(file) == EOF) {
                free(text);
                return NULL;
        }
        return text;
}

int place_near_parent(const struct lists *lists, const char *name, const char **ret) {
        _cleanup_free_ const char **names = calloc(lists->parents.n + 1, sizeof(*names));

        if (!names)
                return -ENOMEM;
        for (size_t i = 0; i < lists->parents.n; i++)
                names[i] = lists->parents.items[i].name;
        *ret = suggest_nearest(name, names, lists->parents.n, EDITS_MAX(name));
        return 0;
}

static int warn_parent(const struct lists *lists, const char *parent) {
        const char *near;
        int r;

        r = place_near_parent(lists, parent, &near);
        if (r < 0)
                return r;
        if (near)
                tell("Parent '%s' is not on this host; did you mean '%s'? The definition is stored, and can start when "
                     "such a parent appears", parent, near);
        else
                tell("Parent '%s' is not on this host. The definition is stored, and can start when such a parent "
                     "appears", parent);
        return 0;
}

int place_warn(struct client *client, const char *parent, const char *type) {
        _cleanup_free_ char *types = NULL;
        int r;

        r = lists_parents(client);
        if (r != 0)
                return r;
        if (!lists_has_parent(&client->lists, parent))
                return warn_parent(&client->lists, parent);

        r = lists_types(client, NULL);
        if (r != 0 || place_has_type(&client->lists, parent, type))
                return r;
        types = place_types(&client->lists, parent);
        if (!types)
                return -ENOMEM;
        tell("Parent %s has no type '%s'; %s. The definition is stored, and can start when the type appears", parent,
             type, types);
        return 0;
}

static const struct listed_device *find_active(const struct lists *lists, const char *uuid, const char *parent,
                                               const char *type) {
        for (size_t i = 0; i < lists->devices.n; i++) {
                const struct listed_device *device = &lists->devices.items[i];

                if (streq(device->uuid, uuid) && streq(device->parent, parent) && streq(device->type, type) &&
                    streq(device->state, "active"))
                        return device;
        }
        return NULL;
}

int place_warn_attributes(struct client *client, const char *uuid, const char *parent, const char *type,
                          const struct attributes *attributes) {
        _cleanup_close_ int fd = -1;
        int r;

        if (attributes->n == 0 || !client_is_local(client))
                return 0;
        r = lists_devices(client);
        if (r != 0 || !find_active(&client->lists, uuid, parent, type))
                return r;
        fd = sysfs_open_device(uuid);
        if (fd < 0)
                return 0;

        for (size_t i = 0; i < attributes->n; i++) {
                const char *name = attributes->items[i].name;

                if (faccessat(fd, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
                        tell("Device %s is active and has no attribute '%s'. The definition is stored, but cannot "
                             "start as long as the driver has no such attribute", uuid, name);
        }
        return 0;
}
