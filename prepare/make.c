/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Makes virtual functions. */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <syslog.h>

#include "common/io.h"
#include "common/root.h"
#include "prepare/prepare.h"

/* NVIDIA's program must not run for two cards at once. What others allow is not known. */
#define LOCK_FILE PREPARATION_DIRECTORY "/.program"
#define LOCK_RETRY_USEC (200 * USEC_PER_MSEC)

struct write_step {
        char path[PATH_MAX];
        char text[CARD_NAME_SIZE];
};

/* In a child process. @message gets the kernel's reason, and the caller makes a sentence of it. */
static enum step_result write_file(const void *argument, step_message message) {
        const struct write_step *step = argument;
        _cleanup_close_ int fd = -1;
        int r;

        fd = openat(root_fd(), step->path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
        r = fd < 0 ? -errno : write_text_fd(fd, step->text);
        if (r >= 0)
                return STEP_DONE;
        step_say(message, "%s", r == -ENOENT ? "the driver cannot do that" : strerror(-r));
        return r == -ERANGE || r == -EINVAL ? STEP_FAILED : STEP_RETRY;
}

static uint64_t seconds(uint64_t usec) {
        return usec / USEC_PER_SEC;
}

static void say_hung(const struct plan *plan, const char *what, step_message why) {
        step_say(why, "%s has not ended within %" PRIu64 " s, and cannot be killed, as it hangs in the kernel. The "
                 "kernel's log may say why (journalctl -k). Only a reboot is sure to help", what,
                 seconds(plan->step_usec));
}

static const char *hint(const struct card *card) {
        return streq(card->driver, "nvidia") ? ". NVIDIA's cards need Prepare= with NVIDIA's program sriov-manage" : "";
}

static enum step_result write_number(struct plan *plan, const struct card *card, step_message why) {
        struct write_step step;
        enum step_result result;
        step_message reason;

        snprintf(step.path, sizeof(step.path), CARD_DEVICES "/%s/sriov_numvfs", plan->card);
        snprintf(step.text, sizeof(step.text), "%u", plan->wanted);
        progress_is(&plan->progress, "Writes %s to /%s", step.text, step.path);
        result = step_run(write_file, &step, plan->step_usec, plan->signal_fd, reason);
        if (result == STEP_HUNG)
                say_hung(plan, "The write to sriov_numvfs", why);
        else if (result == STEP_KILLED)
                step_say(why, "The write to sriov_numvfs was stopped after %" PRIu64 " s",
                         seconds(plan->step_usec));
        else if (result == STEP_RETRY || result == STEP_FAILED)
                step_say(why, "The kernel has refused to make %s virtual functions of card %s (%s): %s%s", step.text,
                         plan->card, *card->driver ? card->driver : "it has no driver", reason, hint(card));
        return result;
}

/* Returns STEP_DONE with an fd that has the lock. Closing the fd ends the lock. The program does not inherit the fd, so
 * a program that hangs does not keep the lock when this process has ended. */
static enum step_result take_lock(struct plan *plan, int *ret) {
        _cleanup_close_ int fd = -1;
        enum step_result result = STEP_DONE;
        bool told = false;

        fd = openat(root_fd(), LOCK_FILE, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0)
                return STEP_FAILED;
        while (result == STEP_DONE && flock(fd, LOCK_EX | LOCK_NB) < 0) {
                if (!told)
                        progress_is(&plan->progress, "Waits until the program for another card has ended");
                told = true;
                result = step_sleep(LOCK_RETRY_USEC, plan->signal_fd);
        }
        *ret = TAKE_FD(fd);
        return result;
}

static void say_status(const char *program, int status, step_message why) {
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
                step_say(why, "%s says that it has succeeded", program);
        else if (WIFEXITED(status))
                step_say(why, "%s has failed with exit status %d", program, WEXITSTATUS(status));
        else
                step_say(why, "%s was ended by signal %d", program, WTERMSIG(status));
}

static enum step_result run_locked(struct plan *plan, char *const argv[], step_message why) {
        _cleanup_close_ int lock_fd = -1;
        enum step_result result;
        int status;

        result = take_lock(plan, &lock_fd);
        if (result == STEP_FAILED)
                step_say(why, "/" LOCK_FILE " cannot be made: %m");
        if (result != STEP_DONE)
                return result;

        progress_is(&plan->progress, "Runs %s", argv[0]);
        result = step_run_program(argv, plan->step_usec, plan->signal_fd, &status);
        if (result == STEP_HUNG)
                say_hung(plan, argv[0], why);
        else if (result == STEP_KILLED)
                step_say(why, "%s has not ended within %" PRIu64 " s, and was killed", argv[0],
                         seconds(plan->step_usec));
        else if (result == STEP_FAILED)
                step_say(why, "%s cannot be run: %s", argv[0], strerror(-status));
        else if (result == STEP_DONE)
                say_status(argv[0], status, why);
        return result;
}

/* NVIDIA's program takes the card from its driver for a while, and leaves it without one when it fails. Without a
 * driver, the host cannot use the card at all, and the next attempt would fail, too. */
static enum step_result give_driver_back(struct plan *plan, const struct card *before, step_message why) {
        struct write_step step;
        enum step_result result;
        step_message reason;
        struct card now;

        if (!*before->driver || card_read(plan->card, &now) < 0 || *now.driver)
                return STEP_DONE;
        snprintf(step.path, sizeof(step.path), "sys/bus/pci/drivers/%s/bind", before->driver);
        snprintf(step.text, sizeof(step.text), "%s", plan->card);
        progress_log(&plan->progress, LOG_WARNING, "Card %s was left without its driver %s: binds it again",
                     plan->card, before->driver);
        result = step_run(write_file, &step, plan->step_usec, plan->signal_fd, reason);
        if (result == STEP_HUNG)
                say_hung(plan, "Binding the card to its driver", why);
        if (result == STEP_STOPPED || result == STEP_HUNG)
                return result;
        if (result != STEP_DONE)
                progress_log(&plan->progress, LOG_WARNING, "The driver %s cannot be bound to card %s: %s",
                             before->driver, plan->card, reason);
        return STEP_DONE;
}

static enum step_result run_program(struct plan *plan, const struct card *card, step_message why) {
        _cleanup_set_words_ struct set_words words = {};
        enum step_result result, given_back;

        if (set_command(plan->set, plan->card, &words) < 0) {
                step_say(why, "There is no memory");
                return STEP_RETRY;
        }
        result = run_locked(plan, words.items, why);
        if (result != STEP_DONE && result != STEP_KILLED)
                return result;
        given_back = give_driver_back(plan, card, why);
        return given_back == STEP_DONE ? result : given_back;
}

enum step_result make_functions(struct plan *plan, const struct card *card, step_message why) {
        enum step_result result;

        why[0] = '\0';
        result = plan->wanted > 0 ? write_number(plan, card, why) : run_program(plan, card, why);
        /* What sysfs says counts more. */
        return result == STEP_RETRY || result == STEP_KILLED ? STEP_DONE : result;
}
