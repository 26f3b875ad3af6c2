/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Notes about what takes effect later. */

#include "client/mediatectl/notes.h"

#include "client/output/tell.h"

static void add(struct noted *noted, const char *uuid, const char *parent) {
        if (noted->n++ == 0)
                *noted = (struct noted) { 1, uuid, parent };
}

int notes_add_start(struct client *client, struct notes *notes, const char *uuid, const char *parent, bool active) {
        int r;

        if (active)
                return 0;
        r = lists_parents(client);
        if (r == 0)
                add(lists_has_parent(&client->lists, parent) ? &notes->starts : &notes->absent, uuid, parent);
        return r;
}

void notes_add_change(struct notes *notes, const char *uuid, const char *parent) {
        add(&notes->active, uuid, parent);
}

void notes_print(const struct notes *notes, bool can_live) {
        const char *live = can_live ? ", or use --live" : "";

        if (notes->starts.n == 1)
                tell_note("Device %s starts when parent %s appears the next time; start it now with: mediatectl start "
                          "%s", notes->starts.uuid, notes->starts.parent, notes->starts.uuid);
        else if (notes->starts.n > 1)
                tell_note("%zu devices start when their parents appear the next time; start them now with: mediatectl "
                          "start UUID...", notes->starts.n);
        if (notes->absent.n == 1)
                tell_note("Device %s starts when parent %s appears", notes->absent.uuid, notes->absent.parent);
        else if (notes->absent.n > 1)
                tell_note("%zu devices start when their parents appear", notes->absent.n);
        if (notes->active.n == 1)
                tell_note("Device %s is active; the change takes effect at its next start%s", notes->active.uuid, live);
        else if (notes->active.n > 1)
                tell_note("%zu devices are active; the changes take effect at their next starts%s", notes->active.n,
                          live);
}
