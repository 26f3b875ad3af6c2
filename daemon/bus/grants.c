/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What was granted for one request. */

#include "daemon/bus/grants.h"

#include <assert.h>
#include <errno.h>

const char *action_to_string(enum action action) {
        return action == ACTION_MANAGE_DEVICES ? "org.mediated1.manage-devices" : "org.mediated1.manage-definitions";
}

static void need_clear(struct need *need) {
        free((char *) need->parent);
        free((char *) need->type);
        *need = (struct need) {};
}

struct grants *grants_free(struct grants *grants) {
        if (!grants)
                return NULL;

        while (grants->n > 0)
                need_clear(&grants->items[--grants->n]);
        free(grants);
        return NULL;
}

int grants_add(struct grants *grants, const struct need *need) {
        struct need *item = grants->items + grants->n;

        assert(need->type);

        if (grants->n >= GRANTS_MAX)
                return -E2BIG;

        *item = (struct need) {
                .action = need->action,
                .parent = need->parent ? strdup(need->parent) : NULL,
                .type = strdup(need->type),
        };
        if ((need->parent && !item->parent) || !item->type) {
                need_clear(item);
                return -ENOMEM;
        }
        grants->n++;
        return 0;
}

static bool is_of_every_parent(const struct need *need) {
        return !need->parent;
}

bool grants_have(const struct grants *grants, const struct need *need) {
        assert(grants->n <= GRANTS_MAX && need->type);

        for (size_t i = 0; i < grants->n; i++) {
                const struct need *item = grants->items + i;

                if (item->action == need->action && is_of_every_parent(item) == is_of_every_parent(need) &&
                    (is_of_every_parent(need) || streq(item->parent, need->parent)) && streq(item->type, need->type))
                        return true;
        }
        return false;
}

bool grants_cover(const struct grants *grants, enum action action, const char *parent, const char *type) {
        const struct need need = { action, parent, type ? type : "" }, every = { action, NULL, "" };

        return !grants || grants_have(grants, &need) || grants_have(grants, &every);
}
