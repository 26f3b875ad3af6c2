/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The store of definitions as the daemon knows it: read at the start, then by inotify, whoever writes. */

#include "daemon/definitions/stored-definition.h"

struct device;
struct manager;
struct store;
struct store_link;

/* /etc/mdevctl.d/PARENT */
struct store_directory {
        struct store *store;
        char *parent;
        struct stored_definition *definitions;  /* by UUID */
        struct stored_definition *pending;      /* to be started by autostart, in this order */
        unsigned int n_starting;                /* of them with a job */
        char *full_type;                        /* the last one that had no instance for autostart */
        sd_event_source *watch;
        dev_t watched_dev;
        ino_t watched_inode;                    /* 0: not in the store any more, but starts are still under way */
        struct timespec listed;                 /* its time of change when all of its names had been looked at */
        bool is_listed;                         /* that is known, and was long enough ago */
        bool seen;
        UT_hash_handle hh;
};

/* Where fds or memory were short a file is looked at again after so long, and what is known of it stays. */
#define STORE_AGAIN_USEC USEC_PER_SEC

/* With so many definitions and jobs Define makes no new ones. What others put into the store has no such limit. */
#define DEFINITIONS_MAX 16384

struct store {
        struct manager *manager;
        struct store_directory *directories;    /* by parent */
        unsigned int n_definitions;
        struct store_link *links;               /* by parent, of which it was said that they are not followed */
        struct store_touched *touched;          /* to be looked at */
        struct store_touched *looking;          /* being looked at, in slices */
        sd_event_source *watch;                 /* of the store, or of what it will appear in */
        bool is_there;
        bool missed;                            /* `touched` lacks something, for lack of memory */
        sd_event_source *look_source;
};

struct store *store_free(struct store *store);

/** store_new() - an empty one. Returns 0 or a negative errno. */
int store_new(struct store **ret, struct manager *manager);

/** store_scan() - look at everything: directories and files that are there, and those that are not any more. Returns 0
 * or a negative errno; an unreadable file affects nothing but itself. */
int store_scan(struct store *store);

/** store_find_directory() - by the parent's name, or NULL. */
struct store_directory *store_find_directory(struct store *store, const char *parent);

/** store_find() - NULL when it is not defined. */
struct stored_definition *store_find(struct store *store, const char *parent, const char *uuid);

/** store_refresh() - the same, having looked at the file now. Names that a caller has said are compared with those that
 * the store has, and not looked up. */
struct stored_definition *store_refresh(struct store *store, const char *parent, const char *uuid);

/** store_written() - the same after a worker has written or removed the file. */
struct stored_definition *store_written(struct store *store, const char *parent, const char *uuid);

/** store_look_for() - look now at what every parent's directory says about a UUID, as store_refresh() does. */
void store_look_for(struct store *store, const char *uuid);

/** store_find_all() - the definitions of a UUID under whatever parents, as they were seen last. @ret holds at most
 * @size of them. Returns how many there are. */
size_t store_find_all(struct store *store, const char *uuid, struct stored_definition **ret, size_t size);

/** store_device_changed() - a device appeared, changed its state or is gone: its definition announces that. */
void store_device_changed(struct store *store, const struct device *device);

/** store_hurry() - look at what has changed now, and not when its editor may be done. Returns whether anything has:
 * then catch_up_store_looked() is called after the looks. */
bool store_hurry(struct store *store);

/** store_touch() - look at a file soon; at all of a parent's with an empty name, at the whole store without parent. */
void store_touch(struct store *store, const char *parent, const char *name, uint64_t delay_usec);
