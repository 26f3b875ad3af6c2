/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Whatever Modify is asked for, of whatever file: changes survive their way to the worker, do to the attributes what a
 * plain list says they should, and what may be stored after them can be read again. The input is the changes as a
 * worker's task has them, a NUL, and the text of the file. */

#include "common/definition-changes.h"
#include "common/message.h"
#include "tests/fuzz/fuzz.h"

static json_object *parse(const char *text) {
        json_object *object = json_tokener_parse(text);

        if (json_object_is_type(object, json_type_object))
                return object;
        json_object_put(object);
        return NULL;
}

static char *text_of(const struct definition_changes *changes) {
        _cleanup_json_ json_object *object = definition_changes_to_json(changes);

        return strdup(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN));
}

static void check_way_to_worker(const struct definition_changes *changes) {
        _cleanup_definition_changes_ struct definition_changes received = {};
        _cleanup_free_ char *sent = text_of(changes), *again = NULL;
        _cleanup_json_ json_object *object = parse(sent);

        MUST(definition_changes_from_json(object, &received) == 0);
        again = text_of(&received);
        MUST(streq(sent, again));
}

/* What the attributes become, by nothing but memmove(); returns whether the changes can be applied. Borrows strings. */
static bool model(const struct definition_changes *changes, const struct attributes *before, struct attribute *items,
                  size_t *n) {
        const struct attributes *list = changes->set_attributes ? &changes->attributes : before;

        *n = list->n;
        for (size_t i = 0; i < list->n; i++)
                items[i] = list->items[i];

        for (size_t i = 0; i < changes->n_list; i++) {
                const struct attribute_change *change = changes->list + i;
                bool at_end = change->index == -1;
                size_t index = at_end ? (change->add || *n == 0 ? *n : *n - 1) : (size_t) change->index;

                if (change->index < -1 || (change->add ? index > *n || *n == ATTRIBUTES_MAX : !at_end && index >= *n))
                        return false;
                if (change->add) {
                        memmove(items + index + 1, items + index, (*n - index) * sizeof(*items));
                        items[index] = (struct attribute) { change->name, change->value };
                        (*n)++;
                } else if (*n > 0) {
                        memmove(items + index, items + index + 1, (*n - index - 1) * sizeof(*items));
                        (*n)--;
                }
        }
        return true;
}

static void check_attributes(const struct definition *definition, const struct attribute *items, size_t n) {
        const struct attributes *attributes = definition_attributes(definition);

        MUST(attributes->n == n);
        for (size_t i = 0; i < n; i++)
                MUST(streq(attributes->items[i].name, items[i].name) &&
                     streq(attributes->items[i].value, items[i].value));
}

/* As the worker does it. */
static void check_store(const struct definition *definition) {
        _cleanup_definition_ struct definition *again = NULL;
        _cleanup_free_ char *text = NULL;
        struct definition_error error = {};
        int r;

        if (definition_check(definition, &error) < 0) {
                MUST(error.message[0] != '\0');
                return;
        }
        r = definition_format(definition, &text);
        if (r == -EFBIG)
                return;
        MUST(r == 0);
        MUST(definition_parse(text, strlen(text), &again, &error) == 0);
        MUST(definition_check(again, &error) == 0);
        MUST(streq(definition_type(again), definition_type(definition)));
        MUST(definition_start(again) == definition_start(definition));
        MUST(attributes_equal(definition_attributes(again), definition_attributes(definition)));
}

static void check_apply(const struct definition_changes *changes, struct definition *definition) {
        struct attribute *items = calloc(ATTRIBUTES_MAX + 1, sizeof(*items));
        _cleanup_attributes_ struct attributes before = {};
        _cleanup_failure_ struct failure failure = {};
        bool possible;
        size_t n;

        MUST(items && attributes_copy(definition_attributes(definition), &before) == 0);
        possible = model(changes, &before, items, &n);
        if (definition_changes_apply(changes, definition, &failure) < 0)
                MUST(!possible && failure.code != FAILURE_NONE && failure.message);
        else {
                MUST(possible && failure.code == FAILURE_NONE);
                MUST(!changes->type || streq(definition_type(definition), changes->type));
                MUST(!changes->set_start || definition_start(definition) == changes->start);
                check_attributes(definition, items, n);
                check_store(definition);
        }
        free(items);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct input input = { (const char *) data, size };
        _cleanup_definition_changes_ struct definition_changes changes = {};
        _cleanup_definition_ struct definition *definition = NULL;
        _cleanup_free_ char *text = input_take_string(&input, '\0');
        _cleanup_json_ json_object *object = parse(text);
        struct definition_error error;

        if (!object || definition_changes_from_json(object, &changes) < 0)
                return 0;
        check_way_to_worker(&changes);

        if (definition_parse(input.data, input.size, &definition, &error) < 0)
                MUST(definition_new("", START_MANUAL, NULL, &definition) == 0);
        check_apply(&changes, definition);
        return 0;
}
