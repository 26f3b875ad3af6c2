/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* In which points the versions of mdevctl differ. */

#include "common/mdevctl-version.h"

#include <assert.h>

#include "common/macro.h"

static const struct mdevctl_version versions[] = {
        /* Debian 12. Its options are a part of those of 1.3.0, which has those that libvirt 10 needs. */
        {
                .name = "1.2.0",
                .options = "1.3.0",
                .ends_with_newline = true,
                .lists_definition = true,
        },
        /* Debian 13. */
        {
                .name = "1.4.0",
                .options = "1.4.0",
                .reads_as_clap_4 = true,
                .modify_must_change = true,
                .opens_jsonfile_first = true,
                .hides_cause = true,
                .asks_capabilities = true,
        },
};

const struct mdevctl_version *mdevctl_version_find(const char *name) {
        const struct mdevctl_version *version = versions;

        while (version < versions + ELEMENTSOF(versions) && !streq(version->name, name))
                version++;
        assert(version < versions + ELEMENTSOF(versions));
        return version;
}
