/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A PCI device: its directory, its link to a driver, and its lock. */

#include "tests/simulator/driver.h"
#include "tests/simulator/vfio.h"

#define PCI_NAME_SIZE 13U

/* What its identification says. */
typedef struct PciIds {
        unsigned vendor;
        unsigned device;
        unsigned class;
} PciIds;

typedef struct Pci {
        Host *host;
        char name[PCI_NAME_SIZE];
        const PciIds *ids;
        Driver faults;
        Node *node;             /* NULL while it is not there */
        const char *driver;     /* that it is bound to, or NULL */
        Group *group;
        bool locked;
        struct PciWaiter *waiters;
} Pci;

void pci_init(Pci *pci, Host *host, const char *name, const PciIds *ids);
void pci_add(Pci *pci, Changes *changes);
void pci_remove(Pci *pci, Changes *changes);

void pci_bind(Pci *pci, Changes *changes, const char *driver);
void pci_unbind(Pci *pci, Changes *changes);
void pci_uevent(const Pci *pci, Changes *changes, const char *action);

void pci_lock(Pci *pci, driver_then_t then, void *userdata);
void pci_unlock(Pci *pci);
