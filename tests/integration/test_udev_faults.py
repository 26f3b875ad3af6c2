# SPDX-License-Identifier: LGPL-2.1-or-later
"""What udev tells is doubled, late, out of order, invented or no message at all; lost ones are in test_registry.py. A
message is a hint to look, and never the fact."""

import contextlib
import random

import pytest
from bus import ROOT
from host import DEVICES, MDEV_BUS, Host, device_path, new_uuid
from udev_messages import HEADER_SIZE, Udev, event, message, properties

# Not among them is an offset near 2^32: libsystemd 252 reads what is there. Who may send it, root, can do worse.
GARBAGE = {
    "one byte": b"\0",
    "prefix alone": b"libudev\0",
    "half a header": message(b"")[:20],
    "header alone": message(b""),
    "wrong magic": message(properties(ACTION="add", DEVPATH="/devices/x", SUBSYSTEM="mdev", SEQNUM=1), magic=1),
    "wrong prefix": message(properties(ACTION="add", DEVPATH="/devices/x", SUBSYSTEM="mdev", SEQNUM=1),
                            prefix=b"libudex\0"),
    "offset beyond the end": message(properties(ACTION="add"), offset=4000),
    "offset in the header": message(properties(ACTION="add"), offset=4),
    "size beyond the end": message(properties(ACTION="add"), size=60000),
    "huge size": message(properties(ACTION="add"), size=2 ** 32 - 1),
    "no NUL at the end": message(b"ACTION=add\0DEVPATH=/devices/virtual/mtty/mtty"),
    "no equals sign": message(b"ACTION\0DEVPATH\0SUBSYSTEM\0SEQNUM\0"),
    "no properties but NULs": message(b"\0" * 500),
    "no device path": message(properties(ACTION="add", SUBSYSTEM="mdev", SEQNUM=1)),
    "no subsystem": message(properties(ACTION="add", DEVPATH="/devices/virtual/mtty/mtty", SEQNUM=1)),
    "unknown action": event("explode", "/devices/virtual/mtty/mtty", "mtty"),
    "path without a slash": event("add", "mtty", "mdev"),
    "empty path": event("add", "", "mdev"),
    "path of slashes": event("add", "/" * 1000, "mdev"),
    "path that leaves": event("add", "/devices/../../../etc", "mdev", MDEV_STATE="registered"),
    "dots for a name": event("add", "/devices/virtual/mtty/..", "mdev", MDEV_STATE="registered"),
    "long name": event("add", "/devices/virtual/" + "x" * 300, "mdev", MDEV_STATE="registered"),
    "very long path": event("add", "/devices" + "/x" * 2500, "mdev", MDEV_STATE="registered"),
    "not UTF-8": message(b"ACTION=add\0DEVPATH=/devices/\xff\xfe\0SUBSYSTEM=mdev\0MDEV_STATE=registered\0SEQNUM=1\0"),
    "kernel's format": (b"add@/devices/virtual/mtty/mtty\0ACTION=add\0DEVPATH=/devices/virtual/mtty/mtty\0"
                        b"SUBSYSTEM=mtty\0SEQNUM=1\0"),
    "many properties": message(properties(*((f"N{i}", "x") for i in range(700)))),
}


@contextlib.contextmanager
def host_and_udev():
    with Host() as host:
        udev = Udev()
        host.check_sane()
        pid = host.daemon_pid()
        yield host, udev
        host.check_sane()
        assert host.daemon_pid() == pid
        udev.close()


def see_messages_through(host):
    """They come in their order, and of the last one the daemon learns by nothing else. Returns the device that it was
    about, which is there still."""
    device = host.raw_create()
    host.eventually(lambda: host.state(device) == "active", 20, "the last message")
    return device


def path_of(uuid):
    return str((DEVICES / uuid).resolve()).removeprefix("/sys")


