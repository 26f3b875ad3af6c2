# SPDX-License-Identifier: LGPL-2.1-or-later
"""Creating, listing and stopping devices: what is answered, and what is then in /sys."""

import os
import re

import pytest
from bus import DEVICE, PARENT
from dbus_next import Variant
from host import DEVICES, INTENTS, SOURCE, Host, device_path, new_uuid, parent_path


def test_create_list_stop():
    with Host() as host:
        device = host.create()
        assert (DEVICES / device / "mdev_type").resolve().name == "mtty-1"
        assert host.devices() == {device: (device, "mtty", "mtty-1", "active", False, device_path(device))}
        assert host.call("GetDevice", "s", device) == device_path(device)
        host.stop(device)
        assert not (DEVICES / device).exists()
        assert host.devices() == {}
        assert not os.listdir(INTENTS)


def test_by_busctl():
    with Host() as host:
        device = new_uuid()
        busctl = "busctl call org.mediated1 /org/mediated1 org.mediated1.Manager"
        answer = host.shell(f"{busctl} CreateDevice 'sssa(ss)a{{sv}}' $1 mtty mtty-1 0 0", device).stdout
        assert answer == f'so "{device}" "{device_path(device)}"\n'
        host.shell(f"{busctl} StopDevice 'sa{{sv}}' $1 0", device)
        assert host.devices() == {}


def test_device_properties():
    with Host() as host:
        device = host.create(parent="mbochs", type="mbochs-small")
        group = os.path.basename(os.readlink(DEVICES / device / "iommu_group"))
        assert host.device(device) == {
            "UUID": device,
            "Parent": parent_path("mbochs"),
            "ParentName": "mbochs",
            "Type": "mbochs-small",
            "State": "active",
            "Defined": False,
            "SysfsPath": str((DEVICES / device).resolve()),
            "IOMMUGroup": group,
            "DeviceNode": f"/dev/vfio/{group}",
            "VFIODeviceNode": "",
            "Definition": "/",
            "Error": ["", ""],
        }


def test_manager_properties():
    with Host() as host:
        host.create()
        version = re.search(r"version : '(.*)'", (SOURCE / "meson.build").read_text())[1]
        assert host.property("Version") == version
        assert host.property("ParentCount") == 2
        assert host.property("DeviceCount") == 1
        assert host.property("JobCount") == 0
        host.simctl("hang", "mtty", "create")
        host.begin_create()
        host.eventually(lambda: host.property("JobCount") == 1)


def test_managed_objects():
    with Host() as host:
        device = host.create()
        host.simctl("hang", "mbochs", "create")
        host.begin_create(parent="mbochs", type="mbochs-small")
        job = host.eventually(host.jobs)[0]
        objects = host.objects()
        assert objects[device_path(device)][DEVICE]["State"] == "active"
        assert objects[parent_path("mtty")][PARENT]["Name"] == "mtty"
        assert objects[job.path]["org.mediated1.Job"]["Id"] == job.id


def test_stop_by_the_device_object():
    with Host() as host:
        device = host.create()
        host.bus.call(device_path(device), DEVICE, "Stop", "a{sv}", {})
        assert host.devices() == {}


def test_uuid_in_upper_case():
    with Host() as host:
        device = new_uuid()
        assert host.begin_create(device.upper()).result() == [device, device_path(device)]
        assert host.call("GetDevice", "s", device.upper()) == device_path(device)
        assert host.begin_create(device).error().name == "AlreadyExists"
        host.stop(device.upper())
        assert host.devices() == {}


def test_empty_uuid_is_a_random_one():
    with Host() as host:
        first, second = host.create(""), host.create("")
        assert first != second
        assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", first)
        assert set(host.devices()) == {first, second}


def test_already_exists_names_the_parent():
    with Host() as host:
        device = host.create(parent="mtty")
        for parent, type in (("mtty", "mtty-1"), ("mtty", "mtty-2"), ("mbochs", "mbochs-small")):
            error = host.begin_create(device, parent, type).error()
            assert error.name == "AlreadyExists"
            assert device in error.text and "'mtty'" in error.text
        assert host.device(device)["ParentName"] == "mtty"


