/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Numbers in command lines and files of settings. */

#include <stdbool.h>

/** number_parse() - read a number that consists of decimal digits and is from @min to @max. Returns whether it is. */
bool number_parse(const char *text, unsigned int min, unsigned int max, unsigned int *ret);
