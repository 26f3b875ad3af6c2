# SPDX-License-Identifier: LGPL-2.1-or-later
"""mediatectl with cards of vendor VFIO: what it shows of them, and virtual functions that are set aside."""

import collections

import pytest
from bus import PARENT
from ctl import ctl, ctl_json, ctl_terminal
from host import Host, new_uuid, parent_path, write

CARD = "0000:3d:00.0"
VFS = [f"0000:3d:00.{n}" for n in range(4, 8)]
SPEC = f"{CARD}:vfs=4,sriov=raw,nvidia-1145=8,nvidia-1152=4"


@pytest.fixture(name="host")
def host_with_card():
    with Host(parents=["mtty:mtty-1=8"], cards=[SPEC]) as host:
        wait_for_types(host)
        yield host


def wait_for_types(host):
    host.eventually(lambda: len(host.types()) == 2 * len(VFS) + 1, what="the types")


def parents_of(host):
    return collections.Counter(device.parent for device in host.devices().values())


def lines_of(host, *arguments):
    return [" ".join(line.split()) for line in ctl(host, *arguments).out.splitlines()]


def is_set_aside(host, name):
    return host.properties(parent_path(name), PARENT)["SetAside"]


def cycle(host, wait=True):
    """Makes the card's virtual functions anew, as it heals a broken one."""
    path = f"/sys/bus/pci/devices/{CARD}/sriov_numvfs"
    write(path, "0")
    host.eventually(lambda: not [row for row in host.call("ListCards") if row[1] == CARD], what="no virtual function")
    write(path, "4")
    if wait:
        wait_for_types(host)


# --- what there is

def test_types_are_per_card(host):
    uuid = ctl(host, "create", VFS[1], "nvidia-1145").out.strip()
    host.eventually(lambda: host.available(VFS[1], "nvidia-1145") == 0)
    mtty = "mtty mtty-1 8 vfio-pci Simulated mtty-1"
    assert lines_of(host, "types") == [
        "PARENT TYPE AVAILABLE API NAME", f"{CARD} nvidia-1145 3 vfio-pci NVIDIA L40S-1B",
        f"{CARD} nvidia-1152 3 vfio-pci NVIDIA L40S-8Q", mtty]
    assert lines_of(host, "tree")[:5] == [
        "NAME AVAILABLE STATE PARENT DESCRIPTION", CARD, "├─nvidia-1145 3/4 NVIDIA L40S-1B",
        f"│ └─{uuid} active {VFS[1]}", "└─nvidia-1152 3/3 NVIDIA L40S-8Q"]
    assert lines_of(host, "list") == ["UUID PARENT TYPE STATE START", f"{uuid} {VFS[1]} nvidia-1145 active"]
    assert len(lines_of(host, "types", "--by-parent")) == 1 + 2 * len(VFS) + 1
    rows = {row["parent"]: row for row in ctl_json(host, "parents")["parents"]}
    assert {name: (row["card"], row["backend"], row["set_aside"]) for name, row in rows.items()} == {
        "mtty": ("mtty", "mdev", False), **{vf: (CARD, "nvidia-vfio", False) for vf in VFS}}


def test_show(host):
    uuid = ctl(host, "create", VFS[1], "nvidia-1145").out.strip()
    host.eventually(lambda: host.available(VFS[1], "nvidia-1145") == 0)
    for name in (CARD, "3d:00.0"):
        assert lines_of(host, "show", name) == [
            f"Card {CARD}", "Driver: nvidia", "Functions: 4", "At most: 4", "Kind: nvidia-vfio", "Parents: 4",
            "Types: nvidia-1145: at most 3 available, NVIDIA L40S-1B",
            "nvidia-1152: at most 3 available, NVIDIA L40S-8Q", f"Devices: {uuid} on {VFS[1]}"]
    shown = lines_of(host, "show", "3d:00.5")
    assert shown[:4] == [f"Parent {VFS[1]}", f"Sysfs path: /sys/devices/pci0000:3d/{VFS[1]}", f"Card: {CARD}",
                         "Kind: nvidia-vfio"]
    assert shown[-1] == f"Devices: {uuid}" and "Set aside" not in str(shown)
    # What is the same for nearly all parents needs no line.
    assert not [line for line in lines_of(host, "show", "mtty") if line.startswith(("Card", "Kind", "Set"))]
    shown, = ctl_json(host, "show", CARD)["cards"]
    assert shown["parents"][1] == {"parent": VFS[1], "set_aside": False, "devices": [uuid]}
    assert [(row["type"], row["available"]) for row in shown["types"]] == [("nvidia-1145", 3), ("nvidia-1152", 3)]
    # A card without a device says so.
    ctl(host, "stop", uuid)
    assert lines_of(host, "show", CARD)[-1] == "Devices: none"


