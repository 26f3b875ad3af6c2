/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* IBM Z's crypto hardware: cards, their queues, and which of these the host keeps for itself (kernel:
 * drivers/s390/crypto/ap_bus.c).
 *
 * A queue is one domain of one card. The host's own drivers keep those whose card is in apmask and whose domain is in
 * aqmask; vfio_ap gets the others. Here the host keeps the first two of eight cards, until somebody writes a mask. */

#include <errno.h>

#include "tests/simulator/ap-bus.h"
#include "tests/simulator/vfio-ap.h"

#define CARDS 8U
#define DOMAINS 16U
#define CARDS_KEPT 2U

struct ApBus {
        ApMask adapters;        /* apmask */
        ApMask domains;         /* aqmask */
        ApMatrix *matrices;
};

bool ap_bus_has_queue(const ApBus *bus, unsigned adapter, unsigned domain) {
        return adapter < CARDS && domain < DOMAINS;
}

bool ap_bus_keeps(const ApBus *bus, unsigned adapter, unsigned domain) {
        return ap_mask_has(&bus->adapters, adapter) && ap_mask_has(&bus->domains, domain);
}

ApMatrix **ap_bus_matrices(ApBus *bus) {
        return &bus->matrices;
}

static int mask_show(const ApMask *mask, char *content) {
        int n = ap_mask_print(mask, content);

        return n + sprintf(content + n, "\n");
}

static int apmask_show(Node *node, char *content) {
        ApBus *bus = node->owner;

        return mask_show(&bus->adapters, content);
}

static int aqmask_show(Node *node, char *content) {
        ApBus *bus = node->owner;

        return mask_show(&bus->domains, content);
}

/* A mask as a whole, or numbers with + or - before them that change it. */
static int mask_parse(char *text, const ApMask *old, ApMask *ret) {
        ApMask mask = *old;
        char *state = NULL;

        if (text[0] != '+' && text[0] != '-')
                return ap_mask_parse(text, ret);

        for (char *word = strtok_r(text, ",", &state); word; word = strtok_r(NULL, ",", &state)) {
                unsigned number;
                int r;

                if (word[0] != '+' && word[0] != '-')
                        return -EINVAL;
                r = ap_number_parse(word + 1, AP_NUMBERS - 1, &number);
                if (r < 0)
                        return -EINVAL;
                ap_mask_put(&mask, number, word[0] == '+');
        }

        *ret = mask;
        return 0;
}

/* The host takes no queue from a guest. */
static int mask_store(ApBus *bus, ApMask *mask, char *text) {
        ApMask old = *mask, new;
        int r;

        r = mask_parse(text, mask, &new);
        if (r < 0)
                return r;

        *mask = new;
        if (ap_matrices_are_allowed(bus))
                return 0;

        *mask = old;
        return -EBUSY;
}

static void apmask_write(Node *node, Request *request) {
        ApBus *bus = node->owner;

        request_finish(request, mask_store(bus, &bus->adapters, request->data));
}

static void aqmask_write(Node *node, Request *request) {
        ApBus *bus = node->owner;

        request_finish(request, mask_store(bus, &bus->domains, request->data));
}

static int max_adapter_show(Node *node, char *content) {
        return sprintf(content, "%u\n", AP_MAX_ADAPTER);
}

static int max_domain_show(Node *node, char *content) {
        return sprintf(content, "%u\n", AP_MAX_DOMAIN);
}

static int card_uevent_show(Node *node, char *content) {
        return sprintf(content, "DEV_TYPE=000d\nMODALIAS=ap:t0D\nMODE=accel\n");
}

static int queue_uevent_show(Node *node, char *content) {
        Host *host = node->owner;
        unsigned adapter, domain;

        if (sscanf(node->parent->name, "%x.%x", &adapter, &domain) != 2)
                return -ENODEV;
        return sprintf(content, "DRIVER=%s\nMODE=accel\n",
                       ap_bus_keeps(host->ap, adapter, domain) ? "cex4queue" : "vfio_ap");
}

static const NodeOps apmask_ops = {.mode = S_IFREG | 0644, .show = apmask_show, .write = apmask_write};
static const NodeOps aqmask_ops = {.mode = S_IFREG | 0644, .show = aqmask_show, .write = aqmask_write};
static const NodeOps max_adapter_ops = {.mode = S_IFREG | 0444, .show = max_adapter_show};
static const NodeOps max_domain_ops = {.mode = S_IFREG | 0444, .show = max_domain_show};
static const NodeOps card_uevent_ops = {.mode = S_IFREG | 0644, .show = card_uevent_show};
static const NodeOps queue_uevent_ops = {.mode = S_IFREG | 0644, .show = queue_uevent_show};

static Node *add_device(Host *host, Changes *changes, Node *parent, const char *name, const NodeOps *uevent) {
        Node *device = changes_add(changes, parent, name, &node_directory_ops, NULL);
        Node *ap = changes_make_path(changes, tree_root(host->tree), "bus/ap");

        changes_add(changes, device, "uevent", uevent, host);
        changes_add_link(changes, device, "subsystem", ap);
        changes_add_link(changes, changes_make_path(changes, ap, "devices"), name, device);
        changes_uevent(changes, "add", "ap", device, NULL);
        return device;
}

/* The hardware is there before its first user, and stays. */
void ap_bus_add(Host *host, Changes *changes) {
        Node *directory, *devices;
        char name[16];
        ApBus *bus;

        if (host->ap)
                return;

        host->ap = bus = must(calloc(1, sizeof(ApBus)));
        for (unsigned i = 0; i < AP_NUMBERS; i++) {
                ap_mask_put(&bus->adapters, i, i < CARDS_KEPT);
                ap_mask_put(&bus->domains, i, true);
        }

        directory = changes_make_path(changes, tree_root(host->tree), "bus/ap");
        changes_add(changes, directory, "apmask", &apmask_ops, bus);
        changes_add(changes, directory, "aqmask", &aqmask_ops, bus);
        changes_add(changes, directory, "ap_max_adapter_id", &max_adapter_ops, bus);
        changes_add(changes, directory, "ap_max_domain_id", &max_domain_ops, bus);

        devices = changes_make_path(changes, host->devices, "ap");
        for (unsigned adapter = 0; adapter < CARDS; adapter++) {
                Node *card;

                snprintf(name, sizeof(name), "card%02x", adapter);
                card = add_device(host, changes, devices, name, &card_uevent_ops);
                for (unsigned domain = 0; domain < DOMAINS; domain++) {
                        snprintf(name, sizeof(name), "%02x.%04x", adapter, domain);
                        (void) add_device(host, changes, card, name, &queue_uevent_ops);
                }
        }
}
