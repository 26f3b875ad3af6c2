# SPDX-License-Identifier: LGPL-2.1-or-later
"""Cards: a physical function whose virtual functions are the parents."""

import collections

import pytest
from bus import PARENT
from dbus_next import Variant
from host import DEVICES, Host, new_uuid, parent_path
from polkit import NOBODY, Polkit

CARD = "0000:41:00.0"
VFS = [f"0000:41:00.{n}" for n in range(4, 8)]
PARENTS = [f"{vf}@{CARD}:nvidia-63=1,nvidia-64=1" for vf in VFS]
OTHER = "0000:42:00.0:nvidia-63=4"


@pytest.fixture(name="host")
def host_with_card():
    with Host(parents=[*PARENTS, OTHER]) as host:
        host.eventually(lambda: len(host.types()) == 2 * len(VFS) + 1)
        yield host


def parents_of(host):
    return collections.Counter(device.parent for device in host.devices().values())


def write_create(host, parent):
    """Somebody takes the instance of a parent behind the daemon's back. Returns the UUID."""
    uuid = new_uuid()
    host.shell("echo $1 >/sys/class/mdev_bus/$2/mdev_supported_types/nvidia-63/create", uuid, parent)
    return uuid


def test_property(host):
    for vf in VFS:
        assert host.properties(parent_path(vf), PARENT)["Card"] == CARD
    assert host.properties(parent_path("0000:42:00.0"), PARENT)["Card"] == "0000:42:00.0"


def test_create_on_a_card(host):
    """All at once: each gets another function, and the first one too many is refused by name of the card."""
    calls = [host.begin_create(parent=CARD, type="nvidia-63") for _ in VFS]
    for call in calls:
        call.result()
    assert parents_of(host) == dict.fromkeys(VFS, 1)
    error = host.begin_create(parent=CARD, type="nvidia-64").error()
    assert error.name == "NoAvailableInstances" and f"card '{CARD}'" in error.text
    assert not host.jobs() and host.is_idle()
    uuid = next(iter(host.devices()))
    parent = host.device(uuid)["ParentName"]
    host.stop(uuid)
    assert host.device(host.create(parent=CARD, type="nvidia-64"))["ParentName"] == parent


def test_parents_that_others_have_taken(host):
    """What was read last is old: the kernel decides, and the next parent is asked."""
    host.simctl("lose-uevents", 1000)
    taken = [write_create(host, vf) for vf in VFS[:3]]
    uuid = host.create(parent=CARD, type="nvidia-63", attributes=[("setting", "2")])
    host.simctl("lose-uevents", 0)
    assert host.device(uuid)["ParentName"] == VFS[3]
    assert (DEVICES / uuid / "setting").read_text() == "2\n"
    assert host.begin_create(parent=CARD, type="nvidia-63").error().name == "NoAvailableInstances"
    host.eventually(host.is_idle)
    for other in taken:
        host.stop(other)


def test_race_for_the_functions_of_a_card(host):
    """Twenty callers and a raw writer: no function has two devices, and nobody is refused while one is free."""
    for _ in range(10):
        calls = [host.begin_create(parent=CARD, type="nvidia-63") for _ in range(20)]
        write = host.start("echo $1 >/sys/class/mdev_bus/$2/mdev_supported_types/nvidia-63/create 2>&-", new_uuid(),
                           VFS[1])
        for call in calls:
            call.wait()
        write.wait(10)
        host.eventually(lambda: parents_of(host) == dict.fromkeys(VFS, 1))
        for uuid in host.devices():
            host.stop(uuid)


def test_errors(host):
    error = host.begin_create(parent=CARD, type="nvidia-9").error()
    assert error.name == "NoSuchType" and CARD in error.text and "nvidia-9" in error.text
    assert host.begin_create(parent="0000:43:00.0", type="nvidia-63").error().name == "NoSuchParent"


def test_polkit_is_asked_about_the_parent_that_is_chosen(host):
    polkit = Polkit(host)
    nobody = host.new_bus(NOBODY)
    uuid, _ = host.begin_create(parent=CARD, type="nvidia-63", bus=nobody).result()
    assert [check.details["parent"] for check in polkit.checks] == [host.device(uuid)["ParentName"]]
    # Another parent than the one that polkit has allowed is not used.
    host.simctl("lose-uevents", 1000)
    for vf in VFS:
        if vf != host.device(uuid)["ParentName"]:
            write_create(host, vf)
            break
    error = host.begin_create(parent=CARD, type="nvidia-63", bus=nobody, **{"timeout-usec": Variant("u", 0)}).error()
    assert error.name == "NoAvailableInstances"