def test_the_bus_lists_all_cards(host):
    assert sorted(host.call("ListCards")) == [*([vf, CARD, "nvidia-vfio", False] for vf in VFS),
                                              ["mtty", "mtty", "mdev", False]]
    assert [host.properties(parent_path(name), PARENT)["Backend"] for name in (VFS[0], "mtty")] == ["nvidia-vfio",
                                                                                                   "mdev"]


def test_what_nobody_tells_is_seen_a_second_later(host):
    """One function is read for all others of its card, which change with it."""
    before = host.types()
    host.simctl("mig", CARD, "on")
    host.sleep(1.1)
    assert {kind.available for kind in host.types().values() if kind.parent in VFS} == {0}
    host.simctl("mig", CARD, "ready")
    host.sleep(1.1)
    assert host.types() == before
    # What is known to have changed is seen at once.
    ctl(host, "create", VFS[0], "nvidia-1145")
    assert host.types()[VFS[0], "nvidia-1145"].available == 0


def test_count(host):
    uuids = ctl(host, "create", CARD, "nvidia-1145", "--count", "3", "--auto").out.split()
    assert len(uuids) == 3 and host.devices().keys() == set(uuids)
    assert set(parents_of(host).values()) == {1} and parents_of(host).keys() < set(VFS)
    # Those that there is room for are created, and one message says why others are not.
    result = ctl(host, "create", CARD, "nvidia-1145", "--count", "3", status=1)
    assert len(result.out.split()) == 1 and result.err.count("\n") == 1
    assert f"Cannot create a device: no parent of card '{CARD}' has an available instance" in result.err
    assert parents_of(host) == {vf: 1 for vf in VFS}
    error = ctl(host, "create", CARD, "nvidia-9", "--count", "2", status=3).err
    assert error == f"mediatectl: Card {CARD} has no type 'nvidia-9'; it has nvidia-1145, nvidia-1152\n"


def test_count_beyond_the_capacity():
    """Each function that could have the type counts, although the card has room for fewer."""
    with Host(parents=[], cards=[f"{CARD}:vfs=4,nvidia-1152=2"]) as host:
        host.eventually(lambda: len(host.types()) == 4)
        assert lines_of(host, "types")[1] == f"{CARD} nvidia-1152 4 vfio-pci NVIDIA L40S-8Q"
        result = ctl(host, "create", CARD, "nvidia-1152", "--count", "4", status=1)
        assert len(result.out.split()) == 2 and len(host.devices()) == 2
        host.eventually(lambda: lines_of(host, "types")[1] == f"{CARD} nvidia-1152 0 vfio-pci NVIDIA L40S-8Q")


# --- set aside

def test_set_aside(host):
    ctl(host, "set-aside", VFS[0], "3d:00.6")
    assert [is_set_aside(host, vf) for vf in VFS] == [True, False, True, False]
    # Nothing chooses them, also when all others are taken.
    ctl(host, "create", CARD, "nvidia-1145", "--count", "2")
    assert parents_of(host) == {VFS[1]: 1, VFS[3]: 1}
    error = ctl(host, "create", CARD, "nvidia-1145", status=1).err
    assert f"no parent of card '{CARD}' has an available instance" in error
    # Whoever names one gets it, and so does a definition.
    uuid = ctl(host, "create", VFS[0], "nvidia-1145", "--define").out.strip()
    ctl(host, "stop", uuid)
    ctl(host, "start", uuid)
    assert host.devices()[uuid].parent == VFS[0]
    # All of it is shown.
    assert lines_of(host, "tree")[1:3] == [f"{CARD} set aside: {VFS[0]}, {VFS[2]}", "├─nvidia-1145 0/3 NVIDIA L40S-1B"]
    assert f"{VFS[2]} set-aside" in lines_of(host, "tree", "--by-parent")
    assert lines_of(host, "show", CARD)[6:8] == [f"Set aside: {VFS[0]}", VFS[2]]
    assert "Set aside: yes" in lines_of(host, "show", VFS[2]) and "Set aside" not in ctl(host, "show", VFS[1]).out
    rows = ctl(host, "parents", "-o", "PARENT,ASIDE", "--no-legend").out.split()
    assert dict(zip(rows[::2], rows[1::2])) == {"mtty": "no", VFS[0]: "yes", VFS[1]: "no", VFS[2]: "yes", VFS[3]: "no"}
    # And ends.
    ctl(host, "set-aside", "--clear", *VFS)
    assert not any(is_set_aside(host, vf) for vf in VFS)
    ctl(host, "create", CARD, "nvidia-1145")
    assert parents_of(host) == {vf: 1 for vf in VFS}


