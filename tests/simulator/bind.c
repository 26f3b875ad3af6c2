/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The drivers of PCI devices, with the files that bind and unbind (kernel: drivers/base/bus.c). */

#include <errno.h>

#include "tests/simulator/bind.h"
#include "tests/simulator/card.h"

/* What one write to `bind` or `unbind` is about: a card, or a virtual function. */
typedef struct Binding {
        Request *request;
        char *driver;
        Card *card;
        Function *function;
} Binding;

static Pci *binding_pci(const Binding *binding) {
        return binding->function ? &binding->function->pci : &binding->card->pci;
}

static void binding_finish(Binding *binding, int r) {
        Pci *pci = binding_pci(binding);

        request_finish(binding->request, r);
        free(binding->driver);
        free(binding);
        pci_unlock(pci);
}

static void on_binding_done(void *userdata) {
        binding_finish(userdata, 0);
}

static void on_unbind_locked(void *userdata) {
        Binding *binding = userdata;
        const Pci *pci = binding_pci(binding);

        if (!pci->node || !pci->driver || !streq(pci->driver, binding->driver))
                binding_finish(binding, -ENODEV);
        else if (binding->function)
                function_unbind(binding->function, on_binding_done, binding);
        else
                card_unbind(binding->card, on_binding_done, binding);
}

/* sriov_drivers_autoprobe forbids more than what its name says (kernel: pci_device_can_probe()). */
static bool can_bind(const Binding *binding) {
        if (binding->function)
                return binding->function->card->autoprobe &&
                       streq(binding->driver, binding->function->card->spec->driver);
        return card_can_bind(binding->card, binding->driver);
}

static void on_bind_locked(void *userdata) {
        Binding *binding = userdata;
        const Pci *pci = binding_pci(binding);
        Changes *changes;

        if (!pci->node || !can_bind(binding)) {
                binding_finish(binding, -ENODEV);
                return;
        }
        if (pci->driver) {
                binding_finish(binding, -EBUSY);
                return;
        }

        changes = changes_new(pci->host->notifier);
        if (binding->function)
                function_bind(binding->function, changes);
        else
                card_bind(binding->card, changes, binding->driver);
        changes_commit(changes, on_binding_done, binding);
}

static void binding_start(Node *node, Request *request, driver_then_t then) {
        Host *host = node->owner;
        Binding *binding;

        request->data[strcspn(request->data, "\n")] = '\0';
        binding = must(calloc(1, sizeof(Binding)));
        *binding = (Binding) {
                .request = request,
                .driver = must(strdup(node->parent->name)),
                .card = host_find_card(host, request->data),
                .function = host_find_function(host, request->data),
        };
        if (!binding->card && !binding->function) {
                request_finish(request, -ENODEV);
                free(binding->driver);
                free(binding);
                return;
        }

        pci_lock(binding_pci(binding), then, binding);
}

static void bind_write(Node *node, Request *request) {
        binding_start(node, request, on_bind_locked);
}

static void unbind_write(Node *node, Request *request) {
        binding_start(node, request, on_unbind_locked);
}

static const NodeOps bind_ops = {.mode = S_IFREG | 0200, .new_inode_at_lookup = true, .write = bind_write};
static const NodeOps unbind_ops = {.mode = S_IFREG | 0200, .new_inode_at_lookup = true, .write = unbind_write};

void drivers_add(Host *host, Changes *changes, const char *driver) {
        char path[PATH_MAX];
        Node *directory;

        snprintf(path, sizeof(path), "bus/pci/drivers/%s", driver);
        directory = changes_make_path(changes, tree_root(host->tree), path);
        if (node_find(directory, "bind"))
                return;

        changes_add(changes, directory, "bind", &bind_ops, host);
        changes_add(changes, directory, "unbind", &unbind_ops, host);
}
