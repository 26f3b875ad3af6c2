/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How a table fits into the width of a terminal. Only table.c uses this. */

#include "client/output/table.h"
#include "common/uuid.h"

/* A cell with a UUID that may have to be cut. */
struct uuid_cell {
        struct libscols_cell *cell;
        char uuid[UUID_TEXT_SIZE];
};

struct table {
        struct table_style style;
        struct libscols_table *scols;
        const struct column *columns;
        size_t n_columns;
        struct libscols_column *shown[TABLE_COLUMNS_MAX];       /* by index into @columns; NULL: not shown */
        bool unused[TABLE_COLUMNS_MAX];                         /* COLUMN_IF_USED, and no row has it so far */
        struct uuid_cell *uuids;
        size_t n_uuids, n_lines;
        bool is_tree;
};

/** table_fit() - make the table fit into @width columns of the terminal, 0: any number, by cutting UUIDs if that is
 * necessary. Returns 0; 1 when it does not fit even then, and should be expanded; or -ENOMEM. */
int table_fit(struct table *table, size_t width);

/** table_print_expanded() - print a line for each cell: the first one of a row, and the others indented below it, after
 * the names of their columns. Returns 0 or -ENOMEM. */
int table_print_expanded(struct table *table);
