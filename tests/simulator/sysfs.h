/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The tree as a FUSE file system, with answers that may come later. */

#include <systemd/sd-event.h>

#include "tests/simulator/node.h"

typedef struct Sysfs Sysfs;

struct fuse_session;

struct OpenFile {
        Node *node;
        pid_t opener;
        bool in_use;            /* a VFIO group: its device fd is open */
        char *content;          /* what the last read from the start gave */
        size_t n_content;
};

/* One read or write that waits for its answer. */
struct Request {
        Request *next;          /* for whoever queues them */
        void *fuse;
        OpenFile *file;         /* of a read */
        Node *node;
        size_t size;
        void *owner;            /* for whoever defers it, */
        int error;              /* and what came out */
        char data[];            /* what is written, with a final 0 */
};

int sysfs_new(Sysfs **ret, sd_event *event, Tree *tree, const char *mount_point);
/* Notes, from now on, each name that is looked up: "PID NAME" and a NUL for each, at the end of @path. */
int sysfs_record_lookups(Sysfs *sysfs, const char *path);

struct fuse_session *sysfs_session(Sysfs *sysfs);

void request_finish(Request *request, int r);
void request_show(Request *request);
