/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What simctl and the two servers say to each other: a list of words a packet. An answer is an errno (0:
 * success) and a text. */

#include "common/macro.h"

#define SIMULATOR_DIRECTORY "/run/mediated-sim"
#define SYSFS_SOCKET SIMULATOR_DIRECTORY "/sysfs.socket"
#define INIT_SOCKET SIMULATOR_DIRECTORY "/init.socket"
#define DAEMON_PID_FILE SIMULATOR_DIRECTORY "/daemon.pid"

#define WORDS_MAX 16U
#define WORDS_SIZE_MAX 8192U

typedef struct Words {
        size_t n;
        const char *words[WORDS_MAX + 1];
        char data[WORDS_SIZE_MAX];
} Words;

int words_listen(const char *path);
int words_connect(const char *path);
int words_send(int fd, const char *const *words, size_t n);
int words_answer(int fd, int error, const char *text);
int words_receive(int fd, Words *words);
