/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A device of vfio_ap: the matrix of crypto queues that a guest may use (kernel: drivers/s390/crypto/vfio_ap_ops.c).
 *
 * An administrator assigns adapters and domains, one number each, or all of them as masks. The queues are all pairs of
 * an adapter and a domain. None of them may be the host's, or another device's. `matrix` shows what is assigned;
 * `guest_matrix` shows the part of it that is there, which is all that a guest gets. */

#include <errno.h>
#include <utlist.h>

#include "tests/simulator/vfio-ap.h"

typedef struct ApSets {
        ApMask adapters;
        ApMask domains;
        ApMask control_domains;
} ApSets;

struct ApMatrix {
        ApMatrix *prev, *next;
        Mdev *mdev;
        ApBus *bus;
        ApSets sets;
};

/* What a file of the device is about. */
static const struct {
        const char *name;
        bool assigns;
        size_t offset;
        unsigned max;
} files[] = {
        {"assign_adapter",          true,  offsetof(ApSets, adapters),        AP_MAX_ADAPTER},
        {"unassign_adapter",        false, offsetof(ApSets, adapters),        AP_MAX_ADAPTER},
        {"assign_domain",           true,  offsetof(ApSets, domains),         AP_MAX_DOMAIN },
        {"unassign_domain",         false, offsetof(ApSets, domains),         AP_MAX_DOMAIN },
        {"assign_control_domain",   true,  offsetof(ApSets, control_domains), AP_MAX_DOMAIN },
        {"unassign_control_domain", false, offsetof(ApSets, control_domains), AP_MAX_DOMAIN },
};

static bool is_kept(const ApMatrix *matrix) {
        for (unsigned adapter = 0; adapter < AP_NUMBERS; adapter++)
                for (unsigned domain = 0; domain < AP_NUMBERS; domain++)
                        if (ap_mask_has(&matrix->sets.adapters, adapter) &&
                            ap_mask_has(&matrix->sets.domains, domain) && ap_bus_keeps(matrix->bus, adapter, domain))
                                return true;

        return false;
}

bool ap_matrices_are_allowed(ApBus *bus) {
        ApMatrix *matrix;

        DL_FOREACH(*ap_bus_matrices(bus), matrix)
                if (is_kept(matrix))
                        return false;

        return true;
}

static int matrix_validate(const ApMatrix *matrix) {
        ApMatrix *other;

        if (is_kept(matrix))
                return -EADDRNOTAVAIL;

        DL_FOREACH(*ap_bus_matrices(matrix->bus), other)
                if (other != matrix && ap_mask_meets(&other->sets.adapters, &matrix->sets.adapters) &&
                    ap_mask_meets(&other->sets.domains, &matrix->sets.domains))
                        return -EADDRINUSE;

        return 0;
}

static int number_store(ApMatrix *matrix, const Node *node, const char *text) {
        ApMask *mask;
        unsigned number;
        size_t i = 0;
        int r;

        while (!streq(files[i].name, node->name))
                i++;
        r = ap_number_parse(text, files[i].max, &number);
        if (r < 0)
                return r;

        mask = (ApMask *) ((char *) &matrix->sets + files[i].offset);
        if (ap_mask_has(mask, number) == files[i].assigns)
                return 0;

        ap_mask_put(mask, number, files[i].assigns);
        r = matrix_validate(matrix);
        if (r < 0)
                ap_mask_put(mask, number, !files[i].assigns);
        return r;
}

static bool exceeds(const ApMask *mask, unsigned max) {
        for (unsigned i = max + 1; i < AP_NUMBERS; i++)
                if (ap_mask_has(mask, i))
                        return true;

        return false;
}

/* All or nothing. */
static int config_store(ApMatrix *matrix, const Node *node, char *text) {
        ApSets old = matrix->sets, new;
        ApMask *const masks[] = {&new.adapters, &new.domains, &new.control_domains};
        int r;

        for (size_t i = 0; i < ELEMENTSOF(masks); i++) {
                char *mask = strsep(&text, ",\n");

                r = mask ? ap_mask_parse(mask, masks[i]) : -EINVAL;
                if (r < 0)
                        return r;
        }

        matrix->sets = new;
        r = matrix_validate(matrix);
        if (r >= 0 && (exceeds(&new.adapters, AP_MAX_ADAPTER) || exceeds(&new.domains, AP_MAX_DOMAIN) ||
                       exceeds(&new.control_domains, AP_MAX_DOMAIN)))
                r = -ENODEV;
        if (r < 0)
                matrix->sets = old;
        return r;
}

static int config_show(Node *node, char *content) {
        ApMatrix *matrix = node->owner;
        int n = ap_mask_print(&matrix->sets.adapters, content);

        n += sprintf(content + n, ",");
        n += ap_mask_print(&matrix->sets.domains, content + n);
        n += sprintf(content + n, ",");
        n += ap_mask_print(&matrix->sets.control_domains, content + n);
        return n + sprintf(content + n, "\n");
}

static int control_domains_show(Node *node, char *content) {
        ApMatrix *matrix = node->owner;
        int n = 0;

        for (unsigned i = 0; i < AP_NUMBERS; i++)
                if (ap_mask_has(&matrix->sets.control_domains, i))
                        n += sprintf(content + n, "%04x\n", i);
        return n;
}

