# SPDX-License-Identifier: LGPL-2.1-or-later
"""The registry is what the kernel has, whoever made it and whatever udev tells."""

import os
import time

import pytest
from bus import DEVICE, PARENT
from host import (DEVICES, MDEV_BUS, UNKNOWN_INSTANCES, Host, create_file, device_path, new_uuid, parent_path, read)


def kernel_devices():
    return set(os.listdir(DEVICES))


# --- devices of others


def test_device_by_raw_sysfs_appears_and_goes():
    with Host() as host:
        signals = host.signals()
        device = host.raw_create(new_uuid().upper()).lower()
        added = signals.wait("InterfacesAdded", lambda body: body[0] == device_path(device))
        assert added[1][DEVICE]["UUID"].value == device
        host.eventually(lambda: host.state(device) == "active")
        host.raw_remove(device)
        removed = signals.wait("InterfacesRemoved", lambda body: body[0] == device_path(device))
        assert DEVICE in removed[1]
        assert host.devices() == {}


def test_device_by_mdevctl_appears_and_goes():
    with Host() as host:
        device = new_uuid()
        host.shell("mdevctl start -u $1 -p mtty -t mtty-2", device)
        host.eventually(lambda: host.state(device) == "active")
        assert host.devices()[device].type == "mtty-2"
        host.shell("mdevctl stop -u $1", device)
        host.eventually(lambda: host.devices() == {})


def test_device_of_others_can_be_stopped():
    with Host() as host:
        device = host.raw_create()
        host.stop(device)
        assert not (DEVICES / device).exists()


def test_our_device_can_be_removed_by_others():
    with Host() as host:
        device = host.create()
        host.raw_remove(device)
        host.eventually(lambda: host.devices() == {})
        assert host.begin_stop(device).error().name == "NoSuchDevice"
        assert host.create(device) == device


def test_devices_that_were_there_before_the_daemon():
    with Host() as host:
        host.simctl("daemon", "stop")
        devices = {host.raw_create() for _ in range(10)} | {host.raw_create(parent="mbochs", type="mbochs-small")}
        host.simctl("daemon", "start")
        assert host.states() == dict.fromkeys(devices, "active")


def test_states_of_a_devices_life_are_signalled():
    with Host(create_delay=200, remove_delay=200) as host:
        signals = host.signals()
        device = host.start_raw_create()
        added = signals.wait("InterfacesAdded", lambda body: body[0] == device_path(device))
        assert added[1][DEVICE]["State"].value == "starting"
        changed = signals.wait("PropertiesChanged", lambda body: "State" in body[1], device_path(device))
        assert changed[1]["State"].value == "active"
        assert host.device(device)["Type"] == "mtty-1"
        assert signals.find("PropertiesChanged", lambda body: "Type" in body[1], device_path(device))


def test_recreated_device_is_another_one():
    """A device that is removed and made again while udev says nothing, on another parent."""
    with Host() as host:
        device = host.create()
        host.simctl("lose-uevents", 1000)
        host.raw_remove(device)
        host.raw_create(device, "mbochs", "mbochs-small")
        host.simctl("lose-uevents", 0)
        host.shell("echo change >/sys/bus/mdev/devices/$1/uevent", device)
        host.eventually(lambda: device in host.devices() and host.devices()[device].parent == "mbochs")
        assert host.device(device)["ParentName"] == "mbochs"


# --- a stranger's half-made device


def test_stop_of_a_strangers_half_made_device_waits():
    with Host(create_delay=500) as host:
        device = host.start_raw_create()
        host.eventually(lambda: host.state(device) == "starting")
        stop = host.begin_stop(device)
        host.eventually(host.jobs)
        stop.result()
        assert 0.4 < stop.seconds
        assert not (DEVICES / device).exists()
        assert host.devices() == {}


def test_create_of_a_uuid_that_a_stranger_is_just_creating():
    with Host(create_delay=500) as host:
        device = host.start_raw_create()
        error = host.begin_create(device, "mbochs", "mbochs-small").error()
        assert error.name == "AlreadyExists" and "'mtty'" in error.text


def test_stop_waits_for_a_stranger_who_is_removing():
    with Host(remove_delay=500) as host:
        device = host.create()
        host.start("echo 1 >/sys/bus/mdev/devices/$1/remove", device)
        host.eventually(lambda: not (DEVICES / device / "remove").exists())
        stop = host.begin_stop(device)
        stop.result()
        assert 0.3 < stop.seconds
        assert not (MDEV_BUS / "mtty" / device).exists()


