/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Writing definitions: the old one or the new one is there, never half of either.
 *
 * A change applies to the file as it is when the task runs, and the jobs of a UUID run one after the other, so that
 * nobody's change is lost. What is written goes to a temporary file first, which is synced, renamed into place, and the
 * directory synced: a power cut or a full disk leaves the one or the other. */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#include "common/io.h"
#include "common/root.h"
#include "common/store-file.h"
#include "worker/callouts.h"

/* Others write their definitions in place. One that does not parse and was touched less than so long ago is read again
 * until it has been left alone for that time. */
#define HALF_WRITTEN_USEC (200 * USEC_PER_MSEC)
#define HALF_WRITTEN_RETRY_USEC (10 * USEC_PER_MSEC)

static void fail_errno(const struct task *task, int error, const char *what, struct failure *failure) {
        failure_set(failure, error == EACCES || error == EPERM ? FAILURE_ACCESS_DENIED : FAILURE_IO_ERROR,
                    "Definition %s of parent '%s' is unchanged: %s in /" STORE_DIRECTORY " failed: %s", task->uuid,
                    task->parent, what, strerror(error));
}

static int fail_not_defined(const struct task *task, struct failure *failure) {
        return failure_set(failure, FAILURE_NOT_DEFINED, "Device %s is not defined for parent '%s'; ListDefinitions "
                           "tells those that are", task->uuid, task->parent);
}

static int fail_defined(const struct task *task, struct failure *failure) {
        return failure_set(failure, FAILURE_ALREADY_DEFINED,
                           "Device %s is defined for parent '%s' already; modify or undefine it", task->uuid, task->parent);
}

static int make_directory(int dir_fd, const char *path) {
        if (mkdirat(dir_fd, path, 0755) < 0)
                return errno == EEXIST ? 0 : -errno;

        /* The unit's umask is stricter than what mdevctl makes and other readers need. */
        return fchmodat(dir_fd, path, 0755, 0) < 0 ? -errno : 0;
}

/* Opens the store and the parent's directory in it, making both where @create says so. */
static int open_parent(const struct task *task, bool create, int *ret_store_fd, struct failure *failure) {
        _cleanup_close_ int store_fd = -1;
        int fd, r;

        r = create ? make_directory(root_fd(), STORE_DIRECTORY) : 0;
        if (r < 0) {
                fail_errno(task, -r, "making the store", failure);
                return -1;
        }
        store_fd = store_open();
        if (store_fd < 0 && !create)
                return fail_not_defined(task, failure);

        fd = store_fd < 0 ? store_fd : store_open_parent(store_fd, task->parent);
        if (fd == -ENOENT && !create)
                return fail_not_defined(task, failure);
        if (fd == -ENOENT) {
                r = make_directory(store_fd, task->parent);
                if (r < 0) {
                        fail_errno(task, -r, "making the parent's directory", failure);
                        return -1;
                }
                (void) fsync(store_fd);
                fd = store_open_parent(store_fd, task->parent);
        }
        if (fd == -EINVAL)
                return failure_set(failure, FAILURE_INVALID_ARGS, "'%s' cannot be the name of a parent", task->parent);
        if (fd < 0) {
                fail_errno(task, -fd, "opening the parent's directory", failure);
                return -1;
        }

        *ret_store_fd = TAKE_FD(store_fd);
        return fd;
}

static int write_all(int fd, const char *text) {
        size_t length = strlen(text);

        while (length > 0) {
                ssize_t n = write(fd, text, length);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                text += n;
                length -= (size_t) n;
        }
        return 0;
}

/* Mode and owner of what it will replace, if anything. */
static int write_temporary(int store_fd, const char *name, const char *text, const struct stat *old) {
        _cleanup_close_ int fd = -1;
        int r;

        fd = openat(store_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0)
                return -errno;

        r = write_all(fd, text);
        if (r < 0)
                return r;
        if (old && fchown(fd, old->st_uid, old->st_gid) < 0)
                return -errno;
        if (fchmod(fd, old ? old->st_mode & 07777 : 0644) < 0)
                return -errno;
        return fsync(fd) < 0 ? -errno : 0;
}

