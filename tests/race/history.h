/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What was asked about one UUID, what was answered and seen, and whether that can be true: whether there is an
 * order of all of it, each thing at one moment between its begin and its end, in which a UUID is free or on one
 * parent and every answer is right (linearizability). */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define HISTORY_MAX 64

/* Where a device is: the number of a parent, or */
#define NOWHERE (-1)
#define SOMEWHERE (-2) /* on some parent, which was not said */

enum operation_kind {
        OPERATION_CREATE,
        OPERATION_STOP,
        OPERATION_LOOK,
};

enum operation_result {
        RESULT_PENDING,
        RESULT_SUCCESS,
        RESULT_EXISTS, /* create: there is one */
        RESULT_NONE,   /* stop: there is none */
        RESULT_OTHER,  /* an error that says nothing about where the device is */
        _RESULT_MAX,
};

struct operation {
        enum operation_kind kind;
        enum operation_result result;
        int client;            /* one client's operations happen in the order in which it asked; -1: of nobody */
        int parent;            /* create: where; look: where the device was seen */
        int holder;            /* RESULT_EXISTS: on which parent, as was answered */
        uint64_t begun, ended; /* steps of the whole test */
};

struct history {
        struct operation operations[HISTORY_MAX];
        unsigned int n;
        int start; /* where the device was at first */
};

/** history_add() - one more operation, or NULL when it is full. */
struct operation *history_add(struct history *history, enum operation_kind kind, int client, int parent,
                              uint64_t begun);

/** history_is_possible() - whether it can have been so. All operations have ended. */
bool history_is_possible(const struct history *history);

/** history_print() - for people. */
void history_print(const struct history *history, FILE *f);
