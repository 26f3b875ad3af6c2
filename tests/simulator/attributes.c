/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the simulated driver shows of a device: attributes to write and read back, also in a folder as vendors
 * have them, one that cannot be written, one that tells what has been written in which order, and a link out of
 * the device. The drivers of IBM Z show what the real ones do: a matrix, or nothing. */

#include <errno.h>

#include "tests/simulator/attributes.h"
#include "tests/simulator/vfio-ap.h"

enum {
        VALUE_SETTING,
        VALUE_VGPU_PARAMS,
        VALUE_PLUGIN,
        _VALUE_MAX,
};

struct Attributes {
        Mdev *mdev;
        ApMatrix *matrix;       /* of a device of vfio_ap, which has nothing else */
        char *values[_VALUE_MAX];
        char *history;
        size_t n_history;
};

static void value_write(Node *node, Request *request);
static int value_show(Node *node, char *content);
static void attribute_read(Node *node, Request *request);

#define VALUE_OPS                                            \
        {                                                    \
                .mode = S_IFREG | 0644,                      \
                .new_inode_at_lookup = true,                 \
                .show = value_show,                          \
                .read = attribute_read,                      \
                .write = value_write,                        \
        }

static const NodeOps value_ops[_VALUE_MAX] = {VALUE_OPS, VALUE_OPS, VALUE_OPS};

static int value_show(Node *node, char *content) {
        Attributes *attributes = node->owner;
        const char *value = attributes->values[node->ops - value_ops];

        return snprintf(content, NODE_CONTENT_MAX, "%s\n", value ? value : "");
}

static int history_show(Node *node, char *content) {
        Attributes *attributes = node->owner;

        if (attributes->history)
                memcpy(content, attributes->history, attributes->n_history);
        return (int) attributes->n_history;
}

static int read_only_show(Node *node, char *content) {
        return sprintf(content, "simulated\n");
}

/* The attribute's name as a person gives it: relative to the device's directory. */
static void attribute_path(const Node *node, const Attributes *attributes, char *path, size_t size) {
        node_path(node, mdev_node(attributes->mdev), path, size);
}

static void on_read(void *userdata) {
        Request *request = userdata;
        Attributes *attributes = request->node->parent ? request->node->owner : NULL;
        char path[NODE_CONTENT_MAX];
        int r = -ENODEV;

        if (attributes) {
                attribute_path(request->node, attributes, path, sizeof(path));
                /* What can be written fails when it is written. */
                if (request->node->ops->write)
                        r = 0;
                else
                        r = driver_take_failure(&mdev_parent(attributes->mdev)->driver, path);
        }

        if (r < 0)
                request_finish(request, r);
        else
                request_show(request);
}

static void attribute_read(Node *node, Request *request) {
        Attributes *attributes = node->owner;

        driver_run(&mdev_parent(attributes->mdev)->driver, OPERATION_READ, on_read, request);
}

static void attributes_remember(Attributes *attributes, const char *path, const char *value) {
        size_t n = strlen(path) + strlen(value) + 2;

        if (attributes->n_history + n > NODE_CONTENT_MAX)
                return;

        attributes->history = must(realloc(attributes->history, attributes->n_history + n + 1));
        sprintf(attributes->history + attributes->n_history, "%s=%s\n", path, value);
        attributes->n_history += n;
}

static int value_store(Node *node, char *data) {
        Attributes *attributes = node->owner;
        char **value = &attributes->values[node->ops - value_ops];
        char path[NODE_CONTENT_MAX];
        size_t n = strlen(data);
        int r;

        attribute_path(node, attributes, path, sizeof(path));
        r = driver_take_failure(&mdev_parent(attributes->mdev)->driver, path);
        if (r < 0)
                return r;

        if (n > 0 && data[n - 1] == '\n')
                data[n - 1] = '\0';
        free(*value);
        *value = must(strdup(data));
        attributes_remember(attributes, path, *value);
        return 0;
}

static void on_write(void *userdata) {
        Request *request = userdata;

        request_finish(request, request->node->parent ? value_store(request->node, request->data) : -ENODEV);
}

static void value_write(Node *node, Request *request) {
        Attributes *attributes = node->owner;

        driver_run(&mdev_parent(attributes->mdev)->driver, OPERATION_WRITE, on_write, request);
}

static const NodeOps read_only_ops = {.mode = S_IFREG | 0444, .show = read_only_show, .read = attribute_read};
static const NodeOps history_ops = {.mode = S_IFREG | 0444, .show = history_show, .read = attribute_read};

static void vendor_populate(Node *dir) {
        Attributes *attributes = dir->owner;
        Tree *tree = mdev_host(attributes->mdev)->tree;

        node_new(tree, dir, "vgpu_params", &value_ops[VALUE_VGPU_PARAMS], attributes);
        node_new(tree, dir, "plugin", &value_ops[VALUE_PLUGIN], attributes);
        node_new(tree, dir, "ro", &read_only_ops, attributes);
        node_new(tree, dir, "history", &history_ops, attributes);
        node_new_link(tree, dir, "outside", mdev_parent(attributes->mdev)->driver_dir);
}

static const NodeOps vendor_ops = {.mode = S_IFDIR | 0755, .populate = vendor_populate};

static void nvidia_populate(Node *dir) {
        Attributes *attributes = dir->owner;

        node_new(mdev_host(attributes->mdev)->tree, dir, "vgpu_params", &value_ops[VALUE_VGPU_PARAMS], attributes);
}

static const NodeOps nvidia_ops = {.mode = S_IFDIR | 0755, .populate = nvidia_populate};

static bool is_driver(const Mdev *mdev, const char *name) {
        return streq(mdev_parent(mdev)->driver_name, name);
}

Attributes *attributes_new(Changes *changes, Mdev *mdev) {
        Attributes *attributes;

        attributes = must(calloc(1, sizeof(Attributes)));
        attributes->mdev = mdev;
        if (is_driver(mdev, "vfio_ap"))
                attributes->matrix = ap_matrix_new(changes, mdev);
        if (is_driver(mdev, "vfio_ap") || is_driver(mdev, "vfio_ccw"))
                return attributes;

        changes_add(changes, mdev_node(mdev), "setting", &value_ops[VALUE_SETTING], attributes);
        changes_add(changes, mdev_node(mdev), "vendor", &vendor_ops, attributes);
        if (is_driver(mdev, "nvidia"))
                changes_add(changes, mdev_node(mdev), "nvidia", &nvidia_ops, attributes);
        return attributes;
}

/* Called before the driver lets go of the device. */
void attributes_remove(Changes *changes, Mdev *mdev) {
        changes_find_and_remove(changes, mdev_node(mdev), "setting");
        changes_find_and_remove(changes, mdev_node(mdev), "vendor");
        changes_find_and_remove(changes, mdev_node(mdev), "nvidia");
        ap_matrix_remove(changes, mdev_node(mdev));
}

/* Called when the driver has let go of it. */
void attributes_unbind(Attributes *attributes) {
        if (attributes)
                attributes->matrix = ap_matrix_free(attributes->matrix);
}

Attributes *attributes_free(Attributes *attributes) {
        if (!attributes)
                return NULL;

        for (size_t i = 0; i < _VALUE_MAX; i++)
                free(attributes->values[i]);
        (void) ap_matrix_free(attributes->matrix);
        free(attributes->history);
        free(attributes);
        return NULL;
}
