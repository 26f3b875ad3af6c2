/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The versions of mdevctl that mediated can follow, and all points in which these differ. A build follows one of them,
 * by the option mdevctl_version. The programs' main() hands it on. */

#include <stdbool.h>

struct mdevctl_version {
        const char *name;
        const char *options;            /* the version whose options there are; scripts compare it */

        /* The command line. */
        bool reads_as_clap_4;           /* checks words in the order of clap 4, with its messages; else clap 3 */
        bool modify_must_change;        /* `modify` needs a change, and takes only options that go together */

        /* The output. */
        bool ends_with_newline;         /* `list` and `types` print a newline after everything else */
        bool lists_definition;          /* `list` shows an active device as its definition describes it */

        /* Errors. */
        bool opens_jsonfile_first;      /* `define` and `modify` open the file before anything else is checked */
        bool hides_cause;               /* `stop`, `undefine` and `modify --live` say what failed, and not why */

        /* Callouts. */
        bool asks_capabilities;         /* a callout that knows version 2 of the protocol comes before all others */
};

/** mdevctl_version_find() - by name. Asserts that there is that version. */
const struct mdevctl_version *mdevctl_version_find(const char *name);
