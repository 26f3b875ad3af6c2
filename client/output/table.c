/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tables and trees. */

#include "client/output/table.h"

#include <assert.h>
#include <errno.h>

#include "client/output/table-layout.h"
#include "client/output/tell.h"
#include "client/output/terminal.h"
#include "client/shared/array.h"

const char *state_colour(const char *state) {
        static const struct {
                const char *state, *colour;
        } colours[] = {
                { "active", "\033[32m" },
                { "starting", "\033[33m" },
                { "stopping", "\033[33m" },
                { "waiting-parent", "\033[33m" },
                { "waiting-type", "\033[33m" },
                { "waiting-instance", "\033[33m" },
                { "set-aside", "\033[33m" },
                { "running", "\033[32m" },
                { "wedged", "\033[1;31m" },
                { "failed", "\033[1;31m" },
                { "invalid", "\033[1;31m" },
                { "problem", "\033[1;31m" },
                { "warning", "\033[33m" },
                { "ok", "\033[32m" },
        };

        for (size_t i = 0; i < ELEMENTSOF(colours); i++)
                if (streq(colours[i].state, state))
                        return colours[i].colour;
        return NULL;
}

static int show_column(struct table *table, size_t index) {
        const struct column *column = &table->columns[index];
        struct libscols_column *shown;
        int flags = 0;

        if (table->shown[index])
                return 0;

        if (column->flags & COLUMN_RIGHT)
                flags |= SCOLS_FL_RIGHT;
        if (column->flags & COLUMN_WRAP)
                flags |= SCOLS_FL_WRAP;
        if (column->flags & COLUMN_TRUNCATE)
                flags |= SCOLS_FL_TRUNC;
        if (column->flags & COLUMN_TREE) {
                flags |= SCOLS_FL_TREE;
                table->is_tree = true;
        }
        shown = scols_table_new_column(table->scols, table->style.json && column->key ? column->key : column->name, 0,
                                       flags);
        if (!shown)
                return -ENOMEM;

        /* A number is not quoted. */
        if (column->flags & (COLUMN_NUMBER | COLUMN_RAW))
                scols_column_set_json_type(shown, SCOLS_JSON_NUMBER);
        else if (column->flags & COLUMN_BOOLEAN)
                scols_column_set_json_type(shown, SCOLS_JSON_BOOLEAN);
        table->shown[index] = shown;
        return 0;
}

static int tell_unknown_column(const struct table *table, const char *name) {
        char known[512] = "";

        for (size_t i = 0; i < table->n_columns; i++)
                snprintf(known + strlen(known), sizeof(known) - strlen(known), "%s%s", i > 0 ? ", " : "",
                         table->columns[i].name);
        return tell_status(STATUS_USAGE, "There is no column '%s'; there are %s", name, known);
}

static int show_named(struct table *table, const char *list) {
        _cleanup_free_ char *copy = strdup(list);
        char *rest = copy, *name;
        int r;

        if (!copy)
                return -ENOMEM;

        while ((name = strsep(&rest, ","))) {
                size_t i = 0;

                while (i < table->n_columns && strcasecmp(name, table->columns[i].name) != 0)
                        i++;
                if (i == table->n_columns)
                        return tell_unknown_column(table, name);
                r = show_column(table, i);
                if (r < 0)
                        return r;
                table->unused[i] = false;
        }

        return 0;
}

static int show_standard(struct table *table) {
        unsigned flags = COLUMN_STANDARD | (table->style.json ? COLUMN_JSON : 0);
        int r;

        for (size_t i = 0; i < table->n_columns; i++)
                if (table->columns[i].flags & flags) {
                        r = show_column(table, i);
                        if (r < 0)
                                return r;
                        table->unused[i] = (table->columns[i].flags & COLUMN_IF_USED) && !table->style.json;
                }
        return 0;
}

static int show_columns(struct table *table) {
        const char *names = table->style.columns;
        int r;

        if (!names || *names == '+') {
                r = show_standard(table);
                if (r != 0 || !names)
                        return r;
                names++;
        }
        return show_named(table, names);
}

int table_new(struct table_style style, const char *name, const struct column *columns, size_t n_columns,
              struct table **ret) {
        _cleanup_table_ struct table *table = calloc(1, sizeof(*table));
        int r;

        assert(n_columns <= TABLE_COLUMNS_MAX);
        if (!table)
                return -ENOMEM;
        *table = (struct table) { .style = style, .columns = columns, .n_columns = n_columns };

        table->scols = scols_new_table();
        if (!table->scols)
                return -ENOMEM;
        if (scols_table_set_name(table->scols, name) < 0)
                return -ENOMEM;
        scols_table_enable_json(table->scols, style.json);
        scols_table_enable_noheadings(table->scols, !style.headings);
        scols_table_enable_colors(table->scols, terminal_has_colours(stdout));
        scols_table_enable_ascii(table->scols, !terminal_is_utf8());

        r = show_columns(table);
        if (r != 0)
                return r;
        *ret = TAKE_PTR(table);
        return 0;
}

