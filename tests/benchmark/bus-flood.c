/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A bus client that costs less than whatever answers it: it sends prepared messages on many connections, keeps a number
 * of calls unanswered on each, and looks at no more of an answer than its header. */

#include <errno.h>
#include <error.h>
#include <fcntl.h>
#include <getopt.h>
#include <grp.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/param.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "common/macro.h"

#define BUS_SOCKET "/run/dbus/system_bus_socket"
#define CONNECTIONS_MAX 4096U
#define MESSAGES_MAX 65536U

#define HEADER_SIZE 16U
#define SERIAL_OFFSET 8U
#define TYPE_CALL 1
#define TYPE_RETURN 2
#define TYPE_ERROR 3

/* The answers to the two commands of the handshake. */
#define HANDSHAKE_LINES 2U

#define REOPEN_USEC 1000

struct message {
        const uint8_t *data;
        size_t size;
};

struct connection {
        int fd;
        bool deaf;                      /* nothing is read any more */
        bool wants_out;
        unsigned int n_lines;           /* of the handshake, still to be read */
        uint32_t serial;
        unsigned int n_unanswered;
        size_t which;                   /* the message to send next */
        uint8_t handshake[512];
        size_t n_handshake, n_handshake_sent;
        uint8_t call[HEADER_SIZE];      /* the head of the message that is being sent, with a serial of its own */
        size_t n_sent;                  /* bytes of the message that is being sent */
        uint8_t head[HEADER_SIZE];      /* of the message that is being read */
        size_t n_head;
        uint64_t n_skip;                /* bytes of it that are left */
};

static struct {
        unsigned int uid;
        unsigned int n_connections;
        unsigned int n_calls;
        bool deaf;
        bool once;
} options = { .uid = 65534, .n_connections = 1, .n_calls = 1 };

static struct message messages[MESSAGES_MAX], hello;
static size_t n_messages;
static struct connection connections[CONNECTIONS_MAX];
static int epoll_fd;
static volatile sig_atomic_t ended;

static struct {
        uint64_t calls, returns, errors, bytes, reconnects;
} counted;

static uint32_t number_at(const uint8_t *p) {
        uint32_t n;

        memcpy(&n, p, sizeof(n));
        return n;
}

static uint64_t size_of(const uint8_t head[static HEADER_SIZE]) {
        return HEADER_SIZE + (((uint64_t) number_at(head + 12) + 7) & ~(uint64_t) 7) + number_at(head + 4);
}

/* The first message is Hello; all others are sent again and again. */
static void read_messages(const char *path) {
        uint8_t *data;
        struct stat st;
        size_t n = 0;
        int fd;

        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &st) < 0)
                error(EXIT_FAILURE, errno, "%s", path);
        data = malloc((size_t) st.st_size);
        if (!data || read(fd, data, (size_t) st.st_size) != st.st_size)
                error(EXIT_FAILURE, errno, "%s", path);
        close(fd);

        while (n + HEADER_SIZE <= (size_t) st.st_size && n_messages < MESSAGES_MAX) {
                struct message message = { .data = data + n, .size = (size_t) size_of(data + n) };

                if (n == 0)
                        hello = message;
                else
                        messages[n_messages++] = message;
                n += message.size;
        }
        if (n != (size_t) st.st_size || n_messages == 0)
                error(EXIT_FAILURE, 0, "%s has no list of up to %u messages", path, MESSAGES_MAX);
}

static void watch(struct connection *connection, int operation, bool wants_out) {
        struct epoll_event event = { .data.ptr = connection };

        event.events = (connection->deaf ? 0 : EPOLLIN) | (wants_out ? EPOLLOUT : 0);
        connection->wants_out = wants_out;
        if (epoll_ctl(epoll_fd, operation, connection->fd, &event) < 0)
                error(EXIT_FAILURE, errno, "epoll");
}

static void connection_open(struct connection *connection) {
        struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = BUS_SOCKET };
        char *p = (char *) connection->handshake;
        char number[16];

        connection->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (connection->fd < 0 || connect(connection->fd, (struct sockaddr *) &address, sizeof(address)) < 0)
                error(EXIT_FAILURE, errno, "cannot connect to the bus");
        (void) fcntl(connection->fd, F_SETFL, O_NONBLOCK);

        snprintf(number, sizeof(number), "%u", options.uid);
        *p++ = '\0';
        p = stpcpy(p, "AUTH EXTERNAL ");
        for (const char *digit = number; *digit; digit++)
                p += sprintf(p, "%02x", *digit);
        p = stpcpy(p, "\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n");
        p = mempcpy(p, hello.data, hello.size);
        connection->n_handshake = (size_t) (p - (char *) connection->handshake);
        connection->n_lines = HANDSHAKE_LINES;
        /* The answer to Hello. */
        connection->n_unanswered = 1;
        connection->serial = number_at(hello.data + SERIAL_OFFSET);
        watch(connection, EPOLL_CTL_ADD, true);
}

