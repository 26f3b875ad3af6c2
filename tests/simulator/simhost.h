/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a simulated host is to be like. */

#include "common/macro.h"

#define PARENTS_MAX 64U
#define CARDS_MAX 16U

/* The beginning of a word that describes a card, among the words that describe parents. */
#define CARD_WORD "--card="
#define CARD_WORD_MAX 4096U
#define DAEMON_ARGUMENTS_MAX 8U

typedef struct Options {
        const char *source;             /* of the project, absolute */
        const char *build;
        const char *parents[PARENTS_MAX];
        size_t n_parents;
        const char *cards[CARDS_MAX];
        size_t n_cards;
        const char *create_delay;
        const char *remove_delay;
        int definitions_fd;             /* a directory, or -1 */
        const char *daemon_arguments[DAEMON_ARGUMENTS_MAX];
        size_t n_daemon_arguments;
        bool daemon;
        bool polkit;
        bool broker;                    /* dbus-broker is the system bus, not dbus-daemon */
        bool verbose;
        char **command;
} Options;

/* Process 1 of the simulated host; returns its exit status. */
int init_main(const Options *options);
