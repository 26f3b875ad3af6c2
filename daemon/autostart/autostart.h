/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Starting what is defined with start `auto`: a state of each definition, moved on by what happens to its parent. */

#include "daemon/definitions/stored-definition.h"
#include "daemon/jobs/job.h"
#include "daemon/registry/parent.h"

/* Creations of one parent that autostart has going at once; more of them only wait at the kernel's lock of sysfs, for
 * each other and for udev's workers. 64 parents share the pool's 64 workers, and requests of people go first there. */
#define AUTOSTART_PARALLEL_DEFAULT 4

/** autostart_init() - returns 0 or a negative errno. */
int autostart_init(struct manager *manager);

/** autostart_parent_here() - a parent has registered, or was here when the daemon started. */
void autostart_parent_here(struct manager *manager, struct parent *parent);

/** autostart_parent_gone() - its definitions wait for it again. */
void autostart_parent_gone(struct manager *manager, const char *parent);

/** autostart_types_read() - its types were read: what waited for a type or an instance may have it now. */
void autostart_types_read(struct manager *manager, struct parent *parent);

/** autostart_consider() - a definition is new, or its start mode has changed. */
void autostart_consider(struct stored_definition *definition);

/** autostart_resume() - a definition that was invalid for a while is auto, as it was before. */
void autostart_resume(struct stored_definition *definition);

/** autostart_device_active() - its device is active, whoever created it. */
void autostart_device_active(struct stored_definition *definition);

/** autostart_forget() - a definition is about to go, or has become invalid. */
void autostart_forget(struct stored_definition *definition);

/** autostart_job_ended() - a start that autostart wanted has ended, or its deadline has passed. */
void autostart_job_ended(struct job *job, enum job_result result);

/** autostart_interrupted() - a crash has interrupted a start that autostart wanted: it is due again. */
void autostart_interrupted(struct manager *manager, const char *parent, const char *uuid);

/** autostart_adopt() - note everything as tried that a daemon which starts now would start. Returns 0 or a negative
 * errno. */
int autostart_adopt(struct manager *manager);