def test_stop_by_many_at_once():
    with Host(remove_delay=200) as host:
        for _ in range(5):
            device = host.create()
            stops = [host.begin_stop(device) for _ in range(5)]
            # It is answered when the daemon has read what was sent before it.
            host.state(device)
            host.start("echo 1 >/sys/bus/mdev/devices/$1/remove", device)
            for stop in stops:
                stop.result()
            assert not (MDEV_BUS / "mtty" / device).exists()


def wedge(host):
    """A stranger removes a device before it is complete; returns the UUID."""
    device = host.start_raw_create()
    result = host.shell("echo 1 >/sys/bus/mdev/devices/$1/remove", device, check=False)
    assert "temporarily unavailable" in result.stderr
    host.eventually((DEVICES / device / "mdev_type").exists)
    return device


def test_wedged_device():
    with Host(create_delay=300) as host:
        device = wedge(host)
        complete = time.monotonic()
        host.eventually(lambda: host.state(device) == "wedged", 10)
        assert 0.5 <= time.monotonic() - complete
        assert host.device(device)["State"] == "wedged"
        stop = host.begin_stop(device)
        error = stop.error()
        assert error.name == "Wedged" and stop.seconds < 5
        assert device in error.text and "'mtty'" in error.text and "unload" in error.text
        error = host.begin_create(device).error()
        assert error.name == "AlreadyExists" and "wedged" in error.text
        assert device in host.log()
        host.simctl("remove-parent", "mtty")
        host.eventually(lambda: host.devices() == {})


def test_wedged_device_at_the_daemons_start():
    with Host(create_delay=300) as host:
        host.simctl("daemon", "stop")
        device = wedge(host)
        host.simctl("daemon", "start")
        host.eventually(lambda: host.state(device) == "wedged", 3)
        assert host.begin_stop(device).error().name == "Wedged"


def test_stop_of_a_device_that_becomes_wedged_meanwhile():
    with Host(create_delay=300) as host:
        device = wedge(host)
        assert host.begin_stop(device).error().name == "Wedged"


# --- parents and their types


def test_parent_properties():
    with Host(parents=["0000:41:00.0:nvidia-63=4,nvidia-64=2"]) as host:
        name = "0000:41:00.0"
        host.eventually(lambda: host.available(name, "nvidia-63") == 4)
        properties = host.properties(parent_path(name), PARENT)
        assert properties["Name"] == name
        assert properties["SysfsPath"] == str((MDEV_BUS / name).resolve())
        for type, count in (("nvidia-63", 4), ("nvidia-64", 2)):
            directory = MDEV_BUS / name / "mdev_supported_types" / type
            assert properties["Types"][type] == {
                "Name": read(directory / "name"), "DeviceAPI": read(directory / "device_api"),
                "AvailableInstances": count, "Description": read(directory / "description")}


def test_list_types():
    with Host() as host:
        types = host.types()
        assert {key: type.available for key, type in types.items()} == {
            ("mtty", "mtty-1"): 24, ("mtty", "mtty-2"): 12, ("mbochs", "mbochs-small"): 64}
        for (parent, type), row in types.items():
            directory = MDEV_BUS / parent / "mdev_supported_types" / type
            assert row == (parent, type, read(directory / "name"), read(directory / "device_api"),
                           int(read(directory / "available_instances")), read(directory / "description"))
        assert set(host.types("mbochs")) == {("mbochs", "mbochs-small")}


def test_list_types_is_read_again():
    with Host() as host:
        host.raw_create()
        assert host.types()["mtty", "mtty-1"].available == 23


def test_what_a_driver_does_not_tell():
    with Host(parents=[]) as host:
        host.simctl("add-parent", "--no-name", "--no-description", "mtty:mtty-1=3")
        host.eventually(lambda: host.call("ListParents"))
        row = host.types()["mtty", "mtty-1"]
        assert (row.name, row.description, row.available) == ("", "", 3)
        told = host.properties(parent_path("mtty"), PARENT)["Types"]["mtty-1"]
        assert set(told) == {"DeviceAPI", "AvailableInstances"}
        host.simctl("fail", "mtty", "available_instances", "EIO", 1)
        assert host.types()["mtty", "mtty-1"].available == UNKNOWN_INSTANCES


