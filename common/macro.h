/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Small helpers of the language: cleanup attributes, ownership, array sizes. */

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define _cleanup_(f) __attribute__((cleanup(f)))
#define _printf_(a, b) __attribute__((format(printf, a, b)))
#define _unused_ __attribute__((unused))

#define ELEMENTSOF(x) (sizeof(x) / sizeof((x)[0]))

/* The struct whose member @pointer points to. */
#define CONTAINER_OF(pointer, type, member) ((type *) (void *) ((char *) (pointer) - offsetof(type, member)))

#define USEC_PER_SEC ((uint64_t) 1000000)
#define USEC_PER_MSEC ((uint64_t) 1000)
#define NSEC_PER_USEC ((uint64_t) 1000)
#define USEC_INFINITY UINT64_MAX

/* Takes the value out of a pointer or fd variable, so that its cleanup has nothing to free. */
#define TAKE_PTR(p)                                  \
        __extension__({                              \
                __typeof__(p) *_pp = &(p);           \
                __typeof__(p) _p = *_pp;             \
                *_pp = NULL;                         \
                _p;                                  \
        })

static inline int take_fd(int *fd) {
        int r = *fd;

        *fd = -1;
        return r;
}
#define TAKE_FD(fd) take_fd(&(fd))

#define DEFINE_CLEANUP_FUNC(type, func)              \
        static inline void func##p(type *p) {        \
                if (*p)                              \
                        func(*p);                    \
        }

static inline void freep(void *p) {
        free(*(void **) p);
}

static inline void closep(int *fd) {
        if (*fd >= 0)
                close(*fd);
}

DEFINE_CLEANUP_FUNC(DIR *, closedir)
DEFINE_CLEANUP_FUNC(FILE *, fclose)

#define _cleanup_free_ _cleanup_(freep)
#define _cleanup_close_ _cleanup_(closep)
#define _cleanup_closedir_ _cleanup_(closedirp)
#define _cleanup_fclose_ _cleanup_(fclosep)

static inline bool streq(const char *a, const char *b) {
        return strcmp(a, b) == 0;
}
