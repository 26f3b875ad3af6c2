/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The options of a request, an a{sv}, read as arguments.h says. An option that the method does not have is an error,
 * and is never ignored. */

#include <stdbool.h>
#include <systemd/sd-bus.h>

#include "common/macro.h"

enum {
        OPTION_TIMEOUT = 1 << 0,
        OPTION_SETTLE = 1 << 1,
        OPTION_WAIT = 1 << 2,
        OPTION_FORCE = 1 << 3,
        OPTION_LIVE = 1 << 4,
        OPTION_DEFINED = 1 << 5,
        OPTION_CALLOUT_OF = 1 << 6,     /* an option of every method */
        OPTION_HELD_BY = 1 << 7,
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
};

/** options_read() - read the a{sv} that is next in @message. What is not given stays as it is in @ret. @allowed: the
 * method's OPTION_* flags. Returns 0; 1 when @message was answered with InvalidArgs; or a negative errno. */
int options_read(sd_bus_message *message, unsigned int allowed, struct options *ret);
