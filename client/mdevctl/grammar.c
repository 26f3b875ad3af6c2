/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* mdevctl's commands and options: those of 1.2, and those that 1.3 has added (--force; --live, --defined of modify).
 * 1.4 has added none, but more of them exclude each other. */

#include "client/mdevctl/grammar.h"

#define BIT(option) MDEVCTL_BIT(MDEVCTL_##option)

const struct mdevctl_option_info mdevctl_options[_MDEVCTL_OPTION_MAX] = {
        [MDEVCTL_ADDATTR] = { '\0', "--addattr <attr_name>", "Add an attribute, with the value of --value",
                              BIT(DELATTR) | BIT(JSONFILE), BIT(VALUE), BIT(AUTO) | BIT(MANUAL) },
        [MDEVCTL_AUTO] = { 'a', "--auto", "Start the device when its parent appears", BIT(MANUAL) | BIT(JSONFILE), 0,
                           BIT(ADDATTR) | BIT(DELATTR) | BIT(INDEX) | BIT(VALUE) },
        [MDEVCTL_DEFINED] = { 'd', "--defined", "Act on definitions" },
        [MDEVCTL_DELATTR] = { '\0', "--delattr", "Delete an attribute", BIT(ADDATTR) | BIT(JSONFILE), 0,
                              BIT(AUTO) | BIT(MANUAL) | BIT(VALUE) },
        [MDEVCTL_DUMPJSON] = { '\0', "--dumpjson", "Print JSON" },
        [MDEVCTL_FORCE] = { 'f', "--force", "Go on when a callout refuses" },
        [MDEVCTL_HELP] = { 'h', "--help", "Print this help; --help prints more of it than -h" },
        [MDEVCTL_INDEX] = { 'i', "--index <INDEX>", "Which attribute, from 0; without it the end of the list",
                            BIT(JSONFILE), 0, BIT(AUTO) | BIT(LIVE) | BIT(MANUAL) },
        [MDEVCTL_JSONFILE] = { '\0', "--jsonfile <JSONFILE>", "Take type, start and attributes from a file",
                               BIT(ADDATTR) | BIT(AUTO) | BIT(DELATTR) | BIT(INDEX) | BIT(MANUAL) | BIT(TYPE) |
                               BIT(VALUE) },
        [MDEVCTL_LIVE] = { 'l', "--live", "Change the running device; together with --defined the definition too",
                           0, BIT(JSONFILE), BIT(INDEX) | BIT(TYPE) | BIT(VALUE) },
        [MDEVCTL_MANUAL] = { 'm', "--manual", "Start the device only when somebody asks for it",
                             BIT(AUTO) | BIT(JSONFILE), 0,
                             BIT(ADDATTR) | BIT(DELATTR) | BIT(INDEX) | BIT(VALUE) },
        [MDEVCTL_PARENT] = { 'p', "--parent <PARENT>", "The name of the parent in sysfs" },
        [MDEVCTL_TYPE] = { 't', "--type <type>", "The type of the device", BIT(JSONFILE), 0, BIT(LIVE) },
        [MDEVCTL_UUID] = { 'u', "--uuid <UUID>", "The UUID of the device" },
        [MDEVCTL_VALUE] = { '\0', "--value <attr_value>", "The value for --addattr", BIT(JSONFILE), 0,
                            BIT(AUTO) | BIT(DELATTR) | BIT(LIVE) | BIT(MANUAL), BIT(ADDATTR) },
        [MDEVCTL_VERBOSE] = { 'v', "--verbose", "Print the attributes too" },
        [MDEVCTL_VERSION] = { 'V', "--version", "Print the version" },
};

