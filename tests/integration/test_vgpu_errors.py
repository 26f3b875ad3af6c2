# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a driver of vendor VFIO answers to a write of a type, or of 0: each error means several things, and what the
VF's file says after that is the result. docs/KERNEL.md has the table."""

import subprocess

import pytest
from definitions import restart_daemon, start_daemon, stop_daemon
from host import write
from vgpus import (CARD, DIALECTS, LARGE, NEXT, PCI, SMALL, VF, VFS, card, current, kernel, raw_set, shown, uuid_of,
                   vgpu_host)

IO_ERROR = "org.freedesktop.DBus.Error.IOError"

both = pytest.mark.parametrize("dialect", DIALECTS)


def host_of(dialect, *words, vfs=4):
    return vgpu_host(card(vfs, f"dialect={dialect}", *words))


def refused(host, type=SMALL, vf=VF):
    """A create that fails leaves nothing."""
    error = host.begin_create(parent=vf, type=type).error()
    assert host.is_idle() and host.devices() == {} and vf in error.text
    return error


def serves(host, vf=VF):
    host.stop(host.create(parent=vf, type=SMALL))
    assert current(vf) == 0


# --- a type is written


@both
def test_no_number(dialect):
    """Nothing but a number is ever written."""
    with host_of(dialect) as host:
        for name in ("nvidia-", "nvidia-0", "nvidia-x", "nvidia-01145", "nvidia-1145x", "1145", "nvidia-4294968441"):
            assert refused(host, name).name == "NoSuchType"
        assert kernel(VFS) == {}


@both
@pytest.mark.parametrize("theirs", [SMALL, LARGE])
def test_a_vf_that_has_a_type(dialect, theirs):
    with host_of(dialect) as host:
        raw_set(VF, theirs)
        error = host.begin_create(parent=VF, type=SMALL).error()
        assert error.name == "NoAvailableInstances" and theirs in error.text and VF in error.text
        assert kernel(VFS) == {VF: theirs}
        host.eventually(lambda: host.states() == {uuid_of(VF): "active"})


@both
def test_somebody_else_is_faster(dialect):
    """Both writes pass what the driver checks, and both succeed. The later one has won."""
    with host_of(dialect) as host:
        host.simctl("hang", VF, "current_vgpu_type")
        create = host.begin_create(parent=VF, type=SMALL)
        host.eventually(lambda: host.simctl("waiting", VF) == "1")
        write_theirs = host.start("echo 1152 >$1", PCI / VF / "nvidia" / "current_vgpu_type")
        host.eventually(lambda: host.simctl("waiting", VF) == "2")
        host.simctl("resume", VF)
        write_theirs.wait(10)
        error = create.error()
        assert error.name == "NoAvailableInstances" and LARGE in error.text
        assert kernel(VFS) == {VF: LARGE}
        host.eventually(lambda: host.states() == {uuid_of(VF): "active"})


@both
def test_a_full_card(dialect):
    """EIO or ENOSPC. What was read last is old."""
    with host_of(dialect, vfs=6) as host:
        for vf in VFS[1:5]:
            raw_set(vf, LARGE)
        error = host.begin_create(parent=VF, type=LARGE).error()
        assert error.name == "NoAvailableInstances" and "full" in error.text
        assert current(VF) == 0
        raw_set(VFS[1], None)
        serves_large = host.create(parent=VF, type=LARGE)
        host.stop(serves_large)


def test_another_size():
    with host_of("nvidia", "sizes=equal") as host:
        raw_set(NEXT, LARGE)
        error = host.begin_create(parent=VF, type=SMALL).error()
        assert error.name == "NoAvailableInstances" and "size" in error.text


def test_another_type_on_the_card():
    """EINVAL of the driver that was proposed for the kernel."""
    with host_of("upstream") as host:
        raw_set(NEXT, LARGE)
        error = host.begin_create(parent=VF, type=SMALL).error()
        assert error.name == "NoAvailableInstances" and current(VF) == 0


def test_no_mig_instances():
    with host_of("nvidia") as host:
        host.simctl("mig", CARD, "on")
        error = refused(host)
        assert error.name == "NoAvailableInstances" and "MIG" in error.text
        host.simctl("mig", CARD, "ready")
        serves(host)


@pytest.mark.parametrize("errno", ["EPERM", "EBUSY"])
def test_a_refusal_that_is_over_at_once(errno):
    """The driver says that there is a vGPU, and there is none any more."""
    with host_of("nvidia") as host:
        host.simctl("fail", VF, "create", errno, 3)
        serves(host)


