/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Several calls at once. */

#include "client/mediatectl/calls.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>

#include "client/mediatectl/explain.h"
#include "client/mediatectl/resolve.h"
#include "client/mediatectl/waiting.h"
#include "client/output/tell.h"
#include "client/output/terminal.h"
#include "client/shared/array.h"
#include "client/shared/callout.h"
#include "common/failure.h"
#include "common/io.h"

/* How many calls may be without an answer. The daemon accepts 100 jobs of one connection, and dbus-daemon 128
 * unanswered calls. */
#define IN_FLIGHT_MAX 64U

#define PROGRESS_INTERVAL_USEC (200 * USEC_PER_MSEC)

int calls_add(struct calls *calls, sd_bus_message *message, const char *subject) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *owned = message;
        _cleanup_free_ char *copy = subject ? strdup(subject) : NULL;
        struct call *call;

        if (subject && !copy)
                return -ENOMEM;
        call = array_add(&calls->items, &calls->n, sizeof(*call));
        if (!call)
                return -ENOMEM;
        *call = (struct call) { .message = TAKE_PTR(owned), .subject = TAKE_PTR(copy) };
        return 0;
}

static int on_reply(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error) {
        struct call *call = userdata;

        assert(!call->reply);
        call->reply = sd_bus_message_ref(reply);
        call->calls->n_done++;
        return 0;
}

static int send_some(struct calls *calls) {
        assert(calls->n_done <= calls->n_sent && calls->n_sent <= calls->n);
        while (calls->n_sent < calls->n && calls->n_sent - calls->n_done < IN_FLIGHT_MAX) {
                struct call *call = &calls->items[calls->n_sent];
                int r;

                /* Without a timeout, because the daemon has deadlines. After a shorter one here its job would go on. */
                r = sd_bus_call_async(calls->client->bus, NULL, call->message, on_reply, call, UINT64_MAX);
                if (r < 0)
                        return r;
                calls->n_sent++;
        }

        return 0;
}

bool call_read_arguments(sd_bus_message *call, struct call_arguments *ret) {
        static const struct {
                const char *member, *types;
        } methods[] = {
                { "CreateDevice", "sss" }, { "StartDevice", "ss" }, { "StopDevice", "s" },
                { "Modify", "ss" },        { "Undefine", "ss" },
        };
        const char *texts[3] = { "", "", NULL };

        for (size_t i = 0; i < ELEMENTSOF(methods); i++) {
                if (!streq(sd_bus_message_get_member(call), methods[i].member))
                        continue;
                if (sd_bus_message_rewind(call, true) < 0)
                        return false;
                for (size_t j = 0; methods[i].types[j]; j++)
                        if (sd_bus_message_read(call, "s", &texts[j]) <= 0)
                                return false;
                *ret = (struct call_arguments) { methods[i].member, texts[0], texts[1], texts[2] };
                return true;
        }
        return false;
}

static void show_progress(struct calls *calls, const char *doing, uint64_t since) {
        char text[256];

        if (!progress_is_due(since))
                return;
        if (calls->n - calls->n_done > 1)
                return progress_show(doing, calls->n_done, calls->n, since);
        for (size_t i = 0; i < calls->n; i++)
                if (!calls->items[i].reply)
                        progress_show(waiting_text(calls->client, &calls->items[i], doing, text, sizeof(text)), 0, 1,
                                      since);
}

static int run_one_step(struct calls *calls, const char *doing, uint64_t since) {
        sd_bus *bus = calls->client->bus;
        int r;

        r = send_some(calls);
        if (r < 0)
                return r;
        r = sd_bus_process(bus, NULL);
        if (r != 0)
                return r;

        if (!doing)
                return sd_bus_wait(bus, UINT64_MAX);
        show_progress(calls, doing, since);
        return sd_bus_wait(bus, PROGRESS_INTERVAL_USEC);
}

static bool changes(const struct calls *calls, const char *uuid) {
        for (size_t i = 0; i < calls->n; i++)
                if (calls->items[i].subject && (!uuid || streq(calls->items[i].subject, uuid)))
                        return true;
        return false;
}

static int check_callout(const struct calls *calls) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        char uuid[UUID_TEXT_SIZE];
        uint64_t job;
        int r;

        /* The jobs of another host are others. */
        if (!client_is_local(calls->client) || !changes(calls, NULL))
                return 0;

        r = callout_find_job(calls->client->bus, &error, &job, uuid);
        if (r < 0)
                return sd_bus_error_is_set(&error) ? tell_error(&error) : r;
        if (r == 0 || !changes(calls, uuid))
                return 0;
        return tell_status(STATUS_FAILED,
                           "A callout of job %" PRIu64 " cannot change %s: the request would wait for that job, and "
                           "the job for its callout. Do it when the job is done", job, uuid);
}

int calls_run(struct calls *calls, const char *doing) {
        uint64_t since = now_usec();
        int r;

        r = check_callout(calls);
        if (r != 0)
                return r;

        /* From here on the array stays where it is. */
        for (size_t i = 0; i < calls->n; i++)
                calls->items[i].calls = calls;

        while (calls->n_done < calls->n && r >= 0) {
                r = run_one_step(calls, doing, since);
                if (r == -EINTR)
                        r = 0;
        }
        progress_clear();

        /* A lost connection is no error here: calls_tell() reports it for each call that has no answer. */
        return r == -ENOMEM ? r : 0;
}

const sd_bus_error *call_error(const struct call *call) {
        static const sd_bus_error lost = SD_BUS_ERROR_MAKE_CONST(SD_BUS_ERROR_DISCONNECTED, "");

        return call->reply ? sd_bus_message_get_error(call->reply) : &lost;
}

/* A UUID that does not exist may be misspelt. */
static bool is_unknown_uuid(const sd_bus_error *error) {
        enum failure_code code = failure_code_from_name(error->name);

        return code == FAILURE_NO_SUCH_DEVICE || code == FAILURE_NOT_DEFINED;
}

int calls_tell(const struct calls *calls) {
        _cleanup_free_ char *last = NULL;
        int status = STATUS_DONE;

        for (size_t i = 0; i < calls->n; i++) {
                const struct call *call = &calls->items[i];
                const sd_bus_error *error = call_error(call);
                int one, r;
                char *text;

                if (!error)
                        continue;
                r = explain_error(calls->client, call->message, error, &text);
                if (r < 0)
                        return r;
                /* What is wrong with a parent or a type is the same for each device. */
                if (!last || !streq(last, text))
                        tell("%s", text);
                free(last);
                last = text;

                one = error_status(error);
                if (is_unknown_uuid(error) && call->subject)
                        resolve_suggest(calls->client, call->subject);
                status = status == STATUS_DONE || status == one ? one : STATUS_FAILED;
        }

        return status;
}

void calls_clear(struct calls *calls) {
        for (size_t i = 0; i < calls->n; i++) {
                sd_bus_message_unref(calls->items[i].message);
                sd_bus_message_unref(calls->items[i].reply);
                free(calls->items[i].subject);
        }
        free(calls->items);
        *calls = (struct calls) {};
}
