/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the fuzzers share. */

#include "tests/fuzz/fuzz.h"

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>

#include "common/root.h"

static char root[PATH_MAX];

uint8_t input_take_byte(struct input *input) {
        if (input->size == 0)
                return 0;
        input->size--;
        return (uint8_t) *input->data++;
}

char *input_take_string(struct input *input, char separator) {
        const char *end = input->size > 0 ? memchr(input->data, separator, input->size) : NULL;
        size_t size = end ? (size_t) (end - input->data) : input->size;
        char *string = strndup(input->size > 0 ? input->data : "", size);

        MUST(string);
        input->data += size + (end ? 1 : 0);
        input->size -= size + (end ? 1 : 0);
        return string;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw) {
        return remove(path);
}

static void remove_root(void) {
        (void) nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void fuzz_root(void) {
        const char *directory = getenv("TMPDIR");

        snprintf(root, sizeof(root), "%s/mediated-fuzz-XXXXXX", directory ? directory : "/tmp");
        MUST(mkdtemp(root));
        MUST(root_set(root) == 0);
        MUST(atexit(remove_root) == 0);
}

void fuzz_put(const char *path, const char *data, size_t size) {
        _cleanup_close_ int fd = -1;

        fd = openat(root_fd(), path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        MUST(fd >= 0);
        MUST(write(fd, data, size) == (ssize_t) size);
}

int fuzz_lowest_fd(void) {
        int fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);

        MUST(fd >= 0);
        close(fd);
        return fd;
}
