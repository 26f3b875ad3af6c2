/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What simctl asks of the simulated kernel: one connection a request, answered when the thing is done. */

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/socket.h>

#include "tests/simulator/card.h"
#include "tests/simulator/control.h"
#include "tests/simulator/mdev.h"
#include "tests/simulator/words.h"

typedef struct Connection {
        Host *host;
        int fd;
        sd_event_source *source;
        char text[128];
} Connection;

/* Returns a negative errno, 0 if all is done, or 1 if the verb answers later. */
typedef int (*verb_t)(Connection *connection, const Words *words);

static void connection_answer(Connection *connection, int error) {
        (void) words_answer(connection->fd, error, connection->text);
        sd_event_source_unref(connection->source);
        close(connection->fd);
        free(connection);
}

static void connection_done(void *userdata) {
        connection_answer(userdata, 0);
}

static _printf_(3, 4) int connection_error(Connection *connection, int error, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        vsnprintf(connection->text, sizeof(connection->text), format, ap);
        va_end(ap);
        return error;
}

static int parse_unsigned(Connection *connection, const char *string, unsigned *ret) {
        char *end;
        unsigned long n;

        errno = 0;
        n = strtoul(string, &end, 10);
        if (errno > 0 || end == string || *end || string[0] == '-' || n > UINT32_MAX)
                return connection_error(connection, -EINVAL, "not a number: %s", string);

        *ret = (unsigned) n;
        return 0;
}

static int connection_find_card(Connection *connection, const char *name, Card **ret) {
        *ret = host_find_card(connection->host, name);
        return *ret ? 0 : connection_error(connection, -ENODEV, "no card %s", name);
}

static int connection_find_parent(Connection *connection, const char *name, Parent **ret) {
        *ret = host_find_parent(connection->host, name);
        return *ret ? 0 : connection_error(connection, -ENODEV, "no parent %s", name);
}

/* What can be made slow, or made to fail: the driver of a parent, of a card, or of a virtual function. */
static int connection_find_driver(Connection *connection, const char *name, Driver **ret) {
        Parent *parent = host_find_parent(connection->host, name);
        Card *card = host_find_card(connection->host, name);
        Function *function = host_find_function(connection->host, name);

        if (!parent && !card && !function)
                return connection_error(connection, -ENODEV, "no parent, card or virtual function %s", name);

        *ret = parent ? &parent->driver : card ? &card->pci.faults : &function->pci.faults;
        return 0;
}

/* add-parent SPEC [types-after=MS] [enospc] [no-name] [no-description] */
static int verb_add_parent(Connection *connection, const Words *words) {
        _cleanup_(spec_freep) Spec *spec = NULL;
        ParentOptions options = {0};
        unsigned msec;
        int r;

        for (size_t i = 2; i < words->n; i++) {
                const char *option = words->words[i];

                if (strncmp(option, "types-after=", 12) == 0) {
                        r = parse_unsigned(connection, option + 12, &msec);
                        if (r < 0)
                                return r;
                        options.types_delay = msec * USEC_PER_MSEC;
                } else if (streq(option, "enospc"))
                        options.driver_counts = true;
                else if (streq(option, "no-name"))
                        options.no_name = true;
                else if (streq(option, "no-description"))
                        options.no_description = true;
                else
                        return connection_error(connection, -EINVAL, "unknown option %s", option);
        }

        r = spec_parse(words->words[1], &spec);
        if (r < 0)
                return connection_error(connection, r, "not NAME:TYPE=COUNT[,TYPE=COUNT…]: %s", words->words[1]);

        return parent_register(connection->host, spec, &options);
}

static int verb_remove_parent(Connection *connection, const Words *words) {
        Parent *parent;
        int r;

        r = connection_find_parent(connection, words->words[1], &parent);
        if (r >= 0)
                r = parent_unregister(parent, connection_done, connection);
        return r < 0 ? r : 1;
}

