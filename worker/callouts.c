/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Callouts and notifiers around an action. The order of folders and files, the arguments and the meaning of the answers
 * are mdevctl's, see mdevctl(8). */

#include "worker/callouts.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>

#include "common/callout-files.h"
#include "common/fault-point.h"
#include "common/io.h"
#include "common/utf8.h"
#include "worker/callout-reply.h"
#include "worker/callout.h"

/* The exit status of a callout that is not responsible for the type. Then the next callout is asked. */
#define STATUS_NOT_MINE 2

static const struct mdevctl_version *version;

void callouts_follow(const struct mdevctl_version *followed) {
        version = followed;
}

/* One action on its way through the callouts. */
struct action {
        const struct task *task;
        const char *name;
        const char *state;
        const char *type;
        char *input;            /* the definition as JSON */
        char *script;           /* the path of the responsible callout, or NULL if none is known */
        bool has_capabilities;  /* whether it has told its capabilities */
        struct callout_capabilities capabilities;
};

static void action_clear(struct action *action) {
        free(action->input);
        free(action->script);
}

static int by_name(const struct dirent **a, const struct dirent **b) {
        return strcmp((*a)->d_name, (*b)->d_name);
}

static int not_hidden(const struct dirent *entry) {
        return entry->d_name[0] != '.';
}

static bool may_run(const char *path) {
        enum callout_file file = callout_file_judge(path);

        if (file == CALLOUT_FILE_NOT_TRUSTED)
                fprintf(stderr, "<4>Callout %s is not run: others than root may write it\n", path);
        return file == CALLOUT_FILE_RUNS;
}

/* Calls @func with each program of a folder, in the order of their names, until @func returns something other than 0.
 * Returns that; 0; or a negative errno when fds or memory are short, so that nobody knows which programs there are. */
static int in_folder(const char *folder, int (*func)(const char *path, void *userdata), void *userdata) {
        struct dirent **entries;
        int n, r = 0;

        n = scandir(folder, &entries, not_hidden, by_name);
        if (n < 0)
                return is_shortage(-errno) ? -errno : 0;
        if (n > 0 && !callout_is_trusted(folder)) {
                fprintf(stderr, "<4>Callouts in %s are not run: others than root may write there\n", folder);
                r = -EPERM;
        }
        for (int i = 0; i < n; i++) {
                char path[PATH_MAX];

                if (r == 0 &&
                    (size_t) snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name) < sizeof(path) &&
                    may_run(path))
                        r = func(path, userdata);
                free(entries[i]);
        }
        free(entries);
        return r > 0 ? r : 0;
}

static int found(const char *path, void *userdata) {
        return 1;
}

bool callouts_exist(void) {
        for (size_t i = 0; i < ELEMENTSOF(callout_folders); i++)
                if (in_folder(callout_folders[i], found, NULL) || in_folder(notifier_folders[i], found, NULL))
                        return true;
        return false;
}

static int run(const struct action *action, const char *path, const char *event, const char *name, const char *input,
               struct callout_output *ret) {
        const struct task *task = action->task;
        char job[64];
        char *argv[] = {
                (char *) path,
                (char *) "-t", (char *) action->type,
                (char *) "-e", (char *) event,
                (char *) "-a", (char *) name,
                (char *) "-s", (char *) action->state,
                (char *) "-u", (char *) task->uuid,
                (char *) "-p", (char *) task->parent,
                NULL,
        };
        char *environment[] = {
                (char *) "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                (char *) "LANG=C.UTF-8",
                task->job > 0 ? job : NULL,
                NULL,
        };
        int r;

        snprintf(job, sizeof(job), "MEDIATED_JOB=%" PRIu64, task->job);
        r = callout_run(argv, environment, input, task->callout_timeout, ret);
        if (r >= 0 && ret->err && *ret->err)
                fprintf(stderr, "<5>Callout %s (%s %s of %s): %s%s", path, event, name, task->uuid, ret->err,
                        ret->err[strlen(ret->err) - 1] == '\n' ? "" : "\n");
        if (r < 0)
                fprintf(stderr, "<4>Callout %s cannot be run: %s\n", path, strerror(-r));
        else if (ret->status < 0) {
                fprintf(stderr, "<4>Callout %s (%s %s of %s) %s\n", path, event, name, task->uuid,
                        ret->timed_out ? "did not end in time and was killed" : "was killed");
                /* It may have locked something in the name of its parent process. The lock is free when this process
                 * has ended. */
                end_after_task();
        }
        return r;
}