def test_instances_of_all_types_are_read_again():
    """One device takes instances of every type of its parent."""
    with Host() as host:
        host.eventually(lambda: host.available("mtty", "mtty-2") == 12)
        signals = host.signals()
        device = host.create(type="mtty-2")
        invalidated = signals.wait("PropertiesChanged", lambda body: body[0] == PARENT, parent_path("mtty"))
        assert invalidated[2] == ["Types"]
        host.eventually(lambda: host.available("mtty", "mtty-2") == 11 and host.available("mtty", "mtty-1") == 22)
        host.sleep(0.1)     # what is announced of that has come
        signals.seen.clear()
        host.stop(device)
        signals.wait("PropertiesChanged", lambda body: body[0] == PARENT, parent_path("mtty"))
        host.eventually(lambda: host.available("mtty", "mtty-2") == 12 and host.available("mtty", "mtty-1") == 24)
        assert not signals.find("PropertiesChanged", path=parent_path("mbochs"))


def test_instances_after_what_others_do():
    with Host() as host:
        host.eventually(lambda: host.available("mtty", "mtty-1") == 24)
        device = host.raw_create()
        host.eventually(lambda: host.available("mtty", "mtty-1") == 23)
        host.raw_remove(device)
        host.eventually(lambda: host.available("mtty", "mtty-1") == 24)


def test_invalidations_are_coalesced():
    with Host() as host:
        signals = host.signals()
        begin = time.monotonic()
        creates = [host.begin_create(parent="mbochs", type="mbochs-small") for _ in range(64)]
        for create in creates:
            create.result()
        host.eventually(lambda: host.available("mbochs", "mbochs-small") == 0)
        took = time.monotonic() - begin
        host.sleep(0.3)
        invalidations = [body for _, member, path, body in signals.seen
                         if member == "PropertiesChanged" and path == parent_path("mbochs")]
        # The driver is asked every 100 ms at most.
        assert 1 <= len(invalidations) <= 3 + took / 0.1


def test_parent_appears_and_goes():
    with Host(parents=[]) as host:
        signals = host.signals()
        assert host.call("ListParents") == []
        host.simctl("add-parent", "mtty:mtty-1=4")
        added = signals.wait("InterfacesAdded", lambda body: body[0] == parent_path("mtty"))
        assert added[1][PARENT]["Name"].value == "mtty"
        device = host.create()
        host.simctl("remove-parent", "mtty")
        removed = signals.wait("InterfacesRemoved", lambda body: body[0] == parent_path("mtty"))
        assert PARENT in removed[1]
        host.eventually(lambda: host.devices() == {})
        assert host.begin("GetParent", "s", "mtty").error().name == "NoSuchParent"
        assert host.begin_stop(device).error().name == "NoSuchDevice"


def test_parent_that_registers_again():
    with Host(parents=["mtty:mtty-1=4"]) as host:
        host.simctl("remove-parent", "mtty")
        host.simctl("add-parent", "mtty:mtty-1=9")
        host.eventually(lambda: host.call("ListParents") and host.types().get(("mtty", "mtty-1"), [0] * 6)[4] == 9)
        host.create()


def test_create_right_after_the_parent_registered():
    """Without waiting for its uevent."""
    with Host(parents=[]) as host:
        host.simctl("delay-uevents", 2000)
        host.simctl("add-parent", "mtty:mtty-1=4")
        host.create()


def test_types_that_come_late():
    with Host(parents=[]) as host:
        host.simctl("add-parent", "--types-after", "300", "mtty:mtty-1=4")
        host.eventually(lambda: host.call("ListParents"))
        assert host.begin_create().error().name == "NoSuchType"
        host.eventually(lambda: host.types(), 3)
        host.create()


def test_parent_unregisters_in_the_middle_of_a_create():
    """It waits for the create, then removes the device; a caller may hear of either, but not of success
    without device."""
    with Host(create_delay=500) as host:
        device = new_uuid()
        create = host.begin_create(device)
        host.eventually(lambda: host.state(device) == "starting")
        remove = host.start("simctl remove-parent mtty")
        create.wait()
        assert remove.wait(10) == 0
        host.eventually(lambda: host.devices() == {} and host.jobs() == [])
        host.eventually(lambda: [row[0] for row in host.call("ListParents")] == ["mbochs"])
        assert host.begin_create(device).error().name == "NoSuchParent"


def test_parent_unregisters_while_jobs_wait():
    with Host(create_delay=300) as host:
        device = new_uuid()
        calls = [host.begin_create(device), host.begin_stop(device), host.begin_create(device)]
        host.eventually(lambda: host.state(device) == "starting")
        host.start("simctl remove-parent mtty")
        for call in calls:
            call.wait()
        assert calls[2].error().name == "NoSuchParent"
        host.eventually(lambda: host.devices() == {} and host.jobs() == [])


# --- drivers that hang in a read


