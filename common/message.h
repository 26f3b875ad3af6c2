/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One JSON object a datagram over a SOCK_SEQPACKET socket; what does not fit travels in a sealed memfd. */

#include <json-c/json.h>

#include "common/json-text.h"
#include "common/macro.h"

#define MESSAGE_SIZE_MAX (64u * 1024)           /* in the datagram itself */
#define MESSAGE_MEMFD_SIZE_MAX (16u * 1024 * 1024)

/** message_send() - send @object. Returns 0 or a negative errno: -EPIPE when the other side is gone, -EAGAIN when a
 * non-blocking socket is full. */
int message_send(int fd, json_object *object);

/** message_receive() - receive one object. Returns 1 with it, 0 at the end of the stream, or a negative errno: -EAGAIN
 * when nothing is there, -ENOMEM with the message left where it is, -EBADMSG for what is not a message, -ECONNRESET
 * when the other side is gone and has not received everything that was sent to it (af_unix tells the two ends
 * apart). */
int message_receive(int fd, json_object **ret);
