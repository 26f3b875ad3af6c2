/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How a table fits into the width of a terminal: as it is; with UUIDs cut to their beginnings, which every verb takes
 * too; or, if that is still too wide, with a line for each cell. */

#include "client/output/table-layout.h"

#include <assert.h>
#include <errno.h>

#include "client/output/terminal.h"
#include "client/output/uuid-prefix.h"

/* How wide a column that is wrapped or cut must be, with its separator, to be readable. */
#define FLEXIBLE_MIN 16U

/* One column of the terminal for each character: the texts here have no wide ones. */
static size_t text_width(const char *text) {
        size_t n = 0;

        for (; text && *text; text++)
                n += ((unsigned char) *text & 0xc0) != 0x80;
        return n;
}

/* libsmartcols has a function for this only since version 2.38. */
static const char *cell_text(struct libscols_line *line, struct libscols_column *column) {
        struct libscols_cell *cell = scols_line_get_column_cell(line, column);

        return cell ? scols_cell_get_data(cell) : NULL;
}

static size_t column_width(struct table *table, size_t column) {
        size_t width = table->style.headings ? text_width(table->columns[column].name) : 0;
        struct libscols_line *line;
        struct libscols_iter *iterator = scols_new_iter(SCOLS_ITER_FORWARD);

        while (iterator && scols_table_next_line(table->scols, iterator, &line) == 0) {
                size_t n = text_width(cell_text(line, table->shown[column]));

                if (n > width)
                        width = n;
        }
        scols_free_iter(iterator);
        return width;
}

/* @ret_natural is the width with whole texts; @ret_least with those cut or wrapped that can be. */
static void table_widths(struct table *table, size_t *ret_least, size_t *ret_natural) {
        size_t least = 0, natural = 0;

        for (size_t i = 0; i < table->n_columns; i++) {
                bool flexible = table->columns[i].flags & (COLUMN_WRAP | COLUMN_TRUNCATE);
                size_t width;

                if (!table->shown[i])
                        continue;
                width = column_width(table, i) + 1;
                natural += width;
                least += flexible && width > FLEXIBLE_MIN ? FLEXIBLE_MIN : width;
        }

        *ret_least = least;
        *ret_natural = natural;
}

static int uuid_length(const struct table *table, size_t *ret) {
        _cleanup_free_ const char **uuids = calloc(table->n_uuids + 1, sizeof(*uuids));

        if (!uuids)
                return -ENOMEM;
        for (size_t i = 0; i < table->n_uuids; i++)
                uuids[i] = table->uuids[i].uuid;
        *ret = uuid_prefix_length(uuids, table->n_uuids);
        return 0;
}

static int abbreviate(struct table *table, size_t length) {
        const char *dots = terminal_is_utf8() ? "…" : "..";

        for (size_t i = 0; i < table->n_uuids; i++) {
                char text[UUID_TEXT_SIZE + 8];

                assert(uuid_is_normal(table->uuids[i].uuid));
                snprintf(text, sizeof(text), "%.*s%s", (int) length, table->uuids[i].uuid, dots);
                if (scols_cell_set_data(table->uuids[i].cell, text) < 0)
                        return -ENOMEM;
        }
        return 0;
}

int table_fit(struct table *table, size_t width) {
        size_t least, natural, length;
        int r;

        if (width == 0)
                return 0;
        /* The last column has no separator, so that one more fits. The branches of a tree, of at most two levels, are
         * not part of the texts. */
        table_widths(table, &least, &natural);
        natural += table->is_tree ? 4 : 0;
        if (natural <= width + 1)
                return 0;

        r = uuid_length(table, &length);
        if (r < 0)
                return r;
        if (table->n_uuids > 0 && length + 2 < UUID_TEXT_SIZE - 1)
                least -= UUID_TEXT_SIZE - 1 - (length + 2);
        if (!table->is_tree && least > width + 1)
                return 1;
        return abbreviate(table, length);
}

static void print_row(struct table *table, struct libscols_line *line, size_t label_width) {
        bool colours = terminal_has_colours(stdout), first = true;

        for (size_t i = 0; i < table->n_columns; i++) {
                const char *text = table->shown[i] ? cell_text(line, table->shown[i]) : NULL, *colour;

                if (!text || !*text)
                        continue;
                if (!first)
                        printf("  %-*s ", (int) label_width, table->columns[i].name);
                first = false;
                colour = scols_cell_get_color(scols_line_get_column_cell(line, table->shown[i]));
                printf("%s", colours && colour ? colour : "");
                put_printable(stdout, text);
                printf("%s\n", colours && colour ? "\033[0m" : "");
        }
}

int table_print_expanded(struct table *table) {
        struct libscols_iter *iterator = scols_new_iter(SCOLS_ITER_FORWARD);
        struct libscols_line *line;
        size_t label_width = 0;

        if (!iterator)
                return -ENOMEM;
        for (size_t i = 0; i < table->n_columns; i++)
                if (table->shown[i] && strlen(table->columns[i].name) > label_width)
                        label_width = strlen(table->columns[i].name);
        while (scols_table_next_line(table->scols, iterator, &line) == 0)
                print_row(table, line, label_width);
        scols_free_iter(iterator);
        return 0;
}
