/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* mdevctl's commands and options: those of 1.2, and what 1.3 has added (--force, --live, --defined of modify). */

#include "client/mdevctl/grammar.h"

#define BIT MDEVCTL_BIT

const struct mdevctl_option_info mdevctl_options[_MDEVCTL_OPTION_MAX] = {
        [MDEVCTL_ADDATTR] = { '\0', "addattr", "attr_name", "--addattr <attr_name>",
                              "Add an attribute, with the value of --value" },
        [MDEVCTL_AUTO] = { 'a', "auto", NULL, "--auto", "Start the device when its parent appears" },
        [MDEVCTL_DEFINED] = { 'd', "defined", NULL, "--defined", "Act on definitions" },
        [MDEVCTL_DELATTR] = { '\0', "delattr", NULL, "--delattr", "Delete an attribute" },
        [MDEVCTL_DUMPJSON] = { '\0', "dumpjson", NULL, "--dumpjson", "Print JSON" },
        [MDEVCTL_FORCE] = { 'f', "force", NULL, "--force", "Go on when a callout refuses" },
        [MDEVCTL_HELP] = { 'h', "help", NULL, "--help", "Print this help; --help prints more of it than -h" },
        [MDEVCTL_INDEX] = { 'i', "index", "INDEX", "--index <INDEX>",
                            "Which attribute, from 0; without it the end of the list" },
        [MDEVCTL_JSONFILE] = { '\0', "jsonfile", "JSONFILE", "--jsonfile <JSONFILE>",
                               "Take type, start and attributes from a file" },
        [MDEVCTL_LIVE] = { 'l', "live", NULL, "--live",
                           "Change the running device; together with --defined the definition too" },
        [MDEVCTL_MANUAL] = { 'm', "manual", NULL, "--manual", "Start the device only when somebody asks for it" },
        [MDEVCTL_PARENT] = { 'p', "parent", "PARENT", "--parent <PARENT>", "The name of the parent in sysfs" },
        [MDEVCTL_TYPE] = { 't', "type", "type", "--type <type>", "The type of the device" },
        [MDEVCTL_UUID] = { 'u', "uuid", "UUID", "--uuid <UUID>", "The UUID of the device" },
        [MDEVCTL_VALUE] = { '\0', "value", "attr_value", "--value <attr_value>", "The value for --addattr" },
        [MDEVCTL_VERBOSE] = { 'v', "verbose", NULL, "--verbose", "Print the attributes too" },
        [MDEVCTL_VERSION] = { 'V', "version", NULL, "--version", "Print the version" },
};

