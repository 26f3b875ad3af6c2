/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What polkit has granted for one request. It goes along with the request's job: what the job is about to do when its
 * turn comes is compared with that, since parent and type of a UUID may be others by then. */

#include <stdbool.h>
#include <stddef.h>

#include "common/macro.h"

enum action {
        ACTION_MANAGE_DEVICES,
        ACTION_MANAGE_DEFINITIONS,
};

/* One thing that a request does, and may need a permission for. */
struct need {
        enum action action;
        const char *parent;             /* NULL: of every parent, then the type does not matter either; "": of none */
        const char *type;               /* "": not known */
};

/* As many as a request can need, and some more for what changes while polkit is asked. */
#define GRANTS_MAX 8

struct grants {
        size_t n;
        struct need items[GRANTS_MAX];  /* their texts are owned */
};

/** action_to_string() - polkit's name of it. */
const char *action_to_string(enum action action);

struct grants *grants_free(struct grants *grants);
DEFINE_CLEANUP_FUNC(struct grants *, grants_free)

/** grants_add() - returns 0, -E2BIG with GRANTS_MAX of them, or -ENOMEM. */
int grants_add(struct grants *grants, const struct need *need);

/** grants_have() - whether exactly that was granted. */
bool grants_have(const struct grants *grants, const struct need *need);

/** grants_cover() - whether it may be done. NULL: everything may, for root and for the daemon itself. */
bool grants_cover(const struct grants *grants, enum action action, const char *parent, const char *type);
