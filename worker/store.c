/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Writes definitions. Always either the old one or the new one is there, never a half of it.
 *
 * A change applies to the file as it is when the task runs. The jobs of a UUID run one after the other, so no request
 * undoes the change of another one. The new text is written to a temporary file, which is synced and renamed into
 * place. Then the directory is synced. So a power cut or a full disk leaves either the old file or the new one. */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <uuid/uuid.h>

#include "common/fault-point.h"
#include "common/intent.h"
#include "common/io.h"
#include "common/root.h"
#include "common/store-file.h"
#include "worker/backend.h"
#include "worker/callouts.h"

/* How long to wait before a file that does not parse is read again. It may be half written if it was modified a moment
 * ago. */
#define HALF_WRITTEN_RETRY_USEC (10 * USEC_PER_MSEC)

/* How often a change is applied again because somebody else has changed the file meanwhile. */
#define CHANGED_MAX 32

/* The lock that a worker takes while it changes a definition; see lock_offset(). */
#define STORE_LOCK "run/mediated/store.lock"

static void fail_errno(const struct task *task, int error, const char *what, struct failure *failure) {
        failure_set(failure, error == EACCES || error == EPERM ? FAILURE_ACCESS_DENIED : FAILURE_IO_ERROR,
                    "Definition %s of parent '%s' is unchanged: %s in /" STORE_DIRECTORY " failed: %s", task->uuid,
                    task->parent, what, strerror(error));
}

static int fail_not_defined(const struct task *task, struct failure *failure) {
        return failure_set(failure, FAILURE_NOT_DEFINED, "Device %s is not defined for parent '%s'; 'mediatectl "
                           "list' shows all definitions", task->uuid, task->parent);
}

static int fail_defined(const struct task *task, struct failure *failure) {
        return failure_set(failure, FAILURE_ALREADY_DEFINED,
                           "Device %s is defined for parent '%s' already; modify or undefine it", task->uuid,
                           task->parent);
}

static int make_directory(int dir_fd, const char *path) {
        if (mkdirat(dir_fd, path, 0755) < 0)
                return errno == EEXIST ? 0 : -errno;
        return 0;
}

