/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the simulated driver shows of a device: its attributes. */

#include "tests/simulator/mdev.h"

typedef struct Attributes Attributes;

Attributes *attributes_new(Changes *changes, Mdev *mdev);
void attributes_remove(Changes *changes, Mdev *mdev);
void attributes_unbind(Attributes *attributes);
Attributes *attributes_free(Attributes *attributes);