static int replace(const struct task *task, int store_fd, int parent_fd, const char *text, const struct stat *old) {
        char name[64];
        int r;

        snprintf(name, sizeof(name), STORE_TEMPORARY_PREFIX "%d-%" PRIu64, (int) getpid(), now_usec());
        r = write_temporary(store_fd, name, text, old);
        if (r >= 0 && renameat2(store_fd, name, parent_fd, task->uuid, old ? 0 : RENAME_NOREPLACE) < 0)
                r = -errno;
        if (r < 0) {
                (void) unlinkat(store_fd, name, 0);
                return r;
        }

        return fsync(parent_fd) < 0 ? -errno : 0;
}

/* What is to be written, and over what. */
struct change {
        int store_fd;
        int parent_fd;
        const struct definition *definition;
        const struct stat *old;         /* NULL: nothing */
};

static int write_change(const struct task *task, const struct change *change, struct failure *failure) {
        _cleanup_free_ char *text = NULL;
        int r;

        r = definition_format(change->definition, &text);
        if (r == -EFBIG)
                return failure_set(failure, FAILURE_LIMITS_EXCEEDED,
                                   "Definition %s of parent '%s' is unchanged: it would be larger than %d bytes",
                                   task->uuid, task->parent, DEFINITION_SIZE_MAX);
        if (r >= 0)
                r = replace(task, change->store_fd, change->parent_fd, text, change->old);
        if (r == -EEXIST)
                return fail_defined(task, failure);
        if (r < 0) {
                fail_errno(task, -r, "writing", failure);
                return -1;
        }
        return 0;
}

static void report_outcome(int r, struct report *report) {
        report->kind = r < 0 ? REPORT_FAILED : REPORT_DONE;
}

static void run_change(const struct task *task, void *userdata, struct report *report) {
        report_outcome(write_change(task, userdata, &report->failure), report);
}

/* Checks what became of the definition, and stores it if no callout refuses. */
static int store(const struct task *task, const char *action, struct change *change, struct report *report) {
        struct definition_error error;

        if (definition_check(change->definition, &error) < 0)
                return failure_set(&report->failure, FAILURE_INVALID_ATTRIBUTE,
                                   "Definition %s of parent '%s' is unchanged: %s", task->uuid, task->parent,
                                   error.message);

        callouts_around(task, action, change->definition, run_change, change, report);
        return report->kind == REPORT_DONE ? 0 : -1;
}

static int define(const struct task *task, struct report *report) {
        struct failure *failure = &report->failure;
        _cleanup_close_ int store_fd = -1, parent_fd = -1;
        _cleanup_definition_ struct definition *definition = NULL;

        parent_fd = open_parent(task, true, &store_fd, failure);
        if (parent_fd < 0)
                return -1;
        /* Seen before any callout is asked; that nobody was faster is for the rename. */
        if (!task->interrupted && faccessat(parent_fd, task->uuid, F_OK, AT_SYMLINK_NOFOLLOW) >= 0)
                return fail_defined(task, failure);
        if (definition_new("", START_MANUAL, NULL, &definition) < 0)
                return failure_set(failure, FAILURE_IO_ERROR, "Out of memory");
        if (definition_changes_apply(&task->changes, definition, failure) < 0)
                return -1;
        return store(task, "define",
                     &(struct change) { .store_fd = store_fd, .parent_fd = parent_fd, .definition = definition }, report);
}

static bool is_fresh(const struct stat *st) {
        struct timespec now;

        clock_gettime(CLOCK_REALTIME, &now);
        return (uint64_t) (now.tv_sec - st->st_mtim.tv_sec) * USEC_PER_SEC +
               (uint64_t) (now.tv_nsec - st->st_mtim.tv_nsec) / NSEC_PER_USEC < HALF_WRITTEN_USEC;
}

