/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a callout prints on its standard output, in JSON. */

#include "common/attribute.h"

/* Those capabilities of a callout that mediated needs to know. */
struct callout_capabilities {
        bool live;              /* whether the event `live` is supported */
        bool modify;            /* whether the action `modify` is supported */
};

/** callout_reply_capabilities() - read the answer to `get capabilities`; @text may be NULL. Returns whether @text is
 * such an answer. */
bool callout_reply_capabilities(const char *text, struct callout_capabilities *ret);

/** callout_reply_attributes() - read the answer to `get attributes`: a list of objects as in a definition, or null.
 * Appends to @ret, also when it fails. Returns 1, 0 for null, -EBADMSG for anything else, -E2BIG beyond ATTRIBUTES_MAX,
 * or -ENOMEM. */
int callout_reply_attributes(const char *text, struct attributes *ret);
