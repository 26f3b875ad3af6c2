# SPDX-License-Identifier: LGPL-2.1-or-later
"""vGPUs of vendor VFIO, which have a virtual function (VF) as their parent: how they come and go."""

import pytest
from bus import PARENT
from definitions import define, listed, restart_daemon, start, start_daemon, stop_daemon
from host import parent_path, read, write
from vgpus import (CARD, DIALECTS, LARGE, NEXT, OTHER_CARD, OTHER_VFS, PCI, SMALL, VF, VFS, card, current, kernel,
                   raw_set, shown, uuid_of, vgpu_host)

IO_ERROR = "org.freedesktop.DBus.Error.IOError"


@pytest.mark.parametrize("dialect", DIALECTS)
def test_life_on_a_vf(dialect):
    with vgpu_host(card(4, f"dialect={dialect}")) as host:
        assert host.properties(parent_path(VF), PARENT)["Backend"] == "nvidia-vfio"
        assert host.properties(parent_path(VF), PARENT)["Card"] == CARD
        uuid = host.create(parent=VF, type=SMALL)
        assert current(VF) == 1145
        device = host.device(uuid)
        assert (device["ParentName"], device["Type"], device["State"]) == (VF, SMALL, "active")
        host.stop(uuid)
        assert current(VF) == 0
        assert host.devices() == {} and host.is_idle()
        # The VF serves the next one.
        host.stop(host.create(parent=VF, type=LARGE))
        # After each create the registry looks once more, which may be after the stop.
        host.sleep(0.1)
        assert host.devices() == {}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_life_on_a_card(dialect):
    with vgpu_host(card(4, f"dialect={dialect}")) as host:
        calls = [host.begin_create(parent=CARD, type=LARGE) for _ in range(4)]
        uuids = [call.result()[0] for call in calls]
        assert kernel(VFS) == shown(host) == dict.fromkeys(VFS[:4], LARGE)
        error = host.begin_create(parent=CARD, type=LARGE).error()
        assert error.name == "NoAvailableInstances" and CARD in error.text
        for uuid in uuids:
            host.stop(uuid)
        assert kernel(VFS) == {}


def test_types_of_a_vf():
    with vgpu_host() as host:
        kinds = host.types(VF)
        assert {type: (row.name, row.device_api, row.available) for (_, type), row in kinds.items()} == {
            SMALL: ("NVIDIA L40S-1B", "vfio-pci", 1), LARGE: ("NVIDIA L40S-8Q", "vfio-pci", 1)}


def test_a_vf_has_one_device():
    with vgpu_host() as host:
        uuid = host.create(parent=VF, type=SMALL)
        error = host.begin_create(parent=VF, type=SMALL).error()
        assert error.name == "NoAvailableInstances" and VF in error.text
        assert set(host.devices()) == {uuid} and host.is_idle()


def test_a_uuid_has_one_vf():
    with vgpu_host() as host:
        uuid = host.create(parent=VF, type=SMALL)
        assert host.begin_create(uuid, NEXT, SMALL).error().name == "AlreadyExists"
        assert kernel(VFS) == {VF: SMALL}


def test_many_uuids_at_one_vf():
    """They take turns; one gets it."""
    with vgpu_host(create_delay=20) as host:
        calls = [host.begin_create(parent=VF, type=SMALL) for _ in range(10)]
        answers = []
        for call in calls:
            call.wait()
            answers.append(call.task.result().error_name or "")
        assert sorted(answers) == [""] + ["org.mediated1.Error.NoAvailableInstances"] * 9
        assert len(host.devices()) == 1 and kernel(VFS) == {VF: SMALL}


