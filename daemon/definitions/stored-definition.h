/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A definition as its file in the store says, and what autostart makes of it. */

#include "common/definition.h"
#include "common/failure.h"
#include "daemon/bus/export.h"

struct manager;
struct store_directory;

/* What autostart is waiting for, or how it ended. */
enum start_state {
        START_STATE_NONE,
        /* manual; or started before and stopped since; or added since the parent came */
        START_STATE_WAITING_PARENT,
        START_STATE_WAITING_TYPE,       /* the parent is there, its types are not yet */
        START_STATE_WAITING_INSTANCE,
        START_STATE_STARTING,
        START_STATE_ACTIVE,
        START_STATE_FAILED,
        _START_STATE_MAX,
};

struct stored_definition {
        struct manager *manager;
        struct store_directory *directory;
        struct export export;
        char *uuid;                     /* the file's name: in an invalid one it can be anything */
        bool valid;
        char *reason;                   /* of being invalid, with the line */
        sd_event_source *link_watch;    /* its file has other names, see store-link.h */
        char *type;
        enum start_mode start;          /* of an invalid one: as it was before */
        struct attributes attributes;

        enum start_state start_state;
        char *start_error;              /* of having failed */
        bool pending;                   /* in its directory's list of those to be started */
        bool registered_anew;           /* its parent, while a start was under way */
        struct stored_definition *prev, *next;
        UT_hash_handle hh;              /* in its directory, by uuid */
};

const char *start_state_to_string(enum start_state state);

/** stored_definition_refresh() - look at the file now and make the table agree. Returns the definition, or NULL when
 * there is none. */
struct stored_definition *stored_definition_refresh(struct store_directory *directory, const char *name);

/** stored_definition_refresh_at() - the same, with the directory open already. */
struct stored_definition *stored_definition_refresh_at(struct store_directory *directory, int parent_fd,
                                                       const char *name);

/** stored_definition_free() - take it out of the table. */
struct stored_definition *stored_definition_free(struct stored_definition *definition);

/** stored_definition_is_active() - whether its UUID is active on its parent. */
bool stored_definition_is_active(const struct stored_definition *definition);

/** stored_definition_set_start_state() - @error: what a failed start said, else NULL. */
void stored_definition_set_start_state(struct stored_definition *definition, enum start_state state, const char *error);

/** stored_definition_start_state() - as others shall see it: a device that is active is, whoever started it. */
enum start_state stored_definition_start_state(const struct stored_definition *definition);

/** stored_definition_device_changed() - its device appeared, changed its state or is gone. */
void stored_definition_device_changed(struct stored_definition *definition);
