/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What simctl and the two servers say to each other: a list of words a packet. */

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "tests/simulator/words.h"

static int words_socket(const char *path, struct sockaddr_un *address) {
        int fd;

        *address = (struct sockaddr_un) {.sun_family = AF_UNIX};
        strncpy(address->sun_path, path, sizeof(address->sun_path) - 1);
        fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
        return fd < 0 ? -errno : fd;
}

int words_listen(const char *path) {
        _cleanup_close_ int fd = -1;
        struct sockaddr_un address;

        fd = words_socket(path, &address);
        if (fd < 0)
                return fd;

        if (bind(fd, (struct sockaddr *) &address, sizeof(address)) < 0 || listen(fd, SOMAXCONN) < 0)
                return -errno;

        return TAKE_FD(fd);
}

int words_connect(const char *path) {
        _cleanup_close_ int fd = -1;
        struct sockaddr_un address;

        fd = words_socket(path, &address);
        if (fd < 0)
                return fd;

        if (connect(fd, (struct sockaddr *) &address, sizeof(address)) < 0)
                return -errno;

        return TAKE_FD(fd);
}

int words_send(int fd, const char *const *words, size_t n) {
        char data[WORDS_SIZE_MAX];
        size_t size = 0;

        for (size_t i = 0; i < n; i++) {
                size_t length = strlen(words[i]) + 1;

                if (size + length > sizeof(data))
                        return -E2BIG;
                memcpy(data + size, words[i], length);
                size += length;
        }

        return send(fd, data, size, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int words_answer(int fd, int error, const char *text) {
        char number[12];
        const char *words[] = {number, text};

        snprintf(number, sizeof(number), "%d", error < 0 ? -error : error);
        return words_send(fd, words, 2);
}

/* The words are valid as long as the object. They end with NULL. */
int words_receive(int fd, Words *words) {
        ssize_t size;

        size = recv(fd, words->data, sizeof(words->data), 0);
        if (size < 0)
                return -errno;
        if (size == 0)
                return -ENOTCONN;
        if (words->data[size - 1] != '\0')
                return -EBADMSG;

        words->n = 0;
        for (char *p = words->data; p < words->data + size; p += strlen(p) + 1) {
                if (words->n == WORDS_MAX)
                        return -E2BIG;
                words->words[words->n++] = p;
        }
        words->words[words->n] = NULL;
        return 0;
}