def test_a_full_card_and_names_that_are_remembered():
    """Capacity is the card's: no VF offers a type any more, but each still has it, without an instance."""
    with vgpu_host(card(6)) as host:
        uuids = [host.create(parent=vf, type=LARGE) for vf in VFS[:4]]
        for vf in VFS[:6]:
            host.eventually(lambda vf=vf: host.available(vf, SMALL) == host.available(vf, LARGE) == 0)
            assert {type: row.name for (_, type), row in host.types(vf).items()} == {
                SMALL: "NVIDIA L40S-1B", LARGE: "NVIDIA L40S-8Q"}
        error = host.begin_create(parent=VFS[4], type=SMALL).error()
        assert error.name == "NoAvailableInstances" and SMALL in error.text and VFS[4] in error.text
        assert host.is_idle()
        # It is remembered for VFs that come later, too.
        host.stop(uuids[0])
        for vf in (VFS[0], *VFS[4:6]):
            host.eventually(lambda vf=vf: host.available(vf, SMALL) == host.available(vf, LARGE) == 1)


@pytest.mark.parametrize("kept", [True, False])
def test_names_after_a_restart(kept):
    """A VF that has a type lists none. It has those that were known, or those of the others, also if it was read before
    them."""
    with vgpu_host() as host:
        uuid = host.create(parent=VF, type=SMALL)
        for vf in VFS[1:4]:
            host.simctl("hang", vf, "read")
        stop_daemon(host)
        if not kept:
            host.shell("rm -r /run/mediated/cards")
        start_daemon(host)
        assert {type for _, type in host.types(VF)} == ({SMALL, LARGE} if kept else set())
        for vf in VFS[1:4]:
            host.simctl("resume", vf)
        host.eventually(lambda: host.available(NEXT, SMALL) == 1)
        assert host.available(VF, SMALL) == 0
        host.stop(uuid)


@pytest.mark.parametrize("variant", ["normal", "no-heading", "heading", "empty", "active", "name-first", "strange"])
def test_variants_of_the_list(variant):
    """Whatever the list looks like later, the types are known that it had; a new type is known at once."""
    with vgpu_host() as host:
        host.simctl("vgpu-list", CARD, variant)
        raw_set(NEXT, SMALL)
        host.eventually(lambda: uuid_of(NEXT) in host.devices())
        host.types()
        readable = variant not in ("heading", "empty")
        for vf in VFS[:3:2]:
            host.eventually(lambda vf=vf: host.available(vf, SMALL) == host.available(vf, LARGE) == int(readable))
        host.eventually(lambda: host.available(NEXT, SMALL) == 0)
        assert {row.name for row in host.types().values()} == {"NVIDIA L40S-1B", "NVIDIA L40S-8Q"}
        # A list is a hint. The driver decides.
        host.stop(host.create(parent=VF, type=LARGE))


# --- in use


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("groups", ["on", "off"])
def test_in_use(dialect, groups):
    with vgpu_host(card(4, f"dialect={dialect}", f"groups={groups}")) as host:
        uuid = host.create(parent=VF, type=SMALL)
        for options in ([[], ["--group-only"], ["--cdev"]] if groups == "on" else [["--cdev"]]):
            holder = host.simctl("hold", *options, VF)
            error = host.begin_stop(uuid).error()
            assert error.name == "DeviceBusy" and f"process {holder} (simctl-holder)" in error.text
            assert host.state(uuid) == "active" and current(VF) == 1145
            host.simctl("release", VF)
        host.stop(uuid)
        assert current(VF) == 0


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("groups", ["on", "off"])
def test_stop_waits_for_the_user_and_its_plugin(dialect, groups):
    """The plugin stays longer than the driver lets a clear wait: EBUSY, several times."""
    with vgpu_host(card(4, f"dialect={dialect}", f"groups={groups}")) as host:
        host.simctl("delay", VF, "plugin", 700)
        host.simctl("delay", VF, "patience", 100)
        uuid = host.create(parent=VF, type=SMALL)
        host.simctl("hold", *([] if groups == "on" else ["--cdev"]), VF)
        stop = host.begin_stop(uuid, wait=True)
        host.sleep(0.5)
        assert not stop.done and current(VF) == 1145
        host.simctl("release", VF)
        stop.result()
        assert current(VF) == 0


