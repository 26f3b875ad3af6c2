/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Calls of the daemon's methods that change something, from mdevctl's options. Each returns 0, or -1 with @failure
 * set. */

#include "client/mdevctl/arguments.h"
#include "client/mdevctl/bus.h"
#include "common/definition.h"

/** mdevctl_request_define() - store a new definition. The reply in @ret, unless that is NULL, begins with the UUID. */
int mdevctl_request_define(sd_bus *bus, const struct mdevctl_arguments *arguments, const char *parent,
                           const struct definition *definition, struct failure *failure, sd_bus_message **ret);

/** mdevctl_request_undefine() - remove the definition on @parent; NULL: those on all parents. */
int mdevctl_request_undefine(sd_bus *bus, const struct mdevctl_arguments *arguments, const char *parent,
                             struct failure *failure);

/** mdevctl_request_modify() - change a definition as the options say, or with @replacement into that. With @live give
 * the running device the attributes of @replacement instead. */
int mdevctl_request_modify(sd_bus *bus, const struct mdevctl_arguments *arguments, const char *parent,
                           const struct definition *replacement, bool live, struct failure *failure);

/** mdevctl_request_start() - start a device that is defined. */
int mdevctl_request_start(sd_bus *bus, const struct mdevctl_arguments *arguments, const char *parent,
                          struct failure *failure);

/** mdevctl_request_create() - start a device that is not defined, as @definition says. */
int mdevctl_request_create(sd_bus *bus, const struct mdevctl_arguments *arguments, const char *parent,
                           const struct definition *definition, struct failure *failure);

/** mdevctl_request_stop() - stop a device, unless it is in use. */
int mdevctl_request_stop(sd_bus *bus, const struct mdevctl_arguments *arguments, struct failure *failure);
