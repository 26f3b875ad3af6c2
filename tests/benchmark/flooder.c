/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/benchmark/flooder.h"

#include <errno.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "common/macro.h"
#include "common/uuid.h"
#include "tests/race/calls.h"

#define CALL_USEC (600 * USEC_PER_SEC)

/* One call after the other, for ever. */
struct stream {
        const struct flood *flood;
        sd_bus *bus;
        char uuid[UUID_TEXT_SIZE];
        bool created;
};

static int new_job(struct stream *stream, sd_bus_message **ret) {
        stream->created = !stream->created;
        return stream->created
                       ? call_new_create(stream->bus, ret, stream->uuid, stream->flood->parent, stream->flood->type)
                       : call_new_stop(stream->bus, ret, stream->uuid, false);
}

static int new_objects(struct stream *stream, sd_bus_message **ret) {
        return sd_bus_message_new_method_call(stream->bus, ret, CALL_NAME, CALL_PATH,
                                              "org.freedesktop.DBus.ObjectManager", "GetManagedObjects");
}

static int new_list(struct stream *stream, sd_bus_message **ret) {
        return sd_bus_message_new_method_call(stream->bus, ret, CALL_NAME, CALL_PATH, CALL_MANAGER, "ListDefinitions");
}

static int new_types(struct stream *stream, sd_bus_message **ret) {
        int r;

        r = sd_bus_message_new_method_call(stream->bus, ret, CALL_NAME, CALL_PATH, CALL_MANAGER, "ListTypes");
        return r < 0 ? r : sd_bus_message_append(*ret, "s", "");
}

static const struct {
        const char *name;
        int (*new_call)(struct stream *stream, sd_bus_message **ret);
        bool deaf;
        bool no_reply;
} floods[] = {
        { .name = "jobs", .new_call = new_job },
        { .name = "objects", .new_call = new_objects },
        { .name = "lists", .new_call = new_list },
        { .name = "types", .new_call = new_types },
        { .name = "deaf", .new_call = new_list, .deaf = true },
        { .name = "no-reply", .new_call = new_list, .deaf = true, .no_reply = true },
        { .name = "no-reply-jobs", .new_call = new_job, .deaf = true, .no_reply = true },
};

static int find(const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(floods); i++)
                if (streq(floods[i].name, name))
                        return (int) i;
        return -ENOENT;
}

int flood_exists(const char *name) {
        return find(name) >= 0;
}

static int on_answer(sd_bus_message *message, void *userdata, sd_bus_error *ret_error);

static int go_on(struct stream *stream) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL;
        int r;

        r = floods[find(stream->flood->name)].new_call(stream, &message);
        return r < 0 ? r : sd_bus_call_async(stream->bus, NULL, message, on_answer, stream, CALL_USEC);
}

static int on_answer(sd_bus_message *message, void *userdata, sd_bus_error *ret_error) {
        return go_on(userdata);
}

/* Nothing is ever read from the connection. */
static int run_deaf(struct stream *stream) {
        int which = find(stream->flood->name);

        for (;;) {
                _cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL;
                uint64_t cookie;
                int r;

                r = floods[which].new_call(stream, &message);
                if (r >= 0)
                        r = sd_bus_send(stream->bus, message, floods[which].no_reply ? NULL : &cookie);
                if (r >= 0)
                        r = sd_bus_flush(stream->bus);
                if (r < 0)
                        return r;
        }
}

int flood_run(const struct flood *flood) {
        _cleanup_(sd_event_unrefp) sd_event *event = NULL;
        bool deaf = floods[find(flood->name)].deaf;
        int r;

        r = sd_event_new(&event);
        for (unsigned int i = 0; r >= 0 && i < flood->connections; i++) {
                sd_bus *bus;

                /* Kept to the end of the process. */
                r = sd_bus_open_system(&bus);
                if (r >= 0 && !deaf)
                        r = sd_bus_attach_event(bus, event, 0);
                for (unsigned int j = 0; r >= 0 && j < flood->calls; j++) {
                        struct stream *stream = calloc(1, sizeof(*stream));

                        if (!stream)
                                return -ENOMEM;
                        *stream = (struct stream) { .flood = flood, .bus = bus };
                        uuid_random(stream->uuid);
                        r = deaf ? run_deaf(stream) : go_on(stream);
                }
        }
        return r < 0 ? r : sd_event_loop(event);
}