def test_a_plugin_that_never_ends():
    with vgpu_host() as host:
        host.simctl("hang", VF, "plugin")
        host.simctl("delay", VF, "patience", 50)
        uuid = host.create(parent=VF, type=SMALL)
        host.simctl("hold", VF)
        host.simctl("release", VF)
        stop = host.begin_stop(uuid, timeout=2)
        error = stop.error()
        assert error.name in ("DeviceBusy", "JobTimedOut") and uuid in error.text
        assert 1 < stop.seconds < 5
        host.eventually(host.is_idle)
        assert host.state(uuid) == "active" and current(VF) == 1145
        host.simctl("resume", VF)
        host.stop(uuid)


# --- definitions


def test_define_and_start():
    with vgpu_host() as host:
        uuid = define(host, parent=VF, type=LARGE)
        assert start(host, uuid) is not None and kernel(VFS) == {VF: LARGE}
        assert host.devices()[uuid].defined
        host.stop(uuid)
        assert listed(host)[uuid, VF] == (LARGE, "manual", False)


def test_autostart_when_vfs_are_made():
    with vgpu_host(card("off:4", "sriov=raw")) as host:
        uuids = [define(host, parent=vf, type=SMALL, start="auto") for vf in VFS[:4]]
        write(PCI / CARD / "sriov_numvfs", 4)
        host.eventually(lambda: host.states() == dict.fromkeys(uuids, "active"), 20, "autostart")
        assert kernel(VFS) == shown(host) == dict.fromkeys(VFS[:4], SMALL)


def test_autostart_when_types_come_late():
    """No uevent tells of it: who waits for a type looks again."""
    with vgpu_host(card("off:4", "sriov=raw")) as host:
        host.simctl("hang", CARD, "types")
        uuids = [define(host, parent=vf, type=SMALL, start="auto") for vf in VFS[:4]]
        host.start("echo 4 >$1", PCI / CARD / "sriov_numvfs")
        host.eventually(lambda: len({parent for parent, _ in listed(host)}) == 4 and (PCI / VFS[3] / "nvidia").exists())
        host.sleep(1)
        assert host.devices() == {} and "failed" not in host.log()
        host.simctl("resume", CARD)
        host.eventually(lambda: host.states() == dict.fromkeys(uuids, "active"), 20, "autostart")


def reboot(host):
    """As the host's: the daemon's state and all types are lost."""
    stop_daemon(host)
    host.simctl("reboot")
    host.shell("rm -rf /run/mediated/*")
    start_daemon(host)


@pytest.mark.parametrize("off", [False, True])
def test_reboot(off):
    """8 definitions on 2 cards come back, of which one has made its VFs later than the daemon came up."""
    vfs = "off:4" if off else 4
    with vgpu_host(card(vfs, "sriov=raw"), card(vfs, "sriov=raw", name=OTHER_CARD)) as host:
        wanted = {vf: SMALL if i % 2 else LARGE for i, vf in enumerate([*VFS[:4], *OTHER_VFS[:4]])}
        uuids = {define(host, parent=vf, type=type, start="auto", attributes=[("nvidia/vgpu_params", f"a={vf}")]): vf
                 for vf, type in wanted.items()}

        def is_there():
            return {uuid: device.parent for uuid, device in host.devices().items()} == uuids and host.is_idle()

        def make():
            if off:
                for name in (CARD, OTHER_CARD):
                    host.shell("echo 4 >$1", PCI / name / "sriov_numvfs")

        for _ in range(2):
            reboot(host)
            make()
            host.eventually(is_there, 30, lambda: f"all devices, not {host.devices()}")
            assert kernel(VFS + OTHER_VFS) == shown(host) == wanted
            for vf in wanted:
                assert read(PCI / vf / "nvidia" / "vgpu_params") == f"a={vf}"


# --- what others do


def test_what_others_have_made():
    with vgpu_host() as host:
        raw_set(VF, SMALL)
        uuid = uuid_of(VF)
        device = host.eventually(lambda: host.devices().get(uuid))
        assert (device.parent, device.type, device.state, device.defined) == (VF, SMALL, "active", False)
        restart_daemon(host)
        host.eventually(lambda: host.states() == {uuid: "active"})
        assert current(VF) == 1145
        raw_set(VF, None)
        host.eventually(lambda: host.devices() == {})


