/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What one step of the simulated kernel changes, and how others learn of it.
 *
 * The tree changes at once. Then, in this order: the real kernel forgets what it remembers of the changed
 * names, the uevents go out, and the step's continuation runs, which may answer a writer. So nobody who saw the
 * uevent or the answer sees the old state.
 *
 * The first two are done by a thread of their own. To forget a name the real kernel takes the lock of its
 * directory, which a process may hold while it waits for our answer to a LOOKUP: the thread that answers must
 * not wait for it. The threads share nothing but the two queues. */

#define FUSE_USE_VERSION 312

#include <errno.h>
#include <fuse_lowlevel.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/stat.h>

#include "tests/simulator/changes.h"

typedef struct Change {
        struct Change *next;
        uint64_t dir;           /* the kernel's number of the directory whose entry changed, */
        char *name;
        bool added;
        UdevMessage *message;   /* or a message to send, */
        char *path;             /* or a file to look at */
} Change;

struct Changes {
        Notifier *notifier;
        Changes *next;
        Change *first;
        Change **end;
        changes_then_t then;
        void *userdata;
};

typedef struct Queue {
        Changes *first;
        Changes **end;
} Queue;

struct Notifier {
        Tree *tree;
        Udev *udev;
        Sysfs *sysfs;
        pthread_t thread;
        pthread_mutex_t mutex;
        pthread_cond_t more;
        Queue todo;
        Queue done;
        int done_fd;
};

static void queue_put(Queue *queue, Changes *changes) {
        changes->next = NULL;
        if (!queue->first)
                queue->end = &queue->first;
        *queue->end = changes;
        queue->end = &changes->next;
}

static Changes *queue_take_all(Queue *queue) {
        return TAKE_PTR(queue->first);
}

Tree *notifier_tree(Notifier *notifier) {
        return notifier->tree;
}

Udev *notifier_udev(Notifier *notifier) {
        return notifier->udev;
}

Changes *changes_new(Notifier *notifier) {
        Changes *changes;

        changes = must(calloc(1, sizeof(Changes)));
        changes->notifier = notifier;
        changes->end = &changes->first;
        return changes;
}

static Change *changes_append(Changes *changes) {
        Change *change;

        change = must(calloc(1, sizeof(Change)));
        *changes->end = change;
        changes->end = &change->next;
        return change;
}

/* Of a directory that the kernel has never asked about it remembers nothing; of none at all before it is
 * mounted. */
static void changes_note(Changes *changes, const Node *dir, const char *name, bool added) {
        uint64_t id = tree_id(changes->notifier->tree, dir);
        Change *change;

        if (id == 0 || !changes->notifier->sysfs)
                return;

        change = changes_append(changes);
        change->dir = id;
        change->added = added;
        change->name = must(strdup(name));
}

Node *changes_add(Changes *changes, Node *dir, const char *name, const NodeOps *ops, void *owner) {
        changes_note(changes, dir, name, true);
        return node_new(changes->notifier->tree, dir, name, ops, owner);
}

Node *changes_add_link(Changes *changes, Node *dir, const char *name, Node *target) {
        changes_note(changes, dir, name, true);
        return node_new_link(changes->notifier->tree, dir, name, target);
}

/* Takes the node with all below it out of the tree, and the caller's pointer with it, which may be NULL. */
void changes_remove(Changes *changes, Node **node) {
        Node *n = TAKE_PTR(*node);

        if (!n)
                return;

        changes_note(changes, n->parent, n->name, false);
        node_unlink(changes->notifier->tree, n);
}

void changes_uevent(Changes *changes, const char *action, const char *subsystem, const Node *device,
                    const char *const *properties) {
        Udev *udev = changes->notifier->udev;
        char devpath[PATH_MAX] = "/";
        UdevMessage *message;

        node_path(device, NULL, devpath + 1, sizeof(devpath) - 1);
        message = udev_pass(udev, udev_message_new(udev, action, subsystem, devpath, properties));
        if (message)
                changes_append(changes)->message = message;
}

/* udevd gives a new device node its owner before it sends the message. From then on the kernel knows the node's name,
 * as it does in a real /dev. */