const struct mdevctl_command mdevctl_commands[_MDEVCTL_COMMAND_MAX + 1] = {
        [MDEVCTL_DEFINE_COMMAND] = {
                .id = MDEVCTL_DEFINE_COMMAND, .name = "define",
                .about = "Define a device, so that it outlives a reboot",
                .details = "A device that is active lends its parent and type. Without --uuid the new UUID is\n"
                           "printed. The device itself is neither started nor changed.",
                .options = BIT(MDEVCTL_AUTO) | BIT(MDEVCTL_FORCE) | BIT(MDEVCTL_HELP) | BIT(MDEVCTL_JSONFILE) |
                           BIT(MDEVCTL_PARENT) | BIT(MDEVCTL_TYPE) | BIT(MDEVCTL_UUID),
                .required_any = BIT(MDEVCTL_UUID) | BIT(MDEVCTL_PARENT),
        },
        [MDEVCTL_HELP_COMMAND] = {
                .id = MDEVCTL_HELP_COMMAND, .name = "help",
                .about = "Print this help, or that of a command",
        },
        [MDEVCTL_LIST_COMMAND] = {
                .id = MDEVCTL_LIST_COMMAND, .name = "list",
                .about = "List devices",
                .details = "Active devices, or with --defined the definitions, whether they are active or not. With\n"
                           "--uuid and one result --dumpjson prints what --jsonfile of define and start takes.",
                .options = BIT(MDEVCTL_DEFINED) | BIT(MDEVCTL_DUMPJSON) | BIT(MDEVCTL_HELP) | BIT(MDEVCTL_PARENT) |
                           BIT(MDEVCTL_UUID) | BIT(MDEVCTL_VERBOSE) | BIT(MDEVCTL_VERSION),
        },
        [MDEVCTL_MODIFY_COMMAND] = {
                .id = MDEVCTL_MODIFY_COMMAND, .name = "modify",
                .about = "Change a definition, or a running device",
                .details = "Where several parents define the UUID, --parent tells which is meant. A running device\n"
                           "changes only with --live, as far as a callout for its type can do that.",
                .options = BIT(MDEVCTL_ADDATTR) | BIT(MDEVCTL_AUTO) | BIT(MDEVCTL_DEFINED) | BIT(MDEVCTL_DELATTR) |
                           BIT(MDEVCTL_FORCE) | BIT(MDEVCTL_HELP) | BIT(MDEVCTL_INDEX) | BIT(MDEVCTL_JSONFILE) |
                           BIT(MDEVCTL_LIVE) | BIT(MDEVCTL_MANUAL) | BIT(MDEVCTL_PARENT) | BIT(MDEVCTL_TYPE) |
                           BIT(MDEVCTL_UUID) | BIT(MDEVCTL_VALUE),
                .required = BIT(MDEVCTL_UUID),
        },
        [MDEVCTL_START_COMMAND] = {
                .id = MDEVCTL_START_COMMAND, .name = "start",
                .about = "Start a device",
                .details = "One that is defined needs its UUID, and its parent where several define it. Any other\n"
                           "needs parent and type, or parent and --jsonfile; without --uuid the new UUID is printed.",
                .options = BIT(MDEVCTL_FORCE) | BIT(MDEVCTL_HELP) | BIT(MDEVCTL_JSONFILE) | BIT(MDEVCTL_PARENT) |
                           BIT(MDEVCTL_TYPE) | BIT(MDEVCTL_UUID),
                .required_any = BIT(MDEVCTL_UUID) | BIT(MDEVCTL_PARENT),
        },
        [MDEVCTL_START_PARENT_COMMAND] = {
                .id = MDEVCTL_START_PARENT_COMMAND, .name = "start-parent-mdevs", .argument = "PARENT",
                .about = "Start the devices of a parent that are defined as auto",
                .options = BIT(MDEVCTL_HELP),
                .hidden = true,
        },
        [MDEVCTL_STOP_COMMAND] = {
                .id = MDEVCTL_STOP_COMMAND, .name = "stop",
                .about = "Stop a device",
                .details = "Waits as long as the device is in use.",
                .options = BIT(MDEVCTL_FORCE) | BIT(MDEVCTL_HELP) | BIT(MDEVCTL_UUID),
                .required = BIT(MDEVCTL_UUID),
        },
        [MDEVCTL_TYPES_COMMAND] = {
                .id = MDEVCTL_TYPES_COMMAND, .name = "types",
                .about = "List the types of devices that can be created",
                .options = BIT(MDEVCTL_DUMPJSON) | BIT(MDEVCTL_HELP) | BIT(MDEVCTL_PARENT),
        },
        [MDEVCTL_UNDEFINE_COMMAND] = {
                .id = MDEVCTL_UNDEFINE_COMMAND, .name = "undefine",
                .about = "Remove a definition",
                .details = "Without --parent those of all parents that define the UUID. The device itself goes on.",
                .options = BIT(MDEVCTL_FORCE) | BIT(MDEVCTL_HELP) | BIT(MDEVCTL_PARENT) | BIT(MDEVCTL_UUID),
                .required = BIT(MDEVCTL_UUID),
        },
        [MDEVCTL_NO_COMMAND] = {
                .id = MDEVCTL_NO_COMMAND,
                .about = "Manage mediated devices",
                .options = BIT(MDEVCTL_HELP) | BIT(MDEVCTL_VERSION),
        },
};

static const struct {
        enum mdevctl_command_id command;
        enum mdevctl_option a, b;
} conflicts[] = {
        { MDEVCTL_DEFINE_COMMAND, MDEVCTL_JSONFILE, MDEVCTL_AUTO },
        { MDEVCTL_DEFINE_COMMAND, MDEVCTL_JSONFILE, MDEVCTL_TYPE },
        { MDEVCTL_START_COMMAND, MDEVCTL_JSONFILE, MDEVCTL_TYPE },
        { MDEVCTL_MODIFY_COMMAND, MDEVCTL_ADDATTR, MDEVCTL_DELATTR },
        { MDEVCTL_MODIFY_COMMAND, MDEVCTL_AUTO, MDEVCTL_MANUAL },
        { MDEVCTL_MODIFY_COMMAND, MDEVCTL_JSONFILE, MDEVCTL_ADDATTR },
        { MDEVCTL_MODIFY_COMMAND, MDEVCTL_JSONFILE, MDEVCTL_AUTO },
        { MDEVCTL_MODIFY_COMMAND, MDEVCTL_JSONFILE, MDEVCTL_DELATTR },
        { MDEVCTL_MODIFY_COMMAND, MDEVCTL_JSONFILE, MDEVCTL_INDEX },
        { MDEVCTL_MODIFY_COMMAND, MDEVCTL_JSONFILE, MDEVCTL_MANUAL },
        { MDEVCTL_MODIFY_COMMAND, MDEVCTL_JSONFILE, MDEVCTL_TYPE },
        { MDEVCTL_MODIFY_COMMAND, MDEVCTL_JSONFILE, MDEVCTL_VALUE },
};

