/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tasks and reports as JSON. */

#include "common/protocol.h"

#include <errno.h>

#include "common/attribute-json.h"
#include "common/utf8.h"
#include "common/uuid.h"

static const char *const task_kinds[_TASK_KIND_MAX] = {
        [TASK_CREATE] = "create",
        [TASK_STOP] = "stop",
        [TASK_RECOVER] = "recover",
        [TASK_READ_TYPES] = "read-types",
        [TASK_DEFINE] = "define",
        [TASK_MODIFY] = "modify",
        [TASK_UNDEFINE] = "undefine",
        [TASK_LIVE] = "live",
        [TASK_GET_ATTRIBUTES] = "get-attributes",
        [TASK_GET_USERS] = "get-users",
        [TASK_CLEAN_STORE] = "clean-store",
};

static const char *const report_kinds[_REPORT_KIND_MAX] = {
        [REPORT_HELLO] = "hello",
        [REPORT_DONE] = "done",
        [REPORT_FAILED] = "failed",
        [REPORT_CALLOUT_BEGIN] = "callout-begin",
        [REPORT_CALLOUT_END] = "callout-end",
        [REPORT_BUSY] = "busy",
        [REPORT_UNDONE] = "undone",
        [REPORT_KEPT] = "kept",
};

static int kind_from_string(const char *const *kinds, size_t n, const char *s) {
        for (size_t i = 0; s && i < n; i++)
                if (streq(kinds[i], s))
                        return (int) i;

        return -EBADMSG;
}

bool task_changes_device(const struct task *task) {
        return task->kind == TASK_CREATE || task->kind == TASK_STOP || task->kind == TASK_RECOVER;
}

void task_clear(struct task *task) {
        free(task->uuid);
        free(task->parent);
        free(task->type);
        free(task->path);
        attributes_clear(&task->attributes);
        definition_changes_clear(&task->changes);
        *task = (struct task) {};
}

void report_clear(struct report *report) {
        failure_clear(&report->failure);
        free(report->holders);
        attributes_clear(&report->attributes);
        json_object_put(report->types);
        free(report->holds);
        *report = (struct report) {};
}

static void put_string(json_object **object, const char *key, const char *value) {
        if (value)
                json_put(object, key, json_object_new_string(value));
}

static void put_number(json_object **object, const char *key, uint64_t value) {
        if (value > 0)
                json_put(object, key, json_object_new_uint64(value));
}

/* Returns NULL when the key is missing or not a string. The caller checks whether it must be there. */
static const char *get_string(json_object *object, const char *key) {
        json_object *value;

        if (!json_object_object_get_ex(object, key, &value) || !json_object_is_type(value, json_type_string))
                return NULL;
        return json_object_get_string(value);
}

static uint64_t get_number(json_object *object, const char *key) {
        json_object *value;

        if (!json_object_object_get_ex(object, key, &value) || !json_object_is_type(value, json_type_int))
                return 0;
        return json_object_get_uint64(value);
}

static int take_string(json_object *object, const char *key, char **ret) {
        const char *s = get_string(object, key);

        if (!s)
                return 0;
        *ret = strdup(s);
        return *ret ? 0 : -ENOMEM;
}

int task_send(int fd, const struct task *task) {
        _cleanup_json_ json_object *object = json_object_new_object();

        put_string(&object, "task", task_kinds[task->kind]);
        put_string(&object, "uuid", task->uuid);
        put_string(&object, "parent", task->parent);
        put_string(&object, "type", task->type);
        put_string(&object, "path", task->path);
        put_number(&object, "inode", task->inode);
        put_number(&object, "wait", task->wait);
        put_number(&object, "job", task->job);
        put_number(&object, "force", task->force);
        put_number(&object, "interrupted", task->interrupted);
        put_number(&object, "callout-timeout", task->callout_timeout);
        put_number(&object, "auto", task->start == START_AUTO);
        if (task->attributes.n > 0)
                json_put(&object, "attributes", attributes_to_json(&task->attributes));
        put_number(&object, "held-by", (uint64_t) task->held_by);
        put_number(&object, "orphan-pid", (uint64_t) task->orphan_pid);
        put_number(&object, "orphan-start-time", task->orphan_start_time);
        if (task->kind == TASK_DEFINE || task->kind == TASK_MODIFY)
                json_put(&object, "changes", definition_changes_to_json(&task->changes));

        return object ? message_send(fd, object) : -ENOMEM;
}

