/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a person writes to describe a parent: NAME[@CARD]:TYPE=COUNT[,TYPE=COUNT…]. */

#include <stdint.h>

#include "common/macro.h"

#define SPEC_TYPES_MAX 64U

typedef struct SpecType {
        char *name;
        uint64_t count;         /* how many of this type there can be if there is no other device */
} SpecType;

typedef struct Spec {
        char *name;
        char *card;             /* the physical function, if the parent is a virtual one; a part of the name's memory */
        char *driver;           /* TYPE is DRIVER-NAME */
        size_t n_types;
        SpecType types[SPEC_TYPES_MAX];
} Spec;

int spec_parse(const char *string, Spec **ret);
Spec *spec_free(Spec *spec);
DEFINE_CLEANUP_FUNC(Spec *, spec_free)

/* A device takes a whole part of the capacity: the smallest one for all types is 1, extended by the count of each type.
 * Returns 0 or -EOVERFLOW. */
int spec_extend_capacity(uint64_t *capacity, uint64_t count);
