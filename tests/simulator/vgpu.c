/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The files of NVIDIA's vendor VFIO in a virtual function: what creates and removes a vGPU. There is no driver to read,
 * so that these sharp edges are those that programs have met:
 *
 * - No lock spans the checks of a write and what it does. Of two writers of one function both can succeed, and the
 *   later one wins. A clear that began before another's can end after that, and then takes the type of somebody else.
 * - While a vGPU is created its type can be read, although it can still fail.
 * - Errors say little: EPERM means that the write has to wait, or that there is nothing to do.
 * - A vGPU takes types off the lists of all functions of its card, and no message tells of it.
 * - When a user has gone, its plugin has not. A clear sleeps until it goes, or fails.
 * - Some functions wedge. Only making all functions of the card again heals them. */

#include <errno.h>
#include <utlist.h>

#include "tests/simulator/card.h"

/* How long the plugin needs to go, and how long a clear waits for that. */
#define PATIENCE_USEC (500 * USEC_PER_MSEC)
#define PLUGIN_USEC (100 * USEC_PER_MSEC)
#define NO_INSTANCE UINT32_MAX

typedef struct TypeWrite {
        struct TypeWrite *next;
        Function *function;
        Request *request;
        const CardType *type;   /* NULL: a clear */
        sd_event_source *timer;
} TypeWrite;

static const char *const list_table[_VGPU_LIST_MAX] = {
        [VGPU_LIST_NORMAL] = "normal",
        [VGPU_LIST_NO_HEADING] = "no-heading",
        [VGPU_LIST_HEADING] = "heading",
        [VGPU_LIST_EMPTY] = "empty",
        [VGPU_LIST_ACTIVE] = "active",
        [VGPU_LIST_NAME_FIRST] = "name-first",
        [VGPU_LIST_STRANGE] = "strange",
};

VgpuList vgpu_list_from_string(const char *string) {
        for (VgpuList i = 0; i < _VGPU_LIST_MAX; i++)
                if (streq(list_table[i], string))
                        return i;

        return _VGPU_LIST_INVALID;
}

static uint64_t type_cost(const Card *card, const CardType *type) {
        return card->capacity / type->count;
}

static bool card_has_room(const Card *card, const CardType *type) {
        return type_cost(card, type) <= card->capacity - card->used;
}

/* Whether all vGPUs of the card are like this type. */
static bool card_is_uniform(const Card *card, const CardType *type, bool same_type) {
        for (unsigned i = 0; i < card->n_functions; i++) {
                const CardType *other = card->functions[i].vgpu.type;

                if (other && (same_type ? other != type : other->count != type->count))
                        return false;
        }

        return true;
}

static const CardType *card_find_type(const Card *card, long number) {
        for (size_t i = 0; i < card->spec->n_types; i++)
                if (card->spec->types[i].number == number)
                        return &card->spec->types[i];

        return NULL;
}

/* Whether a function of the card that has no type can get this one. */
static bool card_can_create(const Card *card, const CardType *type) {
        if (!card->pci.driver || card->n_late > 0 || card->mig == MIG_EMPTY || !card_has_room(card, type))
                return false;
        if (card->spec->dialect == DIALECT_UPSTREAM)
                return card_is_uniform(card, type, true);
        return !card->spec->equal_sizes || card_is_uniform(card, type, false);
}

/* Gives back what the vGPU of the function takes. */
void vgpu_give(Function *function) {
        Vgpu *vgpu = &function->vgpu;

        if (vgpu->type)
                function->card->used -= type_cost(function->card, vgpu->type);
        vgpu->type = NULL;
        vgpu->placement = 0;
        vgpu->instance = NO_INSTANCE;
        vgpu->params[0] = '\0';
}

static int vgpu_take(Function *function, const CardType *type) {
        Card *card = function->card;
        const CardType *old = function->vgpu.type;

        vgpu_give(function);
        if (!card_has_room(card, type)) {
                /* The resources are the card's. It counts them itself, and the function stays as it was. */
                function->vgpu.type = old;
                card->used += old ? type_cost(card, old) : 0;
                return card->spec->dialect == DIALECT_UPSTREAM ? -ENOSPC : -EIO;
        }

        function->vgpu.placement = (unsigned) card->used;
        function->vgpu.type = type;
        card->used += type_cost(card, type);
        return 0;
}

/* --- current_vgpu_type */

static int check_set_nvidia(const Function *function, const CardType *type) {
        if (function->vgpu.type || function->vgpu.coming)
                return -EPERM;
        if (function->vgpu.rebound)
                return -EINVAL;
        return type && card_can_create(function->card, type) ? 0 : -EIO;
}

