/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* UUIDs and parents as a person writes them. */

#include "client/mediatectl/resolve.h"

#include <ctype.h>
#include <errno.h>
#include <strings.h>

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

static bool has_more(const char *prefix, const char *const *uuids, size_t n, const char *found, const char *other) {
        for (size_t i = 0; i < n; i++)
                if (strncmp(uuids[i], prefix, strlen(prefix)) == 0 && !streq(uuids[i], found) &&
                    !streq(uuids[i], other))
                        return true;
        return false;
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
                return tell_status(STATUS_USAGE, "'%s' is ambiguous: %s, %s%s", prefix, found, other,
                                   has_more(prefix, uuids, n, found, other) ? ", ..." : "");
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
        static const char new[] = "'%s' is not a full UUID; give all 36 characters, or none to have one chosen";
        char prefix[UUID_TEXT_SIZE];
        const char *near;
        int r;

        if (uuid_normalize(text, ret) >= 0)
                return 0;

        if (uuid_prefix_normalize(text, prefix) < 0) {
                if (prefer & KNOWN_OR_NEW)
                        return tell_usage(new, text);
                near = strlen(text) > 12 ? find_near(client, text) : NULL;
                return tell_usage("'%s' is neither a UUID nor the beginning of one%s%s%s", text,
                                  near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
        }

        r = find_prefix(client, prefix, prefer, ret);
        if (r == STATUS_NOT_FOUND && prefer != (KNOWN_DEVICES | KNOWN_DEFINITIONS))
                r = find_prefix(client, prefix, KNOWN_DEVICES | KNOWN_DEFINITIONS, ret);
        if (r != STATUS_NOT_FOUND)
                return r;
        return prefer & KNOWN_OR_NEW ? tell_status(STATUS_NOT_FOUND, new, text) : tell_not_found(client, prefix);
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

/* "41:00.4": bus, device and function. */
static bool is_short_pci_address(const char *name) {
        return strlen(name) == 7 && isxdigit(name[0]) && isxdigit(name[1]) && name[2] == ':' && isxdigit(name[3]) &&
               isxdigit(name[4]) && name[5] == '.' && isdigit(name[6]);
}

int resolve_short_parent(struct client *client, const char **name) {
        const struct lists *lists = &client->lists;
        char whole[sizeof("0000:41:00.4")];
        int r;

        if (!is_short_pci_address(*name))
                return 0;
        snprintf(whole, sizeof(whole), "0000:%s", *name);
        r = lists_parents(client);
        if (r == 0)
                r = lists_definitions(client);
        if (r != 0 || lists_has_parent(lists, *name))
                return r;

        for (size_t i = 0; i < lists->parents.n; i++)
                if (strcasecmp(lists->parents.items[i].name, whole) == 0) {
                        *name = lists->parents.items[i].name;
                        return 0;
                }
        for (size_t i = 0; i < lists->parents.n; i++)
                if (strcasecmp(lists->parents.items[i].card, whole) == 0) {
                        *name = lists->parents.items[i].card;
                        return 0;
                }
        for (size_t i = 0; i < lists->definitions.n; i++)
                if (strcasecmp(lists->definitions.items[i].parent, whole) == 0) {
                        *name = lists->definitions.items[i].parent;
                        return 0;
                }
        return 0;
}

int resolve_parent(struct client *client, const char *text, const char **ret) {
        _cleanup_free_ char *missing = NULL;
        int r;

        r = resolve_short_parent(client, &text);
        if (r == 0)
                r = place_missing_on_card(client, text, NULL, &missing);
        if (r != 0)
                return r;
        if (missing)
                return tell_status(STATUS_NOT_FOUND, "%s", missing);
        *ret = text;
        return 0;
}
