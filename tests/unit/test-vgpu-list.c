/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Lists of types of vendor VFIO, in all variants that were seen, and some that may come. */

#include "worker/vgpu-list.h"

#include "common/macro.h"
#include "tests/unit/test.h"

struct row {
        uint32_t number;
        const char *name;
};

static void check(const char *list, const struct row *rows) {
        _cleanup_free_ char *text = strdup(list);
        char *rest = text;
        const char *name;
        uint32_t number;

        assert_non_null(text);
        for (; rows->number > 0; rows++) {
                assert_true(vgpu_list_next(&rest, &number, &name));
                assert_int_equal(number, rows->number);
                assert_string_equal(name, rows->name);
        }
        assert_false(vgpu_list_next(&rest, &number, &name));
        /* It stays at its end. */
        assert_false(vgpu_list_next(&rest, &number, &name));
}

#define CHECK(list, ...) check(list, (const struct row[]) { __VA_ARGS__ __VA_OPT__(,) {} })

#define ONE { 1145, "NVIDIA L40S-1B" }
#define OTHER { 7, "NVIDIA A16-2Q" }

static void test_as_drivers_print_it(void **state) {
        CHECK("ID    : vGPU Name\n1145  : NVIDIA L40S-1B\n7     : NVIDIA A16-2Q\n", ONE, OTHER);
        CHECK("1145  : NVIDIA L40S-1B\n7     : NVIDIA A16-2Q\n", ONE, OTHER);
        CHECK("ID    : vGPU Name\n");
        CHECK("");
        CHECK("ID    : vGPU Name\n1145  : NVIDIA L40S-1B", ONE);
}

static void test_other_orders_and_separators(void **state) {
        CHECK("NAME                 ID\nNVIDIA L40S-1B       1145\nNVIDIA A16-2Q        7\n", ONE, OTHER);
        CHECK("1145 NVIDIA L40S-1B\n7\tNVIDIA A16-2Q\n", ONE, OTHER);
        CHECK("NVIDIA L40S-1B : 1145\nNVIDIA A16-2Q:7\n", ONE, OTHER);
        CHECK("  1145:NVIDIA L40S-1B  \r\n\n\t7 :  NVIDIA A16-2Q\r\n", ONE, OTHER);
}

/* The numbers in names are a part of them. */
static void test_numbers_in_names(void **state) {
        CHECK("21 : GRID A100 40\nGRID A100 40  21\n", { 21, "GRID A100 40" }, { 21, "GRID A100 40" });
        CHECK("ID    : vGPU Name of driver 570\n1145  : NVIDIA L40S-1B\n", ONE);
        CHECK("1145\n", { 1145, "" });
}

static void test_lines_that_cannot_be_read(void **state) {
        CHECK("?? : \x01\xff :\n\n:\n : \nnone\n1145  : NVIDIA L40S-1B\n-\n-5 : x\n0 : none\n7 : NVIDIA A16-2Q\n", ONE,
              OTHER);
        CHECK("4294967296 : x\n99999999999999999999 : x\n0x5 : x\n4294967295 : largest\n", { 4294967295, "largest" });
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_as_drivers_print_it),
                cmocka_unit_test(test_other_orders_and_separators),
                cmocka_unit_test(test_numbers_in_names),
                cmocka_unit_test(test_lines_that_cannot_be_read),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
