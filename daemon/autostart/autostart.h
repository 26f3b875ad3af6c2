/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Starting what is defined with start `auto`.
 *
 * A parent may come before its types, its types before a free instance, and the daemon after all of them. So there is
 * no single event at which a device is started. Instead, daemon/autostart/ has an entry for each definition that is
 * `auto`, with a state that moves on when something has changed. A struct autostart owns the entries. It hears of
 * definitions that come, change and go, of parents, of types that were read, of devices, and of the ends of the starts.
 * It announces StartState and Error of the definitions on the bus, and tells nobody else.
 *
 * A definition is tried once for each registration of its parent. If its type or a free instance is missing, it waits
 * and is tried again each time that the types were read. They are read after uevents, after a device has come or gone,
 * and after a time that grows. What was tried is recorded outside the daemon (tried.h), so that a new daemon does not
 * start again what somebody has stopped.
 *
 * Only a few devices of a parent are started at once. The others are on a list, in the order in which they became due.
 *
 * A start is a job (autostart-job.h), which comes after the jobs that people wait for. */

#include "daemon/definitions/stored-definition.h"
#include "daemon/registry/parent.h"

struct autostart;
struct device;

/* What autostart asks of others. */
struct autostart_hooks {
        /* Begin to create the device of a definition. Returns 0, and autostart_ended() is called once, later; or a
         * negative errno. */
        int (*start)(struct autostart *autostart, const char *parent, const char *uuid, void *userdata);

        /* Whether people wait for a device of that parent, and it can be created now. */
        bool (*has_requests)(const char *parent, void *userdata);
};

/* How a start has ended. */
struct autostart_end {
        bool is_done;
        uint64_t job;                   /* its number, for the log */
        const char *type;               /* of the device, or NULL where it was not looked for */
        const struct failure *failure;  /* where it is not done */
};

/* How many devices of one parent are started at once. More of them would only wait for each other, at the kernel's lock
 * of sysfs, and for udev's workers. The pool's 64 workers do for 64 parents, and requests of people go first there. */
#define AUTOSTART_PARALLEL_DEFAULT 4

/* What autostart waits for, or how it ended. */
enum start_state {
        START_STATE_NONE,               /* nothing to do: it is manual, has been stopped since it was started, or became
                                         * `auto` after its parent came */
        START_STATE_WAITING_PARENT,
        START_STATE_WAITING_TYPE,       /* the parent is there, its types are not yet */
        START_STATE_WAITING_INSTANCE,
        START_STATE_STARTING,
        START_STATE_ACTIVE,
        START_STATE_FAILED,
        _START_STATE_MAX,
};

const char *start_state_to_string(enum start_state state);

/** autostart_new() - without entries. Whatever is passed must outlive it. @userdata is given to the hooks. Returns 0 or
 * a negative errno. */
int autostart_new(struct autostart **ret, sd_event *event, struct registry *registry,
                  const struct autostart_hooks *hooks, void *userdata);

/** autostart_free() - with all entries, of which nothing is announced. */
struct autostart *autostart_free(struct autostart *autostart);
DEFINE_CLEANUP_FUNC(struct autostart *, autostart_free)

/** autostart_set_parallel() - how many devices of one parent are created at once, instead of the default. */
void autostart_set_parallel(struct autostart *autostart, unsigned int n);

/** autostart_stop() - from now on start nothing. */
void autostart_stop(struct autostart *autostart);

/** autostart_adopt() - record everything as tried that a daemon which starts now would start. Sets @ret_n to the number
 * of these definitions. Returns 0 or a negative errno. */
int autostart_adopt(struct autostart *autostart, unsigned int *ret_n);

/** autostart_state() - StartState of a definition. It is "active" whoever has started the device. */
enum start_state autostart_state(const struct autostart *autostart, const struct stored_definition *definition);

/** autostart_parent_here() - a parent has registered, or was here when the daemon started. */
void autostart_parent_here(struct autostart *autostart, struct parent *parent);

/** autostart_parent_gone() - its definitions wait for it again. */
void autostart_parent_gone(struct autostart *autostart, const char *parent);

/** autostart_types_read() - its types were read: what a definition waits for may be there now. */
void autostart_types_read(struct autostart *autostart, struct parent *parent);

/** autostart_device_changed() - a device may be active now, whoever created it. */
void autostart_device_changed(struct autostart *autostart, const struct device *device);

/** autostart_definition_read() - a definition is new, or its file was read again. */
void autostart_definition_read(struct autostart *autostart, struct stored_definition *definition);

/** autostart_definition_gone() - a definition is about to be freed. */
void autostart_definition_gone(struct autostart *autostart, const struct stored_definition *definition);

/** autostart_ended() - a start has ended, or nobody waits for its end any longer. */
void autostart_ended(struct autostart *autostart, const char *parent, const char *uuid,
                     const struct autostart_end *end);

/** autostart_interrupted() - for recovery_start(): a start that autostart wanted is due again. */
void autostart_interrupted(const char *parent, const char *uuid, void *autostart);