def test_list_types_with_a_hung_read():
    with Host() as host:
        before = host.types()
        host.raw_create()
        host.simctl("hang", "mtty", "read")
        for _ in range(3):
            listed = host.begin("ListTypes", "s", "")
            rows = listed.result()
            assert listed.seconds < 5
            assert {(row[0], row[1]) for row in rows} == set(before)
        assert host.begin("ListTypes", "s", "mbochs").result()
        host.simctl("resume", "mtty")
        host.eventually(lambda: host.types()["mtty", "mtty-1"].available == 23)


def test_hung_read_delays_no_create():
    with Host() as host:
        host.simctl("hang", "mtty", "read")
        begin = time.monotonic()
        for _ in range(10):
            host.stop(host.create())
        assert time.monotonic() - begin < 8
        assert len(host.workers()) <= 10


def test_parent_with_a_hung_read_unregisters():
    with Host() as host:
        host.simctl("hang", "mtty", "read")
        listed = host.begin("ListTypes", "s", "mtty")
        host.sleep(0.1)
        host.simctl("remove-parent", "mtty")
        listed.wait(2)
        host.simctl("resume", "mtty")
        host.eventually(lambda: [row[0] for row in host.call("ListParents")] == ["mbochs"])
        host.simctl("add-parent", "mtty:mtty-1=3")
        host.eventually(lambda: ("mtty", "mtty-1") in host.types())


# --- uevents that do not come


def test_lost_uevents_are_noticed_with_the_next_storm():
    """The kernel drops messages that find the monitor's buffer full; the socket counts them."""
    with Host() as host:
        gone = host.create()
        host.eventually(lambda: host.state(gone) == "active")
        pid = host.daemon_pid()
        host.kill(pid, sig=19)
        host.raw_remove(gone)
        devices = {host.raw_create() for _ in range(5)}
        host.simctl("storm", 20000)
        devices |= {host.raw_create(parent="mbochs", type="mbochs-small") for _ in range(5)}
        host.kill(pid, sig=18)
        host.eventually(lambda: set(host.devices()) == devices, 5, "the right registry")
        assert "were lost" in host.log()


def test_registry_during_a_storm():
    """Messages are lost again and again while devices come and go; right soon after."""
    with Host() as host:
        pid = host.daemon_pid()
        kept = []
        for _ in range(5):
            host.kill(pid, sig=19)
            host.simctl("storm", 20000)
            for _ in range(10):
                kept.append(host.raw_create(parent="mbochs", type="mbochs-small"))
            for device in kept[:5]:
                host.raw_remove(device)
            del kept[:5]
            host.simctl("storm", 20000)
            host.kill(pid, sig=18)
            host.sleep(0.05)
        host.eventually(lambda: set(host.devices()) == set(kept) == kernel_devices(), 5, "the right registry")
        assert set(host.states().values()) == {"active"}
        assert "were lost" in host.log()


def test_storm_with_a_running_daemon():
    """It may keep up with a storm, but not with one after the other."""
    with Host() as host:
        churn = host.start("""
            for i in {1..100}; do
                u=$(cat /proc/sys/kernel/random/uuid)
                echo $u >/sys/class/mdev_bus/mbochs/mdev_supported_types/mbochs-small/create
                ((i % 10 == 0)) || echo 1 >/sys/bus/mdev/devices/$u/remove
            done""")
        n_storms = 0
        while n_storms < 5 or ("were lost" not in host.log() and n_storms < 100):
            host.simctl("storm", 20000)
            n_storms += 1
        assert churn.wait(30) == 0
        assert "were lost" in host.log()
        host.eventually(lambda: set(host.devices()) == kernel_devices(), 5, "the right registry")
        assert len(host.devices()) == 10


@pytest.mark.parametrize("count", [1, 3])
def test_device_whose_uevents_are_lost_is_found_when_named(count):
    """Losses that udev itself causes nobody can notice; but a request looks at the kernel and not at the list."""
    with Host() as host:
        host.simctl("lose-uevents", 1000)
        devices = [host.raw_create() for _ in range(count)]
        for device in devices:
            host.stop(device)
        assert kernel_devices() == set()


def test_1000_devices():
    with Host(parents=["many:many-1=1000"]) as host:
        for _ in range(1000):
            write_create = create_file("many", "many-1")
            with open(write_create, "wb", buffering=0) as file:
                file.write(new_uuid().encode())
        host.eventually(lambda: set(host.devices()) == kernel_devices(), 10)
        assert len(host.devices()) == 1000
        pid = host.daemon_pid()
        host.simctl("daemon", "restart")
        assert host.daemon_pid() != pid
        assert len(host.devices()) == 1000 and host.property("DeviceCount") == 1000
