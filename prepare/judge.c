/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Judges by sysfs: whether all virtual functions are there and ready, and what keeps their number from being changed.
 * The files of nvidia/ are a driver's, so they are read in a child process. */

#include <ctype.h>
#include <errno.h>

#include "common/find-holders.h"
#include "common/io.h"
#include "common/root.h"
#include "prepare/prepare.h"

#define POLL_USEC (500 * USEC_PER_MSEC)

/* How long virtual functions may take to appear after the program of Prepare= has ended. */
#define APPEAR_USEC (10 * USEC_PER_SEC)

/* A list has some dozens of types. */
#define TYPES_SIZE (64u * 1024)

/* The type of a vGPU, or 0 for none; or a negative errno. */
static long read_type(int function_fd) {
        char text[32];
        ssize_t n;

        n = read_text_at(function_fd, "nvidia/current_vgpu_type", text, sizeof(text));
        return n < 0 ? (long) n : strtol(text, NULL, 10);
}

/* The list may have a heading, which begins with "ID". When the card is full it has nothing else. */
static bool lists_types(char *text) {
        char *line;

        while ((line = strsep(&text, "\n"))) {
                line += strspn(line, " \t");
                if (*line && (strncmp(line, "ID", 2) != 0 || isalnum((unsigned char) line[2])))
                        return true;
        }
        return false;
}

/* Returns whether the virtual function has a type, or offers some; or a negative errno. */
static int look_at_types(const char *function) {
        _cleanup_close_ int fd = card_open(function);
        static char text[TYPES_SIZE];
        long type;
        ssize_t n;

        if (fd < 0)
                return fd;
        type = read_type(fd);
        if (type < 0)
                return (int) type;
        n = read_text_at(fd, "nvidia/creatable_vgpu_types", text, sizeof(text));
        if (n < 0)
                return (int) n;
        return type > 0 || lists_types(text);
}

/* Where virtual functions are not bound to drivers by themselves, somebody wants them without. */
static bool are_bound(const char *card) {
        _cleanup_close_ int fd = card_open(card);
        char text[8];

        return fd < 0 || read_text_at(fd, "sriov_drivers_autoprobe", text, sizeof(text)) <= 0 || !streq(text, "0");
}

/* What is known of all virtual functions that were looked at. */
struct functions {
        unsigned int n_with_types;      /* those that take a type */
        char without[CARD_NAME_SIZE];   /* the first one that takes none; empty: there is none */
        bool any_type;                  /* whether there is a type at all */
};

static enum step_result look_at_function(const struct card_function *function, bool bound,
                                         struct functions *functions, step_message why) {
        int r;

        if (bound && !*function->driver) {
                step_say(why, "Virtual function %s has no driver", function->name);
                return STEP_FAILED;
        }
        if (!function->has_types) {
                if (!*functions->without)
                        strcpy(functions->without, function->name);
                return STEP_DONE;
        }
        functions->n_with_types++;
        r = look_at_types(function->name);
        if (r < 0) {
                step_say(why, "The types of virtual function %s cannot be read: %s",
                         function->name, strerror(-r));
                return STEP_FAILED;
        }
        functions->any_type |= r > 0;
        return STEP_DONE;
}

/* In a child process. Returns STEP_DONE, or what is missing: STEP_RETRY when that is everything, else STEP_FAILED. */
static enum step_result look(const void *argument, step_message why) {
        const struct plan *plan = argument;
        struct functions functions = {};
        bool bound = are_bound(plan->card);
        struct card card;

        if (card_read(plan->card, &card) < 0 || card.n_functions == 0) {
                step_say(why, "Card %s has no virtual functions", plan->card);
                return STEP_RETRY;
        }
        if (plan->wanted > 0 && card.n_functions != plan->wanted) {
                step_say(why, "Card %s has %u virtual function%s, and %s asks for %u", plan->card, card.n_functions,
                         card.n_functions == 1 ? "" : "s", plan->set->path, plan->wanted);
                return STEP_FAILED;
        }
        for (unsigned int i = 0; i < card.total; i++) {
                struct card_function function;

                if (card_function_read(plan->card, i, &function) < 0)
                        continue;
                if (look_at_function(&function, bound, &functions, why) != STEP_DONE)
                        return STEP_FAILED;
        }
        if (functions.n_with_types > 0 && *functions.without) {
                step_say(why, "Virtual function %s takes no vGPU type, and others of card %s do",
                         functions.without, plan->card);
                return STEP_FAILED;
        }
        if (functions.n_with_types > 0 && !functions.any_type) {
                step_say(why, "No virtual function of card %s has vGPU types. Is the service nvidia-vgpu-mgr running? "
                         "With MIG, the card needs GPU instances first (nvidia-smi mig -cgi)", plan->card);
                return STEP_FAILED;
        }
        return STEP_DONE;
}

/* The same sentence is told once. */
static void tell_waiting(struct plan *plan, const step_message why, step_message told) {
        if (streq(why, told))
                return;
        strcpy(told, why);
        progress_is(&plan->progress, "Waits: %s", told);
}

enum step_result judge_functions(struct plan *plan, step_message why) {
        uint64_t begin = now_usec();
        step_message told = "";

        for (;;) {
                enum step_result result = step_run(look, plan, plan->step_usec, plan->signal_fd, why);
                uint64_t passed = now_usec() - begin;

                if (result == STEP_HUNG || result == STEP_KILLED) {
                        step_say(why, "The driver of the virtual functions of card %s does not "
                                 "answer when their types are read", plan->card);
                        return STEP_FAILED;
                }
                /* The kernel has made them all when a write returns; a program may have asked somebody else. */
                if (result == STEP_RETRY && (plan->wanted > 0 || passed >= APPEAR_USEC))
                        return STEP_RETRY;
                if (result == STEP_DONE || result == STEP_STOPPED || passed >= plan->settle_usec)
                        return result;
                tell_waiting(plan, why, told);
                if (step_sleep(POLL_USEC, plan->signal_fd) == STEP_STOPPED)
                        return STEP_STOPPED;
        }
}

struct holder_of_function {
        const char *function;
        char *why;
};

static int name_holder(pid_t pid, const char *name, void *userdata) {
        const struct holder_of_function *holder = userdata;

        step_say(holder->why, "%s is in use by process %d (%s)", holder->function, (int) pid,
                 name);
        return -ECANCELED;
}

/* In a child process. One that is in use comes before one with a type: its virtual machine must be ended first. */
static enum step_result look_at_use(const void *argument, step_message why) {
        const struct plan *plan = argument;
        char with_type[CARD_NAME_SIZE] = "";
        struct card card;
        long type = 0;

        if (card_read(plan->card, &card) < 0)
                return STEP_DONE;
        for (unsigned int i = 0; i < card.total; i++) {
                _cleanup_close_ int fd = -1;
                struct card_function function;

                if (card_function_read(plan->card, i, &function) < 0 || (fd = card_open(function.name)) < 0)
                        continue;
                (void) holders_find(fd, name_holder, &(struct holder_of_function) { function.name, why });
                if (*why)
                        return STEP_DONE;
                if (type <= 0 && function.has_types && (type = read_type(fd)) > 0)
                        strcpy(with_type, function.name);
        }
        if (type > 0)
                step_say(why, "%s has the vGPU type %ld", with_type, type);
        return STEP_DONE;
}

enum step_result judge_other_number(struct plan *plan, step_message why) {
        return step_run(look_at_use, plan, plan->step_usec, plan->signal_fd, why);
}
