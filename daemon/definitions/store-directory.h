/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* /etc/mdevctl.d/PARENT, a directory of the store, with the definitions of that parent. */

#include "daemon/definitions/stored-definition.h"

struct store;

struct store_directory {
        struct store *store;
        char *parent;
        struct stored_definition *definitions;  /* by the names of their files */
        sd_event_source *watch;                 /* NULL: it cannot be watched */
        dev_t watched_dev;                      /* with watched_inode the directory that is watched */
        ino_t watched_inode;                    /* 0: none yet, for lack of memory */
        struct timespec listed;                 /* st_ctime when all names in it were known */
        bool is_listed;                         /* whether `listed` is set, and long enough ago */
        UT_hash_handle hh;                      /* in the store, by parent */
};

/** store_directory_find() - the definition in the file @name, as it was seen last, or NULL. */
struct stored_definition *store_directory_find(struct store_directory *directory, const char *name);

/** store_directory_scan() - look at all files of @parent, and at those that are gone. The directory may appear or go by
 * that. @parent is a name that the store has, or had. */
void store_directory_scan(struct store *store, const char *parent);

/** store_directory_look_for() - look at the files of @parent that may define @uuid. A UUID that is not known is not
 * looked up by name, but compared with the names that are there. @parent is a name that the store has. */
void store_directory_look_for(struct store *store, int store_fd, const char *parent, const char *uuid);

/** store_directory_forget() - free it and its definitions, of which nobody is told. */
void store_directory_forget(struct store_directory *directory);