@pytest.mark.parametrize("errno", ["EPERM", "EBUSY"])
def test_a_refusal_that_lasts(errno):
    with host_of("nvidia") as host:
        host.simctl("fail", VF, "create", errno, 100000)
        assert refused(host).name == "NoAvailableInstances"
        host.simctl("fail", VF, "create", errno, 0)
        serves(host)


@pytest.mark.parametrize("errno,name", [("EIO", IO_ERROR), ("EINVAL", IO_ERROR), ("ENOMEM", IO_ERROR),
                                        ("ENODEV", "NoSuchType"), ("ENOSPC", "NoAvailableInstances")])
def test_a_refusal_of_what_the_driver_offers(errno, name):
    with host_of("nvidia") as host:
        host.simctl("fail", VF, "create", errno)
        assert refused(host).name == name
        assert current(VF) == 0
        serves(host)


@pytest.mark.parametrize("errno", ["EIO", "EPERM", "EBUSY"])
def test_a_create_that_fails_and_has_made_it(errno):
    """Whose vGPU that is nobody knows: others could have been faster. So it is shown as theirs, and is not cleared."""
    with host_of("nvidia") as host:
        host.simctl("fail", VF, "created", errno)
        error = host.begin_create(parent=VF, type=SMALL).error()
        assert error.name == "NoAvailableInstances" and SMALL in error.text and VF in error.text
        assert kernel(VFS) == {VF: SMALL}
        host.eventually(lambda: host.states() == {uuid_of(VF): "active"} and host.is_idle())
        host.stop(uuid_of(VF))
        serves(host)


# --- 0 is written


@both
def test_others_have_cleared_it(dialect):
    with host_of(dialect) as host:
        uuid = host.create(parent=VF, type=SMALL)
        raw_set(VF, None)
        # The daemon may know already.
        reply = host.begin_stop(uuid)
        reply.wait()
        assert reply.task.result().error_name in (None, "org.mediated1.Error.NoSuchDevice")
        assert host.devices() == {}


@both
def test_others_clear_it_meanwhile(dialect):
    with host_of(dialect) as host:
        uuid = host.create(parent=VF, type=SMALL)
        host.simctl("hang", VF, "current_vgpu_type")
        stop = host.begin_stop(uuid)
        host.eventually(lambda: host.simctl("waiting", VF) == "1")
        clear = host.start("echo 0 >$1", PCI / VF / "nvidia" / "current_vgpu_type")
        host.eventually(lambda: host.simctl("waiting", VF) == "2")
        host.simctl("resume", VF)
        clear.wait(10)
        stop.result()
        assert kernel(VFS) == {} and host.devices() == {}


@pytest.mark.parametrize("errno", ["EPERM", "EBUSY", "EIO"])
def test_a_clear_that_fails_and_has_done_it(errno):
    with host_of("nvidia") as host:
        uuid = host.create(parent=VF, type=SMALL)
        host.simctl("fail", VF, "removed", errno)
        host.stop(uuid)
        assert kernel(VFS) == {} and host.devices() == {}
        serves(host)


@pytest.mark.parametrize("errno", ["EPERM", "EBUSY"])
def test_a_clear_that_is_refused_for_a_while(errno):
    with host_of("nvidia") as host:
        uuid = host.create(parent=VF, type=SMALL)
        host.simctl("fail", VF, "remove", errno, 4)
        host.stop(uuid)
        assert kernel(VFS) == {} and host.devices() == {}


@pytest.mark.parametrize("errno", ["EPERM", "EBUSY"])
def test_a_clear_that_is_refused_for_ever(errno):
    with host_of("nvidia") as host:
        uuid = host.create(parent=VF, type=SMALL)
        host.simctl("fail", VF, "remove", errno, 100000)
        error = host.begin_stop(uuid, timeout=1).error()
        assert error.name in ("DeviceBusy", "JobTimedOut")
        host.eventually(host.is_idle)
        assert host.states() == {uuid: "active"} and kernel(VFS) == {VF: SMALL}
        host.simctl("fail", VF, "remove", errno, 0)
        host.stop(uuid)


def test_any_other_error_of_a_clear():
    with host_of("nvidia") as host:
        uuid = host.create(parent=VF, type=SMALL)
        host.simctl("fail", VF, "remove", "ENOMEM")
        assert host.begin_stop(uuid).error().name == IO_ERROR
        assert host.states() == {uuid: "active"} and kernel(VFS) == {VF: SMALL}
        host.stop(uuid)


