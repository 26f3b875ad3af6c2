# SPDX-License-Identifier: LGPL-2.1-or-later
"""The daemon's start, also among drivers that hang; its end; and who may do what."""

import contextlib
import pathlib
import socket
import time

import pytest
from bus import ROOT
from definitions import stop_daemon
from host import DEVICES, Host, device_path, new_uuid, status_of

# --- what systemd is told


@contextlib.contextmanager
def told_systemd(**environment):
    """A host, and the socket at which its daemon thinks systemd is."""
    path = "/run/notify-test"
    words = " ".join(f"{name}={value}" for name, value in {"NOTIFY_SOCKET": path, **environment}.items())
    with Host(environment={"MEDIATED_WRAPPER": f"env {words}"}) as host, \
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        # The daemon has said that it is ready before it answers.
        host.bus.call(ROOT, "org.freedesktop.DBus.Peer", "Ping")
        notify.bind(path)
        notify.settimeout(2.5)
        yield host, notify


def read_all(notify):
    messages = []
    with contextlib.suppress(TimeoutError):
        while True:
            messages.append(notify.recv(4096).decode())
    return messages


def test_status_is_told_once_a_second():
    """Each time systemd has work with it and tells everybody; and the last status is the true one."""
    with told_systemd() as (host, notify):
        begin = time.monotonic()
        while time.monotonic() - begin < 2.5:
            host.stop(host.create())
        host.create()
        statuses = read_all(notify)
        assert 2 <= len(statuses) <= time.monotonic() - begin + 1, statuses
        assert statuses[-1] == "STATUS=2 parents, 1 device, 0 definitions."


def test_systemd_that_does_not_read():
    """What it cannot take is not waited for. When it reads again it hears the last status, and that the
    daemon lives."""
    with told_systemd(WATCHDOG_USEC=100000) as (host, notify):
        waiting = 2 * int(pathlib.Path("/proc/sys/net/unix/max_dgram_qlen").read_text())
        begin = time.monotonic()
        while time.monotonic() - begin < waiting * 0.05:
            stop = host.begin_stop(host.create())
            stop.result()
            assert stop.seconds < 5
        notify.setblocking(False)
        with pytest.raises(BlockingIOError):
            while True:
                assert notify.recv(4096).decode() in ("WATCHDOG=1", "STATUS=2 parents, 0 devices, 0 definitions.",
                                                      "STATUS=2 parents, 1 device, 0 definitions.")
        notify.settimeout(5)
        for _ in range(3):
            host.create()
        told = set()
        host.eventually(lambda: told.add(notify.recv(4096).decode()) or
                        told >= {"WATCHDOG=1", "STATUS=2 parents, 3 devices, 0 definitions."})


# --- its end


def test_stop_finishes_what_runs():
    with Host(create_delay=3000) as host:
        device = new_uuid()
        create, waiting = host.begin_create(device), host.begin_stop(device)
        host.eventually(lambda: host.state(device) == "starting")
        begin = time.monotonic()
        stop = host.start("simctl daemon stop")
        error = waiting.error()
        assert error.name == "ShuttingDown" and device in error.text
        assert waiting.ended - begin < 2, "who waits hears of it at once"
        assert host.begin_create().error().name == "ShuttingDown"
        assert host.begin_stop(device).error().name == "ShuttingDown"
        assert host.call("ListDevices"), "reading goes on"
        assert create.result() == [device, device_path(device)]
        assert stop.wait(20) == 0 and time.monotonic() - begin < 7
        assert (DEVICES / device / "mdev_type").exists(), "devices are left as they are"


def test_stop_while_a_stop_waits_for_a_devices_user():
    with Host() as host:
        device = host.create()
        host.simctl("hold", device)
        stop = host.begin_waiting_stop(device)
        begin = time.monotonic()
        host.simctl("daemon", "stop")
        assert time.monotonic() - begin < 5
        assert stop.error().name == "ShuttingDown"
        assert (DEVICES / device / "remove").exists()


