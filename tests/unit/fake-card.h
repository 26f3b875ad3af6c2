/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What both halves of the fake back end know: a parent and its device. */

#include "common/device.h"
#include "common/uuid.h"

struct fake_card {
        char name[32];
        unsigned int registration;      /* 0: there is no parent */
        unsigned int generation;        /* of its device; 0: it has none */
        char uuid[UUID_TEXT_SIZE];
};

/** fake_card_find(), fake_card_with() - the parent with this name, or with this device; NULL: there is none. */
struct fake_card *fake_card_find(const char *name);
struct fake_card *fake_card_with(const char *uuid);

void fake_card_path(const struct fake_card *card, char ret[static PATH_MAX]);

/** fake_card_look() - what sysfs says of its device. */
void fake_card_look(const struct fake_card *card, struct sysfs_device *ret);

/** fake_card_put() - it has a new device. */
void fake_card_put(struct fake_card *card, const char *uuid);

/** fake_workers_free() - forget all workers. */
void fake_workers_free(void);
