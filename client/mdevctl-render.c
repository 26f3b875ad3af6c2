/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Printing many items on all processors. Each process takes a slice of them, prints it into a memfd, and notes in
 * memory that is shared where each item ends. */

#include "client/mdevctl-render.h"

#include <errno.h>
#include <sched.h>
#include <stdint.h>
#include <stdio_ext.h>
#include <sys/mman.h>
#include <sys/wait.h>

/* Starting a process costs as much as this many items. */
#define SLICE_MIN 500
#define SLICES_MAX 16

struct mdevctl_slice {
        size_t begin;
        size_t end;
        int fd;                 /* memfd with what was printed */
        pid_t pid;              /* ≤ 0: printed here */
        char *text;
        size_t size;
};

static size_t count_slices(size_t n) {
        cpu_set_t cpus;
        size_t slices = 1;

        /* More than processors: one that waits for the disk leaves its processor to another. */
        if (sched_getaffinity(0, sizeof(cpus), &cpus) >= 0)
                slices = 4 * (size_t) CPU_COUNT(&cpus);
        if (slices > n / SLICE_MIN)
                slices = n / SLICE_MIN;
        if (slices > SLICES_MAX)
                slices = SLICES_MAX;
        return slices > 0 ? slices : 1;
}

static int write_all(int fd, const char *text, size_t size) {
        while (size > 0) {
                ssize_t n = write(fd, text, size);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                text += n;
                size -= (size_t) n;
        }
        return 0;
}

/* Prints a slice, and notes for each item where it ends in the slice's text. In memory first: to tell the position
 * in a file takes a system call. */
static int print_slice(const struct mdevctl_slice *slice, size_t *ends,
                       int (*print)(size_t i, FILE *stream, void *userdata), void *userdata) {
        _cleanup_free_ char *text = NULL;
        FILE *stream;
        size_t size;
        int r = 0;

        stream = open_memstream(&text, &size);
        if (!stream)
                return -ENOMEM;
        (void) __fsetlocking(stream, FSETLOCKING_BYCALLER);
        for (size_t i = slice->begin; i < slice->end && r >= 0; i++) {
                r = print(i, stream, userdata);
                ends[i] = (size_t) ftello(stream);
        }
        if (fclose(stream) == EOF && r >= 0)
                r = -ENOMEM;
        return r < 0 ? r : write_all(slice->fd, text, size);
}

static int start_slice(struct mdevctl_slice *slice, size_t *ends,
                       int (*print)(size_t i, FILE *stream, void *userdata), void *userdata, bool here) {
        slice->fd = memfd_create("mdevctl", MFD_CLOEXEC);
        if (slice->fd < 0)
                return -errno;

        slice->pid = here ? -1 : fork();
        if (slice->pid < 0)
                return print_slice(slice, ends, print, userdata);
        if (slice->pid == 0)
                _exit(-print_slice(slice, ends, print, userdata) & 0xff);
        return 0;
}

static int finish_slice(struct mdevctl_slice *slice) {
        int status;

        if (slice->pid <= 0)
                return 0;
        while (waitpid(slice->pid, &status, 0) < 0)
                if (errno != EINTR)
                        return -errno;
        if (!WIFEXITED(status))
                return -EIO;
        return -WEXITSTATUS(status);
}

static int map_slice(struct mdevctl_slice *slice, const size_t *ends, struct mdevctl_text *items) {
        size_t end = 0;

        slice->size = slice->end > slice->begin ? ends[slice->end - 1] : 0;
        if (slice->size == 0)
                return 0;
        slice->text = mmap(NULL, slice->size, PROT_READ, MAP_PRIVATE, slice->fd, 0);
        if (slice->text == MAP_FAILED) {
                slice->text = NULL;
                return -errno;
        }

        for (size_t i = slice->begin; i < slice->end; i++) {
                items[i] = (struct mdevctl_text) { .text = slice->text + end, .size = ends[i] - end };
                end = ends[i];
        }
        return 0;
}

static int run(struct mdevctl_rendered *rendered, size_t *ends,
               int (*print)(size_t i, FILE *stream, void *userdata), void *userdata) {
        size_t k = rendered->n_slices;
        int r = 0, q;

        /* What stands in our buffers must not be printed by the children too. */
        fflush(stdout);
        for (size_t i = 0; i < k && r >= 0; i++) {
                rendered->slices[i].begin = rendered->n * i / k;
                rendered->slices[i].end = rendered->n * (i + 1) / k;
                r = start_slice(rendered->slices + i, ends, print, userdata, i == k - 1);
        }
        for (size_t i = 0; i < k; i++) {
                q = finish_slice(rendered->slices + i);
                if (r >= 0)
                        r = q;
        }
        for (size_t i = 0; i < k && r >= 0; i++)
                r = map_slice(rendered->slices + i, ends, rendered->items);
        return r;
}

int mdevctl_render(size_t n, int (*print)(size_t i, FILE *stream, void *userdata), void *userdata,
                   struct mdevctl_rendered *ret) {
        size_t size = n * sizeof(size_t), *ends;
        int r;

        *ret = (struct mdevctl_rendered) {};
        if (n == 0)
                return 0;

        ends = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (ends == MAP_FAILED)
                return -errno;
        ret->items = calloc(n, sizeof(*ret->items));
        ret->slices = calloc(count_slices(n), sizeof(*ret->slices));
        if (ret->items && ret->slices) {
                ret->n = n;
                ret->n_slices = count_slices(n);
                for (size_t i = 0; i < ret->n_slices; i++)
                        ret->slices[i].fd = -1;
                r = run(ret, ends, print, userdata);
        } else
                r = -ENOMEM;
        (void) munmap(ends, size);

        if (r < 0)
                mdevctl_rendered_clear(ret);
        return r;
}

void mdevctl_rendered_clear(struct mdevctl_rendered *rendered) {
        for (size_t i = 0; i < rendered->n_slices; i++) {
                if (rendered->slices[i].text)
                        (void) munmap(rendered->slices[i].text, rendered->slices[i].size);
                closep(&rendered->slices[i].fd);
        }
        free(rendered->slices);
        free(rendered->items);
        *rendered = (struct mdevctl_rendered) {};
}
