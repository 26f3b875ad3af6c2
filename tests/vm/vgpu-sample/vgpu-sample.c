// SPDX-License-Identifier: GPL-2.0
/*
 * vgpu-sample: gives virtual functions the files of NVIDIA's vGPUs for kernels without mdev, but there is no GPU.
 *
 * It is a VFIO driver for virtual functions of any kind. Each of them that appears while the module is loaded is bound
 * to it. The directory nvidia/ of a function then says which vGPU the function has. README.md describes the files and
 * the parameters.
 *
 * A "plugin" is what NVIDIA's driver runs for each vGPU that a virtual machine uses. Here it is only a point in time:
 * the plugin of a function is gone `plugin_delay` ms after the function was closed.
 */

#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/lcm.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/vfio.h>
#include <linux/vfio_pci_core.h>

#define TYPES_MAX 32
#define DRIVER_NAME "vgpu-sample"
/* The device number of each function; no maker uses it. */
#define SAMPLE_DEVICE_ID 0xffff

static unsigned int types[TYPES_MAX] = { 1145, 1152 };
static unsigned int types_count = 2;
module_param_array(types, uint, &types_count, 0444);
MODULE_PARM_DESC(types, "the numbers of the types (1145,1152)");

static unsigned int capacities[TYPES_MAX] = { 3, 2 };
static unsigned int capacities_count = 2;
module_param_array(capacities, uint, &capacities_count, 0444);
MODULE_PARM_DESC(capacities, "how many vGPUs of each of the types a card has room for (3,2)");

static bool mixed;
module_param(mixed, bool, 0644);
MODULE_PARM_DESC(mixed, "a card can have vGPUs of several types at once (no)");

static bool upstream;
module_param(upstream, bool, 0644);
MODULE_PARM_DESC(upstream, "errors and lists are those of the driver that was proposed for the kernel (no: NVIDIA's)");

static bool locked;
module_param(locked, bool, 0644);
MODULE_PARM_DESC(locked, "each write to current_vgpu_type waits for the one before (no)");

static unsigned int create_delay = 20;
module_param(create_delay, uint, 0644);
MODULE_PARM_DESC(create_delay, "how long a vGPU takes to create, in ms (20)");

static unsigned int plugin_delay;
module_param(plugin_delay, uint, 0644);
MODULE_PARM_DESC(plugin_delay, "how long the plugin stays after a function was closed, in ms (0)");

static unsigned int clear_wait = 1000;
module_param(clear_wait, uint, 0644);
MODULE_PARM_DESC(clear_wait, "how long a clear waits for the plugin before it fails, in ms (1000)");

static unsigned int types_delay;
module_param(types_delay, uint, 0644);
MODULE_PARM_DESC(types_delay, "how long after it was bound a function has no types, in ms (0)");

static unsigned int wedge_within;
module_param(wedge_within, uint, 0644);
MODULE_PARM_DESC(wedge_within, "a function is wedged if its user goes within so many ms (0: never)");

/* What is known of a function from its first binding until it disappears. */
struct function {
        struct list_head entry;
        struct pci_dev *pdev;      /* the function; forget() runs before it goes, so no reference is needed */
        bool was_bound;            /* whether it was bound to this driver, and was unbound */
        bool is_open;
        bool was_open;             /* by a user of this vGPU or of an earlier one */
        bool is_wedged;
        unsigned int type;         /* the number of its vGPU's type, or 0 */
        unsigned int placement_id; /* belongs to the vGPU, like the next two */
        unsigned int gpu_instance_id;
        char vgpu_params[256];
        unsigned int warm_update;
        unsigned long bound_at; /* in jiffies, like the next two */
        unsigned long opened_at;
        unsigned long closed_at;
};

struct sample_device {
        struct vfio_pci_core_device core; /* first, because vfio_alloc_device() wants it there */
        struct function *function;
};

/*
 * The list of functions is protected, but what they are is not: as in NVIDIA's driver, nothing is locked between the
 * check whether a vGPU can be created and its creation. So two writers can both succeed.
 */
