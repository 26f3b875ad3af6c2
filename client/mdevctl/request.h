/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The daemon's methods that change something, in mdevctl's terms. Each returns 0, or -1 with @failure set. */

#include "client/mdevctl/arguments.h"
#include "client/mdevctl/bus.h"
#include "common/definition.h"

/** mdevctl_request_define() - @ret: the reply, which begins with the UUID. */
int mdevctl_request_define(sd_bus *bus, const struct mdevctl_arguments *arguments, const char *parent,
                           const struct definition *definition, struct failure *failure, sd_bus_message **ret);

int mdevctl_request_undefine(sd_bus *bus, const struct mdevctl_arguments *arguments, struct failure *failure);

/** mdevctl_request_modify() - change in a definition what the options say, or with @replacement all of it. With
 * @live change the running device instead, to the attributes of @replacement. */
int mdevctl_request_modify(sd_bus *bus, const struct mdevctl_arguments *arguments, const char *parent,
                           const struct definition *replacement, bool live, struct failure *failure);

/** mdevctl_request_start() - start what is defined. */
int mdevctl_request_start(sd_bus *bus, const struct mdevctl_arguments *arguments, const char *parent,
                          struct failure *failure);

/** mdevctl_request_create() - start what is not. */
int mdevctl_request_create(sd_bus *bus, const struct mdevctl_arguments *arguments, const char *parent,
                           const struct definition *definition, struct failure *failure);

int mdevctl_request_stop(sd_bus *bus, const struct mdevctl_arguments *arguments, struct failure *failure);
