/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Clients that take all they can get. */

struct flood {
        const char *name;
        unsigned int connections;
        unsigned int calls;     /* of each, under way at a time */
        const char *parent, *type;
};

/** flood_exists() - whether there is a flood of that name. */
int flood_exists(const char *name);

/** flood_run() - flood the bus until killed; returns only when that fails, a negative errno. */
int flood_run(const struct flood *flood);