@pytest.mark.parametrize("made_by_others", [False, True])
def test_wedged(made_by_others):
    """EIO of a clear. The VF is not written to any more, not by a new daemon either, until SR-IOV of its card was
    switched off and on."""
    with vgpu_host(card(4, "sriov=raw")) as host:
        host.simctl("wedge", VF, "clear")
        if made_by_others:
            raw_set(VF, SMALL)
            uuid = uuid_of(VF)
            host.eventually(lambda: uuid in host.devices())
        else:
            uuid = host.create(parent=VF, type=SMALL)
        for restart in (False, True):
            if restart:
                restart_daemon(host)
            error = host.begin_stop(uuid).error()
            assert error.name == "Wedged" and "SR-IOV" in error.text and uuid in error.text
            assert host.state(uuid) == "wedged"
            # A second write would go through, and would hang.
            host.simctl("hang", VF, "current_vgpu_type")
        assert host.begin_stop(uuid, wait=True).error().name == "Wedged"
        assert host.simctl("waiting", VF) == "0" and current(VF) == 1145
        assert host.begin_create(parent=VF, type=SMALL).error().name == "NoAvailableInstances"
        assert host.log().count("is wedged") > 0
        # Other VFs serve.
        serves(host, NEXT)

        host.simctl("resume", VF)
        write(PCI / CARD / "sriov_numvfs", 0)
        host.eventually(lambda: host.devices() == {})
        write(PCI / CARD / "sriov_numvfs", 4)
        host.eventually(lambda: (VF, SMALL) in host.types())
        serves(host)


def test_a_card_asks_the_next_vf():
    """The VF that is chosen is lost to somebody else while mediated writes to it."""
    with vgpu_host() as host:
        for vf in VFS[:4]:
            host.simctl("hang", vf, "current_vgpu_type")
        create = host.begin_create(parent=CARD, type=SMALL)

        def find_chosen():
            return next((vf for vf in VFS[:4] if host.simctl("waiting", vf) == "1"), None)

        lost = host.eventually(find_chosen)
        theirs = host.start("echo 1152 >$1", PCI / lost / "nvidia" / "current_vgpu_type")
        host.eventually(lambda: host.simctl("waiting", lost) == "2")
        for vf in VFS[:4]:
            host.simctl("resume", vf)
        theirs.wait(10)
        uuid, _ = create.result()
        parent = host.device(uuid)["ParentName"]
        assert parent != lost and kernel(VFS) == {lost: LARGE, parent: SMALL}
        host.eventually(lambda: shown(host) == kernel(VFS))


@pytest.mark.parametrize("errno", ["EIO", "ENXIO"])
def test_a_file_that_cannot_be_read(errno):
    """Nothing is written then, and the device is not forgotten."""
    with vgpu_host() as host:
        uuid = host.create(parent=VF, type=SMALL)
        host.eventually(lambda: host.available(VF, SMALL) == 0)
        host.sleep(0.3)
        host.simctl("fail", VF, "creatable_vgpu_types", errno, 100)
        host.types()
        assert host.states() == {uuid: "active"}
        host.simctl("fail", VF, "creatable_vgpu_types", errno, 0)
        host.stop(uuid)


@pytest.mark.parametrize("how", ["full", "read-only"])
def test_notes_that_cannot_be_written(how):
    """Nothing is created that could not be noted. Stops still work, also of what others have made and nobody has
    noted."""
    with vgpu_host() as host:
        stop_daemon(host)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "nr_inodes=64", "tmpfs", "/run/mediated"], check=True)
        start_daemon(host)
        host.eventually(lambda: len(host.types()) == 8)
        uuid = host.create(parent=VF, type=SMALL)
        if how == "full":
            host.shell("cd /run/mediated && mkdir fill && i=0 && while touch fill/$((i++)); do :; done", check=False)
        else:
            host.shell("mount -o remount,ro /run/mediated")
        raw_set(NEXT, SMALL)
        host.eventually(lambda: host.states() == {uuid: "active", uuid_of(NEXT): "active"})
        error = host.begin_create(parent=VFS[2], type=SMALL).error()
        assert error.name == IO_ERROR and "/run/mediated" in error.text
        assert kernel(VFS) == {VF: SMALL, NEXT: SMALL}
        host.stop(uuid)
        host.stop(uuid_of(NEXT))
        assert kernel(VFS) == {} and host.devices() == {}
        # The note could not be removed. It is as soon as that can be done.
        host.shell("cd /run/mediated && { rm -rf fill; mount -o remount,rw /run/mediated; }")
        host.types()
        raw_set(VF, SMALL)
        host.eventually(lambda: host.states() == {uuid_of(VF): "active"})