def test_all_are_set_aside(host):
    ctl(host, "set-aside", *VFS)
    error = host.begin_create(parent=CARD, type="nvidia-1145").error()
    assert error.name == "NoSuchType" and "that is not set aside" in error.text
    assert "that is not set aside" in ctl(host, "create", CARD, "nvidia-1145", status=3).err
    assert host.devices() == {}


def test_it_lasts_as_long_as_the_function(host):
    ctl(host, "set-aside", VFS[0])
    for how in ("restart", "kill"):
        host.simctl("daemon", how)
        host.bus = host.new_bus()
        host.wait_ready()
        wait_for_types(host)
        assert is_set_aside(host, VFS[0]) and not is_set_aside(host, VFS[1])
    cycle(host)
    assert not is_set_aside(host, VFS[0])
    assert ctl_json(host, "tree", CARD)["parents"][0]["id"] == CARD
    # What is left of the old one is no reason to refuse it for the new one.
    ctl(host, "set-aside", VFS[0])
    assert is_set_aside(host, VFS[0])


def test_only_functions_can_be_set_aside(host):
    error = ctl(host, "set-aside", "mtty", status=1).err
    assert error == ("mediatectl: Parent 'mtty' is no virtual function of a card, so nothing chooses it; only virtual "
                     "functions can be set aside\n")
    ctl(host, "set-aside", "--clear", "mtty")
    assert ctl(host, "set-aside", CARD, status=3).err.startswith(f"mediatectl: '{CARD}' is a card. Its parents are ")
    assert "There is no parent 'other'" in ctl(host, "set-aside", VFS[0], "other", status=3).err
    assert not is_set_aside(host, VFS[0])
    assert ctl(host, "set-aside", status=2).err and ctl(host, "set-aside", VFS[0], "--all", status=2).err


def test_what_cannot_be_kept_is_not_promised(host):
    host.shell("rm -rf /run/mediated/set-aside && touch /run/mediated/set-aside")
    error = ctl(host, "set-aside", VFS[0], status=1).err
    assert f"Parent '{VFS[0]}': cannot write to /run/mediated: " in error
    assert not is_set_aside(host, VFS[0])
    host.shell("rm /run/mediated/set-aside")
    ctl(host, "set-aside", VFS[0])
    assert is_set_aside(host, VFS[0])
    # If the file has gone, it is written again.
    host.shell("rm -r /run/mediated/set-aside")
    ctl(host, "set-aside", VFS[0])
    host.simctl("daemon", "restart")
    host.bus = host.new_bus()
    host.wait_ready()
    assert is_set_aside(host, VFS[0])


def test_a_change_is_announced_once(host):
    signals = host.signals()

    def announced():
        return [body[1]["SetAside"].value for *_, member, path, body in signals.seen
                if member == "PropertiesChanged" and path == parent_path(VFS[0]) and "SetAside" in body[1]]

    for _ in range(2):
        ctl(host, "set-aside", VFS[0])
    ctl(host, "set-aside", "--clear", VFS[0])
    last = new_uuid()
    host.create(last)
    signals.wait("JobRemoved", lambda body: body[1] == last)
    assert announced() in ([True, False], [False])


def test_functions_of_mediated_devices_are_set_aside_too():
    vfs = [f"0000:41:00.{n}" for n in (4, 5)]
    with Host(parents=[f"{vf}@0000:41:00.0:nvidia-63=1" for vf in vfs]) as host:
        host.eventually(lambda: len(host.types()) == 2)
        ctl(host, "set-aside", vfs[0])
        uuid = ctl(host, "create", "0000:41:00.0", "nvidia-63").out.strip()
        assert host.devices()[uuid].parent == vfs[1]
        ctl(host, "create", "0000:41:00.0", "nvidia-63", status=1)
        assert len(host.devices()) == 1


# --- check

def findings(host, *ids):
    """Those with one of the ids, and no others of cards."""
    found = ctl_json(host, "check", status=None)["findings"]
    assert not {row["id"] for row in found} & {"no-parent", "vendor-vfio"}
    return [row for row in found if row["id"] in ids]


