/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Connections: whose they are, and what becomes of their requests when they leave the bus. */

#include "daemon/client.h"

#include <errno.h>

#include "common/macro.h"
#include "daemon/authorization.h"
#include "daemon/bus-names.h"
#include "daemon/gate.h"
#include "daemon/job.h"
#include "daemon/log.h"
#include "daemon/manager.h"

static struct client *client_free(struct client *client) {
        if (!client)
                return NULL;

        HASH_DEL(client->manager->clients, client);
        gate_drop(client);
        sd_bus_slot_unref(client->uid_slot);
        sd_bus_slot_unref(client->watch_slot);
        free(client->name);
        free(client);
        return NULL;
}

void client_free_all(struct manager *manager) {
        struct client *client, *next;

        HASH_ITER(hh, manager->clients, client, next)
                client_free(client);
}

/* What waits is dropped; what a driver is doing goes on to its end, with nobody to tell. */
static void drop_jobs(struct client *client) {
        struct job *job, *next;

        HASH_ITER(hh, client->manager->jobs, job, next)
                if (job->client == client) {
                        job->message = sd_bus_message_unref(job->message);
                        job->wait = false;
                        (void) job_cancel(job);
                }
}

static void leave(struct client *client) {
        log_debug("Connection %s has left the bus with %u jobs", client->name, client->n_jobs);
        client->left = true;
        /* So that it is still there when its last job is not. */
        client->n_jobs++;
        gate_drop(client);
        authorization_drop(client);
        drop_jobs(client);
        client_release(client);
}

static int on_owner_changed(sd_bus_message *message, void *userdata, sd_bus_error *ret_error) {
        struct client *client = userdata;
        const char *name, *new_owner;
        int r;

        r = sd_bus_message_read(message, "sss", &name, NULL, &new_owner);
        if (r >= 0 && streq(name, client->name) && !*new_owner && !client->left)
                leave(client);
        return 0;
}

/* Without the rule its leaving goes unnoticed: then its jobs run to their end, and its room is given away when needed. */
static int on_watching(sd_bus_message *message, void *userdata, sd_bus_error *ret_error) {
        struct client *client = userdata;
        const sd_bus_error *error = sd_bus_message_get_error(message);

        if (error)
                log_warning("Failed to watch connection %s, ignoring: %s", client->name, error->message);
        return 0;
}

static int on_uid(sd_bus_message *message, void *userdata, sd_bus_error *ret_error) {
        struct client *client = userdata;
        uint32_t uid;

        client->uid_slot = sd_bus_slot_unref(client->uid_slot);
        if (sd_bus_message_is_method_error(message, SD_BUS_ERROR_NAME_HAS_NO_OWNER)) {
                if (!client->left)
                        leave(client);
                return 0;
        }

        if (!sd_bus_message_is_method_error(message, NULL) && sd_bus_message_read(message, "u", &uid) >= 0)
                client->uid = uid;
        client->identified = true;
        gate_open(client);
        return 0;
}

static int watch(struct client *client) {
        char rule[256];

        snprintf(rule, sizeof(rule),
                 "type='signal',sender='" BUS_DRIVER "',path='" BUS_DRIVER_PATH "',interface='" BUS_DRIVER "',"
                 "member='NameOwnerChanged',arg0='%s'", client->name);
        return sd_bus_add_match_async(client->manager->bus, &client->watch_slot, rule, on_owner_changed, on_watching,
                                      client);
}

static int make_room(struct manager *manager) {
        struct client *client, *next;

        if (HASH_COUNT(manager->clients) < CLIENTS_MAX)
                return 0;

        HASH_ITER(hh, manager->clients, client, next)
                if (client->identified && client->n_jobs == 0 && !client->held) {
                        client_free(client);
                        return 0;
                }
        return -EDQUOT;
}

struct client *client_find(struct manager *manager, const char *name) {
        struct client *client = NULL;

        if (name)
                HASH_FIND_STR(manager->clients, name, client);
        return client;
}

static void move_to_end(struct client *client) {
        if (!client->hh.next)
                return;

        HASH_DEL(client->manager->clients, client);
        HASH_ADD_KEYPTR(hh, client->manager->clients, client->name, strlen(client->name), client);
}

int client_get(struct manager *manager, const char *name, struct client **ret) {
        struct client *client = client_find(manager, name);
        int r;

        if (client) {
                move_to_end(client);
                *ret = client;
                return 0;
        }

        r = make_room(manager);
        if (r < 0)
                return r;
        client = calloc(1, sizeof(*client));
        if (!client)
                return -ENOMEM;
        client->manager = manager;
        client->uid = CLIENT_UID_UNKNOWN;
        client->name = strdup(name);
        if (!client->name) {
                free(client);
                return -ENOMEM;
        }
        HASH_ADD_KEYPTR(hh, manager->clients, client->name, strlen(client->name), client);

        /* In this order: if it leaves before the question is answered, the answer says so; after it the rule does. */
        r = watch(client);
        if (r >= 0)
                r = sd_bus_call_method_async(manager->bus, &client->uid_slot, BUS_DRIVER, BUS_DRIVER_PATH, BUS_DRIVER,
                                             "GetConnectionUnixUser", on_uid, client, "s", name);
        if (r < 0) {
                client_free(client);
                return r;
        }
        *ret = client;
        return 0;
}

bool client_is_root(const struct client *client) {
        return client->identified && client->uid == 0;
}

int client_acquire(struct client *client) {
        if (client->n_jobs >= CLIENT_JOBS_MAX)
                return -EDQUOT;

        client->n_jobs++;
        return 0;
}

void client_release(struct client *client) {
        if (client && --client->n_jobs == 0 && client->left)
                client_free(client);
}
