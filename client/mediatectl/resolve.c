/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* UUIDs and parents as a person writes them. */

#include "client/mediatectl/resolve.h"

#include <errno.h>

#include "client/mediatectl/place.h"
#include "client/output/tell.h"
#include "client/output/uuid-prefix.h"
#include "client/shared/suggest.h"

static int collect(struct client *client, enum known known, const char ***ret, size_t *ret_n) {
        _cleanup_free_ const char **uuids = NULL;
        const struct lists *lists = &client->lists;
        size_t n = 0;
        int r = 0;

        if (known & KNOWN_DEVICES)
                r = lists_devices(client);
        if (r == 0 && (known & KNOWN_DEFINITIONS))
                r = lists_definitions(client);
        if (r != 0)
                return r;

        uuids = calloc(lists->devices.n + lists->definitions.n + 1, sizeof(*uuids));
        if (!uuids)
                return -ENOMEM;
        for (size_t i = 0; (known & KNOWN_DEVICES) && i < lists->devices.n; i++)
                uuids[n++] = lists->devices.items[i].uuid;
        /* The file of an invalid definition may have any name. */
        for (size_t i = 0; (known & KNOWN_DEFINITIONS) && i < lists->definitions.n; i++)
                if (uuid_is_normal(lists->definitions.items[i].uuid))
                        uuids[n++] = lists->definitions.items[i].uuid;

        *ret = TAKE_PTR(uuids);
        *ret_n = n;
        return 0;
}

/* Returns a status, but prints nothing for STATUS_NOT_FOUND. */
static int find_prefix(struct client *client, const char *prefix, enum known known, char ret[static UUID_TEXT_SIZE]) {
        _cleanup_free_ const char **uuids = NULL;
        const char *found, *other;
        size_t n;
        int r;

        r = collect(client, known, &uuids, &n);
        if (r != 0)
                return r;

        r = uuid_prefix_find(prefix, uuids, n, &found, &other);
        if (r == -ENOTUNIQ)
                return tell_status(STATUS_USAGE, "'%s' is not the beginning of one UUID only: %s, %s%s", prefix, found,
                                   other, n > 2 ? "; see mediatectl list" : "");
        if (r < 0)
                return STATUS_NOT_FOUND;
        strcpy(ret, found);
        return 0;
}

static const char *find_near(struct client *client, const char *text) {
        _cleanup_free_ const char **uuids = NULL;
        size_t n;

        if (collect(client, KNOWN_DEVICES | KNOWN_DEFINITIONS, &uuids, &n) != 0)
                return NULL;
        return suggest_nearest(text, uuids, n, SUGGEST_UUID);
}

/* Only a text that has most of a UUID may be a misspelt one. */
static int tell_not_found(struct client *client, const char *text) {
        const char *near = strlen(text) > 12 ? find_near(client, text) : NULL;

        return tell_status(STATUS_NOT_FOUND, "No device and no definition has a UUID that begins with '%s'%s%s%s",
                           text, near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

int resolve_uuid(struct client *client, const char *text, enum known prefer, char ret[static UUID_TEXT_SIZE]) {
        char prefix[UUID_TEXT_SIZE];
        const char *near;
        int r;

        if (uuid_normalize(text, ret) >= 0)
                return 0;

        if (uuid_prefix_normalize(text, prefix) < 0) {
                near = strlen(text) > 12 ? find_near(client, text) : NULL;
                return tell_usage("'%s' is neither a UUID nor the beginning of one%s%s%s", text,
                                  near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
        }

        r = find_prefix(client, prefix, prefer, ret);
        if (r == STATUS_NOT_FOUND && prefer != (KNOWN_DEVICES | KNOWN_DEFINITIONS))
                r = find_prefix(client, prefix, KNOWN_DEVICES | KNOWN_DEFINITIONS, ret);
        return r == STATUS_NOT_FOUND ? tell_not_found(client, prefix) : r;
}

void resolve_suggest(struct client *client, const char *uuid) {
        const char *near = find_near(client, uuid);

        if (near && !streq(near, uuid))
                tell("Did you mean %s?", near);
}

int resolve_new_parent(struct client *client, const char *name) {
        _cleanup_free_ const char **uuids = NULL;
        const char *found, *other;
        char prefix[UUID_TEXT_SIZE];
        size_t n;
        int r;

        if (uuid_prefix_normalize(name, prefix) < 0)
                return 0;
        r = lists_parents(client);
        if (r != 0 || lists_has_parent(&client->lists, name))
                return r;
        r = collect(client, KNOWN_DEVICES | KNOWN_DEFINITIONS, &uuids, &n);
        if (r != 0)
                return r;
        r = uuid_prefix_find(prefix, uuids, n, &found, &other);
        if (r < 0 && r != -ENOTUNIQ)
                return 0;
        return tell_usage("'%s' is the beginning of UUID %s, and no parent has this name. For active devices use "
                          "mediatectl define --device UUID..., for new ones mediatectl define PARENT TYPE", name,
                          found);
}

int resolve_parent(struct client *client, const char *name) {
        const char *near;
        int r;

        r = lists_parents(client);
        if (r != 0 || lists_has_parent(&client->lists, name))
                return r;
        r = place_near_parent(&client->lists, name, &near);
        if (r < 0)
                return r;
        return tell_status(STATUS_NOT_FOUND, "There is no parent '%s'%s%s%s", name, near ? ". Did you mean '" : "",
                           near ? near : "", near ? "'?" : "");
}
