# SPDX-License-Identifier: LGPL-2.1-or-later
"""That simulated cards are at least as nasty as the real ones: their virtual functions, and the vGPUs on these."""

import contextlib
import errno
import os
import pathlib
import signal
import subprocess
import time

from simulated import (SIMULATE, Background, create, eventually, fails_with, read, simctl, simctl_fails, simulated,
                       write)

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


def driver(name):
    link = PCI / name / "driver"
    return link.resolve().name if link.exists() else None


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


@simulated(*card())
def test_files_beside_the_type():
    path = PCI / VF / "nvidia"
    for name in ("placement_id", "gpu_instance_id"):
        with fails_with(errno.ENXIO):
            read(path / name)
        with fails_with(errno.ENXIO):
            write(path / name, 1)
    assert ((path / "vgpu_params").read_text(), (path / "warm_update").read_text()) == ("\n", "0\n")
    with fails_with(errno.EPERM):
        write(path / "vgpu_params", "frame_rate_limiter=0")
    set_type(VF, 1145)
    assert read(path / "placement_id").isdigit() and read(path / "gpu_instance_id").isdigit()
    write(path / "placement_id", 3)
    write(path / "vgpu_params", "frame_rate_limiter=0")
    assert (read(path / "placement_id"), read(path / "vgpu_params")) == ("3", "frame_rate_limiter=0")
    set_type(VF, 0)
    with fails_with(errno.ENXIO):
        read(path / "placement_id")
    assert read(path / "vgpu_params") == ""


@simulated(*card())
def test_how_the_list_can_look():
    one, other = "1145  : NVIDIA L40S-1B", "1152  : NVIDIA L40S-8Q"
    set_type(OTHER, 1145)
    for variant, free, used in (("normal", [HEADING, one, other], []), ("no-heading", [one, other], []),
                                ("heading", [HEADING], []), ("empty", [], []),
                                ("active", [HEADING, one, other], [HEADING, one]),
                                ("name-first", ["NAME                 ID", "NVIDIA L40S-1B       1145",
                                                "NVIDIA L40S-8Q       1152"], [])):
        simctl("vgpu-list", CARD, variant)
        assert (creatable(VF), creatable(OTHER)) == (free, used), variant
    simctl("vgpu-list", CARD, "strange")
    lines = (PCI / VF / "nvidia" / "creatable_vgpu_types").read_bytes().split(b"\n")
    assert len(lines) == 6 and [one.encode(), other.encode()] == lines[3:5]
    assert "no such list" in simctl_fails("vgpu-list", CARD, "x")


# --- the table of errors of writes to current_vgpu_type, in both dialects


def expect(function, number, error, left):
    """Writes a number that fails like that, or succeeds (0). Whatever the write says, the file has the result."""
    with fails_with(error) if error else contextlib.nullcontext():
        set_type(function, number)
    assert get_type(function) == left


def no_number():
    for text in ("", "x", "-1", "1145 1152", "0x1", "99999999999"):
        expect(VF, text or " ", errno.EINVAL, 0)


@simulated(*card())
def test_errors_no_number():
    no_number()


@simulated(*card(f"vfs=4,dialect=upstream,{TYPES}"))
def test_errors_no_number_upstream():
    no_number()


@simulated(*card())
def test_errors_of_a_type_where_there_is_one():
    set_type(VF, 1145)
    for number in (1145, 1152, 7):
        expect(VF, number, errno.EPERM, 1145)
    simctl("hold", VF)
    expect(VF, 1152, errno.EPERM, 1145)


@simulated(*card(f"vfs=4,dialect=upstream,{TYPES}"))
def test_errors_of_a_type_where_there_is_one_upstream():
    set_type(VF, 1145)
    expect(VF, 1145, 0, 1145)
    expect(VF, 1152, errno.EINVAL, 1145)
    expect(OTHER, 1152, errno.EINVAL, 0)
    simctl("hold", VF)
    expect(VF, 1145, errno.EBUSY, 1145)


@simulated(*card(f"vfs=8,{TYPES}"))
def test_errors_of_a_type_that_is_not_creatable():
    expect(VF, 7, errno.EIO, 0)
    for name in functions()[:4]:
        set_type(name, 1152)
    expect(functions()[4], 1145, errno.EIO, 0)


