/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The daemon's lists. Their texts are parts of its answers, which are kept. */

#include <systemd/sd-bus.h>

#include "common/macro.h"

struct client;

struct listed_device {
        const char *uuid, *parent, *type, *state;
        int defined;
        const char *path;
};

struct listed_definition {
        const char *uuid, *parent, *type, *start;
        int active;
        const char *path;
};

struct listed_parent {
        const char *name, *syspath, *path;
        const char *card;               /* the device with which it shares its instances; it may be the parent itself */
        const char *backend;            /* the kind of its devices; "": it is not known */
        int set_aside;                  /* whether it is left out when a parent of its card is chosen */
};

struct listed_card {
        const char *parent, *card, *backend;
        int set_aside;
};

struct listed_type {
        const char *parent, *type, *name, *device_api;
        uint32_t available;             /* or AVAILABLE_INSTANCES_UNKNOWN */
        const char *description;
};

struct listed_job {
        uint64_t id;
        const char *uuid, *kind, *state, *path;
};

/* A list: fetched when it is needed for the first time, and sorted. */
#define DEFINE_LIST(type)                \
        struct type##_list {             \
                sd_bus_message *reply;   \
                struct type *items;      \
                size_t n;                \
        }
DEFINE_LIST(listed_device);
DEFINE_LIST(listed_definition);
DEFINE_LIST(listed_parent);
DEFINE_LIST(listed_card);
DEFINE_LIST(listed_type);
DEFINE_LIST(listed_job);

struct lists {
        struct listed_device_list devices;
        struct listed_definition_list definitions;
        struct listed_parent_list parents;
        struct listed_card_list cards;          /* what lists_parents() joins to the parents */
        struct listed_type_list types;
        struct listed_job_list jobs;
};

/** lists_devices() - fetch all devices, sorted by parent and UUID. All functions of this kind return a status. */
int lists_devices(struct client *client);

/** lists_definitions() - fetch all definitions, sorted by parent and UUID. */
int lists_definitions(struct client *client);

/** lists_find_device() - the device of this UUID among those that lists_devices() has fetched, or NULL. */
const struct listed_device *lists_find_device(const struct lists *lists, const char *uuid);

/** listed_definition_is() - whether it is of this UUID and parent; an empty parent stands for any. */
bool listed_definition_is(const struct listed_definition *definition, const char *uuid, const char *parent);

/** lists_find_definition() - the first such definition among those that lists_definitions() has fetched, or NULL. */
const struct listed_definition *lists_find_definition(const struct lists *lists, const char *uuid, const char *parent);

/** lists_parents() - fetch all parents and their cards, sorted by name. */
int lists_parents(struct client *client);

/** lists_find_parent() - the parent @name among those that lists_parents() has fetched, or NULL. */
const struct listed_parent *lists_find_parent(const struct lists *lists, const char *name);

/** lists_has_parent() - whether a parent @name is among those that lists_parents() has fetched. */
bool lists_has_parent(const struct lists *lists, const char *name);

/** lists_has_card() - whether @name is that of a card, and of no parent. A name is a parent's first. */
bool lists_has_card(const struct lists *lists, const char *name);

/** lists_card() - the card of which @parent is a function, or else @parent. */
const char *lists_card(const struct lists *lists, const char *parent);

/** lists_is_on() - whether @parent is @name, or a function of the card @name. */
bool lists_is_on(const struct lists *lists, const char *parent, const char *name);

/** lists_types() - fetch the types of all parents, or of @parent, sorted by parent and name. */
int lists_types(struct client *client, const char *parent);

/** lists_types_of_cards() - make a copy of all types in which those of a card's functions are one, with the sum of the
 * available instances of those that are not set aside, and with the card as parent. The caller frees the copy. */
int lists_types_of_cards(const struct lists *lists, struct listed_type **ret, size_t *ret_n);

/** lists_jobs() - fetch all unfinished jobs, sorted by number. */
int lists_jobs(struct client *client);

/** lists_clear() - free everything. */
void lists_clear(struct lists *lists);

#define _cleanup_lists_ _cleanup_(lists_clear)
