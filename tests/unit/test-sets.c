/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The files of mediated.d: their syntax, which cards they name, and which of them count. */

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>

#include "common/root.h"
#include "common/sets.h"
#include "tests/unit/test.h"

static const struct set_card card = { "0000:3d:00.0", "nvidia", "10de:26b9" };
static const struct set_card other = { "0001:3d:00.0", "xe", "8086:56c0" };

static char warnings[512];

static void keep_warning(const char *warning, void *userdata) {
        size_t n = strlen(warnings);

        snprintf(warnings + n, sizeof(warnings) - n, "%s\n", warning);
}

static void parse(const char *text, struct set *ret) {
        *ret = (struct set) { .name = strdup("a"), .path = strdup("/etc/mediated.d/a.conf") };
        warnings[0] = '\0';
        assert_int_equal(set_parse(ret, text, strlen(text), keep_warning, NULL), 0);
}

static void test_settings(void **state) {
        _cleanup_set_ struct set set = {}, program = {};

        parse("# comment\n"
              "[Match]\n"
              "Card = 0000:3d:00.0 \n"
              "\n"
              "[VirtualFunctions]\r\n"
              "; comment\n"
              "Count=all\n"
              "Count=\n"
              "Count=16", &set);
        assert_null(set.error);
        assert_string_equal(warnings, "");
        assert_true(set.has_functions && !set.all);
        assert_int_equal(set.count, 16);
        assert_true(set_matches(&set, &card));
        assert_false(set_matches(&set, &other));

        parse("[Match]\nDriver=nvidia\n[VirtualFunctions]\nPrepare=/bin/false\nPrepare=/bin/x -e \\\n"
              "  # a comment within\n  \"%c b\"  a%%'\"'\\ c \\\\\n", &program);
        assert_null(program.error);
        assert_int_equal(program.prepare.n, 5);
        assert_string_equal(program.prepare.items[2], "%c b");
        assert_string_equal(program.prepare.items[4], "\\");
        assert_null(program.prepare.items[5]);
}

static void test_command(void **state) {
        _cleanup_set_words_ struct set_words words = {};
        _cleanup_set_ struct set set = {};

        parse("[VirtualFunctions]\nPrepare=/bin/x %c 100%%%%c x%cy\n", &set);
        assert_null(set.error);
        assert_int_equal(set_command(&set, "0000:3d:00.0", &words), 0);
        assert_int_equal(words.n, 4);
        assert_string_equal(words.items[0], "/bin/x");
        assert_string_equal(words.items[1], "0000:3d:00.0");
        assert_string_equal(words.items[2], "100%%c");
        assert_string_equal(words.items[3], "x0000:3d:00.0y");
        assert_null(words.items[4]);
}

static void test_unknown(void **state) {
        _cleanup_set_ struct set set = {};

        parse("[Match]\nCard=*\nParent=x\n[Device]\nType=nvidia-1\nno assignment\n[VirtualFunctions]\nCount=2\n"
              "[X-Mine]\na=b\n", &set);
        assert_null(set.error);
        assert_int_equal(set.count, 2);
        assert_string_equal(warnings,
                            "/etc/mediated.d/a.conf:3: This version does not know Parent= in this section, and "
                            "ignores it\n"
                            "/etc/mediated.d/a.conf:4: This version does not know the section [Device], and ignores "
                            "it\n");
}

static void test_errors(void **state) {
        static const struct {
                const char *text, *error;
        } cases[] = {
                { "[VirtualFunctions]\nCount=0\n", "a.conf:2: Count=0 is refused: mediated never disables" },
                { "[VirtualFunctions]\nCount=+1\n", "a.conf:2: Count=+1 is neither 'all' nor a number" },
                { "[VirtualFunctions]\nCount=16x\n", "Count=16x is neither" },
                { "[VirtualFunctions]\nCount=65536\n", "Count=65536 is neither" },
                { "[VirtualFunctions]\nCount=99999999999999999999\n", "is neither" },
                { "[VirtualFunctions]\nPrepare=sriov-manage -e %c\n", "needs its full path" },
                { "[VirtualFunctions]\nPrepare=/bin/x %i\n", "unknown specifier in '%i'; %c is" },
                { "[VirtualFunctions]\nPrepare=/bin/x %\n", "unknown specifier" },
                { "[VirtualFunctions]\nPrepare=/bin/x 'a\n", "quote that does not end" },
                { "[VirtualFunctions]\nCount=1\nPrepare=/bin/x\n", "exclude each other" },
                { "Count=1\n", "a.conf:1: 'Count=1' is before the first section" },
                { "[Match]\nCard\n", "'Card' has no '='" },
                { "[Match\nCard=*\n", "its ] is missing" },
                { "[Match]\nCard=\"x\n", "quote that does not end" },
                { "[Match]\nCard=\xff\n", "not a text in UTF-8" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_set_ struct set set = {};

                parse(cases[i].text, &set);
                if (!set.error || !strstr(set.error, cases[i].error))
                        fail_msg("%s: %s", cases[i].text, set.error ? set.error : "no error");
        }
}

static void test_matches(void **state) {
        static const struct {
                const char *match;
                bool card, other;
        } cases[] = {
                { "", false, false },
                { "Card=*\n", true, true },
                { "Card=3d:00.0\n", true, false },
                { "Card=0001:3d:00.0 0000:3d:*\n", true, true },
                { "Card=0001:3d:00.0\nCard=0000:3d:*\n", true, true },
                { "Card=*\nCard=\n", false, false },
                { "Card=!0000:3d:00.0 0000:3e:00.0\n", false, true },
                { "Card=*\nDriver=nvidia\n", true, false },
                { "PCIDevice=10de:*\n", true, false },
                { "PCIDevice=8086:56c?\nDriver=xe\n", false, true },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_set_ struct set set = {};
                char text[256];

                snprintf(text, sizeof(text), "[Match]\n%s[VirtualFunctions]\nCount=1\n", cases[i].match);
                parse(text, &set);
                assert_null(set.error);
                if (set_matches(&set, &card) != cases[i].card || set_matches(&set, &other) != cases[i].other)
                        fail_msg("%s", cases[i].match);
        }
}

static void test_no_driver(void **state) {
        static const struct set_card unbound = { "0000:3d:00.0", NULL, NULL };
        _cleanup_set_ struct set set = {}, inverted = {};

        parse("[Match]\nDriver=*\n", &set);
        assert_false(set_matches(&set, &unbound));
        parse("[Match]\nDriver=!nouveau\n", &inverted);
        assert_true(set_matches(&inverted, &unbound));
}

/* --- directories */

static char tree[] = "/tmp/test-sets-XXXXXX";

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw) {
        return remove(path);
}

