/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Who asks: one connection on the bus and how many jobs it has. */

struct client;
struct manager;

/* dbus-daemon allows 128 unanswered calls a connection; with fewer here, the caller hears of it from us. */
#define CLIENT_JOBS_MAX 100

/** client_acquire() - count one more job of a unique name. Returns 0, -EDQUOT at the limit, or -ENOMEM. */
int client_acquire(struct manager *manager, const char *name, struct client **ret);

/** client_release() - count one less. NULL is fine. */
void client_release(struct client *client);