def test_adoption():
    """Its UUID in a definition makes it defined; the definition starts one with this UUID again."""
    with vgpu_host() as host:
        raw_set(VF, SMALL)
        uuid = uuid_of(VF)
        host.eventually(lambda: uuid in host.devices())
        assert define(host, uuid, VF, SMALL) == uuid
        assert host.devices()[uuid].defined
        host.stop(uuid)
        start(host, uuid)
        assert host.states() == {uuid: "active"} and kernel(VFS) == {VF: SMALL}


def test_what_others_take_away():
    with vgpu_host() as host:
        uuid = host.create(parent=VF, type=SMALL)
        raw_set(VF, None)
        host.eventually(lambda: host.devices() == {})
        # The next one is theirs, although it looks the same.
        raw_set(VF, SMALL)
        host.eventually(lambda: host.devices() != {})
        assert host.states() == {uuid_of(VF): "active"}
        assert host.begin_stop(uuid).error().name == "NoSuchDevice"
        assert current(VF) == 1145


def test_what_others_take_away_while_the_daemon_is_down():
    with vgpu_host() as host:
        uuid = host.create(parent=VF, type=SMALL)
        other = host.create(parent=NEXT, type=SMALL)
        stop_daemon(host)
        raw_set(VF, None)
        raw_set(NEXT, None)
        raw_set(NEXT, LARGE)
        start_daemon(host)
        host.eventually(lambda: host.states() == {uuid_of(NEXT): "active"})
        for gone in (uuid, other):
            assert host.begin_stop(gone).error().name == "NoSuchDevice"
        assert current(NEXT) == 1152


def test_restart_keeps_uuids():
    with vgpu_host() as host:
        uuids = {host.create(parent=vf, type=SMALL): vf for vf in VFS[:4]}
        for _ in range(3):
            restart_daemon(host)
            # At once: whoever has waited for the daemon stops what it made before.
            assert {uuid: device.parent for uuid, device in host.devices().items()} == uuids
        restart_daemon(host)
        for uuid in uuids:
            host.stop(uuid)
        assert kernel(VFS) == {}


def test_types_are_not_known_just_after_a_restart():
    """The driver decides then."""
    with vgpu_host() as host:
        for vf in VFS[:4]:
            host.simctl("hang", vf, "read")
        restart_daemon(host)
        by_vf, by_card, none = (host.begin_create(parent=where, type=type)
                                for where, type in ((VF, SMALL), (CARD, LARGE), (NEXT, "nvidia-7")))
        for vf in VFS[:4]:
            host.simctl("resume", vf)
        assert by_vf.result() and by_card.result()
        assert none.error().name in ("NoAvailableInstances", "NoSuchType")
        assert sorted(kernel(VFS).values()) == [SMALL, LARGE]


def test_types_that_no_vf_has_shown():
    """All had a type before the daemon came. What a VF that is free again can have, the driver knows."""
    with vgpu_host(card(2)) as host:
        stop_daemon(host)
        host.shell("rm -r /run/mediated/cards")
        raw_set(VF, SMALL)
        raw_set(NEXT, SMALL)
        host.simctl("vgpu-list", CARD, "empty")
        start_daemon(host)
        host.eventually(lambda: set(host.states()) == {uuid_of(VF), uuid_of(NEXT)})
        assert host.types() == {}
        for where in (VF, CARD):
            error = host.begin_create(parent=where, type=SMALL).error()
            assert error.name == "NoAvailableInstances" and where in error.text
        host.stop(uuid_of(VF))
        for where, type in ((VF, SMALL), (CARD, LARGE)):
            host.stop(host.create(parent=where, type=type))


