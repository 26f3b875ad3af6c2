/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads what the driver of mediated devices says about its types. */

#include <errno.h>
#include <fcntl.h>

#include "common/io.h"
#include "common/utf8.h"
#include "worker/mdev.h"

/* A driver's file that is missing or empty, or cannot be read, is left out: `name` and `description` are optional, and
 * some drivers answer with an error while their card is being set up. */
static void read_text(int type_fd, const char *file, json_object **ret) {
        char text[4097];

        if (read_text_at(type_fd, file, text, sizeof(text)) <= 0)
                return;
        /* One text that is not UTF-8 would make the list of all types unreadable. */
        utf8_make_printable(text);
        json_put(ret, file, json_object_new_string(text));
}

static void read_number(int type_fd, const char *file, json_object **ret) {
        char text[64], *end;
        unsigned long n;

        if (read_text_at(type_fd, file, text, sizeof(text)) <= 0)
                return;
        errno = 0;
        n = strtoul(text, &end, 10);
        if (errno == 0 && *end == '\0' && n < UINT32_MAX)
                json_put(ret, file, json_object_new_uint64(n));
}

static void read_type(int types_fd, const char *name, json_object **ret) {
        json_object *type = json_object_new_object();
        _cleanup_close_ int fd = -1;

        fd = open_beneath(types_fd, name, O_PATH | O_DIRECTORY);
        if (fd < 0) {
                json_object_put(type);
                return;
        }
        read_text(fd, "name", &type);
        read_text(fd, "device_api", &type);
        read_text(fd, "description", &type);
        read_number(fd, "available_instances", &type);
        json_put(ret, name, type);
}

void mdev_list_types(const struct task *task, struct report *report) {
        _cleanup_closedir_ DIR *dir = NULL;
        _cleanup_close_ int fd = -1;
        struct dirent *entry;

        report->kind = REPORT_FAILED;
        fd = sysfs_open_types(task->parent);
        if (fd < 0 || open_directory_at(fd, ".", &dir) < 0) {
                failure_set(&report->failure, FAILURE_NO_SUCH_PARENT, "Parent '%s' has disappeared", task->parent);
                return;
        }

        report->types = json_object_new_object();
        while ((entry = readdir(dir)))
                if (entry->d_name[0] != '.' && utf8_is_valid(entry->d_name, strlen(entry->d_name)))
                        read_type(dirfd(dir), entry->d_name, &report->types);
        if (report->types)
                report->kind = REPORT_DONE;
        else
                failure_set(&report->failure, FAILURE_IO_ERROR, "Parent '%s': out of memory", task->parent);
}
