/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Requests about devices and jobs. */

#include "daemon/api/request-device.h"

#include <errno.h>
#include <inttypes.h>
#include <utlist.h>

#include "daemon/api/arguments.h"
#include "daemon/api/manager.h"
#include "daemon/api/request-options.h"
#include "daemon/bus/bus-util.h"
#include "daemon/jobs/card.h"
#include "daemon/jobs/job.h"
#include "daemon/jobs/jobs.h"
#include "daemon/jobs/queue.h"
#include "daemon/jobs/waiting.h"
#include "daemon/peers/authorization.h"
#include "daemon/peers/scheduler.h"
#include "daemon/registry/device.h"
#include "daemon/registry/parent.h"

int request_refuse_draining(struct manager *manager, sd_bus_message *message) {
        return manager->draining ? bus_fail_stopping(message) : 0;
}

/* Whether the request would wait for the job whose callout makes it, while that job waits for its callout. */
static bool waits_for_itself(struct manager *manager, const struct job *job, uint64_t callout_of) {
        const struct job *of = callout_of > 0 ? jobs_find(manager->jobs, callout_of) : NULL;

        return of && streq(of->uuid, job->uuid);
}

/* Root's two options are about processes of root's: a callout of ours, and libvirt, which holds a group. */
static int check_options(struct manager *manager, sd_bus_message *message, const struct job *job,
                         const struct options *options) {
        if ((options->callout_of > 0 || options->held_by > 0) && !scheduler_serves_root(manager->scheduler, message))
                return bus_fail(message, FAILURE_ACCESS_DENIED, "Device %s: only root may give the option '%s'",
                                job->uuid, options->callout_of > 0 ? "callout-of" : "held-by");
        if (waits_for_itself(manager, job, options->callout_of))
                return bus_fail(message, FAILURE_CALLOUT_FAILED,
                                "Device %s: a callout of job %" PRIu64 " cannot change it, the request would wait for "
                                "that job; do it when the job is done", job->uuid, options->callout_of);
        return 0;
}

static void on_left(struct charge *charge) {
        job_caller_left(CONTAINER_OF(charge, struct job, caller.charge));
}

static int charge(sd_bus_message *message, struct call *call, struct job *job) {
        if (call_charge_request(call, &job->caller.charge) < 0)
                return bus_fail(message, FAILURE_LIMITS_EXCEEDED,
                                "Device %s: this connection has %d unfinished jobs already, or this user has %d, or "
                                "all have %d; wait for one to finish", job->uuid, PEER_REQUESTS_MAX, USER_REQUESTS_MAX,
                                OTHERS_REQUESTS_MAX);

        job->work.share = peer_share(job->caller.charge.peer);
        return 0;
}

int request_accept(struct manager *manager, sd_bus_message *message, struct job *job, const struct options *options) {
        struct call *call = scheduler_current(manager->scheduler, message);
        int r;

        if (!call)
                return -EACCES;
        r = check_options(manager, message, job, options);
        if (r == 0)
                r = charge(message, call, job);
        if (r != 0)
                return r;

        job->caller.force = options->force;
        job->caller.callout_of = options->callout_of;
        if (options->wait)
                job->wait = JOB_WAIT_ALLOWED;
        r = options->settle ? job_settle(job) : 0;
        if (r >= 0)
                r = job_set_timeout(job, options->timeout);
        if (r >= 0)
                r = job_submit(job);
        if (r < 0)
                return r;

        if (options->no_wait)
                return job_answer_accepted(job, message);
        job->caller.message = sd_bus_message_ref(message);
        job->caller.charge.on_left = on_left;
        return 1;
}

/* If @parent is a card, it becomes the parent of that card which is asked first. @card is empty if it is none. Returns
 * 0, 1 when @message is answered, or a negative errno. */
static int resolve_card(struct manager *manager, sd_bus_message *message, const struct type_name *type,
                        struct parent_name *parent, struct parent_name *card) {
        const struct parent *chosen;

        *card->text = '\0';
        if (!card_exists(manager->registry, parent->text))
                return 0;
        chosen = card_choose(manager->jobs, parent->text, type->text, NULL, 0);
        if (!chosen)
                return bus_fail(message, FAILURE_NO_SUCH_TYPE,
                                "No parent of card '%s' that is not set aside has a type '%s'; 'mediatectl tree %s' "
                                "shows its types and what is set aside", parent->text, type->text, parent->text);
        *card = *parent;
        return parent_name_set(parent, chosen->name);
}

int request_create(struct manager *manager, sd_bus_message *message) {
        _cleanup_(grants_freep) struct grants *grants = NULL;
        _cleanup_(job_unrefp) struct job *job = NULL;
        _cleanup_(attributes_clear) struct attributes attributes = {};
        struct options options = { .timeout = JOB_TIMEOUT_USEC_DEFAULT };
        struct parent_name parent, card;
        struct type_name type;
        struct uuid_text uuid;
        bool random;
        int r;

        r = request_refuse_draining(manager, message);
        if (r == 0)
                r = argument_read_new_uuid(message, &uuid, &random);
        if (r == 0)
                r = argument_read_parent(message, &uuid, FAILURE_NO_SUCH_PARENT, &parent);
        if (r == 0)
                r = argument_read_type(message, &uuid, FAILURE_NO_SUCH_TYPE, &parent, &type);
        if (r == 0)
                r = argument_read_attributes(message, &uuid, &attributes);
        if (r == 0)
                r = options_read(message, OPTION_SETTLE, &options);
        if (r == 0)
                r = resolve_card(manager, message, &type, &parent, &card);
        if (r != 0)
                return r;
        /* A random UUID is another one each time that the request is read. */
        r = authorize(manager->authorizations, message, VERB_CREATE, random ? "" : uuid.text,
                      &(struct need) { ACTION_MANAGE_DEVICES, parent.text, type.text }, 1, &grants);
        if (r != 0)
                return r;

        r = job_new_create(&job, manager->jobs, uuid.text, parent.text, type.text, &attributes);
        if (r < 0)
                return r;
        job->caller.grants = TAKE_PTR(grants);
        if (*card.text && job_set_card(job, card.text) < 0)
                return -ENOMEM;

        return request_accept(manager, message, job, &options);
}

