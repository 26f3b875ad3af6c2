# SPDX-License-Identifier: LGPL-2.1-or-later
"""Killed workers, a killed daemon, both: a device is complete and its creator was told so, or it is gone; nothing is
wedged; and what strangers have made stays."""

import json
import os
import pathlib
import time

import pytest
from host import DEVICES, INTENTS, MDEV_BUS, Host, new_uuid

DRIVER_MS = 2000


def worker_of(host, uuid):
    """The worker that is creating it, once the kernel has begun."""
    host.eventually((DEVICES / uuid).exists, what="the device's directory")
    return json.loads(os.readlink(INTENTS / f"{uuid}.writing"))["pid"]


def assert_settled(host, uuid, acknowledged):
    """No job, no intent; the device as its caller was told."""
    host.wait_idle()
    assert host.state(uuid) == ("active" if acknowledged else None)
    assert (MDEV_BUS / "mtty" / uuid).exists() == acknowledged
    assert "wedged" not in host.log()


def was_acknowledged(call):
    """Whether the caller was told of success; anything else must be an error, and at once."""
    call.wait(DRIVER_MS / 1000 + 5)
    reply = call.task.result()
    if reply.error_name:
        # The last one where the daemon was dead before the request got there.
        name = reply.error_name.removeprefix("org.freedesktop.DBus.Error.")
        assert name in ("NoReply", "IOError", "ServiceUnknown"), reply.body
    return not reply.error_name


@pytest.mark.parametrize("attributes", [[], [("setting", "x"), ("vendor/plugin", "y")]])
@pytest.mark.parametrize("victims", [["worker"], ["daemon"], ["worker", "daemon"], ["daemon", "worker"]])
def test_kill_in_the_middle_of_a_create(victims, attributes):
    with Host(create_delay=DRIVER_MS) as host:
        device = new_uuid()
        old = host.daemon_pid()
        create = host.begin_create(device, attributes=attributes)
        pids = {"worker": worker_of(host, device), "daemon": old}
        host.kill(*[pids[victim] for victim in victims])
        acknowledged = was_acknowledged(create)
        if "daemon" in victims:
            assert create.seconds < 0.75 * DRIVER_MS / 1000, "the caller of a dead daemon hears of it at once"
            host.wait_ready(old)
            if not acknowledged:
                # Until the kernel has returned, the UUID is not free and nobody writes its `remove`.
                assert host.state(device) == "starting"
                assert [(job.uuid, job.kind) for job in host.jobs()] == [(device, "recover")]
        assert_settled(host, device, acknowledged)
        assert not acknowledged
        host.create(device, attributes=attributes)


@pytest.mark.parametrize("victims", [["worker"], ["daemon"], ["worker", "daemon"]])
def test_kill_in_the_middle_of_the_attributes(victims):
    with Host() as host:
        host.simctl("delay", "mtty", "write", 1000)
        device = new_uuid()
        old = host.daemon_pid()
        create = host.begin_create(device, attributes=[("setting", "x"), ("vendor/plugin", "y")])
        host.eventually((DEVICES / device / "mdev_type").exists)
        host.sleep(0.1)
        pids = {"worker": worker_of(host, device), "daemon": old}
        host.kill(*[pids[victim] for victim in victims])
        acknowledged = was_acknowledged(create)
        if "daemon" in victims:
            host.wait_ready(old)
        assert_settled(host, device, acknowledged)
        assert not acknowledged


