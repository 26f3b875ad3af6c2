/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Objects on the bus: a table by path and the queue of their announcements. */

#include "daemon/bus/export.h"

#include <assert.h>
#include <errno.h>
#include <utlist.h>

#include "common/bus-names.h"
#include "common/io.h"
#include "common/utf8.h"
#include "common/uuid.h"
#include "daemon/base/log.h"
#include "daemon/base/timer.h"

/* How long an announcement waits. By then most jobs are over, so that their objects need no announcement any more, and
 * several changes of an object have become one. Nobody waits for announcements, but a bus that is busy with them delays
 * the replies. */
#define ANNOUNCE_USEC (20 * USEC_PER_MSEC)

/* How many announcements are sent in one turn of the event loop, so that a burst does not delay requests. */
#define ANNOUNCEMENTS_PER_TURN 32

/* How many announcements wait before they take turns with everything else: a steady load cannot starve them. */
#define ANNOUNCEMENTS_PATIENT 256

enum announcement_kind {
        ANNOUNCE_OBJECT,        /* that it is there, or what of it has changed */
        ANNOUNCE_REMOVED,
        ANNOUNCE_JOB,
};

struct announcement {
        enum announcement_kind kind;
        struct export *export;  /* the object, if it is about one that is there */
        char *path;             /* this and the rest: of the other kinds */
        const char *interface;
        struct job_signal job;  /* with the texts below */
        char uuid[UUID_TEXT_SIZE];
        char *message;          /* NULL also without memory */
        struct announcement *prev, *next;
};

struct exports {
        sd_bus *bus;
        sd_event_source *timer;
        struct export *table;           /* by path */
        const char *properties[EXPORT_PROPERTIES_MAX];  /* the names of those that have ever changed */
        unsigned int n_properties;
        struct announcement *queue;
        unsigned int n_queue;
        bool quiet;
        bool missed;            /* whether an object that is to be announced is not in the queue, for lack of memory */
};

static void announcement_free(struct announcement *a) {
        free(a->path);
        free(a->message);
        free(a);
}

/* Returns NULL without memory. */
static struct announcement *queue_up(struct exports *exports, const struct announcement *announcement) {
        struct announcement *a = malloc(sizeof(*a));
        char *path = announcement->path ? strdup(announcement->path) : NULL;

        if (!a || (announcement->path && !path)) {
                free(a);
                free(path);
                return NULL;
        }
        *a = *announcement;
        a->path = path;
        a->message = utf8_copy_valid(a->job.message);
        if (!exports->queue)
                timer_arm(exports->timer, ANNOUNCE_USEC);
        DL_APPEND(exports->queue, a);
        if (++exports->n_queue == ANNOUNCEMENTS_PATIENT)
                (void) sd_event_source_set_priority(exports->timer, PRIORITY_REQUESTS);
        return a;
}

static void unqueue(struct exports *exports, struct announcement *a) {
        assert(exports->n_queue > 0);

        DL_DELETE(exports->queue, a);
        if (--exports->n_queue == 0)
                (void) sd_event_source_set_priority(exports->timer, PRIORITY_ANNOUNCEMENTS);
        if (a->export)
                a->export->announcement = NULL;
}

static void queue_object(struct exports *exports, struct export *export) {
        if (export->announcement)
                return;

        export->announcement = queue_up(exports, &(struct announcement) { .kind = ANNOUNCE_OBJECT, .export = export });
        if (export->announcement)
                return;
        exports->missed = true;
        timer_arm(exports->timer, ANNOUNCE_USEC);
}

static void queue_missed(struct exports *exports) {
        struct export *export, *next;

        exports->missed = false;
        HASH_ITER(hh, exports->table, export, next)
                if (!export->announced || export->changes)
                        queue_object(exports, export);
}

static int announce_changes(struct exports *exports, const struct export *export) {
        const char *names[EXPORT_PROPERTIES_MAX + 1];
        size_t n = 0;

        for (unsigned int i = 0; i < exports->n_properties; i++)
                if (export->changes & 1u << i)
                        names[n++] = exports->properties[i];
        names[n] = NULL;
        return sd_bus_emit_properties_changed_strv(exports->bus, export->path, export->interface, (char **) names);
}

static int announce_object(struct exports *exports, struct export *export) {
        int r;

        if (export->announced)
                r = announce_changes(exports, export);
        else
                r = sd_bus_emit_object_added(exports->bus, export->path);
        export->announced = true;
        export->changes = 0;
        return r;
}

static int announce_job(struct exports *exports, const struct announcement *a) {
        if (!a->job.result)
                return sd_bus_emit_signal(exports->bus, BUS_ROOT, BUS_MANAGER, "JobNew", "tsso", a->job.id, a->uuid,
                                          a->job.kind, a->path);
        return sd_bus_emit_signal(exports->bus, BUS_ROOT, BUS_MANAGER, "JobRemoved", "tsssoss", a->job.id, a->uuid,
                                  a->job.kind, a->job.result, a->path, a->job.error, a->message ? a->message : "");
}

static int announce(struct exports *exports, const struct announcement *a) {
        switch (a->kind) {
        case ANNOUNCE_OBJECT:
                return announce_object(exports, a->export);
        case ANNOUNCE_REMOVED:
                return sd_bus_emit_interfaces_removed(exports->bus, a->path, a->interface, NULL);
        case ANNOUNCE_JOB:
                return announce_job(exports, a);
        default:
                return -EINVAL;
        }
}

