/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A definition as its file in the store says. */

#include "common/definition.h"
#include "common/failure.h"
#include "daemon/bus/export.h"

struct device;
struct store_directory;

struct stored_definition {
        struct store_directory *directory;
        struct export export;
        struct device *device;          /* the one of its UUID on its parent, or NULL */
        char *uuid;                     /* the file's name: in an invalid one it can be anything */
        bool valid;
        char *reason;                   /* of being invalid, with the line */
        sd_event_source *link_watch;    /* its file has other names, see store-link.h */
        char *type;
        enum start_mode start;
        struct attributes attributes;
        UT_hash_handle hh;              /* in its directory, by uuid */
};

/** stored_definition_refresh() - look at the file now and make the table agree. Returns the definition, or NULL when
 * there is none. */
struct stored_definition *stored_definition_refresh(struct store_directory *directory, const char *name);

/** stored_definition_refresh_at() - the same, with the directory open already. */
struct stored_definition *stored_definition_refresh_at(struct store_directory *directory, int parent_fd,
                                                       const char *name);

/** stored_definition_gone() - take it out of the store, as its file is gone. */
void stored_definition_gone(struct stored_definition *definition);

/** stored_definition_forget() - the same, and tell nobody. */
void stored_definition_forget(struct stored_definition *definition);

/** stored_definition_is_active() - whether its UUID is active on its parent. */
bool stored_definition_is_active(const struct stored_definition *definition);

/** stored_definition_set_device() - its device has appeared, is in another state, or (with NULL) is gone. */
void stored_definition_set_device(struct stored_definition *definition, struct device *device);