static LIST_HEAD(functions);
static DEFINE_MUTEX(functions_lock);
/* This is taken only with the parameter `locked`. A test can then tell its own mistakes from what the gap allows. */
static DEFINE_MUTEX(write_lock);

static struct function *function_of(struct device *dev) {
        struct vfio_pci_core_device *core = dev_get_drvdata(dev);

        return container_of(core, struct sample_device, core)->function;
}

static bool is_at_least(unsigned long since, unsigned int ms) {
        return time_after_eq(jiffies, since + msecs_to_jiffies(ms));
}

/* Returns the type's place in types[], or -ENODEV. */
static int find_type(unsigned int type) {
        unsigned int i;

        for (i = 0; i < types_count; i++)
                if (types[i] == type)
                        return i;
        return -ENODEV;
}

static bool has_types(const struct function *function) {
        return is_at_least(function->bound_at, READ_ONCE(types_delay));
}

/* A card's room is divided into as many parts as make a vGPU of any type a whole number of them. */
static unsigned long parts_of_card(void) {
        unsigned long parts = 1;
        unsigned int i;

        for (i = 0; i < types_count; i++)
                parts = lcm(parts, capacities[i]);
        return parts;
}

static unsigned long parts_of_type(unsigned int type) {
        return parts_of_card() / capacities[find_type(type)];
}

/* Whether the card of the function has room for a vGPU of this type, in addition to those of its other functions. */
static bool has_room(const struct function *function, unsigned int type) {
        unsigned long used = parts_of_type(type);
        const struct function *other;
        unsigned int its_type;

        mutex_lock(&functions_lock);
        list_for_each_entry(other, &functions, entry) {
                its_type = READ_ONCE(other->type);
                if (other != function && its_type && pci_physfn(other->pdev) == pci_physfn(function->pdev))
                        used += parts_of_type(its_type);
        }
        mutex_unlock(&functions_lock);
        return used <= parts_of_card();
}

/* The type that all vGPUs of the function's card have, or 0 if there is no vGPU, or if types can be mixed. */
static unsigned int only_type(const struct function *function) {
        const struct function *other;
        unsigned int type = 0;

        if (READ_ONCE(mixed))
                return 0;
        mutex_lock(&functions_lock);
        list_for_each_entry(other, &functions, entry)
                if (pci_physfn(other->pdev) == pci_physfn(function->pdev) && READ_ONCE(other->type))
                        type = READ_ONCE(other->type);
        mutex_unlock(&functions_lock);
        return type;
}

static bool is_creatable(const struct function *function, unsigned int type) {
        if (find_type(type) < 0 || !has_types(function))
                return false;
        return has_room(function, type);
}

static bool is_other_type(const struct function *function, unsigned int type) {
        unsigned int only = only_type(function);

        return only && only != type;
}

static void set_type(struct function *function, unsigned int type) {
        function->placement_id = 0;
        function->gpu_instance_id = 0;
        function->vgpu_params[0] = 0;
        WRITE_ONCE(function->type, type);
}

/* The type is there to be read before the driver knows whether it can be had, as it is with NVIDIA's driver. */
static int create_nvidia(struct function *function, unsigned int type) {
        bool is_possible;

        if (function->was_bound)
                return -EINVAL;
        if (READ_ONCE(function->type))
                return -EPERM;
        msleep(READ_ONCE(create_delay) / 2);
        is_possible = is_creatable(function, type) && !is_other_type(function, type);
        if (find_type(type) >= 0)
                set_type(function, type);
        msleep(READ_ONCE(create_delay) / 2);
        if (is_possible)
                return 0;
        set_type(function, 0);
        return -EIO;
}

static int create_upstream(struct function *function, unsigned int type) {
        if (READ_ONCE(function->is_open))
                return -EBUSY;
        if (find_type(type) < 0 || !has_types(function))
                return -ENODEV;
        if (is_other_type(function, type))
                return -EINVAL;
        if (!has_room(function, type))
                return -ENOSPC;
        msleep(READ_ONCE(create_delay));
        set_type(function, type);
        return 0;
}