/* A file that is not a program refuses nothing, as with mdevctl. But when memory or processes are short, the file
 * counts as a program that could not be run. */
static bool is_no_program(int error) {
        return error == -ENOEXEC || error == -ENOENT || error == -EACCES || error == -ELIBBAD;
}

struct attempt {
        struct action *action;
        const char *event;
        const char *name;
        const char *input;
        /* Whether the output is an answer; if not, the next callout is asked. NULL: it always is. */
        bool (*accepts)(const struct callout_output *output);
        struct callout_output *output;
        int error;
};

/* Returns 1 when the program is responsible for the request, whatever it has answered. */
static int attempt(const char *path, void *userdata) {
        struct attempt *a = userdata;

        callout_output_clear(a->output);
        a->error = run(a->action, path, a->event, a->name, a->input, a->output);
        if (is_no_program(a->error) || (a->error >= 0 && a->output->status == STATUS_NOT_MINE) ||
            (a->error >= 0 && a->accepts && !a->accepts(a->output)))
                return 0;

        free(a->action->script);
        a->action->script = strdup(path);
        return 1;
}

static int look_for(struct attempt *a) {
        for (size_t i = 0; i < ELEMENTSOF(callout_folders); i++) {
                int r = in_folder(callout_folders[i], attempt, a);

                if (r != 0)
                        return r > 0 && a->error < 0 ? a->error : r;
        }
        return 0;
}

static bool tells_capabilities(const struct callout_output *output) {
        struct callout_capabilities capabilities;

        return output->status >= 0 && callout_reply_capabilities(output->out, &capabilities);
}

/* In version 2 of the protocol, a callout is asked for its capabilities. A callout that does not answer this question
 * knows version 1. Perhaps it does not even say that it is not responsible for this type. So the next callout is
 * asked. */
static void find_capable(struct action *action) {
        static const char provides[] =
                "{\"provides\":{\"version\":2,\"actions\":[\"start\",\"stop\",\"define\",\"undefine\",\"modify\","
                "\"attributes\",\"capabilities\"],\"events\":[\"pre\",\"post\",\"notify\",\"get\",\"live\"]}}";
        _cleanup_callout_output_ struct callout_output output = {};
        struct attempt question = {
                .action = action,
                .event = "get",
                .name = "capabilities",
                .input = provides,
                .accepts = tells_capabilities,
                .output = &output,
        };

        action->has_capabilities = look_for(&question) > 0 && question.error >= 0 &&
                                   callout_reply_capabilities(output.out, &action->capabilities);
        /* A program that could not be run for this question may be able to answer the next one. */
        if (!action->has_capabilities) {
                free(action->script);
                action->script = NULL;
        }
}

/* Asks the responsible callout, or looks for one. Returns 1 with its answer, 0 when no callout is responsible,
 * -EOPNOTSUPP when the responsible one has said that it cannot be asked this, or another negative errno. */
static int ask(struct action *action, const char *event, const char *name, const char *input,
               struct callout_output *output) {
        int r;

        if (!action->script)
                return look_for(&(struct attempt) {
                        .action = action, .event = event, .name = name, .input = input, .output = output,
                });

        if (action->has_capabilities && !callout_supports(&action->capabilities, event, name))
                return -EOPNOTSUPP;
        r = run(action, action->script, event, name, input, output);
        return r < 0 ? r : 1;
}

