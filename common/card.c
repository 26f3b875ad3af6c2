/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Cards and their virtual functions in sysfs. */

#include "common/card.h"

#include <errno.h>
#include <fcntl.h>

#include "common/io.h"
#include "common/name.h"
#include "common/root.h"

#define FUNCTION_LINK "virtfn"

static unsigned long read_number(int device_fd, const char *attribute) {
        char text[32];

        return read_text_at(device_fd, attribute, text, sizeof(text)) > 0 ? strtoul(text, NULL, 0) : 0;
}

static void read_driver(int device_fd, char ret[static CARD_NAME_SIZE]) {
        if (readlink_name_at(device_fd, "driver", ret, CARD_NAME_SIZE) < 0)
                ret[0] = '\0';
}

/* While the kernel removes virtual functions, the first ones have gone and others are still there. */
static int count_functions(int card_fd, unsigned int *ret) {
        _cleanup_closedir_ DIR *dir = NULL;
        struct dirent *entry;
        int r;

        r = open_directory_at(card_fd, ".", &dir);
        if (r < 0)
                return r;
        *ret = 0;
        while ((entry = readdir(dir)))
                *ret += strncmp(entry->d_name, FUNCTION_LINK, strlen(FUNCTION_LINK)) == 0;
        return 0;
}

int card_open(const char *name) {
        char path[PATH_MAX];
        const char *reason;
        int fd;

        if (name_component_check(name, strlen(name), &reason) < 0)
                return -ENOENT;
        snprintf(path, sizeof(path), CARD_DEVICES "/%s", name);
        fd = openat(root_fd(), path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

bool card_is_function(int device_fd) {
        return faccessat(device_fd, "physfn", F_OK, AT_SYMLINK_NOFOLLOW) >= 0;
}

int card_read(const char *name, struct card *ret) {
        _cleanup_close_ int fd = card_open(name);
        int r;

        if (fd < 0)
                return fd;
        *ret = (struct card) {
                .is_function = card_is_function(fd),
                .total = (unsigned int) read_number(fd, "sriov_totalvfs"),
        };
        r = count_functions(fd, &ret->n_functions);
        if (r < 0)
                return r;
        snprintf(ret->name, sizeof(ret->name), "%s", name);
        snprintf(ret->pci_device, sizeof(ret->pci_device), "%04lx:%04lx", read_number(fd, "vendor") & 0xffff,
                 read_number(fd, "device") & 0xffff);
        read_driver(fd, ret->driver);
        return 0;
}

int card_function_read(const char *card, unsigned int n, struct card_function *ret) {
        _cleanup_close_ int card_fd = card_open(card), fd = -1;
        char link[32];
        int r;

        if (card_fd < 0)
                return card_fd;
        *ret = (struct card_function) {};
        snprintf(link, sizeof(link), FUNCTION_LINK "%u", n);
        r = readlink_name_at(card_fd, link, ret->name, sizeof(ret->name));
        if (r < 0)
                return r;
        fd = card_open(ret->name);
        if (fd < 0)
                return fd;
        read_driver(fd, ret->driver);
        ret->has_types = faccessat(fd, "nvidia/current_vgpu_type", F_OK, AT_SYMLINK_NOFOLLOW) >= 0;
        return 0;
}

struct set_card card_for_set(const struct card *card) {
        return (struct set_card) {
                .name = card->name,
                .driver = *card->driver ? card->driver : NULL,
                .pci_device = card->pci_device,
        };
}

unsigned int card_wanted(const struct card *card, const struct set *set) {
        if (!set || set->error)
                return 0;
        return set->all ? card->total : set->count;
}
