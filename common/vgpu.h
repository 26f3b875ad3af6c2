/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* vGPUs of vendor VFIO: since kernel 6.8, NVIDIA's driver has no mdev bus for cards with SR-IOV. A virtual function
 * (VF) of such a card is a PCI device with a file `nvidia/current_vgpu_type`. The number of a type in this file makes a
 * vGPU of the VF, and 0 takes it away. docs/KERNEL.md describes these files.
 *
 * Here the VF is the parent, and the device that it may hold is the vGPU. The kernel knows no UUID of a vGPU, so a
 * worker notes it in /run/mediated before it writes the number. No function in here reads a file that a driver
 * implements. */

#include <limits.h>
#include <sys/types.h>

#include "common/device.h"
#include "common/uuid.h"

#define VGPU_BACKEND "nvidia-vfio"

/* The devices of the PCI bus, some of which are such VFs. */
#define VGPU_PARENTS "sys/bus/pci/devices"

/* Room for a type, "nvidia-4294967295". */
#define VGPU_TYPE_SIZE 20

/* The text that tells a user why a vGPU is wedged and how to free it. printf() replaces '%s' by the name of the VF. */
#define VGPU_WEDGED                                                                                        \
        "the driver cannot take its vGPU away. To free it, disable the virtual functions of the card of "  \
        "'%s' and enable them again (SR-IOV off and on), or reboot the host"

/* What mediated has noted of the use of a VF. */
struct vgpu_note {
        char uuid[UUID_TEXT_SIZE];      /* empty: it is not in use by us */
        uint32_t number;                /* of the type */
        uint64_t generation;            /* counts the uses: a later one has a larger number */
        ino_t registration;             /* the types_inode of the VF when it was noted */
        bool wedged;                    /* the driver can never take the type away */
};

/** vgpu_look_at_parent() - look at a VF that can have a vGPU type. @name is one that the kernel has named. Returns 0 or
 * a negative errno, -ENOENT for everything else. */
int vgpu_look_at_parent(const char *name, struct sysfs_parent *ret);

/** vgpu_number() - the number in the name of a type, such as 1145 in "nvidia-1145"; 0 for any other text. */
uint32_t vgpu_number(const char *type);

/** vgpu_type() - the inverse; empty for the number 0. */
void vgpu_type(uint32_t number, char ret[static VGPU_TYPE_SIZE]);

/** vgpu_note_load() - read the note of a VF. A note of an earlier registration of the VF counts as none: the kernel has
 * forgotten that use. Where there is no note, all but the registration and the generation is empty. Returns 0 or a
 * negative errno that is_shortage(). */
int vgpu_note_load(const char *vf, ino_t registration, struct vgpu_note *ret);

/** vgpu_note_store() - replace the note of a VF as a whole. Returns 0 or a negative errno. */
int vgpu_note_store(const char *vf, const struct vgpu_note *note);

/** vgpu_note_clear() - note that the VF is not in use any more. @note: what was noted. Nobody is told if that fails: a
 * later look tries it again. */
void vgpu_note_clear(const char *vf, const struct vgpu_note *note);

/** vgpu_lock_path() - the file whose lock the one process has that writes to the VF. Its directory is made if it does
 * not exist. Returns 0 or a negative errno. */
int vgpu_lock_path(const char *vf, char ret[static PATH_MAX]);

/** vgpu_identify() - tell which vGPU a VF with the type @number has: that of the note; or one that others have made,
 * whose UUID depends only on the name of the VF. Returns 0 or a negative errno that is_shortage(). */
int vgpu_identify(const char *vf, ino_t registration, uint32_t number, struct vgpu_note *ret);
