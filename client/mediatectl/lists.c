/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The daemon's lists. */

#include "client/mediatectl/lists.h"

#include <errno.h>

#include "client/mediatectl/client.h"
#include "client/output/tell.h"
#include "client/shared/array.h"
#include "client/shared/manager-call.h"

/* Calls a method that answers with an array of structs. The next to be read from the reply is the first struct. */
static int fetch(struct client *client, const char *member, const char *argument, const char *contents,
                 sd_bus_message **ret) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL, *reply = NULL;
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        int r;

        r = client_connect(client);
        if (r != 0)
                return r;
        r = manager_call_new(client->bus, &call, member, argument ? "s" : "", argument);
        if (r < 0)
                return r;
        r = sd_bus_call(client->bus, call, 0, &error, &reply);
        if (r < 0)
                return tell_error(&error);

        r = sd_bus_message_enter_container(reply, 'a', contents);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(reply);
        return 0;
}

static int by_parent(const char *parent_a, const char *name_a, const char *parent_b, const char *name_b) {
        int r = strcmp(parent_a, parent_b);

        return r != 0 ? r : strcmp(name_a, name_b);
}

static int compare_devices(const void *a, const void *b) {
        const struct listed_device *x = a, *y = b;

        return by_parent(x->parent, x->uuid, y->parent, y->uuid);
}

static int compare_definitions(const void *a, const void *b) {
        const struct listed_definition *x = a, *y = b;

        return by_parent(x->parent, x->uuid, y->parent, y->uuid);
}

static int compare_parents(const void *a, const void *b) {
        const struct listed_parent *x = a, *y = b;

        return strcmp(x->name, y->name);
}

static int compare_types(const void *a, const void *b) {
        const struct listed_type *x = a, *y = b;

        return by_parent(x->parent, x->type, y->parent, y->type);
}

static int compare_jobs(const void *a, const void *b) {
        const struct listed_job *x = a, *y = b;

        return x->id < y->id ? -1 : x->id > y->id;
}

/* Reads the structs of a list's reply into its items, and sorts these. The last arguments are pointers to the fields of
 * `item`, the next item, as sd_bus_message_read() takes them. */
#define READ_LIST(list, contents, compare, ...)                                                                  \
        __extension__({                                                                                          \
                int _r;                                                                                          \
                for (;;) {                                                                                       \
                        __typeof__((list)->items) item = array_add(&(list)->items, &(list)->n, sizeof(*item));   \
                        _r = item ? sd_bus_message_read((list)->reply, contents, __VA_ARGS__) : -ENOMEM;         \
                        if (_r <= 0) {                                                                           \
                                (list)->n -= item != NULL;                                                       \
                                break;                                                                           \
                        }                                                                                        \
                }                                                                                                \
                if (_r >= 0 && (list)->n > 1)                                                                    \
                        qsort((list)->items, (list)->n, sizeof(*(list)->items), compare);                        \
                _r;                                                                                              \
        })

int lists_devices(struct client *client) {
        struct listed_device_list *list = &client->lists.devices;
        int r;

        if (list->reply)
                return 0;
        r = fetch(client, "ListDevices", NULL, "(ssssbo)", &list->reply);
        if (r != 0)
                return r;
        return READ_LIST(list, "(ssssbo)", compare_devices, &item->uuid, &item->parent, &item->type, &item->state,
                         &item->defined, &item->path);
}

int lists_definitions(struct client *client) {
        struct listed_definition_list *list = &client->lists.definitions;
        int r;

        if (list->reply)
                return 0;
        r = fetch(client, "ListDefinitions", NULL, "(ssssbo)", &list->reply);
        if (r != 0)
                return r;
        return READ_LIST(list, "(ssssbo)", compare_definitions, &item->uuid, &item->parent, &item->type, &item->start,
                         &item->active, &item->path);
}

const struct listed_device *lists_find_device(const struct lists *lists, const char *uuid) {
        for (size_t i = 0; i < lists->devices.n; i++)
                if (streq(lists->devices.items[i].uuid, uuid))
                        return &lists->devices.items[i];
        return NULL;
}

bool listed_definition_is(const struct listed_definition *definition, const char *uuid, const char *parent) {
        return streq(definition->uuid, uuid) && (!*parent || streq(definition->parent, parent));
}

const struct listed_definition *lists_find_definition(const struct lists *lists, const char *uuid, const char *parent) {
        for (size_t i = 0; i < lists->definitions.n; i++)
                if (listed_definition_is(&lists->definitions.items[i], uuid, parent))
                        return &lists->definitions.items[i];
        return NULL;
}

static int compare_cards(const void *a, const void *b) {
        const struct listed_card *x = a, *y = b;

        return strcmp(x->parent, y->parent);
}

/* Both lists are sorted. A parent that has appeared or gone between the two calls is in only one of them. */
static void join_cards(struct listed_parent_list *parents, const struct listed_card_list *cards) {
        for (size_t i = 0, j = 0; i < parents->n; i++) {
                struct listed_parent *parent = &parents->items[i];

                while (j < cards->n && strcmp(cards->items[j].parent, parent->name) < 0)
                        j++;
                if (j < cards->n && streq(cards->items[j].parent, parent->name)) {
                        parent->card = cards->items[j].card;
                        parent->backend = cards->items[j].backend;
                        parent->set_aside = cards->items[j].set_aside;
                } else {
                        parent->card = parent->name;
                        parent->backend = "";
                        parent->set_aside = false;
                }
        }
}

