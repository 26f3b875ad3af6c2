/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The facts of `mediatectl show` that the host's files tell of a card, not the daemon. */

#include "client/mediatectl/preparation-facts.h"

#include <errno.h>

#include "client/mediatectl/keys.h"
#include "common/json-text.h"
#include "common/preparation.h"
#include "common/sets.h"

/* What is not known is null. */
static void put_count(json_object **object, const char *key, unsigned int n) {
        if (n > 0)
                json_put(object, key, json_object_new_int64(n));
        else
                keys_put_text(object, key, "");
}

int preparation_facts_put(const struct card *card, json_object **object) {
        _cleanup_preparation_ struct preparation preparation = {};
        const struct set_card for_set = card_for_set(card);
        _cleanup_sets_ struct sets sets = {};
        const struct set *set;
        bool known;
        int r;

        r = sets_load(&sets, NULL, NULL);
        known = preparation_load(card->name, &preparation) >= 0;
        if (r == -ENOMEM)
                return r;
        set = sets_find(&sets, &for_set);

        keys_put_text(object, "driver", card->driver);
        json_put(object, "function_count", json_object_new_int64(card->n_functions));
        json_put(object, "function_max", json_object_new_int64(card->total));
        keys_put_text(object, "preparation", known ? preparation_state_to_string(preparation.state) : "");
        put_count(object, "attempt", preparation.attempt);
        put_count(object, "attempts", preparation.attempts);
        keys_put_text(object, "message", known ? preparation.message : "");
        keys_put_text(object, "file", set ? set->path : "");
        return 0;
}
