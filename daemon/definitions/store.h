/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The store of definitions, /etc/mdevctl.d, as its files say.
 *
 * daemon/definitions/ keeps in memory what is defined, whoever writes the files: a worker for one of our jobs, mdevctl,
 * an editor. A struct store owns the directories of the parents (store-directory.h), and each of these owns its
 * definitions (stored-definition.h). An invalid file is a definition too, which says why it is invalid. Nothing here
 * writes a definition. What interrupted writers have left is removed by a worker (store-clean.h).
 *
 * The store and its directories are watched by inotify. An event puts a name on a list (worklist.h), and the file is
 * read a moment later, when its editor may be done. A job does not rely on that: it has the file looked at just before
 * it acts. A call that lists definitions waits until all is read that was written before the call (catch-up.h).
 *
 * A name that a caller has given never becomes a path. It is compared with the names that are there.
 *
 * The definitions announce their changes on the bus, and tell the registry which devices are defined. Everything else
 * is told to one observer. Where file descriptors or memory are short, what is known stays, and it is looked at again a
 * second later. */

#include "daemon/definitions/store-directory.h"

struct registry;
struct store_link;
struct worklist;

/* How long after an event the file is looked at. An editor needs several steps to save one. */
#define STORE_LOOK_USEC (20 * USEC_PER_MSEC)

/* How long it takes until a file is looked at again where file descriptors or memory were short. */
#define STORE_AGAIN_USEC USEC_PER_SEC

/* How many definitions and jobs there may be for Define to make a new one. What others put into the store is not
 * limited. */
#define DEFINITIONS_MAX 16384

/* What the store tells others. A member that is NULL is not called. */
struct store_observer {
        /* A definition is new, or its file was looked at again. */
        void (*read)(struct stored_definition *definition, void *userdata);

        /* The file of a definition is gone: store_find() does not find it any more, and it is about to be freed. */
        void (*gone)(struct stored_definition *definition, void *userdata);

        /* All files of one list have been looked at. */
        void (*looked)(void *userdata);
};

struct store {
        sd_event *event;
        struct exports *exports;
        struct registry *registry;
        const struct store_observer *observer;
        void *userdata;                         /* the argument of the observer's functions */
        struct store_directory *directories;    /* by parent, in the order of their names */
        unsigned int n_definitions;
        struct store_link *links;               /* those of which it was logged that they are not followed */
        struct worklist *touched;               /* what to look at: "PARENT/NAME" is a file, "PARENT/" a directory, and
                                                 * "" the whole store */
        sd_event_source *again_timer;           /* for what could not be put on the list */
        sd_event_source *watch;                 /* of the store, or of the directory in which it will appear */
        bool is_there;                          /* whether the store exists */
};

/** store_free() - with all definitions, of which nobody is told. */
struct store *store_free(struct store *store);
DEFINE_CLEANUP_FUNC(struct store *, store_free)

/** store_new() - without definitions. What is passed must outlive it. Returns 0 or a negative errno. */
int store_new(struct store **ret, sd_event *event, struct exports *exports, struct registry *registry,
              const struct store_observer *observer, void *userdata);

/** store_scan() - look at everything now. A file that cannot be read affects nothing but itself. */
void store_scan(struct store *store);

/** store_find_directory() - the directory of @parent, or NULL. */
struct store_directory *store_find_directory(struct store *store, const char *parent);

/** store_find() - the definition of @uuid on @parent, as it was seen last, or NULL. */
struct stored_definition *store_find(struct store *store, const char *parent, const char *uuid);

/** store_find_all() - the definitions of @uuid on all parents, as they were seen last. @ret has room for @size of them.
 * Returns how many there are. */
size_t store_find_all(struct store *store, const char *uuid, struct stored_definition **ret, size_t size);

/** store_refresh() - look now at the file that defines @uuid on @parent. Both names may come from a caller. Returns the
 * definition, or NULL when there is none. */
struct stored_definition *store_refresh(struct store *store, const char *parent, const char *uuid);

/** store_written() - the same after a worker has written or removed the file. */
struct stored_definition *store_written(struct store *store, const char *parent, const char *uuid);

/** store_look_for() - look now at all files that define @uuid, which may come from a caller. */
void store_look_for(struct store *store, const char *uuid);

/** store_touch() - look at the file @name of @parent in @usec µs, or earlier with others. An empty name stands for all
 * files of @parent, and @parent NULL for the whole store. */
void store_touch(struct store *store, const char *parent, const char *name, uint64_t usec);

/** store_hurry() - look at what is touched without waiting for its time. Returns whether anything is. Then the observer
 * is told when that was looked at. */
bool store_hurry(struct store *store);

/** store_lost_events() - for the watches: look at everything, as inotify has lost events. */
void store_lost_events(struct store *store);

/** store_parent_changed() - for the registry: a parent has registered or is gone. Its definitions announce that. */
void store_parent_changed(struct store *store, const char *parent);

/** store_device_changed(), store_device_gone() - for the registry: a device has appeared or is in another state, or it
 * is gone. Its definition announces that. */
void store_device_changed(struct store *store, struct device *device);
void store_device_gone(struct store *store, const struct device *device);
