/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* mediatectl check: callouts and notifiers that mediated does not run. */

#include <dirent.h>
#include <limits.h>

#include "client/mediatectl/findings.h"
#include "common/callout-files.h"
#include "common/io.h"
#include "common/root.h"

static int add(struct findings *findings, const char *path, const char *why, const char *advice) {
        _cleanup_free_ char *message = finding_text("mediated does not run this callout: %s", why);

        return finding_add(findings, SEVERITY_WARNING, "callout-not-run", path, message, advice);
}

static int check_file(struct findings *findings, const char *path) {
        _cleanup_free_ char *advice = NULL;

        switch (callout_file_judge(path)) {
        case CALLOUT_FILE_NOT_EXECUTABLE:
                advice = finding_text("Make it executable: chmod u+x %s; or move it out of the folder", path);
                return add(findings, path, "it is not executable", advice);
        case CALLOUT_FILE_NOT_TRUSTED:
                advice = finding_text("See who can: namei -l %s; then use chown root and chmod go-w", path);
                return add(findings, path, "others than root can change it, or a folder or link on the way to it",
                           advice);
        case CALLOUT_FILE_RUNS:
        case CALLOUT_FILE_OTHER:
                break;
        }
        return 0;
}

/* If the folder cannot be read, for example by an ordinary user, there is nothing to say. */
static int check_folder(struct findings *findings, const char *folder) {
        _cleanup_closedir_ DIR *dir = NULL;
        struct dirent *entry;
        char path[PATH_MAX];
        int r = 0;

        if (open_directory_at(root_fd(), folder + 1, &dir) < 0)
                return 0;
        while (r >= 0 && (entry = readdir(dir)))
                if (entry->d_name[0] != '.' &&
                    (size_t) snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name) < sizeof(path))
                        r = check_file(findings, path);
        return r;
}

int check_callouts(struct findings *findings) {
        int r = 0;

        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(callout_folders); i++)
                r = check_folder(findings, callout_folders[i]);
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(notifier_folders); i++)
                r = check_folder(findings, notifier_folders[i]);
        return r;
}
