/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* JSON as mdevctl prints it. */

#include "client/mdevctl/json.h"

#include <errno.h>

#include "client/output/terminal.h"
#include "common/macro.h"

int mdevctl_json_print(FILE *stream, json_object *object, unsigned int indent) {
        _cleanup_free_ char *text = NULL;
        const char *line, *end;
        int r;

        r = json_text_format(object, &text);
        if (r < 0)
                return r;

        /* Newlines in strings are escaped, so that each newline here begins a new line of the layout. */
        for (line = text; (end = strchr(line, '\n')); line = end + 1) {
                put_json(stream, line, (size_t) (end + 1 - line));
                for (unsigned int i = 0; i < indent; i++)
                        fputc(' ', stream);
        }
        put_json(stream, line, strlen(line));
        return 0;
}

/* Whether the JSON string is anything but the text in quotes. */
static bool needs_escapes(const char *text) {
        for (; *text; text++)
                if ((unsigned char) *text < ' ' || (unsigned char) *text >= 0x7f || *text == '"' || *text == '\\')
                        return true;
        return false;
}

int mdevctl_json_print_string(FILE *stream, const char *text) {
        _cleanup_json_ json_object *string = NULL;
        _cleanup_free_ char *quoted = NULL;
        int r;

        if (!needs_escapes(text)) {
                fputc('"', stream);
                fputs(text, stream);
                fputc('"', stream);
                return 0;
        }

        string = json_object_new_string(text);
        r = string ? json_text_print(string, &quoted) : -ENOMEM;
        if (r < 0)
                return r;
        put_json(stream, quoted, strlen(quoted));
        return 0;
}
