/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* An intent is JSON in the target of a symbolic link. One system call makes the link, so it is there as a whole or not
 * at all. */

#include "common/fault-point.h"
#include "common/intent.h"

#include <assert.h>
#include <errno.h>
#include <sys/stat.h>

#include "common/io.h"
#include "common/json-text.h"
#include "common/message.h"
#include "common/name.h"
#include "common/root.h"
#include "common/uuid.h"

#define SUFFIX_PREPARED ".prepared"
#define SUFFIX_WRITING ".writing"
#define SUFFIX_NEW ".new"

/* Room for the directory, a UUID and a suffix. */
typedef char intent_path[sizeof(INTENT_DIRECTORY) + UUID_TEXT_SIZE + 16];

static void make_path(intent_path path, const char *uuid, bool writing) {
        assert(uuid_is_normal(uuid));
        snprintf(path, sizeof(intent_path), INTENT_DIRECTORY "/%s%s", uuid, writing ? SUFFIX_WRITING : SUFFIX_PREPARED);
}

void intent_clear(struct intent *intent) {
        free(intent->parent);
        free(intent->type);
        *intent = (struct intent) {};
}

static json_object *intent_to_json(const struct intent *intent) {
        json_object *object = json_object_new_object();

        json_put(&object, "parent", json_object_new_string(intent->parent));
        json_put(&object, "type", json_object_new_string(intent->type));
        json_put(&object, "pid", json_object_new_int64(intent->pid));
        json_put(&object, "start-time", json_object_new_uint64(intent->start_time));
        json_put(&object, "inode", json_object_new_uint64(intent->inode));
        json_put(&object, "autostart", json_object_new_boolean(intent->autostart));
        return object;
}

int intent_make_directory(void) {
        static const char *const directories[] = { "run/mediated", INTENT_DIRECTORY };

        for (size_t i = 0; i < ELEMENTSOF(directories); i++)
                if (mkdirat(root_fd(), directories[i], 0755) < 0 && errno != EEXIST)
                        return -errno;
        return 0;
}

static int link_intent(const char *text, const char *path) {
        if (symlinkat(text, root_fd(), path) >= 0)
                return 0;
        /* Somebody has emptied /run/mediated. */
        if (errno == ENOENT && intent_make_directory() >= 0 && symlinkat(text, root_fd(), path) >= 0)
                return 0;
        return -errno;
}

int intent_store(const char *uuid, const struct intent *intent) {
        _cleanup_json_ json_object *object = intent_to_json(intent);
        _cleanup_free_ char *text = NULL;
        intent_path path, temporary;
        int r;

        assert(intent->parent && intent->type);
        r = object ? json_text_print(object, &text) : -ENOMEM;
        if (r < 0)
                return r;
        make_path(path, uuid, intent->writing);
        r = link_intent(text, path);
        if (r != -EEXIST)
                return r;

        /* There is an intent already: replace it. */
        snprintf(temporary, sizeof(temporary), INTENT_DIRECTORY "/%s" SUFFIX_NEW, uuid);
        (void) unlinkat(root_fd(), temporary, 0);
        r = link_intent(text, temporary);
        if (r < 0)
                return r;
        FAULT_POINT("intent-half-written");
        return renameat(root_fd(), temporary, root_fd(), path) < 0 ? -errno : 0;
}

static ssize_t load_phase(const char *uuid, bool writing, char *buffer, size_t size) {
        intent_path path;
        ssize_t n;

        make_path(path, uuid, writing);
        n = readlinkat(root_fd(), path, buffer, size);
        if (n < 0)
                return -errno;
        if ((size_t) n >= size)
                return -EBADMSG;
        buffer[n] = '\0';
        return n;
}

/* Copies a name and checks it, because it may become a part of a path. */
static int take_name(json_object *object, const char *key, char **ret) {
        json_object *value = json_object_object_get(object, key);
        const char *reason;

        if (!json_object_is_type(value, json_type_string) ||
            name_component_check(json_object_get_string(value), (size_t) json_object_get_string_len(value),
                                 &reason) < 0)
                return -EBADMSG;
        *ret = strdup(json_object_get_string(value));
        return *ret ? 0 : -ENOMEM;
}

