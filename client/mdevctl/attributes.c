/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The attributes of running devices that have no definition. */

#include "client/mdevctl/attributes.h"

#include <assert.h>
#include <errno.h>

#include "client/mdevctl/bus.h"
#include "client/mdevctl/tell.h"
#include "common/attribute-bus.h"
#include "common/callout-files.h"
#include "common/io.h"
#include "common/root.h"

/* A call for the attributes of one device. */
struct question {
        struct asker *asker;
        struct attributes *ret;         /* where they go */
};

struct asker {
        sd_bus *bus;
        size_t n_pending;               /* how many questions have no answer yet */
};

static int new_call(sd_bus *bus, const char *uuid, sd_bus_message **ret) {
        _cleanup_free_ char *path = NULL;
        int r;

        r = sd_bus_path_encode(BUS_DEVICE_PATH, uuid, &path);
        if (r < 0)
                return r;
        return sd_bus_message_new_method_call(bus, ret, BUS_NAME, path, BUS_DEVICE,
                                              "GetAttributes");
}

/* There are no attributes when the device has disappeared meanwhile, or when a callout fails. */
static int on_reply(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error) {
        struct question *question = userdata;

        assert(question->asker->n_pending > 0);
        question->asker->n_pending--;
        if (!sd_bus_message_get_error(reply))
                (void) attributes_read_from_message(reply, question->ret);
        return 0;
}

static int ask(struct asker *asker, const char *uuid, struct question *question) {
        _cleanup_message_ sd_bus_message *call = NULL;
        int r;

        r = mdevctl_bus_wait(asker->bus, &asker->n_pending, MDEVCTL_PENDING_MAX);
        if (r >= 0)
                r = new_call(asker->bus, uuid, &call);
        if (r >= 0)
                r = sd_bus_call_async(asker->bus, NULL, call, on_reply, question, UINT64_MAX);
        if (r >= 0)
                asker->n_pending++;
        return r;
}

static int ask_all(struct asker *asker, struct mdevctl_entries *entries, bool stored_too,
                   struct question *questions) {
        int r = 0;

        for (size_t i = 0; i < entries->n && r >= 0; i++) {
                if (entries->items[i].stored && !stored_too)
                        continue;
                questions[i] = (struct question) { .asker = asker, .ret = &entries->items[i].attributes };
                r = ask(asker, entries->items[i].uuid, questions + i);
        }
        return r < 0 ? r : mdevctl_bus_wait(asker->bus, &asker->n_pending, 1);
}

int mdevctl_attributes_of(sd_bus *bus, const char *uuid, struct attributes *ret, struct failure *failure) {
        _cleanup_message_ sd_bus_message *call = NULL, *reply = NULL;
        int r;

        r = new_call(bus, uuid, &call);
        if (r >= 0 && mdevctl_bus_call(bus, call, failure, &reply) < 0)
                return -1;
        if (r >= 0)
                r = attributes_read_from_message(reply, ret);
        return r < 0 ? failure_set(failure, FAILURE_IO_ERROR, "The attributes of device %s cannot be read: %s",
                                   uuid, strerror(-r))
                     : 0;
}

static bool are_there_callouts(void) {
        for (size_t i = 0; i < ELEMENTSOF(callout_folders); i++)
                if (has_entries_at(root_fd(), callout_folders[i] + 1))
                        return true;
        return false;
}

int mdevctl_attributes_get(struct mdevctl_entries *entries, bool stored_too) {
        _cleanup_free_ struct question *questions = NULL;
        struct asker asker = {};
        int r;

        if (entries->n == 0 || !are_there_callouts())
                return EXIT_SUCCESS;

        questions = calloc(entries->n, sizeof(*questions));
        if (!questions)
                return mdevctl_fail("Out of memory");
        r = mdevctl_bus_open(&asker.bus);
        if (r != EXIT_SUCCESS)
                return r;
        r = ask_all(&asker, entries, stored_too, questions);
        sd_bus_flush_close_unref(asker.bus);
        return r < 0 ? mdevctl_fail_errno(r, "Unable to read the attributes of devices") : EXIT_SUCCESS;
}