/* The last lines of standard error. If the callout has given a reason, it is there. */
static const char *said(const struct callout_output *output) {
        static char text[1024];
        size_t length = output->err ? strlen(output->err) : 0;
        const char *begin = output->err;

        if (length == 0)
                return "it said nothing";
        if (length >= sizeof(text)) {
                begin += length - sizeof(text) + 1;
                begin = strchr(begin, '\n') ? strchr(begin, '\n') + 1 : begin;
        }
        snprintf(text, sizeof(text), "%s", begin);
        for (length = strlen(text); length > 0 && text[length - 1] == '\n';)
                text[--length] = '\0';
        utf8_make_printable(text);
        return *text ? text : "it said nothing";
}

static int refused(const struct action *action, const char *event, int r, const struct callout_output *output,
                   struct failure *failure) {
        const char *script = action->script ? action->script : "?";

        if (r == -EOPNOTSUPP)
                return failure_set(failure, FAILURE_CALLOUT_FAILED,
                                   "Device %s: callout %s is responsible and does not support %s of %s",
                                   action->task->uuid, script, event, action->name);
        if (r < 0)
                return failure_set(failure, FAILURE_CALLOUT_FAILED, "Device %s: callout %s cannot be run: %s",
                                   action->task->uuid, script, strerror(-r));
        if (output->timed_out)
                return failure_set(failure, FAILURE_CALLOUT_FAILED,
                                   "Device %s: callout %s did not answer %s of %s in time and was killed; %s",
                                   action->task->uuid, script, event, action->name, said(output));
        if (output->status < 0)
                return failure_set(failure, FAILURE_CALLOUT_FAILED, "Device %s: callout %s was killed in %s of %s",
                                   action->task->uuid, script, event, action->name);
        return failure_set(failure, FAILURE_CALLOUT_FAILED,
                           "Device %s: callout %s refused %s of %s with status %d: %s", action->task->uuid, script,
                           event, action->name, output->status, said(output));
}

static int notify_one(const char *path, void *userdata) {
        struct action *action = userdata;
        _cleanup_callout_output_ struct callout_output output = {};

        (void) run(action, path, "notify", action->name, action->input, &output);
        return 0;
}

static void notify(struct action *action) {
        for (size_t i = 0; i < ELEMENTSOF(notifier_folders); i++)
                (void) in_folder(notifier_folders[i], notify_one, action);
}

static int action_begin(struct action *ret, const struct task *task, const char *name, const struct definition *conf) {
        json_object *object;
        int r;

        *ret = (struct action) { .task = task, .name = name, .state = "none", .type = definition_type(conf) };
        r = definition_to_json(conf, &object);
        if (r < 0)
                return r;
        r = json_text_print(object, &ret->input);
        json_object_put(object);
        return r;
}

/* To be called in a callout (say_in_callout()). */
static void find_script(struct action *action) {
        if (version->asks_capabilities)
                find_capable(action);
}

static void post(struct action *action, bool success) {
        _cleanup_callout_output_ struct callout_output output = {};
        int r;

        action->state = success ? "success" : "failure";
        r = ask(action, "post", action->name, action->input, &output);
        if (r == -EOPNOTSUPP)
                r = 0;
        /* `post` must follow `pre`. If it cannot be run, this process ends after its task, which frees the locks in its
         * name. */
        if (r == -ENOMEM)
                r = ask(action, "post", action->name, action->input, &output);
        if (r < 0)
                end_after_task();
        if (r > 0 && output.status > 0)
                fprintf(stderr, "<4>Callout %s (post %s of %s) failed with status %d\n", action->script, action->name,
                        action->task->uuid, output.status);
        notify(action);
}

/* Returns whether the action may happen. */
static bool begin(struct action *action, struct report *report) {
        _cleanup_callout_output_ struct callout_output output = {};
        bool refuses;
        int r;

        say_in_callout(true);
        find_script(action);
        r = ask(action, "pre", action->name, action->input, &output);
        report->served = action->script;
        refuses = (r < 0 || (r > 0 && output.status != 0)) && !action->task->force;
        if (refuses) {
                report->kind = REPORT_FAILED;
                (void) refused(action, "pre", r, &output, &report->failure);
                notify(action);
        }
        say_in_callout(false);
        return !refuses;
}

