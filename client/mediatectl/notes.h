/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Notes for a person about what was done, but takes effect later. Many devices get one note. */

#include "client/mediatectl/client.h"

/* Devices for which the same holds. */
struct noted {
        size_t n;
        const char *uuid, *parent;      /* those of the first one */
};

struct notes {
        struct noted starts;            /* not active, and to start with a parent that is here */
        struct noted absent;            /* the same with a parent that is not */
        struct noted active;            /* active, and only their definition was changed */
};

/** notes_add_start() - note a definition that is to start with its parent from now on, and may be active. */
int notes_add_start(struct client *client, struct notes *notes, const char *uuid, const char *parent, bool active);

/** notes_add_change() - note that the definition of an active device was changed. */
void notes_add_change(struct notes *notes, const char *uuid, const char *parent);

/** notes_print() - print the notes if a person sees them: if standard error is a terminal. @can_live: whether --live
 * could have changed the devices, too. */
void notes_print(const struct notes *notes, bool can_live);
