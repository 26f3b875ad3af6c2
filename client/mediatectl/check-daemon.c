/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* mediatectl check: what the daemon knows. */

#include <errno.h>
#include <inttypes.h>
#include <time.h>

#include "client/mediatectl/entries.h"
#include "client/mediatectl/findings.h"
#include "client/mediatectl/place.h"
#include "client/output/tell.h"
#include "client/shared/bus-json.h"
#include "common/io.h"

/* When a job without a deadline is reported. Others are reported when their deadline has passed. */
#define JOB_SLOW_SECONDS 90

static int check_wedged(const struct lists *lists, struct findings *findings, const struct entry *entry) {
        _cleanup_free_ char *text = NULL;

        if (check_is_vgpu_parent(lists, entry->parent))
                return check_vgpu_wedged(findings, entry->uuid, entry->parent);
        text = finding_text("Unload the driver of its parent %s, or reboot. The program that wrote to its 'remove' "
                            "file while it was being created should use mediated",
                            entry->parent);
        return finding_add(findings, SEVERITY_PROBLEM, "wedged", entry->uuid,
                           "The device is wedged: it was removed before it was complete, and the kernel cannot remove "
                           "it any more",
                           text);
}

/* Parents that are not there are reported once for all their definitions, by check_parents(). */
static int check_entry(const struct lists *lists, struct findings *findings, const struct entry *entry) {
        static const char fix[] = "Fix what the message names, then: mediatectl start UUID";
        static const char wait[] = "It starts when one is free; mediatectl tree shows which devices have them";
        static const char vgpu_wait[] =
                "It starts when the driver offers the type; mediatectl tree shows which devices the card has. Types of "
                "different sizes need nvidia-smi vgpu -shm 1 before the first device, and a card in MIG mode needs GPU "
                "instances";
        const char *state = entry_state(entry), *file = json_text(entry->definition_properties, "File");
        _cleanup_free_ char *error = NULL, *text = NULL;
        const char *reason;
        int r;

        r = definition_error(entry, &error);
        if (r < 0)
                return r;
        reason = error ? error : "see the journal";

        if (streq(state, "wedged"))
                return check_wedged(lists, findings, entry);
        if (streq(state, "invalid")) {
                text = finding_text("The definition on %s is invalid: %s", entry->parent, reason);
                return finding_add(findings, SEVERITY_PROBLEM, "invalid-definition", *file ? file : entry->uuid, text,
                                   "Fix the file, or remove it. It is read again as soon as it changes");
        }
        if (streq(state, "failed")) {
                text = finding_text("Autostart on %s failed: %s", entry->parent, reason);
                return finding_add(findings, SEVERITY_PROBLEM, "autostart-failed", entry->uuid, text, fix);
        }
        if (streq(state, "inactive") && error) {
                text = finding_text("The last start on %s failed: %s", entry->parent, error);
                return finding_add(findings, SEVERITY_WARNING, "start-failed", entry->uuid, text, fix);
        }
        if (streq(state, "waiting-type"))
                return finding_add(findings, SEVERITY_WARNING, "waiting-type", entry->uuid, error,
                                   "It starts when the type appears; if it should be there, see the vendor's "
                                   "services and journalctl -k");
        if (streq(state, "waiting-instance"))
                return finding_add(findings, SEVERITY_WARNING, "waiting-instance", entry->uuid, error,
                                   check_is_vgpu_parent(lists, entry->parent) ? vgpu_wait : wait);
        return 0;
}

/* Autostart has given up on such a definition only if its parent came before it: else it waits for the type. */
static int check_place(const struct lists *lists, struct findings *findings, const struct entry *entry) {
        _cleanup_free_ char *text = NULL, *types = NULL, *advice = NULL;

        if (entry->device || !streq(entry->definition->start, "auto") || !streq(entry_state(entry), "inactive") ||
            *json_error_text(entry->definition_properties) ||
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

/* How long ago a job was accepted. It may have waited long before it began to run. */
static uint64_t seconds_since(json_object *properties) {
        uint64_t since = strtoull(json_text(properties, "Since"), NULL, 10) / USEC_PER_SEC, now = (uint64_t) time(NULL);

        return now > since ? now - since : 0;
}

static int check_job(struct findings *findings, const struct listed_job *job, json_object *properties) {
        const char *parent = json_text(properties, "ParentName");
        uint64_t seconds = seconds_since(properties);
        _cleanup_free_ char *text = NULL;

        if (json_object_get_boolean(json_object_object_get(properties, "TimedOut"))) {
                text = finding_text("The driver of %s has not finished the %s for %" PRIu64 " s, which is longer than "
                                    "job %" PRIu64 " may take; other jobs of this device wait for it", parent,
                                    job->kind, seconds, job->id);
                return finding_add(findings, SEVERITY_PROBLEM, "hung-driver", job->uuid, text,
                                   "See what the kernel says: journalctl -k; a reboot ends it for certain");
        }
        if (seconds < JOB_SLOW_SECONDS)
                return 0;
        text = finding_text("Job %" PRIu64 " (%s on %s) runs, and was requested %" PRIu64 " s ago; other jobs of this "
                            "device wait for it", job->id, job->kind, parent, seconds);
        return finding_add(findings, SEVERITY_WARNING, "slow-job", job->uuid, text,
                           "If it does not end, the driver of its parent or a callout does not return: see journalctl "
                           "-u mediated and journalctl -k");
}

static int check_jobs(struct client *client, struct findings *findings) {
        const struct listed_job_list *jobs = &client->lists.jobs;
        int r;

        r = lists_jobs(client);
        for (size_t i = 0; r == 0 && i < jobs->n; i++) {
                _cleanup_json_ json_object *properties = NULL;

                if (!streq(jobs->items[i].state, "running"))
                        continue;
                r = job_fetch(client, &jobs->items[i], &properties);
                if (r == 0 && properties)
                        r = check_job(findings, &jobs->items[i], properties);
        }
        return r;
}

static int add_no_daemon(struct findings *findings, const char *reason) {
        return finding_add(findings, SEVERITY_PROBLEM, "no-daemon", "mediated", reason,
                           "See systemctl status mediated, and journalctl -u mediated");
}

int check_daemon(struct client *client, struct findings *findings) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_entries_ struct entries entries = {};
        _cleanup_free_ char *version = NULL;
        int r;

        r = client_connect(client);
        if (r != 0)
                return r < 0 ? r : add_no_daemon(findings, "The daemon cannot be asked");
        r = sd_bus_get_property_string(client->bus, BUS_NAME, BUS_ROOT, BUS_MANAGER, "Version", &error, &version);
        if (r < 0)
                return sd_bus_error_is_set(&error) ? add_no_daemon(findings, error_text(&error)) : r;

        r = entries_new(client, &entries);
        if (r == 0)
                r = lists_parents(client);
        if (r == 0)
                r = lists_types(client, NULL);
        if (r == 0)
                r = entries_fetch_problems(client, &entries);
        for (size_t i = 0; r == 0 && i < entries.n; i++) {
                r = check_entry(&client->lists, findings, &entries.items[i]);
                if (r == 0)
                        r = check_place(&client->lists, findings, &entries.items[i]);
        }
        if (r == 0)
                r = check_vgpu_cards(&client->lists, findings);
        if (r == 0 && client_is_local(client))
                r = check_parents(&client->lists, findings);
        return r == 0 ? check_jobs(client, findings) : r;
}