static int fetch_cards(struct client *client) {
        struct listed_card_list *list = &client->lists.cards;
        int r;

        r = fetch(client, "ListCards", NULL, "(sssb)", &list->reply);
        if (r != 0)
                return r;
        r = READ_LIST(list, "(sssb)", compare_cards, &item->parent, &item->card, &item->backend, &item->set_aside);
        if (r >= 0)
                join_cards(&client->lists.parents, list);
        return r;
}

int lists_parents(struct client *client) {
        struct listed_parent_list *list = &client->lists.parents;
        int r;

        if (list->reply)
                return 0;
        r = fetch(client, "ListParents", NULL, "(sso)", &list->reply);
        if (r != 0)
                return r;
        r = READ_LIST(list, "(sso)", compare_parents, &item->name, &item->syspath, &item->path);
        return r < 0 ? r : fetch_cards(client);
}

/* A card may have hundreds of functions, with dozens of types each, and each of them is looked for. */
const struct listed_parent *lists_find_parent(const struct lists *lists, const char *name) {
        const struct listed_parent wanted = { .name = name };

        if (lists->parents.n == 0)
                return NULL;
        return bsearch(&wanted, lists->parents.items, lists->parents.n, sizeof(wanted), compare_parents);
}

bool lists_has_parent(const struct lists *lists, const char *name) {
        return lists_find_parent(lists, name);
}

bool lists_has_card(const struct lists *lists, const char *name) {
        for (size_t i = 0; i < lists->parents.n; i++)
                if (streq(lists->parents.items[i].card, name))
                        return !lists_has_parent(lists, name);
        return false;
}

const char *lists_card(const struct lists *lists, const char *parent) {
        const struct listed_parent *found = lists_find_parent(lists, parent);

        return found && !lists_has_parent(lists, found->card) ? found->card : parent;
}

bool lists_is_on(const struct lists *lists, const char *parent, const char *name) {
        return streq(parent, name) || streq(lists_card(lists, parent), name);
}

int lists_types(struct client *client, const char *parent) {
        struct listed_type_list *list = &client->lists.types;
        int r;

        if (list->reply)
                return 0;
        r = fetch(client, "ListTypes", parent ? parent : "", "(ssssus)", &list->reply);
        if (r != 0)
                return r;
        return READ_LIST(list, "(ssssus)", compare_types, &item->parent, &item->type, &item->name, &item->device_api,
                         &item->available, &item->description);
}

static uint32_t add_available(uint32_t a, uint32_t b) {
        if (a == AVAILABLE_INSTANCES_UNKNOWN || b == AVAILABLE_INSTANCES_UNKNOWN)
                return a == AVAILABLE_INSTANCES_UNKNOWN ? b : a;
        return a + b;
}

int lists_types_of_cards(const struct lists *lists, struct listed_type **ret, size_t *ret_n) {
        struct listed_type *items = calloc(lists->types.n + 1, sizeof(*items));
        size_t n = 0;

        if (!items)
                return -ENOMEM;
        for (size_t i = 0; i < lists->types.n; i++) {
                const struct listed_parent *parent = lists_find_parent(lists, lists->types.items[i].parent);

                items[i] = lists->types.items[i];
                items[i].parent = lists_card(lists, items[i].parent);
                /* Nothing is made on such a function unless somebody names it. */
                if (parent && parent->set_aside)
                        items[i].available = 0;
        }
        if (lists->types.n > 1)
                qsort(items, lists->types.n, sizeof(*items), compare_types);
        for (size_t i = 0; i < lists->types.n; i++)
                if (n > 0 && compare_types(&items[n - 1], &items[i]) == 0)
                        items[n - 1].available = add_available(items[n - 1].available, items[i].available);
                else
                        items[n++] = items[i];
        *ret = items;
        *ret_n = n;
        return 0;
}

int lists_jobs(struct client *client) {
        struct listed_job_list *list = &client->lists.jobs;
        int r;

        if (list->reply)
                return 0;
        r = fetch(client, "ListJobs", NULL, "(tssso)", &list->reply);
        if (r != 0)
                return r;
        return READ_LIST(list, "(tssso)", compare_jobs, &item->id, &item->uuid, &item->kind, &item->state,
                         &item->path);
}

void lists_clear(struct lists *lists) {
        sd_bus_message_unref(lists->devices.reply);
        sd_bus_message_unref(lists->definitions.reply);
        sd_bus_message_unref(lists->parents.reply);
        sd_bus_message_unref(lists->cards.reply);
        sd_bus_message_unref(lists->types.reply);
        sd_bus_message_unref(lists->jobs.reply);
        free(lists->cards.items);
        free(lists->devices.items);
        free(lists->definitions.items);
        free(lists->parents.items);
        free(lists->types.items);
        free(lists->jobs.items);
        *lists = (struct lists) {};
}
