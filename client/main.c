/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* mediatectl: the client of mediated for people; and, under the names of mdevctl, for programs that call mdevctl. */

#include <errno.h>
#include <locale.h>
#include <signal.h>

#include "client/mdevctl/mdevctl.h"
#include "client/mediatectl/resolve.h"
#include "client/mediatectl/verbs.h"
#include "client/output/tell.h"

static int help(const char *name) {
        const struct verb *verb = NULL;

        if (name) {
                verb = verb_find(name);
                if (!verb)
                        return STATUS_USAGE;
        }
        if (verb)
                printf("mediatectl [OPTION...] %s\n\n", verb->name);
        else
                printf("mediatectl [OPTION...] [VERB [ARGUMENT...]]\n\n"
                       "Create, define and watch mediated devices. UUIDs may be cut down to what is unique.\n\n"
                       "Verbs:\n");
        verbs_print_help(name);
        printf("\n");
        options_print_help(verb ? verb->options | OPTIONS_ALWAYS : UINT64_MAX);
        printf("\nExit status: 0 done, 1 failed, 2 wrong command line, 3 not found, 4 in use.\n"
               "See mediatectl(1).\n");
        return STATUS_DONE;
}

static int run_verb(struct client *client, struct options *options, char **arguments, size_t n) {
        const struct verb *verb;
        int r;

        verb = verb_find(n > 0 ? arguments[0] : NULL);
        if (!verb)
                return STATUS_USAGE;
        r = options_check(options, verb->name, verb->options);
        if (r == 0 && options->parent)
                r = resolve_short_parent(client, &options->parent);
        if (r != 0)
                return r;

        if (n > 0) {
                arguments++;
                n--;
        }
        if (n < verb->min)
                return tell_usage("%s needs more arguments: mediatectl %s %s", verb->name, verb->name,
                                  verb->arguments);
        if (n > verb->max && verb->max == 0)
                return tell_usage("%s takes no arguments", verb->name);
        if (n > verb->max)
                return tell_usage("%s takes fewer arguments: mediatectl %s %s", verb->name, verb->name,
                                  verb->arguments);
        return verb->run(client, arguments, n);
}

static int run(int argc, char *argv[], struct options *options) {
        struct client client = { .options = options };
        int first, r;

        r = options_parse(argc, argv, options, &first);
        if (r != 0)
                return r;
        if (first < argc && streq(argv[first], "help"))
                return help(argv[first + 1]);
        if (option_given(options, OPTION_HELP))
                return help(first < argc ? argv[first] : NULL);
        if (option_given(options, OPTION_VERSION)) {
                printf("mediatectl " PROJECT_VERSION "\n");
                return STATUS_DONE;
        }

        r = run_verb(&client, options, argv + first, (size_t) (argc - first));
        lists_clear(&client.lists);
        client_done(&client);
        return r;
}

int main(int argc, char *argv[]) {
        struct options options = {};
        int r;

        if (argc > 0 && mdevctl_is_name(argv[0]))
                return mdevctl_main(argc, argv, mdevctl_version_find(FOLLOWED_MDEVCTL));

        /* The locale decides about characters only: numbers and error texts are as documented. */
        setlocale(LC_CTYPE, "");

        r = run(argc, argv, &options);
        options_clear(&options);
        if (r < 0)
                r = tell_status(STATUS_FAILED, "%s", strerror(-r));
        /* Output that cannot be written, to a full disk for example, is a failure. */
        if (fflush(stdout) == EOF && r == STATUS_DONE)
                r = tell_status(STATUS_FAILED, "Cannot write: %s", strerror(errno));
        return r;
}
