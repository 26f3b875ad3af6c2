# SPDX-License-Identifier: LGPL-2.1-or-later
"""The real polkit, with the defaults of dbus/org.mediated1.policy and a rule of the site's."""

import pathlib
import subprocess

from dbus_next import Message, Variant
from host import Host
from polkit import DENIED, NOBODY

HERE = pathlib.Path(__file__).resolve().parent
REQUIRED = "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired"

RULE = """polkit.addRule(function(action, subject) {
    if (action.id == "org.mediated1.manage-devices" && action.lookup("parent") == "mbochs")
        return polkit.Result.NO;
});"""


class User:
    """A process of somebody who is not root, see polkit-user.py."""

    def __init__(self, host):
        self.host = host
        # As a text, because the project may be where only root can read.
        program = (HERE / "polkit-user.py").read_text(encoding="utf-8")
        self.process = subprocess.Popen(
            ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "/usr/bin/python3", "-c", program],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        host.processes.append(self.process)
        assert self.read() == "ready"

    def read(self):
        return self.process.stdout.readline().rstrip("\n")

    def write(self, line):
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def create(self, parent, type, how="quiet"):
        self.write(f"{parent} {type} {how}")
        return self.read()

    def create_by_password(self, parent, type):
        """Its agent is asked, and polkit's helper says, as root, that the password was right."""
        asked, cookie, message = self.create(parent, type, "ask").split(" ", 2)
        assert asked == "asked" and f" on {parent}." in message
        bus = self.host.bus
        reply = bus.run(bus.connection.call(Message(
            destination="org.freedesktop.PolicyKit1", path="/org/freedesktop/PolicyKit1/Authority",
            interface="org.freedesktop.PolicyKit1.Authority", member="AuthenticationAgentResponse2",
            signature="us(sa{sv})", body=[NOBODY, cookie, ["unix-user", {"uid": Variant("u", 0)}]])))
        assert not reply.error_name, reply.body
        self.write("")
        return self.read()


def test_a_password_is_for_one_device():
    """It opens neither what a rule refuses nor the next device."""
    with Host(polkit=True) as host:
        rules = pathlib.Path("/etc/polkit-1/rules.d")
        rules.mkdir(parents=True, exist_ok=True)
        (rules / "10-site.rules").write_text(RULE, encoding="utf-8")
        user = User(host)
        assert user.create("mbochs", "mbochs-small") == DENIED
        assert user.create("mtty", "mtty-1") == REQUIRED
        assert user.create_by_password("mtty", "mtty-1") == "done"
        assert user.create("mbochs", "mbochs-small") == DENIED
        assert user.create("mtty", "mtty-1") == REQUIRED
        assert [device.parent for device in host.devices().values()] == ["mtty"]
