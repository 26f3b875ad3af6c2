/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The daemon's lists. */

#include "client/mediatectl/lists.h"

#include <errno.h>

#include "client/mediatectl/calls.h"
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

static int read_card(const struct call *call, struct listed_parent *parent) {
        const char *card;

        /* The parent may have disappeared meanwhile. */
        if (call_error(call) || sd_bus_message_read(call->reply, "v", "s", &card) < 0)
                card = parent->name;
        parent->card = strdup(card);
        return parent->card ? 0 : -ENOMEM;
}

static int fetch_cards(struct client *client) {
        struct listed_parent_list *parents = &client->lists.parents;
        _cleanup_calls_ struct calls calls = { .client = client };
        int r = 0;

        for (size_t i = 0; r >= 0 && i < parents->n; i++) {
                _cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL;

                r = sd_bus_message_new_method_call(client->bus, &message, BUS_NAME, parents->items[i].path,
                                                   "org.freedesktop.DBus.Properties", "Get");
                if (r >= 0)
                        r = sd_bus_message_append(message, "ss", BUS_NAME ".Parent", "Card");
                if (r >= 0)
                        r = calls_add(&calls, TAKE_PTR(message), NULL);
        }
        if (r >= 0)
                r = calls_run(&calls, NULL);
        for (size_t i = 0; r == 0 && i < parents->n; i++)
                r = read_card(&calls.items[i], &parents->items[i]);
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
        for (size_t i = 0; i < list->n; i++)
                list->items[i].card = NULL;
        return r < 0 ? r : fetch_cards(client);
}

bool lists_has_parent(const struct lists *lists, const char *name) {
        for (size_t i = 0; i < lists->parents.n; i++)
                if (streq(lists->parents.items[i].name, name))
                        return true;
        return false;
}

bool lists_has_card(const struct lists *lists, const char *name) {
        for (size_t i = 0; i < lists->parents.n; i++)
                if (streq(lists->parents.items[i].card, name))
                        return !lists_has_parent(lists, name);
        return false;
}

const char *lists_card(const struct lists *lists, const char *parent) {
        for (size_t i = 0; i < lists->parents.n; i++)
                if (streq(lists->parents.items[i].name, parent))
                        return lists_has_card(lists, lists->parents.items[i].card) ? lists->parents.items[i].card
                                                                                   : parent;
        return parent;
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
                items[i] = lists->types.items[i];
                items[i].parent = lists_card(lists, items[i].parent);
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
        sd_bus_message_unref(lists->types.reply);
        sd_bus_message_unref(lists->jobs.reply);
        for (size_t i = 0; i < lists->parents.n; i++)
                free(lists->parents.items[i].card);
        free(lists->devices.items);
        free(lists->definitions.items);
        free(lists->parents.items);
        free(lists->types.items);
        free(lists->jobs.items);
        *lists = (struct lists) {};
}
