# SPDX-License-Identifier: LGPL-2.1-or-later
"""A polkit that says what a test wants, and notes what it was asked.

The real one is in test_polkit_real.py, and in the virtual machine (vm/test-polkit.sh); it cannot be made to answer
nonsense, or to end at a chosen moment."""

import collections
import pathlib

from bus import Bus, plain
from dbus_next import Message, MessageType

NAME = "org.freedesktop.PolicyKit1"
PATH = "/org/freedesktop/PolicyKit1/Authority"
INTERFACE = "org.freedesktop.PolicyKit1.Authority"

# Users that every Debian has; one that is in no table the bus does not let in.
NOBODY = 65534
DAEMON = 1
DENIED = "org.freedesktop.DBus.Error.AccessDenied"

# What the bus must allow where no polkit is installed.
_POLICY = pathlib.Path("/etc/dbus-1/system.d/polkit-of-tests.conf")
_POLICY_TEXT = f"""<busconfig>
  <policy user="root"><allow own="{NAME}"/></policy>
  <policy context="default"><allow send_destination="{NAME}"/></policy>
</busconfig>"""

Check = collections.namedtuple("Check", "message sender action details interactive id")

YES = (True, False, {})
NO = (False, False, {})
CHALLENGE = (False, True, {})
# Does not answer; Polkit.reply() does, later.
SILENT = None


def allow_polkit(bus):
    """Lets root have polkit's name."""
    if not _POLICY.exists():
        _POLICY.write_text(_POLICY_TEXT, encoding="utf-8")
        bus.run(bus.connection.call(Message(destination="org.freedesktop.DBus", path="/org/freedesktop/DBus",
                                            interface="org.freedesktop.DBus", member="ReloadConfig")))


class Polkit(Bus):
    """Answers each check with what `decide` gives for it."""

    def __init__(self, host, decide=lambda check: YES):
        allow_polkit(host.bus)
        super().__init__(host.loop)
        host.buses.append(self)
        self.decide = decide if callable(decide) else lambda check: decide
        self.checks = []
        self.canceled = []
        self.connection.add_message_handler(self._on_message)
        self.run(self.connection.request_name(NAME))

    def _on_message(self, message):
        if message.message_type != MessageType.METHOD_CALL or message.interface != INTERFACE:
            return None
        if message.member == "CancelCheckAuthorization":
            self.canceled.append(message.body[0])
            return Message.new_method_return(message)
        subject, action, details, flags, cancellation = message.body
        assert message.path == PATH and message.signature == "(sa{sv})sa{ss}us"
        assert subject[0] == "system-bus-name", "never a process id"
        check = Check(message, plain(subject[1])["name"], action.removeprefix("org.mediated1."), details,
                      bool(flags & 1), cancellation)
        self.checks.append(check)
        answer = self.decide(check)
        return True if answer is SILENT else self._reply(check, answer)

    @staticmethod
    def _reply(check, answer):
        if isinstance(answer, tuple):
            return Message.new_method_return(check.message, "(bba{ss})", [list(answer)])
        return answer(check.message)

    def reply(self, check, answer=YES):
        """The answer to a check that was left open."""
        self.connection.send(self._reply(check, answer))

    def wait(self, n=1):
        """The last check, as soon as there are as many."""
        self.eventually(lambda: len(self.checks) >= n, what=lambda: f"check {n} after {self.checks}")
        return self.checks[-1]
