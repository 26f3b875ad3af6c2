# SPDX-License-Identifier: LGPL-2.1-or-later
"""A simulated host with very many devices and definitions, made as others make them: by files and by raw writes."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))

from host import Host, create_file, new_uuid, write  # noqa: E402

STORE = pathlib.Path("/etc/mdevctl.d")
PARENTS = [f"0000:{0x40 + i:02x}:00.0" for i in range(10)]
TYPE = "nvidia-63"
DEFINITION = '{\n  "mdev_type": "%s",\n  "start": "manual",\n  "attrs": []\n}'


def crowded_host(count):
    """One with room for so many devices on each parent."""
    return Host(parents=[f"{parent}:{TYPE}={count}" for parent in PARENTS])


def new_devices(count):
    """(parent, UUID) of each, on all parents in turn. They are not there yet."""
    return [(PARENTS[i % len(PARENTS)], new_uuid()) for i in range(count)]


def define(host, devices):
    """Returns when the daemon knows them."""
    for parent, uuid in devices:
        (STORE / parent).mkdir(exist_ok=True)
        (STORE / parent / uuid).write_text(DEFINITION % TYPE)
    host.eventually(lambda: host.property("DefinitionCount") == len(devices), 60, "all definitions")


def create(host, devices):
    """Adds them to those that there are. Returns when the daemon and udev know them."""
    count = host.property("DeviceCount") + len(devices)
    for parent, uuid in devices:
        write(create_file(parent, TYPE), uuid)
    host.eventually(lambda: host.property("DeviceCount") == count, 120, "all devices")
    host.shell("udevadm settle", timeout=120)


def report(name, value, unit):
    print(f"{name} {value:.4g} {unit}", flush=True)
