/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* mediatectl modify, enable and disable: changes of definitions. */

#include <assert.h>
#include <errno.h>

#include "client/mediatectl/dry-run.h"
#include "client/mediatectl/notes.h"
#include "client/mediatectl/place.h"
#include "client/mediatectl/request.h"
#include "client/mediatectl/verbs.h"
#include "client/output/tell.h"
#include "client/shared/manager-call.h"
#include "common/attribute-bus.h"

/* What Modify changes; NULL: it stays as it is. */
struct changes {
        const char *type, *start;
        const struct attributes *attributes;    /* the new list of attributes */
        const struct options *options;          /* with the attributes to add and to remove */
};

/* Opens the entry @key of a{sv}, for a value of type @signature. */
static int open_change(sd_bus_message *message, const char *key, const char *signature) {
        int r;

        r = sd_bus_message_open_container(message, 'e', "sv");
        if (r >= 0)
                r = sd_bus_message_append(message, "s", key);
        return r < 0 ? r : sd_bus_message_open_container(message, 'v', signature);
}

static int close_change(sd_bus_message *message) {
        int r;

        r = sd_bus_message_close_container(message);
        return r < 0 ? r : sd_bus_message_close_container(message);
}

static int append_added(sd_bus_message *message, const struct options *options) {
        int index = options->index, r;

        r = open_change(message, "add-attributes", "a(iss)");
        if (r >= 0)
                r = sd_bus_message_open_container(message, 'a', "(iss)");
        for (size_t i = 0; r >= 0 && i < options->add.n; i++) {
                r = sd_bus_message_append(message, "(iss)", index, options->add.items[i].name,
                                          options->add.items[i].value);
                /* The next one comes behind this one. */
                if (index >= 0)
                        index++;
        }
        if (r >= 0)
                r = sd_bus_message_close_container(message);
        return r < 0 ? r : close_change(message);
}

static int append_removed(sd_bus_message *message, const struct options *options) {
        int r;

        r = open_change(message, "remove-attributes", "ai");
        if (r >= 0)
                r = sd_bus_message_append_array(message, 'i', options->remove, options->n_remove * sizeof(int));
        return r < 0 ? r : close_change(message);
}

static int append_replaced(sd_bus_message *message, const struct attributes *attributes) {
        int r;

        r = open_change(message, "attributes", "a(ss)");
        if (r >= 0)
                r = attributes_append_to_message(message, attributes);
        return r < 0 ? r : close_change(message);
}

static int append_changes(sd_bus_message *message, const struct changes *changes) {
        int r;

        r = sd_bus_message_open_container(message, 'a', "{sv}");
        if (r >= 0 && changes->type)
                r = sd_bus_message_append(message, "{sv}", "type", "s", changes->type);
        if (r >= 0 && changes->start)
                r = sd_bus_message_append(message, "{sv}", "start", "s", changes->start);
        if (r >= 0 && changes->attributes)
                r = append_replaced(message, changes->attributes);
        if (r >= 0 && changes->options->n_remove > 0)
                r = append_removed(message, changes->options);
        if (r >= 0 && changes->options->add.n > 0)
                r = append_added(message, changes->options);
        return r < 0 ? r : sd_bus_message_close_container(message);
}

static int add_modify(struct calls *calls, const struct target *target, const struct changes *changes) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL;
        int r;

        r = manager_call_new(calls->client->bus, &message, "Modify", "ss", target->uuid, target->parent);
        if (r >= 0)
                r = append_changes(message, changes);
        return r < 0 ? r : request_add(calls, TAKE_PTR(message), target->uuid);
}

static const struct listed_definition *find_definition(const struct lists *lists, const struct target *target) {
        return lists_find_definition(lists, target->uuid, target->parent);
}

/* Whether the definition was changed in what its device is made of. */
static bool changes_device(const struct changes *changes) {
        const struct options *options = changes->options;

        if (option_given(options, OPTION_LIVE) && !option_given(options, OPTION_DEFINED))
                return false;
        return changes->type || changes->attributes || options->add.n > 0 || options->n_remove > 0;
}

