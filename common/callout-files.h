/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where callouts and notifiers are, and which of them mediated runs. */

#include <stdbool.h>

enum callout_file {
        CALLOUT_FILE_RUNS,
        CALLOUT_FILE_OTHER,             /* not a regular file, or there is none */
        CALLOUT_FILE_NOT_EXECUTABLE,
        CALLOUT_FILE_NOT_TRUSTED,
};

/* The absolute paths of the folders, in the order in which mediated looks into them. */
extern const char *const callout_folders[2], *const notifier_folders[2];

/** callout_is_trusted() - whether only root can decide which file @path names, and what is in it: all folders and
 * symbolic links on the way to the file, and the file itself, belong to root, and only root can write to them. @path is
 * absolute. */
bool callout_is_trusted(const char *path);

/** callout_file_judge() - whether mediated runs the file with the absolute path @path; if not, why. */
enum callout_file callout_file_judge(const char *path);
