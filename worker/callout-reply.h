/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a callout prints on its standard output, in JSON. */

#include "common/attribute.h"

/* Of what a callout says it supports, what somebody asks for. */
struct callout_capabilities {
        bool live;              /* the event */
        bool modify;            /* the action */
};

/** callout_reply_capabilities() - read the answer to `get capabilities`; @text may be NULL. Returns whether it is
 * one. */
bool callout_reply_capabilities(const char *text, struct callout_capabilities *ret);

/** callout_reply_attributes() - read the answer to `get attributes`: a list of objects, as a definition has it, or
 * null. Appends to @ret, also when it fails. Returns 1, 0 for null, -EBADMSG when it is anything else, -E2BIG beyond
 * ATTRIBUTES_MAX, or -ENOMEM. */
int callout_reply_attributes(const char *text, struct attributes *ret);
