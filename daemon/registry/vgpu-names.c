/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The names of a card's types, one type a line: its id, a blank, its name. */

#include "daemon/registry/vgpu-names.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "common/io.h"
#include "common/root.h"
#include "common/vgpu.h"
#include "daemon/base/log.h"

#define CARDS "run/mediated/cards"
#define SIZE_MAX_READ (64 * 1024)

static int add_line(struct mdev_types *types, char *line) {
        char *name = strchr(line, ' '), api[] = "vfio-pci", none[] = "";

        if (!name)
                return 0;
        *name++ = '\0';
        if (vgpu_number(line) == 0)
                return 0;
        return mdev_types_add_full(types, &(struct mdev_type) {
                .id = line,
                .name = name,
                .device_api = api,
                .description = none,
        });
}

int vgpu_names_load(const char *card, struct mdev_types *types) {
        _cleanup_free_ char *text = malloc(SIZE_MAX_READ);
        char path[PATH_MAX], *rest = text, *line;

        if (!text)
                return -ENOMEM;
        snprintf(path, sizeof(path), CARDS "/%s", card);
        if (read_text_at(root_fd(), path, text, SIZE_MAX_READ) < 0)
                return 0;
        while ((line = strsep(&rest, "\n")))
                if (add_line(types, line) < 0)
                        return -ENOMEM;
        return 0;
}

static int write_file(const char *path, const struct mdev_types *types) {
        _cleanup_fclose_ FILE *file = NULL;
        int fd;

        fd = openat(root_fd(), path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
        file = fd < 0 ? NULL : fdopen(fd, "w");
        if (!file)
                return -errno;
        for (size_t i = 0; i < types->n; i++)
                if (fprintf(file, "%s %s\n", types->items[i].id, types->items[i].name) < 0)
                        return -errno;
        return fflush(file) == 0 ? 0 : -errno;
}

void vgpu_names_store(const char *card, const struct mdev_types *types) {
        char path[PATH_MAX], temporary[PATH_MAX];
        int r;

        snprintf(path, sizeof(path), CARDS "/%s", card);
        snprintf(temporary, sizeof(temporary), CARDS "/.%s", card);
        (void) mkdirat(root_fd(), CARDS, 0755);
        r = write_file(temporary, types);
        if (r >= 0 && renameat(root_fd(), temporary, root_fd(), path) < 0)
                r = -errno;
        if (r < 0)
                log_warning_errno(r, "Failed to keep the names of the types of card '%s', ignoring: %m", card);
}
