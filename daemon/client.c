/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Clients, known as long as they have jobs. */

#include "daemon/client.h"

#include <errno.h>
#include <uthash.h>

#include "common/macro.h"
#include "daemon/manager.h"

struct client {
        struct manager *manager;
        char *name;
        unsigned int n_jobs;
        UT_hash_handle hh;
};

int client_acquire(struct manager *manager, const char *name, struct client **ret) {
        struct client *client;

        HASH_FIND_STR(manager->clients, name, client);
        if (!client) {
                client = calloc(1, sizeof(*client));
                if (!client)
                        return -ENOMEM;
                client->manager = manager;
                client->name = strdup(name);
                if (!client->name) {
                        free(client);
                        return -ENOMEM;
                }
                HASH_ADD_KEYPTR(hh, manager->clients, client->name, strlen(client->name), client);
        }
        if (client->n_jobs >= CLIENT_JOBS_MAX)
                return -EDQUOT;

        client->n_jobs++;
        *ret = client;
        return 0;
}

void client_release(struct client *client) {
        if (!client || --client->n_jobs > 0)
                return;

        HASH_DEL(client->manager->clients, client);
        free(client->name);
        free(client);
}
