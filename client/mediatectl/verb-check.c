/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* mediatectl check: what is wrong on this host, and what to do. */

#include <errno.h>
#include <sys/utsname.h>

#include "client/mediatectl/findings.h"
#include "client/mediatectl/verbs.h"
#include "client/output/table.h"
#include "client/output/tell.h"
#include "client/output/terminal.h"

static const char *severity_to_string(enum severity severity) {
        return severity == SEVERITY_PROBLEM ? "problem" : "warning";
}

static void print_finding(const struct finding *finding, size_t width) {
        const char *severity = severity_to_string(finding->severity);
        bool colours = terminal_has_colours(stdout);
        _cleanup_free_ char *text = NULL;

        text = finding_text("%s%s%s", finding->subject ? finding->subject : "", finding->subject ? ": " : "",
                            finding->message);
        printf("%s%s%s", colours ? state_colour(severity) : "", severity, colours ? "\033[0m" : "");
        printf("  ");
        put_wrapped(stdout, text ? text : finding->message, 9, 9, width);
        printf("%9s", "");
        put_wrapped(stdout, finding->advice, 9, 9, width);
}

static int print_json(const struct client *client, const struct findings *findings) {
        static const struct column columns[] = {
                { "SEVERITY", COLUMN_STANDARD }, { "ID", COLUMN_STANDARD },     { "SUBJECT", COLUMN_STANDARD },
                { "MESSAGE", COLUMN_STANDARD },  { "ADVICE", COLUMN_STANDARD },
        };
        _cleanup_table_ struct table *table = NULL;
        int r;

        r = table_new(options_table(client->options), "findings", columns, ELEMENTSOF(columns), &table);
        for (size_t i = 0; r == 0 && i < findings->n; i++) {
                const struct finding *finding = &findings->items[i];
                const char *texts[] = { severity_to_string(finding->severity), finding->id, finding->subject,
                                        finding->message, finding->advice };
                struct libscols_line *line = table_add(table, NULL);

                r = line ? 0 : -ENOMEM;
                for (size_t j = 0; r >= 0 && j < ELEMENTSOF(texts); j++)
                        r = table_set(table, line, j, texts[j]);
        }
        return r != 0 ? r : table_print(table, NULL);
}

static const char *plural(size_t n) {
        return n == 1 ? "" : "s";
}

static int print_findings(const struct client *client, const struct findings *findings) {
        const struct lists *lists = &client->lists;
        size_t width = terminal_width(stdout);
        bool colours = terminal_has_colours(stdout);

        if (option_given(client->options, OPTION_JSON))
                return print_json(client, findings);

        for (size_t i = 0; i < findings->n; i++)
                print_finding(&findings->items[i], width);
        if (findings->n == 0)
                printf("%sok%s       No problem found: %zu parent%s, %zu device%s, %zu definition%s%s\n",
                       colours ? state_colour("ok") : "", colours ? "\033[0m" : "", lists->parents.n,
                       plural(lists->parents.n), lists->devices.n, plural(lists->devices.n), lists->definitions.n,
                       plural(lists->definitions.n),
                       client_is_local(client) ? "" : " (the host's files were not looked at)");
        return 0;
}

int verb_check(struct client *client, char **arguments, size_t n) {
        _cleanup_findings_ struct findings findings = {};
        struct utsname name;
        bool bad;
        int r;

        /* The files of another host cannot be read; only its daemon can be asked. */
        if (client_is_local(client)) {
                uname(&name);
                r = check_host(&findings, name.release);
                if (r >= 0)
                        r = check_callouts(&findings);
                if (r >= 0)
                        r = check_cards(&findings);
                if (r < 0)
                        return r;
        }

        r = check_daemon(client, &findings);
        if (r < 0)
                return r;
        /* A message says what the daemon did not answer. What was found is printed all the same. */
        bad = r > 0;

        r = print_findings(client, &findings);
        if (r != 0)
                return r;
        for (size_t i = 0; i < findings.n; i++)
                bad |= findings.items[i].severity == SEVERITY_PROBLEM;
        return bad ? STATUS_FAILED : STATUS_DONE;
}
