/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* mediatectl under the names `mdevctl` and `lsmdev`. */

#include "client/mdevctl/mdevctl.h"

#include <errno.h>

#include "client/mdevctl/commands.h"
#include "client/mdevctl/tell.h"
#include "common/io.h"

static int (*const commands[_MDEVCTL_COMMAND_MAX])(const struct mdevctl_arguments *arguments) = {
        [MDEVCTL_DEFINE_COMMAND] = mdevctl_command_define,
        [MDEVCTL_LIST_COMMAND] = mdevctl_command_list,
        [MDEVCTL_MODIFY_COMMAND] = mdevctl_command_modify,
        [MDEVCTL_START_COMMAND] = mdevctl_command_start,
        [MDEVCTL_START_PARENT_COMMAND] = mdevctl_command_start_parent,
        [MDEVCTL_STOP_COMMAND] = mdevctl_command_stop,
        [MDEVCTL_TYPES_COMMAND] = mdevctl_command_types,
        [MDEVCTL_UNDEFINE_COMMAND] = mdevctl_command_undefine,
};

bool mdevctl_is_name(const char *name) {
        name = path_name(name);
        return streq(name, "mdevctl") || streq(name, "lsmdev");
}

int mdevctl_main(int argc, char *argv[], const struct mdevctl_version *version) {
        struct mdevctl_arguments arguments;
        int r;

        r = mdevctl_arguments_parse(argc, argv, version, &arguments);
        if (r < 0)
                return 2;

        r = r > 0 ? commands[mdevctl_command_id(arguments.command)](&arguments) : EXIT_SUCCESS;
        if (r == EXIT_SUCCESS && (fflush(stdout) == EOF || ferror(stdout)))
                r = mdevctl_fail_errno(errno, "Failed to write data");
        return r;
}