static bool has_plugin(const struct function *function) {
        return READ_ONCE(function->is_open) ||
               (READ_ONCE(function->was_open) &&
                !is_at_least(READ_ONCE(function->closed_at), READ_ONCE(plugin_delay)));
}

/* The parameters are read again and again, so that a write to one of them ends a clear that hangs. */
static int clear_nvidia(struct function *function) {
        unsigned long began = jiffies;

        if (!READ_ONCE(function->type) || READ_ONCE(function->is_open))
                return -EPERM;
        while (has_plugin(function)) {
                if (is_at_least(began, READ_ONCE(clear_wait)))
                        return -EBUSY;
                msleep(20);
        }
        if (READ_ONCE(function->is_wedged))
                return -EIO;
        set_type(function, 0);
        return 0;
}

static int clear_upstream(struct function *function) {
        if (READ_ONCE(function->is_open))
                return -EBUSY;
        set_type(function, 0);
        return 0;
}

static ssize_t current_vgpu_type_show(struct device *dev, struct device_attribute *attr, char *text) {
        return sysfs_emit(text, "%u\n", READ_ONCE(function_of(dev)->type));
}

static ssize_t current_vgpu_type_store(struct device *dev, struct device_attribute *attr, const char *text,
                                       size_t size) {
        struct function *function = function_of(dev);
        bool is_locked = READ_ONCE(locked);
        unsigned int type;
        int r;

        r = kstrtouint(text, 10, &type);
        if (r < 0)
                return r;
        if (is_locked)
                mutex_lock(&write_lock);
        if (READ_ONCE(upstream))
                r = type ? create_upstream(function, type) : clear_upstream(function);
        else
                r = type ? create_nvidia(function, type) : clear_nvidia(function);
        if (is_locked)
                mutex_unlock(&write_lock);
        return r < 0 ? r : size;
}

/*
 * Neither driver prints anything for a function that has a vGPU. For the others, NVIDIA's driver always prints the
 * heading. The proposed driver leaves it out when the card has a vGPU.
 */
static ssize_t creatable_vgpu_types_show(struct device *dev, struct device_attribute *attr, char *text) {
        const struct function *function = function_of(dev);
        ssize_t length = 0;
        unsigned int i;

        if (READ_ONCE(function->type))
                return 0;
        if (!READ_ONCE(upstream) || !only_type(function))
                length += sysfs_emit_at(text, length, "ID    : vGPU Name\n");
        for (i = 0; i < types_count; i++)
                if (is_creatable(function, types[i]) && !is_other_type(function, types[i]))
                        length += sysfs_emit_at(text, length, "%-5u : NVIDIA SAMPLE-%uB\n", types[i], i + 1);
        return length;
}

/* Reads or writes a number that only a function with a vGPU has. */
static ssize_t show_number_of_vgpu(const struct function *function, unsigned int number, char *text) {
        return READ_ONCE(function->type) ? sysfs_emit(text, "%u\n", number) : -ENXIO;
}

static ssize_t store_number_of_vgpu(const struct function *function, unsigned int *number, const char *text,
                                    size_t size) {
        int r;

        if (!READ_ONCE(function->type))
                return -ENXIO;
        r = kstrtouint(text, 10, number);
        return r < 0 ? r : size;
}

static ssize_t placement_id_show(struct device *dev, struct device_attribute *attr, char *text) {
        return show_number_of_vgpu(function_of(dev), function_of(dev)->placement_id, text);
}

static ssize_t placement_id_store(struct device *dev, struct device_attribute *attr, const char *text, size_t size) {
        return store_number_of_vgpu(function_of(dev), &function_of(dev)->placement_id, text, size);
}

static ssize_t gpu_instance_id_show(struct device *dev, struct device_attribute *attr, char *text) {
        return show_number_of_vgpu(function_of(dev), function_of(dev)->gpu_instance_id, text);
}

static ssize_t gpu_instance_id_store(struct device *dev, struct device_attribute *attr, const char *text,
                                     size_t size) {
        return store_number_of_vgpu(function_of(dev), &function_of(dev)->gpu_instance_id, text, size);
}

