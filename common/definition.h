/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A definition: the contents of a file /etc/mdevctl.d/PARENT/UUID. It is read as mdevctl reads it and printed as
 * mdevctl prints it, so that both programs can work on one store. Keys that are not known here keep their place and
 * their value. */

#include <errno.h>
#include <json-c/json_object.h>

#include "common/attribute.h"

/* The largest file that is read or written. 1,000 attributes like those of vfio_ap take 30 KiB. */
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

/* What is wrong with a text or a definition. It contains no text of the file, so it can be logged and sent to
 * callers. */
struct definition_error {
        unsigned line;          /* counted from 1; 0: the text as a whole, or not known */
        char message[192];
};

/** definition_parse() - read the text of a file. It accepts what mdevctl 1.2 accepts: "mdev_type" and "start" must be
 * there, any start but "auto" means manual, and "attrs" may be missing or null. It does not check names, so that the
 * definitions of others can be listed and corrected: see definition_check(). Returns 0, -EFBIG beyond
 * DEFINITION_SIZE_MAX, -EBADMSG when the text is not a definition (both with @ret_error set), or -ENOMEM. */
int definition_parse(const char *text, size_t size, struct definition **ret, struct definition_error *ret_error);

/** definition_new() - make a definition from copies of the arguments; @attributes may be NULL. Returns 0 or -ENOMEM. */
int definition_new(const char *type, enum start_mode start, const struct attributes *attributes,
                   struct definition **ret);

/** definition_free() - free a definition; NULL is fine. Returns NULL. */
struct definition *definition_free(struct definition *definition);

DEFINE_CLEANUP_FUNC(struct definition *, definition_free)
#define _cleanup_definition_ _cleanup_(definition_freep)

/** definition_check() - whether mediated may store or start the definition: its type must have a valid name, and its
 * attributes must be valid by attributes_check(). Returns 0, or -EINVAL with @ret_error (line 0) set. */
int definition_check(const struct definition *definition, struct definition_error *ret_error);

const char *definition_type(const struct definition *definition);
enum start_mode definition_start(const struct definition *definition);
const struct attributes *definition_attributes(const struct definition *definition);

/** definition_backend() - the kind of the device, as the key "backend" says it; NULL: the file does not say. mdevctl
 * does not know this key. */
const char *definition_backend(const struct definition *definition);

/** definition_set_backend() - set that key. Returns 0 or -ENOMEM. */
int definition_set_backend(struct definition *definition, const char *backend);

/** definition_set_type() - replace the type by a copy of @type. Returns 0 or -ENOMEM. */
int definition_set_type(struct definition *definition, const char *type);
void definition_set_start(struct definition *definition, enum start_mode start);

/** definition_set_attributes() - replace all attributes by copies. Returns 0 or -ENOMEM. */
int definition_set_attributes(struct definition *definition, const struct attributes *attributes);

/** definition_add_attribute() - insert before the attribute @index, or at the end if it is -1. Returns 0, -ERANGE when
 * there is no such place, -E2BIG beyond ATTRIBUTES_MAX, or -ENOMEM. */
int definition_add_attribute(struct definition *definition, int index, const char *name, const char *value);

/** definition_remove_attribute() - remove the attribute @index, or the last one if it is -1. Returns 1; 0 when the last
 * one should be removed and there is none, which mdevctl calls a success; or -ERANGE when there is no such
 * attribute. */
int definition_remove_attribute(struct definition *definition, int index);

/** definition_format() - the text of a file as mdevctl 1.2 would write it, without a newline at the end. Returns 0,
 * -EFBIG beyond DEFINITION_SIZE_MAX (because it could not be read again), or -ENOMEM. */
int definition_format(const struct definition *definition, char **ret);

/** definition_to_json() - type, start and attributes as `mdevctl list --dumpjson` has them, without unknown keys. The
 * reference belongs to the caller. Returns 0 or -ENOMEM. */
int definition_to_json(const struct definition *definition, json_object **ret);
