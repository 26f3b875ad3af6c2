# SPDX-License-Identifier: LGPL-2.1-or-later
"""mediatectl as a person uses it: in a pipe and on a terminal. Within a Host, see host.py."""

import collections
import fcntl
import json
import os
import struct
import subprocess
import termios

from host import BUILD, SANITIZER

MEDIATECTL = BUILD / "client" / "mediatectl"

Result = collections.namedtuple("Result", "status out err")


def environment(host, **variables):
    base = host._environment()  # pylint: disable=protected-access
    base["PATH"] = f"{BUILD}/client:{base['PATH']}"
    base["LC_ALL"] = "C.UTF-8"
    for name in ("NO_COLOR", "MEDIATED_JOB", "NOTIFY_SOCKET"):
        base.pop(name, None)
    return {**base, **variables}


def ctl(host, *arguments, status=0, timeout=30, **variables):
    """Runs it in a pipe; a status of None means any."""
    done = subprocess.run([MEDIATECTL, *map(str, arguments)], check=False, capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, env=environment(host, **variables), timeout=timeout)
    result = Result(done.returncode, done.stdout, done.stderr)
    assert status is None or result.status == status, result
    assert not SANITIZER.search(result.err), result
    assert "\033" not in result.out + result.err, result
    return result


def ctl_json(host, *arguments, **kwargs):
    return json.loads(ctl(host, *arguments, "--json", **kwargs).out)


def begin_ctl(host, *arguments, **variables):
    """Starts it; host.processes ends it."""
    process = subprocess.Popen([MEDIATECTL, *map(str, arguments)], text=True, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(host, **variables))
    host.processes.append(process)
    return process


def on_terminal(host, command, columns=80, **variables):
    """Runs a command on a terminal that wide; returns its status and what the terminal got."""
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))

    def take_terminal():
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    variables.setdefault("TERM", "xterm")
    with subprocess.Popen([*map(str, command)], stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
                          preexec_fn=take_terminal, env=environment(host, **variables)) as process:
        os.close(theirs)
        text = b""
        while True:
            try:
                some = os.read(ours, 65536)
            except OSError:
                break
            if not some:
                break
            text += some
        os.close(ours)
        return process.wait(30), text.decode(errors="backslashreplace").replace("\r\n", "\n")


def ctl_terminal(host, *arguments, columns=80, **variables):
    return on_terminal(host, [MEDIATECTL, *arguments], columns, **variables)
