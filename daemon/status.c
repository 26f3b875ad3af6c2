/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Notifications to systemd, see sd_notify(3). */

#include "daemon/status.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>

#include "common/io.h"
#include "daemon/api/manager.h"
#include "daemon/base/timer.h"
#include "daemon/definitions/store.h"
#include "daemon/registry/device.h"
#include "daemon/registry/parent.h"
#include "daemon/registry/registry.h"

/* How long systemd is told nothing after a status: it announces each new one to everybody on the bus. */
#define STATUS_USEC (1 * USEC_PER_SEC)

#define STATUS_SIZE 128

struct status {
        char told[STATUS_SIZE];         /* the last one that systemd got */
        sd_event_source *timer;         /* armed until systemd may get another one */
        sd_event_source *watchdog;
        uint64_t watchdog_usec;
};

/* Not by sd_notify(), which waits until systemd reads. A systemd that has crashed never reads again, while the rest of
 * the host works on. Returns false if the text must be sent again later. */
static bool send_text(const char *text) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        const char *path = getenv("NOTIFY_SOCKET");
        size_t length = path ? strlen(path) : 0;
        _cleanup_close_ int fd = -1;

        if (length == 0 || length >= sizeof(address.sun_path))
                return true;
        memcpy(address.sun_path, path, length);
        /* An abstract socket. */
        if (*path == '@')
                address.sun_path[0] = '\0';

        fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        return sendto(fd, text, strlen(text), MSG_NOSIGNAL, (const struct sockaddr *) &address,
                      (socklen_t) (offsetof(struct sockaddr_un, sun_path) + length)) >= 0;
}

static void format(const struct manager *manager, char ret[static STATUS_SIZE]) {
        unsigned int parents = HASH_COUNT(manager->registry->parents), devices = HASH_COUNT(manager->registry->devices);
        unsigned int definitions = manager->store->n_definitions;

        snprintf(ret, STATUS_SIZE, "STATUS=%u parent%s, %u device%s, %u definition%s.", parents,
                 parents == 1 ? "" : "s", devices, devices == 1 ? "" : "s", definitions,
                 definitions == 1 ? "" : "s");
}

void status_changed(struct manager *manager) {
        struct status *status = manager->status;
        char text[STATUS_SIZE];

        assert(status);

        if (manager->draining || timer_is_armed(status->timer))
                return;
        format(manager, text);
        if (streq(text, status->told))
                return;

        if (send_text(text))
                strcpy(status->told, text);
        timer_arm(status->timer, STATUS_USEC);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        status_changed(userdata);
        return 0;
}

void status_ready(struct manager *manager) {
        format(manager, manager->status->told);
        /* This one may wait for systemd: without it the start has failed. */
        (void) sd_notifyf(false, "READY=1\n%s", manager->status->told);
}

void status_reloading(void) {
        char text[64];

        snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, now_usec());
        (void) send_text(text);
}

void status_reloaded(void) {
        (void) send_text("READY=1");
}

void status_stopping(void) {
        (void) send_text("STOPPING=1\nSTATUS=Finishing running jobs.");
}

static int on_watchdog(sd_event_source *source, uint64_t usec, void *userdata) {
        const struct status *status = userdata;

        (void) send_text("WATCHDOG=1");
        timer_arm(source, status->watchdog_usec / 2);
        return 0;
}

static int watchdog_init(struct status *status, sd_event *event) {
        int r;

        r = sd_watchdog_enabled(false, &status->watchdog_usec);
        if (r <= 0)
                return r;
        r = timer_new(&status->watchdog, event, "watchdog", PRIORITY_WATCHDOG, USEC_PER_MSEC, on_watchdog, status);
        if (r < 0)
                return r;
        timer_arm(status->watchdog, 0);
        return 0;
}

struct status *status_free(struct status *status) {
        if (!status)
                return NULL;

        sd_event_source_disable_unref(status->timer);
        sd_event_source_disable_unref(status->watchdog);
        free(status);
        return NULL;
}

int status_new(struct status **ret, struct manager *manager) {
        _cleanup_(status_freep) struct status *status = NULL;
        int r;

        status = calloc(1, sizeof(*status));
        if (!status)
                return -ENOMEM;
        r = timer_new(&status->timer, manager->event, "status for systemd", PRIORITY_REQUESTS, USEC_PER_MSEC, on_timer,
                      manager);
        if (r >= 0)
                r = watchdog_init(status, manager->event);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(status);
        return 0;
}
