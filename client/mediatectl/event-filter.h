/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which events `mediatectl monitor` shows. */

#include "client/mediatectl/events.h"
#include "client/mediatectl/request.h"

struct event_filter {
        struct targets uuids;           /* only events of these; none: of all */
        const char *parent;             /* only events of this parent and what is on it; NULL: of all */
        struct targets on_parent;       /* the UUIDs that were seen on the parent */
};

/** event_filter_init() - take the UUIDs of the command line and --parent. They need not exist yet. Returns a status. */
int event_filter_init(struct client *client, char **arguments, size_t n, struct event_filter *ret);

/** event_filter_wants() - whether the event is shown. Must get all events, because most of them do not say on which
 * parent a UUID is. Returns 1, 0 or -ENOMEM. */
int event_filter_wants(struct event_filter *filter, const struct event *event);

/** event_filter_clear() - free everything. */
void event_filter_clear(struct event_filter *filter);
