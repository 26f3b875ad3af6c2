# SPDX-License-Identifier: LGPL-2.1-or-later
"""The system bus as tests like it: calls that return or raise, calls that are still under way, signals as a list.

No threads: replies and signals are taken in whenever a test waits for something."""

import asyncio
import os
import time

from dbus_next import BusType, Message, MessageFlag, MessageType, Variant
from dbus_next.aio import MessageBus
from dbus_next.auth import AuthExternal

NAME = "org.mediated1"
ROOT = "/org/mediated1"
MANAGER = "org.mediated1.Manager"
PARENT = "org.mediated1.Parent"
DEVICE = "org.mediated1.Device"
DEFINITION = "org.mediated1.Definition"
JOB = "org.mediated1.Job"
OBJECT_MANAGER = "org.freedesktop.DBus.ObjectManager"
PROPERTIES = "org.freedesktop.DBus.Properties"

REPLY_SECONDS = 30


class Error(Exception):
    """An error that was answered; `name` is its last part for those of org.mediated1."""

    def __init__(self, message):
        self.name = message.error_name.removeprefix("org.mediated1.Error.")
        self.text = message.body[0] if message.body else ""
        super().__init__(f"{self.name}: {self.text}")


class Call:
    """A call under way. Sent when it is made."""

    def __init__(self, bus, message):
        self.bus = bus
        self.started = time.monotonic()
        self.ended = None
        self.task = bus.loop.create_task(bus.connection.call(message))
        self.task.add_done_callback(self._on_done)
        bus.sleep(0)

    def _on_done(self, _):
        self.ended = time.monotonic()

    @property
    def done(self):
        self.bus.sleep(0)
        return self.task.done()

    @property
    def seconds(self):
        """How long the answer took."""
        return self.ended - self.started

    def wait(self, seconds=REPLY_SECONDS):
        self.bus.run(asyncio.wait({self.task}, timeout=seconds))
        assert self.task.done(), f"not answered within {seconds} s"

    def result(self, seconds=REPLY_SECONDS):
        self.wait(seconds)
        reply = self.task.result()
        if reply.message_type == MessageType.ERROR:
            raise Error(reply)
        return reply.body[0] if len(reply.body) == 1 else reply.body

    def error(self, seconds=REPLY_SECONDS):
        """The error that is answered; no error is a failure."""
        try:
            result = self.result(seconds)
        except Error as error:
            return error
        raise AssertionError(f"answered {result!r} instead of an error")


class _Auth(AuthExternal):
    def __init__(self, uid):
        super().__init__()
        self.uid = uid

    def _authentication_start(self, negotiate_unix_fd=False):
        super()._authentication_start(negotiate_unix_fd)
        return f"AUTH EXTERNAL {str(self.uid).encode().hex()}"


class _PatientSocket:
    """dbus-next takes a full buffer for an error if it has just sent another message: here that is a short write."""

    def __init__(self, connected):
        self.connected = connected

    def send(self, data):
        try:
            return self.connected.send(data)
        except BlockingIOError:
            return 0

    def sendmsg(self, *arguments):
        return self.connected.sendmsg(*arguments)


async def _connect(uid, fds):
    # Whose connection it is the bus learns from the kernel, which notes who connects: that is done when it is made.
    os.seteuid(uid)
    try:
        bus = MessageBus(bus_type=BusType.SYSTEM, auth=_Auth(uid), negotiate_unix_fd=fds)
    finally:
        os.seteuid(0)
    bus._writer.sock = _PatientSocket(bus._writer.sock)
    return await bus.connect()


class Bus:
    """A connection. All of a host share one loop, so who waits on one takes in what comes on the others."""

    def __init__(self, loop, uid=0, fds=False):
        self.loop = loop
        self.connection = self.run(_connect(uid, fds))

    def run(self, awaitable):
        return self.loop.run_until_complete(awaitable)

    def sleep(self, seconds):
        self.run(asyncio.sleep(seconds))

    def begin(self, path, interface, member, signature="", *body, interactive=False):
        flags = MessageFlag.ALLOW_INTERACTIVE_AUTHORIZATION if interactive else MessageFlag.NONE
        return Call(self, Message(destination=NAME, path=path, interface=interface, member=member,
                                  signature=signature, body=list(body), flags=flags))

    def call(self, path, interface, member, signature="", *body):
        return self.begin(path, interface, member, signature, *body).result()

    def eventually(self, condition, seconds=5, what="the condition"):
        """Waits until the condition holds, and returns what it gave."""
        end = time.monotonic() + seconds
        while not (result := condition()):
            assert time.monotonic() < end, f"{what() if callable(what) else what} did not come within {seconds} s"
            self.sleep(0.005)
        return result

    def stop_reading(self):
        """Answers pile up from now on."""
        self.loop.remove_reader(self.connection._fd)

    def close(self):
        self.connection.disconnect()


class Signals(Bus):
    """All signals of mediated, in their order, as (interface, member, path, body), since this was made."""

    def __init__(self, loop):
        super().__init__(loop)
        self.seen = []
        self.connection.add_message_handler(self._on_message)
        self.run(self.connection.call(
            Message(destination="org.freedesktop.DBus", path="/org/freedesktop/DBus", interface="org.freedesktop.DBus",
                    member="AddMatch", signature="s", body=[f"type='signal',sender='{NAME}'"])))

    def _on_message(self, message):
        if message.message_type == MessageType.SIGNAL and message.path.startswith(ROOT):
            self.seen.append((message.interface, message.member, message.path, message.body))

    def find(self, member, condition=lambda body: True, path=None):
        return next((body for _, m, p, body in self.seen
                     if m == member and path in (None, p) and condition(body)), None)

    def wait(self, member, condition=lambda body: True, path=None, seconds=5):
        """The body of the first such signal, which may have come already."""
        return self.eventually(lambda: self.find(member, condition, path), seconds, f"signal {member}")

    def index(self, member, condition=lambda body: True):
        return next(i for i, (_, m, _, body) in enumerate(self.seen) if m == member and condition(body))


def encode(name):
    """A name as the last part of an object path, as sd_bus_path_encode() makes it."""
    return "".join(c if c.isascii() and c.isalnum() and not (c.isdigit() and i == 0) else f"_{ord(c):02x}"
                   for i, c in enumerate(name))


def plain(value):
    """Without the Variants."""
    if isinstance(value, Variant):
        return plain(value.value)
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value
