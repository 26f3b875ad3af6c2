/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What polkit has granted for one request. The request's job keeps it. When the turn of the job comes, it compares what
 * it is about to do with what was granted: the UUID may belong to a device of another parent or type by then. */

#include <stdbool.h>
#include <stddef.h>

#include "common/macro.h"

enum action {
        ACTION_MANAGE_DEVICES,
        ACTION_MANAGE_DEFINITIONS,
};

/* One thing that a request does, for which it may need a permission. */
struct need {
        enum action action;
        const char *parent;             /* "": none; NULL: every parent and type */
        const char *type;               /* "": not known */
};

/* The number of needs that a request can have, and some more for what changes while polkit is asked. */
#define GRANTS_MAX 8

struct grants {
        size_t n;
        struct need items[GRANTS_MAX];  /* with texts of their own */
};

/** action_to_string() - polkit's name of the action. */
const char *action_to_string(enum action action);

struct grants *grants_free(struct grants *grants);
DEFINE_CLEANUP_FUNC(struct grants *, grants_free)

/** grants_add() - grant what is needed. Returns 0, -E2BIG if there are GRANTS_MAX already, or -ENOMEM. */
int grants_add(struct grants *grants, const struct need *need);

/** grants_have() - whether exactly @need was granted. */
bool grants_have(const struct grants *grants, const struct need *need);

/** grants_cover() - whether the action is granted for @parent and @type, or for every parent. @grants NULL: everything
 * is, for root and for the daemon itself. @type NULL: it is not known. */
bool grants_cover(const struct grants *grants, enum action action, const char *parent, const char *type);
