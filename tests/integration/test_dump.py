# SPDX-License-Identifier: LGPL-2.1-or-later
"""Manager.Dump: everything at once, as it is now; and `mdevctl list`, which reads it."""

import json
import os
import shutil

from bus import MANAGER, NAME, ROOT
from dbus_next import BusType, Message
from dbus_next.aio import MessageBus
from definitions import STORE, put, text_of
from host import BUILD, Host, new_uuid

MDEVCTL = BUILD / "client/mdevctl"
FIELDS = ["uuid", "parent", "device_type", "device_state", "type", "start", "reason"]


async def _dump():
    bus = await MessageBus(bus_type=BusType.SYSTEM, negotiate_unix_fd=True).connect()
    reply = await bus.call(Message(destination=NAME, path=ROOT, interface=MANAGER, member="Dump"))
    bus.disconnect()
    fd, = reply.unix_fds
    with os.fdopen(fd, "rb") as file:
        return file.read()


def dump(host):
    """The records by UUID and parent."""
    texts = host.bus.run(_dump()).decode().split("\0")
    assert texts.pop() == ""
    records = {}
    while texts:
        values, texts = texts[:len(FIELDS)], texts[len(FIELDS):]
        record = dict(zip(FIELDS, values))
        count, texts = int(texts[0]), texts[1:]
        record["attributes"] = list(zip(texts[:2 * count:2], texts[1:2 * count:2]))
        texts = texts[2 * count:]
        records[record["uuid"], record["parent"]] = record
    return records


def listed(host):
    output = host.shell(f"{MDEVCTL} list --defined --dumpjson").stdout
    return {uuid: value for parents in json.loads(output) for devices in parents.values() for device in devices
            for uuid, value in device.items()}


def test_devices_and_definitions_together():
    with Host() as host:
        both, device, elsewhere, auto = (new_uuid() for _ in range(4))
        host.create(both)
        host.create(device, type="mtty-2")
        host.create(elsewhere)
        put(both, text_of(start="manual", type="mtty-2"))
        put(elsewhere, text_of(type="mbochs-small"), parent="mbochs")
        put(auto, text_of(start="manual", attributes=[("a", "1"), ("b", "")]))
        put("nonsense", "{")
        os.utime(STORE / "mtty" / "nonsense", (0, 0))
        host.eventually(lambda: len(dump(host)) == 6)
        records = dump(host)

        assert records[both, "mtty"] == {
            "uuid": both, "parent": "mtty", "device_type": "mtty-1", "device_state": "active", "type": "mtty-2",
            "start": "manual", "reason": "", "attributes": []}
        assert records[device, "mtty"] == {
            "uuid": device, "parent": "mtty", "device_type": "mtty-2", "device_state": "active", "type": "", "start": "",
            "reason": "", "attributes": []}
        # A definition of another parent is not this device's.
        assert records[elsewhere, "mtty"]["type"] == ""
        assert records[elsewhere, "mbochs"]["device_state"] == ""
        assert records[elsewhere, "mbochs"]["start"] == "auto"
        assert records[auto, "mtty"]["attributes"] == [("a", "1"), ("b", "")]
        assert records["nonsense", "mtty"]["start"] == ""
        assert records["nonsense", "mtty"]["reason"]

        host.stop(both)
        assert records[both, "mtty"] | {"device_type": "", "device_state": ""} == dump(host)[both, "mtty"]


def test_nothing():
    with Host(parents=["mtty:mtty-1=1"]) as host:
        assert not dump(host)
        assert host.shell(f"{MDEVCTL} list").stdout == "\n"
        assert listed(host) == {}


def test_readers_do_not_share_a_position():
    with Host() as host:
        uuid = host.create()
        for _ in range(3):
            assert list(dump(host)) == [(uuid, "mtty")]


def test_a_change_is_in_what_is_asked_for_after_it():
    """By whoever, however small the time between."""
    with Host() as host:
        uuid, other = new_uuid(), new_uuid()
        for i in range(30):
            put(uuid, text_of(start=("auto", "manual")[i % 2], type=f"mtty-{i}"))
            assert listed(host)[uuid] == {"mdev_type": f"mtty-{i}", "start": ("auto", "manual")[i % 2], "attrs": []}
            put(other, text_of())
            assert sorted(listed(host)) == sorted([uuid, other])
            (STORE / "mtty" / other).unlink()
            assert list(listed(host)) == [uuid]


def test_a_new_directory_is_in_what_is_asked_for_after_it():
    with Host() as host:
        for i in range(30):
            uuid = new_uuid()
            put(uuid, text_of(), parent=f"parent-{i}")
            assert list(listed(host)) == [uuid]
            shutil.rmtree(STORE / f"parent-{i}")
            assert not listed(host)


def test_definitions_without_a_bus():
    with Host() as host:
        uuid = new_uuid()
        put(uuid, text_of(start="manual"))
        without = f"DBUS_SYSTEM_BUS_ADDRESS=unix:path=/nonexistent {MDEVCTL} list"
        assert host.shell(f"{without} --defined --dumpjson").stdout == host.shell(f"{MDEVCTL} list --defined --dumpjson").stdout
        failed = host.shell(without, check=False)
        assert failed.returncode == 1
        assert failed.stderr.startswith("Error: Unable to connect to the system bus")
