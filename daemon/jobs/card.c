/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Choosing a parent of a card. */

#include "daemon/jobs/card.h"

#include "daemon/jobs/job.h"
#include "daemon/registry/parent.h"
#include "daemon/registry/registry.h"

/* More than jobs are ever under way: such a parent is the last choice. */
#define FULL (1U << 31)

bool card_exists(struct registry *registry, const char *name) {
        struct parent *parent, *next;

        if (parent_find(registry, name))
                return false;
        HASH_ITER(hh, registry->parents, parent, next)
                if (streq(parent->card, name))
                        return true;
        return false;
}

static unsigned int count_creates(const struct jobs *jobs, const char *parent) {
        const struct job *job, *next;
        unsigned int n = 0;

        HASH_ITER(hh, jobs->by_id, job, next)
                if (job->type->creates && job->parent && streq(job->parent, parent))
                        n++;
        return n;
}

/* A parent with fewer instances than devices under way will refuse the next one, as far as is known. */
static unsigned int rank(const struct jobs *jobs, const struct parent *parent, const char *type) {
        const struct mdev_type *known = mdev_types_find(&parent->types, type);
        unsigned int n = count_creates(jobs, parent->name);

        return known && known->available <= n ? n + FULL : n;
}

static bool is_listed(const char *name, char *const *names, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (streq(names[i], name))
                        return true;
        return false;
}

struct parent *card_choose(const struct jobs *jobs, const char *card, const char *type, char *const *refused,
                           size_t n_refused) {
        struct parent *parent, *next, *best = NULL;
        unsigned int best_rank = 0;

        HASH_ITER(hh, jobs->registry->parents, parent, next) {
                unsigned int r;

                if (!streq(parent->card, card) || parent->set_aside || is_listed(parent->name, refused, n_refused) ||
                    !parent_may_have_type(parent, type))
                        continue;
                r = rank(jobs, parent, type);
                if (best && r >= best_rank)
                        continue;
                best = parent;
                best_rank = r;
        }
        return best;
}
