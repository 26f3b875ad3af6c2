/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The verbs. */

#include "client/mediatectl/verbs.h"

#include "client/output/tell.h"
#include "client/shared/suggest.h"

#define BIT(option) OPTION_BIT(OPTION_##option)

static const struct verb verbs[] = {
        {"list", "[UUID...]", "Devices and definitions with their state (the default)", 0, ARGUMENTS_ANY,
         OPTIONS_TABLE | BIT(PARENT) | BIT(TYPE) | BIT(STATE), verb_list},
        {"tree", "[PARENT|CARD...]", "Parents and cards, their types with available instances, their devices", 0,
         ARGUMENTS_ANY, OPTIONS_TABLE | BIT(BY_PARENT), verb_tree},
        {"parents", "", "Parents", 0, 0, OPTIONS_TABLE, verb_parents},
        {"types", "[PARENT|CARD] [TYPE]", "Types that parents and cards support", 0, 2,
         OPTIONS_TABLE | BIT(AVAILABLE) | BIT(BY_PARENT), verb_types},
        {"show", "UUID|PARENT|CARD...", "Everything known about devices, definitions, parents, cards", 1, ARGUMENTS_ANY,
         OPTIONS_JSON, verb_show},
        {"create", "PARENT|CARD TYPE [UUID...] [NAME=VALUE...]", "Create devices, until the next boot", 2,
         ARGUMENTS_ANY, OPTIONS_JOB | BIT(COUNT) | BIT(DEFINE) | BIT(AUTO) | BIT(SETTLE), verb_create},
        {"start", "UUID...", "Create the devices of definitions", 0, ARGUMENTS_ANY,
         OPTIONS_JOB | BIT(ALL) | BIT(PARENT) | BIT(DRY_RUN) | BIT(WAIT) | BIT(SETTLE), verb_start},
        {"stop", "UUID...", "Remove devices", 0, ARGUMENTS_ANY,
         OPTIONS_JOB | BIT(ALL) | BIT(PARENT) | BIT(DRY_RUN) | BIT(WAIT), verb_stop},
        {"define", "PARENT TYPE [UUID...] [NAME=VALUE...]", "Remember devices", 1, ARGUMENTS_ANY,
         OPTIONS_JOB | BIT(AUTO) | BIT(MANUAL) | BIT(DEVICE), verb_define},
        {"define", "--device UUID...", "Remember active devices as they are", 1, ARGUMENTS_ANY, 0, verb_define},
        {"modify", "UUID... [NAME=VALUE...]", "Change definitions; NAME=VALUE replace all attributes", 1,
         ARGUMENTS_ANY,
         OPTIONS_JOB | BIT(PARENT) | BIT(AUTO) | BIT(MANUAL) | BIT(TYPE) | BIT(ADD) | BIT(INDEX) | BIT(REMOVE) |
                 BIT(CLEAR) | BIT(LIVE) | BIT(DEFINED),
         verb_modify},
        {"undefine", "UUID...", "Forget definitions; devices stay", 0, ARGUMENTS_ANY,
         OPTIONS_JOB | BIT(ALL) | BIT(PARENT) | BIT(DRY_RUN), verb_undefine},
        {"enable", "UUID...", "Start definitions with their parent from now on", 0, ARGUMENTS_ANY,
         OPTIONS_JOB | BIT(ALL) | BIT(PARENT) | BIT(DRY_RUN), verb_enable},
        {"disable", "UUID...", "Do not start them any more", 0, ARGUMENTS_ANY,
         OPTIONS_JOB | BIT(ALL) | BIT(PARENT) | BIT(DRY_RUN), verb_disable},
        {"set-aside", "PARENT...", "Do not choose these functions of cards any more; --clear: choose them again", 1,
         ARGUMENTS_ANY, BIT(CLEAR), verb_set_aside},
        {"jobs", "", "Requests that are not finished", 0, 0, OPTIONS_TABLE, verb_jobs},
        {"cancel", "JOB...", "Cancel waiting requests", 0, ARGUMENTS_ANY, BIT(ALL), verb_cancel},
        {"monitor", "[UUID...]", "What happens, one line an event, until interrupted", 0, ARGUMENTS_ANY,
         OPTIONS_JSON | BIT(PARENT), verb_monitor},
        {"wait", "", "Until all with start auto are active or have failed, for 30s at most", 0, 0, BIT(TIMEOUT),
         verb_wait},
        {"check", "", "What is wrong on this host, and what to do", 0, 0, OPTIONS_JSON, verb_check},
};

/* Words of other tools. */
static const struct {
        const char *name;
        const char *advice;
} foreign[] = {
        { "remove", "stop removes a device, and undefine its definition" },
        { "delete", "stop removes a device, and undefine its definition" },
        { "rm", "stop removes a device, and undefine its definition" },
        { "status", "list shows all devices, and show one of them" },
        { "info", "show UUID or show PARENT prints everything that is known" },
        { "edit", "modify changes a definition" },
};

static int tell_unknown(const char *name) {
        const char *names[ELEMENTSOF(verbs)], *near;

        for (size_t i = 0; i < ELEMENTSOF(foreign); i++)
                if (streq(foreign[i].name, name))
                        return tell_usage("unknown verb '%s': %s", name, foreign[i].advice);
        for (size_t i = 0; i < ELEMENTSOF(verbs); i++)
                names[i] = verbs[i].name;
        near = suggest_nearest(name, names, ELEMENTSOF(names), SUGGEST_WORD(name));
        if (!near)
                return tell_usage("unknown verb '%s'", name);
        tell("unknown verb '%s'; did you mean '%s'?", name, near);
        return STATUS_USAGE;
}

const struct verb *verb_find(const char *name) {
        if (!name)
                return &verbs[0];

        for (size_t i = 0; i < ELEMENTSOF(verbs); i++)
                if (streq(verbs[i].name, name))
                        return &verbs[i];
        (void) tell_unknown(name);
        return NULL;
}

void verbs_print_help(const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(verbs); i++)
                if (!name || streq(verbs[i].name, name))
                        printf("  %s%s%s\n        %s\n", verbs[i].name, *verbs[i].arguments ? " " : "",
                               verbs[i].arguments, verbs[i].text);
}
