/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* mediatectl check: what is wrong on this host, and what to do. */

#include <errno.h>
#include <sys/utsname.h>

#include "client/mediatectl/entries.h"
#include "client/mediatectl/findings.h"
#include "client/mediatectl/place.h"
#include "client/mediatectl/verbs.h"
#include "client/output/table.h"
#include "client/output/tell.h"
#include "client/output/terminal.h"
#include "client/shared/bus-json.h"
#include "common/utf8.h"

static int check_entry(struct findings *findings, const struct entry *entry) {
        const char *state = entry_state(entry), *error = json_error_text(entry->definition_properties);
        const char *file = json_text(entry->definition_properties, "File");
        _cleanup_free_ char *text = NULL;

        if (streq(state, "wedged")) {
                text = finding_text(
                        "Unload the driver of its parent %s, or reboot; who wrote to its 'remove' file while it "
                        "was being created should use mediated",
                        entry->parent);
                return finding_add(findings, SEVERITY_PROBLEM, "wedged", entry->uuid,
                                   "The device is wedged: it was removed before it was complete, and the kernel "
                                   "cannot remove "
                                   "it any more",
                                   text);
        }
        if (streq(state, "invalid")) {
                text = finding_text("The definition on %s is invalid: %s", entry->parent,
                                    *error ? error : "see the journal");
                return finding_add(findings, SEVERITY_PROBLEM, "invalid-definition", *file ? file : entry->uuid, text,
                                   "Mend the file, or remove it: it is read again as soon as it changes");
        }
        if (streq(state, "failed")) {
                text = finding_text("Autostart on %s failed: %s", entry->parent, *error ? error : "see the journal");
                return finding_add(findings, SEVERITY_PROBLEM, "autostart-failed", entry->uuid, text,
                                   "Mend what the message names, then: mediatectl start UUID");
        }
        if (streq(state, "waiting-type") || streq(state, "waiting-instance")) {
                text = finding_text("Autostart on %s waits: %s %s", entry->parent,
                                    streq(state, "waiting-type") ? "the parent has no type"
                                                                 : "no instance is available of",
                                    entry->type);
                return finding_add(
                        findings, SEVERITY_WARNING,
                        streq(state, "waiting-type") ? "waiting-type" : "waiting-instance", entry->uuid, text,
                        streq(state, "waiting-type")
                                ? "It starts when the type appears; if it should be there, see the vendor's "
                                  "services and journalctl -k"
                                : "It starts when one comes free: see mediatectl tree for what holds them");
        }
        return 0;
}

/* Autostart has given up on such a definition only if its parent came before it: else it waits for the type. */
static int check_place(const struct lists *lists, struct findings *findings, const struct entry *entry) {
        _cleanup_free_ char *text = NULL, *types = NULL, *advice = NULL;

        if (entry->device || !streq(entry->definition->start, "auto") || !streq(entry_state(entry), "inactive") ||
            !lists_has_parent(lists, entry->parent) || place_has_type(lists, entry->parent, entry->type))
                return 0;
        types = place_types(lists, entry->parent);
        text = finding_text("The definition is to start with its parent %s, which has no type '%s'; %s", entry->parent,
                            entry->type, types ? types : "");
        advice = finding_text("If the name is wrong: mediatectl modify %s --type TYPE", entry->uuid);
        return types ? finding_add(findings, SEVERITY_WARNING, "missing-type", entry->uuid, text, advice) : -ENOMEM;
}

/* The definitions are sorted by parent. */
static int check_parents(const struct lists *lists, struct findings *findings) {
        const struct listed_definition_list *definitions = &lists->definitions;
        int r = 0;

        for (size_t i = 0, n; r >= 0 && i < definitions->n; i += n) {
                const char *parent = definitions->items[i].parent;
                size_t n_auto = 0;

                for (n = 0; i + n < definitions->n && streq(definitions->items[i + n].parent, parent); n++)
                        n_auto += streq(definitions->items[i + n].start, "auto");
                if (!lists_has_parent(lists, parent))
                        r = check_missing_parent(findings, parent, n, n_auto);
        }
        return r;
}

