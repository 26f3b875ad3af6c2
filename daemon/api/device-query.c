/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Device.GetAttributes and Device.GetUsers. */

#include "daemon/api/device-query.h"

#include <assert.h>
#include <errno.h>
#include <utlist.h>

#include "common/attribute-bus.h"
#include "daemon/api/manager.h"
#include "daemon/bus/bus-util.h"
#include "daemon/jobs/jobs.h"
#include "daemon/peers/authorization.h"
#include "daemon/peers/scheduler.h"
#include "daemon/registry/device.h"
#include "daemon/workers/pool.h"

struct device_query {
        struct manager *manager;
        struct work work;
        struct attributes written;      /* of GetAttributes: the answer, unless a callout gives another one */
        sd_bus_message *message;        /* the call */
        struct charge charge;           /* its place and its bytes */
        struct device_query *prev, *next;   /* in the manager's list */
};

static void device_query_free(struct device_query *query) {
        if (!query)
                return;

        DL_DELETE(query->manager->device_queries, query);
        (void) pool_withdraw(query->manager->pool, &query->work);
        task_clear(&query->work.task);
        attributes_clear(&query->written);
        sd_bus_message_unref(query->message);
        charge_release(&query->charge);
        free(query);
}
DEFINE_CLEANUP_FUNC(struct device_query *, device_query_free)

void device_query_free_all(struct manager *manager) {
        while (manager->device_queries)
                device_query_free(manager->device_queries);
}

static int append_users(sd_bus_message *reply, const struct report *report) {
        int r;

        r = sd_bus_message_open_container(reply, 'a', "(uss)");
        for (size_t i = 0; r >= 0 && i < report->n_holders; i++)
                r = sd_bus_message_append(reply, "(uss)", (uint32_t) report->holders[i].pid, report->holders[i].name,
                                          report->holders[i].machine);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int send_reply(struct device_query *query, const struct report *report) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        int r;

        r = sd_bus_message_new_method_return(query->message, &reply);
        if (r < 0)
                return r;
        if (query->work.task.kind == TASK_GET_USERS)
                r = append_users(reply, report);
        else
                r = attributes_append_to_message(reply,
                                                 report->has_attributes ? &report->attributes : &query->written);
        if (r < 0)
                return r;
        return sd_bus_send(NULL, reply, NULL);
}

static void on_report(struct work *work, struct report *report) {
        struct device_query *query = work->userdata;
        int r;

        assert(query->message && query->charge.peer);

        if (!report)
                r = bus_fail(query->message, FAILURE_IO_ERROR,
                             "Device %s: the worker that was asked about it died", work->task.uuid);
        else if (report->kind == REPORT_FAILED)
                r = bus_fail(query->message, report->failure.code, "%s", failure_text(&report->failure));
        else
                r = send_reply(query, report);
        if (r < 0)
                bus_answer_errno(query->message, r);
        device_query_free(query);
}

static int make_task(const struct manager *manager, const struct device *device, enum task_kind kind,
                     struct task *ret) {
        *ret = (struct task) {
                .kind = kind,
                .callout_timeout = manager->jobs->callout_timeout,
                .uuid = strdup(device->uuid),
                .parent = strdup(device->parent),
                .type = strdup(device->type ? device->type : ""),
        };
        return ret->uuid && ret->parent && ret->type ? 0 : -ENOMEM;
}

static int start(struct manager *manager, sd_bus_message *message, const struct device *device, enum verb verb,
                 enum task_kind kind) {
        _cleanup_(device_query_freep) struct device_query *query = NULL;
        _cleanup_(grants_freep) struct grants *grants = NULL;
        const struct need need = { ACTION_MANAGE_DEVICES, device->parent, device->type ? device->type : "" };
        struct call *call = scheduler_current(manager->scheduler, message);
        int r;

        r = authorize(manager->authorizations, message, verb, device->uuid, &need, 1, &grants);
        if (r != 0)
                return r;

        query = calloc(1, sizeof(*query));
        if (!query)
                return -ENOMEM;
        query->manager = manager;
        query->work = (struct work) { .userdata = query, .on_report = on_report };
        DL_APPEND(manager->device_queries, query);
        if (call_charge_request(call, &query->charge) < 0)
                return bus_fail(message, FAILURE_LIMITS_EXCEEDED,
                                "Device %s: this connection has %d unfinished jobs and questions already, or this user "
                                "has %d, or all have %d; wait for one to finish", device->uuid, PEER_REQUESTS_MAX,
                                USER_REQUESTS_MAX, OTHERS_REQUESTS_MAX);
        query->work.share = peer_share(query->charge.peer);
        query->message = sd_bus_message_ref(message);
        r = make_task(manager, device, kind, &query->work.task);
        if (r >= 0)
                r = attributes_copy(&device->attributes, &query->written);
        if (r < 0)
                return r;

        pool_submit(manager->pool, &query->work);
        TAKE_PTR(query);
        return 1;
}

int device_query_attributes(struct manager *manager, sd_bus_message *message, const struct device *device) {
        return start(manager, message, device, VERB_GET_ATTRIBUTES, TASK_GET_ATTRIBUTES);
}

int device_query_users(struct manager *manager, sd_bus_message *message, const struct device *device) {
        return start(manager, message, device, VERB_GET_USERS, TASK_GET_USERS);
}
