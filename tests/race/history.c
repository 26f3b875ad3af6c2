/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Whether what was answered can be true. A search for an order, by Wing and Gong; places that were found to be
 * dead ends are not searched twice (Lowe). */

#include "tests/race/history.h"

#include <inttypes.h>
#include <uthash.h>

#include "common/macro.h"

/* How far an order has come: which operations are in it, where they have left the device, and the stop that
 * removed it last. */
struct place {
        uint64_t done;
        int64_t device;
        int64_t remover;
};

struct visited {
        struct place place;
        UT_hash_handle hh;
};

struct search {
        const struct history *history;
        struct visited *visited;
};

struct operation *history_add(struct history *history, enum operation_kind kind, int client, int parent,
                              uint64_t begun) {
        struct operation *operation;

        if (history->n >= HISTORY_MAX)
                return NULL;
        operation = history->operations + history->n++;
        *operation = (struct operation){
                .kind = kind,
                .client = client,
                .parent = parent,
                .holder = SOMEWHERE,
                .begun = begun,
        };
        return operation;
}

static bool is_done(const struct place *place, unsigned int i) {
        return place->done & UINT64_C(1) << i;
}

/* Nothing that is not in the order yet has ended before it began, or was asked earlier by the same client. */
static bool may_be_next(const struct history *history, const struct place *place, unsigned int i) {
        const struct operation *operation = history->operations + i;

        for (unsigned int j = 0; j < history->n; j++) {
                const struct operation *other = history->operations + j;

                if (j == i || is_done(place, j))
                        continue;
                if (other->ended < operation->begun ||
                    (j < i && other->client >= 0 && other->client == operation->client))
                        return false;
        }
        return true;
}

/* A stop whose device goes while it waits for its turn has done what it was asked for. */
static bool went_by_itself(const struct history *history, const struct place *place,
                           const struct operation *stop) {
        return place->device == NOWHERE && place->remover >= 0 &&
               history->operations[place->remover].ended > stop->begun;
}

static bool take_step(const struct history *history, struct place *place, unsigned int i) {
        const struct operation *operation = history->operations + i;

        place->done |= UINT64_C(1) << i;
        if (operation->result == RESULT_OTHER)
                return true;

        switch (operation->kind) {
        case OPERATION_CREATE:
                if (operation->result == RESULT_EXISTS)
                        return place->device != NOWHERE &&
                               (operation->holder == SOMEWHERE || operation->holder == place->device);
                if (place->device != NOWHERE)
                        return false;
                place->device = operation->parent;
                return true;
        case OPERATION_STOP:
                if (operation->result == RESULT_NONE)
                        return place->device == NOWHERE;
                if (went_by_itself(history, place, operation))
                        return true;
                if (place->device == NOWHERE)
                        return false;
                place->device = NOWHERE;
                place->remover = i;
                return true;
        default:
                return place->device == operation->parent;
        }
}

/* Returns whether it is the first time. */
static bool visit(struct search *search, const struct place *place) {
        struct visited *visited;

        HASH_FIND(hh, search->visited, place, sizeof(*place), visited);
        if (visited)
                return false;
        visited = calloc(1, sizeof(*visited));
        if (!visited)
                abort();
        visited->place = *place;
        HASH_ADD(hh, search->visited, place, sizeof(*place), visited);
        return true;
}

static bool can_go_on(struct search *search, const struct place *place) {
        const struct history *history = search->history;

        if (place->done == (history->n < 64 ? (UINT64_C(1) << history->n) - 1 : UINT64_MAX))
                return true;
        if (!visit(search, place))
                return false;

        for (unsigned int i = 0; i < history->n; i++) {
                struct place next = *place;

                if (!is_done(place, i) && may_be_next(history, place, i) && take_step(history, &next, i) &&
                    can_go_on(search, &next))
                        return true;
        }
        return false;
}

bool history_is_possible(const struct history *history) {
        struct search search = {.history = history};
        struct place start = {.device = history->start, .remover = -1};
        struct visited *visited, *next;
        bool possible;

        possible = can_go_on(&search, &start);
        HASH_ITER (hh, search.visited, visited, next) {
                HASH_DEL(search.visited, visited);
                free(visited);
        }
        return possible;
}

void history_print(const struct history *history, FILE *f) {
        static const char *const results[_RESULT_MAX] = {
                [RESULT_PENDING] = "pending", [RESULT_SUCCESS] = "success", [RESULT_EXISTS] = "exists",
                [RESULT_NONE] = "none",       [RESULT_OTHER] = "other",
        };

        fprintf(f, "  at first on %d (-1: nowhere)\n", history->start);
        for (unsigned int i = 0; i < history->n; i++) {
                const struct operation *o = history->operations + i;

                fprintf(f, "  %" PRIu64 "-%" PRIu64 " ", o->begun, o->ended);
                if (o->kind == OPERATION_LOOK)
                        fprintf(f, "seen on %d\n", o->parent);
                else if (o->kind == OPERATION_CREATE)
                        fprintf(f, "client %d: create on %d: %s %d\n", o->client, o->parent, results[o->result],
                                o->holder);
                else
                        fprintf(f, "client %d: stop: %s\n", o->client, results[o->result]);
        }
}