def test_check_finds_nothing():
    with Host(parents=[], cards=[SPEC]) as host:
        host.eventually(lambda: len(host.types()) == 2 * len(VFS))
        host.shell("ln -s /dev/null /etc/udev/rules.d/60-mdevctl.rules", check=False)
        assert ctl(host, "check").out == "ok       No problem found: 4 parents, 0 devices, 0 definitions\n"


def test_check_finds_a_card_without_types(host):
    assert findings(host, "no-types") == []
    host.simctl("mig", CARD, "on")
    finding, = host.eventually(lambda: findings(host, "no-types"), what="the finding")
    assert (finding["severity"], finding["subject"]) == ("problem", CARD)
    assert "nvidia-smi mig" in finding["advice"]
    host.simctl("mig", CARD, "ready")
    assert host.eventually(lambda: not findings(host, "no-types"), what="no finding")


def test_check_finds_types_that_come_late():
    with Host(parents=[], cards=[SPEC]) as host:
        host.simctl("hang", CARD, "types")
        cycle(host, wait=False)
        host.eventually(lambda: len(host.call("ListParents")) == len(VFS), what="the virtual functions")
        finding, = host.eventually(lambda: findings(host, "no-types"), what="the finding")
        assert "half a minute" in finding["advice"]
        host.simctl("resume", CARD)
        assert host.eventually(lambda: not findings(host, "no-types"), what="no finding")


def test_check_of_a_full_card(host):
    """That the driver lists no type any more is no finding."""
    ctl(host, "create", CARD, "nvidia-1145", "--count", "4")
    assert findings(host, "no-types", "set-aside", "wedged") == []


def test_check_says_why_a_type_may_not_be_offered(host):
    """Two definitions compete for one function, and one of them waits."""
    uuids = [ctl(host, "define", VFS[0], "nvidia-1145", "--auto").out.strip() for _ in range(2)]
    cycle(host)
    finding, = host.eventually(lambda: findings(host, "waiting-instance"), what="the finding")
    assert {finding["subject"], *host.devices()} == set(uuids)
    assert "nvidia-smi vgpu -shm 1" in finding["advice"] and "GPU instances" in finding["advice"]


def test_check_finds_what_is_set_aside(host):
    ctl(host, "set-aside", VFS[0], VFS[3])
    finding, = findings(host, "set-aside")
    assert (finding["severity"], finding["subject"]) == ("warning", CARD)
    assert finding["message"].endswith(f": {VFS[0]}, {VFS[3]}")
    ctl(host, "set-aside", "--clear", VFS[0], VFS[3])
    assert findings(host, "set-aside") == []


def test_check_finds_a_wedged_vgpu(host):
    uuid = ctl(host, "create", VFS[0], "nvidia-1145").out.strip()
    host.simctl("wedge", VFS[0], "clear")
    assert "wedged" in ctl(host, "stop", uuid, status=1).err
    finding, = host.eventually(lambda: findings(host, "wedged"), what="the finding")
    assert (finding["severity"], finding["subject"]) == ("problem", uuid)
    assert "SR-IOV off and on" in finding["advice"] and "remove" not in finding["message"]
    assert "wedged" in ctl(host, "tree").out


# --- many

BIG = [f"{name}:vfs=48," + ",".join(f"nvidia-{number}=48" for number in range(1101, 1131))
       for name in (CARD, "0000:5e:00.0")]


def test_large_cards_fit_a_terminal():
    """48 functions with 30 types each are 30 rows, in 80 columns."""
    with Host(parents=[], cards=BIG) as host:
        host.eventually(lambda: len(host.types()) == 2 * 48 * 30, 20, "the types")
        uuids = ctl(host, "create", CARD, "nvidia-1101", "--count", "5").out.split()
        ctl(host, "set-aside", *(row[0] for row in host.call("ListCards") if row[1] != CARD))
        for arguments, rows in ((["types"], 61), (["tree"], 68), (["show", CARD], 3 + 30 + 5), (["show", VFS[0]], 35),
                                (["check"], 1), (["parents"], 97), (["list"], 6)):
            status, text = ctl_terminal(host, *arguments, TERM="dumb")
            lines = text.splitlines()
            assert max(map(len, lines)) <= 80 and len(lines) >= rows, (arguments, status, text)
        assert len(ctl(host, "types").out.splitlines()) == 61
        assert len(ctl(host, "tree").out.splitlines()) == 1 + 2 * 31 + len(uuids)
        # A list of names is not longer than people read.
        assert "and 36 more" in ctl(host, "tree", "0000:5e:00.0").out