def test_already_exists_of_a_strangers_device_without_its_uevents():
    with Host() as host:
        host.simctl("lose-uevents", 100)
        device = host.raw_create(parent="mbochs", type="mbochs-small")
        error = host.begin_create(device).error()
        assert error.name == "AlreadyExists" and "'mbochs'" in error.text


def test_create_waits_for_a_uuid_that_is_just_being_released():
    with Host() as host:
        host.simctl("delay", "mtty", "release", 100)
        device = host.create()
        host.stop(device)
        create = host.begin_create(device)
        create.result()
        assert create.seconds < 3


def test_create_of_a_uuid_that_stays_reserved():
    with Host() as host:
        host.simctl("delay", "mtty", "release", 4000)
        device = host.create()
        host.stop(device)
        create = host.begin_create(device)
        error = create.error()
        assert error.name == "AlreadyExists" and "reserved" in error.text
        assert 0.2 <= create.seconds < 3
        host.sleep(4)
        host.create(device)


def test_no_such_parent():
    with Host() as host:
        for name in ("nothing", "", ".", "..", "mtty/../mbochs", "/sys/class/mdev_bus/mtty", "mtty/", "x" * 5000):
            error = host.begin_create(parent=name).error()
            assert error.name == "NoSuchParent", (name, error)
            assert host.begin("GetParent", "s", name).error().name == "NoSuchParent"
        for name in ("nothing", "..", "mtty/"):
            assert host.begin("ListTypes", "s", name).error().name == "NoSuchParent"
        assert host.devices() == {} and not os.listdir(INTENTS)


def test_no_such_type():
    with Host() as host:
        for name in ("nothing", "", ".", "..", "mtty-1/.", "../mdev_supported_types/mtty-1", "/mtty-1", "mbochs-small",
                     "mtty-1/devices", "x" * 5000):
            error = host.begin_create(type=name).error()
            assert error.name == "NoSuchType", (name, error)
        assert host.devices() == {} and not os.listdir(INTENTS)


def test_no_such_device():
    with Host() as host:
        device = new_uuid()
        for error in (host.begin_stop(device).error(), host.begin("GetDevice", "s", device).error()):
            assert error.name == "NoSuchDevice" and device in error.text


def test_no_such_job():
    with Host() as host:
        for member in ("GetJob", "CancelJob"):
            error = host.begin(member, "t", 4711).error()
            assert error.name == "NoSuchJob" and "4711" in error.text


def test_no_available_instances():
    with Host(parents=["mtty:mtty-1=2"]) as host:
        devices = [host.create(), host.create()]
        error = host.begin_create().error()
        assert error.name == "NoAvailableInstances"
        assert "mtty-1" in error.text and "'mtty'" in error.text
        host.stop(devices[0])
        host.create()


def test_no_available_instances_of_a_driver_that_counts_itself():
    with Host(parents=[]) as host:
        host.simctl("add-parent", "--enospc", "mtty:mtty-1=1")
        host.eventually(lambda: host.call("ListParents"))
        host.create()
        assert host.begin_create().error().name == "NoAvailableInstances"


@pytest.mark.parametrize("errno, text", [("EIO", "Input/output error"), ("EINVAL", "Invalid argument"),
                                         ("EAGAIN", "Resource temporarily unavailable"), ("EPERM", "not permitted"),
                                         ("ENOMEM", "Cannot allocate memory"), ("EBUSY", "busy")])
def test_refusal_of_the_driver(errno, text):
    with Host() as host:
        host.simctl("fail", "mtty", "create", errno)
        device = new_uuid()
        error = host.begin_create(device).error()
        assert error.name == "org.freedesktop.DBus.Error.IOError"
        assert device in error.text and text in error.text and "'mtty'" in error.text
        assert host.devices() == {} and not os.listdir(INTENTS)
        host.create(device)


@pytest.mark.parametrize("errno, name", [("EUSERS", "NoAvailableInstances"), ("ENOSPC", "NoAvailableInstances"),
                                         ("ENODEV", "NoSuchParent")])