def test_no_uuid_twice_just_after_a_restart():
    with vgpu_host() as host:
        uuid = host.create(parent=VF, type=SMALL)
        host.simctl("delay", VF, "read", 1000)
        restart_daemon(host)
        assert host.begin_create(uuid, NEXT, SMALL).error().name == "AlreadyExists"
        assert kernel(VFS) == {VF: SMALL}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_unbound_and_bound(dialect):
    with vgpu_host(card(4, f"dialect={dialect}")) as host:
        uuid = host.create(parent=VF, type=SMALL)
        driver = PCI / VF / "driver"
        host.shell("echo $2 >$1/unbind", driver.resolve(), VF)
        host.eventually(lambda: host.devices() == {} and VF not in {parent for parent, _ in host.types()})
        assert host.begin_stop(uuid).error().name == "NoSuchDevice"
        host.shell("echo $1 >/sys/bus/pci/drivers/nvidia/bind", VF)
        host.eventually(lambda: (VF, SMALL) in host.types())
        assert host.devices() == {}
        if dialect == "nvidia":
            error = host.begin_create(parent=VF, type=SMALL).error()
            assert error.name == IO_ERROR and "SR-IOV" in error.text and VF in error.text
        else:
            raw_set(VF, SMALL)
            host.eventually(lambda: host.states() == {uuid_of(VF): "active"})


def test_sriov_off_and_on():
    with vgpu_host(card(4, "sriov=raw")) as host:
        gone = [host.create(parent=vf, type=SMALL) for vf in VFS[:4]]
        write(PCI / CARD / "sriov_numvfs", 0)
        host.eventually(lambda: host.devices() == {} and not host.types())
        write(PCI / CARD / "sriov_numvfs", 4)
        host.eventually(lambda: {parent for parent, _ in host.types()} == set(VFS[:4]))
        assert host.devices() == {}
        for vf in VFS[:4]:
            raw_set(vf, SMALL)
        host.eventually(lambda: host.states() == {uuid_of(vf): "active" for vf in VFS[:4]})
        for uuid in gone:
            assert host.begin_stop(uuid).error().name == "NoSuchDevice"
        assert kernel(VFS) == dict.fromkeys(VFS[:4], SMALL)


def test_sriov_off_and_on_while_the_daemon_is_down():
    with vgpu_host(card(4, "sriov=raw")) as host:
        host.create(parent=VF, type=SMALL)
        stop_daemon(host)
        write(PCI / CARD / "sriov_numvfs", 0)
        write(PCI / CARD / "sriov_numvfs", 4)
        raw_set(VF, SMALL)
        start_daemon(host)
        host.eventually(lambda: host.states() == {uuid_of(VF): "active"})


# --- attributes


def test_attributes():
    with vgpu_host() as host:
        uuid = host.create(parent=VF, type=SMALL, attributes=[("nvidia/placement_id", "3"),
                                                              ("nvidia/vgpu_params", "frame_rate_limiter=0")])
        assert read(PCI / VF / "nvidia" / "placement_id") == "3"
        assert read(PCI / VF / "nvidia" / "vgpu_params") == "frame_rate_limiter=0"
        host.stop(uuid)


@pytest.mark.parametrize("name", ["nvidia/current_vgpu_type", "remove", "driver_override", "nvidia/../remove",
                                  "nvidia/./current_vgpu_type", "nvidia//current_vgpu_type", "physfn/remove"])
def test_attributes_that_are_none(name):
    """The files beside the directory of the driver are those of the PCI device."""
    with vgpu_host() as host:
        error = host.begin_create(parent=VF, type=SMALL, attributes=[(name, "1")]).error()
        assert error.name in ("InvalidAttribute", "InvalidArgument") and name in error.text, error
        assert kernel(VFS) == {} and host.is_idle() and (PCI / VF).exists()


def test_attributes_that_the_driver_refuses():
    with vgpu_host() as host:
        host.simctl("fail", VF, "vgpu_params", "EINVAL")
        error = host.begin_create(parent=VF, type=SMALL, attributes=[("nvidia/vgpu_params", "x")]).error()
        assert "nvidia/vgpu_params" in error.text
        assert kernel(VFS) == {} and host.devices() == {} and host.is_idle()
