/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Objects on the bus: found by path, and announced.
 *
 * Whatever changes is announced from one queue, a moment later and at a lower priority than requests and workers: a
 * caller gets its reply before the signals that follow from it, changes of one object are coalesced, and the order of
 * announcements is the order of events. An object that came and went meanwhile is not announced at all. */

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>
#include <uthash.h>

#include "common/macro.h"

/* At least as many as an interface has properties that change. */
#define EXPORT_CHANGES_MAX 8

struct announcement;
struct exports;

/* Embedded in what is exported; valid between export_add() and export_remove(). */
struct export {
        char *path;                     /* owned */
        const char *interface;
        void *userdata;
        bool announced;                 /* InterfacesAdded was sent */
        struct announcement *announcement;      /* its place in the queue, or NULL */
        const char *changes[EXPORT_CHANGES_MAX + 1];
        UT_hash_handle hh;
};

struct exports *exports_free(struct exports *exports);
DEFINE_CLEANUP_FUNC(struct exports *, exports_free)

/** exports_new() - @bus is kept referenced. Returns 0 or a negative errno. */
int exports_new(struct exports **ret, sd_event *event, sd_bus *bus);

/** exports_set_quiet() - announce nothing, or again: before the bus name is taken nobody could have asked yet. */
void exports_set_quiet(struct exports *exports, bool quiet);

/** export_add() - make an object findable and announce it; takes @path over, also when that fails. Returns 0 or
 * -ENOMEM. */
int export_add(struct exports *exports, struct export *export, char *path, const char *interface, void *userdata);

/** export_change() - announce that a property has changed; @property must be a literal. */
void export_change(struct exports *exports, struct export *export, const char *property);

/** export_remove() - the object is gone. Harmless for one that was never added. */
void export_remove(struct exports *exports, struct export *export);

/** exports_job_new(), exports_job_removed() - queue the Manager's two signals. */
void exports_job_new(struct exports *exports, uint64_t id, const char *uuid, const char *kind, const char *path);
void exports_job_removed(struct exports *exports, uint64_t id, const char *uuid, const char *kind, const char *result,
                         const char *path);

/** exports_find() - sd_bus_object_find_t by path and interface; userdata is the struct exports. */
int exports_find(sd_bus *bus, const char *path, const char *interface, void *userdata, void **ret_found,
                 sd_bus_error *ret_error);

/** exports_enumerate() - sd_bus_node_enumerator_t of all objects; userdata is the struct exports. */
int exports_enumerate(sd_bus *bus, const char *prefix, void *userdata, char ***ret_nodes, sd_bus_error *ret_error);

/** exports_flush() - send what is queued now. */
void exports_flush(struct exports *exports);
