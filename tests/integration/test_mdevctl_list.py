# SPDX-License-Identifier: LGPL-2.1-or-later
"""`mdevctl list`: the daemon tells the devices, the files tell the definitions, as they are at that moment. All is as
in 1.2.0, where nothing else is said."""

import json
import shutil

from definitions import STORE, put, text_of
from host import Host, new_uuid
from mdevctl_versions import ours

MDEVCTL = "/run/mdevctl/mdevctl"
NO_BUS = "DBUS_SYSTEM_BUS_ADDRESS=unix:path=/nonexistent"


def listed(host):
    output = host.shell(f"{MDEVCTL} list --defined --dumpjson").stdout
    return {uuid: value for parents in json.loads(output) for devices in parents.values() for device in devices
            for uuid, value in device.items()}


def lines(host, arguments=""):
    return host.shell(f"{MDEVCTL} list {arguments}").stdout.splitlines()[:-1]


def test_devices_and_definitions_together():
    with Host() as host:
        ours("1.2.0")
        both, device, elsewhere, auto, broken, linked = sorted(new_uuid() for _ in range(6))
        for uuid in (both, elsewhere, broken, linked):
            host.create(uuid)
        host.create(device, type="mtty-2")
        put(both, text_of(start="manual", type="mtty-2"))
        put(elsewhere, text_of(type="mbochs-small"), parent="mbochs")
        put(auto, text_of(start="manual", attributes=[("a", "1"), ("b", "")]))
        put(broken, "{")
        put("nonsense", "{")
        (STORE / "mtty" / linked).symlink_to("/nonexistent")

        # A definition of another parent is not this device's.
        assert lines(host) == [
            f"{both} mtty mtty-2 manual (defined)", f"{device} mtty mtty-2 manual", f"{elsewhere} mtty mtty-1 manual",
            f"{broken} mtty mtty-1 manual (defined)", f"{linked} mtty mtty-1 manual (defined)"]
        assert lines(host, "--defined") == [
            f"{elsewhere} mbochs mbochs-small auto", f"{both} mtty mtty-2 manual", f"{auto} mtty mtty-1 manual"]
        assert lines(host, "--defined -p mtty") == [f"{both} mtty mtty-2 manual", f"{auto} mtty mtty-1 manual"]
        assert listed(host)[auto]["attrs"] == [{"a": "1"}, {"b": ""}]

        put(both, text_of(start="manual"))
        assert lines(host, "--defined")[1] == f"{both} mtty mtty-1 manual (active)"
        host.stop(both)
        assert lines(host, "--defined")[1] == f"{both} mtty mtty-1 manual"
        assert lines(host)[0] == f"{device} mtty mtty-2 manual"


def test_as_later_versions_list_it():
    """They show the device itself in place of its definition, and end with its line."""
    with Host() as host:
        ours("1.4.0")
        device, other = sorted(new_uuid() for _ in range(2))
        host.create(device)
        put(device, text_of(type="mtty-2", attributes=[("a", "1")]))
        put(other, text_of(start="manual"))
        assert host.shell(f"{MDEVCTL} list -v").stdout == f"{device} mtty mtty-1 auto (defined)\n"
        assert host.shell(f"{MDEVCTL} list -d").stdout == f"{device} mtty mtty-2 auto\n{other} mtty mtty-1 manual\n"
        assert host.shell(f"{MDEVCTL} list --dumpjson -u {other}").stdout == "[]"
        host.stop(device)
        assert host.shell(f"{MDEVCTL} list").stdout == ""


def test_nothing():
    with Host(parents=["mtty:mtty-1=1"]) as host:
        ours("1.2.0")
        assert host.shell(f"{MDEVCTL} list").stdout == "\n"
        assert host.shell(f"{MDEVCTL} list --defined").stdout == "\n"
        assert listed(host) == {}


def test_a_change_is_in_what_is_asked_for_after_it():
    """By whoever, however small the time between."""
    with Host() as host:
        ours("1.2.0")
        uuid, other = new_uuid(), new_uuid()
        for i in range(30):
            put(uuid, text_of(start=("auto", "manual")[i % 2], type=f"mtty-{i}"))
            assert listed(host)[uuid] == {"mdev_type": f"mtty-{i}", "start": ("auto", "manual")[i % 2], "attrs": []}
            put(other, text_of(), parent=f"parent-{i}")
            assert sorted(listed(host)) == sorted([uuid, other])
            shutil.rmtree(STORE / f"parent-{i}")
            assert list(listed(host)) == [uuid]


def test_definitions_without_a_bus():
    """No daemon has to run for them; which of them are active only the daemon can tell."""
    with Host() as host:
        ours("1.2.0")
        put(new_uuid(), text_of(start="manual"))
        with_bus = host.shell(f"{MDEVCTL} list --defined --dumpjson").stdout
        assert host.shell(f"{NO_BUS} {MDEVCTL} list --defined --dumpjson").stdout == with_bus
        for arguments in ("", "--defined", "--dumpjson"):
            failed = host.shell(f"{NO_BUS} {MDEVCTL} list {arguments}", check=False)
            assert failed.returncode == 1
            assert failed.stderr.startswith("Error: Unable to connect to the system bus")
