/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What udev says: hints for the registry, and for callers that wait until udev is done with a device. */

struct manager;
struct monitor;

struct monitor *monitor_free(struct monitor *monitor);

/** monitor_new() - start listening to what udevd has processed. Returns 0 or a negative errno. */
int monitor_new(struct monitor **ret, struct manager *manager);
