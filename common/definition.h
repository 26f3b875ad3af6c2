/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A definition: what a file /etc/mdevctl.d/PARENT/UUID says. Read as mdevctl reads it, printed as mdevctl prints it,
 * so that both can work on one store; keys that are not known here keep their place and value. */

#include <errno.h>
#include <json-c/json_object.h>

#include "common/attribute.h"

/* Larger files are not read and not written. 1,000 attributes as vfio_ap has them take 30 KiB. */
#define DEFINITION_SIZE_MAX (64 * 1024)

enum start_mode {
        START_MANUAL,
        START_AUTO,
        _START_MODE_MAX,
        _START_MODE_INVALID = -EINVAL,
};

/** start_mode_to_string() - "manual" or "auto". */
const char *start_mode_to_string(enum start_mode start);

/** start_mode_from_string() - the inverse, _START_MODE_INVALID for anything else. */
enum start_mode start_mode_from_string(const char *text);

struct definition;

/* What is wrong with a text or a definition. Carries no text of the file, so it is safe in a log or a reply. */
struct definition_error {
        unsigned line;          /* from 1; 0: unknown, or the text as a whole */
        char message[192];
};

/** definition_parse() - read the text of a file. What mdevctl 1.2 reads as a definition is one: "mdev_type" and "start"
 * must be there, any start but "auto" means manual, "attrs" may be missing or null. Names are not judged, so that what
 * others wrote can be listed and mended: see definition_check(). Returns 0, -EFBIG beyond DEFINITION_SIZE_MAX, -EBADMSG
 * when it is not a definition (both with @ret_error set), or -ENOMEM. */
int definition_parse(const char *text, size_t size, struct definition **ret, struct definition_error *ret_error);

/** definition_new() - a definition of copies of its arguments; @attributes may be NULL. Returns 0 or -ENOMEM. */
int definition_new(const char *type, enum start_mode start, const struct attributes *attributes,
                   struct definition **ret);

/** definition_free() - free a definition; NULL is fine. Returns NULL. */
struct definition *definition_free(struct definition *definition);

DEFINE_CLEANUP_FUNC(struct definition *, definition_free)
#define _cleanup_definition_ _cleanup_(definition_freep)

/** definition_check() - whether it may be stored by us or be started: type and attributes must have names that stay
 * below their directories and are not the driver core's. Returns 0, or -EINVAL with @ret_error (line 0) set. */
int definition_check(const struct definition *definition, struct definition_error *ret_error);

const char *definition_type(const struct definition *definition);
enum start_mode definition_start(const struct definition *definition);
const struct attributes *definition_attributes(const struct definition *definition);

/** definition_set_type() - Returns 0 or -ENOMEM. */
int definition_set_type(struct definition *definition, const char *type);
void definition_set_start(struct definition *definition, enum start_mode start);

/** definition_set_attributes() - replace all attributes by copies. Returns 0 or -ENOMEM. */
int definition_set_attributes(struct definition *definition, const struct attributes *attributes);

/** definition_add_attribute() - insert before the attribute @index, -1 for the end. Returns 0, -ERANGE when there is
 * no such place, -E2BIG beyond ATTRIBUTES_MAX, or -ENOMEM. */
int definition_add_attribute(struct definition *definition, int index, const char *name, const char *value);

/** definition_remove_attribute() - remove the attribute @index, -1 for the last. Returns 1, 0 when the last of none
 * was to be removed (success for mdevctl), or -ERANGE when there is no such attribute. */
int definition_remove_attribute(struct definition *definition, int index);

/** definition_format() - the text of a file, as mdevctl 1.2 would write it, without a newline at the end. Returns 0,
 * -EFBIG beyond DEFINITION_SIZE_MAX (nobody could read it again), or -ENOMEM. */
int definition_format(const struct definition *definition, char **ret);

/** definition_to_json() - type, start and attributes as `mdevctl list --dumpjson` has them, without unknown keys. The
 * reference belongs to the caller. Returns 0 or -ENOMEM. */
int definition_to_json(const struct definition *definition, json_object **ret);
