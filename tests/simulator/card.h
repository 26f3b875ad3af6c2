/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A card: a physical function that can have virtual functions (SR-IOV), which share its capacity. */

#include "tests/simulator/card-spec.h"
#include "tests/simulator/vgpu.h"

typedef struct Card Card;

/* A virtual function. It is never freed, so that it keeps its faults while SR-IOV is off. */
typedef struct Function {
        Pci pci;
        Card *card;
        Vgpu vgpu;
        driver_then_t unbound;
        void *userdata;
} Function;

typedef enum Mig {
        MIG_OFF,
        MIG_EMPTY,              /* on, but there are no instances */
        MIG_READY,
} Mig;

struct Card {
        UT_hash_handle hh;
        Pci pci;
        CardSpec *spec;
        bool autoprobe;
        Function *functions;    /* as many as there can be */
        unsigned n_functions;   /* how many there are */
        unsigned n_removed;     /* while they are removed: how many have gone */
        driver_then_t removed;
        void *userdata;
        driver_then_t rebooted;
        void *reboot_userdata;

        uint64_t capacity;      /* of which each vGPU takes a part */
        uint64_t used;
        unsigned n_late;        /* > 0: the types have not come yet */
        VgpuList list;
        Mig mig;

        OpenFile *user;         /* of the card itself, as a monitor of its health is */
        unsigned n_users;
        struct CardWaiter *waiters;
};

int card_new(Host *host, CardSpec *spec, uint64_t create_delay, uint64_t remove_delay);
Card *host_find_card(Host *host, const char *name);
Function *host_find_function(Host *host, const char *name);

void card_bind(Card *card, Changes *changes, const char *driver);
void card_unbind(Card *card, driver_then_t then, void *userdata);
pid_t card_opener(const Card *card);
void card_when_unused(Card *card, driver_then_t then, void *userdata);

void card_reboot(Card *card, driver_then_t then, void *userdata);

bool card_can_bind(const Card *card, const char *driver);
bool card_has_vgpus(const Card *card);

void function_bind(Function *function, Changes *changes);
void function_unbind(Function *function, driver_then_t then, void *userdata);
