/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How a table is fitted into a terminal. For table.c alone. */

#include "client/output/table.h"
#include "common/uuid.h"

/* A cell that has a UUID in it, to be cut down. */
struct uuid_cell {
        struct libscols_cell *cell;
        char uuid[UUID_TEXT_SIZE];
};

struct table {
        struct table_style style;
        struct libscols_table *scols;
        const struct column *columns;
        size_t n_columns;
        struct libscols_column *shown[TABLE_COLUMNS_MAX];       /* by the index of the column; NULL: not shown */
        struct uuid_cell *uuids;
        size_t n_uuids, n_lines;
        bool is_tree;
};

/** table_fit() - make the table fit into @width columns, 0: endless: UUIDs are cut down where that is needed. Returns
 * 0, 1 when it does not fit and should be expanded, or -ENOMEM. */
int table_fit(struct table *table, size_t width);

/** table_print_expanded() - a line for each cell, below a line for each row. Returns 0 or -ENOMEM. */
int table_print_expanded(struct table *table);