static int check_set_upstream(const Function *function, const CardType *type) {
        const Card *card = function->card;

        if (group_is_in_use(function->pci.group))
                return -EBUSY;
        if (!type || !card->pci.driver || card->n_late > 0)
                return -ENODEV;
        if (!card_is_uniform(card, type, true))
                return -EINVAL;
        return function->vgpu.type == type || card_has_room(card, type) ? 0 : -ENOSPC;
}

/* Returns 1 if there is nothing to do. */
static int check_clear(const Function *function) {
        bool upstream = function->card->spec->dialect == DIALECT_UPSTREAM;

        if (!function->vgpu.type)
                return upstream ? 1 : -EPERM;
        if (group_is_in_use(function->pci.group))
                return upstream ? -EBUSY : -EPERM;
        return 0;
}

/* What a person wants to fail comes first, then what the driver checks. */
static int check_write(Function *function, long number) {
        const CardType *type = card_find_type(function->card, number);
        Driver *faults = &function->pci.faults;
        int r;

        r = driver_take_failure(faults, "current_vgpu_type");
        if (r >= 0)
                r = driver_take_failure(faults, number > 0 ? "create" : "remove");
        if (r < 0)
                return r;

        if (number == 0)
                return check_clear(function);
        if (function->card->spec->dialect == DIALECT_UPSTREAM)
                return check_set_upstream(function, type);
        return check_set_nvidia(function, type);
}

static void write_finish(TypeWrite *write, int r) {
        Function *function = write->function;
        Vgpu *vgpu = &function->vgpu;

        request_finish(write->request, r);
        sd_event_source_disable_unref(write->timer);
        free(write);
        if (--vgpu->n_writers == 0 && vgpu->idle) {
                driver_then_t idle = vgpu->idle;

                vgpu->idle = NULL;
                idle(vgpu->userdata);
        }
}

/* The driver has done what was written. It may fail all the same, and so the file alone says what came out. */
static void on_driver_done(void *userdata) {
        TypeWrite *write = userdata;
        Function *function = write->function;
        int r = 0;

        if (write->type) {
                function->vgpu.coming = NULL;
                r = vgpu_take(function, write->type);
        } else
                vgpu_give(function);
        if (r >= 0)
                r = driver_take_failure(&function->pci.faults, write->type ? "created" : "removed");
        write_finish(write, r);
}

static void write_run(TypeWrite *write) {
        if (write->type && write->function->card->spec->dialect == DIALECT_NVIDIA)
                write->function->vgpu.coming = write->type;
        driver_run(&write->function->pci.faults, write->type ? OPERATION_CREATE : OPERATION_REMOVE, on_driver_done,
                   write);
}

static int on_patience_over(sd_event_source *source, uint64_t usec, void *userdata) {
        TypeWrite *write = userdata;

        LL_DELETE(write->function->vgpu.clears, write);
        write_finish(write, -EBUSY);
        return 0;
}

static void on_plugin_gone(void *userdata) {
        Function *function = userdata;
        TypeWrite *clears, *write, *next;

        if (--function->vgpu.n_plugins > 0)
                return;

        clears = TAKE_PTR(function->vgpu.clears);
        LL_FOREACH_SAFE(clears, write, next) {
                write->timer = sd_event_source_disable_unref(write->timer);
                write_run(write);
        }
}

static void on_checked(void *userdata) {
        TypeWrite *write = userdata;
        Function *function = write->function;

        if (!write->type && function->vgpu.wedged) {
                write_finish(write, -EIO);
                return;
        }
        if (write->type || function->vgpu.n_plugins == 0 || function->card->spec->dialect == DIALECT_UPSTREAM) {
                write_run(write);
                return;
        }

        LL_APPEND(function->vgpu.clears, write);
        if (sd_event_add_time_relative(function->pci.host->event, &write->timer, CLOCK_MONOTONIC,
                                       function->pci.faults.delays[OPERATION_PATIENCE], 1, on_patience_over,
                                       write) < 0)
                abort();
}

static int parse_decimal(const char *data, long max, long *ret) {
        char *end;
        long n;

        errno = 0;
        n = strtol(data, &end, 10);
        if (errno > 0 || data[0] < '0' || data[0] > '9' || (*end && !streq(end, "\n")) || n > max)
                return -EINVAL;

        *ret = n;
        return 0;
}

