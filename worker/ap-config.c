/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Compares the attributes of a device of vfio_ap with the masks that the kernel shows. */

#include "worker/ap-config.h"

#include <ctype.h>
#include <errno.h>

/* Adapters and domains have the numbers 0 to 255. */
#define NUMBERS 256u

enum kind {
        ADAPTERS,
        DOMAINS,
        CONTROL_DOMAINS,
        _KIND_MAX,
};

/* Which numbers a device has of each kind. */
struct ap_sets {
        bool has[_KIND_MAX][NUMBERS];
};

static const struct {
        const char *attribute, *name;
} kinds[_KIND_MAX] = {
        [ADAPTERS] = { "assign_adapter", "adapter" },
        [DOMAINS] = { "assign_domain", "domain" },
        [CONTROL_DOMAINS] = { "assign_control_domain", "control domain" },
};

/* Numbers in any notation of C. The kernel takes one in each write; ap-check knows lists of them, too. */
static int add_numbers(const char *text, bool set[static NUMBERS]) {
        for (;;) {
                unsigned long n;
                char *end;

                if (!isdigit((unsigned char) *text))
                        return -EINVAL;
                n = strtoul(text, &end, 0);
                if (n >= NUMBERS || (*end && *end != ','))
                        return -EINVAL;
                set[n] = true;
                if (!*end)
                        return 0;
                text = end + 1;
        }
}

/* Returns what follows the mask, or NULL. Digits that are missing at the end are 0. */
static const char *parse_mask(const char *text, bool set[static NUMBERS]) {
        unsigned number = 0;

        if (strncmp(text, "0x", 2) == 0)
                text += 2;
        for (; isxdigit((unsigned char) *text); text++) {
                char digit[] = { *text, '\0' };
                unsigned long value = strtoul(digit, NULL, 16);

                if (number == NUMBERS)
                        return NULL;
                for (unsigned bit = 8; bit > 0; bit /= 2)
                        set[number++] = value & bit;
        }
        return text;
}

static int parse_masks(const char *text, struct ap_sets *ret) {
        *ret = (struct ap_sets) {};
        for (size_t kind = 0; kind < _KIND_MAX; kind++) {
                text = parse_mask(text, ret->has[kind]);
                if (!text || *text != (kind + 1 < _KIND_MAX ? ',' : '\0'))
                        return -EINVAL;
                text++;
        }
        return 0;
}

static int parse_attribute(const struct attribute *attribute, struct ap_sets *sets) {
        if (streq(attribute->name, "ap_config"))
                return parse_masks(attribute->value, sets);
        for (size_t kind = 0; kind < _KIND_MAX; kind++)
                if (streq(attribute->name, kinds[kind].attribute))
                        return add_numbers(attribute->value, sets->has[kind]);
        return -EINVAL;
}

/* Adds "domain 5 is missing" to the list, if there is room for it. */
static void add_difference(size_t kind, unsigned number, bool missing, char *list, size_t size) {
        size_t n = strlen(list);
        int length;

        length = snprintf(list + n, size - n, "%s%s %u is %s", n > 0 ? ", " : "", kinds[kind].name, number,
                          missing ? "missing" : "not wanted");
        if (length < 0 || (size_t) length >= size - n)
                list[n] = '\0';
}

int ap_config_compare(const struct attributes *attributes, const char *shown, char *ret, size_t size) {
        struct ap_sets wanted = {}, there;
        bool differ = false;

        for (size_t i = 0; i < attributes->n; i++)
                if (parse_attribute(&attributes->items[i], &wanted) < 0)
                        return -EINVAL;
        if (parse_masks(shown, &there) < 0)
                return -EINVAL;

        *ret = '\0';
        for (size_t kind = 0; kind < _KIND_MAX; kind++)
                for (unsigned number = 0; number < NUMBERS; number++)
                        if (wanted.has[kind][number] != there.has[kind][number]) {
                                add_difference(kind, number, wanted.has[kind][number], ret, size);
                                differ = true;
                        }
        return differ;
}