/* The job that makes a device of this UUID, or will make it. The device will have its parent and type. */
static const struct job *find_making(struct manager *manager, const char *uuid) {
        const struct job *job = queue_head(manager->jobs, uuid);

        if (!job)
                job = waiting_find(manager->jobs, uuid);
        return job && job->type->creates ? job : NULL;
}

/* What a stop needs: the permission for the device, or for the one that is being made. Returns false if there is
 * neither. */
static bool need_to_stop(struct manager *manager, const char *uuid, struct need *ret) {
        const struct device *device = device_confirm(manager->registry, uuid);
        const struct job *job = device && device->type ? NULL : find_making(manager, uuid);

        *ret = (struct need) { ACTION_MANAGE_DEVICES, "", "" };
        if (device && device->type)
                *ret = (struct need) { ACTION_MANAGE_DEVICES, device->parent, device->type };
        else if (job && job->parent && job->mdev_type)
                *ret = (struct need) { ACTION_MANAGE_DEVICES, job->parent, job->mdev_type };
        else if (device)
                ret->parent = device->parent;
        return device || job || queue_head(manager->jobs, uuid);
}

static int authorize_stop(struct manager *manager, sd_bus_message *message, const struct uuid_text *uuid,
                          struct grants **ret) {
        struct need need;

        if (scheduler_serves_root(manager->scheduler, message))
                return 0;
        if (!need_to_stop(manager, uuid->text, &need))
                return bus_fail_device(message, uuid->text);
        return authorize(manager->authorizations, message, VERB_STOP, uuid->text, &need, 1, ret);
}

int request_stop(struct manager *manager, sd_bus_message *message, const struct uuid_text *uuid) {
        _cleanup_(grants_freep) struct grants *grants = NULL;
        _cleanup_(job_unrefp) struct job *job = NULL;
        struct options options = { .timeout = OPTION_TIMEOUT_UNSET };
        int r;

        r = request_refuse_draining(manager, message);
        if (r == 0)
                r = options_read(message, OPTION_WAIT | OPTION_HELD_BY, &options);
        if (r != 0)
                return r;
        /* The device's user may keep it for any time. */
        if (options.timeout == OPTION_TIMEOUT_UNSET)
                options.timeout = options.wait ? 0 : JOB_TIMEOUT_USEC_DEFAULT;
        r = authorize_stop(manager, message, uuid, &grants);
        if (r != 0)
                return r;

        r = job_new_stop(&job, manager->jobs, uuid->text, (pid_t) options.held_by);
        if (r < 0)
                return r;
        job->caller.grants = TAKE_PTR(grants);

        return request_accept(manager, message, job, &options);
}

/* A job may be canceled by its caller, and by every caller that may ask for such a job. */
static int authorize_cancel(struct manager *manager, sd_bus_message *message, const struct job *job) {
        _cleanup_(grants_freep) struct grants *grants = NULL;
        static const enum action actions[] = { ACTION_MANAGE_DEVICES, ACTION_MANAGE_DEFINITIONS };
        const char *parent = job->parent ? job->parent : "", *type = job->mdev_type ? job->mdev_type : "";
        const struct call *call = scheduler_current(manager->scheduler, message);
        struct need needs[ELEMENTSOF(actions)];
        size_t n = 0;

        if (call && call->charge.peer == job->caller.charge.peer)
                return 0;
        for (size_t i = 0; i < ELEMENTSOF(actions); i++)
                if (job_needs(job, actions[i]))
                        needs[n++] = (struct need) { actions[i], parent, type };
        return authorize(manager->authorizations, message, VERB_CANCEL, job->uuid, needs, n, &grants);
}

int request_cancel(struct manager *manager, sd_bus_message *message, uint64_t id) {
        struct job *job = jobs_find(manager->jobs, id);
        int r;

        if (!job)
                return bus_fail_job(message, id);
        r = authorize_cancel(manager, message, job);
        if (r != 0)
                return r;
        if (job_cancel(job) < 0)
                return bus_fail(message, FAILURE_NOT_SUPPORTED,
                                "Job %" PRIu64 " (%s of device %s) is running already; what a driver does cannot be "
                                "interrupted. Wait until it ends", id, job->type->name, job->uuid);

        return sd_bus_reply_method_return(message, NULL);
}

int request_reload(struct manager *manager, sd_bus_message *message) {
        _cleanup_(grants_freep) struct grants *grants = NULL;
        int r;

        r = authorize(manager->authorizations, message, VERB_RELOAD, "",
                      &(struct need) { ACTION_MANAGE_DEFINITIONS, NULL, "" }, 1, &grants);
        if (r != 0)
                return r;
        manager->reload(manager);
        return sd_bus_reply_method_return(message, NULL);
}
