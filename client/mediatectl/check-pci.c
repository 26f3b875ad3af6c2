/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* mediatectl check: why a parent is not there for which there are definitions. */

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>

#include "client/mediatectl/entries.h"
#include "client/mediatectl/findings.h"
#include "common/card.h"
#include "common/io.h"
#include "common/root.h"

/* "0000:41:00.4" */
static bool is_pci_address(const char *name) {
        static const char form[] = "xxxx:xx:xx.d";

        for (size_t i = 0; i < sizeof(form); i++)
                if (form[i] == 'x' ? !isxdigit((unsigned char) name[i])
                    : form[i] == 'd' ? !isdigit((unsigned char) name[i])
                                     : form[i] != name[i])
                        return false;
        return true;
}

/* Finds the device whose virtual function @parent may be. Virtual functions come after their device, some on the next
 * buses, so it is the nearest one before @parent that could have some and has none. */
static bool find_physical(const char *parent, char ret[static NAME_MAX + 1]) {
        _cleanup_closedir_ DIR *dir = NULL;
        struct dirent *entry;

        if (open_directory_at(root_fd(), CARD_DEVICES, &dir) < 0)
                return false;

        ret[0] = '\0';
        while ((entry = readdir(dir))) {
                struct card card;

                /* In the same domain, before @parent, and not before the best one so far. */
                if (!is_pci_address(entry->d_name) || strncmp(entry->d_name, parent, 5) != 0 ||
                    strcmp(entry->d_name, parent) >= 0 || strcmp(entry->d_name, ret) < 0)
                        continue;
                if (card_read(entry->d_name, &card) >= 0 && card.total > 0 && card.n_functions == 0)
                        strcpy(ret, entry->d_name);
        }
        return *ret;
}

static int check_missing_pci(struct findings *findings, enum severity severity, const char *parent,
                             const char *message) {
        _cleanup_free_ char *advice = NULL;
        char driver[NAME_MAX + 1], physical[NAME_MAX + 1];
        _cleanup_close_ int fd = card_open(parent);

        if (fd < 0 && find_physical(parent, physical))
                advice = finding_text("There is no such PCI device. If it is a virtual function of %s, which has none "
                                      "enabled, let mediated enable them at each boot, see mediated.d(5)",
                                      physical);
        else if (fd < 0)
                advice = finding_text("There is no such PCI device. If the hardware is gone or has moved, define the "
                                      "devices under its new address, and undefine these");
        else if (readlink_name_at(fd, "driver", driver, sizeof(driver)) < 0)
                advice = finding_text("The PCI device has no driver: install and load the one that makes it a parent");
        else
                advice = finding_text(
                        "The PCI device exists, but its driver %s has not made it a parent: see "
                        "journalctl -k and the driver's manual",
                        driver);
        return finding_add(findings, severity, "missing-parent", parent, message, advice);
}

int check_missing_parent(struct findings *findings, const char *parent, size_t n_definitions, size_t n_auto) {
        enum severity severity = n_auto > 0 ? SEVERITY_PROBLEM : SEVERITY_WARNING;
        _cleanup_free_ char *waits = NULL, *message = NULL;
        const char *are = n_definitions == 1 ? " is" : "s are";

        if (autostart_waits("waiting-parent", parent, "", &waits) < 0)
                return -ENOMEM;
        if (n_auto > 0)
                message = finding_text("%s; %zu definition%s for it", waits, n_definitions, are);
        else
                message = finding_text("%zu definition%s for this parent, which is not there", n_definitions, are);
        if (!message)
                return -ENOMEM;
        if (is_pci_address(parent))
                return check_missing_pci(findings, severity, parent, message);
        return finding_add(
                findings, severity, "missing-parent", parent, message,
                "Load the driver that makes it, or undefine them: see mediatectl list and mediatectl undefine");
}
