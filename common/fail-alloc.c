/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Allocations that fail when a test wants it. Linked into the three programs by the option fault_points only, never
 * into what is installed.
 *
 * A program's own malloc() takes precedence over those of the shared libraries, so what libsystemd, json-c and the C
 * library allocate fails too. A test and the programs share a file in memory, $MEDIATED_FAIL_ALLOC/PROGRAM: the test
 * writes there which allocation is to fail, at any time, and reads how many there were. The processes of one program
 * count together. */

#include "common/fail-alloc.h"

#include <errno.h>
#include <execinfo.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "common/macro.h"

/* The allocator that would be called if this file were not there: AddressSanitizer's, or the C library's. */
#ifdef __SANITIZE_ADDRESS__
#define BEHIND(name) __interceptor_##name
#else
#define BEHIND(name) __libc_##name
#endif

/* malloc() may be called before the sanitizers are set up. */
#define EARLY __attribute__((no_sanitize("address", "undefined")))

void *BEHIND(malloc)(size_t size);
void *BEHIND(calloc)(size_t n, size_t size);
void *BEHIND(realloc)(void *p, size_t size);

#define STACKS_MAX 65536
#define FRAMES_MAX 48

/* The shared file. tests/integration/fail_alloc.py has the same layout. */
struct control {
        _Atomic uint64_t count;                 /* allocations since the test set it to 0 */
        _Atomic uint64_t first;                 /* the number of the first allocation that fails; 0: none */
        _Atomic uint64_t number;                /* how many fail in a row */
        _Atomic uint64_t failed;                /* how many have failed */
        _Atomic uint64_t record;                /* whether the stacks are wanted */
        _Atomic uint64_t stacks[STACKS_MAX];    /* for each allocation a hash of its stack */
};

/* The shared file; or, in a program that tests itself, `own`. */
static struct control *control, own;

/* The hash is the same in each process of a program, wherever its libraries are in memory. */
EARLY static uint64_t hash_stack(void) {
        uint64_t hash = 14695981039346656037U;
        void *frames[FRAMES_MAX];
        int n;

        n = backtrace(frames, FRAMES_MAX);
        for (int i = 0; i < n; i++) {
                struct dl_find_object object;
                uintptr_t place = (uintptr_t) frames[i];

                if (_dl_find_object(frames[i], &object) == 0)
                        place -= object.dlfo_link_map->l_addr;
                hash = (hash ^ place) * 1099511628211U;
        }
        return hash;
}

static void print_stack(uint64_t number) {
        void *frames[FRAMES_MAX];
        char text[80];
        int n;

        snprintf(text, sizeof(text), "fail-alloc: allocation %ju of %s\n", (uintmax_t) number,
                 program_invocation_short_name);
        if (write(STDERR_FILENO, text, strlen(text)) < 0)
                return;
        n = backtrace(frames, FRAMES_MAX);
        backtrace_symbols_fd(frames, n, STDERR_FILENO);
}

/* Whether this allocation must fail. The code in here may allocate, too; such an allocation does not count. */
EARLY static bool fails(void) {
        static _Thread_local bool inside;
        uint64_t number, first;
        bool r = false;

        if (!control || inside)
                return false;
        first = control->first;
        if (first == 0 && control->record == 0)
                return false;

        inside = true;
        number = ++control->count;
        if (control->record > 0 && number <= STACKS_MAX)
                control->stacks[number - 1] = hash_stack();
        if (first > 0 && number >= first && number < first + control->number) {
                control->failed++;
                if (control != &own)
                        print_stack(number);
                errno = ENOMEM;
                r = true;
        }
        inside = false;
        return r;
}

EARLY void *malloc(size_t size) {
        return fails() ? NULL : BEHIND(malloc)(size);
}

EARLY void *calloc(size_t n, size_t size) {
        return fails() ? NULL : BEHIND(calloc)(n, size);
}

EARLY void *realloc(void *p, size_t size) {
        return fails() ? NULL : BEHIND(realloc)(p, size);
}

/* The C library's reallocarray(), strndup() and strdup() would call our malloc(). AddressSanitizer's do not. */
EARLY void *reallocarray(void *p, size_t n, size_t size) {
        if (size > 0 && n > SIZE_MAX / size) {
                errno = ENOMEM;
                return NULL;
        }
        return realloc(p, n * size);
}

EARLY char *strndup(const char *s, size_t size) {
        size_t length = strnlen(s, size);
        char *copy = malloc(length + 1);

        if (copy) {
                memcpy(copy, s, length);
                copy[length] = '\0';
        }
        return copy;
}

EARLY char *strdup(const char *s) {
        return strndup(s, strlen(s));
}

void fail_alloc(uint64_t first) {
        own.first = 0;
        own.count = 0;
        own.failed = 0;
        own.number = 1;
        own.first = first;
        control = &own;
}

bool fail_alloc_failed(void) {
        return own.failed > 0;
}

#ifdef __SANITIZE_ADDRESS__
const char *__lsan_default_suppressions(void);

/* What libraries lose when their own allocations fail: setlocale() does not free the normalized name of a character
 * set, and json_object_object_add() not its copy of a key when the table cannot grow. An object that we lose is
 * reported nevertheless, for its memory is of json_object_new_object(). LeakSanitizer calls this function. */
const char *__lsan_default_suppressions(void) {
        return "leak:_nl_normalize_codeset\nleak:json_object_object_add_ex\n";
}
#endif

__attribute__((constructor)) static void share(void) {
        const char *directory = getenv("MEDIATED_FAIL_ALLOC");
        char path[PATH_MAX];
        void *frame, *p;
        int fd;

        if (!directory)
                return;
        snprintf(path, sizeof(path), "%s/%s", directory, program_invocation_short_name);
        fd = open(path, O_RDWR | O_CLOEXEC);
        if (fd < 0)
                return;
        /* The first call of backtrace() loads a library, which allocates. */
        (void) backtrace(&frame, 1);
        p = mmap(NULL, sizeof(*control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (p != MAP_FAILED)
                control = p;
        close(fd);
}
