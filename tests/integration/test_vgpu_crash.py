# SPDX-License-Identifier: LGPL-2.1-or-later
"""Killed workers and daemons around vGPUs of vendor VFIO: a vGPU is complete and its creator was told so, or it is
gone; what others have made stays, and a VF in use is not written to."""

import contextlib
import itertools
import os
import random

import pytest
from bus import Error
from definitions import LONG
from fault_points import ENVIRONMENT, LOST, NOT_THERE, find_points, pending, prepare
from host import INTENTS, build_option, new_uuid, read
from vgpus import DIALECTS, LARGE, PCI, SMALL, VF, VFS, card, current, kernel, raw_set, shown, uuid_of, vgpu_host

NEXT, THEIRS, IN_USE = VFS[1:4]
PARAMS = "frame_rate_limiter=0"
ATTRIBUTES = [("nvidia/placement_id", "5"), ("nvidia/vgpu_params", PARAMS)]

# What only mediated devices, definitions and callouts come by.
ELSEWHERE = ("callout", "definition", "store", "registration-noted", "intent-writing", "create-written", "group-held",
             "intent-taken-back", "remove-written")
POINTS = {name: folder for name, folder in find_points().items() if not name.startswith(ELSEWHERE)}
ACTIONS = {"daemon": ["kill"], "common": ["kill"], "worker": ["kill", "kill-parent", "kill-both"]}

# What must have happened for somebody to come by.
INTERRUPTED = {"vgpu-written": "kill-parent"}
FIRST = {"recovery-queued": INTERRUPTED, "recovery-reported": INTERRUPTED, "recovery-ended": INTERRUPTED,
         "recovery-removed": INTERRUPTED, "orphan-ended": INTERRUPTED, "create-lost": {"vgpu-written": "kill"},
         "ready": INTERRUPTED}

ROUNDS = 300 if LONG else 20

needs_points = pytest.mark.skipif(
    not build_option("fault_points"),
    reason="SKIP: not in this build; meson configure -Dfault_points=true BUILD puts them in")


@contextlib.contextmanager
def crash_host(**kwargs):
    """One VF has somebody else's vGPU, and one has a vGPU of ours that is in use. A write of 0 to the latter would make
    it wedged."""
    with vgpu_host(card(4), environment=ENVIRONMENT, **kwargs) as host:
        os.mkdir("/run/faults")
        raw_set(THEIRS, LARGE)
        host.used = host.create(parent=IN_USE, type=SMALL)
        host.holder = int(host.simctl("hold", IN_USE))
        host.simctl("fail", IN_USE, "remove", "EIO", 1000000)
        yield host


def ask(host, begin):
    """Whether it is done; None when nobody was told."""
    while True:
        try:
            begin().result()
            return True
        except Error as error:
            if error.name not in LOST + NOT_THERE:
                return False
            host.wait_ready(seconds=30)
            if error.name in LOST:
                return None


def settle(host):
    def is_settled():
        with contextlib.suppress(Error):
            return host.is_idle() and shown(host) == kernel(VFS)
        return False
    host.eventually(is_settled, 30, lambda: f"{shown(host)} as in {kernel(VFS)}")


def check_others(host):
    """What was there before is as it was."""
    assert current(THEIRS) == 1152 and current(IN_USE) == 1145
    uuids = {device.parent: (device.uuid, device.state) for device in host.devices().values()}
    assert uuids[THEIRS] == (uuid_of(THEIRS), "active")
    assert uuids[IN_USE] == (host.used, "active")
    host.kill(host.holder, sig=0)
    assert "wedged" not in host.log()


def check_created(host, uuid, vf, acknowledged):
    """It is there as a whole, or not at all."""
    there = host.devices().get(uuid)
    assert not acknowledged or there, "acknowledged, but not there"
    assert acknowledged is not False or not there, "refused, but there"
    assert (vf in kernel(VFS)) == bool(there), "there, but as somebody else's"
    if there:
        assert (there.parent, there.type, there.state) == (vf, SMALL, "active")
        assert read(PCI / vf / "nvidia" / "vgpu_params") == PARAMS


def tour(host):
    """Each kind of request that writes to a VF, or must not."""
    created = new_uuid()
    done = ask(host, lambda: host.begin_create(created, VF, SMALL, ATTRIBUTES))
    settle(host)
    check_created(host, created, VF, done)

    host.simctl("fail", NEXT, "vgpu_params", "EINVAL", 1000)
    assert not ask(host, lambda: host.begin_create(parent=NEXT, type=SMALL, attributes=ATTRIBUTES))
    host.simctl("fail", NEXT, "vgpu_params", "EINVAL", 0)
    host.simctl("fail", NEXT, "create", "EIO", 1000)
    assert not ask(host, lambda: host.begin_create(parent=NEXT, type=SMALL))
    host.simctl("fail", NEXT, "create", "EIO", 0)
    assert not ask(host, lambda: host.begin_create(parent=THEIRS, type=LARGE))
    assert not ask(host, lambda: host.begin_stop(host.used))
    settle(host)
    assert NEXT not in kernel(VFS)

    stopped = ask(host, lambda: host.begin_stop(created))
    settle(host)
    assert not stopped or created not in host.states()
    assert stopped is not False or not done
    if created in host.states():
        host.stop(created)
    assert kernel(VFS) == {THEIRS: LARGE, IN_USE: SMALL}
    check_others(host)