void changes_visit(Changes *changes, const Node *file) {
        char path[PATH_MAX] = "/sys/";

        if (!changes->notifier->sysfs)
                return;

        node_path(file, NULL, path + strlen(path), sizeof(path) - strlen(path));
        changes_append(changes)->path = must(strdup(path));
}

/* Takes the changes. The continuation, if any, runs later in the event loop. */
void changes_commit(Changes *changes, changes_then_t then, void *userdata) {
        Notifier *notifier = changes->notifier;

        changes->then = then;
        changes->userdata = userdata;

        pthread_mutex_lock(&notifier->mutex);
        queue_put(&notifier->todo, changes);
        pthread_cond_signal(&notifier->more);
        pthread_mutex_unlock(&notifier->mutex);
}

/* Of a name that is new the kernel is only to doubt what it remembers: it may have looked meanwhile and found
 * the new node, which must not be cut off from its path, for somebody may be in that directory or mount
 * something on it. That needs Linux 6.2. Errors do not matter: mostly the kernel remembers nothing. */
static void change_forget(const Change *change, struct fuse_session *session) {
        size_t n = strlen(change->name);

        int r = -ENOSYS;

        if (change->added)
#ifdef EXPIRE_ENTRY_TAKES_FLAGS
                r = fuse_lowlevel_notify_expire_entry(session, change->dir, change->name, n, FUSE_LL_EXPIRE_ONLY);
#else
                r = fuse_lowlevel_notify_expire_entry(session, change->dir, change->name, n);
#endif
        if (r == -ENOSYS)
                (void) fuse_lowlevel_notify_inval_entry(session, change->dir, change->name, n);
}

static void changes_notify(Changes *changes) {
        Notifier *notifier = changes->notifier;

        for (Change *change = changes->first, *next; change; change = next) {
                next = change->next;

                if (change->message)
                        udev_send(notifier->udev, change->message);
                else if (change->path)
                        (void) stat(change->path, &(struct stat) {0});
                else
                        change_forget(change, sysfs_session(notifier->sysfs));

                free(change->message);
                free(change->name);
                free(change->path);
                free(change);
        }
}

static void *notifier_run(void *userdata) {
        Notifier *notifier = userdata;

        for (;;) {
                Changes *todo;

                pthread_mutex_lock(&notifier->mutex);
                while (!notifier->todo.first)
                        pthread_cond_wait(&notifier->more, &notifier->mutex);
                todo = queue_take_all(&notifier->todo);
                pthread_mutex_unlock(&notifier->mutex);

                for (Changes *changes = todo, *next; changes; changes = next) {
                        next = changes->next;
                        changes_notify(changes);

                        pthread_mutex_lock(&notifier->mutex);
                        queue_put(&notifier->done, changes);
                        pthread_mutex_unlock(&notifier->mutex);
                        (void) eventfd_write(notifier->done_fd, 1);
                }
        }

        return NULL;
}

static int on_done(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        Notifier *notifier = userdata;
        eventfd_t n;
        Changes *done;

        (void) eventfd_read(fd, &n);
        pthread_mutex_lock(&notifier->mutex);
        done = queue_take_all(&notifier->done);
        pthread_mutex_unlock(&notifier->mutex);

        for (Changes *changes = done, *next; changes; changes = next) {
                next = changes->next;
                if (changes->then)
                        changes->then(changes->userdata);
                free(changes);
        }

        return 0;
}

int notifier_new(Notifier **ret, sd_event *event, Tree *tree, Udev *udev) {
        Notifier *notifier;
        int r;

        notifier = must(calloc(1, sizeof(Notifier)));
        *notifier = (Notifier) {
                .tree = tree,
                .udev = udev,
                .mutex = PTHREAD_MUTEX_INITIALIZER,
                .more = PTHREAD_COND_INITIALIZER,
                .done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
        };
        r = notifier->done_fd < 0 ? -errno : sd_event_add_io(event, NULL, notifier->done_fd, EPOLLIN, on_done,
                                                             notifier);
        if (r < 0) {
                free(notifier);
                return r;
        }

        *ret = notifier;
        return 0;
}

int notifier_start(Notifier *notifier, Sysfs *sysfs) {
        notifier->sysfs = sysfs;
        return -pthread_create(&notifier->thread, NULL, notifier_run, notifier);
}