def test_stop_with_nothing_to_do():
    with Host() as host:
        begin = time.monotonic()
        host.simctl("daemon", "stop")
        assert time.monotonic() - begin < 5


def test_stop_with_a_stuck_driver():
    with Host() as host:
        host.simctl("hang", "mtty", "create")
        device = new_uuid()
        create = host.begin_create(device)
        host.eventually(lambda: host.state(device) == "starting")
        begin = time.monotonic()
        host.simctl("daemon", "stop")
        assert 7 < time.monotonic() - begin < 20
        error = create.error()
        assert error.name == "ShuttingDown" and device in error.text
        host.simctl("daemon", "start")
        assert host.state(device) == "starting"
        host.simctl("resume", "mtty")
        host.eventually(lambda: host.devices() == {} and host.jobs() == [], 5)


def test_reply_that_waits_for_udev_is_sent_before_the_end():
    with Host() as host:
        host.simctl("delay-uevents", 5000)
        create = host.begin_create(settle=True)
        host.eventually(lambda: "active" in host.states().values())
        host.simctl("daemon", "stop")
        create.result(1)


# --- drivers that hang, before and while it starts


def seconds_to_start(host):
    host.simctl("daemon", "stop")
    begin = time.monotonic()
    host.simctl("daemon", "start")
    host.call("ListDevices")
    return time.monotonic() - begin


def assert_others_are_served(host):
    """While the driver hangs, which it does until `simctl resume`. Whatever waited for it would not be answered."""
    for _ in range(10):
        host.stop(host.create(parent="mbochs", type="mbochs-small"))
    assert host.call("ListParents") and host.call("ListDevices") is not None


@pytest.mark.parametrize("operation", ["create", "remove", "read", "uevent"])
def test_hung_driver_before_the_start(operation):
    with Host() as host:
        device = host.create()
        host.simctl("daemon", "stop")
        host.simctl("hang", "mtty", operation)
        stuck = new_uuid() if operation == "create" else device
        if operation == "create":
            host.start_raw_create(stuck)
        elif operation == "remove":
            host.start("echo 1 >/sys/bus/mdev/devices/$1/remove", stuck)
            host.eventually(lambda: not (DEVICES / stuck).exists())

        host.simctl("daemon", "start")
        assert host.state(stuck) == {"create": "starting", "remove": "stopping"}.get(operation, "active")
        assert_others_are_served(host)
        error = host.begin_stop(stuck, timeout=0.3)
        if operation in ("create", "remove"):
            assert error.error().name == "JobTimedOut"
        else:
            error.result()

        host.simctl("resume", "mtty")
        expected = {} if operation == "remove" else {device: "active", stuck: "active"} if operation == "create" else {}
        host.eventually(lambda: host.states() == expected)


@pytest.mark.parametrize("operation", ["create", "remove", "read", "uevent"])
def test_hung_driver_while_it_runs(operation):
    with Host() as host:
        device = host.create()
        host.simctl("hang", "mtty", operation)
        call = host.begin_stop(device) if operation == "remove" else host.begin_create()
        if operation == "read":
            host.begin("ListTypes", "s", "mtty")
            host.eventually(host.busy_workers, what="a worker that hangs")
        assert_others_are_served(host)
        if operation in ("create", "remove"):
            assert not call.done
            host.simctl("resume", "mtty")
        call.result()


def test_removal_that_hangs_is_seen():
    """There is no uevent when it begins, and none of the creation is on its way any more."""
    with Host() as host:
        device = host.create()
        host.call("Reload")
        host.simctl("hang", "mtty", "remove")
        stop = host.begin_stop(device)
        host.eventually(lambda: host.state(device) == "stopping")
        host.simctl("resume", "mtty")
        stop.result()
        host.eventually(lambda: host.devices() == {})


