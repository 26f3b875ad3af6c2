# SPDX-License-Identifier: LGPL-2.1-or-later
"""uevent-storm.py COUNT: sends so many messages as udev sends them to its listeners, as fast as it can."""

import socket
import struct
import sys

NETLINK_KOBJECT_UEVENT = 15
UDEV_GROUP = 2
MAGIC = 0xFEEDCAFE


def murmur_hash2(data):
    """What udev's filters match subsystems by."""
    multiply, mask = 0x5BD1E995, 0xFFFFFFFF
    value = len(data) & mask
    while len(data) >= 4:
        word = struct.unpack("=I", data[:4])[0] * multiply & mask
        word = (word ^ word >> 24) * multiply & mask
        value = value * multiply & mask ^ word
        data = data[4:]
    if data:
        value = (value ^ int.from_bytes(data, "little")) * multiply & mask
    value = (value ^ value >> 13) * multiply & mask
    return value ^ value >> 15


def message(number):
    properties = b"".join(f"{key}={value}\0".encode() for key, value in (
        ("ACTION", "change"), ("DEVPATH", f"/devices/virtual/storm/storm{number}"), ("SUBSYSTEM", "storm"),
        ("SEQNUM", number + 1)))
    header = struct.pack("=8s", b"libudev\0") + struct.pack(">I", MAGIC)
    header += struct.pack("=III", 40, 40, len(properties)) + struct.pack(">I", murmur_hash2(b"storm"))
    return header + bytes(12) + properties


def main():
    messages = [message(number) for number in range(int(sys.argv[1]))]
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_KOBJECT_UEVENT) as storm:
        for text in messages:
            try:
                storm.sendto(text, (0, UDEV_GROUP))
            except OSError:
                # Somebody's buffer is full, which is what this is for.
                pass


main()
