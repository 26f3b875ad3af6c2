/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* UUIDs as text. */

#include "common/uuid.h"

#include <errno.h>

#include "common/macro.h"
#include "tests/unit/test.h"

static void test_normalize(void **state) {
        char uuid[UUID_TEXT_SIZE];

        assert_int_equal(uuid_normalize("83B8F4F2-509F-382F-3C1E-E6BFE0FA1001", uuid), 0);
        assert_string_equal(uuid, "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001");
        /* Proxmox makes them up. */
        assert_int_equal(uuid_normalize("00000000-0000-0000-0000-000000000100", uuid), 0);
}

static void test_refuse(void **state) {
        static const char *const bad[] = {
                "", " ", "83b8f4f2-509f-382f-3c1e-e6bfe0fa100", "83b8f4f2-509f-382f-3c1e-e6bfe0fa10011",
                "83b8f4f2509f382f3c1ee6bfe0fa1001", "83b8f4f2-509f-382f-3c1e-e6bfe0fa100g",
                "../../../../../../../../../../../../etc/", "{83b8f4f2-509f-382f-3c1e-e6bfe0fa1001}",
        };
        char uuid[UUID_TEXT_SIZE] = "untouched";

        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                assert_int_equal(uuid_normalize(bad[i], uuid), -EINVAL);
        assert_string_equal(uuid, "untouched");
}

static void test_is_normal(void **state) {
        assert_true(uuid_is_normal("83b8f4f2-509f-382f-3c1e-e6bfe0fa1001"));
        assert_false(uuid_is_normal("83B8f4f2-509f-382f-3c1e-e6bfe0fa1001"));
}

static void test_random(void **state) {
        char a[UUID_TEXT_SIZE], b[UUID_TEXT_SIZE];

        uuid_random(a);
        uuid_random(b);
        assert_true(uuid_is_normal(a));
        assert_string_not_equal(a, b);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_normalize),
                cmocka_unit_test(test_refuse),
                cmocka_unit_test(test_is_normal),
                cmocka_unit_test(test_random),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
