/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* mdevctl's commands. Each prints what goes wrong, and returns the exit status. */

#include "client/mdevctl/arguments.h"

int mdevctl_command_define(const struct mdevctl_arguments *arguments);
int mdevctl_command_list(const struct mdevctl_arguments *arguments);
int mdevctl_command_modify(const struct mdevctl_arguments *arguments);
int mdevctl_command_start(const struct mdevctl_arguments *arguments);
int mdevctl_command_start_parent(const struct mdevctl_arguments *arguments);
int mdevctl_command_stop(const struct mdevctl_arguments *arguments);
int mdevctl_command_types(const struct mdevctl_arguments *arguments);
int mdevctl_command_undefine(const struct mdevctl_arguments *arguments);