static int take_number(json_object *object, const char *key, uint64_t *ret) {
        json_object *value = json_object_object_get(object, key);

        if (!json_object_is_type(value, json_type_int))
                return -EBADMSG;
        *ret = json_object_get_uint64(value);
        return 0;
}

static int intent_from_json(const char *text, size_t size, struct intent *ret) {
        _cleanup_json_ json_object *object = NULL;
        struct json_text_error error;
        json_object *autostart;
        uint64_t pid = 0;
        int r;

        r = json_text_parse(text, size, &object, &error);
        if (r < 0)
                return r;

        autostart = json_object_object_get(object, "autostart");
        if (!json_object_is_type(autostart, json_type_boolean))
                return -EBADMSG;
        ret->autostart = json_object_get_boolean(autostart);
        r = take_name(object, "parent", &ret->parent);
        if (r >= 0)
                r = take_name(object, "type", &ret->type);
        if (r >= 0)
                r = take_number(object, "pid", &pid);
        if (r >= 0)
                r = take_number(object, "start-time", &ret->start_time);
        if (r >= 0)
                r = take_number(object, "inode", &ret->inode);
        if (r < 0)
                return r;
        if (pid > INT32_MAX)
                return -EBADMSG;
        ret->pid = (pid_t) pid;
        return 0;
}

int intent_load(const char *uuid, struct intent *ret) {
        _cleanup_intent_ struct intent intent = {};
        char buffer[4096];
        ssize_t n;
        int r;

        intent.writing = true;
        n = load_phase(uuid, true, buffer, sizeof(buffer));
        if (n == -ENOENT) {
                intent.writing = false;
                n = load_phase(uuid, false, buffer, sizeof(buffer));
        }
        /* The worker may have renamed it between these two steps. */
        if (n == -ENOENT) {
                intent.writing = true;
                n = load_phase(uuid, true, buffer, sizeof(buffer));
        }
        if (n < 0)
                return (int) n;

        r = intent_from_json(buffer, (size_t) n, &intent);
        if (r < 0)
                return r;

        *ret = intent;
        intent = (struct intent) {};
        return 0;
}

int intent_set_writing(const char *uuid, bool writing) {
        intent_path from, to;

        make_path(from, uuid, !writing);
        make_path(to, uuid, writing);
        return renameat(root_fd(), from, root_fd(), to) < 0 ? -errno : 0;
}

static int remove_phase(const char *uuid, bool writing) {
        intent_path path;

        make_path(path, uuid, writing);
        return unlinkat(root_fd(), path, 0) < 0 ? -errno : 0;
}

int intent_remove(const char *uuid) {
        int r;

        r = remove_phase(uuid, true);
        if (r == -ENOENT)
                r = remove_phase(uuid, false);
        return r == -ENOENT ? 0 : r;
}

void intent_remove_half(const char *uuid) {
        intent_path path;

        assert(uuid_is_normal(uuid));
        snprintf(path, sizeof(path), INTENT_DIRECTORY "/%s" SUFFIX_NEW, uuid);
        (void) unlinkat(root_fd(), path, 0);
}

int intent_list(int (*func)(const char *uuid, void *userdata), void *userdata) {
        _cleanup_closedir_ DIR *dir = NULL;
        struct dirent *entry;
        int r;

        r = open_directory_at(root_fd(), INTENT_DIRECTORY, &dir);
        if (r < 0)
                return r == -ENOENT ? 0 : r;

        while ((entry = readdir(dir))) {
                char uuid[UUID_TEXT_SIZE];
                const char *dot = strchr(entry->d_name, '.');

                /* Its writer died before it renamed the file. */
                if (dot && streq(dot, SUFFIX_NEW))
                        (void) unlinkat(dirfd(dir), entry->d_name, 0);
                if (!dot || dot - entry->d_name != UUID_TEXT_SIZE - 1 ||
                    (!streq(dot, SUFFIX_PREPARED) && !streq(dot, SUFFIX_WRITING)))
                        continue;
                snprintf(uuid, sizeof(uuid), "%.*s", UUID_TEXT_SIZE - 1, entry->d_name);
                if (!uuid_is_normal(uuid))
                        continue;
                r = func(uuid, userdata);
                if (r < 0)
                        return r;
        }

        return 0;
}