@simulated(*card("vfs=8,dialect=upstream,nvidia-1145=2"))
def test_errors_of_a_type_that_is_not_creatable_upstream():
    expect(VF, 7, errno.ENODEV, 0)
    for name in functions()[:2]:
        set_type(name, 1145)
    assert creatable(functions()[2]) == [HEADING]
    expect(functions()[2], 1145, errno.ENOSPC, 0)


@simulated(*card(f"vfs=4,sizes=equal,nvidia-1146=8,{TYPES}"))
def test_errors_of_another_size():
    set_type(VF, 1145)
    assert creatable(OTHER) == [HEADING, "1146  : NVIDIA L40S-2B", "1145  : NVIDIA L40S-1B"]
    expect(OTHER, 1152, errno.EIO, 0)
    expect(OTHER, 1146, 0, 1146)


@simulated(*card(f"vfs=off:4,{TYPES}"))
def test_errors_of_mig_without_instances():
    simctl("mig", CARD, "ready")
    # Making the functions wipes the instances.
    assert sriov_manage() == 0
    assert creatable(VF) == [HEADING]
    expect(VF, 1145, errno.EIO, 0)
    simctl("mig", CARD, "ready")
    expect(VF, 1145, 0, 1145)


@simulated(*card(f"vfs=4,sriov=raw,{TYPES}"))
def test_errors_of_a_function_that_was_bound_again():
    set_type(VF, 1145)
    write(PCI / VF / "driver" / "unbind", VF)
    assert not (PCI / VF / "nvidia").exists() and not (PCI / VF / "vfio-dev").exists() and driver(VF) is None
    write("/sys/bus/pci/drivers/nvidia/bind", VF)
    with fails_with(errno.EBUSY):
        write("/sys/bus/pci/drivers/nvidia/bind", VF)
    assert get_type(VF) == 0 and creatable(VF)
    expect(VF, 1145, errno.EINVAL, 0)
    expect(OTHER, 1145, 0, 1145)
    write(PCI / CARD / "sriov_numvfs", 0)
    write(PCI / CARD / "sriov_numvfs", 4)
    expect(VF, 1145, 0, 1145)
    assert get_type(OTHER) == 0


@simulated(*card())
def test_errors_of_a_clear():
    expect(VF, 0, errno.EPERM, 0)
    set_type(VF, 1145)
    simctl("hold", VF)
    expect(VF, 0, errno.EPERM, 1145)
    simctl("release", VF)
    expect(VF, 0, 0, 0)


@simulated(*card(f"vfs=4,dialect=upstream,{TYPES}"))
def test_errors_of_a_clear_upstream():
    expect(VF, 0, 0, 0)
    set_type(VF, 1145)
    simctl("hold", "--cdev", VF)
    expect(VF, 0, errno.EBUSY, 1145)
    simctl("release", VF)
    expect(VF, 0, 0, 0)


@simulated(*card())
def test_a_clear_waits_for_the_plugin():
    set_type(VF, 1145)
    simctl("delay", VF, "plugin", 60000)
    simctl("hold", VF)
    simctl("release", VF)
    begin = time.monotonic()
    expect(VF, 0, errno.EBUSY, 1145)
    assert time.monotonic() - begin >= 0.5

    set_type(OTHER, 1145)
    simctl("hang", OTHER, "plugin")
    simctl("delay", OTHER, "patience", 60000)
    simctl("hold", OTHER)
    simctl("release", OTHER)
    clear = Background(set_type, OTHER, 0)
    assert clear.hangs() and clear.state() == "S"
    simctl("resume", OTHER)
    assert clear.errno() == 0 and get_type(OTHER) == 0


@simulated(*card(f"vfs=4,sriov=raw,{TYPES}"))
def test_a_function_wedges():
    set_type(VF, 1145)
    simctl("wedge", VF, "clear")
    for _ in range(2):
        expect(VF, 0, errno.EIO, 1145)
    simctl("wedge", OTHER, "guest")
    set_type(OTHER, 1152)
    assert "Input/output error" in simctl_fails("hold", OTHER)
    set_type(OTHER, 0)
    write(PCI / CARD / "sriov_numvfs", 0)
    write(PCI / CARD / "sriov_numvfs", 4)
    expect(VF, 1152, 0, 1152)
    expect(VF, 0, 0, 0)
    set_type(OTHER, 1152)
    simctl("hold", OTHER)


