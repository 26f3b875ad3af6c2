/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* uevents, as udev sends them to whoever monitors it. */

#include <systemd/sd-event.h>

#include "common/macro.h"

typedef struct Udev Udev;

/* One message, ready to be sent. */
typedef struct UdevMessage {
        size_t size;
        char data[];
} UdevMessage;

int udev_new(Udev **ret, sd_event *event);

UdevMessage *udev_message_new(Udev *udev, const char *action, const char *subsystem, const char *devpath,
                              const char *const *properties);
UdevMessage *udev_pass(Udev *udev, UdevMessage *message);
void udev_send(Udev *udev, const UdevMessage *message);
uint64_t udev_seqnum(const Udev *udev);

void udev_lose(Udev *udev, unsigned n);
void udev_set_delay(Udev *udev, uint64_t usec);
