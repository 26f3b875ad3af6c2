/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reading many definitions on all processors. The kernel needs some 40 ms to open, read and close 10,000 small files.
 * `mdevctl list --defined` does little else. */

#include "client/mdevctl/read-ahead.h"

#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

/* How many files make another thread worth its start, which takes as long as reading ten files or so. */
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

/* Each thread gets file descriptors of its own. Threads that share them wait for each other when they open files. */
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

        assert(n <= THREADS_MAX);
        /* The calling thread reads as well, hence the one less. */
        while (started + 1 < n && pthread_create(threads + started, NULL, read_some_aside, &reading) == 0)
                started++;
        if (started > 0)
                (void) read_some(&reading);
        for (size_t i = 0; i < started; i++)
                (void) pthread_join(threads[i], NULL);
}