static void announce_now(struct exports *exports, const struct announcement *a) {
        int r;

        r = announce(exports, a);
        if (r < 0 && r != -ENOTCONN)
                log_warning_errno(r, "Failed to announce %s on the bus, ignoring: %m",
                                  a->export ? a->export->path : a->path);
}

static void announce_first(struct exports *exports) {
        struct announcement *a = exports->queue;

        unqueue(exports, a);
        announce_now(exports, a);
        announcement_free(a);
}

/* Without memory for a place in the queue it is sent now, behind all that is there. */
static void queue_signal(struct exports *exports, const struct announcement *announcement) {
        if (queue_up(exports, announcement))
                return;
        exports_flush(exports);
        announce_now(exports, announcement);
}

static int on_turn(sd_event_source *source, uint64_t usec, void *userdata) {
        struct exports *exports = userdata;

        if (exports->missed)
                queue_missed(exports);
        for (unsigned int i = 0; i < ANNOUNCEMENTS_PER_TURN && exports->queue; i++)
                announce_first(exports);

        if (exports->queue)
                timer_arm(exports->timer, 0);
        return 0;
}

void exports_flush(struct exports *exports) {
        while (exports->queue)
                announce_first(exports);
}

int exports_new(struct exports **ret, sd_event *event, sd_bus *bus) {
        _cleanup_(exports_freep) struct exports *exports = NULL;
        int r;

        exports = calloc(1, sizeof(*exports));
        if (!exports)
                return -ENOMEM;
        exports->bus = sd_bus_ref(bus);

        r = timer_new(&exports->timer, event, "announcements", PRIORITY_ANNOUNCEMENTS, TIMER_EXACT_USEC, on_turn,
                      exports);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(exports);
        return 0;
}

struct exports *exports_free(struct exports *exports) {
        struct announcement *a, *next;

        if (!exports)
                return NULL;

        assert(HASH_COUNT(exports->table) == 0);

        DL_FOREACH_SAFE(exports->queue, a, next)
                announcement_free(a);
        sd_event_source_disable_unref(exports->timer);
        sd_bus_unref(exports->bus);
        free(exports);
        return NULL;
}

void exports_set_quiet(struct exports *exports, bool quiet) {
        exports->quiet = quiet;
}

int export_add(struct exports *exports, struct export *export, char *path, const char *interface, void *userdata) {
        assert(!export->path && !export->announcement && path && interface);

        *export = (struct export) { .path = path, .interface = interface, .userdata = userdata };
        HASH_ADD_KEYPTR(hh, exports->table, export->path, strlen(export->path), export);
        if (!export->hh.tbl) {
                free(path);
                *export = (struct export) {};
                return -ENOMEM;
        }
        if (exports->quiet)
                export->announced = true;
        else
                queue_object(exports, export);
        return 0;
}

static uint32_t bit_of(struct exports *exports, const char *property) {
        unsigned int i = 0;

        while (i < exports->n_properties && !streq(exports->properties[i], property))
                i++;
        assert(i < EXPORT_PROPERTIES_MAX);
        if (i == exports->n_properties)
                exports->properties[exports->n_properties++] = property;
        return 1u << i;
}

void export_change(struct exports *exports, struct export *export, const char *property) {
        /* An object that is still to be announced will be with the values of that time. */
        if (!export->announced || exports->quiet)
                return;

        assert(export->path);
        export->changes |= bit_of(exports, property);
        queue_object(exports, export);
}

void export_remove(struct exports *exports, struct export *export) {
        if (!export->path)
                return;

        HASH_DEL(exports->table, export);
        /* Another object may get its path before it would have had its turn. */
        if (export->announcement) {
                struct announcement *a = export->announcement;

                unqueue(exports, a);
                announcement_free(a);
        }
        if (export->announced)
                queue_signal(exports, &(struct announcement) {
                        .kind = ANNOUNCE_REMOVED,
                        .path = export->path,
                        .interface = export->interface,
                });
        free(export->path);
        *export = (struct export) {};
}

void exports_job(struct exports *exports, const struct job_signal *signal) {
        struct announcement a = { .kind = ANNOUNCE_JOB, .path = (char *) signal->path, .job = *signal };

        snprintf(a.uuid, sizeof(a.uuid), "%s", signal->uuid);
        queue_signal(exports, &a);
}

int exports_find(sd_bus *bus, const char *path, const char *interface, void *userdata, void **ret_found,
                 sd_bus_error *ret_error) {
        struct exports *exports = userdata;
        struct export *export;

        HASH_FIND_STR(exports->table, path, export);
        if (!export || !streq(export->interface, interface))
                return 0;

        *ret_found = export->userdata;
        return 1;
}

int exports_enumerate(sd_bus *bus, const char *prefix, void *userdata, char ***ret_nodes, sd_bus_error *ret_error) {
        struct exports *exports = userdata;
        struct export *export, *next;
        size_t n = 0;
        char **nodes;

        nodes = calloc(HASH_COUNT(exports->table) + 1, sizeof(char *));
        if (!nodes)
                return -ENOMEM;

        HASH_ITER(hh, exports->table, export, next) {
                nodes[n] = strdup(export->path);
                if (!nodes[n++]) {
                        for (size_t i = 0; nodes[i]; i++)
                                free(nodes[i]);
                        free(nodes);
                        return -ENOMEM;
                }
        }

        *ret_nodes = nodes;
        return 0;
}