struct table *table_free(struct table *table) {
        if (!table)
                return NULL;

        scols_unref_table(table->scols);
        free(table->uuids);
        free(table);
        return NULL;
}

bool table_has(const struct table *table, size_t index) {
        assert(index < table->n_columns);
        return table->shown[index];
}

bool table_is_json(const struct table *table) {
        return table->style.json;
}

struct libscols_line *table_add(struct table *table, struct libscols_line *above) {
        table->n_lines++;
        return scols_table_new_line(table->scols, above);
}

static int set(struct table *table, struct libscols_line *line, size_t index, const char *text) {
        table->unused[index] = false;
        return scols_line_set_column_data(line, table->shown[index], text) < 0 ? -ENOMEM : 0;
}

int table_set(struct table *table, struct libscols_line *line, size_t index, const char *text) {
        char *newline, *flat;
        size_t n = 0;
        int r;

        assert(index < table->n_columns);
        if (!table->shown[index] || !text || !*text)
                return 0;
        if (!strchr(text, '\n') || table->style.json)
                return set(table, line, index, text);

        for (const char *p = text; *p; p++)
                n += *p == '\n' ? 2 : 1;
        flat = malloc(n + 1);
        if (!flat)
                return -ENOMEM;
        for (newline = flat; *text; text++)
                if (*text != '\n') {
                        *newline++ = *text;
                } else if (text[1]) {
                        *newline++ = ';';
                        *newline++ = ' ';
                }
        *newline = '\0';
        r = set(table, line, index, flat);
        free(flat);
        return r;
}

int table_set_uuid(struct table *table, struct libscols_line *line, size_t index, const char *uuid) {
        struct uuid_cell *cell;
        int r;

        assert(index < table->n_columns);
        if (!table->shown[index])
                return 0;
        r = set(table, line, index, uuid);
        /* The file of an invalid definition may have any name. */
        if (r < 0 || !uuid_is_normal(uuid))
                return r;

        cell = array_add(&table->uuids, &table->n_uuids, sizeof(*cell));
        if (!cell)
                return -ENOMEM;
        cell->cell = scols_line_get_column_cell(line, table->shown[index]);
        snprintf(cell->uuid, sizeof(cell->uuid), "%s", uuid);
        return 0;
}

int table_set_state(struct table *table, struct libscols_line *line, size_t index, const char *state) {
        int r;

        r = table_set(table, line, index, state);
        if (r < 0 || !table->shown[index])
                return r;
        return scols_cell_set_color(scols_line_get_column_cell(line, table->shown[index]), state_colour(state));
}

int table_set_number(struct table *table, struct libscols_line *line, size_t index, uint64_t number) {
        char text[24];

        snprintf(text, sizeof(text), "%llu", (unsigned long long) number);
        return table_set(table, line, index, text);
}

int table_set_boolean(struct table *table, struct libscols_line *line, size_t index, bool value) {
        return table_set(table, line, index, table->style.json ? (value ? "1" : "0") : (value ? "yes" : "no"));
}

static int print_json(struct table *table) {
        _cleanup_free_ char *text = NULL;

        /* When memory is too short for the end of the text, libsmartcols returns no text, and no error either. */
        if (scols_print_table_to_string(table->scols, &text) < 0 || !text)
                return -ENOMEM;
        put_json(stdout, text, strlen(text));
        return 0;
}

static int hide_unused(struct table *table) {
        for (size_t i = 0; i < table->n_columns; i++) {
                struct libscols_column *column = table->shown[i];

                if (!table->unused[i])
                        continue;
                if (scols_column_set_flags(column, scols_column_get_flags(column) | SCOLS_FL_HIDDEN) < 0)
                        return -ENOMEM;
                table->shown[i] = NULL;
        }
        return 0;
}

int table_print(struct table *table, const char *empty) {
        int r;

        if (table->style.json)
                return print_json(table);
        if (table->n_lines == 0) {
                if (empty && table->style.headings)
                        fprintf(stderr, "%s\n", empty);
                return 0;
        }

        r = hide_unused(table);
        if (r >= 0)
                r = table_fit(table, terminal_width(stdout));
        if (r != 0)
                return r < 0 ? r : table_print_expanded(table);
        return scols_print_table(table->scols) < 0 ? -ENOMEM : 0;
}
