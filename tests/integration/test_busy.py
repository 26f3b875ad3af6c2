# SPDX-License-Identifier: LGPL-2.1-or-later
"""Stopping devices that somebody uses: refused at once, or waited for, but never pulled away."""

import contextlib
import os
import signal
import time

import pytest
from dbus_next import Variant
from host import DEVICES, Host


def hold(host, device, *arguments):
    return int(host.simctl("hold", *arguments, device))


@pytest.mark.parametrize("arguments", [[], ["--group-only"]])
def test_busy_names_the_process(arguments):
    with Host() as host:
        device = host.create()
        pid = hold(host, device, *arguments)
        stop = host.begin_stop(device)
        error = stop.error()
        assert error.name == "DeviceBusy" and stop.seconds < 3
        assert device in error.text and f"{pid} (simctl-holder)" in error.text
        # Nothing was written: its user has not even been asked to let go.
        assert (DEVICES / device / "remove").exists() and host.state(device) == "active"
        host.simctl("release", device)
        host.stop(device)


def test_wait_until_the_holder_exits():
    with Host() as host:
        device = host.create()
        pid = hold(host, device)
        before = host.fds_of_daemon()["anon_inode:[pidfd]"]
        # Its end is watched, not only polled for.
        stop = host.begin_waiting_stop(device)
        assert not stop.done and (DEVICES / device / "remove").exists()
        host.kill(pid)
        stop.result()
        assert not (DEVICES / device).exists() and host.devices() == {}
        assert host.fds_of_daemon()["anon_inode:[pidfd]"] == before


def test_wait_until_the_holder_lets_go_and_lives_on():
    with Host() as host:
        device = host.create()
        group = os.path.basename(os.readlink(DEVICES / device / "iommu_group"))
        holder = host.start(f"exec 9<>/dev/vfio/{group}; echo; sleep 1; exec 9<&-; sleep 60")
        holder.stdout.readline()
        assert host.begin_stop(device).error().name == "DeviceBusy"
        stop = host.begin_stop(device, wait=True)
        stop.result(5)
        assert 0.5 < stop.seconds


def test_waiting_holds_no_worker():
    with Host(parents=["many:many-1=100"]) as host:
        devices = [host.create(parent="many", type="many-1") for _ in range(30)]
        for device in devices:
            hold(host, device)
        stops = [host.begin_stop(device, wait=True) for device in devices]
        host.eventually(lambda: [job.state for job in host.jobs()] == ["waiting"] * 30)
        begin = time.monotonic()
        for _ in range(5):
            host.stop(host.create(parent="many", type="many-1"))
        assert time.monotonic() - begin < 10
        for device in devices:
            host.simctl("release", device)
        for stop in stops:
            stop.result()
        assert host.devices() == {}


def test_cancel_of_a_waiting_stop():
    with Host() as host:
        device = host.create()
        hold(host, device)
        stop = host.begin_waiting_stop(device)
        host.begin("CancelJob", "t", host.jobs()[0].id).result()
        assert stop.error().name == "JobCanceled"
        assert host.state(device) == "active" and host.jobs() == []


@contextlib.contextmanager
def a_look_that_takes_long(host, **waiter):
    """The workers stand still as soon as a stop waits, also those that come, until one of them has got the next look at
    the device."""
    device = host.create()
    hold(host, device)
    stop = host.begin_waiting_stop(device, **waiter)

    def looks():
        host.kill(*host.workers(), sig=signal.SIGSTOP)
        host.sleep(0.05)
        return [job.state for job in host.jobs()] == ["running"]

    host.eventually(looks, 20)
    try:
        yield device, stop
    finally:
        host.kill(*host.workers(), sig=signal.SIGCONT)


def test_cancel_of_a_waiting_stop_that_looks():
    with Host() as host:
        with a_look_that_takes_long(host) as (device, stop):
            host.begin("CancelJob", "t", host.jobs()[0].id).result()
        assert stop.error().name == "JobCanceled"
        assert host.state(device) == "active" and host.jobs() == []


def test_caller_leaves_while_his_stop_looks():
    with Host() as host:
        caller = host.new_bus()
        with a_look_that_takes_long(host, bus=caller) as (device, _):
            caller.close()
            host.sleep(0.1)
        host.eventually(lambda: host.jobs() == [])
        host.simctl("release", device)
        host.stop(host.create())
        assert host.state(device) == "active"


def test_deadline_of_a_waiting_stop():
    with Host() as host:
        device = host.create()
        hold(host, device)
        stop = host.begin_stop(device, wait=True, timeout=0.5)
        error = stop.error()
        assert error.name == "JobTimedOut" and 0.5 <= stop.seconds < 5
        assert host.jobs() == [] and host.state(device) == "active"


def test_wait_for_a_device_that_is_free():
    with Host() as host:
        device = host.create()
        host.stop(device, wait=True)
        assert host.devices() == {}


def test_device_that_vanishes_while_its_stop_waits():
    """Some drivers tear a device down with its virtual machine."""
    with Host() as host:
        device = host.create()
        hold(host, device)
        stop = host.begin_stop(device, wait=True)
        host.eventually(lambda: [job.state for job in host.jobs()] == ["waiting"])
        removal = host.start("simctl remove-parent mtty")
        host.sleep(0.2)
        host.simctl("release", device)
        stop.result()
        assert removal.wait(10) == 0


def test_other_devices_come_and_go_meanwhile():
    with Host() as host:
        device = host.create()
        hold(host, device)
        stop = host.begin_stop(device, wait=True)
        for _ in range(20):
            other = host.begin_create()
            uuid, _ = other.result()
            assert other.seconds < 5
            host.stop(uuid)
        assert not stop.done


def test_stranger_removes_a_device_in_use():
    """His write sleeps in the kernel; the device is on its way, which a stop waits for, and others are not delayed."""
    with Host() as host:
        device = host.create()
        hold(host, device)
        host.start("echo 1 >/sys/bus/mdev/devices/$1/remove", device)
        host.eventually(lambda: not (DEVICES / device).exists())
        stop = host.begin_stop(device)
        host.eventually(lambda: host.state(device) == "stopping")
        host.stop(host.create())
        error = host.begin_create(device, timeout=0.3).error()
        assert error.name in ("JobTimedOut", "AlreadyExists")
        assert not stop.done
        host.simctl("release", device)
        stop.result()
        assert host.devices() == {}


def test_held_for_the_caller():
    """Libvirt has the group open, but no device, while it runs mdevctl to remove it."""
    with Host() as host:
        device = host.create()
        pid = hold(host, device, "--group-only")
        assert host.begin_stop(device, **{"held-by": Variant("t", pid + 1)}).error().name == "DeviceBusy"
        host.stop(device, **{"held-by": Variant("t", pid)})
        assert host.devices() == {}
