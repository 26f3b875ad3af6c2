/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Listening to udev, and noticing which events were lost.
 *
 * Only what an event itself carries is used. For more, libsystemd would read the file `uevent` of the device, which
 * blocks while a driver hangs. */

#include "daemon/registry/monitor.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <sys/socket.h>
#include <systemd/sd-event.h>

#include "common/macro.h"
#include "daemon/base/log.h"
#include "daemon/base/timer.h"
#include "daemon/registry/backend.h"
#include "daemon/registry/registry.h"

/* The wished size of the receive buffer. Without CAP_NET_ADMIN, the kernel gives what net.core.rmem_max allows. */
#define RECEIVE_BUFFER_SIZE (8u * 1024 * 1024)

/* How long after a loss everything is enumerated. A storm loses messages again and again, and one enumeration serves
 * them all. */
#define ENUMERATE_USEC (100 * USEC_PER_MSEC)

struct monitor {
        struct registry *registry;
        monitor_handler_t on_event;     /* or NULL */
        void *userdata;                 /* the argument of on_event() */
        sd_device_monitor *udev;
        sd_event_source *enumerate_timer;
        uint32_t drops;                 /* what the kernel has counted of lost messages */
        uint32_t n_lost;                /* how many messages were lost since the last enumeration */
};

/* libsystemd 252 hides the ENOBUFS of lost messages, so the socket's counter of drops is compared. The counter moves
 * only while messages wait to be read, so it is enough to compare it after a message was read. */
static void check_loss(struct monitor *monitor) {
        uint32_t info[SK_MEMINFO_VARS] = {};
        socklen_t size = sizeof(info);
        int fd;

        fd = sd_event_source_get_io_fd(sd_device_monitor_get_event_source(monitor->udev));
        if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &size) < 0 ||
            info[SK_MEMINFO_DROPS] == monitor->drops)
                return;

        if (monitor->n_lost == 0)
                timer_arm(monitor->enumerate_timer, ENUMERATE_USEC);
        monitor->n_lost += info[SK_MEMINFO_DROPS] - monitor->drops;
        monitor->drops = info[SK_MEMINFO_DROPS];
}

static int on_uevent(sd_device_monitor *udev, sd_device *event, void *userdata) {
        struct monitor *monitor = userdata;

        check_loss(monitor);
        for (size_t i = 0; monitor->registry->backends[i]; i++)
                monitor->registry->backends[i]->on_uevent(monitor->registry, event);
        if (monitor->on_event)
                monitor->on_event(event, monitor->userdata);
        return 0;
}

static int on_enumerate(sd_event_source *source, uint64_t usec, void *userdata) {
        struct monitor *monitor = userdata;

        log_info("%u messages from udev were lost, reading all devices again", monitor->n_lost);
        monitor->n_lost = 0;
        (void) registry_enumerate(monitor->registry);
        return 0;
}

int monitor_new(struct monitor **ret, sd_event *event, struct registry *registry, monitor_handler_t on_event,
                void *userdata) {
        _cleanup_(monitor_freep) struct monitor *monitor = NULL;
        int r;

        monitor = calloc(1, sizeof(*monitor));
        if (!monitor)
                return -ENOMEM;
        *monitor = (struct monitor) { .registry = registry, .on_event = on_event, .userdata = userdata };

        r = sd_device_monitor_new(&monitor->udev);
        if (r < 0)
                return r;
        (void) sd_device_monitor_set_receive_buffer_size(monitor->udev, RECEIVE_BUFFER_SIZE);
        r = sd_device_monitor_attach_event(monitor->udev, event);
        if (r < 0)
                return r;
        /* There is no filter: a parent may be of any subsystem, and with a filter by tag the daemon would see nothing
         * where its udev rules are masked. */
        r = sd_device_monitor_start(monitor->udev, on_uevent, monitor);
        if (r < 0)
                return r;

        r = timer_new(&monitor->enumerate_timer, event, "enumerate", PRIORITY_REQUESTS, TIMER_EXACT_USEC, on_enumerate,
                      monitor);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(monitor);
        return 0;
}

struct monitor *monitor_free(struct monitor *monitor) {
        if (!monitor)
                return NULL;

        sd_event_source_disable_unref(monitor->enumerate_timer);
        sd_device_monitor_unref(monitor->udev);
        free(monitor);
        return NULL;
}
