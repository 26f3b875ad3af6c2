/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What `mediatectl check` has found. */

#include "client/mediatectl/client.h"

enum severity {
        SEVERITY_PROBLEM,       /* something does not work */
        SEVERITY_WARNING,       /* something may not work, or not do what is expected */
};

struct finding {
        enum severity severity;
        const char *id;         /* for programs: "no-parent"; static */
        char *subject;          /* which parent, device, file; NULL for the host */
        char *message;          /* what is wrong */
        char *advice;           /* what to do */
};

struct findings {
        struct finding *items;
        size_t n;
};

/** finding_add() - add one; the advice follows the message as the second text. @subject may be NULL. Returns 0 or
 * -ENOMEM. */
int finding_add(struct findings *findings, enum severity severity, const char *id, const char *subject,
                const char *message, const char *advice);

/** finding_text() - sprintf() into a buffer that the caller frees; NULL when there is no memory. */
char *finding_text(const char *format, ...) _printf_(1, 2);

/** findings_clear() - free everything. */
void findings_clear(struct findings *findings);
#define _cleanup_findings_ _cleanup_(findings_clear)

/* What the host's files tell, below root_fd(). */

/** check_host() - kernel modules, IOMMU, mdevctl's udev rule, vendors that left mdev. Returns 0 or a negative
 * errno. */
int check_host(struct findings *findings, const char *kernel_release);

/** check_pci() - PCI devices that could be parents and are not: no driver, virtual functions not enabled, a vendor's
 * own interface. Returns 0 or a negative errno. */
int check_pci(struct findings *findings);

/** check_missing_parent() - why the parent that definitions name is not there; a problem if some of them are to start
 * with it. Returns 0 or a negative errno. */
int check_missing_parent(struct findings *findings, const char *parent, size_t n_definitions, size_t n_auto);

/* What the daemon tells. */

/** check_daemon() - wedged devices, invalid definitions, failed autostarts; @local: look for missing parents in the
 * host's files too. Returns a status. */
int check_daemon(struct client *client, struct findings *findings);
