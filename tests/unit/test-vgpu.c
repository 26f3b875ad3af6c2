/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is noted of the vGPUs of vendor VFIO: which one is meant, and which one is not there any more. */

#include "common/vgpu.h"

#include <errno.h>
#include <fcntl.h>

#include "common/io.h"
#include "common/root.h"
#include "tests/unit/fake-host.h"
#include "tests/unit/test.h"

#define VF "0000:3d:00.4"
#define UUID "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001"

/* RFC 4122, version 5: python3 -c "import uuid; print(uuid.uuid5(uuid.UUID('5b1d5c0e-0c3e-4b7c-9a7e-6e0f2a51d493'),
 * '0000:3d:00.4'))" */
#define UUID_OF_VF "31116077-700b-58b1-96a6-cc61f59c66ec"

static int set_up(void **state) {
        fake_host_new();
        fake_directory_add("run/mediated");
        return 0;
}

static int tear_down(void **state) {
        fake_host_free();
        return 0;
}

static void test_types(void **state) {
        static const char *const bad[] = { "", "nvidia-", "nvidia-0", "nvidia-01", "nvidia- 1", "nvidia--1",
                                           "nvidia-+1", "nvidia-1x", "nvidia-0x1", "1145", "mtty-1",
                                           "nvidia-4294967296",
                                           "nvidia-99999999999999999999" };
        char type[VGPU_TYPE_SIZE];

        assert_int_equal(vgpu_number("nvidia-1145"), 1145);
        assert_int_equal(vgpu_number("nvidia-4294967295"), UINT32_MAX);
        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                assert_int_equal(vgpu_number(bad[i]), 0);
        vgpu_type(UINT32_MAX, type);
        assert_string_equal(type, "nvidia-4294967295");
        vgpu_type(0, type);
        assert_string_equal(type, "");
}

static void check_note(ino_t registration, const char *uuid, uint32_t number, uint64_t generation, bool wedged) {
        struct vgpu_note note;

        assert_int_equal(vgpu_note_load(VF, registration, &note), 0);
        assert_string_equal(note.uuid, uuid);
        assert_int_equal(note.number, number);
        assert_int_equal(note.generation, generation);
        assert_int_equal(note.registration, registration);
        assert_int_equal(note.wedged, wedged);
}

static void store(const char *uuid, uint32_t number, uint64_t generation, ino_t registration, bool wedged) {
        struct vgpu_note note = {
                .number = number,
                .generation = generation,
                .registration = registration,
                .wedged = wedged,
        };

        strcpy(note.uuid, uuid);
        assert_int_equal(vgpu_note_store(VF, &note), 0);
}

static void test_there_and_back(void **state) {
        struct vgpu_note note;

        check_note(5, "", 0, 0, false);
        store(UUID, 1145, UINT64_MAX, UINT64_MAX, true);
        check_note(UINT64_MAX, UUID, 1145, UINT64_MAX, true);
        store(UUID, 7, 3, 5, false);
        check_note(5, UUID, 7, 3, false);
        /* What is not in use has a generation all the same: the next one is a later one. */
        assert_int_equal(vgpu_note_load(VF, 5, &note), 0);
        vgpu_note_clear(VF, &note);
        check_note(5, "", 0, 3, false);
}

/* The kernel has forgotten that use. Its generation is not used again. */
static void test_another_registration(void **state) {
        store(UUID, 7, 3, 5, true);
        check_note(6, "", 0, 3, false);
        check_note(5, UUID, 7, 3, true);
}

static void test_what_is_no_note(void **state) {
        static const char *const bad[] = { "x", UUID, UUID " 7 3 5", "- - - - -", UUID " x 3 5 0",
                                           "83B8F4F2-509f-382f-3c1e-e6bfe0fa1001 7 3 5 0", "../../../etc 7 3 5 0" };

        store(UUID, 7, 3, 5, false);
        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                struct vgpu_note note;

                assert_int_equal(unlinkat(root_fd(), "run/mediated/vgpus/" VF, 0), 0);
                assert_int_equal(symlinkat(bad[i], root_fd(), "run/mediated/vgpus/" VF), 0);
                assert_int_equal(vgpu_note_load(VF, 5, &note), 0);
                assert_string_equal(note.uuid, "");
                assert_int_equal(note.number, 0);
        }
        /* One that cannot be read can be replaced. */
        store(UUID, 7, 4, 5, false);
        check_note(5, UUID, 7, 4, false);
}

/* A process that has died in the midst of writing a note is in nobody's way. */
static void test_left_over(void **state) {
        store(UUID, 7, 3, 5, false);
        assert_int_equal(symlinkat("x", root_fd(), "run/mediated/vgpus/." VF), 0);
        check_note(5, UUID, 7, 3, false);
        store(UUID, 8, 4, 5, false);
        check_note(5, UUID, 8, 4, false);
}

static void test_identify(void **state) {
        struct vgpu_note note;

        /* What others have made has a UUID that depends on the VF alone, and a later generation than all before. */
        assert_int_equal(vgpu_identify(VF, 5, 1145, &note), 0);
        assert_string_equal(note.uuid, UUID_OF_VF);
        assert_int_equal(note.number, 1145);
        assert_int_equal(note.generation, 1);
        assert_int_equal(note.registration, 5);

        store(UUID, 1145, 9, 5, true);
        assert_int_equal(vgpu_identify(VF, 5, 1145, &note), 0);
        assert_string_equal(note.uuid, UUID);
        assert_int_equal(note.generation, 9);
        assert_true(note.wedged);

        /* Another type, or the same one after the VF was made anew, is not what was noted. */
        for (int i = 0; i < 2; i++) {
                assert_int_equal(vgpu_identify(VF, 5 + (ino_t) i, i ? 1145 : 7, &note), 0);
                assert_string_equal(note.uuid, UUID_OF_VF);
                assert_int_equal(note.generation, 10);
                assert_false(note.wedged);
        }
}

static void test_look_at_parent(void **state) {
        struct sysfs_parent look;

        assert_int_equal(vgpu_look_at_parent(VF, &look), -ENOENT);
        fake_directory_add("sys/devices/pci0000:3d/" VF "/nvidia");
        fake_directory_add("sys/bus/pci/devices");
        assert_int_equal(symlinkat("../../../devices/pci0000:3d/" VF, root_fd(), "sys/bus/pci/devices/" VF), 0);
        /* The card has this directory, too, but not the file. */
        assert_int_equal(vgpu_look_at_parent(VF, &look), -ENOENT);
        close(openat(root_fd(), "sys/devices/pci0000:3d/" VF "/nvidia/current_vgpu_type", O_CREAT | O_WRONLY, 0644));
        assert_int_equal(vgpu_look_at_parent(VF, &look), 0);
        assert_string_equal(look.path, "/sys/devices/pci0000:3d/" VF);
        assert_int_equal(vgpu_look_at_parent("../devices/" VF, &look), -ENOENT);
        assert_int_equal(vgpu_look_at_parent("", &look), -ENOENT);
        assert_int_equal(vgpu_look_at_parent("..", &look), -ENOENT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_types),           TEST(test_there_and_back), TEST(test_another_registration),
                TEST(test_what_is_no_note), TEST(test_left_over),      TEST(test_identify),
                TEST(test_look_at_parent),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
