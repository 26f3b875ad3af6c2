/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The directories of sets. */

#include "common/sets.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "common/io.h"
#include "common/root.h"
#include "common/utf8.h"

#define SUFFIX ".conf"

static const char *const directories[] = { "etc/mediated.d", "run/mediated.d", "usr/lib/mediated.d" };

void sets_clear(struct sets *sets) {
        for (size_t i = 0; i < sets->n; i++)
                set_clear(&sets->items[i]);
        free(sets->items);
        *sets = (struct sets) {};
}

static bool has_name(const struct sets *sets, const char *name) {
        for (size_t i = 0; i < sets->n; i++)
                if (streq(sets->items[i].name, name))
                        return true;
        return false;
}

/* Returns an empty set to fill, or NULL. */
static struct set *add_set(struct sets *sets, const char *directory, const char *name) {
        struct set *items, *set;

        items = reallocarray(sets->items, sets->n + 1, sizeof(*items));
        if (!items)
                return NULL;
        sets->items = items;
        set = &items[sets->n++];
        *set = (struct set) { .name = strdup(name) };
        if (asprintf(&set->path, "/%s/%s" SUFFIX, directory, name) < 0)
                set->path = NULL;
        return set->name && set->path ? set : NULL;
}

static int set_useless(struct set *set, const char *why) {
        if (asprintf(&set->error, "%s: %s", set->path, why) < 0) {
                set->error = NULL;
                return -ENOMEM;
        }
        utf8_make_printable(set->error);
        return 0;
}

/* O_NONBLOCK is for a FIFO, which nobody may ever write to. */
static int load_set(struct set *set, set_warning_func *warn, void *userdata) {
        _cleanup_free_ char *text = malloc(SET_SIZE_MAX + 1);
        _cleanup_close_ int fd = -1;
        struct stat st;
        ssize_t n;

        if (!text)
                return -ENOMEM;
        fd = openat(root_fd(), set->path + 1, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &st) < 0)
                return is_shortage(-errno) ? -errno : set_useless(set, strerror(errno));
        /* /dev/null masks. */
        if (S_ISCHR(st.st_mode))
                return 0;
        if (!S_ISREG(st.st_mode))
                return set_useless(set, "This is not a regular file");
        n = read_fd(fd, text, SET_SIZE_MAX + 1);
        if (n < 0)
                return set_useless(set, strerror((int) -n));
        if (n > (ssize_t) SET_SIZE_MAX)
                return set_useless(set, "The file is larger than 64 KiB");
        return set_parse(set, text, (size_t) n, warn, userdata);
}

static int load_directory(struct sets *sets, const char *directory, set_warning_func *warn, void *userdata) {
        _cleanup_closedir_ DIR *dir = NULL;
        size_t n_earlier = sets->n;
        struct dirent *entry;
        int r;

        r = open_directory_at(root_fd(), directory, &dir);
        if (r < 0)
                return r == -ENOENT || r == -ENOTDIR ? 0 : r;
        while ((entry = readdir(dir))) {
                _cleanup_free_ char *name = NULL;
                size_t n = strlen(entry->d_name);

                if (entry->d_name[0] == '.' || n <= strlen(SUFFIX) ||
                    !streq(entry->d_name + n - strlen(SUFFIX), SUFFIX))
                        continue;
                name = strndup(entry->d_name, n - strlen(SUFFIX));
                if (!name)
                        return -ENOMEM;
                if (has_name(sets, name))
                        continue;
                if (!add_set(sets, directory, name))
                        return -ENOMEM;
        }
        for (size_t i = n_earlier; r >= 0 && i < sets->n; i++)
                r = load_set(&sets->items[i], warn, userdata);
        return r;
}

static int compare_names(const void *a, const void *b) {
        return strcmp(((const struct set *) a)->name, ((const struct set *) b)->name);
}

int sets_load(struct sets *ret, set_warning_func *warn, void *userdata) {
        _cleanup_sets_ struct sets sets = {};
        int r = 0;

        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(directories); i++)
                r = load_directory(&sets, directories[i], warn, userdata);
        if (r < 0)
                return r;
        if (sets.n > 0)
                qsort(sets.items, sets.n, sizeof(*sets.items), compare_names);
        *ret = sets;
        sets = (struct sets) {};
        return 0;
}

const struct set *sets_find(const struct sets *sets, const struct set_card *card) {
        for (size_t i = 0; i < sets->n; i++)
                if (set_matches(&sets->items[i], card) && (sets->items[i].has_functions || sets->items[i].error))
                        return &sets->items[i];
        return NULL;
}