@simulated(*card())
def test_a_user_that_is_killed_at_once_wedges_its_function():
    simctl("delay", VF, "wedge", 60000)
    set_type(VF, 1145)
    simctl("hold", VF)
    simctl("release", VF)
    assert "Input/output error" in simctl_fails("hold", VF)
    expect(VF, 0, 0, 0)


@simulated(*card(f"vfs=5,{TYPES}"))
def test_a_type_can_be_read_before_it_is_there():
    simctl("hang", VF, "create")
    simctl("hang", OTHER, "create")
    first, second = Background(set_type, VF, 1152), Background(set_type, OTHER, 1152)
    in_driver(VF, 1)
    in_driver(OTHER, 1)
    for name in functions()[2:]:
        set_type(name, 1152)
    assert get_type(VF) == get_type(OTHER) == 1152
    expect(VF, 1145, errno.EPERM, 1152)
    expect(VF, 0, errno.EPERM, 1152)
    simctl("resume", VF)
    simctl("resume", OTHER)
    assert (first.errno(), second.errno(), get_type(VF), get_type(OTHER)) == (0, errno.EIO, 1152, 0)


@simulated(*card())
def test_a_write_can_fail_and_have_an_effect():
    simctl("fail", VF, "create", "EIO")
    expect(VF, 1145, errno.EIO, 0)
    simctl("fail", VF, "created", "EPERM")
    expect(VF, 1145, errno.EPERM, 1145)
    simctl("fail", VF, "remove", "EBUSY", 1, 0)
    expect(VF, 0, errno.EBUSY, 1145)
    simctl("fail", VF, "removed", "EPERM")
    expect(VF, 0, errno.EPERM, 0)
    simctl("fail", VF, "creatable_vgpu_types", "EIO")
    with fails_with(errno.EIO):
        creatable(VF)
    assert creatable(VF)


# --- races: no lock spans the checks of a write and what it does


def in_driver(name, count):
    return eventually(lambda: int(simctl("waiting", name)) == count)


@simulated(*card())
def test_two_writers_of_one_function_both_succeed():
    simctl("hang", VF, "current_vgpu_type")
    first = Background(set_type, VF, 1145)
    in_driver(VF, 1)
    second = Background(set_type, VF, 1152)
    in_driver(VF, 2)
    simctl("resume", VF)
    assert (first.errno(), second.errno(), get_type(VF)) == (0, 0, 1152)
    # What the first one had is free again.
    set_type(VF, 0)
    for name in functions():
        set_type(name, 1152)


@simulated(*card())
def test_a_late_clear_takes_the_type_of_the_next_owner():
    set_type(VF, 1145)
    simctl("delay", VF, "current_vgpu_type", 1500)
    late = Background(set_type, VF, 0)
    in_driver(VF, 1)
    simctl("delay", VF, "current_vgpu_type", 0)
    set_type(VF, 0)
    set_type(VF, 1152)
    assert get_type(VF) == 1152
    assert late.errno() == 0
    assert get_type(VF) == 0


def count_lost(rounds):
    """How often two that write at the same moment did both succeed, at most once."""
    lost = 0
    for _ in range(rounds):
        files = [os.open(PCI / VF / "nvidia" / "current_vgpu_type", os.O_WRONLY) for _ in range(2)]
        begin = time.monotonic() + 0.005

        def race(file, number):
            while time.monotonic() < begin:
                pass
            os.write(file, number)

        writers = [Background(race, file, number) for file, number in zip(files, (b"1145", b"1152"))]
        results = sorted(writer.errno() for writer in writers)
        assert results in ([0, 0], [0, errno.EPERM])
        lost += results == [0, 0]
        for file in files:
            os.close(file)
        set_type(VF, 0)
        if lost:
            break
    return lost


@simulated(*card())
def test_raw_writers_lose_without_any_help():
    """With no delay set, now and then. One of them has nothing."""
    assert count_lost(500)


@simulated(*card(f"vfs=4,locked=on,{TYPES}"))
def test_a_driver_that_lets_nobody_between():
    """As many rounds as show it without the lock many times over."""
    assert not count_lost(100)


@simulated(*card("vfs=4,nvidia-1145=1"))
def test_the_capacity_of_the_card_is_never_exceeded():
    for name in (VF, OTHER):
        simctl("hang", name, "current_vgpu_type")
    writers = [Background(set_type, name, 1145) for name in (VF, OTHER)]
    for name in (VF, OTHER):
        in_driver(name, 1)
    for name in (VF, OTHER):
        simctl("resume", name)
    assert sorted(writer.errno() for writer in writers) == [0, errno.EIO]
    assert sorted([get_type(VF), get_type(OTHER)]) == [0, 1145]


