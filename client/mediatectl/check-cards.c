/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* mediatectl check: cards, and whether they have the virtual functions that the files of mediated.d ask for. What
 * counts are the files of a device: a card that advertises SR-IOV may be a parent itself. */

#include <errno.h>
#include <fcntl.h>

#include "client/mediatectl/findings.h"
#include "common/card.h"
#include "common/io.h"
#include "common/preparation.h"
#include "common/root.h"
#include "common/sets.h"

static char *advice_restart(const char *card) {
        return finding_text("After fixing the cause: systemctl restart mediated-prepare@%s.service; see "
                            "journalctl MEDIATED_CARD=%s", card, card);
}

static int check_preparation(struct findings *findings, const struct card *card, const struct set *set) {
        _cleanup_preparation_ struct preparation preparation = {};
        _cleanup_free_ char *message = NULL, *advice = NULL;
        int r;

        r = preparation_load(card->name, &preparation);
        if (r >= 0 && preparation.state == PREPARATION_RUNNING) {
                message = finding_text("Its virtual functions are being prepared (attempt %u of at most %u): %s",
                                       preparation.attempt > 0 ? preparation.attempt : 1, preparation.attempts,
                                       preparation.message);
                advice = finding_text("Wait, or see journalctl MEDIATED_CARD=%s", card->name);
                return finding_add(findings, SEVERITY_WARNING, "preparing", card->name, message, advice);
        }
        advice = advice_restart(card->name);
        if (r >= 0 && preparation.state == PREPARATION_FAILED)
                return finding_add(findings, SEVERITY_PROBLEM, "prepare-failed", card->name, preparation.message,
                                   advice);
        if (card->n_functions > 0)
                return 0;
        message = finding_text("It has no virtual functions, although %s asks for them", set->path);
        return finding_add(findings, SEVERITY_PROBLEM, "no-virtual-functions", card->name, message, advice);
}

/* Where the kernel is told not to bind them, somebody wants them without a driver. */
static bool are_bound(int card_fd) {
        char text[8];

        return read_text_at(card_fd, "sriov_drivers_autoprobe", text, sizeof(text)) <= 0 || !streq(text, "0");
}

static int check_drivers(struct findings *findings, const struct card *card, int card_fd, bool named) {
        _cleanup_free_ char *message = NULL, *advice = NULL;
        char first[CARD_NAME_SIZE] = "";
        unsigned int n = 0;

        if (!are_bound(card_fd))
                return 0;
        for (unsigned int i = 0; i < card->total; i++) {
                struct card_function function;

                if (card_function_read(card->name, i, &function) < 0 || *function.driver)
                        continue;
                if (n++ == 0)
                        strcpy(first, function.name);
        }
        if (n == 0)
                return 0;
        message = finding_text("%u of its %u virtual functions ha%s no driver; the first is %s", n, card->n_functions,
                               n == 1 ? "s" : "ve", first);
        advice = finding_text("See journalctl -k for the reason; then: echo %s >/sys/bus/pci/drivers/%s/bind", first,
                              *card->driver ? card->driver : "DRIVER");
        return finding_add(findings, named ? SEVERITY_PROBLEM : SEVERITY_WARNING, "function-without-driver",
                           card->name, message, advice);
}

static bool is_nvidia_gpu(const struct card *card, int card_fd) {
        char class[32];

        return strncmp(card->pci_device, "10de:", 5) == 0 &&
               read_text_at(card_fd, "class", class, sizeof(class)) > 0 && strtoul(class, NULL, 0) >> 16 == 0x03;
}

static int check_gpu(struct findings *findings, const struct card *card, int card_fd, bool named) {
        /* It is a parent already. */
        if (faccessat(card_fd, "mdev_supported_types", F_OK, 0) >= 0)
                return 0;
        if (!*card->driver)
                return finding_add(findings, SEVERITY_WARNING, "no-driver", card->name, "This NVIDIA GPU has no driver",
                                   "If it is to have vGPUs, install NVIDIA's vGPU host driver");
        if (streq(card->driver, "nouveau"))
                return finding_add(findings, named ? SEVERITY_PROBLEM : SEVERITY_WARNING, "nouveau", card->name,
                                   "This NVIDIA GPU is bound to nouveau, which has no vGPUs",
                                   "If it is to have vGPUs, install NVIDIA's vGPU host driver, put the line "
                                   "'blacklist nouveau' into a file in /etc/modprobe.d, and reboot");
        if (named || !streq(card->driver, "nvidia") || card->total == 0 || card->n_functions > 0)
                return 0;
        return finding_add(
                findings, SEVERITY_PROBLEM, "no-virtual-functions", card->name,
                "The parents are virtual functions of this device (SR-IOV), and none is enabled",
                "Let mediated enable them at each boot: a file in /etc/mediated.d, with "
                "Prepare=/usr/lib/nvidia/sriov-manage -e %c; see mediated.d(5)");
}

static int check_card(struct findings *findings, const struct sets *sets, const char *name) {
        _cleanup_close_ int fd = -1;
        struct set_card for_set;
        const struct set *set;
        struct card card;
        int r = 0;

        fd = card_open(name);
        /* There may be hundreds of virtual functions, which are not read. */
        if (fd < 0 || card_is_function(fd) || card_read(name, &card) < 0)
                return 0;
        for_set = card_for_set(&card);
        set = sets_find(sets, &for_set);
        if (set && !set_asks(set))
                set = NULL;
        if (set)
                r = check_preparation(findings, &card, set);
        if (r >= 0 && is_nvidia_gpu(&card, fd))
                r = check_gpu(findings, &card, fd, set != NULL);
        if (r >= 0 && (set || is_nvidia_gpu(&card, fd)))
                r = check_drivers(findings, &card, fd, set != NULL);
        return r;
}

struct warnings {
        struct findings *findings;
        int error;
};

static void add_warning(const char *warning, void *userdata) {
        struct warnings *warnings = userdata;

        if (warnings->error >= 0)
                warnings->error = finding_add(warnings->findings, SEVERITY_WARNING, "ignored-setting", NULL, warning,
                                              "Correct it if it is a typing error, see mediated.d(5)");
}

static int load_sets(struct findings *findings, struct sets *ret) {
        struct warnings warnings = { .findings = findings };
        int r;

        r = sets_load(ret, add_warning, &warnings);
        if (r >= 0)
                r = warnings.error;
        for (size_t i = 0; r >= 0 && i < ret->n; i++)
                if (ret->items[i].error)
                        r = finding_add(findings, SEVERITY_PROBLEM, "invalid-set", NULL, ret->items[i].error,
                                        "Correct the file, see mediated.d(5); then: systemctl restart "
                                        "mediated-prepare@CARD.service");
        return r;
}

int check_cards(struct findings *findings) {
        _cleanup_closedir_ DIR *dir = NULL;
        _cleanup_sets_ struct sets sets = {};
        struct dirent *entry;
        int r;

        r = load_sets(findings, &sets);
        if (r < 0)
                return r;
        r = open_directory_at(root_fd(), CARD_DEVICES, &dir);
        if (r < 0)
                return r == -ENOENT ? 0 : r;
        while (r >= 0 && (entry = readdir(dir)))
                if (entry->d_name[0] != '.')
                        r = check_card(findings, &sets, entry->d_name);
        return r;
}
