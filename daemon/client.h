/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Who asks: one connection on the bus, whose it is, and what it has under way.
 *
 * A connection is known from its first request that may change something until it leaves the bus, so that the bus is
 * asked once whose it is. A unique name is never given to another connection. */

#include <stdbool.h>
#include <sys/types.h>
#include <systemd/sd-bus.h>
#include <uthash.h>

#include "daemon/worker.h"

struct held_request;
struct manager;

/* dbus-daemon allows 128 unanswered calls a connection; with fewer here, the caller hears of it from us. Jobs and
 * requests that wait for authorization count alike. */
#define CLIENT_JOBS_MAX 100

/* Connections that are known at once. Each is a match rule, and dbus-daemon allows a connection 512; one user it allows
 * 256 connections. Of those that have nothing under way the one that has asked for nothing for longest makes room. */
#define CLIENTS_MAX 400

#define CLIENT_UID_UNKNOWN ((uid_t) -1)

struct client {
        struct manager *manager;
        char *name;                     /* its unique name */
        bool identified;                /* the bus has told whose it is */
        uid_t uid;                      /* CLIENT_UID_UNKNOWN where it would not tell: not root in any case */
        bool left;                      /* the bus; only what cannot be stopped keeps it here */
        unsigned int n_jobs;            /* unfinished, and requests waiting for authorization */
        struct share share;             /* of the workers */
        struct held_request *held;      /* requests waiting until it is identified, in their order, see gate.h */
        unsigned int n_held;
        sd_bus_slot *watch_slot;        /* of its leaving */
        sd_bus_slot *uid_slot;          /* of the question whose it is */
        UT_hash_handle hh;              /* by name; the one used last comes last */
};

/** client_find() - a known connection by its unique name, or NULL. */
struct client *client_find(struct manager *manager, const char *name);

/** client_get() - the same, made known if it is not: it is watched, and the bus asked whose it is. Returns 0, -EDQUOT when
 * CLIENTS_MAX are busy, or another negative errno. */
int client_get(struct manager *manager, const char *name, struct client **ret);

/** client_is_root() - whether the bus has told that it is root's. */
bool client_is_root(const struct client *client);

/** client_acquire() - count one more job. Returns 0, or -EDQUOT at the limit. */
int client_acquire(struct client *client);

/** client_release() - count one less. NULL is fine. */
void client_release(struct client *client);

/** client_free_all() - forget all of them, without a word. */
void client_free_all(struct manager *manager);
