# SPDX-License-Identifier: LGPL-2.1-or-later
"""Cards with vendor VFIO in a simulated host, as tests like them: their virtual functions (VFs), what the driver's
files say, and writers that do not ask the daemon."""

import contextlib
import os
import pathlib
import uuid as uuids

from host import Host, read, write

PCI = pathlib.Path("/sys/bus/pci/devices")

CARD = "0000:3d:00.0"
VFS = [f"0000:3d:{n // 8:02x}.{n % 8}" for n in range(4, 52)]
VF, NEXT = VFS[:2]
OTHER_CARD = "0000:5e:00.0"
OTHER_VFS = [name.replace(":3d:", ":5e:") for name in VFS]

SMALL, LARGE = "nvidia-1145", "nvidia-1152"
TYPES = f"{SMALL}=8,{LARGE}=4"
DIALECTS = ("nvidia", "upstream")

# The name space of UUIDs of vGPUs that others have made, see docs/KERNEL.md.
NAME_SPACE = uuids.UUID("5b1d5c0e-0c3e-4b7c-9a7e-6e0f2a51d493")


def card(vfs=4, *words, name=CARD, types=TYPES):
    return ",".join([f"{name}:vfs={vfs}", *words, types])


def uuid_of(vf):
    """That of a vGPU which others have made on the VF."""
    return str(uuids.uuid5(NAME_SPACE, vf))


def current(vf):
    return int(read(PCI / vf / "nvidia" / "current_vgpu_type"))


def number_of(type):
    return int(type.removeprefix("nvidia-"))


def raw_set(vf, type):
    """As somebody who does not ask the daemon. `type` None takes it away."""
    write(PCI / vf / "nvidia" / "current_vgpu_type", number_of(type) if type else 0)


def kernel(vfs):
    """{VF: type} of those that have one."""
    return {vf: f"nvidia-{number}" for vf in vfs if (PCI / vf).exists() and (number := current(vf))}


def shown(host):
    """The same, as the daemon has it."""
    return {device.parent: device.type for device in host.devices().values() if device.parent in VFS + OTHER_VFS}


@contextlib.contextmanager
def vgpu_host(*cards, **kwargs):
    """A host with these cards, one of 4 VFs by default, as soon as the daemon knows the types of all VFs."""
    kwargs.setdefault("parents", [])
    with Host(cards=cards or (card(),), **kwargs) as host:
        names = [name for name in os.listdir(PCI) if (PCI / name / "nvidia").exists()]
        host.eventually(lambda: {parent for parent, _ in host.types()} >= set(names), 10, "the types of all VFs")
        yield host
