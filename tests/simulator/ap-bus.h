/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* IBM Z's crypto hardware: cards, their queues, and which of these the host keeps for itself. */

#include "tests/simulator/ap-mask.h"
#include "tests/simulator/host.h"

#define AP_MAX_ADAPTER 255U
#define AP_MAX_DOMAIN 84U

typedef struct ApBus ApBus;

void ap_bus_add(Host *host, Changes *changes);
bool ap_bus_has_queue(const ApBus *bus, unsigned adapter, unsigned domain);
bool ap_bus_keeps(const ApBus *bus, unsigned adapter, unsigned domain);
struct ApMatrix **ap_bus_matrices(ApBus *bus);
