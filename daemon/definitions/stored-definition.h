/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A definition as its file in the store says, with its object on the bus. */

#include "common/definition.h"
#include "common/failure.h"
#include "daemon/bus/export.h"

struct device;
struct store_directory;

struct stored_definition {
        struct store_directory *directory;
        struct export export;
        struct device *device;          /* the device of its UUID on its parent, or NULL */
        char *uuid;                     /* the name of the file, which can be anything while the file is invalid */
        bool valid;
        char *reason;                   /* why it is not valid, with the line; or NULL */
        struct failure error;           /* why its last start failed; FAILURE_NONE if it did not */
        sd_event_source *link_watch;    /* while the file has more than one name, see store-link.h; or NULL */
        char *type;                     /* this and the next three are what the valid file says */
        enum start_mode start;
        bool names_backend;             /* whether it says of which kind the device is */
        struct attributes attributes;
        UT_hash_handle hh;              /* in its directory, by uuid */
};

/** stored_definition_refresh() - look at the file now: the definition may appear, change or go by that. Returns the
 * definition, or NULL when there is none. */
struct stored_definition *stored_definition_refresh(struct store_directory *directory, const char *name);

/** stored_definition_refresh_at() - the same, with an fd of the directory, or with the error of opening it. */
struct stored_definition *stored_definition_refresh_at(struct store_directory *directory, int parent_fd,
                                                       const char *name);

/** stored_definition_gone() - free the definition, and tell the observer that its file is gone. */
void stored_definition_gone(struct stored_definition *definition);

/** stored_definition_forget() - free the definition, of which nobody is told. */
void stored_definition_forget(struct stored_definition *definition);

/** stored_definition_is_active() - whether its device is active. */
bool stored_definition_is_active(const struct stored_definition *definition);

/** stored_definition_set_error() - its last start has failed, or NULL: has not. */
void stored_definition_set_error(struct stored_definition *definition, const struct failure *error);

/** stored_definition_set_device() - its device has appeared or is in another state, or is gone (NULL). */
void stored_definition_set_device(struct stored_definition *definition, struct device *device);
