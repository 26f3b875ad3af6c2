/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* mediatectl under the names `mdevctl` and `lsmdev`: mdevctl's arguments, output and exit status. */

#include <stdbool.h>

/** mdevctl_is_name() - whether a program called so is to be mdevctl or lsmdev. @name may be a path. */
bool mdevctl_is_name(const char *name);

/** mdevctl_main() - run it. Returns the exit status: 0 done, 1 failed, 2 wrong command line. */
int mdevctl_main(int argc, char *argv[]);
