# SPDX-License-Identifier: LGPL-2.1-or-later
"""Devices of IBM Z: vfio_ap with its callout ap-check, and vfio_ccw.

With AP_CHECK=/path/to/ap-check the tests of the callout use that program of s390-tools, too, and not only the
stand-in for it."""

import errno
import os
import pathlib
import re

import pytest
from callout_tools import Callouts
from definitions import begin_define, begin_modify, begin_start, define, stored
from host import BUILD, Host
from test_callouts_attributes import get_attributes

AP_CHECK = os.environ.get("AP_CHECK")
PARENT = pathlib.Path("/sys/devices/vfio_ap/matrix")
MATRIX = {"parent": "matrix", "type": "vfio_ap-passthrough"}
PARENTS = ["matrix:vfio_ap-passthrough=16", "0.0.0313:vfio_ccw-io=1"]
LOCKS = ("ap-check.lock", "s390apconfig.lock")

genuine = pytest.param("genuine", marks=pytest.mark.skipif(
    not AP_CHECK, reason="AP_CHECK is not set to the path of s390-tools' ap-check"))
programs = pytest.mark.parametrize("program", ["stand-in", genuine])


def add_ap_check(host, program):
    callouts = Callouts(host)
    if program == "genuine":
        callouts.add_file(AP_CHECK)
    else:
        callouts.add_program("ap-check")
    return callouts


def queues(adapters, domains, control_domains=()):
    return [*(("assign_adapter", str(number)) for number in adapters),
            *(("assign_domain", str(number)) for number in domains),
            *(("assign_control_domain", str(number)) for number in control_domains)]


def mask(*numbers):
    return f"0x{sum(1 << 255 - number for number in numbers):064x}"


def matrix(device):
    return (PARENT / device / "matrix").read_text().split()


def assert_unlocked(host):
    assert not [lock for lock in LOCKS if os.path.exists(f"/run/lock/{lock}")]
    assert not re.search(r"(no|stale|configuration) lock|the lock is", host.log())


@programs
def test_define_start_stop(program):
    with Host(parents=PARENTS) as host:
        add_ap_check(host, program)
        device = define(host, **MATRIX, start="auto", attributes=queues([5, 6], [4], [4]))
        begin_start(host, device).result()
        assert matrix(device) == ["05.0004", "06.0004"]
        assert (PARENT / device / "control_domains").read_text() == "0004\n"
        assert get_attributes(host, device) == queues([5, 6], [4], [4])
        host.stop(device)
        assert not (PARENT / device).exists()
        assert_unlocked(host)


@programs
def test_conflict(program):
    with Host(parents=PARENTS) as host:
        add_ap_check(host, program)
        first = define(host, **MATRIX, start="auto", attributes=queues([5, 6], [4]))
        error = begin_define(host, **MATRIX, start="auto", attributes=queues([6], [3, 4])).error()
        assert error.name == "CalloutFailed" and f"APQN 6.4 is defined for autostart by {first}" in error.text
        second = define(host, **MATRIX, attributes=queues([6], [3, 4]))
        begin_start(host, first).result()
        error = begin_start(host, second).error()
        assert error.name == "CalloutFailed" and f"APQN 6.4 already in use by {first}" in error.text
        assert list(host.states()) == [first]
        host.stop(first)
        begin_start(host, second).result()
        assert matrix(second) == ["06.0003", "06.0004"]
        assert_unlocked(host)


def test_conflict_without_a_callout():
    """Then it is the kernel that refuses, and the device that was begun is taken back."""
    with Host(parents=PARENTS) as host:
        first = host.create(**MATRIX, attributes=queues([5], [4]))
        for attributes, said in ((queues([5], [3, 4]), "Address already in use"),
                                 (queues([1], [4]), "Cannot assign requested address"),
                                 (queues([5], [85]), "No such device"), (queues(["x"], []), "Invalid argument")):
            error = host.begin_create(**MATRIX, attributes=attributes).error()
            assert error.name == "InvalidAttribute" and said in error.text
            assert list(host.states()) == [first]


@programs
def test_live(program):
    with Host(parents=PARENTS) as host:
        add_ap_check(host, program)
        device = define(host, **MATRIX, start="auto", attributes=queues([5], [4]))
        other = host.create(**MATRIX, attributes=queues([7], [4]))
        begin_start(host, device).result()
        wanted = queues([5, 6], [4, 11], [31])
        begin_modify(host, device, attributes=wanted, opts={"live": True, "defined": True}).result()
        assert matrix(device) == ["05.0004", "05.000b", "06.0004", "06.000b"]
        assert (PARENT / device / "control_domains").read_text() == "001f\n"
        assert stored(device, "matrix")["attrs"] == [dict([pair]) for pair in wanted]

        error = begin_modify(host, device, attributes=queues([7], [4]), opts={"live": True, "defined": True}).error()
        assert error.name == "CalloutFailed" and f"APQN 7.4 already in use by {other}" in error.text
        assert stored(device, "matrix")["attrs"] == [dict([pair]) for pair in wanted]
        assert get_attributes(host, device) == wanted
        assert_unlocked(host)


