# SPDX-License-Identifier: LGPL-2.1-or-later
"""That the simulated drivers of IBM Z do what the kernel's do: vfio_ap, the AP bus below it, and vfio_ccw."""

import errno
import os
import pathlib
import subprocess

from simulated import (DEVICES, MDEV_BUS, Background, create, devices, eventually, fails_with, read, remove, simctl,
                       simctl_fails, simulated, type_path, write)

AP = pathlib.Path("/sys/bus/ap")
MATRIX = pathlib.Path("/sys/devices/vfio_ap/matrix")
ATTRIBUTES = ["ap_config", "assign_adapter", "assign_control_domain", "assign_domain", "control_domains",
              "guest_matrix", "matrix", "unassign_adapter", "unassign_control_domain", "unassign_domain"]
AP_HOST = ("--no-daemon", "--parent", "matrix:vfio_ap-passthrough=8")
TYPE = ("matrix", "vfio_ap-passthrough")


def mask(*numbers):
    return f"0x{sum(1 << 255 - number for number in numbers):064x}"


def config(adapters=(), domains=(), control_domains=()):
    return ",".join(mask(*numbers) for numbers in (adapters, domains, control_domains))


def assign(device, **numbers):
    for name, values in numbers.items():
        for value in values:
            write(DEVICES / device / f"assign_{name}", value)


def matrix(device, name="matrix"):
    return read(DEVICES / device / name).split()


@simulated(*AP_HOST)
def test_the_parent_and_its_device():
    assert (MDEV_BUS / "matrix").resolve() == MATRIX
    assert (MATRIX / "subsystem").resolve() == pathlib.Path("/sys/bus/matrix")
    assert (MATRIX / "driver").resolve() == pathlib.Path("/sys/bus/matrix/drivers/vfio_ap")
    assert (type_path(*TYPE) / "device_api").read_text() == "vfio-ap\n"
    assert (type_path(*TYPE) / "name").read_text() == "VFIO AP Passthrough Device\n"
    assert not (type_path(*TYPE) / "description").exists()

    device = create(*TYPE)
    path = DEVICES / device
    assert path.resolve() == MATRIX / device
    assert sorted(os.listdir(path)) == sorted([*ATTRIBUTES, "driver", "iommu_group", "mdev_type", "power", "remove",
                                               "subsystem", "uevent", "vfio-dev"])
    assert (path / "driver").resolve().name == "vfio_ap_mdev"
    for name in ATTRIBUTES:
        expected = {"ap_config": 0o644}.get(name, 0o200 if "assign" in name else 0o444)
        assert (path / name).stat().st_mode & 0o777 == expected, name
    assert [(path / name).read_text() for name in ("matrix", "guest_matrix", "control_domains")] == ["", "", ""]
    assert read(path / "ap_config") == config()
    remove(device)
    assert not (MATRIX / device).exists()


@simulated(*AP_HOST)
def test_assign_and_unassign():
    device = create(*TYPE)
    assign(device, adapter=["6", "0x5"])
    assert matrix(device) == ["05.", "06."]
    assign(device, domain=["11", "4"])
    assert matrix(device) == ["05.0004", "05.000b", "06.0004", "06.000b"]
    assign(device, control_domain=["0x1f", "4"])
    assert matrix(device, "control_domains") == ["0004", "001f"]
    assert read(DEVICES / device / "ap_config") == config([5, 6], [4, 11], [4, 31])
    # What is assigned already, or not assigned, is no error.
    assign(device, adapter=["5"])
    for name, number in (("adapter", "5"), ("adapter", "5"), ("control_domain", "31"), ("domain", "011")):
        write(DEVICES / device / f"unassign_{name}", number)
    assert matrix(device) == ["06.0004", "06.000b"] and matrix(device, "control_domains") == ["0004"]
    write(DEVICES / device / "unassign_adapter", "6")
    assert matrix(device) == [".0004", ".000b"]