/* A bus that lets no more in is not asked in a busy loop. */
static void connection_reopen(struct connection *connection) {
        size_t which = connection->which;

        (void) usleep(REOPEN_USEC);
        close(connection->fd);
        *connection = (struct connection) { .which = which };
        connection_open(connection);
        counted.reconnects++;
}

static ssize_t send_some(struct connection *connection) {
        const struct message *message = messages + connection->which;
        struct iovec parts[2];
        struct msghdr header = { .msg_iov = parts, .msg_iovlen = ELEMENTSOF(parts) };
        size_t from = connection->n_sent;

        if (connection->n_handshake_sent < connection->n_handshake)
                return send(connection->fd, connection->handshake + connection->n_handshake_sent,
                            connection->n_handshake - connection->n_handshake_sent, MSG_NOSIGNAL);

        if (from == 0) {
                memcpy(connection->call, message->data, HEADER_SIZE);
                connection->serial++;
                memcpy(connection->call + SERIAL_OFFSET, &connection->serial, sizeof(connection->serial));
        }
        parts[0] = (struct iovec) { connection->call + MIN(from, HEADER_SIZE), HEADER_SIZE - MIN(from, HEADER_SIZE) };
        from = MAX(from, HEADER_SIZE);
        parts[1] = (struct iovec) { (void *) (message->data + from), message->size - from };
        return sendmsg(connection->fd, &header, MSG_NOSIGNAL);
}

static bool may_send(const struct connection *connection) {
        return connection->n_handshake_sent < connection->n_handshake || connection->n_sent > 0 ||
               connection->n_unanswered < options.n_calls;
}

static void note_sent(struct connection *connection, size_t n) {
        if (connection->n_handshake_sent < connection->n_handshake) {
                connection->n_handshake_sent += n;
                return;
        }
        connection->n_sent += n;
        if (connection->n_sent < messages[connection->which].size)
                return;
        connection->n_sent = 0;
        connection->n_unanswered++;
        counted.calls++;
        connection->which = (connection->which + 1) % n_messages;
}

/* Returns a negative errno when the connection is gone. */
static int send_calls(struct connection *connection) {
        bool blocked = false;

        while (!blocked && may_send(connection)) {
                ssize_t n = send_some(connection);

                if (n < 0 && errno != EAGAIN)
                        return -errno;
                if (n < 0)
                        blocked = true;
                else
                        note_sent(connection, (size_t) n);
        }
        if (blocked != connection->wants_out)
                watch(connection, EPOLL_CTL_MOD, blocked);
        return 0;
}

static void note_answer(struct connection *connection, int type) {
        if (type != TYPE_RETURN && type != TYPE_ERROR)
                return;
        if (type == TYPE_RETURN)
                counted.returns++;
        else
                counted.errors++;
        if (!options.once)
                connection->n_unanswered--;
}

static void parse(struct connection *connection, const uint8_t *data, size_t n) {
        counted.bytes += n;
        while (n > 0 && connection->n_lines > 0) {
                if (*data++ == '\n')
                        connection->n_lines--;
                n--;
        }
        while (n > 0) {
                size_t part;

                if (connection->n_skip > 0) {
                        part = MIN(n, connection->n_skip);
                        connection->n_skip -= part;
                } else {
                        part = MIN(n, HEADER_SIZE - connection->n_head);
                        memcpy(connection->head + connection->n_head, data, part);
                        connection->n_head += part;
                        if (connection->n_head == HEADER_SIZE)
                                connection->n_skip = size_of(connection->head) - HEADER_SIZE;
                }
                data += part;
                n -= part;
                if (connection->n_head == HEADER_SIZE && connection->n_skip == 0) {
                        connection->n_head = 0;
                        note_answer(connection, connection->head[1]);
                }
        }
}