@programs
def test_live_that_the_kernel_refuses(program):
    """Neither program notices it. A domain above the highest one of this host is what only the kernel knows."""
    with Host(parents=PARENTS) as host:
        callouts = add_ap_check(host, program)
        callouts.add_notifier("10-notifier")
        device = define(host, **MATRIX, start="auto", attributes=queues([5], [4]))
        begin_start(host, device).result()
        live = {"live": True, "defined": True}
        error = begin_modify(host, device, attributes=queues([5, 6], [4, 200], [4]), opts=live).error()
        assert error.name == "CalloutFailed" and device in error.text
        assert "adapter 6 is missing, domain 200 is missing, control domain 4 is missing" in error.text
        assert callouts.calls()[-1] == "10-notifier notify modify failure"
        assert stored(device, "matrix")["attrs"] == [dict([pair]) for pair in queues([5], [4])]
        assert get_attributes(host, device) == queues([5], [4]) and matrix(device) == ["05.0004"]
        assert host.device(device)["Error"]

        host.simctl("fail", "matrix", "ap_config", errno.EBUSY)
        config = ("ap_config", ",".join(mask(*numbers) for numbers in ([5], [4, 5], [])))
        assert "domain 5 is missing" in begin_modify(host, device, attributes=[config], opts=live).error().text
        begin_modify(host, device, attributes=queues(["0x5"], ["4"]), opts=live).result()
        begin_modify(host, device, attributes=queues(["5"], ["4,0x5"]), opts=live).result()
        assert matrix(device) == ["05.0004", "05.0005"]
        assert_unlocked(host)


@programs
def test_eight_starts_at_once(program):
    with Host(parents=PARENTS, create_delay=20) as host:
        add_ap_check(host, program)
        devices = [define(host, **MATRIX, start="auto", attributes=queues([5], [domain])) for domain in range(8)]
        for start in [begin_start(host, device) for device in devices]:
            start.result()
        assert [matrix(device) for device in devices] == [[f"05.{domain:04x}"] for domain in range(8)]
        for stop in [host.begin_stop(device) for device in devices]:
            stop.result()
        assert_unlocked(host)


@pytest.mark.parametrize("program", [genuine])
def test_eight_autostarts(program):
    """vfio_ap is loaded: all start at once, in a daemon that does not know yet that a callout serves the parent.
    test_callouts_in_turn.py does this with the stand-in."""
    with Host(parents=PARENTS, create_delay=20) as host:
        add_ap_check(host, program)
        host.simctl("remove-parent", "matrix")
        devices = [define(host, **MATRIX, start="auto", attributes=queues([5], [domain])) for domain in range(8)]
        host.simctl("daemon", "restart")
        host.simctl("add-parent", PARENTS[0])
        host.eventually(lambda: host.states() == dict.fromkeys(devices, "active"), 60)
        host.wait_idle()
        assert [matrix(device) for device in devices] == [[f"05.{domain:04x}"] for domain in range(8)]
        assert_unlocked(host)


def test_mediatectl_knows_the_hardware():
    with Host(parents=PARENTS) as host:
        run = f"{BUILD}/client/mediatectl"
        subchannel = host.create(parent="0.0.0313", type="vfio_ccw-io")
        assert host.begin_create(parent="0.0.0313", type="vfio_ccw-io").error().name == "NoAvailableInstances"
        types = host.shell(f"{run} types -o PARENT,TYPE,AVAILABLE,API,NAME").stdout.splitlines()[1:]
        assert [line.split(None, 4) for line in sorted(types)] == [
            ["0.0.0313", "vfio_ccw-io", "0", "vfio-ccw", "I/O subchannel (Non-QDIO)"],
            ["matrix", "vfio_ap-passthrough", "16", "vfio-ap", "VFIO AP Passthrough Device"]]
        assert host.device(subchannel)["SysfsPath"] == f"/sys/devices/css0/0.0.0313/{subchannel}"
        assert "vfio_ap" not in host.shell(f"{run} check", check=False).stdout
        host.simctl("remove-parent", "matrix")
        assert "The module vfio_ap is not loaded" in host.shell(f"{run} check", check=False).stdout