def test_errno_with_a_meaning(errno, name):
    with Host() as host:
        host.simctl("fail", "mtty", "create", errno)
        assert host.begin_create().error().name == name


def test_remove_that_is_refused():
    with Host() as host:
        device = host.create()
        host.simctl("fail", "mtty", "remove", "EIO")
        error = host.begin_stop(device).error()
        assert error.name == "org.freedesktop.DBus.Error.IOError" and device in error.text
        assert host.state(device) == "active"
        host.stop(device)


@pytest.mark.parametrize("opts", [{"tiemout": Variant("t", 1)}, {"wait": Variant("b", True)},
                                  {"timeout-usec": Variant("i", -1)}, {"timeout-usec": Variant("s", "1")},
                                  {"timeout": Variant("t", 1)}, {"timeout-usec": Variant("d", 1.0)},
                                  {"settle": Variant("t", 1)}, {"settle": Variant("as", [])},
                                  {"": Variant("b", True)}])
def test_options_of_create_that_are_refused(opts):
    with Host() as host:
        error = host.begin_create(**opts).error()
        assert error.name == "org.freedesktop.DBus.Error.InvalidArgs"
        assert next(iter(opts)) in error.text
        assert host.devices() == {} and host.jobs() == []


@pytest.mark.parametrize("opts", [{"live": Variant("b", True)}, {"settle": Variant("b", True)},
                                  {"wait": Variant("s", "yes")}, {"timeout-usec": Variant("x", -1)}])
def test_options_of_stop_that_are_refused(opts):
    with Host() as host:
        device = host.create()
        assert host.begin_stop(device, **opts).error().name == "org.freedesktop.DBus.Error.InvalidArgs"
        assert host.state(device) == "active"


def test_wrong_arguments():
    with Host() as host:
        for signature, body in (("s", ["x"]), ("sss", ["x", "y", "z"]), ("", [])):
            error = host.begin("CreateDevice", signature, *body).error()
            assert error.name.startswith("org.freedesktop.DBus.Error."), error
        assert host.devices() == {}


def test_devices_of_many_parents():
    parents = [f"0000:{i:02x}:00.0:nvidia-63=4,nvidia-64=2" for i in range(16)]
    with Host(parents=parents) as host:
        host.create(parent="0000:0f:00.0", type="nvidia-63")
        rows = host.call("ListParents")
        assert sorted(row[0] for row in rows) == [f"0000:{i:02x}:00.0" for i in range(16)]
        assert all(row[1].startswith("/sys/devices/pci") and row[2] == parent_path(row[0]) for row in rows)
        assert host.call("GetParent", "s", "0000:0f:00.0") == parent_path("0000:0f:00.0")


def test_settle_waits_for_udev():
    with Host() as host:
        host.simctl("delay-uevents", 500)
        create = host.begin_create(settle=True)
        create.result()
        assert 0.45 <= create.seconds < 2.9
        host.simctl("delay-uevents", 0)
        create = host.begin_create(settle=True)
        create.result()
        assert create.seconds < 2.5


def test_settle_does_not_delay_the_job():
    with Host() as host:
        host.simctl("delay-uevents", 2500)
        create = host.begin_create(settle=True)
        host.eventually(lambda: list(host.states().values()) == ["active"] and host.jobs() == [], 2)
        assert not create.done
        create.result()


def test_settle_ends_when_udev_says_nothing():
    with Host() as host:
        host.simctl("lose-uevents", 1000)
        create = host.begin_create(settle=True)
        create.result()
        assert 2.9 <= create.seconds < 10
        assert "udev" in host.log()


def test_without_settle_udev_is_not_waited_for():
    with Host() as host:
        host.simctl("delay-uevents", 10000)
        create = host.begin_create()
        create.result()
        assert create.seconds < 2.5


def test_64_creates_on_one_parent_behind_a_slow_driver():
    """All at once: one after the other they would take 32 s. How long they take is measured by benchmark/parallel."""
    with Host(create_delay=500) as host:
        creates = [host.begin_create(parent="mbochs", type="mbochs-small") for _ in range(64)]
        for create in creates:
            create.result()
        assert max(create.ended for create in creates) - creates[0].started < 10
        assert len(host.devices()) == 64
