/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* sriov-manage -e|-d CARD|ALL: a stand-in for NVIDIA's program that makes a card's virtual functions, or removes them.
 * It takes the card away from its driver, as the real one does. So the card has no driver if the program fails, or if
 * it is killed. */

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>

#include "tests/simulator/words.h"

#define DEVICES "/sys/bus/pci/devices"
#define DRIVERS "/sys/bus/pci/drivers"
#define STUB_DRIVER "pci-pf-stub"
#define LOCK SIMULATOR_DIRECTORY "/sriov-manage.lock"

static int failed(const char *what, int r) {
        fprintf(stderr, "sriov-manage: %s: %s\n", what, strerror(-r));
        return r;
}

static int write_text(const char *path, const char *text) {
        _cleanup_close_ int fd = -1;

        fd = open(path, O_WRONLY | O_CLOEXEC);
        if (fd < 0 || write(fd, text, strlen(text)) < 0)
                return failed(path, -errno);

        return 0;
}

static int read_text(const char *card, const char *name, char *text, size_t size) {
        char path[PATH_MAX];
        _cleanup_close_ int fd = -1;
        ssize_t n;

        snprintf(path, sizeof(path), DEVICES "/%s/%s", card, name);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        n = fd < 0 ? -1 : read(fd, text, size - 1);
        if (n < 0)
                return failed(path, -errno);

        text[n] = '\0';
        text[strcspn(text, "\n")] = '\0';
        return 0;
}

/* Asks the simulated kernel. */
static int ask(const char *card, const char *what, Words *answer) {
        const char *words[] = {"sriov-manage", card, what};
        _cleanup_close_ int fd = -1;
        int r;

        fd = words_connect(SYSFS_SOCKET);
        r = fd < 0 ? fd : words_send(fd, words, ELEMENTSOF(words));
        if (r >= 0)
                r = words_receive(fd, answer);
        if (r >= 0)
                r = answer->n == 2 ? -atoi(answer->words[0]) : -EBADMSG;
        return r < 0 ? failed(card, r) : 0;
}

static int change_driver(const char *card, const char *driver, const char *file) {
        char path[PATH_MAX];

        snprintf(path, sizeof(path), DRIVERS "/%s/%s", driver, file);
        return write_text(path, card);
}

static int leave_driver(const char *card) {
        char path[PATH_MAX];

        snprintf(path, sizeof(path), DEVICES "/%s/driver/unbind", card);
        return access(path, F_OK) < 0 ? 0 : write_text(path, card);
}

static int make_functions(const char *card, const char *number) {
        char path[PATH_MAX];
        int r;

        snprintf(path, sizeof(path), DEVICES "/%s/sriov_numvfs", card);
        r = change_driver(card, STUB_DRIVER, "bind");
        if (r >= 0)
                r = write_text(path, number);
        if (r >= 0)
                r = change_driver(card, STUB_DRIVER, "unbind");
        if (r >= 0)
                r = change_driver(card, "nvidia", "bind");
        return r;
}

/* Two of these programs disturb each other: the later one fails. The lock is never waited for. */
static int take_lock(void) {
        _cleanup_close_ int fd = -1;

        fd = open(LOCK, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0)
                return -errno;
        return flock(fd, LOCK_EX | LOCK_NB) < 0 ? -errno : TAKE_FD(fd);
}

/* The driver is given up before it turns out that the card does not answer. */
static int work(const char *card, const char *number, bool fails) {
        _cleanup_close_ int lock = -1;
        Words answer;
        int r;

        lock = take_lock();
        r = leave_driver(card);
        if (r >= 0)
                r = lock < 0 ? failed(LOCK, lock) : ask(card, "work", &answer);
        if (r >= 0 && fails)
                r = failed(card, -EIO);
        if (r >= 0)
                r = make_functions(card, number);
        return r;
}

static int manage(const char *card, bool enable) {
        char number[16] = "0", old[16];
        Words fate;
        int r;

        r = enable ? read_text(card, "sriov_totalvfs", number, sizeof(number)) : 0;
        if (r >= 0)
                r = read_text(card, "sriov_numvfs", old, sizeof(old));
        if (r < 0 || streq(old, number))
                return r;

        r = ask(card, "begin", &fate);
        if (r < 0)
                return r;
        if (streq(fate.words[1], "in-use"))
                return failed(card, -EBUSY);
        if (streq(fate.words[1], "quiet"))
                return 0;
        return work(card, number, streq(fate.words[1], "fail"));
}

static int manage_all(bool enable) {
        _cleanup_closedir_ DIR *dir = opendir(DEVICES);
        struct dirent *entry;
        int r = 0;

        while (r >= 0 && dir && (entry = readdir(dir))) {
                char path[PATH_MAX];

                snprintf(path, sizeof(path), DEVICES "/%s/sriov_numvfs", entry->d_name);
                if (access(path, F_OK) >= 0)
                        r = manage(entry->d_name, enable);
        }

        return r;
}

int main(int argc, char **argv) {
        bool enable;
        int r;

        if (argc != 3 || (!streq(argv[1], "-e") && !streq(argv[1], "-d"))) {
                fprintf(stderr, "usage: sriov-manage -e|-d CARD|ALL\n");
                return 2;
        }

        enable = streq(argv[1], "-e");
        r = streq(argv[2], "ALL") ? manage_all(enable) : manage(argv[2], enable);
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