static ssize_t vgpu_params_show(struct device *dev, struct device_attribute *attr, char *text) {
        return sysfs_emit(text, "%s\n", function_of(dev)->vgpu_params);
}

static ssize_t vgpu_params_store(struct device *dev, struct device_attribute *attr, const char *text, size_t size) {
        struct function *function = function_of(dev);

        if (!READ_ONCE(function->type))
                return -EPERM;
        if (size >= sizeof(function->vgpu_params))
                return -EINVAL;
        strscpy(function->vgpu_params, text, sizeof(function->vgpu_params));
        strim(function->vgpu_params);
        return size;
}

static ssize_t warm_update_show(struct device *dev, struct device_attribute *attr, char *text) {
        return sysfs_emit(text, "%u\n", function_of(dev)->warm_update);
}

static ssize_t warm_update_store(struct device *dev, struct device_attribute *attr, const char *text, size_t size) {
        int r;

        r = kstrtouint(text, 10, &function_of(dev)->warm_update);
        return r < 0 ? r : size;
}

static DEVICE_ATTR_RW(current_vgpu_type);
static DEVICE_ATTR_RO(creatable_vgpu_types);
static DEVICE_ATTR_RW(placement_id);
static DEVICE_ATTR_RW(gpu_instance_id);
static DEVICE_ATTR_RW(vgpu_params);
static DEVICE_ATTR_RW(warm_update);

static struct attribute *attributes[] = {
        &dev_attr_current_vgpu_type.attr,
        &dev_attr_creatable_vgpu_types.attr,
        &dev_attr_placement_id.attr,
        &dev_attr_gpu_instance_id.attr,
        &dev_attr_vgpu_params.attr,
        &dev_attr_warm_update.attr,
        NULL,
};

static const struct attribute_group nvidia_group = {
        .name = "nvidia",
        .attrs = attributes,
};

static const struct attribute_group *groups[] = {
        &nvidia_group,
        NULL,
};

static int sample_open(struct vfio_device *vdev) {
        struct sample_device *device = container_of(vdev, struct sample_device, core.vdev);
        int r;

        if (!READ_ONCE(device->function->type))
                return -ENODEV;
        r = vfio_pci_core_enable(&device->core);
        if (r < 0)
                return r;
        vfio_pci_core_finish_enable(&device->core);
        device->function->opened_at = jiffies;
        WRITE_ONCE(device->function->is_open, true);
        return 0;
}

static void sample_close(struct vfio_device *vdev) {
        struct function *function = container_of(vdev, struct sample_device, core.vdev)->function;

        vfio_pci_core_close_device(vdev);
        if (!is_at_least(function->opened_at, READ_ONCE(wedge_within)))
                WRITE_ONCE(function->is_wedged, true);
        WRITE_ONCE(function->closed_at, jiffies);
        WRITE_ONCE(function->was_open, true);
        WRITE_ONCE(function->is_open, false);
}

static const struct vfio_device_ops ops = {
        .name = DRIVER_NAME,
        .init = vfio_pci_core_init_dev,
        .release = vfio_pci_core_release_dev,
        .open_device = sample_open,
        .close_device = sample_close,
        .ioctl = vfio_pci_core_ioctl,
        .device_feature = vfio_pci_core_ioctl_feature,
        .read = vfio_pci_core_read,
        .write = vfio_pci_core_write,
        .mmap = vfio_pci_core_mmap,
        .request = vfio_pci_core_request,
        .match = vfio_pci_core_match,
};

static struct function *find_function(const struct pci_dev *pdev) {
        struct function *function, *found = NULL;

        mutex_lock(&functions_lock);
        list_for_each_entry(function, &functions, entry)
                if (function->pdev == pdev)
                        found = function;
        mutex_unlock(&functions_lock);
        return found;
}

static struct function *find_or_add_function(struct pci_dev *pdev) {
        struct function *function = find_function(pdev);

        if (function)
                return function;
        function = kzalloc(sizeof(*function), GFP_KERNEL);
        if (!function)
                return NULL;
        function->pdev = pdev;
        mutex_lock(&functions_lock);
        list_add_tail(&function->entry, &functions);
        mutex_unlock(&functions_lock);
        return function;
}

