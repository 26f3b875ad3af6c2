/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Lists of names, worked off in slices. */

#include "daemon/base/worklist.h"

#include <assert.h>
#include <errno.h>
#include <uthash.h>

#include "common/io.h"

/* How many names one turn of the event loop looks at. A look takes some 10 µs. */
#define LOOKS_PER_TURN 64

struct item {
        UT_hash_handle hh;
        char *detail;
        char name[];
};

struct worklist {
        struct item *waiting;
        struct item *current;           /* being worked off */
        uint64_t due;                   /* when the waiting ones are looked at, CLOCK_MONOTONIC in µs */
        sd_event_source *timer;
        worklist_look_t look;
        void (*on_end)(void *userdata);
        void *userdata;
};

static void item_free(struct item *item) {
        free(item->detail);
        free(item);
}

/* Returns NULL without memory. */
static struct item *item_new(const char *name, const char *detail) {
        struct item *item = calloc(1, sizeof(*item) + strlen(name) + 1);

        if (!item)
                return NULL;
        strcpy(item->name, name);
        item->detail = detail ? strdup(detail) : NULL;
        if (!detail || item->detail)
                return item;
        item_free(item);
        return NULL;
}

bool worklist_has(const struct worklist *list, const char *name) {
        struct item *item;

        HASH_FIND_STR(list->waiting, name, item);
        return item;
}

static void arm(struct worklist *list) {
        if (list->current)
                timer_arm(list->timer, 0);
        else if (list->waiting)
                timer_arm_at(list->timer, list->due);
}

int worklist_add(struct worklist *list, const char *name, const char *detail, uint64_t usec) {
        uint64_t due = now_usec() + usec;
        bool is_first = !list->waiting;
        struct item *item;

        if (!worklist_has(list, name)) {
                item = item_new(name, detail);
                if (!item)
                        return -ENOMEM;
                HASH_ADD_STR(list->waiting, name, item);
                if (!item->hh.tbl) {
                        item_free(item);
                        return -ENOMEM;
                }
        }
        if (is_first || due < list->due) {
                list->due = due;
                arm(list);
        }
        return 0;
}

static void start_list(struct worklist *list) {
        assert(!list->current);
        list->current = list->waiting;
        list->waiting = NULL;
}

/* It is taken off the list before the look: a hint that comes during the look is about what follows. */
static bool look_at_first(struct worklist *list) {
        struct item *item = list->current;
        bool much;

        HASH_DEL(list->current, item);
        much = list->look(item->name, item->detail, list->userdata);
        item_free(item);
        return much;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        struct worklist *list = userdata;
        bool much = false;

        if (!list->current)
                start_list(list);
        for (unsigned int i = 0; i < LOOKS_PER_TURN && list->current && !much; i++)
                much = look_at_first(list);

        arm(list);
        if (!list->current)
                list->on_end(list->userdata);
        return 0;
}

bool worklist_hurry(struct worklist *list) {
        list->due = 0;
        arm(list);
        return list->current || list->waiting;
}

static void finish_list(struct worklist *list) {
        while (list->current)
                (void) look_at_first(list);
}

void worklist_settle(struct worklist *list) {
        finish_list(list);
        start_list(list);
        finish_list(list);
}

int worklist_new(struct worklist **ret, sd_event *event, const char *description, worklist_look_t look,
                 void (*on_end)(void *userdata), void *userdata) {
        _cleanup_(worklist_freep) struct worklist *list = NULL;
        int r;

        assert(look && on_end);

        list = calloc(1, sizeof(*list));
        if (!list)
                return -ENOMEM;
        *list = (struct worklist) { .look = look, .on_end = on_end, .userdata = userdata };
        r = timer_new(&list->timer, event, description, PRIORITY_REQUESTS, TIMER_EXACT_USEC, on_timer, list);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(list);
        return 0;
}

static void items_free(struct item *items) {
        struct item *item, *next;

        HASH_ITER(hh, items, item, next) {
                HASH_DEL(items, item);
                item_free(item);
        }
}

struct worklist *worklist_free(struct worklist *list) {
        if (!list)
                return NULL;

        items_free(list->waiting);
        items_free(list->current);
        sd_event_source_disable_unref(list->timer);
        free(list);
        return NULL;
}