static void current_write(Node *node, Request *request) {
        Function *function = node->owner;
        TypeWrite *write;
        long number;
        int r;

        r = parse_decimal(request->data, INT32_MAX, &number);
        if (r >= 0)
                r = check_write(function, number);
        if (r != 0) {
                request_finish(request, r < 0 ? r : 0);
                return;
        }

        write = must(calloc(1, sizeof(TypeWrite)));
        write->function = function;
        write->request = request;
        write->type = number > 0 ? card_find_type(function->card, number) : NULL;
        function->vgpu.n_writers++;
        if (function->card->spec->locked)
                on_checked(write);
        else
                driver_run(&function->pci.faults, OPERATION_VGPU_TYPE, on_checked, write);
}

static int current_show(Node *node, char *content) {
        const Function *function = node->owner;
        const CardType *type = function->vgpu.coming ? function->vgpu.coming : function->vgpu.type;

        return sprintf(content, "%u\n", type ? type->number : 0);
}

/* --- creatable_vgpu_types */

static int show_type(const Card *card, const CardType *type, char *content, size_t size) {
        if (card->list == VGPU_LIST_NAME_FIRST)
                return snprintf(content, size, "%-20s %u\n", type->name, type->number);
        return snprintf(content, size, "%-5u : %s\n", type->number, type->name);
}

/* A function that has a type can get no other, and mostly says nothing at all. */
static int creatable_show(Node *node, char *content) {
        const Function *function = node->owner;
        const Card *card = function->card;
        const CardType *own = function->vgpu.type;
        const size_t size = NODE_CONTENT_MAX;
        int n = 0;

        if (card->list == VGPU_LIST_EMPTY || (own && card->list != VGPU_LIST_ACTIVE))
                return 0;

        if (card->list == VGPU_LIST_NAME_FIRST)
                n = sprintf(content, "NAME                 ID\n");
        else if (card->list != VGPU_LIST_NO_HEADING)
                n = sprintf(content, "%-5s : %s\n", "ID", "vGPU Name");
        if (card->list == VGPU_LIST_HEADING)
                return n;
        if (card->list == VGPU_LIST_STRANGE)
                n += sprintf(content + n, "?? : \x01\xff :\n\n");
        if (own)
                return n + show_type(card, own, content + n, size - (size_t) n);

        for (size_t i = 0; i < card->spec->n_types; i++)
                if (card_can_create(card, &card->spec->types[i]))
                        n += show_type(card, &card->spec->types[i], content + n, size - (size_t) n);
        return n;
}

/* --- the other files */

static void on_read(void *userdata) {
        Request *request = userdata;
        Function *function = request->node->parent ? request->node->owner : NULL;
        int r;

        /* What can be written fails when it is written. */
        r = !function                  ? -ENODEV :
            request->node->ops->write  ? 0 :
                                         driver_take_failure(&function->pci.faults, request->node->name);
        if (r < 0)
                request_finish(request, r);
        else
                request_show(request);
}

static void file_read(Node *node, Request *request) {
        Function *function = node->owner;

        driver_run(&function->pci.faults, OPERATION_READ, on_read, request);
}

/* Where there is no vGPU there is nothing to read. */
static int number_show(Function *function, unsigned number, char *content) {
        return function->vgpu.type ? sprintf(content, "%u\n", number) : -ENXIO;
}

static int placement_show(Node *node, char *content) {
        Function *function = node->owner;

        return number_show(function, function->vgpu.placement, content);
}

static int instance_show(Node *node, char *content) {
        Function *function = node->owner;

        return number_show(function, function->vgpu.instance, content);
}

static int params_show(Node *node, char *content) {
        Function *function = node->owner;

        return sprintf(content, "%s\n", function->vgpu.params);
}

static int warm_update_show(Node *node, char *content) {
        Function *function = node->owner;

        return sprintf(content, "%d\n", function->vgpu.warm_update);
}

static int number_store(const char *data, long max, unsigned *number) {
        long n;
        int r;

        r = parse_decimal(data, max, &n);
        if (r >= 0)
                *number = (unsigned) n;
        return r;
}

static int placement_store(Function *function, char *data) {
        return function->vgpu.type ? number_store(data, INT32_MAX, &function->vgpu.placement) : -ENXIO;
}

static int instance_store(Function *function, char *data) {
        return function->vgpu.type ? number_store(data, UINT32_MAX, &function->vgpu.instance) : -ENXIO;
}

/* They belong to the vGPU. */
static int params_store(Function *function, char *data) {
        if (!function->vgpu.type)
                return -EPERM;
        if (strlen(data) >= sizeof(function->vgpu.params))
                return -EINVAL;

        data[strcspn(data, "\n")] = '\0';
        strcpy(function->vgpu.params, data);
        return 0;
}

