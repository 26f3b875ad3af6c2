/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What `mediatectl check` has found. */

#include "client/mediatectl/client.h"

enum severity {
        SEVERITY_PROBLEM,       /* something does not work */
        SEVERITY_WARNING,       /* something may not work, or may do something unexpected */
};

struct finding {
        enum severity severity;
        const char *id;         /* its name for programs, such as "no-parent"; a static text */
        char *subject;          /* the parent, device or file in question; NULL: the host */
        char *message;          /* what is wrong */
        char *advice;           /* what to do */
};

struct findings {
        struct finding *items;
        size_t n;
};

/** finding_add() - add a finding with copies of the texts. @message and @advice may be NULL because there was no memory
 * for them. Returns 0 or -ENOMEM. */
int finding_add(struct findings *findings, enum severity severity, const char *id, const char *subject,
                const char *message, const char *advice);

/** finding_text() - sprintf() into a buffer that the caller frees; NULL when there is no memory. */
char *finding_text(const char *format, ...) _printf_(1, 2);

/** findings_clear() - free everything. */
void findings_clear(struct findings *findings);
#define _cleanup_findings_ _cleanup_(findings_clear)

/* Checks of the host's files, below root_fd(). */

/** check_host() - check whether there is a parent, kernel modules, the IOMMU, and mdevctl's udev rule. Returns 0 or a
 * negative errno. */
int check_host(struct findings *findings, const char *kernel_release);

/** check_callouts() - check for callouts and notifiers that mediated does not run. Returns 0 or a negative errno. */
int check_callouts(struct findings *findings);

/** check_cards() - check for files of mediated.d that are wrong, for cards that have not the virtual functions that a
 * file asks for, and for cards and virtual functions with a wrong driver or none. Returns 0 or a negative errno. */
int check_cards(struct findings *findings);

/** check_has_vgpu_parents() - whether there is a virtual function that can have a vGPU without mdev. */
bool check_has_vgpu_parents(void);

/** check_missing_parent() - find out why a parent is not there for which there are definitions. It is a problem if some
 * of them are to start with the parent. Returns 0 or a negative errno. */
int check_missing_parent(struct findings *findings, const char *parent, size_t n_definitions, size_t n_auto);

/* Checks of what lists_parents(), lists_types() and lists_devices() have fetched. */

/** check_is_vgpu_parent() - whether the parent @name can have a vGPU without mdev. */
bool check_is_vgpu_parent(const struct lists *lists, const char *name);

/** check_vgpu_cards() - check for cards of such parents without a type, and for all functions that are set aside.
 * Returns 0 or a negative errno. */
int check_vgpu_cards(const struct lists *lists, struct findings *findings);

/** check_vgpu_wedged() - add the finding that such a device is wedged. Returns 0 or -ENOMEM. */
int check_vgpu_wedged(struct findings *findings, const char *uuid, const char *parent);

/* A check that asks the daemon. */

/** check_daemon() - check whether the daemon answers; for wedged devices, for definitions that are invalid or cannot
 * start, and for jobs that take long; and for missing parents, if it is the daemon of this host. Returns a status. */
int check_daemon(struct client *client, struct findings *findings);
