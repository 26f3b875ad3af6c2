/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The name of a virtual machine: in QEMU's command line, or in the name of its systemd scope. */

#include "worker/machine.h"

#include <ctype.h>

#include "common/io.h"
#include "common/root.h"

/* QEMU's option -name is among the first ones that libvirt gives. */
#define COMMAND_LINE_MAX 8192

/* Finds the value of `-name` among arguments that end with '\0' each: "guest=NAME,…", or "NAME,…" in an old form. */
static const char *find_name(const char *arguments, size_t size) {
        const char *end = arguments + size;

        for (const char *p = arguments; p < end; p += strlen(p) + 1)
                if ((streq(p, "-name") || streq(p, "--name")) && p + strlen(p) + 1 < end)
                        return p + strlen(p) + 1;
        return NULL;
}

static void name_of_qemu(pid_t pid, char *ret, size_t size) {
        char path[64], arguments[COMMAND_LINE_MAX + 1];
        const char *name;
        ssize_t n;

        snprintf(path, sizeof(path), "proc/%d/cmdline", (int) pid);
        n = read_text_at(root_fd(), path, arguments, sizeof(arguments));
        if (n <= 0)
                return;
        arguments[n] = '\0';
        name = find_name(arguments, (size_t) n);
        if (!name)
                return;
        if (strncmp(name, "guest=", strlen("guest=")) == 0)
                name += strlen("guest=");
        snprintf(ret, size, "%.*s", (int) strcspn(name, ","), name);
}

/* Finds the scope "machine-….scope" in the path of a cgroup, see systemd-machined.service(8). Returns its length. */
static size_t find_scope(const char *cgroup, const char **ret) {
        static const char prefix[] = "/machine-", suffix[] = ".scope";

        for (const char *p = strstr(cgroup, prefix); p; p = strstr(p + 1, prefix)) {
                size_t n = strcspn(p + 1, "/\n");

                if (n <= strlen(prefix) + strlen(suffix) || strncmp(p + 1 + n - strlen(suffix), suffix, strlen(suffix)))
                        continue;
                *ret = p + 1;
                return n;
        }
        return 0;
}

/* Undoes the escapes of systemd.unit(5): "\x2d" is a hyphen. */
static void unescape(char *text) {
        char *to = text;
        unsigned int byte;

        for (const char *p = text; *p; to++)
                if (p[0] == '\\' && p[1] == 'x' && sscanf(p + 2, "%2x", &byte) == 1) {
                        *to = (char) byte;
                        p += 4;
                } else
                        *to = *p++;
        *to = '\0';
}

/* libvirt's names are "qemu-7-NAME", with the number of the domain. */
static const char *skip_number(const char *name) {
        const char *p = name;

        while (isalpha(*p))
                p++;
        if (p == name || *p != '-' || !isdigit(p[1]))
                return name;
        p++;
        while (isdigit(*p))
                p++;
        return *p == '-' && p[1] ? p + 1 : name;
}

static void name_of_scope(pid_t pid, char *ret, size_t size) {
        char path[PATH_MAX], cgroup[PATH_MAX], name[NAME_MAX + 1];
        const char *scope;
        size_t n;

        snprintf(path, sizeof(path), "proc/%d/cgroup", (int) pid);
        if (read_text_at(root_fd(), path, cgroup, sizeof(cgroup)) < 0)
                return;
        n = find_scope(cgroup, &scope);
        if (n == 0 || n > NAME_MAX)
                return;

        snprintf(path, sizeof(path), "run/systemd/machines/unit:%.*s", (int) n, scope);
        if (readlink_name_at(root_fd(), path, name, sizeof(name)) < 0)
                snprintf(name, sizeof(name), "%.*s", (int) (n - strlen("machine-") - strlen(".scope")),
                         scope + strlen("machine-"));
        unescape(name);
        snprintf(ret, size, "%s", skip_number(name));
}

void machine_of_process(pid_t pid, const char *comm, char *ret, size_t size) {
        *ret = '\0';
        if (strncmp(comm, "qemu", strlen("qemu")) == 0 || streq(comm, "kvm"))
                name_of_qemu(pid, ret, size);
        if (!*ret)
                name_of_scope(pid, ret, size);
}
