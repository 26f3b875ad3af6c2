/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The files of /run/mediated/prepare: a JSON object each. */

#include "common/preparation.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "common/io.h"
#include "common/json-text.h"
#include "common/name.h"
#include "common/root.h"

/* How large a file may be. A message has a few hundred bytes. */
#define SIZE_MAX_OF_FILE (16u * 1024)

static const char *const states[_PREPARATION_STATE_MAX] = {
        [PREPARATION_RUNNING] = "running",
        [PREPARATION_DONE] = "done",
        [PREPARATION_FAILED] = "failed",
};

const char *preparation_state_to_string(enum preparation_state state) {
        return states[state];
}

void preparation_clear(struct preparation *preparation) {
        free(preparation->message);
        free(preparation->set);
        *preparation = (struct preparation) {};
}

static int make_path(const char *card, const char *prefix, char ret[static PATH_MAX]) {
        const char *reason;

        if (name_component_check(card, strlen(card), &reason) < 0)
                return -EINVAL;
        snprintf(ret, PATH_MAX, PREPARATION_DIRECTORY "/%s%s", prefix, card);
        return 0;
}

static int make_directory(void) {
        static const char *const directories[] = { "run/mediated", PREPARATION_DIRECTORY };

        for (size_t i = 0; i < ELEMENTSOF(directories); i++)
                if (mkdirat(root_fd(), directories[i], 0755) < 0 && errno != EEXIST)
                        return -errno;
        return 0;
}

/* The umask of a service may be stricter. */
static int write_file(const char *path, const char *text) {
        _cleanup_close_ int fd = -1;

        (void) unlinkat(root_fd(), path, 0);
        fd = openat(root_fd(), path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd < 0 || fchmod(fd, 0644) < 0)
                return -errno;
        return write_text_fd(fd, text);
}

int preparation_store(const char *card, const struct preparation *preparation) {
        _cleanup_json_ json_object *object = json_object_new_object();
        char path[PATH_MAX], temporary[PATH_MAX];
        _cleanup_free_ char *text = NULL;
        int r;

        json_put(&object, "state", json_object_new_string(states[preparation->state]));
        json_put(&object, "attempt", json_object_new_int64(preparation->attempt));
        json_put(&object, "attempts", json_object_new_int64(preparation->attempts));
        json_put(&object, "message", json_object_new_string(preparation->message ? preparation->message : ""));
        json_put(&object, "set", json_object_new_string(preparation->set ? preparation->set : ""));
        r = object ? json_text_print(object, &text) : -ENOMEM;
        if (r >= 0)
                r = make_path(card, "", path);
        if (r >= 0)
                r = make_path(card, ".", temporary);
        if (r >= 0)
                r = make_directory();
        if (r >= 0)
                r = write_file(temporary, text);
        if (r < 0)
                return r;
        return renameat(root_fd(), temporary, root_fd(), path) < 0 ? -errno : 0;
}

static int take_text(json_object *object, const char *key, char **ret) {
        json_object *value = json_object_object_get(object, key);

        if (!json_object_is_type(value, json_type_string))
                return -EBADMSG;
        *ret = strdup(json_object_get_string(value));
        return *ret ? 0 : -ENOMEM;
}

static int take_number(json_object *object, const char *key, unsigned int *ret) {
        json_object *value = json_object_object_get(object, key);

        if (!json_object_is_type(value, json_type_int) || json_object_get_int64(value) < 0 ||
            json_object_get_int64(value) > UINT_MAX)
                return -EBADMSG;
        *ret = (unsigned int) json_object_get_int64(value);
        return 0;
}

static int take_state(json_object *object, enum preparation_state *ret) {
        _cleanup_free_ char *text = NULL;
        int r;

        r = take_text(object, "state", &text);
        if (r < 0)
                return r;
        for (size_t i = 0; i < ELEMENTSOF(states); i++)
                if (streq(text, states[i])) {
                        *ret = (enum preparation_state) i;
                        return 0;
                }
        return -EBADMSG;
}

int preparation_load(const char *card, struct preparation *ret) {
        _cleanup_preparation_ struct preparation preparation = {};
        _cleanup_json_ json_object *object = NULL;
        _cleanup_free_ char *text = malloc(SIZE_MAX_OF_FILE);
        struct json_text_error error;
        char path[PATH_MAX];
        ssize_t n;
        int r;

        if (!text)
                return -ENOMEM;
        r = make_path(card, "", path);
        if (r < 0)
                return r;
        n = read_text_at(root_fd(), path, text, SIZE_MAX_OF_FILE);
        if (n < 0)
                return (int) n;
        r = json_text_parse(text, (size_t) n, &object, &error);
        if (r >= 0)
                r = take_state(object, &preparation.state);
        if (r >= 0)
                r = take_number(object, "attempt", &preparation.attempt);
        if (r >= 0)
                r = take_number(object, "attempts", &preparation.attempts);
        if (r >= 0)
                r = take_text(object, "message", &preparation.message);
        if (r >= 0)
                r = take_text(object, "set", &preparation.set);
        if (r < 0)
                return r;
        *ret = preparation;
        preparation = (struct preparation) {};
        return 0;
}

int preparation_remove(const char *card) {
        char path[PATH_MAX];
        int r;

        r = make_path(card, "", path);
        if (r < 0)
                return r;
        return unlinkat(root_fd(), path, 0) < 0 && errno != ENOENT ? -errno : 0;
}
