/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* mediatectl check: cards whose virtual functions have vGPUs without mdev.
 *
 * Neither whether MIG is on, nor whether a card takes types of different sizes, is in sysfs. Both show only as types
 * that are not offered, so the advice names them where types are missing. */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "client/mediatectl/findings.h"
#include "client/mediatectl/place.h"
#include "common/io.h"
#include "common/root.h"
#include "common/vgpu.h"

bool check_is_vgpu_parent(const struct lists *lists, const char *name) {
        const struct listed_parent *parent = lists_find_parent(lists, name);

        return parent && streq(parent->backend, VGPU_BACKEND);
}

bool check_has_vgpu_parents(void) {
        _cleanup_closedir_ DIR *dir = NULL;
        struct dirent *entry;
        struct stat st;

        if (open_directory_at(root_fd(), VGPU_PARENTS, &dir) < 0)
                return false;
        while ((entry = readdir(dir))) {
                char path[NAME_MAX + sizeof("/nvidia/current_vgpu_type")];

                snprintf(path, sizeof(path), "%s/nvidia/current_vgpu_type", entry->d_name);
                if (entry->d_name[0] != '.' && fstatat(dirfd(dir), path, &st, AT_SYMLINK_NOFOLLOW) >= 0)
                        return true;
        }
        return false;
}

static bool has_device(const struct lists *lists, const char *card) {
        for (size_t i = 0; i < lists->devices.n; i++)
                if (lists_is_on(lists, lists->devices.items[i].parent, card))
                        return true;
        return false;
}

static bool offers_type(const struct lists *lists, const char *card) {
        for (size_t i = 0; i < lists->types.n; i++)
                if (lists->types.items[i].available > 0 && lists_is_on(lists, lists->types.items[i].parent, card))
                        return true;
        return false;
}

/* A full card offers none, and the daemon remembers types that are not offered. */
static int check_types(const struct lists *lists, struct findings *findings, const char *card) {
        if (offers_type(lists, card) || has_device(lists, card))
                return 0;
        return finding_add(findings, SEVERITY_PROBLEM, "no-types", card,
                           "Its virtual functions offer no vGPU type, although none of them has a vGPU",
                           "Types may come half a minute after the functions. If they do not: see whether NVIDIA's "
                           "vGPU manager runs (journalctl -u nvidia-vgpu-mgr -u nvidia-vgpud). If the card is in MIG "
                           "mode, make GPU instances first (nvidia-smi mig -cgi)");
}

static int check_set_aside(const struct lists *lists, struct findings *findings, const char *card) {
        _cleanup_free_ char *names = place_set_aside(lists, card), *message = NULL;

        if (!names)
                return -ENOMEM;
        if (!*names)
                return 0;
        message = finding_text("Nothing is created on virtual functions that were set aside: %s", names);
        return finding_add(findings, SEVERITY_WARNING, "set-aside", card, message,
                           "To heal them, disable the card's virtual functions when none is in use, and enable them "
                           "again (SR-IOV off and on); to use one as it is: mediatectl set-aside --clear PARENT");
}

/* A card is checked with its first function. */
static bool is_first(const struct lists *lists, size_t index) {
        for (size_t i = 0; i < index; i++)
                if (streq(lists->parents.items[i].card, lists->parents.items[index].card))
                        return false;
        return true;
}

int check_vgpu_cards(const struct lists *lists, struct findings *findings) {
        int r = 0;

        for (size_t i = 0; r >= 0 && i < lists->parents.n; i++) {
                const struct listed_parent *parent = &lists->parents.items[i];

                if (!is_first(lists, i))
                        continue;
                if (streq(parent->backend, VGPU_BACKEND))
                        r = check_types(lists, findings, parent->card);
                if (r >= 0)
                        r = check_set_aside(lists, findings, parent->card);
        }
        return r;
}

int check_vgpu_wedged(struct findings *findings, const char *uuid, const char *parent) {
        _cleanup_free_ char *advice = NULL;

        advice = finding_text("End all vGPUs of the card of %s, disable its virtual functions and enable them again "
                              "(SR-IOV off and on); or reboot", parent);
        return finding_add(findings, SEVERITY_PROBLEM, "wedged", uuid,
                           "The device is wedged: the driver cannot take its vGPU away any more", advice);
}
