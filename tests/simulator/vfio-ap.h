/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A device of vfio_ap: the matrix of crypto queues that a guest may use. */

#include "tests/simulator/ap-bus.h"
#include "tests/simulator/mdev.h"

typedef struct ApMatrix ApMatrix;

ApMatrix *ap_matrix_new(Changes *changes, Mdev *mdev);
void ap_matrix_remove(Changes *changes, Node *device);
ApMatrix *ap_matrix_free(ApMatrix *matrix);

bool ap_matrices_are_allowed(ApBus *bus);