static int setup(void **state) {
        strcpy(tree + strlen(tree) - 6, "XXXXXX");
        return mkdtemp(tree) ? root_set(tree) : -1;
}

static int teardown(void **state) {
        return nftw(tree, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void file(const char *path, const char *text) {
        char above[256];
        int fd;

        for (const char *p = path; (p = strchr(p, '/')); p++) {
                snprintf(above, sizeof(above), "%.*s", (int) (p - path), path);
                assert_true(mkdirat(root_fd(), above, 0755) >= 0 || errno == EEXIST);
        }
        fd = openat(root_fd(), path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
        close(fd);
}

#define COUNT(n) "[Match]\nCard=0000:3d:*\n[VirtualFunctions]\nCount=" #n "\n"

static void test_no_directories(void **state) {
        _cleanup_sets_ struct sets sets = {};

        assert_int_equal(sets_load(&sets, NULL, NULL), 0);
        assert_int_equal(sets.n, 0);
        assert_null(sets_find(&sets, &card));
}

static void test_masking(void **state) {
        _cleanup_sets_ struct sets sets = {};

        file("usr/lib/mediated.d/20-b.conf", COUNT(1));
        file("run/mediated.d/20-b.conf", COUNT(2));
        file("etc/mediated.d/30-c.conf", COUNT(3));
        file("usr/lib/mediated.d/10-a.conf", COUNT(4));
        file("etc/mediated.d/.hidden.conf", COUNT(5));
        file("etc/mediated.d/.conf", COUNT(6));
        file("etc/mediated.d/00.conf.bak", COUNT(7));
        assert_int_equal(symlinkat("/dev/null", root_fd(), "etc/mediated.d/10-a.conf"), 0);
        assert_int_equal(sets_load(&sets, NULL, NULL), 0);
        assert_int_equal(sets.n, 3);
        assert_string_equal(sets.items[0].name, "10-a");
        assert_int_equal(sets_find(&sets, &card)->count, 2);
        assert_string_equal(sets_find(&sets, &card)->path, "/run/mediated.d/20-b.conf");
        assert_null(sets_find(&sets, &other));
}

static void test_first_counts(void **state) {
        _cleanup_sets_ struct sets sets = {};

        file("etc/mediated.d/1.conf", "[Match]\nCard=*\n[Device]\nType=x\n");
        file("etc/mediated.d/2.conf", "[Match]\nCard=*\n[VirtualFunctions]\n");
        file("etc/mediated.d/3.conf", COUNT(3));
        assert_int_equal(sets_load(&sets, NULL, NULL), 0);
        assert_string_equal(sets_find(&sets, &card)->name, "2");
}

static void test_unreadable(void **state) {
        static char large[SET_SIZE_MAX + 2];
        _cleanup_sets_ struct sets sets = {};

        memset(large, '#', sizeof(large) - 1);
        file("etc/mediated.d/large.conf", large);
        assert_int_equal(mkfifoat(root_fd(), "etc/mediated.d/fifo.conf", 0644), 0);
        assert_int_equal(symlinkat("nowhere", root_fd(), "etc/mediated.d/link.conf"), 0);
        assert_int_equal(sets_load(&sets, NULL, NULL), 0);
        assert_int_equal(sets.n, 3);
        assert_string_equal(sets.items[0].error, "/etc/mediated.d/fifo.conf: This is not a regular file");
        assert_string_equal(sets.items[1].error, "/etc/mediated.d/large.conf: The file is larger than 64 KiB");
        assert_string_equal(sets.items[2].error, "/etc/mediated.d/link.conf: No such file or directory");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_settings),
                cmocka_unit_test(test_command),
                cmocka_unit_test(test_unknown),
                cmocka_unit_test(test_errors),
                cmocka_unit_test(test_matches),
                cmocka_unit_test(test_no_driver),
                cmocka_unit_test_setup_teardown(test_no_directories, setup, teardown),
                cmocka_unit_test_setup_teardown(test_masking, setup, teardown),
                cmocka_unit_test_setup_teardown(test_first_counts, setup, teardown),
                cmocka_unit_test_setup_teardown(test_unreadable, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
