/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a callout prints on its standard output, in JSON. */

#include "common/attribute.h"

/* What a callout of version 2 of the protocol supports: a bit for each event, and for each action. */
struct callout_capabilities {
        unsigned int events;
        unsigned int actions;
};

/** callout_reply_capabilities() - read the answer to `get capabilities`; @text may be NULL. Unknown names are ignored.
 * Returns whether @text is such an answer. */
bool callout_reply_capabilities(const char *text, struct callout_capabilities *ret);

/** callout_supports() - whether the callout supports an event and an action, which are known ones. */
bool callout_supports(const struct callout_capabilities *capabilities, const char *event, const char *action);

/** callout_reply_attributes() - read the answer to `get attributes`: a list of objects as in a definition, or null.
 * Appends to @ret, also when it fails. Returns 1, 0 for null, -EBADMSG for anything else, -E2BIG beyond ATTRIBUTES_MAX,
 * or -ENOMEM. */
int callout_reply_attributes(const char *text, struct attributes *ret);
