/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The virtual functions of a card of this host, and how far their preparation is, for `mediatectl show`. */

#include <json-c/json_object.h>

#include "common/card.h"

/** preparation_facts_put() - add these facts to the object of a card. Returns 0 or -ENOMEM. */
int preparation_facts_put(const struct card *card, json_object **object);