static int receive(struct connection *connection) {
        static uint8_t buffer[1U << 18];
        ssize_t n;

        /* File descriptors of an answer are closed by the kernel, because there is no room for them. */
        n = recv(connection->fd, buffer, sizeof(buffer), 0);
        if (n == 0)
                return -ECONNRESET;
        if (n < 0)
                return errno == EAGAIN ? 0 : -errno;
        parse(connection, buffer, (size_t) n);
        if (options.deaf && connection->n_lines == 0) {
                connection->deaf = true;
                watch(connection, EPOLL_CTL_MOD, connection->wants_out);
        }
        return send_calls(connection);
}

static void on_signal(int signo) {
        ended = 1;
}

static void become(unsigned int uid) {
        if (setgroups(0, NULL) < 0 || setresgid(65534, 65534, 65534) < 0 || setresuid(uid, uid, uid) < 0)
                error(EXIT_FAILURE, errno, "cannot become user %u", uid);
}

static void run(void) {
        struct epoll_event events[64];

        while (!ended) {
                int n = epoll_wait(epoll_fd, events, ELEMENTSOF(events), -1);

                for (int i = 0; i < n; i++) {
                        struct connection *connection = events[i].data.ptr;
                        int r = 0;

                        if (events[i].events & EPOLLOUT)
                                r = send_calls(connection);
                        if (r >= 0 && !connection->deaf && events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
                                r = receive(connection);
                        if (connection->deaf && events[i].events & (EPOLLHUP | EPOLLERR))
                                r = -ECONNRESET;
                        if (r < 0)
                                connection_reopen(connection);
                }
        }
}

static int usage(FILE *f) {
        fprintf(f, "bus-flood [--uid UID] [--connections N] [--calls N] [--deaf] [--once] FILE\n\n"
                   "Sends the messages of FILE to the system bus in turn until it is ended, and prints how many\n"
                   "answers it got. The first one is Hello.\n\n"
                   "  --uid UID         whose connections they are (65534)\n"
                   "  --connections N   how many (1)\n"
                   "  --calls N         that each of them has unanswered (1)\n"
                   "  --deaf            does not read the answers\n"
                   "  --once            sends no more than these\n");
        return f == stdout ? EXIT_SUCCESS : 2;
}

static int parse_options(int argc, char *argv[]) {
        static const struct option table[] = {
                { "uid", required_argument, NULL, 'u' },         { "connections", required_argument, NULL, 'c' },
                { "calls", required_argument, NULL, 'n' },       { "deaf", no_argument, NULL, 'd' },
                { "once", no_argument, NULL, 'o' },              { "help", no_argument, NULL, 'h' },
                {},
        };
        int c;

        while ((c = getopt_long(argc, argv, "", table, NULL)) >= 0)
                switch (c) {
                case 'u':
                        options.uid = (unsigned int) strtoul(optarg, NULL, 10);
                        break;
                case 'c':
                        options.n_connections = (unsigned int) strtoul(optarg, NULL, 10);
                        break;
                case 'n':
                        options.n_calls = (unsigned int) strtoul(optarg, NULL, 10);
                        break;
                case 'd':
                        options.deaf = true;
                        break;
                case 'o':
                        options.once = true;
                        break;
                default:
                        exit(usage(c == 'h' ? stdout : stderr));
                }
        if (argc - optind != 1 || options.n_connections > CONNECTIONS_MAX || options.n_calls == 0)
                exit(usage(stderr));
        return optind;
}

int main(int argc, char *argv[]) {
        struct sigaction action = { .sa_handler = on_signal };
        struct rlimit limit = { CONNECTIONS_MAX + 64, CONNECTIONS_MAX + 64 };

        read_messages(argv[parse_options(argc, argv)]);
        (void) setrlimit(RLIMIT_NOFILE, &limit);
        become(options.uid);
        /* Forgotten when the user changes. */
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void) sigaction(SIGTERM, &action, NULL);

        epoll_fd = epoll_create1(EPOLL_CLOEXEC);
        for (unsigned int i = 0; i < options.n_connections; i++) {
                connections[i].which = i % n_messages;
                connection_open(connections + i);
        }
        run();
        printf("%" PRIu64 " calls, %" PRIu64 " returns, %" PRIu64 " errors, ", counted.calls, counted.returns,
               counted.errors);
        printf("%" PRIu64 " bytes, %" PRIu64 " reconnects\n", counted.bytes, counted.reconnects);
        return EXIT_SUCCESS;
}