/* Whether the task has everything that the worker takes for granted. */
static bool task_is_complete(const struct task *task) {
        static const struct {
                bool uuid, parent, type, path;
        } needs[_TASK_KIND_MAX] = {
                [TASK_CREATE] = { .uuid = true, .parent = true, .type = true },
                [TASK_STOP] = { .uuid = true, .parent = true, .type = true, .path = true },
                [TASK_RECOVER] = { .uuid = true, .parent = true, .type = true },
                [TASK_READ_TYPES] = { .parent = true },
                [TASK_DEFINE] = { .uuid = true, .parent = true },
                [TASK_MODIFY] = { .uuid = true, .parent = true },
                [TASK_UNDEFINE] = { .uuid = true, .parent = true },
                [TASK_LIVE] = { .uuid = true, .parent = true, .type = true },
                [TASK_GET_ATTRIBUTES] = { .uuid = true, .parent = true, .type = true },
                [TASK_GET_USERS] = { .uuid = true, .parent = true },
        };

        return (task->uuid ? uuid_is_normal(task->uuid) : !needs[task->kind].uuid) &&
               (task->parent || !needs[task->kind].parent) && (task->type || !needs[task->kind].type) &&
               (task->path || !needs[task->kind].path);
}

int task_parse(json_object *object, struct task *ret) {
        _cleanup_task_ struct task task = {};
        json_object *attributes, *changes;
        uint64_t pid;
        int r;

        r = kind_from_string(task_kinds, ELEMENTSOF(task_kinds), get_string(object, "task"));
        if (r < 0)
                return r;
        task.kind = r;

        if (take_string(object, "uuid", &task.uuid) < 0 || take_string(object, "parent", &task.parent) < 0 ||
            take_string(object, "type", &task.type) < 0 || take_string(object, "path", &task.path) < 0)
                return -ENOMEM;
        if (json_object_object_get_ex(object, "attributes", &attributes)) {
                r = attributes_from_json(attributes, &task.attributes);
                if (r < 0)
                        return r;
        }

        pid = get_number(object, "orphan-pid");
        if (pid > INT32_MAX)
                return -EBADMSG;
        task.orphan_pid = (pid_t) pid;
        pid = get_number(object, "held-by");
        if (pid > INT32_MAX)
                return -EBADMSG;
        task.held_by = (pid_t) pid;
        task.job = get_number(object, "job");
        task.force = get_number(object, "force");
        task.interrupted = get_number(object, "interrupted");
        task.callout_timeout = get_number(object, "callout-timeout");
        task.start = get_number(object, "auto") ? START_AUTO : START_MANUAL;
        task.inode = get_number(object, "inode");
        task.wait = get_number(object, "wait");
        task.orphan_start_time = get_number(object, "orphan-start-time");
        if (json_object_object_get_ex(object, "changes", &changes)) {
                r = definition_changes_from_json(changes, &task.changes);
                if (r < 0)
                        return r;
        }
        if (!task_is_complete(&task))
                return -EBADMSG;

        *ret = task;
        task = (struct task) {};
        return 0;
}

static json_object *holders_to_json(const struct holder *holders, size_t n) {
        json_object *list = json_object_new_array();

        for (size_t i = 0; i < n; i++) {
                json_object *holder = json_object_new_object();

                put_number(&holder, "pid", (uint64_t) holders[i].pid);
                put_string(&holder, "name", holders[i].name);
                if (*holders[i].machine)
                        put_string(&holder, "machine", holders[i].machine);
                json_push(&list, holder);
        }

        return list;
}

static int holders_from_json(json_object *list, struct report *report) {
        size_t n;

        if (!json_object_is_type(list, json_type_array))
                return -EBADMSG;

        n = json_object_array_length(list);
        if (n > HOLDERS_MAX)
                return -EBADMSG;
        report->holders = calloc(n > 0 ? n : 1, sizeof(struct holder));
        if (!report->holders)
                return -ENOMEM;

        for (; report->n_holders < n; report->n_holders++) {
                json_object *item = json_object_array_get_idx(list, report->n_holders);
                struct holder *holder = report->holders + report->n_holders;
                const char *name, *machine;
                uint64_t pid;

                if (!json_object_is_type(item, json_type_object))
                        return -EBADMSG;
                pid = get_number(item, "pid");
                name = get_string(item, "name");
                machine = get_string(item, "machine");
                if (pid == 0 || pid > INT32_MAX || !name)
                        return -EBADMSG;
                holder->pid = (pid_t) pid;
                snprintf(holder->name, sizeof(holder->name), "%s", name);
                utf8_make_printable(holder->name);
                snprintf(holder->machine, sizeof(holder->machine), "%s", machine ? machine : "");
                utf8_make_line(holder->machine);
        }

        return 0;
}

