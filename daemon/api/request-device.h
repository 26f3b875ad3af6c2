/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Requests about devices and jobs: their arguments are read, their callers authorized, and jobs made of them. */

#include <systemd/sd-bus.h>

struct job;
struct manager;
struct options;
struct uuid_text;

/** request_refuse_draining() - a daemon that is stopping takes nothing new. Returns 0; 1 when @message was answered
 * with an error; or a negative errno. */
int request_refuse_draining(struct manager *manager, sd_bus_message *message);

/** request_accept() - submit the job within the limits. @message is answered when it ends, or now with an error.
 * Returns what an sd-bus method handler returns. */
int request_accept(struct manager *manager, sd_bus_message *message, struct job *job, const struct options *options);

/* The requests. Each answers @message, now or when its job has ended, and returns what a method handler of libsystemd
 * returns. */

/** request_create() - CreateDevice: reads all arguments from @message. */
int request_create(struct manager *manager, sd_bus_message *message);

/** request_stop() - StopDevice and Device.Stop: reads the options from @message. */
int request_stop(struct manager *manager, sd_bus_message *message, const struct uuid_text *uuid);

/** request_cancel() - CancelJob and Job.Cancel. */
int request_cancel(struct manager *manager, sd_bus_message *message, uint64_t id);

/** request_reload() - Reload. */
int request_reload(struct manager *manager, sd_bus_message *message);
