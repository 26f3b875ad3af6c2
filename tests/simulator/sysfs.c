/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The tree as a FUSE file system, with answers that may come later.
 *
 * The kernel may remember names and attributes for ever, because it is told of each change (changes.c): that
 * makes a walk over thousands of devices as fast as in the real sysfs. Contents are never cached. No handler
 * here waits for anything: a driver that takes its time, or never returns, is a request that is not answered
 * yet. */

#define FUSE_USE_VERSION 312

#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/simulator/sysfs.h"

#define CACHE_SECONDS 86400.0

struct Sysfs {
        Tree *tree;
        struct fuse_session *session;
        struct fuse_buf buffer;
        struct timespec booted;
        int lookups_fd; /* where they are noted, or -1 */
};

typedef struct OpenDirectory {
        Node **nodes;
        size_t n_nodes;
} OpenDirectory;

static Sysfs *sysfs_of(fuse_req_t req) {
        return fuse_req_userdata(req);
}

static Node *node_of(fuse_req_t req, fuse_ino_t id) {
        return tree_find_id(sysfs_of(req)->tree, id);
}

static void sysfs_stat(const Sysfs *sysfs, const Node *node, struct stat *st) {
        *st = (struct stat) {
                .st_ino = node->ino,
                .st_mode = node->ops->mode,
                .st_nlink = S_ISDIR(node->ops->mode) ? 2 : 1,
                .st_size = S_ISREG(node->ops->mode) ? NODE_CONTENT_MAX : 0,
                .st_blksize = NODE_CONTENT_MAX,
                .st_atim = sysfs->booted,
                .st_mtim = sysfs->booted,
                .st_ctim = sysfs->booted,
        };
}

static void op_init(void *userdata, struct fuse_conn_info *conn) {
        if (conn->capable & FUSE_CAP_CACHE_SYMLINKS)
                conn->want |= FUSE_CAP_CACHE_SYMLINKS;
}

static void sysfs_entry(Sysfs *sysfs, Node *node, struct fuse_entry_param *e) {
        e->ino = tree_take_id(sysfs->tree, node);
        e->attr_timeout = CACHE_SECONDS;
        e->entry_timeout = node->ops->new_inode_at_lookup ? 0 : CACHE_SECONDS;
        sysfs_stat(sysfs, node, &e->attr);
}

static void note_lookup(fuse_req_t req, const char *name) {
        char line[PATH_MAX + 32];
        int n, fd = sysfs_of(req)->lookups_fd;

        if (fd < 0)
                return;
        n = snprintf(line, sizeof(line), "%d %s", (int) fuse_req_ctx(req)->pid, name);
        if (write(fd, line, (size_t) n + 1) < 0)
                fprintf(stderr, "simsys: cannot note a look-up: %s\n", strerror(errno));
}

static void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name) {
        Sysfs *sysfs = sysfs_of(req);
        Node *dir = node_of(req, parent), *node;
        /* That there is no such name is remembered as well, but while each question is noted. */
        struct fuse_entry_param e = {.entry_timeout = sysfs->lookups_fd < 0 ? CACHE_SECONDS : 0};

        note_lookup(req, name);
        node = dir && node_is_linked(sysfs->tree, dir) ? node_find(dir, name) : NULL;
        if (node)
                sysfs_entry(sysfs, node, &e);

        (void) fuse_reply_entry(req, &e);
}

static void op_forget(fuse_req_t req, fuse_ino_t id, uint64_t n) {
        tree_forget(sysfs_of(req)->tree, id, n);
        fuse_reply_none(req);
}

static void op_forget_multi(fuse_req_t req, size_t n, struct fuse_forget_data *forgets) {
        for (size_t i = 0; i < n; i++)
                tree_forget(sysfs_of(req)->tree, forgets[i].ino, forgets[i].nlookup);
        fuse_reply_none(req);
}

static void op_getattr(fuse_req_t req, fuse_ino_t id, struct fuse_file_info *fi) {
        Node *node = node_of(req, id);
        struct stat st;

        if (!node) {
                (void) fuse_reply_err(req, ENOENT);
                return;
        }

        sysfs_stat(sysfs_of(req), node, &st);
        (void) fuse_reply_attr(req, &st, CACHE_SECONDS);
}

/* Truncating, as `echo` does, succeeds and changes nothing. */
static void op_setattr(fuse_req_t req, fuse_ino_t id, struct stat *attr, int to_set, struct fuse_file_info *fi) {
        op_getattr(req, id, fi);
}