def test_no_messages():
    with host_and_udev() as (host, udev):
        device = host.create()
        before = host.objects().keys()
        for data in GARBAGE.values():
            udev.send(data)
        chance = random.Random(1)
        for _ in range(300):
            data = bytearray(event("add", path_of(device), "mdev", MDEV_STATE="registered"))
            for _ in range(chance.randrange(1, 8)):
                data[chance.randrange(HEADER_SIZE, len(data))] = chance.randrange(256)
            udev.send(bytes(data))
        last = see_messages_through(host)
        assert host.states() == {device: "active", last: "active"}
        assert host.objects().keys() == {*before, device_path(last)}


def test_about_what_is_not_there():
    """Devices, parents and registrations that never were."""
    with host_and_udev() as (host, udev):
        for action in ("add", "change", "bind", "unbind", "remove", "move", "offline"):
            udev.send(event(action, f"/devices/virtual/mtty/mtty/{new_uuid()}", "mdev"))
            udev.send(event(action, f"/devices/virtual/mtty/mtty/{new_uuid().upper()}", "mdev"))
            udev.send(event(action, "/devices/virtual/none/none", "none", MDEV_STATE="registered"))
            udev.send(event(action, "/devices/virtual/mtty/mtty", "mtty", MDEV_STATE="unregistered"))
        last = see_messages_through(host)
        assert host.states() == {last: "active"}
        assert sorted(row[0] for row in host.call("ListParents")) == ["mbochs", "mtty"]


def test_doubled_and_out_of_order():
    """A device lives while udev says that it is gone, and is gone while udev says that it lives."""
    with host_and_udev() as (host, udev):
        chance = random.Random(2)
        devices, gone, messages = [], [], []
        signals = host.signals()
        for _ in range(4):
            devices.append(host.create())
            gone.append(host.create())
        paths = {uuid: path_of(uuid) for uuid in devices + gone}
        # One that comes and goes at once is not announced at all.
        for uuid in gone:
            signals.wait("InterfacesAdded", lambda body, uuid=uuid: body[0] == device_path(uuid), seconds=20)
        for uuid in gone:
            host.stop(uuid)
        # What is announced late of that has come.
        for uuid in gone:
            signals.wait("InterfacesRemoved", lambda body, uuid=uuid: body[0] == device_path(uuid), seconds=20)
        for uuid in devices:
            signals.wait("InterfacesAdded", lambda body, uuid=uuid: body[0] == device_path(uuid), seconds=20)
        signals.seen.clear()
        for path in paths.values():
            messages += [event(action, path, "mdev") for action in ("add", "bind", "change", "unbind", "remove")] * 3
        parent = str((MDEV_BUS / "mtty").resolve()).removeprefix("/sys")
        messages += [event("change", parent, "mtty", MDEV_STATE=state) for state in ("registered", "unregistered")] * 5
        for _ in range(3):
            chance.shuffle(messages)
            for data in messages:
                udev.send(data)
            host.sleep(0.05)
        last = see_messages_through(host)
        assert host.states() == dict.fromkeys([*devices, last], "active")
        signals.wait("InterfacesAdded", lambda body: body[0] == device_path(last))
        for member in ("InterfacesAdded", "InterfacesRemoved"):
            assert not signals.find(member, lambda body: body[0].startswith(f"{ROOT}/device/") and
                                    body[0] != device_path(last))
        for uuid in devices:
            host.stop(uuid)


@pytest.mark.parametrize("delay", [50, 700])
def test_late_ones_of_a_device_that_was_made_anew(delay):
    """The `remove` of the first one comes when the second one of the same UUID is there."""
    with host_and_udev() as (host, _):
        host.simctl("delay-uevents", delay)
        device = new_uuid()
        for _ in range(10):
            host.create(device)
            host.stop(device)
        host.create(device)
        last = see_messages_through(host)
        host.simctl("delay-uevents", 0)
        assert host.states() == {device: "active", last: "active"}
        host.stop(device)
