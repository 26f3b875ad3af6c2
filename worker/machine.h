/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which virtual machine a process runs. */

#include <sys/types.h>

/** machine_of_process() - find the name of the virtual machine that the process @pid runs, whose name is @comm. It is
 * the name in QEMU's option -name; or that which systemd-machined knows for the process's scope; or that in the name
 * of the scope. @ret is empty if there is none. */
void machine_of_process(pid_t pid, const char *comm, char *ret, size_t size);
