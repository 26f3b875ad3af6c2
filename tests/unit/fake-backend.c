/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Parents with one device each, in memory. */

#include "tests/unit/fake-backend.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "common/io.h"
#include "common/root.h"
#include "common/uuid.h"
#include "daemon/registry/parent.h"
#include "daemon/registry/registry.h"
#include "tests/unit/fake-card.h"
#include "tests/unit/fake-host.h"
#include "tests/unit/test.h"

#define CARDS_MAX 8

static struct fake_card cards[CARDS_MAX];
static unsigned int n_registrations, n_generations;

struct fake_card *fake_card_find(const char *name) {
        for (size_t i = 0; i < CARDS_MAX; i++)
                if (cards[i].registration > 0 && streq(cards[i].name, name))
                        return cards + i;
        return NULL;
}

static struct fake_card *find_by_path(const char *path) {
        return fake_card_find(path_name(path));
}

struct fake_card *fake_card_with(const char *uuid) {
        for (size_t i = 0; i < CARDS_MAX; i++)
                if (cards[i].generation > 0 && streq(cards[i].uuid, uuid))
                        return cards + i;
        return NULL;
}

void fake_card_path(const struct fake_card *card, char ret[static PATH_MAX]) {
        snprintf(ret, PATH_MAX, "/sys/devices/fake/%s", card->name);
}

void fake_card_look(const struct fake_card *card, struct sysfs_device *ret) {
        *ret = (struct sysfs_device) { .state = DEVICE_ACTIVE, .inode = card->generation, .type = FAKE_TYPE };
        fake_card_path(card, ret->path);
        strcpy(ret->parent, card->name);
}

void fake_card_put(struct fake_card *card, const char *uuid) {
        strcpy(card->uuid, uuid);
        card->generation = ++n_generations;
}

/* --- what a test does to it */

static int open_file(const char *name, const char *file, int flags) {
        char path[PATH_MAX];
        int fd;

        snprintf(path, sizeof(path), "sys/devices/fake/%s/%s", name, file);
        fd = openat(root_fd(), path, flags | O_CLOEXEC, 0644);
        assert_true(fd >= 0);
        return fd;
}

void fake_card_add(const char *name) {
        struct fake_card *card = cards;
        char path[PATH_MAX];

        while (card->registration > 0)
                card++;
        assert_true(card < cards + CARDS_MAX);
        *card = (struct fake_card) { .registration = ++n_registrations };
        strcpy(card->name, name);

        fake_directory_add("dev/vfio");
        fake_card_path(card, path);
        fake_directory_add(path);
        close(open_file(name, "size", O_CREAT | O_WRONLY));
        strcat(path, "/iommu_group");
        assert_true(symlinkat(name, root_fd(), path + 1) >= 0 || errno == EEXIST);
        fake_card_use(name, false);
}

void fake_card_remove(const char *name) {
        *fake_card_find(name) = (struct fake_card) {};
}

/* A group whose node is not there, in a host where nobody can be asked who has it open, counts as in use. */
void fake_card_use(const char *name, bool in_use) {
        char path[PATH_MAX];

        snprintf(path, sizeof(path), "dev/vfio/%s", name);
        if (in_use)
                assert_int_equal(unlinkat(root_fd(), path, 0), 0);
        else
                close(openat(root_fd(), path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
}

void fake_card_set(const char *name, const char *uuid) {
        struct fake_card *card = fake_card_find(name);

        card->generation = 0;
        if (uuid)
                fake_card_put(card, uuid);
}

const char *fake_card_attribute(const char *name) {
        static char text[64];
        _cleanup_close_ int fd = open_file(name, "size", O_RDONLY);
        ssize_t n;

        n = read_fd(fd, text, sizeof(text) - 1);
        assert_true(n >= 0);
        text[n] = '\0';
        return text;
}

/* --- what the daemon sees */

static int enumerate(struct registry *registry) {
        for (size_t i = 0; i < CARDS_MAX; i++)
                if (cards[i].generation > 0)
                        registry_touch_device(registry, cards[i].uuid, NULL);
        for (size_t i = 0; i < CARDS_MAX; i++)
                if (cards[i].registration > 0)
                        registry_touch_parent(registry, cards[i].name);
        return 0;
}

static int lists_parent(const char *name) {
        return fake_card_find(name) ? 1 : 0;
}

static int look_at_parent(const char *name, struct sysfs_parent *ret) {
        const struct fake_card *card = fake_card_find(name);

        if (!card)
                return -ENOENT;
        fake_card_path(card, ret->path);
        ret->types_dev = 0;
        ret->types_inode = card->registration;
        return 0;
}

static bool has_type(const struct parent *parent, const char *type) {
        return mdev_types_find(&parent->types, type);
}

static int lists_device(struct registry *registry, const char *uuid) {
        return fake_card_with(uuid) ? 1 : 0;
}

static int look_at_device(struct registry *registry, const char *uuid, const char *path, struct sysfs_device *ret) {
        const struct fake_card *card = fake_card_with(uuid);

        if (!card)
                return -ENOENT;
        fake_card_look(card, ret);
        return 0;
}

static int device_path(const struct parent *parent, const char *uuid, char ret[static PATH_MAX]) {
        strcpy(ret, parent->path);
        return 0;
}

static int device_inode(struct registry *registry, const char *path, ino_t *ret) {
        const struct fake_card *card = find_by_path(path);

        if (!card || card->generation == 0)
                return -ENOENT;
        *ret = card->generation;
        return 0;
}

static bool is_intact(const char *path) {
        ino_t generation;

        return device_inode(NULL, path, &generation) >= 0;
}

static void explain_wedged(const struct device *device, char *ret, size_t size) {
        *ret = '\0';
}

const struct backend fake_backend = {
        .name = "fake",
        .explain_wedged = explain_wedged,
        .enumerate = enumerate,
        .lists_parent = lists_parent,
        .look_at_parent = look_at_parent,
        .has_type = has_type,
        .lists_device = lists_device,
        .look_at_device = look_at_device,
        .device_path = device_path,
        .device_inode = device_inode,
        .is_intact = is_intact,
};

void fake_backend_free(void) {
        fake_workers_free();
        memset(cards, 0, sizeof(cards));
}