static int read_stored(const struct task *task, int parent_fd, struct definition **ret, struct stat *ret_stat,
                       struct failure *failure) {
        uint64_t end = now_usec() + 2 * HALF_WRITTEN_USEC;
        struct definition_error error;
        int r;

        for (;;) {
                r = store_read(parent_fd, task->uuid, ret, ret_stat, &error);
                if (r != -EBADMSG || !is_fresh(ret_stat) || now_usec() >= end)
                        break;
                wait_unless_orphaned(HALF_WRITTEN_RETRY_USEC);
        }

        if (r == -ENOENT)
                return fail_not_defined(task, failure);
        if (r == -EBADMSG || r == -EFBIG)
                return failure_set(failure, FAILURE_INVALID_DEFINITION,
                                   "/" STORE_DIRECTORY "/%s/%s, line %u: %s; mend it, or undefine the device",
                                   task->parent, task->uuid, error.line, error.message);
        if (r < 0) {
                fail_errno(task, -r, "reading", failure);
                return -1;
        }
        return 0;
}

static int modify(const struct task *task, struct report *report) {
        struct failure *failure = &report->failure;
        _cleanup_close_ int store_fd = -1, parent_fd = -1;
        _cleanup_definition_ struct definition *definition = NULL;
        struct stat st = {};

        parent_fd = open_parent(task, false, &store_fd, failure);
        if (parent_fd < 0)
                return -1;
        if (read_stored(task, parent_fd, &definition, &st, failure) < 0)
                return -1;
        if (definition_changes_apply(&task->changes, definition, failure) < 0)
                return -1;
        return store(task, "modify",
                     &(struct change) {
                             .store_fd = store_fd,
                             .parent_fd = parent_fd,
                             .definition = definition,
                             .old = &st,
                     },
                     report);
}

static int unlink_stored(const struct task *task, int parent_fd, struct failure *failure) {
        if (unlinkat(parent_fd, task->uuid, 0) < 0) {
                if (errno == ENOENT)
                        return fail_not_defined(task, failure);
                fail_errno(task, errno, "removing", failure);
                return -1;
        }

        (void) fsync(parent_fd);
        return 0;
}

static void run_unlink(const struct task *task, void *userdata, struct report *report) {
        report_outcome(unlink_stored(task, *(int *) userdata, &report->failure), report);
}

static int undefine(const struct task *task, struct report *report) {
        _cleanup_close_ int store_fd = -1, parent_fd = -1;
        _cleanup_definition_ struct definition *definition = NULL;
        struct definition_error error;
        int r;

        parent_fd = open_parent(task, false, &store_fd, &report->failure);
        if (parent_fd < 0)
                return -1;

        r = store_read(parent_fd, task->uuid, &definition, NULL, &error);
        if (task->interrupted && r == -ENOENT && task->type && definition_new(task->type, START_MANUAL, NULL, &definition) >= 0) {
                callouts_interrupted(task, "undefine", definition, true);
                return 0;
        }
        /* An invalid one is no callout's: it is just removed. */
        if (r < 0)
                return unlink_stored(task, parent_fd, &report->failure);
        callouts_around(task, "undefine", definition, run_unlink, &parent_fd, report);
        return report->kind == REPORT_DONE ? 0 : -1;
}

void run_define(const struct task *task, struct report *report) {
        report_outcome(define(task, report), report);
}

void run_modify(const struct task *task, struct report *report) {
        report_outcome(modify(task, report), report);
}

void run_undefine(const struct task *task, struct report *report) {
        report_outcome(undefine(task, report), report);
}

void run_clean_store(const struct task *task, struct report *report) {
        _cleanup_closedir_ DIR *dir = NULL;
        struct dirent *entry;
        int fd;

        fd = store_open();
        dir = fd >= 0 ? fdopendir(fd) : NULL;
        if (!dir) {
                closep(&fd);
                return;
        }

        /* Its writer's pid is in the name: the worker of a daemon before us may still be writing. */
        while ((entry = readdir(dir))) {
                int pid;

                if (sscanf(entry->d_name, STORE_TEMPORARY_PREFIX "%d-", &pid) == 1 && kill(pid, 0) < 0 && errno == ESRCH)
                        (void) unlinkat(dirfd(dir), entry->d_name, 0);
        }
}
