/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Has the key "backend" written. */

#include "daemon/jobs/kind-of-definitions.h"

#include "daemon/definitions/store.h"
#include "daemon/jobs/job.h"
#include "daemon/jobs/jobs.h"
#include "daemon/registry/backend.h"
#include "daemon/registry/parent.h"

void kind_of_definitions_name(struct jobs *jobs, const struct stored_definition *definition) {
        const struct parent *parent = parent_find(jobs->registry, definition->directory->parent);
        _cleanup_(job_unrefp) struct job *job = NULL;
        struct definition_changes none = {};
        int r;

        if (!definition->valid || definition->names_backend || !parent || !parent->backend->is_named_in_definitions)
                return;

        /* The worker adds the key to whatever it writes. */
        r = job_new_modify(&job, jobs, definition->uuid, parent->name, &none, false, true);
        if (r >= 0)
                r = job_submit(job);
        if (r < 0)
                log_full(LOG_WARNING, r, (struct log_fields) { .uuid = definition->uuid, .parent = parent->name },
                         "Failed to note the kind of device in definition %s: %m", definition->uuid);
}

void kind_of_definitions_name_all(struct jobs *jobs, const struct parent *parent) {
        struct store_directory *directory = store_find_directory(jobs->store, parent->name);
        struct stored_definition *definition, *next;

        if (directory && parent->backend->is_named_in_definitions)
                HASH_ITER(hh, directory->definitions, definition, next)
                        kind_of_definitions_name(jobs, definition);
}
