/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads which types a VF can have now. A VF that has a type lists none, or only that one, and a VF of a full card lists
 * none. The daemon knows from the other VFs of the card which types there are. */

#include <errno.h>

#include "common/io.h"
#include "common/utf8.h"
#include "worker/vgpu-list.h"
#include "worker/vgpu.h"

/* A file in sysfs has one page at most, and pages can have 64 KiB. */
#define LIST_SIZE_MAX (64 * 1024)

/* Returns NULL if it cannot be read. */
static char *read_list(const struct vgpu_vf *vf) {
        _cleanup_free_ char *text = malloc(LIST_SIZE_MAX + 1);

        if (!text || read_text_at(vf->fd, "nvidia/creatable_vgpu_types", text, LIST_SIZE_MAX + 1) < 0)
                return NULL;
        return TAKE_PTR(text);
}

bool vgpu_can_create(const struct vgpu_vf *vf, uint32_t number) {
        _cleanup_free_ char *text = read_list(vf);
        char *rest = text;
        const char *name;
        uint32_t listed;

        while (text && vgpu_list_next(&rest, &listed, &name))
                if (listed == number)
                        return true;
        return false;
}

static void add_type(json_object **types, uint32_t number, const char *name, bool available) {
        json_object *type = json_object_new_object();
        char id[VGPU_TYPE_SIZE];

        vgpu_type(number, id);
        if (*name)
                json_put(&type, "name", json_object_new_string(name));
        json_put(&type, "device_api", json_object_new_string("vfio-pci"));
        json_put(&type, "available_instances", json_object_new_int(available));
        json_put(types, id, type);
}

void vgpu_list_types(const struct task *task, struct report *report) {
        _cleanup_vf_ struct vgpu_vf vf = { .fd = -1 };
        _cleanup_free_ char *text = NULL;
        uint32_t current, number;
        const char *name;
        char *rest = NULL;

        report->kind = REPORT_FAILED;
        if (vgpu_open(task->parent, &vf) < 0) {
                failure_set(&report->failure, FAILURE_NO_SUCH_PARENT, "Parent '%s' has disappeared", task->parent);
                return;
        }
        if (vgpu_read(&vf, &current) >= 0) {
                vgpu_set_holds(task, &vf, current, report);
                rest = text = read_list(&vf);
        }
        if (!text) {
                failure_set(&report->failure, FAILURE_IO_ERROR, "The driver of parent '%s' does not show its types",
                            task->parent);
                return;
        }

        /* One name that is not UTF-8 would make the list of all types unreadable. */
        utf8_make_printable(text);
        report->types = json_object_new_object();
        while (vgpu_list_next(&rest, &number, &name))
                add_type(&report->types, number, name, current == 0);
        if (report->types)
                report->kind = REPORT_DONE;
        else
                failure_set(&report->failure, FAILURE_IO_ERROR, "Parent '%s': out of memory", task->parent);
}
