# SPDX-License-Identifier: LGPL-2.1-or-later
"""parent-timing.py PARENT COUNT COMMAND [ARG…]: runs COMMAND, which makes PARENT register; prints the milliseconds from
the kernel's uevent of that until COUNT mediated devices are bound to their driver."""

import socket
import subprocess
import sys
import time

NETLINK_KOBJECT_UEVENT = 15
KERNEL_GROUP = 1
BUFFER_SIZE = 8 << 20
SECONDS = 60


def main():
    parent, count, command = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_KOBJECT_UEVENT) as uevents:
        uevents.setsockopt(socket.SOL_SOCKET, 33, BUFFER_SIZE)      # SO_RCVBUFFORCE
        uevents.bind((0, KERNEL_GROUP))
        uevents.settimeout(SECONDS)
        process = subprocess.Popen(command)
        begin = None
        while count > 0:
            fields = uevents.recv(1 << 16).split(b"\0")
            if b"MDEV_STATE=registered" in fields and fields[0].endswith(f"/{parent}".encode()):
                begin = time.monotonic()
            elif begin and fields[0].startswith(b"bind@") and b"SUBSYSTEM=mdev" in fields:
                count -= 1
        print(round((time.monotonic() - begin) * 1000))
        process.wait()


main()