static const struct {
        enum mdevctl_command_id command;
        enum mdevctl_option option, needs;
} needs[] = {
        { MDEVCTL_MODIFY_COMMAND, MDEVCTL_ADDATTR, MDEVCTL_VALUE },
        { MDEVCTL_MODIFY_COMMAND, MDEVCTL_LIVE, MDEVCTL_JSONFILE },
};

const struct mdevctl_command *mdevctl_command_find(const char *name) {
        for (size_t i = 0; i < _MDEVCTL_COMMAND_MAX; i++)
                if (streq(mdevctl_commands[i].name, name))
                        return mdevctl_commands + i;
        return NULL;
}

enum mdevctl_option mdevctl_option_by_letter(const struct mdevctl_command *command, char letter) {
        for (int i = 0; i < _MDEVCTL_OPTION_MAX; i++)
                if ((command->options & BIT(i)) && letter && mdevctl_options[i].letter == letter)
                        return i;
        return _MDEVCTL_OPTION_INVALID;
}

enum mdevctl_option mdevctl_option_by_name(const struct mdevctl_command *command, const char *name, size_t size) {
        for (int i = 0; i < _MDEVCTL_OPTION_MAX; i++)
                if ((command->options & BIT(i)) && strlen(mdevctl_options[i].name) == size &&
                    memcmp(mdevctl_options[i].name, name, size) == 0)
                        return i;
        return _MDEVCTL_OPTION_INVALID;
}

bool mdevctl_conflicts(const struct mdevctl_command *command, enum mdevctl_option a, enum mdevctl_option b) {
        for (size_t i = 0; i < ELEMENTSOF(conflicts); i++)
                if (conflicts[i].command == command->id && ((conflicts[i].a == a && conflicts[i].b == b) ||
                                                            (conflicts[i].a == b && conflicts[i].b == a)))
                        return true;
        return false;
}

enum mdevctl_option mdevctl_needs(const struct mdevctl_command *command, enum mdevctl_option option) {
        for (size_t i = 0; i < ELEMENTSOF(needs); i++)
                if (needs[i].command == command->id && needs[i].option == option)
                        return needs[i].needs;
        return _MDEVCTL_OPTION_INVALID;
}

void mdevctl_print_usage(FILE *stream, const char *program, const struct mdevctl_command *command) {
        fprintf(stream, "USAGE:\n    %s", program);
        if (command->id == MDEVCTL_NO_COMMAND)
                fputs(" <SUBCOMMAND>", stream);
        else {
                /* lsmdev is a command of its own. */
                if (streq(program, "mdevctl"))
                        fprintf(stream, " %s", command->name);
                if (command->options & ~(BIT(MDEVCTL_HELP) | command->required))
                        fputs(" [OPTIONS]", stream);
        }
        for (int i = 0; i < _MDEVCTL_OPTION_MAX; i++)
                if (command->required & BIT(i))
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

                if (command->options & BIT(i))
                        fprintf(stream, "    %3s %-24s %s\n", option->letter ? letter : "", option->label,
                                option->help);
        }
}

void mdevctl_print_help(FILE *stream, const char *program, const struct mdevctl_command *command, bool details) {
        fprintf(stream, "%s\n\n", command->about);
        if (details && command->details)
                fprintf(stream, "%s\n\n", command->details);
        mdevctl_print_usage(stream, program, command);
        print_options(stream, command);
        if (command->id != MDEVCTL_NO_COMMAND)
                return;

        fputs("\nSUBCOMMANDS:\n", stream);
        for (size_t i = 0; i < _MDEVCTL_COMMAND_MAX; i++)
                if (!mdevctl_commands[i].hidden)
                        fprintf(stream, "    %-12s%s\n", mdevctl_commands[i].name, mdevctl_commands[i].about);
}
