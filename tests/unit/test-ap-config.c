/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Attributes of a device of vfio_ap against what the kernel shows of it. */

#include "worker/ap-config.h"

#include <errno.h>

#include "tests/unit/test.h"

#define ZEROS "00000000000000000000000000000000"
#define NONE "0x" ZEROS ZEROS
/* 5 and 6; 4; 31; 200 */
#define FIVE_AND_SIX "0x06" "000000" "00000000" "0000000000000000" ZEROS
#define FOUR "0x08" "000000" "00000000" "0000000000000000" ZEROS
#define THIRTY_ONE "0x00000001" "00000000" "0000000000000000" ZEROS
#define LAST "0x" ZEROS "0000000000000000" "0000000000000001"

static char differences[128];

/* @words: name, value, …, NULL */
static int compare(const char *shown, const char *const *words) {
        _cleanup_attributes_ struct attributes attributes = {};

        for (; *words; words += 2)
                assert_int_equal(attributes_append(&attributes, words[0], words[1]), 0);
        return ap_config_compare(&attributes, shown, differences, sizeof(differences));
}

#define COMPARE(shown, ...) compare(shown, (const char *const[]) { __VA_ARGS__ __VA_OPT__(,) NULL })

static void test_same(void **state) {
        assert_int_equal(COMPARE(NONE "," NONE "," NONE), 0);
        assert_int_equal(COMPARE(FIVE_AND_SIX "," FOUR "," THIRTY_ONE, "assign_domain", "4", "assign_adapter", "6",
                                 "assign_control_domain", "0x1f", "assign_adapter", "05"), 0);
        assert_int_equal(COMPARE(FIVE_AND_SIX "," LAST "," NONE, "assign_adapter", "5,6", "assign_domain", "0xFF"), 0);
        /* Masks replace what was before them, and may be shorter. */
        assert_int_equal(COMPARE(FIVE_AND_SIX "," FOUR "," NONE, "assign_adapter", "1", "ap_config", "0x06,0x08,0x00"),
                         0);
        assert_int_equal(COMPARE(FIVE_AND_SIX "," FOUR "," NONE, "ap_config", "0x02,0x08,0", "assign_adapter", "5"), 0);
}

static void test_different(void **state) {
        assert_int_equal(COMPARE(FIVE_AND_SIX "," FOUR "," NONE, "assign_adapter", "5", "assign_domain", "4",
                                 "assign_domain", "200", "assign_control_domain", "4"), 1);
        assert_string_equal(differences, "adapter 6 is not wanted, domain 200 is missing, control domain 4 is missing");
        assert_int_equal(COMPARE(NONE "," NONE "," LAST, "assign_domain", "0"), 1);
        assert_string_equal(differences, "domain 0 is missing, control domain 255 is not wanted");
        /* Those that do not fit are left out. */
        assert_int_equal(COMPARE(NONE "," NONE "," NONE, "ap_config", "0xff,0xff,0"), 1);
        assert_string_equal(differences,
                            "adapter 0 is missing, adapter 1 is missing, adapter 2 is missing, adapter 3 is missing, "
                            "adapter 4 is missing");
}

static void test_unknown(void **state) {
        static const char *const bad_values[] = { "", "x", "-1", "256", "5,", ",5", "5 6", "0x",
                                                  "99999999999999999999" };
        static const char *const bad_masks[] = { "", NONE, NONE "," NONE, NONE "," NONE "," NONE ",", "0xg,0,0",
                                                 NONE "0," NONE "," NONE };

        for (size_t i = 0; i < ELEMENTSOF(bad_values); i++)
                assert_int_equal(COMPARE(NONE "," NONE "," NONE, "assign_adapter", bad_values[i]), -EINVAL);
        for (size_t i = 0; i < ELEMENTSOF(bad_masks); i++) {
                assert_int_equal(COMPARE(bad_masks[i]), -EINVAL);
                assert_int_equal(COMPARE(NONE "," NONE "," NONE, "ap_config", bad_masks[i]), -EINVAL);
        }
        assert_int_equal(COMPARE(NONE "," NONE "," NONE, "unassign_adapter", "5"), -EINVAL);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_same),
                cmocka_unit_test(test_different),
                cmocka_unit_test(test_unknown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
