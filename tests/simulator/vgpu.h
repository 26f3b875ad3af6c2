/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The files of NVIDIA's vendor VFIO in a virtual function: what creates and removes a vGPU. */

#include "tests/simulator/card-spec.h"
#include "tests/simulator/pci.h"

struct Function;

/* How creatable_vgpu_types looks. */
typedef enum VgpuList {
        VGPU_LIST_NORMAL,
        VGPU_LIST_NO_HEADING,
        VGPU_LIST_HEADING,      /* alone */
        VGPU_LIST_EMPTY,
        VGPU_LIST_ACTIVE,       /* the type that the function has, and no other */
        VGPU_LIST_NAME_FIRST,
        VGPU_LIST_STRANGE,      /* with a line that cannot be read */
        _VGPU_LIST_MAX,
        _VGPU_LIST_INVALID = -1,
} VgpuList;

typedef struct Vgpu {
        const CardType *type;   /* NULL: there is no vGPU */
        const CardType *coming; /* what is being created, and can be read already */
        Node *directory;
        bool rebound;           /* the function has been unbound since it was made */
        bool wedged;            /* it can never be cleared */
        bool broken;            /* it can be created, and does not work */
        unsigned n_plugins;     /* > 0: the process of its user has not gone yet */
        unsigned n_writers;
        uint64_t opened;        /* when */
        struct TypeWrite *clears; /* that wait for the plugin */
        driver_then_t idle;
        void *userdata;
        unsigned placement;
        unsigned instance;
        char params[256];
        bool warm_update;
} Vgpu;

extern const GroupUser vgpu_user;

VgpuList vgpu_list_from_string(const char *string);

void vgpu_init(struct Function *function);
void vgpu_add(struct Function *function, Changes *changes);
void vgpu_remove(struct Function *function, Changes *changes);
void vgpu_when_idle(struct Function *function, driver_then_t then, void *userdata);
void vgpu_give(struct Function *function);
