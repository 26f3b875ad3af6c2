/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The store of definitions as the daemon knows it: read at the start, then by inotify, whoever writes. */

#include "daemon/definitions/stored-definition.h"

struct device;
struct registry;
struct store;
struct store_link;
struct worklist;

/* What the store tells others. Each member may be NULL. */
struct store_observer {
        /* A definition is new, or its file was looked at again. */
        void (*read)(struct stored_definition *definition, void *userdata);

        /* The file of a definition is gone: store_find() does not find it any more, and it is about to be freed. */
        void (*gone)(struct stored_definition *definition, void *userdata);

        /* All files of one list have been looked at, see store_hurry(). */
        void (*looked)(void *userdata);
};

/* /etc/mdevctl.d/PARENT */
struct store_directory {
        struct store *store;
        char *parent;
        struct stored_definition *definitions;  /* by UUID */
        sd_event_source *watch;
        dev_t watched_dev;
        ino_t watched_inode;                    /* 0: not yet, for lack of memory */
        struct timespec listed;                 /* its time of change when all of its names had been looked at */
        bool is_listed;                         /* that is known, and was long enough ago */
        UT_hash_handle hh;
};

/* Where fds or memory were short a file is looked at again after so long, and what is known of it stays. */
#define STORE_AGAIN_USEC USEC_PER_SEC

/* With so many definitions and jobs Define makes no new ones. What others put into the store has no such limit. */
#define DEFINITIONS_MAX 16384

struct store {
        sd_event *event;
        struct exports *exports;
        struct registry *registry;
        const struct store_observer *observer;
        void *userdata;                         /* the observer's */
        struct store_directory *directories;    /* by parent */
        unsigned int n_definitions;
        struct store_link *links;               /* by parent, of which it was said that they are not followed */
        struct worklist *touched;               /* files to look at: "PARENT/NAME"; "PARENT/" for all of a parent's; ""
                                                 * for the whole store */
        sd_event_source *again_timer;           /* the same as "", where there was no memory for a name */
        sd_event_source *watch;                 /* of the store, or of what it will appear in */
        bool is_there;
};

/** store_free() - the observer hears nothing of it. */
struct store *store_free(struct store *store);
DEFINE_CLEANUP_FUNC(struct store *, store_free)

/** store_new() - an empty one. Whatever is passed must outlive it. @observer is told of all changes. Returns 0 or a
 * negative errno. */
int store_new(struct store **ret, sd_event *event, struct exports *exports, struct registry *registry,
              const struct store_observer *observer, void *userdata);

/** store_scan() - look at everything now: at the directories and files that are there, and at those that are gone. A
 * file that cannot be read affects nothing but itself. */
void store_scan(struct store *store);

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

/** store_device_changed(), store_device_gone() - a device has appeared or is in another state, or is gone. Its
 * definition announces that. */
void store_device_changed(struct store *store, struct device *device);
void store_device_gone(struct store *store, const struct device *device);

/** store_hurry() - look at what has changed now, and not when its editor may be done. Returns whether anything has:
 * then the observer is told when all of it was looked at. */
bool store_hurry(struct store *store);

/** store_touch() - look at a file soon; at all of a parent's with an empty name, at the whole store without parent. */
void store_touch(struct store *store, const char *parent, const char *name, uint64_t delay_usec);
