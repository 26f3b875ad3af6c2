/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* client/shared has what both programs need: mediatectl, and mdevctl's personality of it.
 *
 * Nothing here knows which of the two programs runs, reads a command line, or prints anything. The functions take what
 * they need, such as a connection or a list of words, and return what they have found; the caller puts it into its own
 * words, because mdevctl's must be mdevctl's to the byte.
 *
 * agent.h         polkit's agent, a process that asks for a password on the terminal; the caller ends it
 * array.h         arrays that grow
 * bus-json.h      values of D-Bus messages as JSON, which is what mediatectl shows, prints and compares
 * callout.h       whether this program is run by a callout, and of which job
 * manager-call.h  calls of the methods of the daemon's manager
 * suggest.h       what a person may have meant by a misspelt word
 * status.h        this: the exit statuses of mediatectl
 *
 * The connection to the daemon is not here: mediatectl may reach the daemon of another host, mdevctl never does. */

/* Exit statuses, documented in mediatectl(1). A function that "returns a status" returns 0; or one of these, after it
 * has printed the reason; or a negative errno, of which the caller must inform the person. */

enum status {
        STATUS_DONE = 0,
        STATUS_FAILED = 1,
        STATUS_USAGE = 2,
        STATUS_NOT_FOUND = 3,
        STATUS_BUSY = 4,
};
