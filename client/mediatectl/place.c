/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The place of a device or a definition. */

#include "client/mediatectl/place.h"

#include <errno.h>
#include <fcntl.h>

#include "client/output/tell.h"
#include "client/shared/suggest.h"
#include "common/io.h"
#include "common/sysfs.h"

/* How many typing errors a guess may assume. It is less than in a verb, because a parent may well not be there yet. */
#define EDITS_MAX(name) (strlen(name) < 6 ? 1 : strlen(name) / 3)

/* Adds a name to a list that has each name once. */
static void add_name(const char **names, size_t *n, const char *name) {
        for (size_t i = 0; i < *n; i++)
                if (streq(names[i], name))
                        return;
        names[(*n)++] = name;
}

bool place_has_type(const struct lists *lists, const char *parent, const char *type) {
        for (size_t i = 0; i < lists->types.n; i++)
                if ((!parent || lists_is_on(lists, lists->types.items[i].parent, parent)) &&
                    streq(lists->types.items[i].type, type))
                        return true;
        return false;
}

char *place_types(const struct lists *lists, const char *parent) {
        _cleanup_free_ const char **names = calloc(lists->types.n + 1, sizeof(*names));
        _cleanup_free_ char *list = NULL;
        char *text;
        size_t n = 0;

        if (!names)
                return NULL;
        for (size_t i = 0; i < lists->types.n; i++)
                if (lists_is_on(lists, lists->types.items[i].parent, parent))
                        add_name(names, &n, lists->types.items[i].type);
        list = suggest_list(names, n);
        if (!list || asprintf(&text, "it has %s", n > 0 ? list : "none yet") < 0)
                return NULL;
        return text;
}

/* Says which parents may be meant: the one that is spelt similarly, or all. With @cards, cards are meant instead of
 * their functions, but a name similar to a function's is that of the function. */
static int other_parents(const struct lists *lists, const char *name, bool cards, char **ret) {
        _cleanup_free_ const char **names = calloc(lists->parents.n * 2 + 1, sizeof(*names));
        _cleanup_free_ char *list = NULL;
        const char *near;
        size_t n = 0;
        int r;

        if (!names)
                return -ENOMEM;
        for (size_t i = 0; i < lists->parents.n; i++) {
                const char *parent = lists->parents.items[i].name;

                add_name(names, &n, cards ? lists_card(lists, parent) : parent);
        }
        list = suggest_list(names, n);
        if (!list)
                return -ENOMEM;
        for (size_t i = 0; i < lists->parents.n; i++)
                add_name(names, &n, lists->parents.items[i].name);
        near = suggest_nearest(name, names, n, EDITS_MAX(name));
        if (near)
                r = asprintf(ret, "Did you mean '%s'?", near);
        else if (n > 0)
                r = asprintf(ret, "This host has %s", list);
        else
                r = asprintf(ret, "This host has none; see mediatectl check");
        return r < 0 ? -ENOMEM : 0;
}

char *place_set_aside(const struct lists *lists, const char *card) {
        _cleanup_free_ const char **names = calloc(lists->parents.n + 1, sizeof(*names));
        size_t n = 0;

        if (!names)
                return NULL;
        for (size_t i = 0; i < lists->parents.n; i++)
                if (lists->parents.items[i].set_aside && lists_is_on(lists, lists->parents.items[i].name, card))
                        names[n++] = lists->parents.items[i].name;
        return suggest_list(names, n);
}

static char *card_parents(const struct lists *lists, const char *card) {
        _cleanup_free_ const char **names = calloc(lists->parents.n + 1, sizeof(*names));
        size_t n = 0;

        if (!names)
                return NULL;
        for (size_t i = 0; i < lists->parents.n; i++)
                if (lists_is_on(lists, lists->parents.items[i].name, card))
                        names[n++] = lists->parents.items[i].name;
        return suggest_list(names, n);
}

static int find_missing(struct client *client, const char *parent, const char *type, bool cards, char **ret) {
        const struct lists *lists = &client->lists;
        _cleanup_free_ char *others = NULL;
        bool is_card;
        int r;

        r = lists_parents(client);
        if (r != 0)
                return r;
        is_card = lists_has_card(lists, parent);
        if (is_card && !cards) {
                others = card_parents(lists, parent);
                if (!others)
                        return -ENOMEM;
                return asprintf(ret, "'%s' is a card. Its parents are %s", parent, others) < 0 ? -ENOMEM : 0;
        }
        if (!is_card && !lists_has_parent(lists, parent)) {
                r = other_parents(lists, parent, cards, &others);
                if (r < 0)
                        return r;
                return asprintf(ret, "There is no parent '%s'. %s", parent, others) < 0 ? -ENOMEM : 0;
        }

        if (!type)
                return 0;
        r = lists_types(client, NULL);
        if (r != 0 || place_has_type(lists, parent, type))
                return r;
        others = place_types(lists, parent);
        if (!others)
                return -ENOMEM;
        return asprintf(ret, "%s %s has no type '%s'; %s", is_card ? "Card" : "Parent", parent, type, others) < 0
                       ? -ENOMEM
                       : 0;
}

int place_missing(struct client *client, const char *parent, const char *type, char **ret) {
        return find_missing(client, parent, type, false, ret);
}

int place_missing_on_card(struct client *client, const char *name, const char *type, char **ret) {
        return find_missing(client, name, type, true, ret);
}

int place_missing_type(struct client *client, const char *type, char **ret) {
        const struct listed_type_list *types = &client->lists.types;
        _cleanup_free_ const char **names = NULL;
        _cleanup_free_ char *list = NULL;
        const char *near;
        size_t n = 0;
        int r;

        r = lists_types(client, NULL);
        if (r != 0)
                return r;
        names = calloc(types->n + 1, sizeof(*names));
        if (!names)
                return -ENOMEM;
        for (size_t i = 0; i < types->n; i++) {
                if (streq(types->items[i].type, type))
                        return 0;
                add_name(names, &n, types->items[i].type);
        }

        near = suggest_nearest(type, names, n, EDITS_MAX(type));
        list = suggest_list(names, n);
        if (!list)
                return -ENOMEM;
        if (near)
                r = asprintf(ret, "No parent has the type '%s'. Did you mean '%s'?", type, near);
        else
                r = asprintf(ret, "No parent has the type '%s'; the types are %s", type,
                             n > 0 ? list : "not known yet");
        return r < 0 ? -ENOMEM : 0;
}

int place_warn(struct client *client, const char *parent, const char *type) {
        _cleanup_free_ char *missing = NULL;
        int r;

        r = place_missing(client, parent, type, &missing);
        if (r == 0 && missing)
                tell("%s%s The definition is stored, and can start when such a %s appears", missing,
                     missing[strlen(missing) - 1] == '?' ? "" : ".",
                     lists_has_parent(&client->lists, parent) ? "type" : "parent");
        return r;
}

static bool is_active(const struct lists *lists, const char *uuid, const char *parent, const char *type) {
        const struct listed_device *device = lists_find_device(lists, uuid);

        return device && streq(device->parent, parent) && streq(device->type, type) && streq(device->state, "active");
}

int place_warn_attributes(struct client *client, const char *uuid, const char *parent, const char *type,
                          const struct attributes *attributes) {
        _cleanup_close_ int fd = -1;
        int r;

        if (attributes->n == 0 || !client_is_local(client))
                return 0;
        r = lists_devices(client);
        if (r != 0 || !is_active(&client->lists, uuid, parent, type))
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
