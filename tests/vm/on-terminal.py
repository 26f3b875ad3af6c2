# SPDX-License-Identifier: LGPL-2.1-or-later
"""on-terminal.py PASSWORD COMMAND [ARG…]: runs it on a terminal of its own, types PASSWORD whenever it is asked for
one, and ends with the command's status."""

import os
import pty
import sys
import termios
import time


def echoes(fd):
    return termios.tcgetattr(fd)[3] & termios.ECHO


def read(fd):
    data = os.read(fd, 1024)
    if b"assword:" in data:
        # The agent drops what was typed before it has turned the echo off.
        end = time.monotonic() + 10
        while echoes(fd) and time.monotonic() < end:
            time.sleep(0.01)
        os.write(fd, sys.argv[1].encode() + b"\n")
    return data


sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[2:], read)))
