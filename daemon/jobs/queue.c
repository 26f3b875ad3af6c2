/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The queue of each UUID. */

#include "daemon/jobs/queue.h"

#include <assert.h>
#include <errno.h>
#include <utlist.h>

#include "daemon/base/timer.h"
#include "daemon/jobs/job.h"
#include "daemon/jobs/jobs.h"

struct queue {
        char uuid[UUID_TEXT_SIZE];
        struct job *jobs;               /* the jobs in their order, at least one */
        bool kicked;                    /* whether the head is to be started */
        struct queue *prev, *next;      /* in the list of the kicked ones */
        UT_hash_handle hh;              /* by UUID */
};

static struct queue *find(const struct jobs *jobs, const char *uuid) {
        struct queue *queue;

        HASH_FIND_STR(jobs->queues, uuid, queue);
        return queue;
}

static struct queue *get(struct jobs *jobs, const char *uuid) {
        struct queue *queue = find(jobs, uuid);

        if (queue)
                return queue;

        queue = calloc(1, sizeof(*queue));
        if (!queue)
                return NULL;
        strcpy(queue->uuid, uuid);
        HASH_ADD_STR(jobs->queues, uuid, queue);
        if (queue->hh.tbl)
                return queue;
        free(queue);
        return NULL;
}

static void unkick(struct jobs *jobs, struct queue *queue) {
        if (queue->kicked)
                DL_DELETE(jobs->kicked_queues, queue);
        queue->kicked = false;
}

static void kick(struct jobs *jobs, struct queue *queue) {
        if (queue->kicked)
                return;

        queue->kicked = true;
        DL_APPEND(jobs->kicked_queues, queue);
        deferred_arm(jobs->kick_source);
}

struct job *queue_head(const struct jobs *jobs, const char *uuid) {
        struct queue *queue = find(jobs, uuid);

        return queue ? queue->jobs : NULL;
}

int queue_enter(struct job *job) {
        assert(!job->queue);

        job->queue = get(job->jobs, job->uuid);
        if (!job->queue)
                return -ENOMEM;
        DL_APPEND(job->queue->jobs, job);
        job_set_state(job, JOB_QUEUED);
        if (job->queue->jobs == job)
                kick(job->jobs, job->queue);
        return 0;
}

void queue_remove(struct job *job) {
        struct queue *queue = job->queue;
        bool was_head;

        assert(queue && queue->jobs);

        was_head = queue->jobs == job;
        DL_DELETE(queue->jobs, job);
        job->queue = NULL;
        if (!queue->jobs) {
                unkick(job->jobs, queue);
                HASH_DEL(job->jobs->queues, queue);
                free(queue);
        } else if (was_head)
                kick(job->jobs, queue);
}

static bool head_waits(const struct queue *queue) {
        enum job_state state = queue->jobs->state;

        return state == JOB_QUEUED || state == JOB_PARKED || state == JOB_LOCKED_OUT;
}

void queue_kick(struct jobs *jobs, const char *uuid) {
        struct queue *queue = find(jobs, uuid);

        if (queue && head_waits(queue))
                kick(jobs, queue);
}

static int on_kicked(sd_event_source *source, void *userdata) {
        struct jobs *jobs = userdata;
        struct queue *queue;
        unsigned int n;

        /* A queue that is kicked meanwhile has its turn in the next round of the event loop. */
        DL_COUNT(jobs->kicked_queues, queue, n);
        while (n-- > 0 && (queue = jobs->kicked_queues)) {
                _cleanup_(job_unrefp) struct job *head = job_ref(queue->jobs);

                unkick(jobs, queue);
                if (head_waits(queue)) {
                        job_unpark(head);
                        job_set_state(head, JOB_STARTING);
                        head->type->start(head);
                        assert(head->state != JOB_STARTING);
                }
        }

        return 0;
}

int queues_init(struct jobs *jobs) {
        return deferred_new(&jobs->kick_source, jobs->event, "job-queues", PRIORITY_RESULTS, on_kicked, jobs);
}
