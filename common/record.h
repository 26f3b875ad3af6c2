/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What is known of one UUID on one parent, device and definition together, as the daemon hands it out for all of them at
 * once (Manager.Dump). Ten thousand D-Bus structures take their reader ten times as long as this. */

#include <stdio.h>

#include "common/attribute.h"

/* A record is these texts in this order, each ended by NUL, then name and value of each attribute of the definition. */
enum record_field {
        RECORD_UUID,            /* of an invalid definition: the name of its file */
        RECORD_PARENT,
        RECORD_DEVICE_TYPE,     /* empty: not known */
        RECORD_DEVICE_STATE,    /* empty: there is no device */
        RECORD_TYPE,            /* of the definition */
        RECORD_START,           /* "auto" or "manual"; empty: there is no valid definition */
        RECORD_REASON,          /* why the definition is invalid; empty: it is not */
        RECORD_N_ATTRIBUTES,    /* decimal */
        _RECORD_FIELD_MAX,
};

struct record {
        const char *fields[_RECORD_FIELD_MAX];  /* in the text that was read */
        size_t n_attributes;
        const char *attributes;                 /* the first name */
};

/** record_write() - append a record; NULL fields are empty ones. RECORD_N_ATTRIBUTES is told by @attributes (NULL: none).
 * Errors are the stream's. */
void record_write(FILE *stream, const char *const fields[static _RECORD_FIELD_MAX], const struct attributes *attributes);

/** record_read() - the record at @text, of which @size bytes are left. Returns its size; 0 when nothing is left; -EBADMSG
 * when that is not a record. */
ssize_t record_read(const char *text, size_t size, struct record *ret);

/** record_next_attribute() - the pair at @text. Returns where the next one begins. */
const char *record_next_attribute(const char *text, const char **ret_name, const char **ret_value);
