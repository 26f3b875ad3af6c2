# SPDX-License-Identifier: LGPL-2.1-or-later
"""The system bus by a plain socket: blocking, one call at a time, and cheap; and messages as bytes, for bus-flood."""

import collections
import io
import os
import socket
import struct

from dbus_next import Message, MessageFlag
from dbus_next._private.unmarshaller import Unmarshaller

SOCKET = "/run/dbus/system_bus_socket"
DRIVER = "org.freedesktop.DBus"
NAME = "org.mediated1"
ROOT = "/org/mediated1"
MANAGER = "org.mediated1.Manager"
HEADER_SIZE = 16
METHOD_CALL, METHOD_RETURN, ERROR = 1, 2, 3

Call = collections.namedtuple("Call", "path interface member signature body destination flags",
                              defaults=("", (), NAME, MessageFlag.NONE))
HELLO = Call("/org/freedesktop/DBus", DRIVER, "Hello", destination=DRIVER)
GET_ID = Call("/org/freedesktop/DBus", DRIVER, "GetId", destination=DRIVER)


def driver_call(member, signature, *body):
    return Call("/org/freedesktop/DBus", DRIVER, member, signature, body, DRIVER)


def encode(call, serial=1):
    message = Message(destination=call.destination, path=call.path, interface=call.interface, member=call.member,
                      signature=call.signature, body=list(call.body), flags=call.flags, serial=serial)
    return bytes(message._marshall())


def decode(data):
    return Unmarshaller(io.BytesIO(data)).unmarshall()


def error_of(answer):
    """The last part of its name; "" where it is none."""
    return decode(answer).error_name.rsplit(".", 1)[1] if answer[1] == ERROR else ""


def size_of(head):
    """Of the message that begins with these bytes."""
    body, _, fields = struct.unpack_from("<III", head, 4)
    return HEADER_SIZE + (fields + 7) // 8 * 8 + body


class Connection:
    def __init__(self, uid=0, timeout=60):
        # Whose connection it is the kernel notes when it is made.
        os.seteuid(uid)
        try:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(timeout)
            self.socket.connect(SOCKET)
        finally:
            os.seteuid(0)
        self.data = b""
        self.serial = 0
        hexadecimal = str(uid).encode().hex()
        self.socket.sendall(f"\0AUTH EXTERNAL {hexadecimal}\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n".encode())
        while self.data.count(b"\r\n") < 2:
            self.data += self._receive()
        self.data = self.data.split(b"\r\n", 2)[2]
        self.name = decode(self.call(HELLO)).body[0]

    def _receive(self):
        data = self.socket.recv(1 << 18)
        if not data:
            raise ConnectionResetError("the bus has closed the connection")
        return data

    def read(self):
        """The next message, as bytes."""
        while len(self.data) < HEADER_SIZE or len(self.data) < size_of(self.data):
            self.data += self._receive()
        size = size_of(self.data)
        message, self.data = self.data[:size], self.data[size:]
        return message

    def send(self, data):
        """A message that was encoded before, with a serial of its own."""
        self.serial += 1
        self.socket.sendall(data[:8] + struct.pack("<I", self.serial) + data[12:])

    def read_answer(self):
        """The next message that is no signal."""
        while True:
            answer = self.read()
            if answer[1] in (METHOD_RETURN, ERROR):
                return answer

    def ask(self, data):
        """Sends it, and returns the answer. To be used where nothing else is under way."""
        self.send(data)
        return self.read_answer()

    def call(self, call):
        return self.ask(encode(call))

    def close(self):
        self.socket.close()
