/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The tree of directories, links and files that /sys shows, and the numbers by which the kernel's FUSE knows
 * them. */

#include <stdint.h>
#include <sys/stat.h>

/* Many directories have three entries: uthash's default of 32 buckets would be most of the simulator's memory. */
#define HASH_INITIAL_NUM_BUCKETS 4U
#define HASH_INITIAL_NUM_BUCKETS_LOG2 2U
#include <uthash.h>

#include "common/macro.h"

#define NODE_CONTENT_MAX 4096U

typedef struct Node Node;
typedef struct OpenFile OpenFile;
typedef struct Request Request;
typedef struct Tree Tree;

/* What distinguishes one kind of node from another. All but mode may be missing. */
typedef struct NodeOps {
        mode_t mode;
        /* The kernel serializes writes to one FUSE inode, so such a file is a new inode for each that opens it. */
        bool new_inode_at_lookup;
        bool hidden;
        /* Fills a directory when somebody first looks into it. */
        void (*populate)(Node *dir);
        /* Writes at most NODE_CONTENT_MAX bytes of content, returns their number. */
        int (*show)(Node *node, char *content);
        /* Ends in request_finish() or request_show(), at once or later. */
        void (*read)(Node *node, Request *request);
        void (*write)(Node *node, Request *request);
        int (*open)(Node *node, OpenFile *file);
        void (*release)(Node *node, OpenFile *file);
        int (*ioctl)(Node *node, OpenFile *file, unsigned command);
} NodeOps;

struct Node {
        UT_hash_handle hh;
        const NodeOps *ops;
        Node *parent;           /* NULL once it is out of the tree, and for the root */
        Node *children;
        union {
                Node *target;   /* of a link; referenced */
                void *owner;    /* of a file or directory; not owned, valid as long as the node is in the tree */
        };
        uint64_t ino;
        unsigned n_ref;
        uint32_t slot;          /* 0: the kernel has never been told of it */
        bool populated;
        char name[];
};

extern const NodeOps node_directory_ops;
extern const NodeOps node_link_ops;

Tree *tree_new(void);
Node *tree_root(Tree *tree);

uint64_t tree_take_id(Tree *tree, Node *node);
Node *tree_find_id(Tree *tree, uint64_t id);
uint64_t tree_id(const Tree *tree, const Node *node);
void tree_forget(Tree *tree, uint64_t id, uint64_t n);

Node *node_new(Tree *tree, Node *parent, const char *name, const NodeOps *ops, void *owner);
Node *node_new_link(Tree *tree, Node *parent, const char *name, Node *target);
void node_unlink(Tree *tree, Node *node);

Node *node_ref(Node *node);
Node *node_unref(Node *node);

bool node_is_linked(const Tree *tree, const Node *node);
Node *node_find(Node *dir, const char *name);
Node *node_children(Node *dir);
size_t node_path(const Node *node, const Node *base, char *path, size_t size);
int node_read_link(const Node *link, char *target, size_t size);

/* For a simulator there is nothing left to do when memory ends. */
static inline void *must(void *p) {
        if (!p)
                abort();
        return p;
}