const struct mdevctl_command mdevctl_commands[_MDEVCTL_COMMAND_MAX + 1] = {
        [MDEVCTL_DEFINE_COMMAND] = {
                "define", "Define a device, so that it outlives a reboot",
                "A device that is active lends its parent and type. Without --uuid the new UUID is\n"
                "printed. The device itself is neither started nor changed.",
                BIT(AUTO) | BIT(FORCE) | BIT(HELP) | BIT(JSONFILE) | BIT(PARENT) | BIT(TYPE) | BIT(UUID),
                .required_any = BIT(UUID) | BIT(PARENT),
        },
        [MDEVCTL_HELP_COMMAND] = { "help", "Print this help, or that of a command" },
        [MDEVCTL_LIST_COMMAND] = {
                "list", "List devices",
                "Active devices, or with --defined the definitions, whether they are active or not. With\n"
                "--uuid and one result --dumpjson prints what --jsonfile of define and start takes.",
                BIT(DEFINED) | BIT(DUMPJSON) | BIT(HELP) | BIT(PARENT) | BIT(UUID) | BIT(VERBOSE) | BIT(VERSION),
        },
        [MDEVCTL_MODIFY_COMMAND] = {
                "modify", "Change a definition, or a running device",
                "Where several parents define the UUID, --parent tells which is meant. A running device\n"
                "changes only with --live, as far as a callout for its type can do that.",
                BIT(ADDATTR) | BIT(AUTO) | BIT(DEFINED) | BIT(DELATTR) | BIT(FORCE) | BIT(HELP) | BIT(INDEX) |
                BIT(JSONFILE) | BIT(LIVE) | BIT(MANUAL) | BIT(PARENT) | BIT(TYPE) | BIT(UUID) | BIT(VALUE),
                .required = BIT(UUID),
                .changes = BIT(ADDATTR) | BIT(AUTO) | BIT(DELATTR) | BIT(JSONFILE) | BIT(MANUAL),
        },
        [MDEVCTL_START_COMMAND] = {
                "start", "Start a device",
                "One that is defined needs its UUID, and its parent where several define it. Any other\n"
                "needs parent and type, or parent and --jsonfile; without --uuid the new UUID is printed.",
                BIT(FORCE) | BIT(HELP) | BIT(JSONFILE) | BIT(PARENT) | BIT(TYPE) | BIT(UUID),
                .required_any = BIT(UUID) | BIT(PARENT),
        },
        [MDEVCTL_START_PARENT_COMMAND] = {
                "start-parent-mdevs", "Start the devices of a parent that are defined as auto", NULL,
                BIT(HELP), .argument = "PARENT", .hidden = true,
        },
        [MDEVCTL_STOP_COMMAND] = {
                "stop", "Stop a device", "Waits as long as the device is in use.",
                BIT(FORCE) | BIT(HELP) | BIT(UUID), .required = BIT(UUID),
        },
        [MDEVCTL_TYPES_COMMAND] = {
                "types", "List the types of devices that can be created", NULL,
                BIT(DUMPJSON) | BIT(HELP) | BIT(PARENT),
        },
        [MDEVCTL_UNDEFINE_COMMAND] = {
                "undefine", "Remove a definition",
                "Without --parent those of all parents that define the UUID. The device itself goes on.",
                BIT(FORCE) | BIT(HELP) | BIT(PARENT) | BIT(UUID), .required = BIT(UUID),
        },
        [MDEVCTL_NO_COMMAND] = { NULL, "Manage mediated devices", NULL, BIT(HELP) | BIT(VERSION) },
};

const struct mdevctl_command *mdevctl_command_find(const char *name) {
        for (size_t i = 0; i < _MDEVCTL_COMMAND_MAX; i++)
                if (streq(mdevctl_commands[i].name, name))
                        return mdevctl_commands + i;
        return NULL;
}

enum mdevctl_option mdevctl_option_by_letter(const struct mdevctl_command *command, char letter) {
        for (int i = 0; i < _MDEVCTL_OPTION_MAX; i++)
                if ((command->options & MDEVCTL_BIT(i)) && letter && mdevctl_options[i].letter == letter)
                        return i;
        return _MDEVCTL_OPTION_INVALID;
}

