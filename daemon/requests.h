/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Requests that change something: their arguments checked, turned into jobs. */

#include <systemd/sd-bus.h>

struct manager;

/* Each answers @message, now or when its job is finished. All return what an sd-bus method handler returns. */

/** request_create() - CreateDevice: reads all arguments from @message. */
int request_create(struct manager *manager, sd_bus_message *message);

/** request_stop() - StopDevice and Device.Stop: reads the options from @message. */
int request_stop(struct manager *manager, sd_bus_message *message, const char *uuid);

/** request_cancel() - CancelJob and Job.Cancel. */
int request_cancel(struct manager *manager, sd_bus_message *message, uint64_t id);
