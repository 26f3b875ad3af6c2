/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Lists of attributes, and which names and values are taken. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/attribute.h"
#include "common/name.h"

static void assert_item(const struct attributes *attributes, size_t index, const char *name, const char *value) {
        assert_true(index < attributes->n);
        assert_string_equal(attributes->items[index].name, name);
        assert_string_equal(attributes->items[index].value, value);
}

static void test_list_keeps_order(void **state) {
        _cleanup_attributes_ struct attributes attributes = {};

        assert_int_equal(attributes_append(&attributes, "assign_adapter", "5"), 0);
        assert_int_equal(attributes_append(&attributes, "assign_adapter", "6"), 0);
        assert_int_equal(attributes_insert(&attributes, 0, "first", ""), 0);
        assert_int_equal(attributes_insert(&attributes, 3, "last", "x"), 0);
        assert_int_equal(attributes_insert(&attributes, 5, "beyond", "x"), -ERANGE);
        assert_int_equal(attributes.n, 4);
        assert_item(&attributes, 0, "first", "");
        assert_item(&attributes, 1, "assign_adapter", "5");
        assert_item(&attributes, 2, "assign_adapter", "6");
        assert_item(&attributes, 3, "last", "x");

        assert_int_equal(attributes_remove(&attributes, 4), -ERANGE);
        assert_int_equal(attributes_remove(&attributes, 1), 0);
        assert_int_equal(attributes.n, 3);
        assert_item(&attributes, 0, "first", "");
        assert_item(&attributes, 1, "assign_adapter", "6");
        assert_item(&attributes, 2, "last", "x");
}

static void test_list_is_bounded(void **state) {
        _cleanup_attributes_ struct attributes attributes = {};

        for (size_t i = 0; i < ATTRIBUTES_MAX; i++)
                assert_int_equal(attributes_append(&attributes, "a", "1"), 0);
        assert_int_equal(attributes_append(&attributes, "a", "1"), -E2BIG);
        assert_int_equal(attributes.n, ATTRIBUTES_MAX);
}

static void test_copy_and_equal(void **state) {
        _cleanup_attributes_ struct attributes a = { 0 }, b = { 0 }, none = {};

        assert_int_equal(attributes_append(&a, "a", "1"), 0);
        assert_int_equal(attributes_append(&a, "b", "2"), 0);
        assert_int_equal(attributes_copy(&a, &b), 0);
        assert_true(attributes_equal(&a, &b));
        assert_ptr_not_equal(a.items[0].name, b.items[0].name);

        assert_int_equal(attributes_remove(&b, 0), 0);
        assert_false(attributes_equal(&a, &b));
        assert_int_equal(attributes_append(&b, "a", "1"), 0);
        assert_false(attributes_equal(&a, &b));

        attributes_clear(&b);
        assert_int_equal(b.n, 0);
        assert_true(attributes_equal(&b, &none));
        assert_int_equal(attributes_copy(&none, &b), 0);
        assert_int_equal(b.n, 0);
}

static void test_names_taken(void **state) {
        static const char *const names[] = {
                "assign_adapter", "nvidia/vgpu_params", "intel_vgpu/hw_id", "a/b/c", "...", "..a", ".hidden",
                "a..b/c", "x/remove", "x/power", "powers", "remover", "driver-x", "consumer", "name with space",
                "\xc3\xa9",
        };
        const char *reason = NULL;

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                if (attribute_name_check(names[i], &reason) != 0)
                        fail_msg("\"%s\" was refused: %s", names[i], reason);
        assert_null(reason);
}

static void test_names_refused(void **state) {
        static const char *const names[] = {
                "", "/", "/x", "//", "a//b", "a/", "a/b/", ".", "..", "../x", "a/..", "a/../b", "a/.", "./a", "a/./b",
                "a\nb", "a\x01", "a\x7f", "\n", "a\xff", "a/\xc0\x80", "a\xed\xa0\x80",
                "remove", "remove/x", "uevent", "power", "power/control", "driver", "driver/unbind",
                "driver_override", "subsystem", "subsystem/x", "iommu_group", "iommu_group/type", "mdev_type",
                "mdev_type/create", "consumer:pci:0000:00:01.0", "supplier:pci:x", "wakeup", "waiting_for_supplier",
                "vfio-dev/vfio0/dev", "removable",
        };

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                const char *reason = NULL;

                if (attribute_name_check(names[i], &reason) != -EINVAL)
                        fail_msg("\"%s\" was taken", names[i]);
                assert_non_null(reason);
        }
}