enum mdevctl_option mdevctl_option_by_name(const struct mdevctl_command *command, const char *name, size_t size) {
        for (int i = 0; i < _MDEVCTL_OPTION_MAX; i++) {
                const char *known = mdevctl_options[i].label + strlen("--");

                if ((command->options & MDEVCTL_BIT(i)) && strcspn(known, " ") == size &&
                    memcmp(known, name, size) == 0)
                        return i;
        }
        return _MDEVCTL_OPTION_INVALID;
}

bool mdevctl_has_value(enum mdevctl_option option) {
        return strchr(mdevctl_options[option].label, '<');
}

unsigned int mdevctl_conflicts(const struct mdevctl_version *version, enum mdevctl_option option) {
        const struct mdevctl_option_info *info = mdevctl_options + option;

        return info->conflicts | (version->modify_must_change ? info->change_conflicts : 0);
}

unsigned int mdevctl_needs(const struct mdevctl_version *version, enum mdevctl_option option, unsigned int given) {
        const struct mdevctl_option_info *info = mdevctl_options + option;
        unsigned int needs = info->needs | (version->modify_must_change ? info->change_needs : 0);

        for (int i = 0; i < _MDEVCTL_OPTION_MAX && version->reads_as_clap_4; i++)
                if ((needs & MDEVCTL_BIT(i)) && (mdevctl_conflicts(version, i) & given))
                        needs &= ~MDEVCTL_BIT(i);
        return needs;
}

unsigned int mdevctl_required_any(const struct mdevctl_version *version, const struct mdevctl_command *command) {
        return command->required_any | (version->modify_must_change ? command->changes : 0);
}

void mdevctl_print_usage(FILE *stream, const struct mdevctl_version *version, const char *program,
                         const struct mdevctl_command *command) {
        fprintf(stream, "%s%s", version->reads_as_clap_4 ? "Usage: " : "USAGE:\n    ", program);
        if (mdevctl_command_id(command) == MDEVCTL_NO_COMMAND)
                fputs(" <SUBCOMMAND>", stream);
        else {
                /* lsmdev is `mdevctl list`, without the word. */
                if (streq(program, "mdevctl"))
                        fprintf(stream, " %s", command->name);
                if (command->options & ~(BIT(HELP) | command->required))
                        fputs(" [OPTIONS]", stream);
        }
        for (int i = 0; i < _MDEVCTL_OPTION_MAX; i++)
                if (command->required & MDEVCTL_BIT(i))
                        fprintf(stream, " %s", mdevctl_options[i].label);
        if (command->argument)
                fprintf(stream, " <%s>", command->argument);
        fputc('\n', stream);
}

static void print_options(FILE *stream, const struct mdevctl_command *command) {
        fputs("\nOPTIONS:\n", stream);
        for (int i = 0; i < _MDEVCTL_OPTION_MAX; i++) {
                const struct mdevctl_option_info *option = mdevctl_options + i;
                char letter[] = { '-', option->letter, ',', '\0' };

                if (command->options & MDEVCTL_BIT(i))
                        fprintf(stream, "    %3s %-24s %s\n", option->letter ? letter : "", option->label,
                                option->help);
        }
}

void mdevctl_print_help(FILE *stream, const struct mdevctl_version *version, const char *program,
                        const struct mdevctl_command *command, bool details) {
        fprintf(stream, "%s\n\n", command->about);
        if (details && command->details)
                fprintf(stream, "%s\n\n", command->details);
        mdevctl_print_usage(stream, version, program, command);
        print_options(stream, command);
        if (mdevctl_command_id(command) != MDEVCTL_NO_COMMAND)
                return;

        fputs("\nSUBCOMMANDS:\n", stream);
        for (size_t i = 0; i < _MDEVCTL_COMMAND_MAX; i++)
                if (!mdevctl_commands[i].hidden)
                        fprintf(stream, "    %-12s%s\n", mdevctl_commands[i].name, mdevctl_commands[i].about);
}
