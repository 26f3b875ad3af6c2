/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The options of a request, an a{sv}, read as arguments.h says. An option that the method does not have is an error,
 * and is never ignored. */

#include <stdbool.h>
#include <systemd/sd-bus.h>

#include "common/macro.h"

/* The options that only some methods have. */
enum {
        OPTION_SETTLE = 1 << 0,
        OPTION_WAIT = 1 << 1,
        OPTION_LIVE = 1 << 2,
        OPTION_DEFINED = 1 << 3,
        OPTION_HELD_BY = 1 << 4,
        OPTION_NO_JOB = 1 << 5,         /* the method makes no job, and has no option */
};

#define OPTION_TIMEOUT_UNSET USEC_INFINITY

struct options {
        uint64_t timeout;       /* µs; 0: none */
        uint64_t held_by;       /* the id of a process; 0: none */
        uint64_t callout_of;    /* the number of the job whose callout makes the request; 0: none */
        bool settle;
        bool wait;
        bool force;
        bool live;
        bool defined;
        bool no_wait;           /* whether the call is answered when the job is accepted */
};

/** options_read() - read the a{sv} that is next in @message. What is not given stays as it is in @ret. @allowed: the
 * method's OPTION_* flags. Returns 0; 1 when @message was answered with InvalidArgs; or a negative errno. */
int options_read(sd_bus_message *message, unsigned int allowed, struct options *ret);