@simulated(*AP_HOST)
def test_errors_of_assign():
    device, other = create(*TYPE), create(*TYPE)
    assign(other, adapter=["5"], domain=["4"])
    for name in ("adapter", "domain", "control_domain"):
        for prefix in ("assign", "unassign"):
            for text in ("", "x", "-1", "5 6", "0x"):
                with fails_with(errno.EINVAL):
                    write(DEVICES / device / f"{prefix}_{name}", text)
            with fails_with(errno.ENODEV):
                write(DEVICES / device / f"{prefix}_{name}", "256" if name == "adapter" else "85")
    assign(device, adapter=["5", "1"], control_domain=["4"])
    with fails_with(errno.EADDRNOTAVAIL):
        assign(device, domain=["3"])
    write(DEVICES / device / "unassign_adapter", "1")
    with fails_with(errno.EADDRINUSE):
        assign(device, domain=["4"])
    assign(device, domain=["3"])
    assert matrix(device) == ["05.0003"]
    # Queues are free as soon as their device is gone.
    remove(other)
    assign(device, domain=["4"])
    with fails_with(errno.EACCES):
        (DEVICES / device / "assign_domain").read_bytes()


@simulated(*AP_HOST)
def test_config():
    device, other = create(*TYPE), create(*TYPE)
    path = DEVICES / device / "ap_config"
    write(path, config([5, 6], [4], [4]))
    assert matrix(device) == ["05.0004", "06.0004"] and read(path) == config([5, 6], [4], [4])
    write(path, "0x04,0x08,0")
    assert read(path) == config([5], [4])
    assign(other, adapter=["7"], domain=["4"])
    for text, error in ((config([1], [4]), errno.EADDRNOTAVAIL), (config([7], [4]), errno.EADDRINUSE),
                        (config([5], [85]), errno.ENODEV), (config([5], [4], [200]), errno.ENODEV),
                        ("", errno.EINVAL), ("0", errno.EINVAL), ("x,0,0", errno.EINVAL),
                        (mask() + "0,0,0", errno.EINVAL)):
        with fails_with(error):
            write(path, text)
        assert read(path) == config([5], [4])


@simulated(*AP_HOST)
def test_a_guest_gets_what_is_there():
    device = create(*TYPE)
    assign(device, adapter=["7", "8"], domain=["15", "16"])
    assert matrix(device) == ["07.000f", "07.0010", "08.000f", "08.0010"]
    assert matrix(device, "guest_matrix") == ["07.000f"]


@simulated(*AP_HOST)
def test_the_bus():
    assert sorted(os.listdir(AP)) == ["ap_max_adapter_id", "ap_max_domain_id", "apmask", "aqmask", "devices"]
    assert (read(AP / "apmask"), read(AP / "aqmask")) == (mask(0, 1), mask(*range(256)))
    assert (read(AP / "ap_max_adapter_id"), read(AP / "ap_max_domain_id")) == ("255", "84")
    assert len(os.listdir(AP / "devices")) == 8 + 8 * 16
    queue = AP / "devices" / "05.0004"
    assert queue.resolve() == pathlib.Path("/sys/devices/ap/card05/05.0004")
    assert "DRIVER=vfio_ap" in read(queue / "uevent")
    assert "DRIVER=cex4queue" in read(AP / "devices" / "01.0004" / "uevent")

    device = create(*TYPE)
    assign(device, adapter=["5"], domain=["4"])
    with fails_with(errno.EBUSY):
        write(AP / "apmask", "+5")
    with fails_with(errno.EINVAL):
        write(AP / "apmask", "+5,6")
    write(AP / "aqmask", "-4,-5")
    write(AP / "apmask", "+5")
    assert read(AP / "apmask") == mask(0, 1, 5)
    with fails_with(errno.EADDRNOTAVAIL):
        assign(device, domain=["6"])
    assign(device, domain=["5"])
    write(AP / "apmask", "0xc0")
    assert read(AP / "apmask") == mask(0, 1)


