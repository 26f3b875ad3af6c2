/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A manager without bus, udev and workers: registry and queues alone. */

struct manager;

struct manager *fake_manager_new(void);
void fake_manager_free(struct manager *manager);
