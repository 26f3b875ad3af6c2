/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Places at which a test lets a program die or pause. They are compiled in by the option fault_points only, and never
 * into what is installed. */

#ifdef FAULT_POINTS

/**
 * fault_point() - do what a test wants to happen here
 * @name: of the file in the directory $MEDIATED_FAULT_POINTS which says what: `kill` this process, `kill-parent`,
 *        `kill-both`, or `sleep MSEC`
 *
 * The file is removed first, so each fault happens once. Without the variable, or the file, nothing happens.
 */
void fault_point(const char *name);

#define FAULT_POINT(name) fault_point(name)

#else

#define FAULT_POINT(name) ((void) 0)

#endif
