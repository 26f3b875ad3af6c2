/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The tree of directories, links and files that /sys shows, and the numbers by which the kernel's FUSE knows
 * them.
 *
 * A number is the index of a slot, and the slot's generation above it: a lookup by number is one array access,
 * and a number that the kernel has forgotten never comes back for another node. A node that left the tree stays
 * in memory until the kernel has forgotten all its numbers, because requests about it may still come. */

#include <errno.h>
#include <limits.h>

#include "tests/simulator/node.h"

typedef struct Slot {
        Node *node;
        uint64_t n_lookup;
        uint32_t generation;
        uint32_t next_free;
} Slot;

struct Tree {
        Slot *slots;
        uint32_t n_slots;
        uint32_t n_allocated;
        uint32_t first_free;
        uint64_t last_ino;
        Node *root;
};

enum {
        ROOT_SLOT = 1, /* so that the root's number is FUSE_ROOT_ID */
};

const NodeOps node_directory_ops = {.mode = S_IFDIR | 0755};
const NodeOps node_link_ops = {.mode = S_IFLNK | 0777};

static Node *node_alloc(Tree *tree, const char *name, const NodeOps *ops) {
        size_t size = strlen(name) + 1;
        Node *node;

        node = must(calloc(1, sizeof(Node) + size));
        memcpy(node->name, name, size);
        node->ops = ops;
        node->n_ref = 1;
        node->ino = ++tree->last_ino;
        return node;
}

static uint32_t tree_new_slot(Tree *tree) {
        uint32_t slot = tree->first_free;

        if (slot > 0) {
                tree->first_free = tree->slots[slot].next_free;
                return slot;
        }

        if (tree->n_slots == tree->n_allocated) {
                tree->n_allocated = tree->n_allocated ? tree->n_allocated * 2 : 1024;
                tree->slots = must(reallocarray(tree->slots, tree->n_allocated, sizeof(Slot)));
        }

        slot = tree->n_slots++;
        tree->slots[slot] = (Slot) {0};
        return slot;
}

Tree *tree_new(void) {
        Tree *tree;

        tree = must(calloc(1, sizeof(Tree)));
        (void) tree_new_slot(tree); /* number 0 means no node */
        tree->root = node_alloc(tree, "", &node_directory_ops);
        tree->root->slot = tree_new_slot(tree);
        tree->slots[ROOT_SLOT] = (Slot) {.node = node_ref(tree->root), .n_lookup = 1};
        return tree;
}

Node *tree_root(Tree *tree) {
        return tree->root;
}

static uint64_t slot_id(const Tree *tree, uint32_t slot) {
        return (uint64_t) tree->slots[slot].generation << 32 | slot;
}

/* A number for the answer to a LOOKUP; each must be given back with tree_forget(). */
uint64_t tree_take_id(Tree *tree, Node *node) {
        uint32_t slot = node->ops->new_inode_at_lookup ? 0 : node->slot;

        if (slot == 0) {
                slot = tree_new_slot(tree);
                tree->slots[slot].node = node_ref(node);
                node->slot = slot;
        }

        tree->slots[slot].n_lookup++;
        return slot_id(tree, slot);
}

Node *tree_find_id(Tree *tree, uint64_t id) {
        uint32_t slot = (uint32_t) id;

        if (slot < ROOT_SLOT || slot >= tree->n_slots || slot_id(tree, slot) != id)
                return NULL;

        return tree->slots[slot].node;
}

/* The number that the kernel knows the node by, 0 if it knows none. */
uint64_t tree_id(const Tree *tree, const Node *node) {
        return node->slot > 0 ? slot_id(tree, node->slot) : 0;
}

void tree_forget(Tree *tree, uint64_t id, uint64_t n) {
        Node *node = tree_find_id(tree, id);
        uint32_t i = (uint32_t) id;
        Slot *slot;

        if (!node || i == ROOT_SLOT)
                return;

        slot = &tree->slots[i];
        if (n < slot->n_lookup) {
                slot->n_lookup -= n;
                return;
        }

        if (node->slot == i)
                node->slot = 0;
        *slot = (Slot) {.generation = slot->generation + 1, .next_free = tree->first_free};
        tree->first_free = i;
        node_unref(node);
}

static Node *node_insert(Node *parent, Node *node) {
        node->parent = parent;
        HASH_ADD_KEYPTR(hh, parent->children, node->name, strlen(node->name), node);
        return node;
}

/* The tree owns what is made here; take a reference to keep it past node_unlink(). */
Node *node_new(Tree *tree, Node *parent, const char *name, const NodeOps *ops, void *owner) {
        Node *node = node_alloc(tree, name, ops);

        node->owner = owner;
        return node_insert(parent, node);
}

Node *node_new_link(Tree *tree, Node *parent, const char *name, Node *target) {
        Node *node = node_alloc(tree, name, &node_link_ops);

        node->target = node_ref(target);
        return node_insert(parent, node);
}

void node_unlink(Tree *tree, Node *node) {
        Node *child, *next;

        HASH_ITER(hh, node->children, child, next)
                node_unlink(tree, child);

        if (node->parent)
                HASH_DEL(node->parent->children, node);
        node->parent = NULL;
        node_unref(node);
}

Node *node_ref(Node *node) {
        node->n_ref++;
        return node;
}

Node *node_unref(Node *node) {
        if (!node || --node->n_ref > 0)
                return NULL;

        if (S_ISLNK(node->ops->mode))
                node_unref(node->target);
        free(node);
        return NULL;
}

bool node_is_linked(const Tree *tree, const Node *node) {
        return node->parent || node == tree->root;
}

static void node_populate(Node *dir) {
        if (dir->populated || !dir->ops->populate)
                return;

        dir->populated = true;
        dir->ops->populate(dir);
}

Node *node_find(Node *dir, const char *name) {
        Node *node;

        node_populate(dir);
        HASH_FIND_STR(dir->children, name, node);
        return node;
}

Node *node_children(Node *dir) {
        node_populate(dir);
        return dir->children;
}

/* The path below base, or below the root if base is none of its parents; returns its length, 0 if it does not
 * fit. */
size_t node_path(const Node *node, const Node *base, char *path, size_t size) {
        size_t n, length = strlen(node->name);

        if (node == base || !node->parent) {
                path[0] = '\0';
                return 0;
        }

        n = node_path(node->parent, base, path, size);
        if (n + (n > 0) + length >= size)
                return 0;

        if (n > 0)
                path[n++] = '/';
        memcpy(path + n, node->name, length + 1);
        return n + length;
}

static unsigned node_depth(const Node *node) {
        unsigned n = 0;

        while ((node = node->parent))
                n++;
        return n;
}

/* As sysfs makes them: up to the nearest common directory, then down. */
int node_read_link(const Node *link, char *target, size_t size) {
        const Node *common = link->target, *dir = link->parent;
        size_t n = 0;

        if (!dir)
                return -ENOENT;

        for (unsigned i = node_depth(common), k = node_depth(dir); common != dir;) {
                if (i >= k) {
                        common = common->parent;
                        i--;
                } else {
                        if (n + 3 >= size)
                                return -ENAMETOOLONG;
                        memcpy(target + n, "../", 3);
                        n += 3;
                        dir = dir->parent;
                        k--;
                }
                if (!common || !dir)
                        return -ENOENT;
        }

        if (node_path(link->target, common, target + n, size - n) == 0)
                return -ENOENT;
        return 0;
}
