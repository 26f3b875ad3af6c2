/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A card: a physical function that can have virtual functions (kernel: drivers/pci/iov.c). Some sharp edges:
 *
 * - Reading sriov_numvfs takes the lock that a write to it has, and so does reading uevent. They hang if it hangs.
 * - All functions are made, or none. They are removed one after the other, and one that is in use is waited for.
 * - NVIDIA's driver makes no functions. A program of NVIDIA's takes the card away from it to make them. */

#include <errno.h>
#include <signal.h>
#include <utlist.h>

#include "tests/simulator/bind.h"
#include "tests/simulator/card.h"
#include "tests/simulator/spec.h"

#define STUB_DRIVER "pci-pf-stub"

/* The first virtual function's address is that far from the card's. */
#define FIRST_FUNCTION 4U

typedef struct CardWaiter {
        struct CardWaiter *next;
        driver_then_t then;
        void *userdata;
} CardWaiter;

static const PciIds ids_nvidia = {0x10de, 0x26b9, 0x030200};
static const PciIds ids_intel = {0x8086, 0x56c0, 0x038000};
static const PciIds ids_amd = {0x1002, 0x7410, 0x120000};

static const struct {
        const char *driver;
        const PciIds *ids;
} vendors[] = {
        {"xe",   &ids_intel},
        {"i915", &ids_intel},
        {"gim",  &ids_amd  },
};

Card *host_find_card(Host *host, const char *name) {
        Card *card;

        HASH_FIND(hh, host->cards, name, strlen(name), card);
        return card;
}

/* One that is there. */
Function *host_find_function(Host *host, const char *name) {
        for (Card *card = host->cards; card; card = card->hh.next)
                for (unsigned i = 0; i < card->n_functions; i++)
                        if (card->functions[i].pci.node && streq(card->functions[i].pci.name, name))
                                return &card->functions[i];

        return NULL;
}

bool card_has_vgpus(const Card *card) {
        return streq(card->spec->driver, "nvidia");
}

bool card_can_bind(const Card *card, const char *driver) {
        return streq(driver, card->spec->driver) || streq(driver, STUB_DRIVER);
}

static bool card_can_make_functions(const Card *card) {
        if (!card->pci.driver)
                return false;
        return streq(card->pci.driver, STUB_DRIVER) || card->spec->sriov == SRIOV_RAW;
}

/* --- virtual functions */

void function_bind(Function *function, Changes *changes) {
        GroupUser user = vgpu_user;

        pci_bind(&function->pci, changes, function->card->spec->driver);
        if (card_has_vgpus(function->card)) {
                user.no_group = !function->card->spec->groups;
                vgpu_add(function, changes);
                group_register(function->pci.group, changes, &user, function);
        }
        pci_uevent(&function->pci, changes, "bind");
}

static void on_function_unused(void *userdata) {
        Function *function = userdata;
        Changes *changes = changes_new(function->pci.host->notifier);

        if (card_has_vgpus(function->card)) {
                group_unregister(function->pci.group, changes);
                vgpu_give(function);
                function->vgpu.rebound = true;
        }
        pci_uevent(&function->pci, changes, "unbind");
        changes_commit(changes, function->unbound, function->userdata);
}

static void on_function_idle(void *userdata) {
        Function *function = userdata;

        group_leave(function->pci.group, on_function_unused, function);
}

static void on_function_files_gone(void *userdata) {
        Function *function = userdata;

        vgpu_when_idle(function, on_function_idle, function);
}

/* Waits for writers of the function's files, and for the function's user. */
void function_unbind(Function *function, driver_then_t then, void *userdata) {
        Changes *changes = changes_new(function->pci.host->notifier);

        function->unbound = then;
        function->userdata = userdata;
        pci_unbind(&function->pci, changes);
        vgpu_remove(function, changes);
        changes_commit(changes, on_function_files_gone, function);
}

static void function_link(Function *function, Changes *changes) {
        Card *card = function->card;
        char name[32];

        snprintf(name, sizeof(name), "virtfn%u", (unsigned) (function - card->functions));
        if (function->pci.node) {
                changes_add_link(changes, function->pci.node, "physfn", card->pci.node);
                changes_add_link(changes, card->pci.node, name, function->pci.node);
        } else
                changes_find_and_remove(changes, card->pci.node, name);
}

static void card_remove_next(void *userdata);

