/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reading many definitions on all processors. The kernel needs some 40 ms to open, read and close 10,000 small files,
 * which is nearly all that `mdevctl list --defined` takes. */

#include "client/mdevctl/read-ahead.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

/* To start a thread takes as long as to read some ten files. */
#define FILES_A_THREAD 250
#define FILES_AT_ONCE 25
#define THREADS_MAX 16

struct reading {
        struct mdevctl_entries *entries;
        atomic_size_t next;
};

static void *read_some(void *userdata) {
        struct reading *reading = userdata;
        size_t begin, n = reading->entries->n;

        while ((begin = atomic_fetch_add(&reading->next, FILES_AT_ONCE)) < n)
                for (size_t i = begin; i < begin + FILES_AT_ONCE && i < n; i++) {
                        struct mdevctl_entry *entry = reading->entries->items + i;

                        if (entry->stored && entry->stored->is_file)
                                (void) mdevctl_stored_read_plain(entry->stored, &entry->definition);
                }
        return NULL;
}

/* A thread has file descriptors of its own, so that no two of them wait for each other to open a file. */
static void *read_some_aside(void *userdata) {
        (void) unshare(CLONE_FILES);
        return read_some(userdata);
}

static size_t count_threads(size_t n_files) {
        size_t n = n_files / FILES_A_THREAD;
        cpu_set_t cpus;

        if (sched_getaffinity(0, sizeof(cpus), &cpus) < 0)
                return 0;
        if (n > (size_t) CPU_COUNT(&cpus))
                n = (size_t) CPU_COUNT(&cpus);
        return n > THREADS_MAX ? THREADS_MAX : n;
}

void mdevctl_read_ahead(struct mdevctl_entries *entries) {
        struct reading reading = { .entries = entries };
        size_t n = count_threads(entries->n), started = 0;
        pthread_t threads[THREADS_MAX];

        /* This one is a thread, too. */
        while (started + 1 < n && pthread_create(threads + started, NULL, read_some_aside, &reading) == 0)
                started++;
        if (started > 0)
                (void) read_some(&reading);
        for (size_t i = 0; i < started; i++)
                (void) pthread_join(threads[i], NULL);
}