int check_daemon(struct client *client, struct findings *findings) {
        _cleanup_entries_ struct entries entries = {};
        int r;

        r = entries_new(client, &entries);
        if (r == 0)
                r = lists_parents(client);
        if (r == 0)
                r = lists_types(client, NULL);
        if (r == 0)
                r = entries_fetch_problems(client, &entries);
        for (size_t i = 0; r == 0 && i < entries.n; i++) {
                r = check_entry(findings, &entries.items[i]);
                if (r == 0)
                        r = check_place(&client->lists, findings, &entries.items[i]);
        }
        if (r == 0 && client_is_local(client))
                r = check_parents(&client->lists, findings);
        return r;
}

static const char *severity_to_string(enum severity severity) {
        return severity == SEVERITY_PROBLEM ? "problem" : "warning";
}

/* Prints @text with line breaks between words, so that no line has more than @width columns. The first line has @used
 * columns already; the others begin with @indent blanks. */
static void print_wrapped(char *text, size_t used, size_t indent, size_t width) {
        utf8_make_line(text);
        while (*text) {
                size_t n = strcspn(text, " ");

                if (width > 0 && used > indent && used + 1 + n > width) {
                        printf("\n%*s", (int) indent, "");
                        used = indent;
                } else if (used > indent) {
                        printf(" ");
                        used++;
                }
                printf("%.*s", (int) n, text);
                used += n;
                text += n + (text[n] != '\0');
        }
        printf("\n");
}

static void print_finding(const struct finding *finding, size_t width) {
        const char *severity = severity_to_string(finding->severity);
        bool colours = terminal_has_colours(stdout);
        _cleanup_free_ char *text = NULL;

        text = finding_text("%s%s%s", finding->subject ? finding->subject : "", finding->subject ? ": " : "",
                            finding->message);
        printf("%s%s%s", colours ? state_colour(severity) : "", severity, colours ? "\033[0m" : "");
        printf("  ");
        print_wrapped(text ? text : finding->message, 9, 9, width);
        printf("%9s", "");
        print_wrapped(finding->advice, 9, 9, width);
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

static int print_findings(const struct client *client, const struct findings *findings) {
        size_t width = terminal_width(stdout);
        bool colours = terminal_has_colours(stdout);

        if (option_given(client->options, OPTION_JSON))
                return print_json(client, findings);

        for (size_t i = 0; i < findings->n; i++)
                print_finding(&findings->items[i], width);
        if (findings->n == 0)
                printf("%sok%s       Nothing is wrong that this program knows of: %zu parents, %zu devices, %zu "
                       "definitions%s\n",
                       colours ? state_colour("ok") : "", colours ? "\033[0m" : "", client->lists.parents.n,
                       client->lists.devices.n, client->lists.definitions.n,
                       client_is_local(client) ? "" : " (the host's files were not looked at)");
        return 0;
}

int verb_check(struct client *client, char **arguments, size_t n) {
        _cleanup_findings_ struct findings findings = {};
        struct utsname name;
        int r, daemon_status;

        /* The files of another host cannot be read; only its daemon can be asked. */
        if (client_is_local(client)) {
                uname(&name);
                r = check_host(&findings, name.release);
                if (r >= 0)
                        r = check_pci(&findings);
                if (r < 0)
                        return r;
        }

        /* If the daemon cannot be asked, a message has been printed. What was found without it is printed all the
         * same. */
        daemon_status = check_daemon(client, &findings);
        if (daemon_status < 0)
                return daemon_status;
        if (daemon_status > 0) {
                r = finding_add(&findings, SEVERITY_PROBLEM, "no-daemon", "mediated", "The daemon does not answer",
                                "See systemctl status mediated, and journalctl -u mediated");
                if (r < 0)
                        return r;
        }

        r = print_findings(client, &findings);
        if (r != 0)
                return r;
        for (size_t i = 0; i < findings.n; i++)
                if (findings.items[i].severity == SEVERITY_PROBLEM)
                        return STATUS_FAILED;
        return STATUS_DONE;
}