/* Ends a process that uses a device. */
static int connection_end(Connection *connection, pid_t pid, const char *name) {
        if (pid <= 0)
                return connection_error(connection, -ESRCH, "nobody holds %s", name);
        if (kill(pid, SIGTERM) < 0)
                return connection_error(connection, -errno, "cannot end process %d", pid);
        return 1;
}

/* release UUID|FUNCTION|CARD: ends the process that holds the device, and waits until the device is free. */
static int verb_release(Connection *connection, const Words *words) {
        const char *name = words->words[1];
        Mdev *mdev = host_find_mdev(connection->host, name);
        Function *function = host_find_function(connection->host, name);
        Card *card = host_find_card(connection->host, name);
        Group *group = mdev ? mdev_group(mdev) : function ? function->pci.group : NULL;
        int r;

        if (card)
                r = connection_end(connection, card_opener(card), name);
        else
                r = connection_end(connection, group ? group_opener(group) : 0, name);
        if (r < 0)
                return r;

        if (card)
                card_when_unused(card, connection_done, connection);
        else
                group_when_closed(group, connection_done, connection);
        return 1;
}

static int verb_delay(Connection *connection, const Words *words) {
        Operation operation = operation_from_string(words->words[2]);
        Driver *driver;
        unsigned msec;
        int r;

        r = connection_find_driver(connection, words->words[1], &driver);
        if (r >= 0)
                r = parse_unsigned(connection, words->words[3], &msec);
        if (r < 0)
                return r;
        if (operation < 0)
                return connection_error(connection, -EINVAL, "cannot delay %s", words->words[2]);

        driver->delays[operation] = msec * USEC_PER_MSEC;
        return 0;
}

/* fail PARENT|CARD|FUNCTION OPERATION|ATTRIBUTE ERRNO COUNT SKIP */
static int verb_fail(Connection *connection, const Words *words) {
        unsigned error, n, n_skip;
        Driver *driver;
        int r;

        r = connection_find_driver(connection, words->words[1], &driver);
        if (r >= 0)
                r = parse_unsigned(connection, words->words[3], &error);
        if (r >= 0)
                r = parse_unsigned(connection, words->words[4], &n);
        if (r >= 0)
                r = parse_unsigned(connection, words->words[5], &n_skip);
        if (r < 0)
                return r;

        driver_set_failure(driver, words->words[2], (int) error, n_skip, n);
        return 0;
}

static int verb_hang(Connection *connection, const Words *words) {
        Operation operation = operation_from_string(words->words[2]);
        Driver *driver;
        int r;

        r = connection_find_driver(connection, words->words[1], &driver);
        if (r < 0)
                return r;
        if (operation < 0)
                return connection_error(connection, -EINVAL, "cannot hang in %s", words->words[2]);

        driver->hangs[operation] = true;
        return 0;
}

static int verb_resume(Connection *connection, const Words *words) {
        Driver *driver;
        int r;

        r = connection_find_driver(connection, words->words[1], &driver);
        if (r >= 0)
                driver_resume(driver);
        return r;
}

/* waiting PARENT|CARD|FUNCTION: answers how many operations are in the driver. */
static int verb_waiting(Connection *connection, const Words *words) {
        Driver *driver;
        int r;

        r = connection_find_driver(connection, words->words[1], &driver);
        if (r >= 0)
                snprintf(connection->text, sizeof(connection->text), "%u", driver->n_waiting);
        return r;
}

static int verb_lose_uevents(Connection *connection, const Words *words) {
        unsigned n;
        int r;

        r = parse_unsigned(connection, words->words[1], &n);
        if (r >= 0)
                udev_lose(connection->host->udev, n);
        return r;
}

static int verb_delay_uevents(Connection *connection, const Words *words) {
        unsigned msec;
        int r;

        r = parse_unsigned(connection, words->words[1], &msec);
        if (r >= 0)
                udev_set_delay(connection->host->udev, msec * USEC_PER_MSEC);
        return r;
}

