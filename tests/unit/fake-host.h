/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A directory with the links and files of sysfs that the daemon itself looks at, as the root of all paths. */

void fake_host_new(void);
void fake_host_free(void);

/** fake_directory_add() - make a directory, and those above it. */
void fake_directory_add(const char *path);

void fake_parent_add(const char *name, const char *type);
void fake_parent_remove(const char *name);

/** fake_type_add() - another type of a parent. */
void fake_type_add(const char *parent, const char *type);

/** fake_device_set() - make the device's directory if need be, with or without its two names. */
void fake_device_set(const char *parent, const char *uuid, int has_remove, const char *type);

/** fake_device_unlink() - take its link in /sys/bus away, as the kernel does at the beginning of a removal. */
void fake_device_unlink(const char *uuid);
void fake_device_remove(const char *parent, const char *uuid);
