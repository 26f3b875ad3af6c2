/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* client/output writes to the terminal: for people, or as JSON for programs.
 *
 * table.h         tables and trees by libsmartcols, and the same rows as JSON
 * table-layout.h  how a table fits into the width of the terminal; only table.c uses it
 * tell.h          messages of mediatectl on standard error, and the words for errors from the bus
 * terminal.h      what the terminal can show, texts that must not steer it, and the progress line
 * uuid-prefix.h   UUIDs by their beginnings, which tables print and which every verb takes
 *
 * Whatever a driver, a file or another user has chosen may contain control characters. All of it passes through this
 * folder on its way to a terminal, and loses them here.
 *
 * The folder owns the progress line; tell() clears it before a message. A table belongs to its caller, and keeps copies
 * of the texts in its cells. mdevctl has messages of its own, see mdevctl/tell.h, and uses only terminal.h. */

#include <libsmartcols/libsmartcols.h>

#include "common/macro.h"

#define TABLE_COLUMNS_MAX 16

enum column_flag {
        COLUMN_STANDARD = 1 << 0,       /* shown unless the person chooses the columns */
        COLUMN_JSON = 1 << 1,           /* the same, but only in JSON */
        COLUMN_NUMBER = 1 << 2,         /* a number in JSON */
        COLUMN_BOOLEAN = 1 << 3,        /* true or false in JSON */
        COLUMN_RIGHT = 1 << 4,          /* aligned to the right */
        COLUMN_WRAP = 1 << 5,           /* wrapped when the terminal is narrow */
        COLUMN_TRUNCATE = 1 << 6,       /* cut when the terminal is narrow */
        COLUMN_TREE = 1 << 7,           /* the column with the branches of a tree */
        COLUMN_RAW = 1 << 9,            /* JSON in JSON */
        COLUMN_IF_USED = 1 << 8,        /* not shown in a table for people where no row has it, unless it is named */
};

struct column {
        const char *name;               /* the heading */
        unsigned flags;                 /* of enum column_flag */
        const char *key;                /* the key in JSON; NULL: the name in lower case */
};

/* How the person wants a table. */
struct table_style {
        bool json;                      /* JSON instead of a table for people */
        bool headings;
        const char *columns;            /* "NAME,NAME", or "+NAME,NAME" for these and the standard ones, or NULL */
};

struct table;

/** table_new() - a table @name (the key of the rows in JSON) with those of @columns that the style chooses. The style's
 * texts and @columns must live as long as the table. Returns a status. */
int table_new(struct table_style style, const char *name, const struct column *columns, size_t n_columns,
              struct table **ret);

/** table_free() - free a table, or nothing if it is NULL. Returns NULL. */
struct table *table_free(struct table *table);

DEFINE_CLEANUP_FUNC(struct table *, table_free)
#define _cleanup_table_ _cleanup_(table_freep)

/** table_has() - whether the column @index is shown. What belongs into another one need not be asked for. */
bool table_has(const struct table *table, size_t index);

/** table_is_json() - whether the table is printed as JSON. */
bool table_is_json(const struct table *table);

/** table_add() - add a row, in a tree below the row @above. Returns NULL when there is no memory. */
struct libscols_line *table_add(struct table *table, struct libscols_line *above);

/** table_set() - put a copy of @text into a row, unless the column is not shown, or @text is NULL or empty. In a table
 * for people newlines become "; ". All functions of this kind return 0 or a negative errno. */
int table_set(struct table *table, struct libscols_line *line, size_t index, const char *text);

/** table_set_uuid() - put a UUID into a row. A narrow terminal gets beginnings of UUIDs, which are all different. */
int table_set_uuid(struct table *table, struct libscols_line *line, size_t index, const char *uuid);

/** table_set_state() - put a state into a row, in its colour. */
int table_set_state(struct table *table, struct libscols_line *line, size_t index, const char *state);

/** table_set_number() - put a number into a row. */
int table_set_number(struct table *table, struct libscols_line *line, size_t index, uint64_t number);

/** table_set_boolean() - put yes or no into a row. */
int table_set_boolean(struct table *table, struct libscols_line *line, size_t index, bool value);

/** table_print() - print the table. Instead of a table without rows, @empty goes to standard error, unless it is NULL
 * or the style has no headings; JSON has an empty list. Returns 0 or a negative errno. */
int table_print(struct table *table, const char *empty);

/** state_colour() - the escape sequence for the colour of a state, or NULL. */
const char *state_colour(const char *state);
