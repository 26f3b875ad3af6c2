/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Messages: one JSON object per datagram of a SOCK_SEQPACKET socket. An object that is too large for a datagram is sent
 * in a sealed memfd. */

#include <json-c/json.h>

#include "common/json-text.h"
#include "common/macro.h"

#define MESSAGE_SIZE_MAX (64u * 1024)           /* how many bytes are sent in the datagram itself */
#define MESSAGE_MEMFD_SIZE_MAX (16u * 1024 * 1024)

/** message_send() - send @object. Returns 0 or a negative errno: -EPIPE when the other side is gone, -EAGAIN when a
 * non-blocking socket is full. */
int message_send(int fd, json_object *object);

/** message_receive() - receive one object. Returns 1 with it; 0 at the end of the stream; or a negative errno: -EAGAIN
 * when nothing is there, -ENOMEM with the message left in the socket, -EBADMSG when it is not a message, -ECONNRESET
 * when the other side is gone and has not read everything that was sent to it (AF_UNIX reports this as an error, and
 * not as the end). */
int message_receive(int fd, json_object **ret);