static void op_readlink(fuse_req_t req, fuse_ino_t id) {
        Node *node = node_of(req, id);
        char target[PATH_MAX];
        int r;

        r = node ? node_read_link(node, target, sizeof(target)) : -ENOENT;
        if (r < 0)
                (void) fuse_reply_err(req, -r);
        else
                (void) fuse_reply_readlink(req, target);
}

static void op_opendir(fuse_req_t req, fuse_ino_t id, struct fuse_file_info *fi) {
        Node *node = node_of(req, id);

        if (!node || !node_is_linked(sysfs_of(req)->tree, node)) {
                (void) fuse_reply_err(req, ENOENT);
                return;
        }

        fi->fh = (uintptr_t) must(calloc(1, sizeof(OpenDirectory)));
        (void) fuse_reply_open(req, fi);
}

static void directory_clear(OpenDirectory *directory) {
        for (size_t i = 0; i < directory->n_nodes; i++)
                node_unref(directory->nodes[i]);
        free(directory->nodes);
        *directory = (OpenDirectory) {.nodes = NULL};
}

static void directory_snapshot(OpenDirectory *directory, Node *dir) {
        Node *children = node_children(dir);

        directory_clear(directory);
        directory->nodes = must(reallocarray(NULL, HASH_COUNT(children) + 1, sizeof(Node *)));
        for (Node *child = children; child; child = child->hh.next)
                if (!child->ops->hidden)
                        directory->nodes[directory->n_nodes++] = node_ref(child);
}

/* With `plus`, an entry is the answer to a LOOKUP as well. */
static size_t directory_entry(fuse_req_t req, char *p, size_t size, Node *node, off_t next, bool plus) {
        Sysfs *sysfs = sysfs_of(req);
        struct fuse_entry_param e = {.attr = {.st_ino = node->ino, .st_mode = node->ops->mode}};
        size_t n;

        if (!plus)
                return fuse_add_direntry(req, p, size, node->name, &e.attr, next);

        n = fuse_add_direntry_plus(req, NULL, 0, node->name, &e, next);
        if (n <= size) {
                if (!node->ops->new_inode_at_lookup)
                        sysfs_entry(sysfs, node, &e);
                (void) fuse_add_direntry_plus(req, p, size, node->name, &e, next);
        }
        return n;
}

/* Offsets are positions in what the directory was when its reading began, so that nothing is skipped or read
 * twice. */
static void directory_reply(fuse_req_t req, fuse_ino_t id, size_t size, off_t offset, struct fuse_file_info *fi,
                            bool plus) {
        OpenDirectory *directory = (OpenDirectory *) (uintptr_t) fi->fh;
        _cleanup_free_ char *entries = must(malloc(size));
        Node *dir = node_of(req, id);
        size_t n = 0;

        if (offset == 0 && dir)
                directory_snapshot(directory, dir);

        for (size_t i = (size_t) offset; i < directory->n_nodes; i++) {
                Node *node = directory->nodes[i];
                size_t entry;

                if (!node->parent)
                        continue;
                entry = directory_entry(req, entries + n, size - n, node, (off_t) i + 1, plus);
                if (entry > size - n)
                        break;
                n += entry;
        }

        (void) fuse_reply_buf(req, entries, n);
}

static void op_readdir(fuse_req_t req, fuse_ino_t id, size_t size, off_t offset, struct fuse_file_info *fi) {
        directory_reply(req, id, size, offset, fi, false);
}

static void op_readdirplus(fuse_req_t req, fuse_ino_t id, size_t size, off_t offset, struct fuse_file_info *fi) {
        directory_reply(req, id, size, offset, fi, true);
}

static void op_releasedir(fuse_req_t req, fuse_ino_t id, struct fuse_file_info *fi) {
        OpenDirectory *directory = (OpenDirectory *) (uintptr_t) fi->fh;

        directory_clear(directory);
        free(directory);
        (void) fuse_reply_err(req, 0);
}

/* Everything is root's, for whom sysfs looks at the mode's bits, too (KERNFS_ROOT_EXTRA_OPEN_PERM_CHECK). Asked here
 * and not by the kernel (default_permissions), which would get the attributes of a directory anew for each walk through
 * it after a change in it. */
static bool may(fuse_req_t req, const Node *node, mode_t bits) {
        mode_t mode = node->ops->mode;

        if (fuse_req_ctx(req)->uid == 0)
                mode |= mode >> 3 | mode >> 6;
        return (mode & bits) == bits;
}

static bool may_open(fuse_req_t req, const Node *node, int flags) {
        int access = flags & O_ACCMODE;

        return may(req, node, (access != O_WRONLY ? R_OK : 0) | (access != O_RDONLY ? W_OK : 0));
}

