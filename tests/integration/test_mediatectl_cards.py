# SPDX-License-Identifier: LGPL-2.1-or-later
"""mediatectl with cards, whose functions are the parents; and several devices at once."""

import collections
import json

import pytest
from ctl import ctl, ctl_json
from host import STORE, Host, new_uuid

CARD = "0000:41:00.0"
VFS = [f"0000:41:00.{n}" for n in range(4, 8)]
PARENTS = [*(f"{vf}@{CARD}:nvidia-63=1,nvidia-64=1" for vf in VFS), "mtty:mtty-1=8"]


@pytest.fixture(name="host")
def host_with_card():
    with Host(parents=PARENTS) as host:
        host.eventually(lambda: len(host.types()) == 2 * len(VFS) + 1)
        yield host


def parents_of(host):
    return collections.Counter(device.parent for device in host.devices().values())


def test_count(host):
    uuids = ctl(host, "create", CARD, "nvidia-63", "--count", "3").out.split()
    assert len(uuids) == 3 and set(uuids) == host.devices().keys()
    assert set(parents_of(host).values()) == {1} and parents_of(host).keys() < set(VFS)
    assert len(ctl(host, "create", "mtty", "mtty-1", "--count=2", "setting=3").out.split()) == 2
    assert parents_of(host)["mtty"] == 2
    # Those that there is room for are created, and one message says why others are not.
    result = ctl(host, "create", CARD, "nvidia-64", "--count", "5", status=1)
    assert len(result.out.split()) == 1 and result.err.count("\n") == 1
    assert f"Cannot create a device: no parent of card '{CARD}' has an available instance" in result.err


def test_count_of_nothing(host):
    assert "do not go together" in ctl(host, "create", CARD, "nvidia-63", new_uuid(), "--count", "2", status=2).err
    for count in ("0", "-1", "two", "", "1x", "99999999999999999999", "4294967297"):
        assert "is not a number of devices" in ctl(host, "create", CARD, "nvidia-63", "--count", count, status=2).err
    assert "takes no --count" in ctl(host, "start", new_uuid(), "--count", "2", status=2).err
    assert host.devices() == {}


def test_create_on_a_card(host):
    uuid = new_uuid()
    assert ctl(host, "create", "41:00.0", "nvidia-63", uuid).out == f"{uuid}\n"
    assert host.devices()[uuid].parent in VFS
    error = ctl(host, "create", "0000:41:10.0", "nvidia-63", status=3).err
    assert "There is no parent '0000:41:10.0'. Did you mean '0000:41:00.0'?" in error
    error = ctl(host, "create", "other", "nvidia-63", "--count", "2", status=3).err
    assert error == f"mediatectl: There is no parent 'other'. This host has {CARD}, mtty\n"
    error = ctl(host, "create", CARD, "nvidia-9", status=3).err
    assert error == f"mediatectl: Card {CARD} has no type 'nvidia-9'; it has nvidia-63, nvidia-64\n"


def test_cards_are_no_parents(host):
    warning = ctl(host, "define", CARD, "nvidia-63").err
    assert f"'{CARD}' is a card. Its parents are {', '.join(VFS)}. The definition is stored" in warning
    error = ctl(host, "set-aside", CARD, status=3).err
    assert error == f"mediatectl: '{CARD}' is a card. Its parents are {', '.join(VFS)}\n"


def test_all_on_a_card(host):
    on_card = ctl(host, "create", CARD, "nvidia-63", "--count", "3", "--define").out.split()
    other = ctl(host, "create", "mtty", "mtty-1", "--define").out.strip()
    for name in (CARD, "41:00.0"):
        listed = ctl(host, "list", "--parent", name, "--no-legend", "-o", "UUID").out.split()
        assert sorted(listed) == sorted(on_card)
    ctl(host, "stop", "--all", "--parent", "41:00.0")
    assert list(host.devices()) == [other]
    ctl(host, "start", "--all", "--parent", CARD)
    assert host.devices().keys() == {*on_card, other}
    ctl(host, "stop", "--all")
    ctl(host, "undefine", "--all", "--parent", CARD)
    assert ctl(host, "list", "--no-legend", "-o", "UUID").out.split() == [other]


def stored(host, uuid):
    return json.loads((STORE / host.devices()[uuid].parent / uuid).read_text(encoding="utf-8"))


def test_create_and_define(host):
    uuids = ctl(host, "create", CARD, "nvidia-63", "--count", "2", "--auto", "--settle", "setting=2").out.split()
    assert len(parents_of(host)) == 2
    for uuid in uuids:
        assert stored(host, uuid) == {"mdev_type": "nvidia-63", "start": "auto", "attrs": [{"setting": "2"}]}
    uuid = ctl(host, "create", "mtty", "mtty-1", new_uuid(), "--define").out.strip()
    assert stored(host, uuid)["start"] == "manual"
    # At the next boot they are where they were.
    before = parents_of(host)
    ctl(host, "stop", "--all")
    for vf in VFS:
        host.simctl("remove-parent", vf)
    for parent in PARENTS[:len(VFS)]:
        host.simctl("add-parent", parent)
    del before["mtty"]
    host.eventually(lambda: parents_of(host) == before, what="the devices of the definitions")