static int warm_update_store(Function *function, char *data) {
        unsigned value;
        int r;

        r = number_store(data, 1, &value);
        if (r >= 0)
                function->vgpu.warm_update = value > 0;
        return r;
}

static const struct {
        const char *name;
        int (*store)(Function *function, char *data);
} stores[] = {
        {"placement_id",    placement_store  },
        {"gpu_instance_id", instance_store   },
        {"vgpu_params",     params_store     },
        {"warm_update",     warm_update_store},
};

static int file_store(Function *function, const char *name, char *data) {
        int r;

        r = driver_take_failure(&function->pci.faults, name);
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(stores); i++)
                if (streq(stores[i].name, name))
                        return stores[i].store(function, data);

        return r;
}

static void on_write(void *userdata) {
        Request *request = userdata;
        Node *node = request->node;

        request_finish(request, node->parent ? file_store(node->owner, node->name, request->data) : -ENODEV);
}

static void file_write(Node *node, Request *request) {
        Function *function = node->owner;

        driver_run(&function->pci.faults, OPERATION_WRITE, on_write, request);
}

static const NodeOps current_ops = {
        .mode = S_IFREG | 0644,
        .new_inode_at_lookup = true,
        .show = current_show,
        .read = file_read,
        .write = current_write,
};
static const NodeOps creatable_ops = {.mode = S_IFREG | 0444, .show = creatable_show, .read = file_read};

#define FILE_OPS(s)                             \
        {                                       \
                .mode = S_IFREG | 0644,         \
                .new_inode_at_lookup = true,    \
                .show = s,                      \
                .read = file_read,              \
                .write = file_write,            \
        }

static const NodeOps placement_ops = FILE_OPS(placement_show);
static const NodeOps instance_ops = FILE_OPS(instance_show);
static const NodeOps params_ops = FILE_OPS(params_show);
static const NodeOps warm_update_ops = FILE_OPS(warm_update_show);

/* --- the life of a function */

static uint64_t now_usec(const Function *function) {
        uint64_t usec;

        if (sd_event_now(function->pci.host->event, CLOCK_MONOTONIC, &usec) < 0)
                abort();
        return usec;
}

static int vgpu_open(void *userdata) {
        Function *function = userdata;

        if (!function->vgpu.type)
                return -ENODEV;
        if (function->vgpu.broken)
                return -EIO;

        function->vgpu.n_plugins++;
        function->vgpu.opened = now_usec(function);
        return 0;
}

/* A virtual machine that is killed in its first seconds wedges its function. */
static void vgpu_closed(void *userdata) {
        Function *function = userdata;

        if (now_usec(function) - function->vgpu.opened < function->pci.faults.delays[OPERATION_WEDGE])
                function->vgpu.broken = true;
        driver_run(&function->pci.faults, OPERATION_PLUGIN, on_plugin_gone, function);
}

const GroupUser vgpu_user = {.open = vgpu_open, .closed = vgpu_closed, .has_cdev = true};

void vgpu_init(Function *function) {
        function->pci.faults.delays[OPERATION_PLUGIN] = PLUGIN_USEC;
        function->pci.faults.delays[OPERATION_PATIENCE] = PATIENCE_USEC;
        function->vgpu.instance = NO_INSTANCE;
}

void vgpu_add(Function *function, Changes *changes) {
        Node *directory = changes_add(changes, function->pci.node, "nvidia", &node_directory_ops, NULL);

        changes_add(changes, directory, "current_vgpu_type", &current_ops, function);
        changes_add(changes, directory, "creatable_vgpu_types", &creatable_ops, function);
        changes_add(changes, directory, "placement_id", &placement_ops, function);
        changes_add(changes, directory, "gpu_instance_id", &instance_ops, function);
        changes_add(changes, directory, "vgpu_params", &params_ops, function);
        changes_add(changes, directory, "warm_update", &warm_update_ops, function);
        function->vgpu.directory = directory;
}

void vgpu_remove(Function *function, Changes *changes) {
        changes_remove(changes, &function->vgpu.directory);
}

/* Files go when nobody is in them any more (kernfs_drain). */
void vgpu_when_idle(Function *function, driver_then_t then, void *userdata) {
        if (function->vgpu.n_writers == 0) {
                then(userdata);
                return;
        }

        function->vgpu.idle = then;
        function->vgpu.userdata = userdata;
}
