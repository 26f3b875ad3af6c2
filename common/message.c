/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* JSON objects as datagrams. */

#include "common/message.h"

#include <errno.h>
#include <sys/socket.h>

#include "common/memfd.h"

/* How many fds may come along. The room for one fd has padding behind it, and the kernel puts a second fd there if one
 * was sent. */
#define FDS_MAX ((CMSG_SPACE(sizeof(int)) - CMSG_LEN(0)) / sizeof(int))

union fd_control {
        struct cmsghdr header;
        char buffer[CMSG_SPACE(sizeof(int))];
};

static int send_datagram(int fd, const char *text, size_t size, int memfd) {
        union fd_control control = {};
        struct iovec iov = { .iov_base = (void *) text, .iov_len = size };
        struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
        ssize_t n;

        if (memfd >= 0) {
                msg.msg_control = control.buffer;
                msg.msg_controllen = sizeof(control.buffer);
                control.header = (struct cmsghdr) {
                        .cmsg_len = CMSG_LEN(sizeof(int)),
                        .cmsg_level = SOL_SOCKET,
                        .cmsg_type = SCM_RIGHTS,
                };
                memcpy(CMSG_DATA(&control.header), &memfd, sizeof(int));
        }

        do
                n = sendmsg(fd, &msg, MSG_NOSIGNAL);
        while (n < 0 && errno == EINTR);

        return n < 0 ? -errno : 0;
}

int message_send(int fd, json_object *object) {
        _cleanup_close_ int memfd = -1;
        _cleanup_free_ char *text = NULL;
        size_t size;
        int r;

        r = json_text_print(object, &text);
        if (r < 0)
                return r;
        size = strlen(text);
        if (size <= MESSAGE_SIZE_MAX)
                return send_datagram(fd, text, size, -1);
        if (size > MESSAGE_MEMFD_SIZE_MAX)
                return -EMSGSIZE;

        memfd = memfd_new_sealed("mediated-message", text, size);
        if (memfd < 0)
                return memfd;
        return send_datagram(fd, "m", 1, memfd);
}

static int parse(const char *text, size_t size, json_object **ret) {
        int r;

        r = json_text_parse_bytes(text, size, ret);
        return r < 0 ? r : 1;
}

static int parse_memfd(int fd, json_object **ret) {
        const char *text;
        size_t size;
        int r;

        r = memfd_map(fd, MESSAGE_MEMFD_SIZE_MAX, &text, &size);
        if (r < 0)
                return r;
        r = parse(text, size, ret);
        memfd_unmap(text, size);
        return r;
}

/* Returns the one fd that came along, or -1. If more than one came, none is kept. */
static int control_fd(struct msghdr *msg) {
        struct cmsghdr *c = CMSG_FIRSTHDR(msg);
        int fds[FDS_MAX];
        size_t n;

        if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
                return -1;
        n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        memcpy(fds, CMSG_DATA(c), n * sizeof(int));
        if (n == 1)
                return fds[0];

        msg->msg_flags |= MSG_CTRUNC;
        while (n > 0)
                close(fds[--n]);
        return -1;
}

static void consume(int fd) {
        char c;

        while (recv(fd, &c, sizeof(c), 0) < 0 && errno == EINTR)
                ;
}

int message_receive(int fd, json_object **ret) {
        static char buffer[MESSAGE_SIZE_MAX];
        _cleanup_close_ int memfd = -1;
        union fd_control control = {};
        struct iovec iov = { .iov_base = buffer, .iov_len = sizeof(buffer) };
        struct msghdr msg = {
                .msg_iov = &iov,
                .msg_iovlen = 1,
                .msg_control = control.buffer,
                .msg_controllen = sizeof(control.buffer),
        };
        ssize_t n;
        int r;

        do
                n = recvmsg(fd, &msg, MSG_PEEK | MSG_CMSG_CLOEXEC);
        while (n < 0 && errno == EINTR);

        if (n < 0)
                return -errno;
        memfd = control_fd(&msg);
        if (n == 0)
                return 0;
        if (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
                r = -EBADMSG;
        else
                r = memfd >= 0 ? parse_memfd(memfd, ret) : parse(buffer, (size_t) n, ret);
        if (r != -ENOMEM)
                consume(fd);
        return r;
}
