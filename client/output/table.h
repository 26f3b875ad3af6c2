/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Tables and trees for people, and the same as JSON, by libsmartcols. */

#include <libsmartcols/libsmartcols.h>

#include "common/macro.h"

#define TABLE_COLUMNS_MAX 16

enum column_flag {
        COLUMN_STANDARD = 1 << 0,       /* shown if the person does not choose */
        COLUMN_RIGHT = 1 << 1,
        COLUMN_NUMBER = 1 << 2,         /* for JSON */
        COLUMN_BOOLEAN = 1 << 3,        /* for JSON */
        COLUMN_WRAP = 1 << 4,           /* wrapped where the terminal is narrow */
        COLUMN_TREE = 1 << 5,
        COLUMN_TRUNCATE = 1 << 7,       /* cut there */
        COLUMN_JSON = 1 << 6,           /* with --json standard too */
};

struct column {
        const char *name;               /* the heading; in lower case the key in JSON */
        unsigned flags;
};

/* How the person wants a table. */
struct table_style {
        bool json;                      /* JSON instead of a table for people */
        bool headings;
        const char *columns;            /* names with commas between them; "+NAME,…": more than the standard ones; NULL:
                                           the standard ones */
};

struct table;

/** table_new() - a table @name (the key of the rows in JSON) with those of @columns that the style chooses. The style's
 * texts and @columns must live as long as the table. Returns a status. */
int table_new(struct table_style style, const char *name, const struct column *columns, size_t n_columns,
              struct table **ret);

/** table_free() - free it; NULL is fine. Returns NULL. */
struct table *table_free(struct table *table);

DEFINE_CLEANUP_FUNC(struct table *, table_free)
#define _cleanup_table_ _cleanup_(table_freep)

/** table_has() - whether the column @index is shown, so that what is in it is worth asking for. */
bool table_has(const struct table *table, size_t index);

/** table_add() - a new row, below the row @above in a tree; NULL when there is no memory. */
struct libscols_line *table_add(struct table *table, struct libscols_line *above);

/** table_set() - put a copy of @text into a row; nothing if the column is not shown or @text is NULL or empty.
 * Newlines become "; " for people. All of these return 0 or a negative errno. */
int table_set(struct table *table, struct libscols_line *line, size_t index, const char *text);

/** table_set_uuid() - table_set() of a UUID: cut down to what tells it from the others where the terminal is
 * narrow. */
int table_set_uuid(struct table *table, struct libscols_line *line, size_t index, const char *uuid);

/** table_set_state() - table_set() of a state, in its colour. */
int table_set_state(struct table *table, struct libscols_line *line, size_t index, const char *state);

/** table_set_number() - table_set() of a number. */
int table_set_number(struct table *table, struct libscols_line *line, size_t index, uint64_t number);

/** table_set_boolean() - table_set() of yes or no. */
int table_set_boolean(struct table *table, struct libscols_line *line, size_t index, bool value);

/** table_print() - print it. Without rows @empty is told on standard error, unless it is NULL. */
int table_print(struct table *table, const char *empty);

/** state_colour() - the colour of a state as an escape sequence, NULL for none. */
const char *state_colour(const char *state);
