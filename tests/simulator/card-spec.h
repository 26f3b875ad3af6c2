/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a person writes to describe a card with virtual functions: CARD:vfs=COUNT[,KEY=VALUE…][,TYPE=COUNT…]. */

#include <stdint.h>

#include "common/macro.h"

#define CARD_TYPES_MAX 64U
#define CARD_FUNCTIONS_MAX 255U

typedef enum Dialect {
        DIALECT_NVIDIA,         /* the errors of NVIDIA's module */
        DIALECT_UPSTREAM,       /* those of the driver that was proposed for the kernel */
} Dialect;

typedef enum Sriov {
        _SRIOV_DEFAULT,         /* depends on the driver */
        SRIOV_PROGRAM,          /* a program of the vendor's makes virtual functions; a write to sriov_numvfs fails */
        SRIOV_RAW,              /* a write to sriov_numvfs makes them */
} Sriov;

typedef struct CardType {
        unsigned number;
        char *name;
        uint64_t count;         /* how many of this type there can be if there is no other */
} CardType;

typedef struct CardSpec {
        char name[13];          /* as 0000:3d:00.0 */
        char *driver;
        Dialect dialect;
        unsigned n_functions;   /* sriov_totalvfs */
        bool off;               /* there is no virtual function at first */
        Sriov sriov;
        bool groups;            /* the devices have VFIO groups */
        bool locked;            /* the driver lets nobody between what it checks of a write and what it sets */
        bool equal_sizes;       /* all that exists at one time is of one size */
        size_t n_types;
        CardType types[CARD_TYPES_MAX];
} CardSpec;

bool is_pci_name(const char *name);

int card_spec_parse(const char *string, CardSpec **ret);
CardSpec *card_spec_free(CardSpec *spec);
DEFINE_CLEANUP_FUNC(CardSpec *, card_spec_free)
