/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What is remembered of a connection that takes more than others do, for as long as that matters. */

#include <stdint.h>
#include <uthash.h>

struct manager;
struct waiting_call;

struct sender {
        char *name;                     /* its unique name */
        uint64_t until;                 /* so long it is remembered, µs */

        struct waiting_call *calls;     /* turns.c: in their order */
        unsigned int n_calls;
        struct sender *prev, *next;     /* whose turn it is comes first */

        uint64_t busy_since;            /* pace.c: much is under way; 0 while it is not */
        uint64_t crowds_until;
        uint64_t count_until;           /* so long n_counted counts */
        unsigned int n_counted;
        uint64_t objects_usec;          /* no GetManagedObjects before that */

        uint64_t logs_usec;             /* log-limit.c: so long n_logs counts */
        unsigned int n_logs;

        UT_hash_handle hh;              /* by name */
};

/** sender_find() - what is remembered of a connection, or NULL. */
struct sender *sender_find(struct manager *manager, const char *name);

/** sender_get() - the same, remembered from now on; NULL without memory. */
struct sender *sender_get(struct manager *manager, const char *name);

/** sender_keep() - remember it until then at least. One with calls that wait is kept anyway. */
void sender_keep(struct sender *sender, uint64_t until);

/** senders_init() - returns 0 or a negative errno. */
int senders_init(struct manager *manager);

/** senders_free() - forget all of them; none may have calls that wait. */
void senders_free(struct manager *manager);