static void on_function_unbound(void *userdata) {
        Function *function = userdata;
        Changes *changes = changes_new(function->pci.host->notifier);

        pci_remove(&function->pci, changes);
        function_link(function, changes);
        pci_unlock(&function->pci);
        function->card->n_removed++;
        changes_commit(changes, card_remove_next, function->card);
}

static void on_function_locked(void *userdata) {
        Function *function = userdata;

        if (function->pci.driver)
                function_unbind(function, on_function_unbound, function);
        else
                on_function_unbound(function);
}

/* No message of the card says that they have gone. */
static void card_remove_next(void *userdata) {
        Card *card = userdata;
        Function *function = &card->functions[card->n_removed];

        if (card->n_removed < card->n_functions) {
                pci_lock(&function->pci, on_function_locked, function);
                return;
        }

        card->n_functions = 0;
        card->removed(card->userdata);
}

static void card_remove_functions(Card *card, driver_then_t then, void *userdata) {
        card->removed = then;
        card->userdata = userdata;
        card->n_removed = 0;
        card_remove_next(card);
}

static void on_types_come(void *userdata) {
        Card *card = userdata;

        card->n_late--;
}

static void card_add_functions(Card *card, Changes *changes, unsigned n) {
        for (unsigned i = 0; i < n; i++) {
                Function *function = &card->functions[i];

                function->vgpu.rebound = function->vgpu.wedged = function->vgpu.broken = false;
                pci_add(&function->pci, changes);
                function_link(function, changes);
                pci_uevent(&function->pci, changes, "change"); /* it has its links */
                if (card->autoprobe)
                        function_bind(function, changes);
        }

        card->n_functions = n;
        pci_uevent(&card->pci, changes, "change");
        if (card->mig == MIG_READY)
                card->mig = MIG_EMPTY;
        card->n_late++;
        driver_run(&card->pci.faults, OPERATION_TYPES, on_types_come, card);
}

/* --- the card's files */

static void numvfs_finish(Request *request, int r) {
        Card *card = request->owner;

        request_finish(request, r);
        pci_unlock(&card->pci);
}

static void on_numvfs_done(void *userdata) {
        numvfs_finish(userdata, 0);
}

/* The number is in request->error by now. */
static void on_numvfs_run(void *userdata) {
        Request *request = userdata;
        Card *card = request->owner;
        Changes *changes;

        if (request->error == 0) {
                card_remove_functions(card, on_numvfs_done, request);
                return;
        }

        changes = changes_new(card->pci.host->notifier);
        card_add_functions(card, changes, (unsigned) request->error);
        changes_commit(changes, on_numvfs_done, request);
}

static void on_numvfs_locked(void *userdata) {
        Request *request = userdata;
        Card *card = request->owner;
        unsigned n = (unsigned) request->error;
        int r = 0;

        if (n == card->n_functions) {
                numvfs_finish(request, 0);
                return;
        }

        if (!card_can_make_functions(card))
                r = -ENOENT;
        else if (n > 0 && card->n_functions > 0)
                r = -EBUSY;
        if (r >= 0)
                r = driver_take_failure(&card->pci.faults, "sriov_numvfs");
        if (r < 0)
                numvfs_finish(request, r);
        else
                driver_run(&card->pci.faults, OPERATION_NUMVFS, on_numvfs_run, request);
}

static int parse_u16(const char *data, unsigned *ret) {
        unsigned long n;
        char *end;

        errno = 0;
        n = strtoul(data, &end, 0);
        if (errno > 0 || end == data || (*end && !streq(end, "\n")) || data[0] == '-')
                return -EINVAL;
        if (n > UINT16_MAX)
                return -ERANGE;

        *ret = (unsigned) n;
        return 0;
}

static void numvfs_write(Node *node, Request *request) {
        Card *card = node->owner;
        unsigned n = 0;
        int r;

        r = parse_u16(request->data, &n);
        if (r >= 0 && n > card->spec->n_functions)
                r = -ERANGE;
        if (r < 0) {
                request_finish(request, r);
                return;
        }

        request->owner = card;
        request->error = (int) n;
        pci_lock(&card->pci, on_numvfs_locked, request);
}

static int numvfs_show(Node *node, char *content) {
        const Card *card = node->owner;

        return sprintf(content, "%u\n", card->n_functions);
}

static void on_numvfs_read(void *userdata) {
        Request *request = userdata;
        Card *card = request->owner;

        request_show(request);
        pci_unlock(&card->pci);
}