/* Warns about definitions that cannot start as things are. */
static int warn_modified(struct client *client, const struct calls *calls, const struct targets *targets,
                         const struct changes *changes) {
        const char *warned = NULL;
        int r;

        if (!changes_device(changes))
                return 0;
        assert(calls->n == targets->n);
        r = lists_definitions(client);
        for (size_t i = 0; r == 0 && i < calls->n; i++) {
                const struct listed_definition *definition = find_definition(&client->lists, &targets->items[i]);
                const char *type;

                /* A device without a definition can be changed with --live. */
                if (call_error(&calls->items[i]) || !definition)
                        continue;
                type = changes->type ? changes->type : definition->type;
                if (changes->type && (!warned || !streq(warned, definition->parent)))
                        r = place_warn(client, definition->parent, type);
                warned = definition->parent;
                if (r == 0 && changes->attributes)
                        r = place_warn_attributes(client, definition->uuid, definition->parent, type,
                                                  changes->attributes);
                if (r == 0)
                        r = place_warn_attributes(client, definition->uuid, definition->parent, type,
                                                  &changes->options->add);
        }
        return r;
}

static int note_modified(struct client *client, const struct calls *calls, const struct targets *targets,
                         const struct changes *changes) {
        struct notes notes = {};
        int r;

        if (!tell_shows_notes())
                return 0;
        r = lists_definitions(client);
        for (size_t i = 0; r == 0 && i < calls->n; i++) {
                const struct listed_definition *definition = find_definition(&client->lists, &targets->items[i]);

                if (call_error(&calls->items[i]) || !definition)
                        continue;
                if (changes->start && streq(changes->start, "auto"))
                        r = notes_add_start(client, &notes, definition->uuid, definition->parent, definition->active);
                if (definition->active && changes_device(changes) && !option_given(changes->options, OPTION_LIVE))
                        notes_add_change(&notes, definition->uuid, definition->parent);
        }
        if (r == 0)
                notes_print(&notes, !changes->type && !changes->start);
        return r;
}

/* @done is the word for the summary, after --all. */
static int modify_all(struct client *client, const struct targets *targets, const struct changes *changes,
                      const char *done) {
        _cleanup_calls_ struct calls calls = { .client = client };
        int r = 0, status;

        for (size_t i = 0; r == 0 && i < targets->n; i++)
                r = add_modify(&calls, &targets->items[i], changes);
        if (r != 0)
                return r;
        status = request_run(&calls, "Modifying");
        request_sum_up(&calls, done, "definition");
        r = warn_modified(client, &calls, targets, changes);
        if (r == 0)
                r = note_modified(client, &calls, targets, changes);
        return r != 0 ? r : status;
}

int verb_modify(struct client *client, char **arguments, size_t n) {
        const struct options *options = client->options;
        _cleanup_attributes_ struct attributes attributes = {};
        _cleanup_targets_ struct targets targets = {};
        struct changes changes = { .type = options->type, .options = options };
        int r;

        r = attributes_parse(arguments, &n, &attributes);
        if (r < 0)
                return r;
        if (n == 0)
                return tell_usage("modify takes UUIDs");
        if (attributes.n > 0 || option_given(options, OPTION_CLEAR))
                changes.attributes = &attributes;
        if (option_given(options, OPTION_AUTO) || option_given(options, OPTION_MANUAL))
                changes.start = option_given(options, OPTION_AUTO) ? "auto" : "manual";
        if (!changes.type && !changes.start && !changes.attributes && options->add.n == 0 && options->n_remove == 0)
                return tell_usage("modify: say what to change");

        r = client_connect(client);
        if (r == 0)
                r = targets_parse(client, arguments, n, KNOWN_DEFINITIONS, &targets);
        return r != 0 ? r : modify_all(client, &targets, &changes, "Modified");
}

static int set_start(struct client *client, char **arguments, size_t n, bool enable) {
        struct changes changes = { .start = enable ? "auto" : "manual", .options = client->options };
        _cleanup_targets_ struct targets targets = {};
        int r;

        r = client_connect(client);
        if (r == 0)
                r = targets_definitions(client, arguments, n, false, &targets);
        if (r == 0 && option_given(client->options, OPTION_DRY_RUN))
                return dry_run_definitions(client, &targets, enable ? "enable" : "disable", false, false);
        return r != 0 ? r : modify_all(client, &targets, &changes, enable ? "Enabled" : "Disabled");
}

int verb_enable(struct client *client, char **arguments, size_t n) {
        return set_start(client, arguments, n, true);
}

int verb_disable(struct client *client, char **arguments, size_t n) {
        return set_start(client, arguments, n, false);
}
