/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which events `mediatectl monitor` shows. */

#include "client/mediatectl/event-filter.h"

#include <errno.h>

#include "client/mediatectl/entries.h"
#include "client/mediatectl/place.h"
#include "client/output/tell.h"
#include "client/shared/bus-json.h"

static int fetch_on_parent(struct client *client, struct event_filter *filter) {
        _cleanup_entries_ struct entries entries = {};
        int r;

        r = entries_new(client, &entries);
        for (size_t i = 0; r == 0 && i < entries.n; i++)
                if (streq(entries.items[i].parent, filter->parent))
                        r = targets_add(&filter->on_parent, entries.items[i].uuid, NULL);
        return r;
}

int event_filter_init(struct client *client, char **arguments, size_t n, struct event_filter *ret) {
        _cleanup_free_ char *missing = NULL;
        int r;

        ret->parent = client->options->parent;
        r = targets_parse(client, arguments, n, KNOWN_DEVICES | KNOWN_DEFINITIONS, &ret->uuids);
        if (r != 0 || !ret->parent)
                return r;

        r = fetch_on_parent(client, ret);
        if (r == 0)
                r = place_missing(client, ret->parent, NULL, &missing);
        if (r == 0 && missing && ret->on_parent.n == 0)
                tell("%s", missing);
        return r;
}

static const char *uuid_of(const struct event *event) {
        if (streq(event->object, "device") || streq(event->object, "definition"))
                return event->subject;
        return streq(event->object, "job") ? json_text(event->properties, "UUID") : NULL;
}

static void forget(struct targets *targets, const char *uuid) {
        for (size_t i = 0; i < targets->n; i++)
                if (streq(targets->items[i].uuid, uuid))
                        targets->items[i] = (struct target) {};
}

/* A UUID that has left the parent is kept: events of its jobs follow. */
static int note_place(struct event_filter *filter, const char *uuid, bool here) {
        if (here == targets_contain(&filter->on_parent, uuid))
                return here;
        if (here)
                return targets_add(&filter->on_parent, uuid, NULL) < 0 ? -ENOMEM : 1;
        forget(&filter->on_parent, uuid);
        return 0;
}

int event_filter_wants(struct event_filter *filter, const struct event *event) {
        const char *uuid = uuid_of(event);

        if (streq(event->object, "daemon"))
                return 1;
        if (filter->uuids.n > 0 && (!uuid || !targets_contain(&filter->uuids, uuid)))
                return 0;
        if (!filter->parent)
                return 1;
        if (!uuid)
                return streq(event->subject, filter->parent);
        if (streq(event->object, "definition"))
                return streq(event->parent, filter->parent) ? note_place(filter, uuid, true) : 0;
        if (streq(event->object, "device") && streq(event->event, "added"))
                return note_place(filter, uuid, streq(json_text(event->properties, "ParentName"), filter->parent));
        return targets_contain(&filter->on_parent, uuid);
}

void event_filter_clear(struct event_filter *filter) {
        targets_clear(&filter->uuids);
        targets_clear(&filter->on_parent);
}
