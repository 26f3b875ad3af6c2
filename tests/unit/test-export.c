/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Announcements of objects: which signals come of what happens, and in which order. */

#include "common/bus-names.h"
#include "daemon/bus/export.h"
#include "tests/unit/fake-bus.h"
#include "tests/unit/test.h"

#define PREFIX BUS_ROOT "/test"
#define INTERFACE "test.Test"

struct object {
        struct export export;
        int a, b;
};

static sd_event *event;
static sd_bus *bus, *callers;
static struct exports *exports;
static struct object x, y;
static char heard[512];                 /* the signals: what happened to what */

static const sd_bus_vtable vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_PROPERTY("A", "i", NULL, offsetof(struct object, a), SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("B", "i", NULL, offsetof(struct object, b), SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_VTABLE_END,
};

static void note(const char *sign, const char *text) {
        snprintf(heard + strlen(heard), sizeof(heard) - strlen(heard), "%s%s", sign, text);
}

/* The names of the properties that have changed, with their values. */
static void note_changes(sd_bus_message *message) {
        const char *name;
        int value;

        assert_true(sd_bus_message_skip(message, "s") >= 0);
        assert_true(sd_bus_message_enter_container(message, 'a', "{sv}") > 0);
        while (sd_bus_message_read(message, "{sv}", &name, "i", &value) > 0) {
                char text[32];

                snprintf(text, sizeof(text), "%d", value);
                note(name, text);
        }
}

static int on_signal(sd_bus_message *message, void *userdata, sd_bus_error *ret_error) {
        const char *member = sd_bus_message_get_member(message), *path = sd_bus_message_get_path(message);
        uint64_t id;

        if (*heard)
                note(" ", "");
        if (streq(member, "InterfacesAdded") || streq(member, "InterfacesRemoved")) {
                assert_true(sd_bus_message_read(message, "o", &path) > 0);
                note(streq(member, "InterfacesAdded") ? "+" : "-", path + strlen(PREFIX "/"));
        } else if (streq(member, "PropertiesChanged")) {
                note(path + strlen(PREFIX "/"), ":");
                note_changes(message);
        } else {
                assert_true(sd_bus_message_read(message, "t", &id) > 0);
                note(member, "");
        }
        return 0;
}

static int set_up(void **state) {
        heard[0] = '\0';
        x = y = (struct object) {};
        assert_true(sd_event_new(&event) >= 0);
        assert_true(sd_bus_new(&bus) >= 0);
        fake_bus_connect(bus, &callers);
        assert_true(sd_bus_add_filter(callers, NULL, on_signal, NULL) >= 0);
        assert_int_equal(exports_new(&exports, event, bus), 0);
        assert_true(sd_bus_add_object_manager(bus, NULL, BUS_ROOT) >= 0);
        assert_true(sd_bus_add_fallback_vtable(bus, NULL, PREFIX, INTERFACE, vtable, exports_find, exports) >= 0);
        return 0;
}

static int tear_down(void **state) {
        export_remove(exports, &x.export);
        export_remove(exports, &y.export);
        exports_free(exports);
        sd_bus_close_unref(callers);
        sd_bus_close_unref(bus);
        sd_event_unref(event);
        return 0;
}

static void add(struct object *object, const char *name) {
        char *path = NULL;

        assert_true(asprintf(&path, PREFIX "/%s", name) > 0);
        assert_int_equal(export_add(exports, &object->export, path, INTERFACE, object), 0);
}

static void change(struct object *object, const char *property, int value) {
        *(streq(property, "A") ? &object->a : &object->b) = value;
        export_change(exports, &object->export, property);
}

static void assert_heard(const char *expected) {
        exports_flush(exports);
        while (sd_bus_process(bus, NULL) > 0 || sd_bus_process(callers, NULL) > 0)
                ;
        assert_string_equal(heard, expected);
        heard[0] = '\0';
}

static void test_order(void **state) {
        add(&x, "x");
        add(&y, "y");
        assert_heard("+x +y");
        change(&y, "A", 1);
        change(&x, "A", 2);
        export_remove(exports, &y.export);
        assert_heard("x:A2 -y");
}

/* What changed before it was announced is announced with its values of then. */
static void test_changes_of_a_new_object(void **state) {
        add(&x, "x");
        change(&x, "A", 1);
        change(&x, "B", 2);
        assert_heard("+x");
}

static void test_changes_become_one(void **state) {
        add(&x, "x");
        add(&y, "y");
        assert_heard("+x +y");
        change(&x, "A", 1);
        change(&y, "A", 5);
        change(&x, "B", 2);
        change(&x, "A", 3);
        assert_heard("x:A3B2 y:A5");
        assert_heard("");
}

static void test_came_and_went(void **state) {
        add(&x, "x");
        change(&x, "A", 1);
        export_remove(exports, &x.export);
        assert_heard("");
}

/* The path is the same, the object is another one. */
static void test_replaced(void **state) {
        add(&x, "x");
        assert_heard("+x");
        export_remove(exports, &x.export);
        add(&y, "x");
        assert_heard("-x +x");
}

static void test_replaced_after_a_change(void **state) {
        add(&x, "x");
        assert_heard("+x");
        change(&x, "A", 1);
        export_remove(exports, &x.export);
        add(&y, "x");
        assert_heard("-x +x");
}

static void test_replaced_before_it_was_announced(void **state) {
        add(&x, "x");
        export_remove(exports, &x.export);
        add(&y, "x");
        assert_heard("+x");
}

static void test_quiet(void **state) {
        exports_set_quiet(exports, true);
        add(&x, "x");
        change(&x, "A", 1);
        exports_set_quiet(exports, false);
        assert_heard("");
        change(&x, "B", 2);
        export_remove(exports, &x.export);
        assert_heard("-x");
}

static void test_jobs(void **state) {
        struct job_signal job = { .id = 7, .uuid = "", .path = PREFIX "/job", .kind = "create", .error = "" };

        add(&x, "x");
        exports_job(exports, &job);
        add(&y, "y");
        job.result = "done";
        exports_job(exports, &job);
        assert_heard("+x JobNew +y JobRemoved");
}

int main(void) {
#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
        const struct CMUnitTest tests[] = {
                TEST(test_order),
                TEST(test_changes_of_a_new_object),
                TEST(test_changes_become_one),
                TEST(test_came_and_went),
                TEST(test_replaced),
                TEST(test_replaced_after_a_change),
                TEST(test_replaced_before_it_was_announced),
                TEST(test_quiet),
                TEST(test_jobs),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