/* One line for each queue; with adapters or domains alone, one for each of these. What exceeds a page is cut off. */
static int queues_print(const ApMask *adapters, const ApMask *domains, char *content) {
        bool half = ap_mask_is_empty(adapters) || ap_mask_is_empty(domains);
        size_t n = 0;

        for (unsigned adapter = 0; adapter < AP_NUMBERS && half; adapter++)
                if (ap_mask_has(adapters, adapter))
                        n += (size_t) sprintf(content + n, "%02x.\n", adapter);
        for (unsigned domain = 0; domain < AP_NUMBERS && half; domain++)
                if (ap_mask_has(domains, domain))
                        n += (size_t) sprintf(content + n, ".%04x\n", domain);

        for (unsigned adapter = 0; adapter < AP_NUMBERS && !half; adapter++)
                for (unsigned domain = 0; domain < AP_NUMBERS; domain++)
                        if (ap_mask_has(adapters, adapter) && ap_mask_has(domains, domain) &&
                            n + strlen("00.0000\n") < NODE_CONTENT_MAX)
                                n += (size_t) sprintf(content + n, "%02x.%04x\n", adapter, domain);
        return (int) n;
}

static int matrix_show(Node *node, char *content) {
        ApMatrix *matrix = node->owner;

        return queues_print(&matrix->sets.adapters, &matrix->sets.domains, content);
}

static bool any_adapter_has(const ApMatrix *matrix, unsigned domain) {
        for (unsigned adapter = 0; adapter < AP_NUMBERS; adapter++)
                if (ap_bus_has_queue(matrix->bus, adapter, domain))
                        return true;

        return false;
}

/* The domains that the host has, and the adapters of which all these queues are there. */
static int guest_matrix_show(Node *node, char *content) {
        ApMatrix *matrix = node->owner;
        ApMask adapters = matrix->sets.adapters, domains = matrix->sets.domains;

        for (unsigned domain = 0; domain < AP_NUMBERS; domain++)
                if (!any_adapter_has(matrix, domain))
                        ap_mask_put(&domains, domain, false);
        for (unsigned adapter = 0; adapter < AP_NUMBERS; adapter++)
                for (unsigned domain = 0; domain < AP_NUMBERS; domain++)
                        if (ap_mask_has(&domains, domain) && !ap_bus_has_queue(matrix->bus, adapter, domain))
                                ap_mask_put(&adapters, adapter, false);
        return queues_print(&adapters, &domains, content);
}

static void on_read(void *userdata) {
        Request *request = userdata;
        ApMatrix *matrix = request->node->parent ? request->node->owner : NULL;
        int r = matrix ? 0 : -ENODEV;

        /* What can be written fails when it is written. */
        if (matrix && !request->node->ops->write)
                r = driver_take_failure(&mdev_parent(matrix->mdev)->driver, request->node->name);
        if (r < 0)
                request_finish(request, r);
        else
                request_show(request);
}

static void matrix_read(Node *node, Request *request) {
        ApMatrix *matrix = node->owner;

        driver_run(&mdev_parent(matrix->mdev)->driver, OPERATION_READ, on_read, request);
}

static int store(Node *node, char *data) {
        ApMatrix *matrix = node->owner;
        int r;

        r = driver_take_failure(&mdev_parent(matrix->mdev)->driver, node->name);
        if (r < 0)
                return r;
        return node->ops->show ? config_store(matrix, node, data) : number_store(matrix, node, data);
}

static void on_write(void *userdata) {
        Request *request = userdata;

        request_finish(request, request->node->parent ? store(request->node, request->data) : -ENODEV);
}

static void matrix_write(Node *node, Request *request) {
        ApMatrix *matrix = node->owner;

        driver_run(&mdev_parent(matrix->mdev)->driver, OPERATION_WRITE, on_write, request);
}

static const NodeOps number_ops = {.mode = S_IFREG | 0200, .new_inode_at_lookup = true, .write = matrix_write};
static const NodeOps config_ops = {
        .mode = S_IFREG | 0644,
        .new_inode_at_lookup = true,
        .show = config_show,
        .read = matrix_read,
        .write = matrix_write,
};
static const NodeOps control_domains_ops = {
        .mode = S_IFREG | 0444,
        .show = control_domains_show,
        .read = matrix_read,
};
static const NodeOps matrix_ops = {.mode = S_IFREG | 0444, .show = matrix_show, .read = matrix_read};
static const NodeOps guest_matrix_ops = {.mode = S_IFREG | 0444, .show = guest_matrix_show, .read = matrix_read};

static const struct {
        const char *name;
        const NodeOps *ops;
} shown[] = {
        {"ap_config", &config_ops},
        {"control_domains", &control_domains_ops},
        {"matrix", &matrix_ops},
        {"guest_matrix", &guest_matrix_ops},
};

ApMatrix *ap_matrix_new(Changes *changes, Mdev *mdev) {
        ApMatrix *matrix;

        matrix = must(calloc(1, sizeof(ApMatrix)));
        matrix->mdev = mdev;
        matrix->bus = mdev_host(mdev)->ap;
        DL_APPEND(*ap_bus_matrices(matrix->bus), matrix);
        for (size_t i = 0; i < ELEMENTSOF(files); i++)
                changes_add(changes, mdev_node(mdev), files[i].name, &number_ops, matrix);
        for (size_t i = 0; i < ELEMENTSOF(shown); i++)
                changes_add(changes, mdev_node(mdev), shown[i].name, shown[i].ops, matrix);
        return matrix;
}

/* The files go first. The queues are free when the driver has let go of the device. */
void ap_matrix_remove(Changes *changes, Node *device) {
        for (size_t i = 0; i < ELEMENTSOF(files); i++)
                changes_find_and_remove(changes, device, files[i].name);
        for (size_t i = 0; i < ELEMENTSOF(shown); i++)
                changes_find_and_remove(changes, device, shown[i].name);
}

ApMatrix *ap_matrix_free(ApMatrix *matrix) {
        if (!matrix)
                return NULL;

        DL_DELETE(*ap_bus_matrices(matrix->bus), matrix);
        free(matrix);
        return NULL;
}