static void op_access(fuse_req_t req, fuse_ino_t id, int mask) {
        Node *node = node_of(req, id);

        (void) fuse_reply_err(req, !node ? ENOENT : may(req, node, (mode_t) mask & (R_OK | W_OK | X_OK)) ? 0 : EACCES);
}

static void op_open(fuse_req_t req, fuse_ino_t id, struct fuse_file_info *fi) {
        Node *node = node_of(req, id);
        OpenFile *file;
        int r;

        if (!node || !node_is_linked(sysfs_of(req)->tree, node)) {
                (void) fuse_reply_err(req, node ? ENODEV : ENOENT);
                return;
        }

        file = must(calloc(1, sizeof(OpenFile)));
        *file = (OpenFile) {.node = node, .opener = fuse_req_ctx(req)->pid};

        r = may_open(req, node, fi->flags) ? 0 : -EACCES;
        if (r >= 0 && node->ops->open)
                r = node->ops->open(node, file);
        if (r < 0) {
                free(file);
                (void) fuse_reply_err(req, -r);
                return;
        }

        node_ref(node);
        fi->fh = (uintptr_t) file;
        fi->direct_io = 1;
        (void) fuse_reply_open(req, fi);
}

static void op_release(fuse_req_t req, fuse_ino_t id, struct fuse_file_info *fi) {
        OpenFile *file = (OpenFile *) (uintptr_t) fi->fh;

        if (file->node->ops->release)
                file->node->ops->release(file->node, file);
        node_unref(file->node);
        free(file->content);
        free(file);
        (void) fuse_reply_err(req, 0);
}

static Request *request_new(fuse_req_t req, Node *node, OpenFile *file, const char *data, size_t size) {
        size_t n_data = data ? size : 0;
        Request *request;

        request = must(malloc(sizeof(Request) + n_data + 1));
        *request = (Request) {.fuse = req, .file = file, .node = node_ref(node), .size = size};
        if (data)
                memcpy(request->data, data, n_data);
        request->data[n_data] = '\0';
        return request;
}

/* Answers: a negative errno, or 0 for success of a write, and frees the request. */
void request_finish(Request *request, int r) {
        if (r < 0)
                (void) fuse_reply_err(request->fuse, -r);
        else
                (void) fuse_reply_write(request->fuse, request->size);

        node_unref(request->node);
        free(request);
}

/* Answers a read from the start with what the node has to show now. */
void request_show(Request *request) {
        OpenFile *file = request->file;
        char content[NODE_CONTENT_MAX + 1];
        int n;

        n = request->node->parent && request->node->ops->show ? request->node->ops->show(request->node, content) :
                                                                -ENODEV;
        if (n < 0) {
                request_finish(request, n);
                return;
        }

        free(file->content);
        file->content = must(malloc((size_t) n + 1));
        memcpy(file->content, content, (size_t) n);
        file->n_content = (size_t) n;

        (void) fuse_reply_buf(request->fuse, content, (size_t) n < request->size ? (size_t) n : request->size);
        node_unref(request->node);
        free(request);
}

/* Only a read from the start asks the driver, as with the kernel's seq_file. */
static void op_read(fuse_req_t req, fuse_ino_t id, size_t size, off_t offset, struct fuse_file_info *fi) {
        OpenFile *file = (OpenFile *) (uintptr_t) fi->fh;
        size_t start = (size_t) offset;
        Request *request;

        if (offset > 0) {
                size_t rest = start < file->n_content ? file->n_content - start : 0;

                (void) fuse_reply_buf(req, rest > 0 ? file->content + start : NULL, rest < size ? rest : size);
                return;
        }

        request = request_new(req, file->node, file, NULL, size);
        if (!file->node->parent)
                request_finish(request, -ENODEV);
        else if (file->node->ops->read)
                file->node->ops->read(file->node, request);
        else
                request_show(request);
}

static void op_write(fuse_req_t req, fuse_ino_t id, const char *data, size_t size, off_t offset,
                     struct fuse_file_info *fi) {
        OpenFile *file = (OpenFile *) (uintptr_t) fi->fh;
        Request *request;

        request = request_new(req, file->node, NULL, data, size < NODE_CONTENT_MAX ? size : NODE_CONTENT_MAX);
        if (!file->node->parent)
                request_finish(request, -ENODEV);
        else if (file->node->ops->write)
                file->node->ops->write(file->node, request);
        else
                request_finish(request, -EIO);
}