static void numvfs_read(Node *node, Request *request) {
        Card *card = node->owner;

        request->owner = card;
        pci_lock(&card->pci, on_numvfs_read, request);
}

static int totalvfs_show(Node *node, char *content) {
        const Card *card = node->owner;

        return sprintf(content, "%u\n", card->spec->n_functions);
}

static int autoprobe_show(Node *node, char *content) {
        const Card *card = node->owner;

        return sprintf(content, "%d\n", card->autoprobe);
}

static void autoprobe_write(Node *node, Request *request) {
        Card *card = node->owner;
        unsigned n;
        int r;

        r = parse_u16(request->data, &n);
        if (r >= 0 && n > 1)
                r = -EINVAL;
        if (r >= 0)
                card->autoprobe = n > 0;
        request_finish(request, r);
}

/* Whoever has the memory of the card open uses it. */
static int resource_open(Node *node, OpenFile *file) {
        Card *card = node->owner;

        card->n_users++;
        card->user = file;
        return 0;
}

static void resource_release(Node *node, OpenFile *file) {
        Card *card = node->owner;
        CardWaiter *waiters, *waiter, *next;

        if (card->user == file)
                card->user = NULL;
        if (--card->n_users > 0)
                return;

        waiters = TAKE_PTR(card->waiters);
        LL_FOREACH_SAFE(waiters, waiter, next) {
                waiter->then(waiter->userdata);
                free(waiter);
        }
}

pid_t card_opener(const Card *card) {
        return card->user ? card->user->opener : 0;
}

void card_when_unused(Card *card, driver_then_t then, void *userdata) {
        CardWaiter *waiter;

        if (card->n_users == 0) {
                then(userdata);
                return;
        }

        waiter = must(malloc(sizeof(CardWaiter)));
        *waiter = (CardWaiter) {.then = then, .userdata = userdata};
        LL_APPEND(card->waiters, waiter);
}

static const NodeOps numvfs_ops = {
        .mode = S_IFREG | 0644,
        .new_inode_at_lookup = true,
        .show = numvfs_show,
        .read = numvfs_read,
        .write = numvfs_write,
};
static const NodeOps totalvfs_ops = {.mode = S_IFREG | 0444, .show = totalvfs_show};
static const NodeOps autoprobe_ops = {.mode = S_IFREG | 0644, .show = autoprobe_show, .write = autoprobe_write};
static const NodeOps resource_ops = {.mode = S_IFREG | 0600, .open = resource_open, .release = resource_release};

/* --- the card */

void card_bind(Card *card, Changes *changes, const char *driver) {
        pci_bind(&card->pci, changes, streq(driver, STUB_DRIVER) ? STUB_DRIVER : card->spec->driver);
        pci_uevent(&card->pci, changes, "bind");
}

static void on_card_unused(void *userdata) {
        Card *card = userdata;
        Changes *changes = changes_new(card->pci.host->notifier);

        pci_uevent(&card->pci, changes, "unbind");
        changes_commit(changes, card->removed, card->userdata);
}

static void on_card_links_gone(void *userdata) {
        card_when_unused(userdata, on_card_unused, userdata);
}

/* The driver waits for the card's users. The virtual functions stay. */
void card_unbind(Card *card, driver_then_t then, void *userdata) {
        Changes *changes = changes_new(card->pci.host->notifier);

        card->removed = then;
        card->userdata = userdata;
        pci_unbind(&card->pci, changes);
        changes_commit(changes, on_card_links_gone, card);
}

static void on_rebooted(void *userdata) {
        Card *card = userdata;

        pci_unlock(&card->pci);
        card->rebooted(card->reboot_userdata);
}

static void on_functions_rebooted(void *userdata) {
        Card *card = userdata;
        Changes *changes = changes_new(card->pci.host->notifier);

        card->autoprobe = true;
        if (card->pci.driver)
                pci_unbind(&card->pci, changes);
        card_bind(card, changes, card->spec->driver);
        if (!card->spec->off)
                card_add_functions(card, changes, card->spec->n_functions);
        changes_commit(changes, on_rebooted, card);
}

static void on_reboot_locked(void *userdata) {
        card_remove_functions(userdata, on_functions_rebooted, userdata);
}

static void end_user(pid_t pid) {
        if (pid > 0)
                (void) kill(pid, SIGKILL);
}