/* Of the subsystem that monitors of mediated devices let through, and about all devices in turn; if there are
 * none, about one that never was. */
static int verb_storm(Connection *connection, const Words *words) {
        Udev *udev = connection->host->udev;
        Mdev *mdev = NULL;
        unsigned n;
        int r;

        r = parse_unsigned(connection, words->words[1], &n);
        if (r < 0)
                return r;

        for (unsigned i = 0; i < n; i++) {
                _cleanup_free_ UdevMessage *message = NULL;
                char devpath[PATH_MAX] = "/devices/virtual/storm/storm";

                mdev = host_next_mdev(connection->host, mdev);
                if (mdev)
                        node_path(mdev_node(mdev), NULL, devpath + 1, sizeof(devpath) - 1);
                message = udev_message_new(udev, "change", "mdev", devpath, NULL);
                udev_send(udev, message);
        }

        return 0;
}

static int verb_record_lookups(Connection *connection, const Words *words) {
        return sysfs_record_lookups(connection->host->sysfs, words->words[1]);
}

static int verb_add_card(Connection *connection, const Words *words) {
        _cleanup_(card_spec_freep) CardSpec *spec = NULL;
        int r;

        r = card_spec_parse(words->words[1], &spec);
        if (r < 0)
                return connection_error(connection, r, "not CARD:vfs=COUNT[,TYPE=COUNT…]: %s", words->words[1]);

        r = card_new(connection->host, spec, 0, 0);
        if (r >= 0)
                (void) TAKE_PTR(spec);
        return r;
}

/* vgpu-list CARD VARIANT */
static int verb_vgpu_list(Connection *connection, const Words *words) {
        VgpuList list = vgpu_list_from_string(words->words[2]);
        Card *card;
        int r;

        r = connection_find_card(connection, words->words[1], &card);
        if (r < 0)
                return r;
        if (list < 0)
                return connection_error(connection, -EINVAL, "no such list: %s", words->words[2]);

        card->list = list;
        return 0;
}

/* mig CARD off|on|ready */
static int verb_mig(Connection *connection, const Words *words) {
        static const char *const states[] = {[MIG_OFF] = "off", [MIG_EMPTY] = "on", [MIG_READY] = "ready"};
        Card *card;
        int r;

        r = connection_find_card(connection, words->words[1], &card);
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(states); i++)
                if (streq(states[i], words->words[2])) {
                        card->mig = (Mig) i;
                        return 0;
                }

        return r < 0 ? r : connection_error(connection, -EINVAL, "not off, on or ready: %s", words->words[2]);
}

/* wedge FUNCTION clear|guest */
static int verb_wedge(Connection *connection, const Words *words) {
        Function *function = host_find_function(connection->host, words->words[1]);
        bool clear = streq(words->words[2], "clear");

        if (!function)
                return connection_error(connection, -ENODEV, "no virtual function %s", words->words[1]);
        if (!clear && !streq(words->words[2], "guest"))
                return connection_error(connection, -EINVAL, "not clear or guest: %s", words->words[2]);

        if (clear)
                function->vgpu.wedged = true;
        else
                function->vgpu.broken = true;
        return 0;
}

typedef struct Reboot {
        Connection *connection;
        Card *next;
} Reboot;

static void reboot_next(void *userdata) {
        Reboot *reboot = userdata;
        Card *card = reboot->next;

        if (!card) {
                reboot->connection->host->rebooting = false;
                connection_answer(reboot->connection, 0);
                free(reboot);
                return;
        }

        reboot->next = card->hh.next;
        card_reboot(card, reboot_next, reboot);
}

static int verb_reboot(Connection *connection, const Words *words) {
        Host *host = connection->host;
        Reboot *reboot;

        if (host->rebooting)
                return -EALREADY;

        host->rebooting = true;
        reboot = must(malloc(sizeof(Reboot)));
        *reboot = (Reboot) {.connection = connection, .next = host->cards};
        reboot_next(reboot);
        return 1;
}

