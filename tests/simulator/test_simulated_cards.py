# SPDX-License-Identifier: LGPL-2.1-or-later
"""That simulated cards are at least as nasty as the real ones: their virtual functions, and the vGPUs on these."""

import errno
import os
import pathlib

from simulated import Background, eventually, fails_with, read, simctl, simctl_fails, simulated, write

PCI = pathlib.Path("/sys/bus/pci/devices")
CARD = "0000:3d:00.0"
VF = "0000:3d:00.4"
OTHER = "0000:3d:00.5"
TYPES = "nvidia-1145=8,nvidia-1152=4"
HEADING = "ID    : vGPU Name"


def card(words=f"vfs=4,{TYPES}", name=CARD):
    return "--no-daemon", "--card", f"{name}:{words}"


def set_type(function, number):
    write(PCI / function / "nvidia" / "current_vgpu_type", number)


def get_type(function):
    return int(read(PCI / function / "nvidia" / "current_vgpu_type"))


def creatable(function):
    return read(PCI / function / "nvidia" / "creatable_vgpu_types").splitlines()


def functions(name=CARD):
    names = (path.resolve().name for path in (PCI / name).glob("virtfn*"))
    return sorted(names)


# --- what there is


@simulated(*card(f"vfs=16,{TYPES}"))
def test_a_card_and_its_functions():
    assert (PCI / CARD).resolve() == pathlib.Path(f"/sys/devices/pci0000:3d/{CARD}")
    assert functions() == [f"0000:3d:{n // 8:02x}.{n % 8}" for n in range(4, 20)]
    assert sorted(os.listdir(PCI)) == [CARD, *functions()]
    assert [read(PCI / CARD / name) for name in ("sriov_numvfs", "sriov_totalvfs", "sriov_drivers_autoprobe")] == \
        ["16", "16", "1"]
    assert [read(PCI / VF / name) for name in ("vendor", "device", "class")] == ["0x10de", "0x26b9", "0x030200"]
    assert read(PCI / VF / "uevent") == f"DRIVER=nvidia\nPCI_CLASS=30200\nPCI_ID=10DE:26B9\nPCI_SLOT_NAME={VF}"
    for name in (CARD, VF):
        assert (PCI / name / "driver").resolve() == pathlib.Path("/sys/bus/pci/drivers/nvidia")
    assert (PCI / VF / "physfn").resolve() == (PCI / CARD).resolve()
    assert (PCI / CARD / "virtfn0").resolve() == (PCI / VF).resolve()
    assert sorted(os.listdir(PCI / VF / "nvidia")) == ["creatable_vgpu_types", "current_vgpu_type", "gpu_instance_id",
                                                       "placement_id", "vgpu_params", "warm_update"]


@simulated(*card())
def test_the_nodes_of_a_function():
    group = (PCI / VF / "iommu_group").resolve()
    assert group.parent == pathlib.Path("/sys/kernel/iommu_groups")
    assert os.listdir(group / "devices") == [VF]
    device, = os.listdir(PCI / VF / "vfio-dev")
    assert device != f"vfio{group.name}"
    assert (PCI / VF / "vfio-dev" / device / "dev").exists()
    assert pathlib.Path(f"/dev/vfio/{group.name}").exists() and pathlib.Path(f"/dev/vfio/devices/{device}").exists()
    assert (PCI / CARD / "iommu_group").exists() and not (PCI / CARD / "vfio-dev").exists()


@simulated(*card())
def test_set_and_clear():
    assert (PCI / VF / "nvidia" / "current_vgpu_type").read_bytes() == b"0\n"
    assert creatable(VF) == [HEADING, "1145  : NVIDIA L40S-1B", "1152  : NVIDIA L40S-8Q"]
    set_type(VF, 1145)
    assert (PCI / VF / "nvidia" / "current_vgpu_type").read_bytes() == b"1145\n"
    assert get_type(OTHER) == 0
    set_type(VF, 0)
    assert get_type(VF) == 0
    # A newline is optional.
    fd = os.open(PCI / VF / "nvidia" / "current_vgpu_type", os.O_WRONLY)
    os.write(fd, b"1152")
    os.close(fd)
    assert get_type(VF) == 1152


