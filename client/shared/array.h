/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Arrays that grow. */

#include <assert.h>

#include "common/macro.h"

/** array_add() - add an item to an array. @array is the address of the pointer to its items, which is NULL at first,
 * and *@n is their number. Returns the place of the new item, or NULL when memory is short. */
static inline void *array_add(void *array, size_t *n, size_t size) {
        char *items;

        memcpy(&items, array, sizeof(items));
        assert(*n == 0 || items);
        /* There is room for the next power of two. */
        if ((*n & (*n - 1)) == 0) {
                items = reallocarray(items, *n > 0 ? *n * 2 : 1, size);
                if (!items)
                        return NULL;
                memcpy(array, &items, sizeof(items));
        }
        return items + (*n)++ * size;
}