/* Opens the store and the parent's directory in it. With @create, both are made if they do not exist. */
static int open_parent(const struct task *task, bool create, int *ret_store_fd, struct failure *failure) {
        _cleanup_close_ int store_fd = -1;
        int fd, r;

        r = create ? make_directory(root_fd(), STORE_DIRECTORY) : 0;
        if (r < 0) {
                fail_errno(task, -r, "making the directory", failure);
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

/* The finalizer of the random generator splitmix64: one-to-one, and each bit of the result depends on all of @x. */
static uint64_t mix(uint64_t x) {
        x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
        return x ^ (x >> 31);
}

/* The byte of the lock file that stands for the UUID, one of 2^63. If two UUIDs have the same byte, the change of one
 * waits for the change of the other. If a callout of the one changes the other, it waits until the callout's time is
 * over. So all 128 bits count: two different UUIDs have the same byte with a chance of 2^-63, one in 10^19. Somebody
 * who searches for such UUIDs can only make two definitions of their own wait for each other. */
static off_t lock_offset(const char *uuid) {
        uuid_t bytes = {};
        uint64_t half[2];

        /* A task has a UUID in its normal form. */
        (void) uuid_parse(uuid, bytes);
        memcpy(half, bytes, sizeof(half));
        return (off_t) (mix(mix(half[0]) ^ half[1]) >> 1);
}

/* A worker of a daemon that was killed may still be writing when a worker of the next daemon changes the same
 * definition. With this lock, the one that comes first may finish. A worker whose daemon has died while it waited for
 * the lock must not begin. Returns an fd that holds the lock. */
static int lock(const struct task *task, struct failure *failure) {
        struct flock range = {
                .l_type = F_WRLCK,
                .l_whence = SEEK_SET,
                .l_start = lock_offset(task->uuid),
                .l_len = 1,
        };
        _cleanup_close_ int fd = -1;
        int r;

        fd = openat(root_fd(), STORE_LOCK, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
        /* Somebody has emptied /run/mediated. */
        if (fd < 0 && errno == ENOENT && intent_make_directory() >= 0)
                fd = openat(root_fd(), STORE_LOCK, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
        r = fd < 0 ? -1 : fcntl(fd, F_OFD_SETLKW, &range);
        if (r < 0)
                return failure_set(failure, FAILURE_IO_ERROR, "Definition %s of parent '%s' is unchanged: locking /"
                                   STORE_LOCK " failed: %s", task->uuid, task->parent, strerror(errno));

        FAULT_POINT("store-locked");
        wait_unless_orphaned(0);
        return TAKE_FD(fd);
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
static int write_temporary(const struct task *task, int store_fd, const char *name, const char *text,
                           const struct stat *old) {
        _cleanup_close_ int fd = -1;
        int r;

        fd = openat(store_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0)
                return -errno;

        FAULT_POINT("definition-created");
        r = write_all(fd, text);
        if (r < 0)
                return r;
        if (fchmod(fd, old ? old->st_mode & 07777 : 0644) < 0)
                return -errno;
        /* The sandbox does not allow chown(). A file that belongs to root and has the old mode is better than one that
         * cannot be changed, or one that is written in place. */
        if (old && (old->st_uid != geteuid() || old->st_gid != getegid()) && fchown(fd, old->st_uid, old->st_gid) < 0) {
                if (errno != EPERM)
                        return -errno;
                fprintf(stderr,
                        "<4>mediated-worker: definition %s of parent '%s' was changed and belongs to root now\n",
                        task->uuid, task->parent);
        }
        return fsync(fd) < 0 ? -errno : 0;
}

/* Whether somebody has written to the file since we read it. The rename would undo that change. */
static bool is_changed(int parent_fd, const char *name, const struct stat *old) {
        struct stat st;

        return fstatat(parent_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !store_file_is_same(&st, old);
}

static int replace(const struct task *task, int store_fd, int parent_fd, const char *text, const struct stat *old) {
        char name[64];
        int r;

        snprintf(name, sizeof(name), STORE_TEMPORARY_PREFIX "%d-%" PRIu64, (int) getpid(), now_usec());
        r = write_temporary(task, store_fd, name, text, old);
        FAULT_POINT("definition-synced");
        if (r >= 0 && old && is_changed(parent_fd, task->uuid, old))
                r = -ESTALE;
        if (r >= 0 && renameat2(store_fd, name, parent_fd, task->uuid, old ? 0 : RENAME_NOREPLACE) < 0)
                r = -errno;
        if (r < 0)
                (void) unlinkat(store_fd, name, 0);
        return r;
}

static int check(const struct task *task, const struct definition *definition, struct failure *failure) {
        struct definition_error error;

        if (definition_check(definition, &error) < 0)
                return failure_set(failure, FAILURE_INVALID_ATTRIBUTE, "Definition %s of parent '%s' is unchanged: %s",
                                   task->uuid, task->parent, error.message);
        return 0;
}

/* What is written, and which file it replaces. */
struct change {
        int store_fd;
        int parent_fd;
        struct definition *definition;
        struct stat old;
        bool replaces;                  /* whether a file is replaced; if not, there must be none */
};

/* Returns 0; -1 with @failure set; or -ESTALE without it, when the file has changed since it was read. */
static int write_once(const struct task *task, const struct change *change, struct failure *failure) {
        _cleanup_free_ char *text = NULL;
        int r;

        r = definition_format(change->definition, &text);
        if (r == -EFBIG)
                return failure_set(failure, FAILURE_LIMITS_EXCEEDED,
                                   "Definition %s of parent '%s' is unchanged: it would be larger than %d bytes",
                                   task->uuid, task->parent, DEFINITION_SIZE_MAX);
        if (r >= 0)
                r = replace(task, change->store_fd, change->parent_fd, text, change->replaces ? &change->old : NULL);
        if (r == -EEXIST)
                return fail_defined(task, failure);
        if (r == -ESTALE)
                return r;
        if (r < 0) {
                fail_errno(task, -r, "writing", failure);
                return -1;
        }

        FAULT_POINT("definition-renamed");
        if (fsync(change->parent_fd) < 0)
                return failure_set(failure, FAILURE_IO_ERROR,
                                   "Definition %s of parent '%s' is written, but a power cut "
                                   "may undo it: syncing /" STORE_DIRECTORY "/%s failed: %s", task->uuid, task->parent,
                                   task->parent, strerror(errno));
        return 0;
}

static int apply(const struct task *task, struct definition *definition, struct failure *failure) {
        const char *backend = backend_of(task)->definition_backend;
        _cleanup_failure_ struct failure cause = {};

        if (definition_changes_apply(&task->changes, definition, &cause) < 0)
                return failure_set(failure, cause.code, "Definition %s of parent '%s' is unchanged: %s", task->uuid,
                                   task->parent, cause.message);
        if (backend && definition_set_backend(definition, backend) < 0)
                return failure_set(failure, FAILURE_IO_ERROR,
                                   "Definition %s of parent '%s' is unchanged: out of memory", task->uuid,
                                   task->parent);
        return 0;
}

static void report_outcome(int r, struct report *report) {
        report->kind = r < 0 ? REPORT_FAILED : REPORT_DONE;
}

static void define_checked(const struct task *task, void *userdata, struct report *report) {
        report_outcome(write_once(task, userdata, &report->failure), report);
}

static int define(const struct task *task, struct report *report) {
        _cleanup_close_ int store_fd = -1, parent_fd = -1;
        _cleanup_definition_ struct definition *definition = NULL;
        struct failure *failure = &report->failure;

        parent_fd = open_parent(task, true, &store_fd, failure);
        if (parent_fd < 0)
                return -1;
        /* This is checked before any callout is run. If the file appears later, the rename fails. */
        if (!task->interrupted && faccessat(parent_fd, task->uuid, F_OK, AT_SYMLINK_NOFOLLOW) >= 0)
                return fail_defined(task, failure);
        if (definition_new("", START_MANUAL, NULL, &definition) < 0)
                return failure_set(failure, FAILURE_IO_ERROR, "Out of memory");
        if (apply(task, definition, failure) < 0 || check(task, definition, failure) < 0)
                return -1;

        callouts_around(task, "define", definition, define_checked,
                        &(struct change) { .store_fd = store_fd, .parent_fd = parent_fd, .definition = definition },
                        report);
        return report->kind == REPORT_DONE ? 0 : -1;
}

static int read_stored(const struct task *task, int parent_fd, struct definition **ret, struct stat *ret_stat,
                       struct failure *failure) {
        uint64_t end = now_usec() + 2 * STORE_FRESH_USEC;
        struct definition_error error;
        int r;

        for (;;) {
                r = store_read(parent_fd, task->uuid, ret, ret_stat, &error);
                if (r != -EBADMSG || !store_file_is_fresh(ret_stat) || now_usec() >= end)
                        break;
                wait_unless_orphaned(HALF_WRITTEN_RETRY_USEC);
        }

        if (r == -ENOENT)
                return fail_not_defined(task, failure);
        if (r == -EBADMSG || r == -EFBIG)
                return failure_set(failure, FAILURE_INVALID_DEFINITION,
                                   "/" STORE_DIRECTORY "/%s/%s, line %u: %s; fix it, or undefine the device",
                                   task->parent, task->uuid, error.line, error.message);
        if (r < 0) {
                fail_errno(task, -r, "reading", failure);
                return -1;
        }
        return 0;
}

/* Reads the file as it is now, and applies the changes. */
static int prepare(const struct task *task, struct change *change, struct failure *failure) {
        change->definition = definition_free(change->definition);
        if (read_stored(task, change->parent_fd, &change->definition, &change->old, failure) < 0 ||
            apply(task, change->definition, failure) < 0)
                return -1;
        return check(task, change->definition, failure);
}

static int write_until_done(const struct task *task, struct change *change, struct failure *failure) {
        int r;

        for (unsigned int i = 0; i < CHANGED_MAX; i++) {
                r = write_once(task, change, failure);
                if (r != -ESTALE)
                        return r;
                if (prepare(task, change, failure) < 0)
                        return -1;
        }
        return failure_set(failure, FAILURE_IO_ERROR, "Definition %s of parent '%s' is unchanged: other programs "
                           "keep changing it; try again", task->uuid, task->parent);
}

static void modify_checked(const struct task *task, void *userdata, struct report *report) {
        report_outcome(write_until_done(task, userdata, &report->failure), report);
}

static int modify(const struct task *task, struct report *report) {
        _cleanup_close_ int store_fd = -1, parent_fd = -1;
        _cleanup_definition_ struct definition *conf = NULL;
        struct change change = { .replaces = true };

        parent_fd = open_parent(task, false, &store_fd, &report->failure);
        if (parent_fd < 0)
                return -1;
        change.store_fd = store_fd;
        change.parent_fd = parent_fd;
        if (prepare(task, &change, &report->failure) < 0 ||
            definition_new(definition_type(change.definition), definition_start(change.definition),
                           definition_attributes(change.definition), &conf) < 0) {
                report->kind = REPORT_FAILED;
                (void) failure_set(&report->failure, FAILURE_IO_ERROR, "Device %s: out of memory", task->uuid);
        } else
                /* Callouts are run once, with the result of the first attempt, however often the change is applied
                 * again. */
                callouts_around(task, "modify", conf, modify_checked, &change, report);

        definition_free(change.definition);
        return report->kind == REPORT_DONE ? 0 : -1;
}

static int unlink_stored(const struct task *task, int parent_fd, struct failure *failure) {
        if (unlinkat(parent_fd, task->uuid, 0) < 0) {
                if (errno == ENOENT)
                        return fail_not_defined(task, failure);
                fail_errno(task, errno, "removing", failure);
                return -1;
        }

        FAULT_POINT("definition-unlinked");
        (void) fsync(parent_fd);
        return 0;
}

static void undefine_checked(const struct task *task, void *userdata, struct report *report) {
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
        if (task->interrupted && r == -ENOENT && task->type &&
            definition_new(task->type, START_MANUAL, NULL, &definition) >= 0) {
                callouts_interrupted(task, "undefine", definition, true);
                return 0;
        }
        /* No callout is responsible for an invalid definition, so it is just removed. */
        if (r < 0)
                return unlink_stored(task, parent_fd, &report->failure);
        callouts_around(task, "undefine", definition, undefine_checked, &parent_fd, report);
        return report->kind == REPORT_DONE ? 0 : -1;
}

static void run(const struct task *task, struct report *report, int (*func)(const struct task *task, struct report *)) {
        _cleanup_close_ int lock_fd = -1;

        lock_fd = lock(task, &report->failure);
        report_outcome(lock_fd < 0 ? -1 : func(task, report), report);
}

void run_define(const struct task *task, struct report *report) {
        run(task, report, define);
}

void run_modify(const struct task *task, struct report *report) {
        run(task, report, modify);
}

void run_undefine(const struct task *task, struct report *report) {
        run(task, report, undefine);
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

        /* The name has the pid of the writer. It may be the worker of an earlier daemon, which is still writing. */
        while ((entry = readdir(dir))) {
                int pid;

                if (sscanf(entry->d_name, STORE_TEMPORARY_PREFIX "%d-", &pid) == 1 && process_has_ended(pid))
                        (void) unlinkat(dirfd(dir), entry->d_name, 0);
        }
}
