/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Parents that mdevctl does not have. On kernels 6.8 and later, cards of NVIDIA's have virtual functions with vGPUs
 * that are no mediated devices. mediated manages both kinds; mdevctl knows only mediated devices, and libvirt takes
 * whatever mdevctl lists for one. So in this folder such functions, their cards, and what is defined for them do not
 * exist. */

#include "common/definition.h"

/** mdevctl_is_other_parent() - whether @name is such a virtual function. */
bool mdevctl_is_other_parent(const char *name);

/** mdevctl_is_other_definition() - whether the file says that it is for another kind of device. The parent of such a
 * definition need not be there. */
bool mdevctl_is_other_definition(const struct definition *definition);

/** mdevctl_check_parent() - check that @name is no such virtual function or its card. Returns EXIT_SUCCESS, or
 * EXIT_FAILURE after the message that there is no such parent. */
int mdevctl_check_parent(const char *name);

/** mdevctl_fail_parent() - print that there is no such parent. Returns EXIT_FAILURE. */
int mdevctl_fail_parent(const char *name);
