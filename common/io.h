/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Files and time: opening below a directory, reading and writing small files as a whole, clock and sleep. */

#include "common/macro.h"

/** open_beneath() - an openat() that cannot leave @dir_fd and does not follow any link. Not for O_PATH without
 * O_DIRECTORY, which opens a link itself. Returns an fd or a negative errno. -EXDEV (an empty component, "." or "..")
 * and -ELOOP (a link) mean that the path leads out of @dir_fd. */
int open_beneath(int dir_fd, const char *path, int flags);

/** open_directory_at() - open a directory to read its entries. Returns 0 or a negative errno. */
int open_directory_at(int dir_fd, const char *path, DIR **ret);

/** first_entry_at() - the name of an entry of a directory that does not begin with a dot. Returns 0 or a negative
 * errno, -ENOENT also when there is none. */
int first_entry_at(int dir_fd, const char *path, char *ret, size_t size);

/** has_entries_at() - whether a directory exists and has an entry whose name does not begin with a dot. */
bool has_entries_at(int dir_fd, const char *path);

/** is_shortage() - whether a negative errno means that fds or memory are short. Such an error says nothing about the
 * file that was asked for. */
bool is_shortage(int error);

/** read_fd() - read @size bytes, or fewer if the file ends before. Returns their number or a negative errno. */
ssize_t read_fd(int fd, char *buffer, size_t size);

/** read_text_at() - read a small file (at most @size - 1 bytes) as text, without the newline at its end. Returns its
 * length or a negative errno. */
ssize_t read_text_at(int dir_fd, const char *path, char *buffer, size_t size);

/** write_text_fd() - write @text with one write(), as sysfs files need it. Returns 0 or a negative errno, -EIO for a
 * short write. */
int write_text_fd(int fd, const char *text);

/** readlink_name_at() - the last component of what a link points to. Returns 0 or a negative errno. */
int readlink_name_at(int dir_fd, const char *path, char *buffer, size_t size);

/** replace_link() - make the symbolic link @name in the directory @path, in place of one that is there, as a whole. The
 * last directory of @path is made if it does not exist. @name has no dot at its beginning, and only one process writes
 * it at a time. Returns 0 or a negative errno. */
int replace_link(int dir_fd, const char *path, const char *name, const char *target);

/** path_name() - the last component of a path: a pointer into it. */
const char *path_name(const char *path);

/** now_usec() - CLOCK_MONOTONIC in µs. */
uint64_t now_usec(void);

/** sleep_usec() - sleep for @usec; a signal does not end the sleep early. */
void sleep_usec(uint64_t usec);
