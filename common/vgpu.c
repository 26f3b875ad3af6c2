/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Names of types, and the notes. A note is the target of a symbolic link, so it is there as a whole or not at all. */

#include "common/vgpu.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>

#include "common/io.h"
#include "common/root.h"
#include "common/sysfs-link.h"

#define TYPE_PREFIX "nvidia-"
#define NOTES "run/mediated/vgpus"

/* In place of an empty UUID. */
#define NO_UUID "-"

int vgpu_look_at_parent(const char *name, struct sysfs_parent *ret) {
        char path[PATH_MAX];
        struct stat st;
        int n, r;

        if (!sysfs_name_is_plain(name))
                return -ENOENT;
        n = snprintf(path, sizeof(path), VGPU_PARENTS "/%s/nvidia/current_vgpu_type", name);
        if (fstatat(root_fd(), path, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return -errno;
        path[n - (int) strlen("/current_vgpu_type")] = '\0';
        if (fstatat(root_fd(), path, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return -errno;
        path[n - (int) strlen("/nvidia/current_vgpu_type")] = '\0';
        r = sysfs_resolve_link(path, ret->path, sizeof(ret->path));
        if (r < 0)
                return r;

        ret->types_dev = st.st_dev;
        ret->types_inode = st.st_ino;
        return 0;
}

uint32_t vgpu_number(const char *type) {
        uint32_t number = 0;
        char again[VGPU_TYPE_SIZE];

        if (sscanf(type, TYPE_PREFIX "%" SCNu32, &number) != 1)
                return 0;
        vgpu_type(number, again);
        return streq(type, again) ? number : 0;
}

void vgpu_type(uint32_t number, char ret[static VGPU_TYPE_SIZE]) {
        if (number == 0)
                *ret = '\0';
        else
                snprintf(ret, VGPU_TYPE_SIZE, TYPE_PREFIX "%" PRIu32, number);
}

int vgpu_note_load(const char *vf, ino_t registration, struct vgpu_note *ret) {
        char path[PATH_MAX], text[128], uuid[UUID_TEXT_SIZE] = "";
        struct vgpu_note note = {};
        uint64_t inode;
        int wedged;
        ssize_t n;

        assert(sysfs_name_is_plain(vf));
        snprintf(path, sizeof(path), NOTES "/%s", vf);
        n = readlinkat(root_fd(), path, text, sizeof(text) - 1);
        if (n < 0 && is_shortage(-errno))
                return -errno;
        text[n > 0 ? n : 0] = '\0';

        *ret = (struct vgpu_note) { .registration = registration };
        if (sscanf(text, "%36s %" SCNu32 " %" SCNu64 " %" SCNu64 " %d", uuid, &note.number, &note.generation, &inode,
                   &wedged) != 5)
                return 0;
        ret->generation = note.generation;
        if (inode != registration || !uuid_is_normal(uuid))
                return 0;
        strcpy(ret->uuid, uuid);
        ret->number = note.number;
        ret->wedged = wedged;
        return 0;
}

/* Only one process writes the note of a VF at a time. */
int vgpu_note_store(const char *vf, const struct vgpu_note *note) {
        char text[128];

        assert(sysfs_name_is_plain(vf));
        snprintf(text, sizeof(text), "%s %" PRIu32 " %" PRIu64 " %" PRIu64 " %d", *note->uuid ? note->uuid : NO_UUID,
                 note->number, note->generation, (uint64_t) note->registration, note->wedged);
        return replace_link(root_fd(), NOTES, vf, text);
}

void vgpu_note_clear(const char *vf, const struct vgpu_note *note) {
        struct vgpu_note none = { .generation = note->generation, .registration = note->registration };

        (void) vgpu_note_store(vf, &none);
}

int vgpu_lock_path(const char *vf, char ret[static PATH_MAX]) {
        assert(sysfs_name_is_plain(vf));
        snprintf(ret, PATH_MAX, NOTES "/.%s.lock", vf);
        return mkdirat(root_fd(), NOTES, 0755) < 0 && errno != EEXIST ? -errno : 0;
}

int vgpu_identify(const char *vf, ino_t registration, uint32_t number, struct vgpu_note *ret) {
        int r;

        r = vgpu_note_load(vf, registration, ret);
        if (r < 0 || (*ret->uuid && ret->number == number))
                return r;

        *ret = (struct vgpu_note) {
                .number = number,
                .generation = ret->generation + 1,
                .registration = registration,
        };
        uuid_of_name(vf, ret->uuid);
        return 0;
}