/* Whether the object is {TYPE: {KEY: text or number}}. Its readers do not check it again. */
static bool are_types(json_object *types) {
        if (!json_object_is_type(types, json_type_object))
                return false;
        json_object_object_foreach(types, type, values) {
                if (!utf8_is_valid(type, strlen(type)) || !json_object_is_type(values, json_type_object))
                        return false;
                json_object_object_foreach(values, key, value) {
                        bool is_text = json_object_is_type(value, json_type_string);
                        const char *text = is_text ? json_object_get_string(value) : key;

                        if ((!is_text && !json_object_is_type(value, json_type_int)) ||
                            !utf8_is_valid(text, strlen(text)))
                                return false;
                }
        }
        return true;
}

static bool are_texts(const struct attributes *attributes) {
        for (size_t i = 0; i < attributes->n; i++) {
                const struct attribute *item = attributes->items + i;

                if (!utf8_is_valid(item->name, strlen(item->name)) || !utf8_is_valid(item->value, strlen(item->value)))
                        return false;
        }
        return true;
}

/* A failure needs a code and a message. Without a code it would look like success. */
static bool report_is_complete(const struct report *report) {
        return report->kind != REPORT_FAILED || (report->failure.code != FAILURE_NONE && report->failure.message);
}

int report_send(int fd, const struct report *report) {
        _cleanup_json_ json_object *object = json_object_new_object();

        put_string(&object, "report", report_kinds[report->kind]);
        if (report->failure.code != FAILURE_NONE)
                put_string(&object, "error", failure_code_to_name(report->failure.code));
        if (report->failure.code != FAILURE_NONE || report->failure.message)
                put_string(&object, "message", failure_text(&report->failure));
        if (report->n_holders > 0)
                json_put(&object, "holders", holders_to_json(report->holders, report->n_holders));
        put_number(&object, "more-holders", report->n_more_holders);
        put_number(&object, "start-time", report->start_time);
        put_number(&object, "served", report->served);
        if (report->has_attributes)
                json_put(&object, "attributes", attributes_to_json(&report->attributes));
        put_string(&object, "holds", report->holds);
        if (report->types)
                json_put(&object, "types", json_object_get(report->types));

        return object ? message_send(fd, object) : -ENOMEM;
}

int report_parse(json_object *object, struct report *ret) {
        _cleanup_report_ struct report report = {};
        const char *error;
        json_object *value;
        int r;

        r = kind_from_string(report_kinds, ELEMENTSOF(report_kinds), get_string(object, "report"));
        if (r < 0)
                return r;
        report.kind = r;

        error = get_string(object, "error");
        if (error)
                report.failure.code = failure_code_from_name(error);
        if (take_string(object, "message", &report.failure.message) < 0)
                return -ENOMEM;
        if (report.failure.message)
                utf8_make_printable(report.failure.message);
        if (json_object_object_get_ex(object, "holders", &value)) {
                r = holders_from_json(value, &report);
                if (r < 0)
                        return r;
        }
        if (take_string(object, "holds", &report.holds) < 0)
                return -ENOMEM;
        report.n_more_holders = get_number(object, "more-holders");
        report.start_time = get_number(object, "start-time");
        report.served = get_number(object, "served");
        if (json_object_object_get_ex(object, "attributes", &value)) {
                r = attributes_from_json(value, &report.attributes);
                if (r < 0)
                        return r;
                if (!are_texts(&report.attributes))
                        return -EBADMSG;
                report.has_attributes = true;
        }
        if (json_object_object_get_ex(object, "types", &value)) {
                if (!are_types(value))
                        return -EBADMSG;
                report.types = json_object_get(value);
        }
        if (!report_is_complete(&report))
                return -EBADMSG;

        *ret = report;
        report = (struct report) {};
        return 0;
}