@pytest.mark.parametrize("victims", [["worker"], ["daemon"], ["worker", "daemon"]])
def test_kill_in_the_middle_of_a_stop(victims):
    with Host(remove_delay=500) as host:
        device = host.create()
        old = host.daemon_pid()
        stop = host.begin_stop(device)
        host.eventually(lambda: not (DEVICES / device).exists())
        worker, = host.eventually(host.busy_workers, what="the worker that removes it")
        pids = {"worker": worker, "daemon": old}
        host.kill(*[pids[victim] for victim in victims])
        # Without its worker the job looks at the kernel, and waits for it.
        assert was_acknowledged(stop) == ("daemon" not in victims)
        assert "daemon" in victims or not (MDEV_BUS / "mtty" / device).exists()
        if "daemon" in victims:
            host.wait_ready(old)
        host.eventually(lambda: host.devices() == {} and not host.jobs())
        assert not (MDEV_BUS / "mtty" / device).exists()
        host.create(device)


def test_jobs_behind_a_recovery_wait_for_it():
    with Host() as host:
        host.simctl("hang", "mtty", "create")
        device = new_uuid()
        old = host.daemon_pid()
        host.begin_create(device)
        worker_of(host, device)
        host.kill(old)
        host.wait_ready(old)
        create = host.begin_create(device, "mbochs", "mbochs-small")
        host.create(parent="mbochs", type="mbochs-small")
        assert not create.done and host.state(device) == "starting"
        assert [(job.uuid, job.kind) for job in host.jobs()] == [(device, "recover"), (device, "create")]
        host.simctl("resume", "mtty")
        create.result()
        assert host.device(device)["ParentName"] == "mbochs"


def test_kill_at_any_time():
    """The daemon is killed again and again while devices are made; each device is as it was answered."""
    n_half_made = 0
    with Host(create_delay=10) as host:
        # On a busy host the creates begin late. The kills then go on, and each comes later than the one before.
        for i in range(100):
            if i >= 20 and n_half_made >= 3:
                break
            old = host.daemon_pid()
            devices = [new_uuid() for _ in range(10)]
            creates = [host.begin_create(device, attributes=[("setting", "x")]) for device in devices]
            host.sleep(i * 0.002)
            host.kill(old)
            n_half_made += any(name.endswith(".writing") for name in os.listdir(INTENTS))
            told = [was_acknowledged(create) for create in creates]
            host.wait_ready(old)
            host.wait_idle()
            states = host.states()
            for device, acknowledged in zip(devices, told):
                # An answer may have been lost with the daemon after the device was complete, never the reverse.
                assert not acknowledged or states.get(device) == "active"
                assert states.get(device) in (None, "active")
                if device in states:
                    assert (DEVICES / device / "setting").read_text() == "x\n"
                    host.stop(device)
        assert "wedged" not in host.log()
        assert n_half_made >= 3, f"in {n_half_made} rounds the daemon died while it had devices half made"


# --- what a stranger has made meanwhile


@pytest.mark.parametrize("parent, type", [("mtty", "mtty-2"), ("mbochs", "mbochs-small")])
def test_strangers_device_of_the_same_uuid_stays(parent, type):
    """The driver refuses after everybody was killed, and a stranger gets the UUID before the recovery looks."""
    with Host() as host:
        host.simctl("hang", "mtty", "create")
        host.simctl("fail", "mtty", "create", "EIO")
        device = new_uuid()
        old = host.daemon_pid()
        create = host.begin_create(device)
        worker = worker_of(host, device)
        host.kill(old, worker)
        assert not was_acknowledged(create)
        host.wait_ready(old)
        recovering = [pid for pid in host.workers() if pid != worker]
        host.kill(*recovering, sig=19)
        host.simctl("resume", "mtty")
        host.eventually(lambda: not (MDEV_BUS / "mtty" / device).exists())
        host.raw_create(device, parent, type)
        host.kill(*recovering, sig=18)
        host.wait_idle()
        assert host.state(device) == "active"
        assert "another program has created it" in host.log()


def write_intent(uuid, phase, **fields):
    """As a daemon that is gone has left it."""
    intent = {"parent": "mtty", "type": "mtty-1", "pid": 4194304, "start-time": 1, "inode": 0, "autostart": False}
    (INTENTS / f"{uuid}.{phase}").symlink_to(json.dumps({**intent, **fields}))


