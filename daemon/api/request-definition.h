/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Requests about definitions: their arguments are read, their callers authorized, and jobs made of them. */

#include "daemon/api/arguments.h"

struct manager;

/** definition_resolve_parent() - if @parent is empty, make it the only parent that defines the UUID. Returns 0; 1 when
 * @message was answered with NotDefined or AmbiguousDefinition; or a negative errno. */
int definition_resolve_parent(struct manager *manager, sd_bus_message *message, const struct uuid_text *uuid,
                              struct parent_name *parent);

/* The requests. Each answers @message, now or when its job has ended, and returns what a method handler of libsystemd
 * returns. */

/** request_define() - Define: reads all arguments from @message. */
int request_define(struct manager *manager, sd_bus_message *message);

/** request_modify() - Modify: reads changes and options from @message. */
int request_modify(struct manager *manager, sd_bus_message *message, const struct uuid_text *uuid,
                   const struct parent_name *parent);

/** request_undefine() - Undefine: reads the options from @message. @parent empty: all parents that define it. */
int request_undefine(struct manager *manager, sd_bus_message *message, const struct uuid_text *uuid,
                     const struct parent_name *parent);

/** request_start() - StartDevice: reads the options from @message. @parent empty: the only one that defines it. */
int request_start(struct manager *manager, sd_bus_message *message, const struct uuid_text *uuid,
                  const struct parent_name *parent);
