/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One question to polkit: org.freedesktop.PolicyKit1.Authority.CheckAuthorization. */

#include "daemon/bus/polkit.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>

#include "common/io.h"
#include "daemon/base/log.h"

#define POLKIT_NAME "org.freedesktop.PolicyKit1"
#define POLKIT_PATH "/org/freedesktop/PolicyKit1/Authority"
#define POLKIT_INTERFACE "org.freedesktop.PolicyKit1.Authority"

#define ALLOW_USER_INTERACTION UINT32_C(1)

struct polkit_check {
        sd_bus *bus;
        sd_bus_slot *slot;
        char id[32];                    /* its name to polkit, by which it can be withdrawn */
        polkit_handler_t handler;
        void *userdata;
};

static struct polkit_check *polkit_check_free(struct polkit_check *check) {
        sd_bus_slot_unref(check->slot);
        sd_bus_unref(check->bus);
        free(check);
        return NULL;
}
DEFINE_CLEANUP_FUNC(struct polkit_check *, polkit_check_free)

/* No answer to that is wanted. */
static void cancel(const struct polkit_check *check) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL;

        if (sd_bus_message_new_method_call(check->bus, &message, POLKIT_NAME, POLKIT_PATH, POLKIT_INTERFACE,
                                           "CancelCheckAuthorization") < 0 ||
            sd_bus_message_set_auto_start(message, false) < 0 || sd_bus_message_set_expect_reply(message, false) < 0 ||
            sd_bus_message_append(message, "s", check->id) < 0)
                return;
        (void) sd_bus_send(check->bus, message, NULL);
}

struct polkit_check *polkit_withdraw(struct polkit_check *check) {
        if (!check)
                return NULL;

        cancel(check);
        return polkit_check_free(check);
}

static enum polkit_answer answer_of_error(const sd_bus_error *error) {
        static const struct {
                const char *name;
                enum polkit_answer answer;
        } known[] = {
                { SD_BUS_ERROR_SERVICE_UNKNOWN, POLKIT_ABSENT },
                { SD_BUS_ERROR_NAME_HAS_NO_OWNER, POLKIT_ABSENT },
                { SD_BUS_ERROR_NO_REPLY, POLKIT_SILENT },
                { SD_BUS_ERROR_TIMEOUT, POLKIT_SILENT },
        };

        for (size_t i = 0; i < ELEMENTSOF(known); i++)
                if (streq(error->name, known[i].name))
                        return known[i].answer;
        /* The bus could not start it: its unit is masked, its program missing, and the like. */
        if (strncmp(error->name, "org.freedesktop.systemd1.", 25) == 0 ||
            strncmp(error->name, "org.freedesktop.DBus.Error.Spawn.", 33) == 0)
                return POLKIT_ABSENT;
        return POLKIT_BROKEN;
}

/* Any caller can cause such an answer, as often as it likes. */
static bool is_worth_logging(void) {
        static uint64_t last = 0;
        uint64_t t = now_usec();

        if (last > 0 && t - last < 10 * USEC_PER_SEC)
                return false;
        last = t;
        return true;
}

static enum polkit_answer read_answer(sd_bus_message *message) {
        const sd_bus_error *error = sd_bus_message_get_error(message);
        int authorized, challenge, r;

        if (error) {
                if (is_worth_logging())
                        log_warning("polkit did not decide: %s (%s)", error->message ? error->message : "",
                                    error->name);
                return answer_of_error(error);
        }

        r = sd_bus_message_has_signature(message, "(bba{ss})") ? 0 : -EBADMSG;
        if (r >= 0)
                r = sd_bus_message_enter_container(message, 'r', "bba{ss}");
        if (r >= 0)
                r = sd_bus_message_read(message, "bb", &authorized, &challenge);
        if (r < 0) {
                if (is_worth_logging())
                        log_warning_errno(r, "polkit's answer is not understood: %m");
                return POLKIT_BROKEN;
        }
        return authorized ? POLKIT_YES : challenge ? POLKIT_CHALLENGE : POLKIT_NO;
}

static int on_answer(sd_bus_message *message, void *userdata, sd_bus_error *ret_error) {
        struct polkit_check *check = userdata;
        polkit_handler_t handler = check->handler;
        enum polkit_answer answer = read_answer(message);

        userdata = check->userdata;
        /* It may still be asking a person. */
        if (answer == POLKIT_SILENT)
                cancel(check);
        polkit_check_free(check);
        handler(answer, userdata);
        return 0;
}

static int append_details(sd_bus_message *message, const char *const *details) {
        int r;

        r = sd_bus_message_open_container(message, 'a', "{ss}");
        for (; r >= 0 && *details; details += 2)
                r = sd_bus_message_append(message, "{ss}", details[0], details[1]);
        return r < 0 ? r : sd_bus_message_close_container(message);
}

int polkit_ask(struct polkit_check **ret, sd_bus *bus, const char *sender, const char *action,
               const char *const *details, bool interactive, polkit_handler_t handler, void *userdata) {
        _cleanup_(polkit_check_freep) struct polkit_check *check = NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL;
        static uint64_t last_id = 0;
        int r;

        assert(sender && action && details && handler);

        check = calloc(1, sizeof(*check));
        if (!check)
                return -ENOMEM;
        check->bus = sd_bus_ref(bus);
        check->handler = handler;
        check->userdata = userdata;
        snprintf(check->id, sizeof(check->id), "mediated-%" PRIu64, ++last_id);

        r = sd_bus_message_new_method_call(bus, &message, POLKIT_NAME, POLKIT_PATH, POLKIT_INTERFACE,
                                           "CheckAuthorization");
        if (r < 0)
                return r;
        /* A unique name is never given to another connection, while a process id may be another process's by now. */
        r = sd_bus_message_append(message, "(sa{sv})s", "system-bus-name", 1, "name", "s", sender, action);
        if (r < 0)
                return r;
        r = append_details(message, details);
        if (r < 0)
                return r;
        r = sd_bus_message_append(message, "us", interactive ? ALLOW_USER_INTERACTION : 0, check->id);
        if (r < 0)
                return r;
        r = sd_bus_call_async(bus, &check->slot, message, on_answer, check,
                              interactive ? POLKIT_PASSWORD_USEC : POLKIT_RULES_USEC);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(check);
        return 0;
}
