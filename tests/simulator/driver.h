/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A parent's driver as far as it matters here: it takes time, it fails, it hangs. */

#include <systemd/sd-event.h>

#include "common/macro.h"

typedef enum Operation {
        OPERATION_CREATE,       /* probe */
        OPERATION_ENTER,        /* from the write to `remove` until the file deletes itself */
        OPERATION_REMOVE,       /* unbind */
        OPERATION_RELEASE,      /* from the end of the directory until the last reference is gone */
        OPERATION_READ,         /* of what the driver implements */
        OPERATION_WRITE,        /* of a device's attribute */
        OPERATION_UEVENT,       /* the device's lock, which reading `uevent` takes */
        OPERATION_NUMVFS,       /* of a card: to make or to remove its virtual functions */
        OPERATION_TYPES,        /* of a card: from its functions to their types */
        OPERATION_MANAGE,       /* of a card: the vendor's program that makes the functions */
        OPERATION_VGPU_TYPE,    /* of a function: between the checks of a write and what it does */
        OPERATION_PLUGIN,       /* of a function: from the end of its user to that of the user's plugin */
        OPERATION_PATIENCE,     /* of a function: how long a clear waits for the plugin */
        OPERATION_WEDGE,        /* of a function: a user that goes within this time leaves it wedged */
        _OPERATION_MAX,
        _OPERATION_INVALID = -1,
} Operation;

typedef void (*driver_then_t)(void *userdata);

typedef struct Driver {
        sd_event *event;
        uint64_t delays[_OPERATION_MAX];
        bool hangs[_OPERATION_MAX];
        struct Wait *hung;
        unsigned n_waiting;     /* operations that have begun and not ended */
        struct Failure *failures;
} Driver;

Operation operation_from_string(const char *string);

void driver_run(Driver *driver, Operation operation, driver_then_t then, void *userdata);
void driver_resume(Driver *driver);

void driver_set_failure(Driver *driver, const char *what, int error, unsigned n_skip, unsigned n);
int driver_take_failure(Driver *driver, const char *what);
