# SPDX-License-Identifier: LGPL-2.1-or-later
"""Messages as udev sends them to who listens, in the format of libudev; and such as it never would."""

import itertools
import socket
import struct

NETLINK_KOBJECT_UEVENT = 15
GROUP = 2
MAGIC = 0xfeedcafe
HEADER_SIZE = 40

_seqnum = itertools.count(10 ** 6)


class Udev:
    """Opened in the host's network namespace."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT)

    def send(self, data):
        # Nobody has to listen, and who does may be too slow.
        try:
            self.socket.sendto(data, (0, GROUP))
        except (ConnectionRefusedError, BlockingIOError):
            pass

    def close(self):
        self.socket.close()


def properties(*pairs, **values):
    """NAME=VALUE with a NUL behind each, as bytes."""
    return b"".join(f"{name}={value}".encode() + b"\0" for name, value in [*pairs, *values.items()])


def message(body, prefix=b"libudev\0", magic=MAGIC, header_size=HEADER_SIZE, offset=HEADER_SIZE, size=None):
    size = len(body) if size is None else size
    return prefix + struct.pack("!I", magic) + struct.pack("=III", header_size, offset, size) + \
        struct.pack("!IIII", 0, 0, 0, 0) + body


def event(action, devpath, subsystem, **values):
    return message(properties(ACTION=action, DEVPATH=devpath, SUBSYSTEM=subsystem, **values, SEQNUM=next(_seqnum)))