@pytest.mark.parametrize("operation", ["create", "remove"])
def test_restart_with_a_stuck_worker(operation):
    with Host() as host:
        device = host.create() if operation == "remove" else new_uuid()
        host.simctl("hang", "mtty", operation)
        call = host.begin_stop(device) if operation == "remove" else host.begin_create(device)
        expected = "stopping" if operation == "remove" else "starting"
        host.eventually(lambda: (DEVICES / device).exists() == (operation == "create"), what="the driver's work")
        begin = time.monotonic()
        host.simctl("daemon", "restart")
        assert time.monotonic() - begin < 20
        assert call.error().name == "ShuttingDown"
        assert host.state(device) == expected
        host.create(parent="mbochs", type="mbochs-small")
        host.simctl("resume", "mtty")
        host.eventually(lambda: host.state(device) is None and not host.jobs(), 10)


def test_uevent_that_hangs_is_never_read():
    """udev's events come all the same; only reading the file would block."""
    with Host() as host:
        host.simctl("hang", "mtty", "uevent")
        device = host.raw_create()
        host.eventually(lambda: host.state(device) == "active")
        host.stop(device)
        assert seconds_to_start(host) < 5


def test_200_hung_reads_cost_few_workers():
    with Host() as host:
        host.simctl("hang", "mtty", "read")
        buses = [host.bus, host.new_bus()] * 100
        lists = [host.begin("ListTypes", "s", "mtty", bus=bus) for bus in buses]
        for call in lists:
            call.result()
        assert len(host.workers()) <= 8


# --- who may do what


def as_nobody(host, *arguments):
    return host.shell("setpriv --reuid nobody --regid nogroup --clear-groups busctl \"$@\"", *arguments, check=False)


CAP_DAC_OVERRIDE, CAP_SYS_PTRACE = 1 << 1, 1 << 19


def capabilities(pid, kind):
    return int(status_of(pid, kind), 16)


def test_capabilities():
    """The daemon uses hardly one, its workers have what it may have."""
    with Host() as host:
        host.stop(host.create())
        daemon = host.daemon_pid()
        assert capabilities(daemon, "CapEff") == CAP_DAC_OVERRIDE
        for worker in host.workers():
            assert capabilities(worker, "CapEff") == capabilities(worker, "CapPrm") == capabilities(daemon, "CapPrm")
            assert capabilities(worker, "CapEff") & CAP_SYS_PTRACE


def test_only_root_may_own_the_name():
    with Host() as host:
        host.simctl("daemon", "stop")
        result = as_nobody(host, "call", "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
                           "RequestName", "su", "org.mediated1", "0")
        assert result.returncode != 0 and "ccess denied" in result.stderr


def test_second_daemon_gives_up():
    with Host() as host:
        result = host.shell("timeout 10 $MEDIATED_BUILD/daemon/mediated", check=False)
        assert result.returncode == 1 and "another mediated has it" in result.stderr
        host.create()


@pytest.mark.parametrize("arguments, status", [("--help", 0), ("-h", 0), ("--version", 0), ("--nonsense", 2), ("x", 2)])
def test_command_line(arguments, status):
    with Host(daemon=False) as host:
        result = host.shell(f"timeout 10 $MEDIATED_BUILD/daemon/mediated {arguments}", check=False)
        assert result.returncode == status and result.stdout + result.stderr


def test_environment_chooses_no_worker():
    with Host(environment={"MEDIATED_WORKER": "/bin/false"}) as host:
        host.stop(host.create())


def test_worker_is_not_to_be_started_by_hand():
    with Host(daemon=False) as host:
        result = host.shell("timeout 10 $MEDIATED_BUILD/worker/mediated-worker", check=False)
        assert result.returncode == 1 and "started by mediated" in result.stderr


def test_stop_while_a_driver_hangs_that_is_gone():
    """What waits for the worker is freed, as LeakSanitizer sees."""
    with Host() as host:
        host.simctl("hang", "mbochs", "read")
        host.call("Reload")
        host.eventually(host.busy_workers, what="a read that hangs")
        host.start("simctl remove-parent mbochs")
        host.eventually(lambda: "Parent 'mbochs' has disappeared" in host.log())
        stop_daemon(host)
        host.simctl("resume", "mbochs")
