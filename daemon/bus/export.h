/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Objects on the bus: found by path, and announced.
 *
 * daemon/bus/ is what the daemon needs of D-Bus whatever the messages are about: a connection in the event loop
 * (bus-pump.h), errors and replies that are sent for certain (bus-util.h), the size of a message (message-size.h), one
 * question to polkit (polkit.h), and what polkit has granted (grants.h). It knows neither devices nor jobs. It
 * calls the handlers and hooks that it was given, and this file sends signals to the whole bus.
 *
 * An object of the daemon embeds a struct export, which this file finds by its path for libsystemd. All announcements
 * go through one queue. They are sent a moment later, and at a lower priority than everything else. So
 * a caller has its reply before the signals that follow from it, and the order of announcements is the order of events.
 * Several changes of one object become one announcement, with the values of that time. An object that came and went
 * meanwhile is not announced at all.
 *
 * A queued announcement points to the object, and goes with it: another object may get the same path at once. Where
 * there is no memory for an announcement, a removal is sent at once, and an object is announced later. */

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>
#include <uthash.h>

#include "common/macro.h"

/* At least the number of names that properties have which change, of all interfaces. */
#define EXPORT_PROPERTIES_MAX 32

struct announcement;
struct exports;

/* An object on the bus between export_add() and export_remove(); embedded in the object that it is about. */
struct export {
        char *path;                     /* owned; NULL: it is not on the bus */
        const char *interface;
        void *userdata;                 /* the object, for the functions of the interface */
        struct announcement *announcement;      /* its place in the queue, or NULL */
        uint32_t changes;               /* which properties have changed: a bit for each name in struct exports */
        bool announced;                 /* whether InterfacesAdded was sent */
        UT_hash_handle hh;              /* by path */
};

struct exports *exports_free(struct exports *exports);
DEFINE_CLEANUP_FUNC(struct exports *, exports_free)

/** exports_new() - announce objects on @bus, to which a reference is kept. Returns 0 or a negative errno. */
int exports_new(struct exports **ret, sd_event *event, sd_bus *bus);

/** exports_set_quiet() - whether new objects and changes are not announced: before the bus name is taken, nobody can
 * have seen any. */
void exports_set_quiet(struct exports *exports, bool quiet);

/** export_add() - put an object on the bus and announce it. Takes @path over in any case. Returns 0 or -ENOMEM. */
int export_add(struct exports *exports, struct export *export, char *path, const char *interface, void *userdata);

/** export_change() - announce that a property has changed; @property must be a literal. */
void export_change(struct exports *exports, struct export *export, const char *property);

/** export_remove() - take the object off the bus. Harmless for one that is not there. */
void export_remove(struct exports *exports, struct export *export);

/* What a signal says about a job. */
struct job_signal {
        uint64_t id;
        const char *uuid;
        const char *path;
        const char *kind;               /* a literal */
        const char *result;             /* a literal; NULL: the job is new, and the rest is empty */
        const char *error;              /* a literal, the D-Bus error; "": it has succeeded */
        const char *message;            /* why it has failed; NULL: it has succeeded */
};

/** exports_job() - queue the signal JobNew or JobRemoved. */
void exports_job(struct exports *exports, const struct job_signal *signal);

/** exports_find() - sd_bus_object_find_t by path and interface; userdata is the struct exports. */
int exports_find(sd_bus *bus, const char *path, const char *interface, void *userdata, void **ret_found,
                 sd_bus_error *ret_error);

/** exports_enumerate() - sd_bus_node_enumerator_t of all objects; userdata is the struct exports. */
int exports_enumerate(sd_bus *bus, const char *prefix, void *userdata, char ***ret_nodes, sd_bus_error *ret_error);

/** exports_flush() - send all announcements that are queued. */
void exports_flush(struct exports *exports);