void callouts_around(const struct task *task, const char *action_name, const struct definition *conf,
                     void (*func)(const struct task *task, void *userdata, struct report *report), void *userdata,
                     struct report *report) {
        _cleanup_(action_clear) struct action action = {};

        if (task->interrupted)
                return callouts_interrupted(task, action_name, conf, false);
        if (!callouts_exist())
                return func(task, userdata, report);

        if (action_begin(&action, task, action_name, conf) < 0) {
                report->kind = REPORT_FAILED;
                failure_set(&report->failure, FAILURE_IO_ERROR, "Device %s: out of memory", task->uuid);
                return;
        }

        if (!begin(&action, report))
                return;

        FAULT_POINT("callout-agreed");
        func(task, userdata, report);
        FAULT_POINT("callout-waits");

        say_in_callout(true);
        post(&action, report->kind == REPORT_DONE);
        say_in_callout(false);
}

void callouts_interrupted(const struct task *task, const char *action_name, const struct definition *conf,
                          bool success) {
        _cleanup_(action_clear) struct action action = {};

        if (!callouts_exist() || action_begin(&action, task, action_name, conf) < 0)
                return;
        say_in_callout(true);
        find_script(&action);
        post(&action, success);
        say_in_callout(false);
}

static int ask_live(struct action *action, struct failure *failure) {
        _cleanup_callout_output_ struct callout_output output = {};
        int r;

        r = ask(action, "live", "modify", action->input, &output);
        return r < 0 || output.status != 0 ? refused(action, "live", r, &output, failure) : 0;
}

int callouts_live(const struct task *task, const struct definition *conf,
                  int (*compare)(const struct task *task, struct failure *failure), struct failure *failure) {
        _cleanup_(action_clear) struct action action = {};
        bool supported;
        int r = 0;

        if (action_begin(&action, task, "modify", conf) < 0)
                return failure_set(failure, FAILURE_IO_ERROR, "Device %s: out of memory", task->uuid);
        say_in_callout(true);
        find_capable(&action);
        supported = action.has_capabilities && callout_supports(&action.capabilities, "live", "modify");
        if (supported)
                r = ask_live(&action, failure);
        say_in_callout(false);
        if (!supported)
                return failure_set(failure, FAILURE_NOT_SUPPORTED,
                                   "Device %s cannot be changed while it runs: no callout for type '%s' supports that; "
                                   "change its definition, and stop and start it", task->uuid, action.type);
        if (r >= 0)
                r = compare(task, failure);

        say_in_callout(true);
        action.state = r >= 0 ? "success" : "failure";
        notify(&action);
        say_in_callout(false);
        return r;
}

int callouts_get_attributes(const struct task *task, struct attributes *ret, struct failure *failure) {
        _cleanup_callout_output_ struct callout_output output = {};
        _cleanup_definition_ struct definition *conf = NULL;
        _cleanup_attributes_ struct attributes attributes = {};
        _cleanup_(action_clear) struct action action = {};
        int r;

        if (definition_new(task->type, START_MANUAL, NULL, &conf) < 0 ||
            action_begin(&action, task, "attributes", conf) < 0)
                return failure_set(failure, FAILURE_IO_ERROR, "Device %s: out of memory", task->uuid);

        find_script(&action);
        r = ask(&action, "get", "attributes", "", &output);
        if (r == 0)
                return 0;
        if (r < 0 || output.status != 0)
                return refused(&action, "get", r, &output, failure);
        if (output.lost)
                return failure_set(failure, FAILURE_IO_ERROR, "Device %s: out of memory", task->uuid);
        if (!output.out || !*output.out)
                return 0;
        r = callout_reply_attributes(output.out, &attributes);
        if (r == 0)
                return 0;
        if (r < 0)
                return failure_set(failure, FAILURE_CALLOUT_FAILED,
                                   "Device %s: callout %s did not print a JSON list of attributes", task->uuid,
                                   action.script);

        *ret = attributes;
        attributes = (struct attributes) {};
        return 1;
}
