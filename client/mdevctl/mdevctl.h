/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* client/mdevctl is mediatectl under the names `mdevctl` and `lsmdev`. Programs that call mdevctl find here its
 * arguments, its exit statuses, its standard output to the byte, and the line on standard error that begins with
 * "Error: ". The differences are listed in docs/mdevctl-compatibility.md.
 *
 * common/mdevctl-version.h says in which points the versions of mdevctl differ. arguments.h reads a command line with
 * the tables of grammar.h, usage.h says what is wrong with it, and mdevctl.c runs the command (commands.h):
 *
 * list                     entries.h joins devices and definitions; read-ahead.h reads many files on all processors
 * types                    asks the daemon
 * start, stop, define, …   request.h makes the calls, file.h reads the file of --jsonfile
 *
 * As mdevctl does, this folder reads definitions from their files (store.h). So a list shows what is on disk, and needs
 * no daemon. Devices are listed by the daemon, and it makes every change (bus.h): only it can keep two requests from
 * colliding.
 *
 * A function that fails has printed why in mdevctl's words (tell.h), and returns EXIT_FAILURE. Or it returns a negative
 * errno, or -1 with a struct failure, and its caller prints why. The folder keeps nothing: a run is one command. It
 * knows nothing of client/mediatectl. */

#include <stdbool.h>

#include "common/mdevctl-version.h"

/** mdevctl_is_name() - whether @name, which may be a path, is that of mdevctl or lsmdev. */
bool mdevctl_is_name(const char *name);

/** mdevctl_main() - run a command line as that version of mdevctl. Returns the exit status: 0 done, 1 failed, 2 wrong
 * command line. */
int mdevctl_main(int argc, char *argv[], const struct mdevctl_version *version);
