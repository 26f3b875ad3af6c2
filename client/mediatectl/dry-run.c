/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* --dry-run: what a verb would do. */

#include "client/mediatectl/dry-run.h"

#include "client/output/tell.h"
#include "client/output/terminal.h"

static void print_line(const char *verb, const char *uuid, const char *type, const char *parent) {
        printf("Would %s ", verb);
        put_printable(stdout, uuid);
        if (*type) {
                printf(", ");
                put_printable(stdout, type);
        }
        printf(" on ");
        put_printable(stdout, parent);
        printf("\n");
}

static int tell_missing(const struct target *target, const char *what) {
        return tell_status(STATUS_NOT_FOUND, "There is no %s %s%s%s", what, target->uuid,
                           *target->parent ? " on parent " : "", target->parent);
}

int dry_run_devices(struct client *client, const struct targets *targets, const char *verb) {
        int r, status = STATUS_DONE;

        r = lists_devices(client);
        if (r != 0)
                return r;
        for (size_t i = 0; i < targets->n; i++) {
                const struct listed_device *device = lists_find_device(&client->lists, targets->items[i].uuid);

                if (device)
                        print_line(verb, device->uuid, device->type, device->parent);
                else
                        status = tell_missing(&targets->items[i], "device");
        }
        return status;
}

static bool is_meant(const struct listed_definition *definition, const struct target *target) {
        return listed_definition_is(definition, target->uuid, target->parent);
}

int dry_run_definitions(struct client *client, const struct targets *targets, const char *verb, bool inactive,
                        bool each) {
        const struct listed_definition_list *definitions = &client->lists.definitions;
        int r, status = STATUS_DONE;

        r = lists_definitions(client);
        if (r != 0)
                return r;
        for (size_t i = 0; i < targets->n; i++) {
                const struct target *target = &targets->items[i];
                size_t n = 0;

                for (size_t j = 0; j < definitions->n; j++)
                        n += is_meant(&definitions->items[j], target);
                if (n == 0)
                        status = tell_missing(target, "definition of");
                if (n > 1 && !each) {
                        status = tell_status(STATUS_FAILED, "Device %s is defined on several parents; choose one with "
                                             "--parent", target->uuid);
                        continue;
                }
                for (size_t j = 0; j < definitions->n; j++) {
                        const struct listed_definition *definition = &definitions->items[j];

                        if (is_meant(definition, target) && !(inactive && definition->active))
                                print_line(verb, definition->uuid, definition->type, definition->parent);
                }
        }
        return status;
}