static void op_ioctl(fuse_req_t req, fuse_ino_t id, unsigned command, void *arg, struct fuse_file_info *fi,
                     unsigned flags, const void *in, size_t n_in, size_t n_out) {
        OpenFile *file = (OpenFile *) (uintptr_t) fi->fh;
        int r = -ENOTTY;

        if (!(flags & FUSE_IOCTL_DIR) && file && file->node->ops->ioctl)
                r = file->node->ops->ioctl(file->node, file, command);

        if (r < 0)
                (void) fuse_reply_err(req, -r);
        else
                (void) fuse_reply_ioctl(req, r, NULL, 0);
}

/* Nobody makes files in sysfs: an `echo 1 > remove` that comes too late gets EACCES. */
static void op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
                      struct fuse_file_info *fi) {
        (void) fuse_reply_err(req, EACCES);
}

static void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev) {
        (void) fuse_reply_err(req, S_ISREG(mode) ? EACCES : EPERM);
}

static void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode) {
        (void) fuse_reply_err(req, EPERM);
}

static void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name) {
        (void) fuse_reply_err(req, EPERM);
}

static void op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name) {
        (void) fuse_reply_err(req, EPERM);
}

static void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
                      const char *new_name, unsigned flags) {
        (void) fuse_reply_err(req, EPERM);
}

static void op_link(fuse_req_t req, fuse_ino_t id, fuse_ino_t parent, const char *name) {
        (void) fuse_reply_err(req, EPERM);
}

static const struct fuse_lowlevel_ops sysfs_ops = {
        .init = op_init,
        .lookup = op_lookup,
        .forget = op_forget,
        .forget_multi = op_forget_multi,
        .getattr = op_getattr,
        .setattr = op_setattr,
        .readlink = op_readlink,
        .opendir = op_opendir,
        .readdir = op_readdir,
        .readdirplus = op_readdirplus,
        .releasedir = op_releasedir,
        .access = op_access,
        .open = op_open,
        .release = op_release,
        .read = op_read,
        .write = op_write,
        .ioctl = op_ioctl,
        .create = op_create,
        .mknod = op_mknod,
        .mkdir = op_mkdir,
        .unlink = op_unlink,
        .rmdir = op_unlink,
        .symlink = op_symlink,
        .rename = op_rename,
        .link = op_link,
};

static int on_fuse(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        Sysfs *sysfs = userdata;

        for (;;) {
                int r;

                r = fuse_session_receive_buf(sysfs->session, &sysfs->buffer);
                if (r == -EAGAIN || r == -EINTR)
                        return 0;
                if (r <= 0)
                        return sd_event_exit(sd_event_source_get_event(source), r);

                fuse_session_process_buf(sysfs->session, &sysfs->buffer);
        }
}

/* libfuse can mount, too. But some builds of it run mount(8) then, which looks into /sys and waits for our answer. */
static int mount_fuse(const char *mount_point) {
        _cleanup_close_ int fd = -1;
        char options[128];

        fd = open("/dev/fuse", O_RDWR | O_CLOEXEC | O_NONBLOCK);
        if (fd < 0)
                return -errno;

        snprintf(options, sizeof(options), "fd=%d,rootmode=%o,user_id=0,group_id=0,allow_other", fd, S_IFDIR);
        if (mount("sysfs", mount_point, "fuse.simulated", MS_NOSUID | MS_NODEV, options) < 0)
                return -errno;

        return TAKE_FD(fd);
}

int sysfs_new(Sysfs **ret, sd_event *event, Tree *tree, const char *mount_point) {
        struct fuse_args args = FUSE_ARGS_INIT(1, (char *[]) {(char *) "simsys"});
        char mounted[32];
        Sysfs *sysfs;
        int r, fd;

        fd = mount_fuse(mount_point);
        if (fd < 0)
                return fd;

        sysfs = must(calloc(1, sizeof(Sysfs)));
        sysfs->tree = tree;
        sysfs->lookups_fd = -1;
        clock_gettime(CLOCK_REALTIME, &sysfs->booted);

        sysfs->session = fuse_session_new(&args, &sysfs_ops, sizeof(sysfs_ops), sysfs);
        snprintf(mounted, sizeof(mounted), "/dev/fd/%d", fd);
        if (!sysfs->session || fuse_session_mount(sysfs->session, mounted) < 0) {
                free(sysfs);
                return -EIO;
        }

        r = sd_event_add_io(event, NULL, fd, EPOLLIN, on_fuse, sysfs);
        if (r < 0)
                return r;

        *ret = sysfs;
        return 0;
}

int sysfs_record_lookups(Sysfs *sysfs, const char *path) {
        int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

        if (fd < 0)
                return -errno;
        closep(&sysfs->lookups_fd);
        sysfs->lookups_fd = fd;
        return 0;
}

struct fuse_session *sysfs_session(Sysfs *sysfs) {
        return sysfs->session;
}
