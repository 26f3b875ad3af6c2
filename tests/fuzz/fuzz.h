/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the fuzzers share: what must hold, and an input that is taken apart. */

#include "common/macro.h"

/* A crash that libFuzzer reports, whatever the build's options are. */
#define MUST(condition)                \
        do {                           \
                if (!(condition))      \
                        abort();       \
        } while (false)

/* The prototypes that libFuzzer wants; it has no header. */
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is left of an input. */
struct input {
        const char *data;
        size_t size;
};

/** input_take_byte() - the first byte, 0 where there is none. */
uint8_t input_take_byte(struct input *input);

/** input_take_string() - a copy of what stands before the first @separator, without it, or of all that is left; as a
 * string it ends at its first NUL at the latest. Belongs to the caller. */
char *input_take_string(struct input *input, char separator);

/** fuzz_root() - make an empty directory the root of all paths, until the end of the process. */
void fuzz_root(void);

/** fuzz_put() - write a file below the root, whose directory is there. */
void fuzz_put(const char *path, const char *data, size_t size);

/** fuzz_lowest_fd() - the number the next fd will get: the same before and after what leaks none. */
int fuzz_lowest_fd(void);
