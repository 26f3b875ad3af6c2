/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "common/record.h"

#include <errno.h>

#include "tests/unit/test.h"

#define UUID "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001"

static const char *const device[_RECORD_FIELD_MAX] = {
        [RECORD_UUID] = UUID,
        [RECORD_PARENT] = "mtty",
        [RECORD_DEVICE_TYPE] = "mtty-1",
        [RECORD_DEVICE_STATE] = "active",
};

static const char *const definition[_RECORD_FIELD_MAX] = {
        [RECORD_UUID] = UUID,
        [RECORD_PARENT] = "0000:00:02.0",
        [RECORD_TYPE] = "nvidia-63",
        [RECORD_START] = "auto",
};

static char *write_both(size_t *ret_size) {
        _cleanup_attributes_ struct attributes attributes = {};
        char *text = NULL;
        FILE *stream;

        assert_int_equal(attributes_append(&attributes, "assign_adapter", "5"), 0);
        assert_int_equal(attributes_append(&attributes, "assign_domain", ""), 0);
        stream = open_memstream(&text, ret_size);
        assert_non_null(stream);
        record_write(stream, device, NULL);
        record_write(stream, definition, &attributes);
        assert_int_equal(fclose(stream), 0);
        return text;
}

static void test_what_is_written_is_read(void **state) {
        size_t size;
        _cleanup_free_ char *text = write_both(&size);
        const char *name, *value, *next;
        struct record record;
        ssize_t n, m;

        n = record_read(text, size, &record);
        assert_true(n > 0);
        for (enum record_field i = 0; i < RECORD_N_ATTRIBUTES; i++)
                assert_string_equal(record.fields[i], device[i] ? device[i] : "");
        assert_int_equal(record.n_attributes, 0);

        m = record_read(text + n, size - (size_t) n, &record);
        assert_int_equal(n + m, size);
        for (enum record_field i = 0; i < RECORD_N_ATTRIBUTES; i++)
                assert_string_equal(record.fields[i], definition[i] ? definition[i] : "");
        assert_int_equal(record.n_attributes, 2);
        next = record_next_attribute(record.attributes, &name, &value);
        assert_string_equal(name, "assign_adapter");
        assert_string_equal(value, "5");
        next = record_next_attribute(next, &name, &value);
        assert_string_equal(name, "assign_domain");
        assert_string_equal(value, "");
        assert_ptr_equal(next, text + size);

        assert_int_equal(record_read(text + size, 0, &record), 0);
}

/* Cut anywhere, it is a whole number of records or none. */
static void test_cut_off(void **state) {
        size_t size;
        _cleanup_free_ char *text = write_both(&size);
        struct record record;
        ssize_t first;

        first = record_read(text, size, &record);
        for (size_t end = 1; end < size; end++) {
                _cleanup_free_ char *copy = malloc(end);

                memcpy(copy, text, end);
                assert_int_equal(record_read(copy, end, &record), end < (size_t) first ? -EBADMSG : first);
                if (end > (size_t) first)
                        assert_int_equal(record_read(copy + first, end - (size_t) first, &record), -EBADMSG);
        }
}

static void test_bad_number_of_attributes(void **state) {
        static const char *const numbers[] = { "", "-1", " 1", "1 ", "0x1", "1025", "99999999999999999999999" };
        struct record record;

        for (size_t i = 0; i < ELEMENTSOF(numbers); i++) {
                char text[256] = UUID "\0mtty\0mtty-1\0active\0\0\0\0";
                size_t size = sizeof(UUID "\0mtty\0mtty-1\0active\0\0\0") ;

                strcpy(text + size, numbers[i]);
                assert_int_equal(record_read(text, sizeof(text), &record), -EBADMSG);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_what_is_written_is_read),
                cmocka_unit_test(test_cut_off),
                cmocka_unit_test(test_bad_number_of_attributes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
