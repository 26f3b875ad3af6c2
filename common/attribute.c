/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A device's attributes. */

#include <errno.h>

#include "common/attribute.h"
#include "common/name.h"
#include "common/utf8.h"

int attributes_insert(struct attributes *attributes, size_t index, const char *name, const char *value) {
        _cleanup_free_ char *name_copy = NULL, *value_copy = NULL;
        struct attribute *items;

        if (index > attributes->n)
                return -ERANGE;
        if (attributes->n >= ATTRIBUTES_MAX)
                return -E2BIG;

        name_copy = strdup(name);
        value_copy = strdup(value);
        if (!name_copy || !value_copy)
                return -ENOMEM;

        items = reallocarray(attributes->items, attributes->n + 1, sizeof(*items));
        if (!items)
                return -ENOMEM;
        attributes->items = items;

        memmove(items + index + 1, items + index, (attributes->n - index) * sizeof(*items));
        items[index] = (struct attribute){ .name = TAKE_PTR(name_copy), .value = TAKE_PTR(value_copy) };
        attributes->n++;
        return 0;
}

int attributes_append(struct attributes *attributes, const char *name, const char *value) {
        return attributes_insert(attributes, attributes->n, name, value);
}

static void attribute_done(struct attribute *attribute) {
        free(attribute->name);
        free(attribute->value);
}

int attributes_remove(struct attributes *attributes, size_t index) {
        struct attribute *items = attributes->items;

        if (index >= attributes->n)
                return -ERANGE;

        attribute_done(items + index);
        attributes->n--;
        memmove(items + index, items + index + 1, (attributes->n - index) * sizeof(*items));
        return 0;
}

int attributes_copy(const struct attributes *attributes, struct attributes *ret) {
        _cleanup_attributes_ struct attributes copy = {};
        int r;

        for (size_t i = 0; i < attributes->n; i++) {
                r = attributes_append(&copy, attributes->items[i].name, attributes->items[i].value);
                if (r < 0)
                        return r;
        }

        *ret = copy;
        copy = (struct attributes){};
        return 0;
}

bool attributes_equal(const struct attributes *a, const struct attributes *b) {
        if (a->n != b->n)
                return false;
        for (size_t i = 0; i < a->n; i++)
                if (!streq(a->items[i].name, b->items[i].name) || !streq(a->items[i].value, b->items[i].value))
                        return false;
        return true;
}

void attributes_clear(struct attributes *attributes) {
        for (size_t i = 0; i < attributes->n; i++)
                attribute_done(attributes->items + i);
        free(attributes->items);
        *attributes = (struct attributes){};
}

/* The names that drivers/base/core.c, drivers/base/power, drivers/iommu, drivers/vfio and the mdev core put into the
 * directory of an mdev, or could put there. A write to one of them does not configure the device: it may take the
 * device away from its user. */
static bool belongs_to_driver_core(const char *component, size_t size) {
        static const char *const names[] = {
                "driver", "driver_override", "firmware_node", "iommu", "iommu_group", "mdev_type", "of_node",
                "physical_location", "power", "removable", "remove", "subsystem", "uevent", "vfio-dev",
                "waiting_for_supplier", "wakeup",
        };
        static const char *const prefixes[] = { "consumer:", "supplier:" };

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                if (size == strlen(names[i]) && memcmp(component, names[i], size) == 0)
                        return true;
        for (size_t i = 0; i < ELEMENTSOF(prefixes); i++)
                if (size >= strlen(prefixes[i]) && memcmp(component, prefixes[i], strlen(prefixes[i])) == 0)
                        return true;
        return false;
}

static int components_check(const char *name, const char **ret_reason) {
        int r;

        for (const char *p = name;;) {
                size_t size = strcspn(p, "/");

                r = name_component_check(p, size, ret_reason);
                if (r < 0)
                        return r;
                if (p[size] == '\0')
                        return 0;
                p += size + 1;
        }
}

int attribute_name_check(const char *name, const char **ret_reason) {
        if (name[0] == '/')
                *ret_reason = "begins with '/'";
        else if (strlen(name) > ATTRIBUTE_NAME_SIZE_MAX)
                *ret_reason = "is longer than 1024 bytes";
        else if (belongs_to_driver_core(name, strcspn(name, "/")))
                *ret_reason = "belongs to the kernel's driver core, not to the device's driver";
        else
                return components_check(name, ret_reason);
        return -EINVAL;
}

int attribute_value_check(const char *value, const char **ret_reason) {
        size_t size = strlen(value);

        if (size > ATTRIBUTE_VALUE_SIZE_MAX)
                *ret_reason = "is longer than 4095 bytes, more than one write to sysfs carries";
        else if (!utf8_is_valid(value, size))
                *ret_reason = "is not valid UTF-8";
        else
                return 0;
        return -EINVAL;
}

int attributes_check(const struct attributes *attributes, size_t *ret_index,
                     char ret_message[static ATTRIBUTES_CHECK_MESSAGE_SIZE]) {
        for (size_t i = 0; i < attributes->n; i++) {
                const struct attribute *attribute = attributes->items + i;
                const char *subject = "name", *reason;
                int r;

                r = attribute_name_check(attribute->name, &reason);
                if (r >= 0) {
                        subject = "value";
                        r = attribute_value_check(attribute->value, &reason);
                }
                if (r < 0) {
                        *ret_index = i;
                        (void) snprintf(ret_message, ATTRIBUTES_CHECK_MESSAGE_SIZE, "the %s %s", subject, reason);
                        return r;
                }
        }
        return 0;
}
