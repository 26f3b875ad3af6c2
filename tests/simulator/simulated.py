# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tests that run inside a simulated host, and the few things that all of them do there."""

import contextlib
import errno
import functools
import os
import pathlib
import subprocess
import sys
import time
import uuid

SOURCE = pathlib.Path(__file__).resolve().parents[2]
SIMULATE = str(SOURCE / "tools" / "simulate")

MDEV_BUS = pathlib.Path("/sys/class/mdev_bus")
DEVICES = pathlib.Path("/sys/bus/mdev/devices")


def simulated(*options, timeout=60):
    """The decorated test runs in a simulated host of its own, started with these options of tools/simulate."""

    def decorate(function):
        if os.environ.get("MEDIATED_SIMULATED") == function.__name__:
            return function

        @functools.wraps(function)
        def run():
            path = sys.modules[function.__module__].__file__
            command = [SIMULATE, *options, "--", "/usr/bin/python3", "-m", "pytest", "-q", "--no-header",
                       "--tb=short", "-p", "no:cacheprovider", f"{path}::{function.__name__}"]
            environment = {**os.environ, "MEDIATED_SIMULATED": function.__name__, "PYTHONDONTWRITEBYTECODE": "1"}
            result = subprocess.run(command, env=environment, timeout=timeout, check=False,
                                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            assert result.returncode == 0, result.stdout

        return run

    return decorate


def simctl(*arguments):
    result = subprocess.run(["simctl", *map(str, arguments)], check=False, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


def simctl_fails(*arguments):
    result = subprocess.run(["simctl", *map(str, arguments)], check=False, capture_output=True, text=True)
    assert result.returncode == 1, result
    return result.stderr


def new_uuid():
    return str(uuid.uuid4())


def type_path(parent, type_name):
    return MDEV_BUS / parent / "mdev_supported_types" / type_name


def device_path(parent, device):
    """The device's own directory, which is there longer than the link in /sys/bus/mdev/devices."""
    return MDEV_BUS / parent / device


def write(path, text):
    """As `echo TEXT > PATH` does it. (Python's own files are silent about EAGAIN.)"""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    try:
        os.write(fd, f"{text}\n".encode())
    finally:
        os.close(fd)


def read(path):
    return pathlib.Path(path).read_text(encoding="utf-8").rstrip("\n")


def create(parent, type_name, device=None):
    device = device or new_uuid()
    write(type_path(parent, type_name) / "create", device)
    return device


def remove(device):
    write(DEVICES / device / "remove", "1")


def devices():
    return sorted(os.listdir(DEVICES))


def available(parent, type_name):
    return int(read(type_path(parent, type_name) / "available_instances"))


@contextlib.contextmanager
def fails_with(number):
    try:
        yield
    except OSError as error:
        assert errno.errorcode[error.errno] == errno.errorcode[number]
    else:
        raise AssertionError(f"did not fail with {errno.errorcode[number]}")


def eventually(condition, seconds=5):
    """Waits until the condition holds, and returns what it gave."""
    end = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.005)
    return result


class Background:
    """A function that runs in a process of its own, because it may hang. Its errno, or 0, is what it ends with."""

    def __init__(self, function, *arguments):
        self.status = None
        self.pid = os.fork()
        if self.pid == 0:
            result = 255
            try:
                function(*arguments)
                result = 0
            except OSError as error:
                result = error.errno
            finally:
                os._exit(result)

    def poll(self):
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = status
        return self.status is not None

    def errno(self, seconds=10):
        eventually(self.poll, seconds)
        return os.waitstatus_to_exitcode(self.status)

    def hangs(self, seconds=0.2):
        """Whether it sleeps, and has not ended some time after it began to do so."""
        eventually(lambda: self.poll() or self.state() in "SD")
        time.sleep(seconds)
        return not self.poll()

    def state(self):
        with open(f"/proc/{self.pid}/stat", encoding="utf-8") as file:
            return file.read().rsplit(")", 1)[1].split()[0]