@simulated(*AP_HOST)
def test_the_driver_is_unloaded():
    create(*TYPE)
    simctl("remove-parent", "matrix")
    assert not MATRIX.parent.exists() and not devices() and os.listdir(AP / "devices")
    assert not os.listdir("/sys/bus/matrix/devices")
    simctl("add-parent", "matrix:vfio_ap-passthrough=8")
    assign(create(*TYPE), adapter=["5"], domain=["4"])


@simulated(*AP_HOST)
def test_faults_of_the_driver():
    device = create(*TYPE)
    simctl("fail", "matrix", "assign_adapter", errno.EIO)
    with fails_with(errno.EIO):
        assign(device, adapter=["5"])
    simctl("fail", "matrix", "matrix", errno.EIO)
    with fails_with(errno.EIO):
        matrix(device)
    simctl("hang", "matrix", "write")
    writer = Background(assign, device)
    assert writer.errno() == 0
    writer = Background(write, DEVICES / device / "ap_config", config([5], [4]))
    assert writer.hangs()
    remove(device)
    simctl("resume", "matrix")
    assert writer.errno() == errno.ENODEV


@simulated("--no-daemon", "--parent", "0.0.0313:vfio_ccw-io=1")
def test_subchannel():
    path = pathlib.Path("/sys/devices/css0/0.0.0313")
    assert (MDEV_BUS / "0.0.0313").resolve() == path
    assert pathlib.Path("/sys/bus/css/devices/0.0.0313").resolve() == path
    assert (path / "driver").resolve() == pathlib.Path("/sys/bus/css/drivers/vfio_ccw")
    assert read(path / "uevent") == "DRIVER=vfio_ccw\nMODALIAS=css:t0" and read(path / "type") == "0"
    device = create("0.0.0313", "vfio_ccw-io")
    assert sorted(os.listdir(path / device)) == ["driver", "iommu_group", "mdev_type", "power", "remove", "subsystem",
                                                 "uevent", "vfio-dev"]
    assert read(type_path("0.0.0313", "vfio_ccw-io") / "device_api") == "vfio-ccw"
    assert read(type_path("0.0.0313", "vfio_ccw-io") / "available_instances") == "0"
    with fails_with(errno.EUSERS):
        create("0.0.0313", "vfio_ccw-io")
    remove(device)
    simctl("remove-parent", "0.0.0313")
    assert path.exists() and not (path / "driver").exists() and read(path / "uevent") == "MODALIAS=css:t0"


@simulated("--no-daemon", "--no-parents")
def test_uevents():
    log = pathlib.Path("/run/monitor")
    command = ["udevadm", "monitor", "--udev", "--property"]
    with log.open("w") as file, subprocess.Popen(command, stdout=file) as monitor:
        eventually(lambda: "UDEV - the event which udev sends" in log.read_text())
        for spec, devpath, subsystem in (("matrix:vfio_ap-passthrough=8", "/devices/vfio_ap/matrix", "matrix"),
                                         ("0.0.0313:vfio_ccw-io=1", "/devices/css0/0.0.0313", "css")):
            simctl("add-parent", spec)
            for action, more in (("add", ""), ("change", "MDEV_STATE=registered\n"), ("bind", "")):
                text = f"ACTION={action}\nDEVPATH={devpath}\nSUBSYSTEM={subsystem}\n{more}"
                eventually(lambda text=text: text in log.read_text())
        assert "ACTION=add\nDEVPATH=/devices/ap/card05/05.0004\nSUBSYSTEM=ap\n" in log.read_text()
        monitor.terminate()


@simulated("--no-daemon", "--no-parents")
def test_what_is_no_parent_there():
    for spec in ("other:vfio_ap-passthrough=8", "matrix:vfio_ccw-io=1", "0.0.0313:vfio_ccw-io=2",
                 "0.0.031:vfio_ccw-io=1"):
        assert "Invalid argument" in simctl_fails("add-parent", spec)
