/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Exit statuses, documented in mediatectl(1). Functions of the client that say they return a status return 0, one of
 * these after they told the person the reason, or a negative errno that the caller has to tell. */

enum status {
        STATUS_DONE = 0,
        STATUS_FAILED = 1,
        STATUS_USAGE = 2,
        STATUS_NOT_FOUND = 3,
        STATUS_BUSY = 4,
};