# --- drivers that hang


@simulated(*card(f"vfs=4,sriov=raw,{TYPES}"))
def test_a_hung_clear():
    set_type(VF, 1145)
    simctl("hang", VF, "remove")
    clear = Background(set_type, VF, 0)
    in_driver(VF, 1)
    assert get_type(VF) == 1145
    set_type(OTHER, 1145)
    set_type(OTHER, 0)
    os.kill(clear.pid, signal.SIGKILL)
    assert clear.hangs(0.1) and clear.state() == "D"
    # The functions go after those that write to their files.
    cycle = Background(write, PCI / CARD / "sriov_numvfs", 0)
    assert cycle.hangs(0.1)
    simctl("resume", VF)
    assert cycle.errno() == 0 and clear.errno() == -signal.SIGKILL
    assert functions() == []


@simulated(*card())
def test_slow_and_hung_files():
    simctl("hang", VF, "current_vgpu_type")
    simctl("hang", OTHER, "read")
    jobs = [Background(set_type, VF, 1145), Background(get_type, OTHER)]
    assert all([job.hangs(0.05) for job in jobs])
    assert get_type(VF) == 0
    simctl("resume", VF)
    simctl("resume", OTHER)
    assert [job.errno() for job in jobs] == [0, 0] and get_type(VF) == 1145
    simctl("delay", VF, "remove", 200)
    begin = time.monotonic()
    set_type(VF, 0)
    assert time.monotonic() - begin >= 0.2


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


@simulated(*card(f"vfs=4,sriov=raw,{TYPES}"))
def test_an_open_group_outlives_its_function():
    """Nobody waits for whoever has the group open, but not the device."""
    holder = int(simctl("hold", "--group-only", VF))
    os.kill(holder, signal.SIGSTOP)
    release = Background(simctl, "release", VF)
    assert release.hangs()
    write(PCI / CARD / "sriov_numvfs", 0)
    assert release.errno() == 0
    os.kill(holder, signal.SIGKILL)


@simulated(*card(f"vfs=4,groups=off,{TYPES}"))
def test_without_groups_only_the_device_has_a_node():
    assert sorted(os.listdir("/dev/vfio")) == ["devices", "vfio"] and len(os.listdir("/dev/vfio/devices")) == 4
    assert not os.listdir("/sys/class/vfio")
    set_type(VF, 1145)
    assert "No such file" in simctl_fails("hold", VF)
    holder = simctl("hold", "--cdev", VF)
    links = [os.readlink(f"/proc/{holder}/fd/{fd}") for fd in os.listdir(f"/proc/{holder}/fd")]
    assert f"/dev/vfio/devices/{os.listdir(PCI / VF / 'vfio-dev')[0]}" in links
    expect(VF, 0, errno.EPERM, 1145)
    simctl("release", VF)
    expect(VF, 0, 0, 0)