static void forget(struct function *function) {
        mutex_lock(&functions_lock);
        list_del(&function->entry);
        mutex_unlock(&functions_lock);
        kfree(function);
}

static int sample_probe(struct pci_dev *pdev, const struct pci_device_id *id) {
        struct sample_device *device;
        int r;

        if (!pdev->is_virtfn)
                return -ENODEV;
        device = vfio_alloc_device(sample_device, core.vdev, &pdev->dev, &ops);
        if (IS_ERR(device))
                return PTR_ERR(device);
        device->function = find_or_add_function(pdev);
        if (!device->function) {
                r = -ENOMEM;
                goto put;
        }
        device->function->bound_at = jiffies;
        dev_set_drvdata(&pdev->dev, &device->core);
        r = vfio_pci_core_register_device(&device->core);
        if (r < 0)
                goto put;
        return 0;

put:
        vfio_put_device(&device->core.vdev);
        return r;
}

/* Waits until nobody has the function open. */
static void sample_remove(struct pci_dev *pdev) {
        struct vfio_pci_core_device *core = dev_get_drvdata(&pdev->dev);
        struct function *function = function_of(&pdev->dev);

        vfio_pci_core_unregister_device(core);
        set_type(function, 0);
        function->was_bound = true;
        vfio_put_device(&core->vdev);
}

static const struct pci_device_id ids[] = {
        { PCI_DEVICE(PCI_ANY_ID, SAMPLE_DEVICE_ID) },
        {},
};
MODULE_DEVICE_TABLE(pci, ids);

static struct pci_driver driver = {
        .name = DRIVER_NAME,
        .id_table = ids,
        .probe = sample_probe,
        .remove = sample_remove,
        .err_handler = &vfio_pci_core_err_handlers,
        .dev_groups = groups,
        .driver_managed_dma = true,
};

/*
 * Gives a virtual function an identity of its own before the kernel looks for a driver. The functions of an nvme card
 * would go to the driver nvme otherwise. To name a driver in driver_override would have them bound even if the card's
 * sriov_drivers_autoprobe is 0.
 */
static int on_pci_device(struct notifier_block *block, unsigned long action, void *data) {
        struct pci_dev *pdev = to_pci_dev(data);
        struct function *function;

        if (action == BUS_NOTIFY_ADD_DEVICE && pdev->is_virtfn) {
                pdev->device = SAMPLE_DEVICE_ID;
                pdev->class = PCI_CLASS_DISPLAY_3D << 8;
        } else if (action == BUS_NOTIFY_REMOVED_DEVICE) {
                function = find_function(pdev);
                if (function)
                        forget(function);
        }
        return NOTIFY_DONE;
}

static struct notifier_block notifier = {
        .notifier_call = on_pci_device,
};

static int __init sample_init(void) {
        unsigned int i;
        int r;

        if (types_count != capacities_count) {
                pr_err(DRIVER_NAME ": types and capacities must have the same number of values\n");
                return -EINVAL;
        }
        for (i = 0; i < types_count; i++)
                if (!types[i] || !capacities[i]) {
                        pr_err(DRIVER_NAME ": types and capacities must not be 0\n");
                        return -EINVAL;
                }

        r = bus_register_notifier(&pci_bus_type, &notifier);
        if (r < 0)
                return r;
        r = pci_register_driver(&driver);
        if (r < 0)
                bus_unregister_notifier(&pci_bus_type, &notifier);
        return r;
}

static void __exit sample_exit(void) {
        struct function *function, *next;

        pci_unregister_driver(&driver);
        bus_unregister_notifier(&pci_bus_type, &notifier);
        list_for_each_entry_safe(function, next, &functions, entry)
                forget(function);
}

module_init(sample_init);
module_exit(sample_exit);
MODULE_DESCRIPTION("vGPUs without a GPU, on virtual functions, by NVIDIA's files for kernels without mdev");
MODULE_LICENSE("GPL");
