/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* uevents, as udev sends them to whoever monitors it: the format is libudev's (systemd: libsystemd/sd-device/
 * device-monitor.c), sent as root to the multicast group that udevd uses. Here no udevd stands between the
 * kernel and its listeners, so udev_set_delay() can say how far it is behind. */

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netlink.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <time.h>

#include "tests/simulator/node.h"
#include "tests/simulator/udev.h"

#define UDEV_GROUP 2U
#define MESSAGE_MAX 8192U

typedef struct Header {
        char prefix[8];
        uint32_t magic;
        uint32_t header_size;
        uint32_t properties_offset;
        uint32_t properties_size;
        uint32_t subsystem_hash;
        uint32_t devtype_hash;
        uint32_t tag_bloom[2];
} Header;

typedef struct Late {
        Udev *udev;
        struct Late *next;
        uint64_t usec;
        UdevMessage *message;
} Late;

struct Udev {
        int fd;
        uint64_t seqnum;
        unsigned n_lose;
        uint64_t delay;
        Late *late;
        Late **late_end;
        sd_event_source *timer;
};

static uint64_t now_usec(void) {
        struct timespec ts;

        clock_gettime(CLOCK_MONOTONIC, &ts);
        return (uint64_t) ts.tv_sec * USEC_PER_SEC + (uint64_t) ts.tv_nsec / NSEC_PER_USEC;
}

/* MurmurHash2 by Austin Appleby (public domain), by which monitors' socket filters know a subsystem. */
static uint32_t murmur_hash2(const char *key) {
        const uint32_t m = 0x5bd1e995;
        uint32_t n = (uint32_t) strlen(key), h = n;

        for (; n >= 4; key += 4, n -= 4) {
                uint32_t k;

                memcpy(&k, key, sizeof(k));
                k *= m;
                k ^= k >> 24;
                k *= m;
                h = h * m ^ k;
        }

        for (uint32_t i = n; i > 0; i--)
                h ^= (uint32_t) (unsigned char) key[i - 1] << (8 * (i - 1));
        if (n > 0)
                h *= m;

        h ^= h >> 13;
        h *= m;
        return h ^ h >> 15;
}

typedef struct Properties {
        size_t size;
        char data[MESSAGE_MAX];
} Properties;

static _printf_(2, 3) void properties_add(Properties *properties, const char *format, ...) {
        size_t space = sizeof(properties->data) - properties->size;
        va_list ap;
        int n;

        va_start(ap, format);
        n = vsnprintf(properties->data + properties->size, space, format, ap);
        va_end(ap);

        if (n >= 0 && (size_t) n < space)
                properties->size += (size_t) n + 1;
}

/* Counts SEQNUM up, as the kernel does when the event happens. The properties end with NULL. */
UdevMessage *udev_message_new(Udev *udev, const char *action, const char *subsystem, const char *devpath,
                              const char *const *properties) {
        Header header = {
                .prefix = "libudev",
                .magic = htonl(0xfeedcafe),
                .header_size = sizeof(Header),
                .properties_offset = sizeof(Header),
                .subsystem_hash = htonl(murmur_hash2(subsystem)),
        };
        Properties p = {.size = 0};
        UdevMessage *message;

        properties_add(&p, "ACTION=%s", action);
        properties_add(&p, "DEVPATH=%s", devpath);
        properties_add(&p, "SUBSYSTEM=%s", subsystem);
        for (size_t i = 0; properties && properties[i]; i++)
                properties_add(&p, "%s", properties[i]);
        properties_add(&p, "SEQNUM=%llu", (unsigned long long) ++udev->seqnum);
        properties_add(&p, "USEC_INITIALIZED=%llu", (unsigned long long) now_usec());

        message = must(malloc(sizeof(UdevMessage) + sizeof(Header) + p.size));
        message->size = sizeof(Header) + p.size;
        header.properties_size = (uint32_t) p.size;
        memcpy(message->data, &header, sizeof(Header));
        memcpy(message->data + sizeof(Header), p.data, p.size);
        return message;
}

/* Nobody listening, or somebody who does not keep up, is no concern of the sender's. Callable from any thread. */
void udev_send(Udev *udev, const UdevMessage *message) {
        const struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = UDEV_GROUP};

        (void) sendto(udev->fd, message->data, message->size, MSG_DONTWAIT, (const struct sockaddr *) &address,
                      sizeof(address));
}

static int on_late(sd_event_source *source, uint64_t usec, void *userdata) {
        Udev *udev = userdata;

        while (udev->late && udev->late->usec <= now_usec()) {
                Late *late = udev->late;

                udev->late = late->next;
                udev_send(udev, late->message);
                free(late->message);
                free(late);
        }

        if (!udev->late) {
                udev->late_end = &udev->late;
                return sd_event_source_set_enabled(source, SD_EVENT_OFF);
        }

        (void) sd_event_source_set_time(source, udev->late->usec);
        return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static void udev_postpone(Udev *udev, UdevMessage *message) {
        Late *late;

        late = must(malloc(sizeof(Late)));
        *late = (Late) {.udev = udev, .message = message, .usec = now_usec() + udev->delay};
        *udev->late_end = late;
        udev->late_end = &late->next;

        if (udev->late == late) {
                (void) sd_event_source_set_time(udev->timer, late->usec);
                (void) sd_event_source_set_enabled(udev->timer, SD_EVENT_ONESHOT);
        }
}

/* Takes the message, and gives it back if it is to be sent now: not one that gets lost or comes late. */
UdevMessage *udev_pass(Udev *udev, UdevMessage *message) {
        if (udev->n_lose > 0) {
                udev->n_lose--;
                free(message);
                return NULL;
        }

        /* What comes after a late one is late, too: udev keeps the order of a device's events. */
        if (udev->delay > 0 || udev->late) {
                udev_postpone(udev, message);
                return NULL;
        }

        return message;
}

uint64_t udev_seqnum(const Udev *udev) {
        return udev->seqnum;
}

void udev_lose(Udev *udev, unsigned n) {
        udev->n_lose = n;
}

void udev_set_delay(Udev *udev, uint64_t usec) {
        udev->delay = usec;
}

int udev_new(Udev **ret, sd_event *event) {
        Udev *udev;
        int r;

        udev = must(calloc(1, sizeof(Udev)));
        udev->seqnum = 1000;
        udev->late_end = &udev->late;
        udev->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);
        r = udev->fd < 0 ? -errno : 0;
        if (r >= 0)
                r = sd_event_add_time(event, &udev->timer, CLOCK_MONOTONIC, 0, 1, on_late, udev);
        if (r >= 0)
                r = sd_event_source_set_enabled(udev->timer, SD_EVENT_OFF);
        if (r < 0) {
                free(udev);
                return r;
        }

        *ret = udev;
        return 0;
}
