/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A bound on the messages that one connection can cause. */

#include "daemon/log-limit.h"

#include "common/io.h"
#include "common/macro.h"
#include "daemon/log.h"
#include "daemon/sender.h"

void log_limit_end(struct sender *sender) {
        if (sender->n_logs > LOG_LIMIT_MESSAGES)
                log_warning("%u more jobs of connection %s have failed and were not logged",
                            sender->n_logs - LOG_LIMIT_MESSAGES, sender->name);
        sender->n_logs = 0;
}

bool log_limit_take(struct manager *manager, const char *name) {
        struct sender *sender = sender_get(manager, name);
        uint64_t t = now_usec();

        if (!sender)
                return true;
        if (sender->logs_usec <= t) {
                log_limit_end(sender);
                sender->logs_usec = t + LOG_LIMIT_USEC;
                sender_keep(sender, sender->logs_usec);
        }
        return ++sender->n_logs <= LOG_LIMIT_MESSAGES;
}