def test_create_and_fail_to_define(host):
    """What was asked for most is there; only what is left must be done again."""
    uuids = ["0aaade77-7b3e-4341-a89b-a997634d3bba", "f0000000-0000-0000-0000-000000000001"]
    ctl(host, "define", "mtty", "mtty-1", uuids[0])
    result = ctl(host, "create", "mtty", "mtty-1", *uuids, "--define", status=1)
    assert result.out.split() == uuids and host.devices().keys() == set(uuids)
    assert result.err.startswith(f"mediatectl: Device {uuids[0]} was created and stays, but it is not defined. ")
    assert result.err.count("\n") == 1 and stored(host, uuids[1])
    # What was not created is not defined.
    result = ctl(host, "create", "mtty", "mtty-1", *uuids, "--auto", status=1)
    assert result.out == "" and "not defined" not in result.err
    assert "takes no --manual" in ctl(host, "create", "mtty", "mtty-1", "--manual", status=2).err


def lines_of(host, *arguments):
    return [" ".join(line.split()) for line in ctl(host, *arguments).out.splitlines()]


def test_types_of_cards(host):
    row = "PARENT TYPE AVAILABLE API NAME"
    ctl(host, "create", VFS[1], "nvidia-63")
    host.eventually(lambda: host.available(VFS[1], "nvidia-63") == 0)
    both = [f"{CARD} nvidia-63 3 vfio-pci Simulated nvidia-63", f"{CARD} nvidia-64 3 vfio-pci Simulated nvidia-64"]
    mtty = "mtty mtty-1 8 vfio-pci Simulated mtty-1"
    assert lines_of(host, "types") == [row, *both, mtty]
    # Of some, the description is shown, too.
    some, described = f"{row} DESCRIPTION", [f"{line} max_instance=1" for line in both]
    assert lines_of(host, "types", CARD) == lines_of(host, "types", "41:00.0") == [some, *described]
    assert lines_of(host, "types", CARD, "nvidia-64") == lines_of(host, "types", "nvidia-64") == [some, described[1]]
    assert lines_of(host, "types", VFS[0], "nvidia-63") == [
        some, f"{VFS[0]} nvidia-63 1 vfio-pci Simulated nvidia-63 max_instance=1"]
    assert len(lines_of(host, "types", "--by-parent")) == 1 + 2 * len(VFS) + 1
    assert len(lines_of(host, "types", CARD, "--by-parent", "--available")) == 1 + 2 * (len(VFS) - 1)
    ctl(host, "create", CARD, "nvidia-63", "--count", "3")
    assert lines_of(host, "types", "--available") == [row, mtty]
    error = ctl(host, "types", CARD, "nvidia-9", status=3).err
    assert error == f"mediatectl: Card {CARD} has no type 'nvidia-9'; it has nvidia-63, nvidia-64\n"


def test_tree_of_cards(host):
    uuid, other = new_uuid(), new_uuid()
    ctl(host, "create", VFS[1], "nvidia-63", uuid)
    ctl(host, "create", "mtty", "mtty-1", other)
    card = [CARD, "├─nvidia-63 3/4 Simulated nvidia-63", f"│ └─{uuid} active {VFS[1]}",
            "└─nvidia-64 3/3 Simulated nvidia-64"]
    mtty = ["mtty", "└─mtty-1 7 Simulated mtty-1", f"└─{other} active"]
    heading = "NAME AVAILABLE STATE PARENT DESCRIPTION"
    assert lines_of(host, "tree") == [heading, *card, *mtty]
    assert lines_of(host, "tree", CARD) == lines_of(host, "tree", "41:00.0") == [heading, *card]
    # What is on no card is shown as ever.
    assert lines_of(host, "tree", "mtty") == ["NAME AVAILABLE STATE DESCRIPTION", *mtty]
    assert lines_of(host, "tree", VFS[1])[1:3] == [VFS[1], "├─nvidia-63 0 Simulated nvidia-63"]
    names = [line for line in lines_of(host, "tree", "--by-parent") if line in (CARD, *VFS, "mtty")]
    assert names == [*VFS, "mtty"]

    shown = {row["id"]: row for row in ctl_json(host, "tree")["parents"]}
    kind = shown[CARD]["children"][0]
    assert (kind["available"], kind["total"]) == (3, 4) and kind["children"][0]["parent"] == VFS[1]
    assert shown["mtty"]["children"][0]["children"][0]["parent"] == "mtty"
