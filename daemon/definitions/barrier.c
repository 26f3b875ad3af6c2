/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The event comes from a file that nobody else knows, which is watched like the others: touching it makes the event. */

#include "daemon/definitions/barrier.h"

#include <assert.h>
#include <errno.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/stat.h>

struct barrier {
        int fd;
        sd_event_source *watch;
        bool raised;
        void (*on_passed)(void *userdata);
        void *userdata;
};

static int on_event(sd_event_source *source, const struct inotify_event *event, void *userdata) {
        struct barrier *barrier = userdata;

        if (!barrier->raised)
                return 0;
        barrier->raised = false;
        /* The event may have been lost with others, which every watch hears, in any order. Then it is raised again. */
        if ((event->mask & IN_Q_OVERFLOW) && barrier_raise(barrier) >= 0)
                return 0;
        barrier->on_passed(barrier->userdata);
        return 0;
}

int barrier_new(struct barrier **ret, sd_event *event, void (*on_passed)(void *userdata), void *userdata) {
        _cleanup_(barrier_freep) struct barrier *barrier = NULL;
        int r;

        barrier = calloc(1, sizeof(*barrier));
        if (!barrier)
                return -ENOMEM;
        *barrier = (struct barrier) { .on_passed = on_passed, .userdata = userdata };
        barrier->fd = memfd_create("mediated-barrier", MFD_CLOEXEC);
        if (barrier->fd < 0)
                return -errno;
        r = sd_event_add_inotify_fd(event, &barrier->watch, barrier->fd, IN_ATTRIB, on_event, barrier);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(barrier);
        return 0;
}

struct barrier *barrier_free(struct barrier *barrier) {
        if (!barrier)
                return NULL;

        sd_event_source_disable_unref(barrier->watch);
        closep(&barrier->fd);
        free(barrier);
        return NULL;
}

bool barrier_is_raised(const struct barrier *barrier) {
        return barrier->raised;
}

int barrier_raise(struct barrier *barrier) {
        assert(!barrier->raised);
        if (futimens(barrier->fd, NULL) < 0)
                return -errno;
        barrier->raised = true;
        return 0;
}