static void test_name_sizes(void **state) {
        char name[ATTRIBUTE_NAME_SIZE_MAX + 2];
        const char *reason;

        memset(name, 'a', sizeof(name));
        name[NAME_COMPONENT_SIZE_MAX] = '\0';
        assert_int_equal(attribute_name_check(name, &reason), 0);
        name[NAME_COMPONENT_SIZE_MAX] = 'a';
        name[NAME_COMPONENT_SIZE_MAX + 1] = '\0';
        assert_int_equal(attribute_name_check(name, &reason), -EINVAL);

        memset(name, 'a', sizeof(name));
        for (size_t i = 1; i < sizeof(name); i += 2)
                name[i] = '/';
        name[ATTRIBUTE_NAME_SIZE_MAX - 1] = 'a';
        name[ATTRIBUTE_NAME_SIZE_MAX] = '\0';
        assert_int_equal(attribute_name_check(name, &reason), 0);
        name[ATTRIBUTE_NAME_SIZE_MAX] = 'a';
        name[ATTRIBUTE_NAME_SIZE_MAX + 1] = '\0';
        assert_int_equal(attribute_name_check(name, &reason), -EINVAL);
}

static void test_values(void **state) {
        char value[ATTRIBUTE_VALUE_SIZE_MAX + 2];
        const char *reason;

        assert_int_equal(attribute_value_check("", &reason), 0);
        assert_int_equal(attribute_value_check("frame_rate_limiter=0,disable_vnc=1", &reason), 0);
        assert_int_equal(attribute_value_check("\xff", &reason), -EINVAL);

        memset(value, 'a', sizeof(value));
        value[ATTRIBUTE_VALUE_SIZE_MAX] = '\0';
        assert_int_equal(attribute_value_check(value, &reason), 0);
        value[ATTRIBUTE_VALUE_SIZE_MAX] = 'a';
        value[ATTRIBUTE_VALUE_SIZE_MAX + 1] = '\0';
        assert_int_equal(attribute_value_check(value, &reason), -EINVAL);
}

static void test_check_of_list(void **state) {
        _cleanup_attributes_ struct attributes attributes = {};
        char message[ATTRIBUTES_CHECK_MESSAGE_SIZE];
        size_t index = 99;

        assert_int_equal(attributes_append(&attributes, "a", "1"), 0);
        assert_int_equal(attributes_append(&attributes, "b", "\xff"), 0);
        assert_int_equal(attributes_append(&attributes, "../c", "1"), 0);
        assert_int_equal(attributes_check(&attributes, &index, message), -EINVAL);
        assert_int_equal(index, 1);
        assert_string_equal(message, "the value is not valid UTF-8");

        assert_int_equal(attributes_remove(&attributes, 1), 0);
        assert_int_equal(attributes_check(&attributes, &index, message), -EINVAL);
        assert_int_equal(index, 1);
        assert_string_equal(message, "the name has '.' or '..' as a component");

        assert_int_equal(attributes_remove(&attributes, 1), 0);
        assert_int_equal(attributes_check(&attributes, &index, message), 0);
}

static void test_names_of_parents_and_types(void **state) {
        static const char *const parents[] = { "mtty", "0000:00:02.0", "matrix", "0.0.0313", "scripts.d2" };
        static const char *const bad[] = { "", ".", "..", "a/b", "/", "a\n", "\xff" };
        const char *reason;

        for (size_t i = 0; i < ELEMENTSOF(parents); i++)
                assert_int_equal(parent_name_check(parents[i], &reason), 0);
        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                assert_int_equal(parent_name_check(bad[i], &reason), -EINVAL);
                assert_int_equal(type_name_check(bad[i], &reason), -EINVAL);
        }
        assert_int_equal(parent_name_check("scripts.d", &reason), -EINVAL);
        assert_int_equal(parent_name_check(".mediated-abcd", &reason), -EINVAL);
        assert_int_equal(type_name_check("i915-GVTg_V5_8", &reason), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_list_keeps_order),
                cmocka_unit_test(test_list_is_bounded),
                cmocka_unit_test(test_copy_and_equal),
                cmocka_unit_test(test_names_taken),
                cmocka_unit_test(test_names_refused),
                cmocka_unit_test(test_name_sizes),
                cmocka_unit_test(test_values),
                cmocka_unit_test(test_check_of_list),
                cmocka_unit_test(test_names_of_parents_and_types),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
