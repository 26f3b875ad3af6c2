/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The daemon's signals, as events: what happened to which object. */

#include <json-c/json_object.h>
#include <systemd/sd-bus.h>

#include "common/macro.h"

struct event {
        const char *object;             /* "daemon", "parent", "device", "definition", "job" */
        char *subject;                  /* the object's name, UUID or number */
        char *parent;                   /* the parent of a definition, else NULL */
        char event[64];                 /* "added", "removed", "changed", "new", "done", … */
        json_object *properties;        /* the properties that are known or have changed, or NULL */
};

/** event_read() - make an event of a signal. Returns 1, 0 if the signal is of no interest, or a negative errno. */
int event_read(sd_bus_message *signal, struct event *ret);

/** event_from_path() - begin an event about the object at @path. Returns 1, 0 if that is no object of the daemon, or
 * -ENOMEM. */
int event_from_path(const char *path, struct event *ret);

/** event_format() - make a line for people, without the time and without a newline. Returns 0 or -ENOMEM. */
int event_format(const struct event *event, char **ret);

/** event_to_json() - make an object for programs. Returns 0 or -ENOMEM. */
int event_to_json(const struct event *event, json_object **ret);

/** event_clear() - free everything. */
void event_clear(struct event *event);
#define _cleanup_event_ _cleanup_(event_clear)
