/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A definition from the file of --jsonfile. */

#include "client/mdevctl-file.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json_object.h>

#include "client/mdevctl-tell.h"
#include "common/json-text.h"

void mdevctl_file_clear(struct mdevctl_file *file) {
        free(file->text);
        *file = (struct mdevctl_file) {};
}

static int read_all(int fd, char *buffer, size_t size, size_t *ret) {
        size_t length = 0;
        ssize_t n;

        while (length < size) {
                n = read(fd, buffer + length, size - length);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        break;
                length += (size_t) n;
        }
        *ret = length;
        return 0;
}

int mdevctl_file_read(const char *path, struct mdevctl_file *ret) {
        _cleanup_(mdevctl_file_clear) struct mdevctl_file file = { .path = path };
        _cleanup_close_ int fd = -1;
        int r;

        fd = open(path, O_RDONLY | O_CLOEXEC);
        r = fd < 0 ? -errno : 0;
        if (r >= 0) {
                /* One byte more than is taken tells a larger file. */
                file.text = malloc(DEFINITION_SIZE_MAX + 1);
                r = file.text ? read_all(fd, file.text, DEFINITION_SIZE_MAX + 1, &file.size) : -ENOMEM;
        }
        if (r < 0) {
                _cleanup_free_ char *quoted = mdevctl_quote(path);

                return mdevctl_fail_errno(r, "Unable to read jsonfile %s", quoted);
        }

        *ret = file;
        file = (struct mdevctl_file) {};
        return EXIT_SUCCESS;
}

/* What mdevctl says of JSON that is no definition. */
static const char *explain(const struct mdevctl_file *file) {
        _cleanup_json_ json_object *object = NULL;
        struct json_text_error error;
        json_object *attributes;

        if (json_text_parse(file->text, file->size, &object, &error) < 0)
                return NULL;
        if (!json_object_object_get(object, "mdev_type") || !json_object_object_get(object, "start"))
                return "invalid json";

        attributes = json_object_object_get(object, "attrs");
        if (attributes && !json_object_is_type(attributes, json_type_array))
                return "attributes field is not an array";
        for (size_t i = 0; attributes && i < json_object_array_length(attributes); i++) {
                json_object *item = json_object_array_get_idx(attributes, i);

                if (!json_object_is_type(item, json_type_object))
                        return "invalid JSON format for attribute: not an object";
                if (json_object_object_length(item) != 1)
                        return "invalid JSON format for attribute: too many fields";
        }
        return NULL;
}

int mdevctl_file_parse(const struct mdevctl_file *file, struct definition **ret) {
        struct definition_error error = {};
        const char *known;
        int r;

        r = definition_parse(file->text, file->size, ret, &error);
        if (r >= 0)
                return EXIT_SUCCESS;
        if (r == -ENOMEM)
                return mdevctl_fail("Out of memory");

        known = explain(file);
        if (known)
                return mdevctl_fail("%s", known);
        if (error.line > 0)
                return mdevctl_fail("%s, line %u: %s", file->path, error.line, error.message);
        return mdevctl_fail("%s: %s", file->path, error.message);
}