@simulated("--no-daemon", "--parent", "mtty:mtty-1=4", *card()[1:])
def test_mediated_devices_beside_cards():
    device = create("mtty", "mtty-1")
    simctl("hold", device)
    set_type(VF, 1145)
    simctl("hold", VF)
    simctl("release", device)
    simctl("release", VF)
    assert os.listdir("/sys/class/mdev_bus") == ["mtty"]


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
    jobs = [Background(write, path, 4)]
    in_driver(CARD, 1)
    jobs += [Background(read, path), Background(read, PCI / CARD / "uevent"),
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


@simulated(*card(f"vfs=off:4,sriov=raw,{TYPES}"))
def test_all_functions_or_none():
    simctl("fail", CARD, "sriov_numvfs", "ENOMEM")
    with fails_with(errno.ENOMEM):
        write(PCI / CARD / "sriov_numvfs", 4)
    assert functions() == [] and read(PCI / CARD / "sriov_numvfs") == "0"
    write(PCI / CARD / "sriov_drivers_autoprobe", 0)
    write(PCI / CARD / "sriov_numvfs", 4)
    assert driver(VF) is None and not (PCI / VF / "nvidia").exists() and (PCI / VF / "iommu_group").exists()
    with fails_with(errno.ENODEV):
        write("/sys/bus/pci/drivers/nvidia/bind", VF)
    write(PCI / CARD / "sriov_drivers_autoprobe", 1)
    write("/sys/bus/pci/drivers/nvidia/bind", VF)
    expect(VF, 1145, 0, 1145)


@simulated(*card(f"vfs=off:4,sriov=raw,{TYPES}"))
def test_types_come_late():
    simctl("hang", CARD, "types")
    write(PCI / CARD / "sriov_numvfs", 4)
    assert driver(VF) == "nvidia" and creatable(VF) == [HEADING]
    expect(VF, 1145, errno.EIO, 0)
    simctl("resume", CARD)
    assert len(creatable(VF)) == 3
    expect(VF, 1145, 0, 1145)


@simulated("--no-daemon", "--card", "0000:03:00.0:vfs=off:7,driver=xe")
def test_a_card_of_another_vendor():
    name = "0000:03:00.0"
    assert (driver(name), read(PCI / name / "vendor")) == ("xe", "0x8086")
    write(PCI / name / "sriov_numvfs", 7)
    assert len(functions(name)) == 7 and driver("0000:03:00.4") == "xe"
    assert not (PCI / "0000:03:00.4" / "nvidia").exists() and os.listdir("/dev/vfio") == ["vfio"]


@simulated(*card(), "--card", f"0000:5e:00.0:vfs=off:2,{TYPES}")
def test_reboot():
    set_type(VF, 1145)
    holder = simctl("hold", VF)
    simctl("hang", OTHER, "create")
    writer = Background(set_type, OTHER, 1152)
    in_driver(OTHER, 1)
    assert sriov_manage("0000:5e:00.0") == 0 and len(functions("0000:5e:00.0")) == 2
    simctl("reboot")
    eventually(lambda: not pathlib.Path(f"/proc/{holder}").exists())
    assert [get_type(name) for name in functions()] == [0, 0, 0, 0] and functions("0000:5e:00.0") == []
    for name in functions():
        set_type(name, 1152)


# --- uevents


@simulated(*card(f"vfs=off:2,sriov=raw,{TYPES}"))
def test_uevents():
    log = pathlib.Path("/run/monitor")

    def seen():
        events = (block.splitlines() for block in log.read_text().split("\n\n"))
        events = (dict(line.split("=", 1) for line in block if "=" in line) for block in events)
        return [(event["ACTION"], event["SUBSYSTEM"], event["DEVPATH"].rsplit("/", 1)[1])
                for event in events if "ACTION" in event]

    with log.open("w") as file, subprocess.Popen(["udevadm", "monitor", "--udev", "--property"],
                                                 stdout=file) as monitor:
        eventually(lambda: "UDEV - the event which udev sends" in log.read_text())
        write(PCI / CARD / "sriov_numvfs", 1)
        group = (PCI / VF / "iommu_group").resolve().name
        device, = os.listdir(PCI / VF / "vfio-dev")
        made = [("add", "pci", VF), ("change", "pci", VF), ("add", "vfio", group), ("add", "vfio-dev", device),
                ("bind", "pci", VF), ("change", "pci", CARD)]
        eventually(lambda: seen() == made)
        assert f"DEVNAME=/dev/vfio/devices/{device}\n" in log.read_text()
        # A type comes and goes without a word.
        set_type(VF, 1145)
        set_type(VF, 0)
        write(PCI / CARD / "sriov_numvfs", 0)
        gone = [("remove", "vfio-dev", device), ("remove", "vfio", group), ("unbind", "pci", VF),
                ("remove", "pci", VF)]
        eventually(lambda: seen() == made + gone)
        write(PCI / CARD / "driver" / "unbind", CARD)
        write("/sys/bus/pci/drivers/nvidia/bind", CARD)
        eventually(lambda: seen() == made + gone + [("unbind", "pci", CARD), ("bind", "pci", CARD)])
        simctl("add-card", f"0000:5e:00.0:vfs=off:2,{TYPES}")
        eventually(lambda: seen()[-2:] == [("add", "pci", "0000:5e:00.0"), ("bind", "pci", "0000:5e:00.0")])
        monitor.terminate()


# --- NVIDIA's program


def sriov_manage(name=CARD, option="-e"):
    return subprocess.run(["/usr/lib/nvidia/sriov-manage", option, name], check=False,
                          stderr=subprocess.DEVNULL).returncode


@simulated(*card(f"vfs=off:4,{TYPES}"))
def test_functions_are_made_by_a_program_alone():
    with fails_with(errno.ENOENT):
        write(PCI / CARD / "sriov_numvfs", 4)
    simctl("hang", CARD, "sriov-manage")
    program = Background(lambda: os._exit(sriov_manage()))
    eventually(lambda: driver(CARD) is None)
    simctl("resume", CARD)
    assert program.errno() == 0
    assert driver(CARD) == driver(VF) == "nvidia" and len(functions()) == 4
    expect(VF, 1145, 0, 1145)
    # It does nothing for a card that has them.
    assert sriov_manage() == 0 and get_type(VF) == 1145
    expect(VF, 0, 0, 0)
    assert sriov_manage("ALL", "-d") == 0 and functions() == [] and driver(CARD) == "nvidia"
    assert sriov_manage("0000:ff:00.0") == 1


@simulated(*card(f"vfs=off:4,{TYPES}"))
def test_how_the_program_fails():
    holder = simctl("hold", CARD)
    assert holder and sriov_manage() == 1 and driver(CARD) == "nvidia"
    unbind = Background(write, PCI / CARD / "driver" / "unbind", CARD)
    assert unbind.hangs(0.1) and unbind.state() == "S"
    simctl("release", CARD)
    assert unbind.errno() == 0
    write("/sys/bus/pci/drivers/nvidia/bind", CARD)

    simctl("fail", CARD, "sriov-manage-quietly", "EIO")
    assert sriov_manage() == 0 and functions() == [] and driver(CARD) == "nvidia"
    simctl("fail", CARD, "sriov-manage", "EIO")
    assert sriov_manage() == 1 and functions() == [] and driver(CARD) is None
    assert sriov_manage() == 0 and len(functions()) == 4 and driver(CARD) == "nvidia"


@simulated(*card(f"vfs=off:4,{TYPES}"), "--card", f"0000:5e:00.0:vfs=off:2,{TYPES}")
def test_the_program_must_not_run_twice_at_once():
    simctl("hang", CARD, "sriov-manage")
    program = Background(lambda: os._exit(sriov_manage()))
    eventually(lambda: driver(CARD) is None)
    assert sriov_manage("0000:5e:00.0") == 1 and driver("0000:5e:00.0") is None
    simctl("resume", CARD)
    assert program.errno() == 0 and len(functions()) == 4
    assert sriov_manage("0000:5e:00.0") == 0 and len(functions("0000:5e:00.0")) == 2


@simulated(*card(f"vfs=off:4,{TYPES}"))
def test_a_killed_program_leaves_the_card_without_driver():
    simctl("hang", CARD, "sriov-manage")
    with subprocess.Popen(["/usr/lib/nvidia/sriov-manage", "-e", CARD]) as program:
        eventually(lambda: driver(CARD) is None)
        program.kill()
    assert driver(CARD) is None and functions() == []
    simctl("resume", CARD)
    assert sriov_manage() == 0 and driver(CARD) == "nvidia"


# --- what a person writes


def test_what_is_no_card():
    for spec in ("0000:3d:00.0", "0000:3d:00.0:", "0000:3d:00.0:vfs=0", "0000:3d:00.0:vfs=256", "mtty:vfs=4",
                 "0000:3d:00.0:vfs=4,nvidia-0=4", "0000:3d:00.0:vfs=4,nvidia-1=0", "0000:3d:00.0:vfs=4,nvidia-x=1",
                 "0000:3d:00.0:vfs=4,dialect=x", "0000:3d:00.0:vfs=4,locked=x", "0000:3d:00.0:vfs=4,x=1",
                 "0000:3d:00.0:vfs=4,driver=xe,nvidia-1=1"):
        result = subprocess.run([SIMULATE, "--no-daemon", "--card", spec, "true"], check=False, capture_output=True,
                                text=True)
        assert result.returncode == 2 and "--card" in result.stderr, spec


@simulated(*card())
def test_simctl_names_what_is_missing():
    assert "no parent, card or virtual function x" in simctl_fails("delay", "x", "create", 1)
    assert "no card x" in simctl_fails("mig", "x", "on")
    assert "not off, on or ready: x" in simctl_fails("mig", CARD, "x")
    assert "no virtual function x" in simctl_fails("wedge", "x", "clear")
    assert "not clear or guest: x" in simctl_fails("wedge", VF, "x")
    assert "exists" in simctl_fails("add-card", f"{CARD}:vfs=1")
    assert f"nobody holds {VF}" in simctl_fails("release", VF)