/* What a reboot of the host does to the card: all that uses it ends, nothing hangs any more, and the virtual functions
 * are those that there were at first, without types. */
void card_reboot(Card *card, driver_then_t then, void *userdata) {
        card->rebooted = then;
        card->reboot_userdata = userdata;

        end_user(card_opener(card));
        driver_resume(&card->pci.faults);
        for (unsigned i = 0; i < card->n_functions; i++) {
                Pci *function = &card->functions[i].pci;

                driver_resume(&function->faults);
                if (function->group)
                        end_user(group_opener(function->group));
        }

        pci_lock(&card->pci, on_reboot_locked, card);
}

static int spec_capacity(const CardSpec *spec, uint64_t *ret) {
        int r = 0;

        *ret = 1;
        for (size_t i = 0; r >= 0 && i < spec->n_types; i++)
                r = spec_extend_capacity(ret, spec->types[i].count);
        return r;
}

static const PciIds *spec_ids(const CardSpec *spec) {
        for (size_t i = 0; i < ELEMENTSOF(vendors); i++)
                if (streq(vendors[i].driver, spec->driver))
                        return vendors[i].ids;

        return &ids_nvidia;
}

/* The address is domain:bus:slot.function; slot and function are 8 bits. */
static int function_name(const char *card, unsigned index, char *name) {
        unsigned domain, bus, slot, function, address;

        if (sscanf(card, "%x:%x:%x.%x", &domain, &bus, &slot, &function) != 4)
                return -EINVAL;

        address = (bus << 8) + (slot << 3) + function + FIRST_FUNCTION + index;
        if (address > UINT16_MAX)
                return -ERANGE;

        snprintf(name, PCI_NAME_SIZE, "%04x:%02x:%02x.%x", domain & 0xffff, address >> 8 & 0xff, address >> 3 & 0x1f,
                 address & 7);
        return 0;
}

static int card_prepare_functions(Card *card, uint64_t create_delay, uint64_t remove_delay) {
        card->functions = must(calloc(card->spec->n_functions, sizeof(Function)));
        for (unsigned i = 0; i < card->spec->n_functions; i++) {
                Function *function = &card->functions[i];
                char name[PCI_NAME_SIZE];
                int r;

                r = function_name(card->spec->name, i, name);
                if (r < 0)
                        return r;

                pci_init(&function->pci, card->pci.host, name, card->pci.ids);
                function->card = card;
                vgpu_init(function);
                function->pci.faults.delays[OPERATION_CREATE] = create_delay;
                function->pci.faults.delays[OPERATION_REMOVE] = remove_delay;
        }

        return 0;
}

static void card_add(Card *card) {
        Host *host = card->pci.host;
        Changes *changes = changes_new(host->notifier);

        changes_make_path(changes, host->class, "iommu/dmar0");
        drivers_add(host, changes, card->spec->driver);
        drivers_add(host, changes, STUB_DRIVER);
        pci_add(&card->pci, changes);
        changes_add(changes, card->pci.node, "sriov_numvfs", &numvfs_ops, card);
        changes_add(changes, card->pci.node, "sriov_totalvfs", &totalvfs_ops, card);
        changes_add(changes, card->pci.node, "sriov_drivers_autoprobe", &autoprobe_ops, card);
        changes_add(changes, card->pci.node, "resource0", &resource_ops, card);
        card_bind(card, changes, card->spec->driver);
        if (!card->spec->off)
                card_add_functions(card, changes, card->spec->n_functions);
        changes_commit(changes, NULL, NULL);
}

/* Takes the specification if it succeeds. */
int card_new(Host *host, CardSpec *spec, uint64_t create_delay, uint64_t remove_delay) {
        uint64_t capacity;
        Card *card;
        int r;

        if (host_find_card(host, spec->name))
                return -EEXIST;
        r = spec_capacity(spec, &capacity);
        if (r < 0)
                return r;

        card = must(calloc(1, sizeof(Card)));
        pci_init(&card->pci, host, spec->name, spec_ids(spec));
        card->spec = spec;
        card->capacity = capacity;
        card->autoprobe = true;
        r = card_prepare_functions(card, create_delay, remove_delay);
        if (r < 0) {
                free(card->functions);
                free(card);
                return r;
        }

        HASH_ADD_KEYPTR(hh, host->cards, card->spec->name, strlen(card->spec->name), card);
        card_add(card);
        return 0;
}
