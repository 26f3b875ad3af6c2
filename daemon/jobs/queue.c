/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Queues of jobs.
 *
 * The kernel reserves a UUID before its device is complete and answers EAGAIN, or wedges the device, when somebody acts
 * in between. Here the reservation is one level up: as long as a job of a UUID is not finished, the next one is not
 * even started, so a stop that is asked for during a create simply comes after it. Jobs of different UUIDs know nothing
 * of each other, just as in the kernel.
 *
 * A head is always started by the event loop, never from within what another job or the registry is doing: so nothing
 * that is held across a call can vanish under it. */

#include "daemon/jobs/queue.h"

#include <errno.h>
#include <uthash.h>
#include <utlist.h>

#include "daemon/jobs/job-start.h"
#include "daemon/jobs/job.h"
#include "daemon/manager.h"
#include "daemon/workers/pool.h"

struct queue {
        char uuid[UUID_TEXT_SIZE];
        struct job *jobs;
        bool kicked;
        struct queue *prev, *next;      /* in the list of the kicked */
        UT_hash_handle hh;
};

static struct queue *queue_find(struct manager *manager, const char *uuid) {
        struct queue *queue;

        HASH_FIND_STR(manager->queues, uuid, queue);
        return queue;
}

static struct queue *queue_get(struct manager *manager, const char *uuid) {
        struct queue *queue = queue_find(manager, uuid);

        if (queue)
                return queue;

        queue = calloc(1, sizeof(*queue));
        if (!queue)
                return NULL;
        strcpy(queue->uuid, uuid);
        HASH_ADD_STR(manager->queues, uuid, queue);
        if (queue->hh.tbl)
                return queue;
        free(queue);
        return NULL;
}

static void unkick(struct manager *manager, struct queue *queue) {
        if (queue->kicked)
                DL_DELETE(manager->kicked_queues, queue);
        queue->kicked = false;
}

static void kick(struct manager *manager, struct queue *queue) {
        if (queue->kicked)
                return;

        queue->kicked = true;
        DL_APPEND(manager->kicked_queues, queue);
        (void) sd_event_source_set_enabled(manager->queue_source, SD_EVENT_ONESHOT);
}

static void queue_free(struct manager *manager, struct queue *queue) {
        unkick(manager, queue);
        HASH_DEL(manager->queues, queue);
        free(queue);
}

struct job *queue_head(struct queue *queue) {
        return queue->jobs;
}

struct job *queue_peek(struct manager *manager, const char *uuid) {
        struct queue *queue = queue_find(manager, uuid);

        return queue ? queue->jobs : NULL;
}

int queue_enter(struct job *job) {
        struct manager *manager = job->manager;

        job->queue = queue_get(manager, job->uuid);
        if (!job->queue)
                return -ENOMEM;
        DL_APPEND(job->queue->jobs, job);
        job_set_state(job, JOB_QUEUED);
        if (job->queue->jobs == job)
                kick(manager, job->queue);
        return 0;
}

int queue_submit(struct job *job) {
        int r;

        r = queue_enter(job);
        if (r < 0)
                return r;
        exports_job_new(job->manager->exports, job->id, job->uuid, job->type->name, job->export.path);
        return 0;
}

void queue_remove(struct job *job) {
        struct queue *queue = job->queue;
        bool was_head = queue->jobs == job;

        DL_DELETE(queue->jobs, job);
        job->queue = NULL;
        if (!queue->jobs)
                queue_free(job->manager, queue);
        else if (was_head)
                kick(job->manager, queue);
}

/* Whether the head is to be started when something has changed. */
static bool head_waits(const struct queue *queue) {
        enum job_state state = queue->jobs->state;

        return state == JOB_QUEUED || state == JOB_PARKED || state == JOB_LOCKED_OUT;
}

void queue_kick(struct manager *manager, const char *uuid) {
        struct queue *queue = queue_find(manager, uuid);

        if (queue && head_waits(queue))
                kick(manager, queue);
}

static int on_kicked(sd_event_source *source, void *userdata) {
        struct manager *manager = userdata;
        struct queue *queue;
        unsigned int n;

        /* Those that are kicked meanwhile have the next turn. */
        DL_COUNT(manager->kicked_queues, queue, n);
        while (n-- > 0 && (queue = manager->kicked_queues)) {
                struct job *head = queue->jobs;

                unkick(manager, queue);
                if (head_waits(queue)) {
                        job_unpark(head);
                        job_set_state(head, JOB_STARTING);
                        head->type->start(head);
                }
        }

        return 0;
}

int queue_init(struct manager *manager) {
        int r;

        r = sd_event_add_defer(manager->event, &manager->queue_source, on_kicked, manager);
        if (r < 0)
                return r;
        r = sd_event_source_set_enabled(manager->queue_source, SD_EVENT_OFF);
        if (r < 0)
                return r;
        return sd_event_source_set_priority(manager->queue_source, SD_EVENT_PRIORITY_NORMAL - 10);
}

void queue_done(struct manager *manager) {
        struct job *job, *next;

        HASH_ITER(hh, manager->jobs, job, next) {
                (void) pool_withdraw(manager->pool, &job->work);
                if (job->state == JOB_PARKED_OUTSIDE)
                        start_leave_waiting(job);
                else
                        queue_remove(job);
                job_free(job);
        }
        manager->queue_source = sd_event_source_disable_unref(manager->queue_source);
}