@simulated(*card(f"vfs=16,{TYPES}"))
def test_all_functions_share_the_capacity_of_the_card():
    names = functions()
    for name in names[:3]:
        set_type(name, 1152)
    assert creatable(names[3]) == creatable(names[15]) == [HEADING, "1145  : NVIDIA L40S-1B", "1152  : NVIDIA L40S-8Q"]
    set_type(names[3], 1145)
    assert creatable(names[4]) == creatable(names[15]) == [HEADING, "1145  : NVIDIA L40S-1B"]
    set_type(names[4], 1145)
    assert creatable(names[15]) == [HEADING]
    set_type(names[0], 0)
    assert creatable(names[15]) == [HEADING, "1145  : NVIDIA L40S-1B", "1152  : NVIDIA L40S-8Q"]


@simulated(*card(), "--card", f"0000:5e:00.0:vfs=2,{TYPES}")
def test_cards_do_not_share_their_capacity():
    assert functions("0000:5e:00.0") == ["0000:5e:00.4", "0000:5e:00.5"]
    for name in functions():
        set_type(name, 1152)
    assert creatable("0000:5e:00.4") == [HEADING, "1145  : NVIDIA L40S-1B", "1152  : NVIDIA L40S-8Q"]
    set_type("0000:5e:00.4", 1152)


# --- in use


@simulated(*card())
def test_a_function_is_opened_by_its_group_or_by_its_device():
    assert "No such device" in simctl_fails("hold", VF) and "No such device" in simctl_fails("hold", "--cdev", VF)
    set_type(VF, 1145)
    simctl("hold", VF)
    assert "busy" in simctl_fails("hold", VF) and "busy" in simctl_fails("hold", "--cdev", VF)
    simctl("release", VF)
    simctl("hold", "--cdev", VF)
    # A device that is open by its own node makes its group busy.
    with fails_with(errno.EBUSY):
        os.open(f"/dev/vfio/{(PCI / VF / 'iommu_group').resolve().name}", os.O_RDWR)
    simctl("release", VF)
    simctl("hold", "--group-only", VF)
    set_type(VF, 0)


# --- virtual functions


@simulated(*card(f"vfs=off:4,sriov=raw,{TYPES}"))
def test_sriov_numvfs():
    path = PCI / CARD / "sriov_numvfs"
    assert (read(path), functions(), os.listdir("/dev/vfio")) == ("0", [], ["vfio"])
    write(path, 0)
    for text, error in (("x", errno.EINVAL), ("-1", errno.EINVAL), ("5", errno.ERANGE), ("65536", errno.ERANGE)):
        with fails_with(error):
            write(path, text)
    write(path, 3)
    assert read(path) == "3" and len(functions()) == 3
    write(path, 3)
    for number in (2, 4):
        with fails_with(errno.EBUSY):
            write(path, number)
    write(PCI / CARD / "driver" / "unbind", CARD)
    with fails_with(errno.ENOENT):
        write(path, 0)
    write("/sys/bus/pci/drivers/nvidia/bind", CARD)
    write(path, 0)
    assert functions() == [] and sorted(os.listdir(PCI)) == [CARD] and os.listdir("/dev/vfio") == ["vfio"]


@simulated(*card(f"vfs=off:4,sriov=raw,{TYPES}"))
def test_a_hung_sriov_numvfs_holds_the_lock_of_the_card():
    path = PCI / CARD / "sriov_numvfs"
    simctl("hang", CARD, "sriov_numvfs")
    jobs = [Background(write, path, 4), Background(read, path), Background(read, PCI / CARD / "uevent"),
            Background(write, PCI / CARD / "driver" / "unbind", CARD)]
    assert all([job.hangs(0.05) for job in jobs])
    assert read(PCI / CARD / "sriov_totalvfs") == "4"
    simctl("resume", CARD)
    assert [job.errno() for job in jobs] == [0, 0, 0, 0]
    assert len(functions()) == 4 and not (PCI / CARD / "driver").exists()


@simulated(*card(f"vfs=4,sriov=raw,{TYPES}"))
def test_removing_functions_waits_for_the_one_in_use():
    set_type(OTHER, 1145)
    simctl("hold", OTHER)
    writer = Background(write, PCI / CARD / "sriov_numvfs", 0)
    eventually(lambda: not (PCI / VF).exists())
    assert writer.hangs() and writer.state() == "S"
    assert functions() == [OTHER, "0000:3d:00.6", "0000:3d:00.7"]
    simctl("release", OTHER)
    assert writer.errno() == 0 and functions() == []