@pytest.mark.parametrize("phase, fields, kept", [
    ("writing", {}, False),
    ("writing", {"inode": None}, False),
    ("prepared", {}, True),
    ("writing", {"type": "mtty-2"}, True),
    ("writing", {"parent": "mbochs"}, True),
    ("writing", {"inode": 1}, True),
])
def test_recovery(phase, fields, kept):
    with Host() as host:
        host.simctl("daemon", "stop")
        device = host.raw_create()
        if "inode" in fields and fields["inode"] is None:
            fields = {"inode": (DEVICES / device).stat().st_ino}
        write_intent(device, phase, **fields)
        host.simctl("daemon", "start")
        host.wait_idle()
        assert host.states() == ({device: "active"} if kept else {})
        assert (DEVICES / device).exists() == kept


def test_recovery_keeps_a_device_in_use():
    with Host() as host:
        host.simctl("daemon", "stop")
        device = host.raw_create()
        host.simctl("hold", device)
        write_intent(device, "writing")
        host.simctl("daemon", "start")
        host.wait_idle()
        assert host.state(device) == "active" and "open" in host.log()


def test_recovery_keeps_what_a_stranger_is_just_creating():
    with Host(create_delay=1000) as host:
        host.simctl("daemon", "stop")
        device = host.start_raw_create()
        write_intent(device, "writing")
        host.simctl("daemon", "start")
        host.wait_idle()
        host.eventually(lambda: host.state(device) == "active")


@pytest.mark.parametrize("content", [" ", "{", "[]", "{}", "x" * 4095, '{"parent": 1, "type": [], "pid": "x"}', "\1"])
def test_broken_intent(content):
    with Host() as host:
        host.simctl("daemon", "stop")
        device = host.raw_create()
        (INTENTS / f"{device}.writing").symlink_to(content)
        (INTENTS / "something-else").symlink_to(content)
        host.simctl("daemon", "start")
        host.eventually(lambda: not host.jobs())
        assert host.state(device) == "active"
        host.stop(device)


def test_intent_that_is_no_link():
    with Host() as host:
        host.simctl("daemon", "stop")
        device = host.raw_create()
        (INTENTS / f"{device}.writing").write_text('{"parent": "mtty", "type": "mtty-1"}')
        host.simctl("daemon", "start")
        host.eventually(lambda: not host.jobs())
        assert host.state(device) == "active"
        host.stop(device)


def test_idle_worker_that_is_killed():
    with Host() as host:
        host.stop(host.create())
        workers = set(host.workers())
        host.kill(*workers)
        # One that is killed may still take a task with it.
        host.eventually(lambda: not workers & set(host.workers()), 10, what="the workers' end")
        host.stop(host.create())


def test_workers_end_with_the_daemon():
    with Host() as host:
        host.create()
        workers = host.workers()
        assert workers
        host.simctl("daemon", "stop")
        host.eventually(lambda: not host.workers(), 10, "the workers' end")


def test_workers_end_with_a_killed_daemon():
    with Host() as host:
        host.create()
        workers = set(host.workers())
        old = host.daemon_pid()
        host.kill(old)
        host.wait_ready(old)
        host.eventually(lambda: not workers & set(host.workers()), 10, "the workers' end")


def test_restart_is_quick_and_loses_nothing():
    with Host() as host:
        devices = {host.create() for _ in range(10)}
        old = host.daemon_pid()
        begin = time.monotonic()
        host.kill(old)
        host.wait_ready(old)
        assert time.monotonic() - begin < 10
        assert host.states() == dict.fromkeys(devices, "active")
        assert pathlib.Path(f"/proc/{old}").exists() is False


def test_half_written_intent_is_dropped():
    with Host() as host:
        old = host.daemon_pid()
        (INTENTS / f"{new_uuid()}.new").symlink_to("{")
        host.kill(old)
        host.wait_ready(old)
        host.wait_idle()