/* What becomes of this run of the program that makes a card's virtual functions. */
static const char *sriov_manage_fate(Card *card) {
        if (card->n_users > 0)
                return "in-use";
        if (driver_take_failure(&card->pci.faults, "sriov-manage-quietly") < 0)
                return "quiet";
        return driver_take_failure(&card->pci.faults, "sriov-manage") < 0 ? "fail" : "work";
}

/* sriov-manage CARD begin|work: what the stand-in for NVIDIA's program asks. At its beginning it learns what becomes of
 * it. In its middle it waits as long as the card takes. */
static int verb_sriov_manage(Connection *connection, const Words *words) {
        Card *card;
        int r;

        r = connection_find_card(connection, words->words[1], &card);
        if (r < 0)
                return r;
        if (streq(words->words[2], "work")) {
                driver_run(&card->pci.faults, OPERATION_MANAGE, connection_done, connection);
                return 1;
        }

        snprintf(connection->text, sizeof(connection->text), "%s", sriov_manage_fate(card));
        return 0;
}

static const struct {
        const char *name;
        size_t n_min;
        size_t n_max;
        verb_t verb;
} verbs[] = {
        {"add-parent",     2, WORDS_MAX, verb_add_parent     },
        {"remove-parent",  2, 2,         verb_remove_parent  },
        {"release",        2, 2,         verb_release        },
        {"delay",          4, 4,         verb_delay          },
        {"fail",           6, 6,         verb_fail           },
        {"hang",           3, 3,         verb_hang           },
        {"resume",         2, 2,         verb_resume         },
        {"waiting",        2, 2,         verb_waiting        },
        {"lose-uevents",   2, 2,         verb_lose_uevents   },
        {"delay-uevents",  2, 2,         verb_delay_uevents  },
        {"storm",          2, 2,         verb_storm          },
        {"record-lookups", 2, 2,         verb_record_lookups },
        {"add-card",       2, 2,         verb_add_card       },
        {"vgpu-list",      3, 3,         verb_vgpu_list      },
        {"mig",            3, 3,         verb_mig            },
        {"wedge",          3, 3,         verb_wedge          },
        {"reboot",         1, 1,         verb_reboot         },
        {"sriov-manage",   3, 3,         verb_sriov_manage   },
};

static int connection_dispatch(Connection *connection, const Words *words) {
        for (size_t i = 0; i < ELEMENTSOF(verbs); i++)
                if (words->n > 0 && streq(verbs[i].name, words->words[0]))
                        return words->n < verbs[i].n_min || words->n > verbs[i].n_max ?
                                       -EINVAL :
                                       verbs[i].verb(connection, words);

        return -EOPNOTSUPP;
}

static int on_connection(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        Connection *connection = userdata;
        Words words;
        int r;

        /* One request a connection; one that waits for its answer is not looked at again. */
        (void) sd_event_source_set_enabled(source, SD_EVENT_OFF);

        r = words_receive(fd, &words);
        if (r >= 0)
                r = connection_dispatch(connection, &words);
        if (r < 0)
                connection_answer(connection, r);
        else if (r == 0)
                /* Who has the answer sees all that the verb has changed. */
                changes_commit(changes_new(connection->host->notifier), connection_done, connection);
        return 0;
}

static int on_listen(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        Connection *connection;
        int r;

        connection = must(calloc(1, sizeof(Connection)));
        connection->host = userdata;
        connection->fd = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
        r = connection->fd < 0 ? -errno : 0;
        if (r >= 0)
                r = sd_event_add_io(connection->host->event, &connection->source, connection->fd, EPOLLIN,
                                    on_connection, connection);
        if (r < 0) {
                if (connection->fd >= 0)
                        close(connection->fd);
                free(connection);
        }
        return 0;
}

int control_new(Host *host) {
        int fd;

        fd = words_listen(SYSFS_SOCKET);
        return fd < 0 ? fd : sd_event_add_io(host->event, NULL, fd, EPOLLIN, on_listen, host);
}
