/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads lists of types. One line that cannot be read does not hide the others. */

#include "worker/vgpu-list.h"

#include <errno.h>
#include <string.h>

#include "common/macro.h"

#define BLANKS " \t\r"

/* Takes the blanks off both ends. */
static char *trim(char *text) {
        size_t n;

        text += strspn(text, BLANKS);
        n = strlen(text);
        while (n > 0 && strchr(BLANKS, text[n - 1]))
                text[--n] = '\0';
        return text;
}

/* Only digits, and not 0, which stands for no type. */
static bool is_number(const char *text, size_t n, uint32_t *ret) {
        uint64_t number = 0;

        if (n == 0 || n > 10 || strspn(text, "0123456789") < n)
                return false;
        for (size_t i = 0; i < n; i++)
                number = number * 10 + (uint64_t) (text[i] - '0');
        *ret = (uint32_t) number;
        return number > 0 && number <= UINT32_MAX;
}

/* "ID : vGPU Name", and whatever a driver may say behind that */
static bool is_heading(const char *line) {
        return strcspn(line, BLANKS ":") == strlen("ID") && strncmp(line, "ID", strlen("ID")) == 0;
}

/* "NUMBER : NAME" or "NUMBER NAME" */
static bool number_is_first(char *line, uint32_t *ret_number, const char **ret_name) {
        size_t n = strcspn(line, BLANKS ":");
        char *name;

        if (!is_number(line, n, ret_number))
                return false;
        name = trim(line + n);
        if (*name == ':')
                name = trim(name + 1);
        *ret_name = name;
        return true;
}

/* "NAME NUMBER" or "NAME : NUMBER" */
static bool number_is_last(char *line, uint32_t *ret_number, const char **ret_name) {
        size_t n = strlen(line), begin = n;

        while (begin > 0 && !strchr(BLANKS ":", line[begin - 1]))
                begin--;
        if (!is_number(line + begin, n - begin, ret_number))
                return false;
        line[begin] = '\0';
        while (begin > 0 && strchr(BLANKS ":", line[begin - 1]))
                line[--begin] = '\0';
        *ret_name = line;
        return true;
}

bool vgpu_list_next(char **text, uint32_t *ret_number, const char **ret_name) {
        char *line;

        while ((line = strsep(text, "\n"))) {
                line = trim(line);
                if (is_heading(line))
                        continue;
                if (number_is_first(line, ret_number, ret_name) || number_is_last(line, ret_number, ret_name))
                        return true;
        }
        return false;
}