@needs_points
@pytest.mark.seconds(240)
@pytest.mark.parametrize("point", POINTS)
def test_death_at(point):
    with crash_host() as host:
        for action in ACTIONS[POINTS[point]]:
            prepare({**FIRST.get(point, {}), point: action})
            tour(host)
            assert not pending(), f"nobody came by {pending()}"


@needs_points
@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("theirs", [SMALL, LARGE])
def test_the_next_owner_just_after_a_clear(dialect, theirs):
    """Before mediated has looked at what its write has done. A second write would take it away."""
    with vgpu_host(card(4, f"dialect={dialect}"), environment=ENVIRONMENT) as host:
        uuid = host.create(parent=VF, type=SMALL)
        os.mkdir("/run/faults")
        prepare({"vgpu-cleared": "sleep 1000"})
        stop = host.begin_stop(uuid)
        host.eventually(lambda: current(VF) == 0)
        raw_set(VF, theirs)
        assert not stop.done
        stop.result()
        assert kernel(VFS) == {VF: theirs}
        host.eventually(lambda: host.states() == {uuid_of(VF): "active"})
        assert host.begin_stop(uuid).error().name == "NoSuchDevice"


@needs_points
@pytest.mark.parametrize("theirs", [SMALL, LARGE])
def test_another_owner_just_before_a_create(theirs):
    """After mediated has looked."""
    with vgpu_host(environment=ENVIRONMENT) as host:
        os.mkdir("/run/faults")
        prepare({"vgpu-intent-writing": "sleep 1000"})
        create = host.begin_create(parent=VF, type=SMALL)
        host.eventually(lambda: not pending())
        raw_set(VF, theirs)
        assert not create.done
        error = create.error()
        assert error.name == "NoAvailableInstances" and theirs in error.text
        assert kernel(VFS) == {VF: theirs}
        host.eventually(lambda: host.states() == {uuid_of(VF): "active"} and host.is_idle())


def kill(host, chance):
    """The daemon, its workers, or all. Returns the daemon that was there before."""
    old = host.daemon_pid()
    victims = chance.choice([["daemon"], ["workers"], ["daemon", "workers"], ["workers", "daemon"]])
    pids = {"daemon": [old], "workers": host.workers()}
    if chosen := list(itertools.chain(*(pids[victim] for victim in victims))):
        host.shell("kill -9 $@", *chosen, check=False)
    return old if "daemon" in victims else None


@pytest.mark.seconds(60 + ROUNDS)
def test_death_at_any_time():
    """Creates and stops on two VFs, the first of which others use, too; MEDIATED_LONG sets 300 rounds."""
    chance = random.Random(4711)
    counts = dict.fromkeys(("acknowledged", "lost", "refused", "interrupted"), 0)
    with crash_host(create_delay=5, remove_delay=5) as host:
        ours = {}
        for _ in range(ROUNDS):
            asked = {}
            for vf in (VF, NEXT):
                uuid = ours.get(vf)
                if uuid:
                    asked[vf] = uuid, host.begin_stop(uuid)
                else:
                    uuid = new_uuid()
                    asked[vf] = uuid, host.begin_create(uuid, vf, SMALL, ATTRIBUTES)
            refused = host.begin_create(parent=THEIRS, type=LARGE), host.begin_stop(host.used)
            host.sleep(chance.random() * 0.04)
            old = kill(host, chance)
            counts["interrupted"] += any(name.endswith(".writing") for name in os.listdir(INTENTS))
            for _, call in asked.values():
                call.wait()
            for call in refused:
                assert call.error()
            if old:
                host.wait_ready(old)
            settle(host)
            for vf, (uuid, call) in asked.items():
                name = call.task.result().error_name
                done = None if name and (name in LOST or name in NOT_THERE) else not name
                counts["acknowledged" if done else "lost" if done is None else "refused"] += 1
                there = uuid in host.states()
                if vf in ours:
                    assert not (done and there), "stopped, but there"
                else:
                    check_created(host, uuid, vf, done)
                ours.pop(vf, None)
                if there:
                    ours[vf] = uuid
            assert set(kernel(VFS)) == {THEIRS, IN_USE, *ours}
            check_others(host)
        print(counts)
        assert all(counts.values()) or ROUNDS < 100
