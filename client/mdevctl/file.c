/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A definition from the file of --jsonfile. */

#include "client/mdevctl/file.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json_object.h>

#include "client/mdevctl/tell.h"
#include "common/io.h"
#include "common/json-text.h"

void mdevctl_file_clear(struct mdevctl_file *file) {
        free(file->text);
        *file = (struct mdevctl_file) {};
}

int mdevctl_file_check(const char *path) {
        _cleanup_free_ char *quoted = NULL;
        int error;

        if (access(path, R_OK) >= 0)
                return EXIT_SUCCESS;
        error = errno;
        quoted = mdevctl_quote(path);
        return mdevctl_fail_errno(error, "Unable to read file %s", quoted);
}

int mdevctl_file_read(const char *path, struct mdevctl_file *ret) {
        _cleanup_(mdevctl_file_clear) struct mdevctl_file file = { .path = path };
        _cleanup_close_ int fd = -1;
        ssize_t n;

        fd = open(path, O_RDONLY | O_CLOEXEC);
        n = fd < 0 ? -errno : 0;
        if (n >= 0) {
                /* One byte more than a definition may have shows that the file is too large. */
                file.text = malloc(DEFINITION_SIZE_MAX + 1);
                n = file.text ? read_fd(fd, file.text, DEFINITION_SIZE_MAX + 1) : -ENOMEM;
        }
        if (n < 0) {
                _cleanup_free_ char *quoted = mdevctl_quote(path);

                return mdevctl_fail_errno((int) n, "Unable to read jsonfile %s", quoted);
        }

        file.size = (size_t) n;
        *ret = file;
        file = (struct mdevctl_file) {};
        return EXIT_SUCCESS;
}

/* Returns mdevctl's words for what is wrong with JSON that is no definition; NULL if it has none. */
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
