/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The processes that use a device. */

#include <json-c/json_object.h>

#include "client/mediatectl/client.h"

/** users_fetch() - ask who uses the @n devices with these paths, all at once and without asking for a password. The
 * users of a device are an array of objects with the keys pid, command and machine; NULL: they are not known, because
 * the caller may not see them or the device has disappeared. Returns a status. */
int users_fetch(struct client *client, const char *const *paths, size_t n, json_object **ret);

/** user_text() - describe a user: "web (qemu-system-x86, process 4711)", with the name of its virtual machine, or
 * "qemu-system-x86 (process 4711)". */
void user_text(json_object *user, char *buffer, size_t size);

/** users_cell() - the users of a device for a cell of a table: the names of their virtual machines, or their commands,
 * or as JSON. The caller frees the text. Returns NULL when there is no memory. */
char *users_cell(json_object *users, bool as_json);
