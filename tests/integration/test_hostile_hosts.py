# SPDX-License-Identifier: LGPL-2.1-or-later
"""What somebody may try who wants to get out, in hosts of its own: see test_hostile.py."""

import os
import pathlib

from definitions import REGISTRATIONS, begin_define, definition, host_with, listed, put, text_of, within_a_second
from host import DEVICES, Host, new_uuid
from malformed import HOSTILE_ATTRIBUTES


def test_attributes_in_files_at_the_start():
    """All of them when their parent registers, and one that is good."""
    def fill(_):
        bad = {new_uuid(): name for name in HOSTILE_ATTRIBUTES.values()}
        for uuid, name in bad.items():
            put(uuid, text_of(attributes=[(name, "1")]))
        put(good := new_uuid(), text_of(attributes=[("setting", "1")]))
        return bad, good

    with host_with(fill) as (host, (bad, good)):
        host.eventually(lambda: host.states() == {good: "active"})
        host.simctl("remove-parent", "mtty")
        host.eventually(lambda: not host.states())
        host.simctl("add-parent", "mtty:mtty-1=4,mtty-2=2")
        host.eventually(lambda: host.states() == {good: "active"})
        host.wait_idle()
        assert host.states() == {good: "active"} and os.listdir(DEVICES) == [good]
        assert {path.name for path in (REGISTRATIONS / "mtty").iterdir()} == {".identity", good}
        assert all(not definition(host, uuid)["Valid"] for uuid in bad)


def test_store_that_is_a_link():
    """The administrator's own, of all of it: followed, as mdevctl does."""
    with Host() as host:
        host.shell("umount /etc/mdevctl.d; rm -rf /etc/mdevctl.d; mkdir /run/store; ln -s /run/store /etc/mdevctl.d")
        uuid, _ = begin_define(host).result()
        assert (pathlib.Path("/run/store/mtty") / uuid).is_file()
        within_a_second(host, lambda: (uuid, "mtty") in listed(host))


def test_driver_that_says_what_is_no_utf8():
    """One text of one driver made the list of all types unreadable."""
    with Host(parents=["mtty:mtty-1=4,mtty-2=2", "other:other-\udcff=1,other-1=1"]) as host:
        pathlib.Path("/run/text").write_bytes(b"caf\xe9 \x1b[2J \xc2\x9b1m")
        host.shell("mount --bind /run/text /sys/class/mdev_bus/mtty/mdev_supported_types/mtty-1/description")
        host.eventually(lambda: ("mtty", "mtty-1") in host.types())
        types = host.types()
        assert set(types) == {("mtty", "mtty-1"), ("mtty", "mtty-2"), ("other", "other-1")}
        assert types["mtty", "mtty-1"].description == "caf? ?[2J ??1m"
        host.stop(host.create())
