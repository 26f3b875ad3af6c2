/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Definitions say of which kind their device is, unless it is a mediated device. Programs that do not know this key may
 * have dropped it, or have written the definition before the parent was of this kind. */

struct jobs;
struct parent;
struct stored_definition;

/** kind_of_definitions_name() - if the definition must say it and does not, have a job write it. */
void kind_of_definitions_name(struct jobs *jobs, const struct stored_definition *definition);

/** kind_of_definitions_name_all() - the same for all definitions of a parent that has appeared. */
void kind_of_definitions_name_all(struct jobs *jobs, const struct parent *parent);
