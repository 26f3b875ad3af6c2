# SPDX-License-Identifier: LGPL-2.1-or-later
"""That the rest of the simulated host is as a real one's: parents, uevents, programs, and how it begins and ends."""

import contextlib
import errno
import os
import pty
import re
import signal
import socket
import struct
import subprocess
import time

from simulated import (DEVICES, MDEV_BUS, SIMULATE, Background, available, create, device_path, devices, eventually,
                       fails_with, new_uuid, read, remove, simctl, simctl_fails, simulated, type_path, write)

# --- parents


def look_around():
    while True:
        os.path.exists(MDEV_BUS / new_uuid())


@simulated("--no-daemon")
def test_a_parent_is_seen_once_it_is_added():
    """Also by the kernel, which remembers that the name was not there. It forgets that late where others look up names
    in the same directory."""
    names = [f"p{i}" for i in range(200)]
    assert not any((MDEV_BUS / name).exists() for name in names)
    others = [Background(look_around) for _ in range(4)]
    try:
        for name in names:
            simctl("add-parent", f"{name}:p-1=1")
            assert available(name, "p-1") == 1
    finally:
        for other in others:
            os.kill(other.pid, signal.SIGKILL)
            other.errno()


@simulated("--no-daemon")
def test_unregistering():
    inode = os.stat(MDEV_BUS / "mtty" / "mdev_supported_types").st_ino
    created = [create("mtty", "mtty-1") for _ in range(3)]
    other = create("mbochs", "mbochs-small")
    simctl("hold", created[1])
    file = os.open(type_path("mtty", "mtty-1") / "create", os.O_WRONLY)
    directory = os.open(DEVICES / created[0], os.O_RDONLY)

    unregistering = subprocess.Popen(["simctl", "remove-parent", "mtty"])
    eventually(lambda: not os.path.lexists(MDEV_BUS / "mtty"))
    time.sleep(0.2)
    assert unregistering.poll() is None
    with fails_with(errno.ENODEV):
        os.write(file, new_uuid().encode())
    simctl("release", created[1])
    assert unregistering.wait(5) == 0

    assert devices() == [other]
    assert not os.path.exists("/sys/devices/virtual/mtty/mtty")
    with fails_with(errno.ENODEV):
        os.write(file, new_uuid().encode())
    with fails_with(errno.ENOENT):
        os.open("uevent", os.O_RDONLY, dir_fd=directory)

    simctl("add-parent", "mtty:mtty-1=3")
    assert os.stat(MDEV_BUS / "mtty" / "mdev_supported_types").st_ino != inode
    assert available("mtty", "mtty-1") == 3
    create("mtty", "mtty-1", created[0])


@simulated("--no-daemon", "--create-delay", "300")
def test_unregistering_waits_for_who_is_inside():
    creator = Background(create, "mtty", "mtty-1")
    eventually(devices)
    unregistering = subprocess.Popen(["simctl", "remove-parent", "mtty"])
    time.sleep(0.1)
    assert os.path.lexists(MDEV_BUS / "mtty")
    with fails_with(errno.ENODEV):
        create("mtty", "mtty-1")
    assert creator.errno() == 0
    assert unregistering.wait(5) == 0
    assert not devices()


@simulated("--no-daemon", "--parent", "0000:41:00.0:nvidia-63=4")
def test_pci_parent():
    path = (MDEV_BUS / "0000:41:00.0").resolve()
    assert str(path) == "/sys/devices/pci0000:41/0000:41:00.0"
    assert (path / "subsystem").resolve().name == "pci"
    device = create("0000:41:00.0", "nvidia-63")
    assert (DEVICES / device).resolve() == path / device
    simctl("remove-parent", "0000:41:00.0")
    assert path.exists()
    assert not (path / "mdev_supported_types").exists()
    simctl("add-parent", "0000:41:00.0:nvidia-64=1")
    assert os.listdir(path / "mdev_supported_types") == ["nvidia-64"]


@simulated("--no-daemon", "--no-parents")
def test_types_that_appear_late():
    simctl("add-parent", "--types-after", 300, "--no-name", "--no-description", "nvidia:nvidia-63=4")
    types = MDEV_BUS / "nvidia" / "mdev_supported_types"
    assert not os.listdir(types)
    assert not (types / "nvidia-63").exists()
    eventually((types / "nvidia-63").exists, 1)
    assert sorted(os.listdir(types / "nvidia-63")) == ["available_instances", "create", "device_api", "devices"]
    create("nvidia", "nvidia-63")


# --- the system bus


@simulated("--bus", "broker")
def test_dbus_broker():
    def call(*arguments):
        return subprocess.run(["busctl", "call", *arguments], check=False, capture_output=True, text=True)

    driver = ("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus")
    pid = call(*driver, "GetConnectionUnixProcessID", "s", driver[0]).stdout.split()[1]
    assert read(f"/proc/{pid}/comm").startswith("dbus-broker")
    assert call("org.mediated1", "/org/mediated1", "org.mediated1.Manager", "ListJobs").returncode == 0
    # A policy that is added counts from the next reload on.
    name = ("RequestName", "su", "org.example.Simulated", "0")
    assert "denied" in call(*driver, *name).stderr
    write("/etc/dbus-1/system.d/simulated.conf",
          '<busconfig><policy user="root"><allow own="org.example.Simulated"/></policy></busconfig>')
    assert call(*driver, "ReloadConfig").returncode == 0
    assert call(*driver, *name).returncode == 0


@simulated()
def test_dbus_daemon():
    listed = subprocess.run(["busctl", "list"], check=True, capture_output=True, text=True).stdout
    assert listed.count("dbus-daemon") == 1


# --- uevents


class Monitor:
    """Listens as udev's clients do."""

    def __init__(self, buffer=None):
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 15)
        if buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        self.socket.bind((0, 2))

    def read(self, timeout=1.0):
        self.socket.settimeout(timeout)
        data = self.socket.recv(8192)
        assert data[:8] == b"libudev\0"
        assert struct.unpack_from(">I", data, 8)[0] == 0xFEEDCAFE
        offset, size = struct.unpack_from("=II", data, 16)
        assert offset + size == len(data)
        return dict(line.split("=", 1) for line in data[offset:-1].decode().split("\0"))

    def read_all(self):
        events = []
        try:
            while True:
                events.append(self.read(0.3))
        except TimeoutError:
            return events


@simulated("--no-daemon")
def test_uevents_of_a_device():
    monitor = Monitor()
    before = int(read("/sys/kernel/uevent_seqnum"))
    device = create("mtty", "mtty-1")
    path = f"/devices/virtual/mtty/mtty/{device}"
    group = (DEVICES / device / "iommu_group").resolve().name
    remove(device)

    events = monitor.read_all()
    assert [(event["ACTION"], event["SUBSYSTEM"], event["DEVPATH"]) for event in events] == [
        ("add", "mdev", path),
        ("add", "vfio", f"/devices/virtual/vfio/{group}"),
        ("add", "vfio-dev", f"{path}/vfio-dev/vfio{group}"),
        ("bind", "mdev", path),
        ("remove", "vfio-dev", f"{path}/vfio-dev/vfio{group}"),
        ("remove", "vfio", f"/devices/virtual/vfio/{group}"),
        ("unbind", "mdev", path),
        ("remove", "mdev", path),
    ]
    assert [int(event["SEQNUM"]) for event in events] == list(range(before + 1, before + 9))
    assert events[1]["DEVNAME"] == f"/dev/vfio/{group}"
    assert int(read("/sys/kernel/uevent_seqnum")) == before + 8


@simulated("--no-daemon")
def test_uevent_tells_of_what_can_be_seen():
    """Names that the real kernel remembers, there or not, are right when the uevent and when the answer comes."""
    monitor = Monitor()
    device = new_uuid()
    for _ in range(50):
        assert not os.path.lexists(DEVICES / device)
        creator = Background(create, "mtty", "mtty-1", device)
        assert monitor.read()["ACTION"] == "add"
        assert os.path.lexists(DEVICES / device)
        while monitor.read()["ACTION"] != "bind":
            pass
        assert creator.errno() == 0
        assert os.path.lexists(DEVICES / device / "mdev_type")
        remover = Background(remove, device)
        while monitor.read()["ACTION"] != "unbind":
            pass
        assert monitor.read()["ACTION"] == "remove"
        assert not device_path("mtty", device).exists()
        assert remover.errno() == 0


@simulated("--no-daemon")
def test_uevents_of_a_parent():
    monitor = Monitor()
    simctl("remove-parent", "mtty")
    simctl("add-parent", "mtty:mtty-1=1")
    simctl("add-parent", "0000:41:00.0:nvidia-63=4")
    assert [(event["ACTION"], event["SUBSYSTEM"], event.get("MDEV_STATE")) for event in monitor.read_all()] == [
        ("change", "mtty", "unregistered"), ("remove", "mtty", None),
        ("add", "mtty", None), ("change", "mtty", "registered"),
        ("add", "pci", None), ("change", "pci", "registered"), ("bind", "pci", None),
    ]
    write(MDEV_BUS / "mtty" / "uevent", "change")
    event = monitor.read()
    assert (event["ACTION"], event.get("MDEV_STATE")) == ("change", None)


@simulated("--no-daemon")
def test_uevents_reach_libsystemd():
    """udevadm listens with an sd_device_monitor, whose socket filter knows subsystems by their hash."""
    with subprocess.Popen(["udevadm", "monitor", "--udev", "--subsystem-match=mdev"], stdout=subprocess.PIPE,
                          text=True, bufsize=1) as monitor:
        for line in monitor.stdout:
            if line.startswith("UDEV - "):
                break
        device = create("mtty", "mtty-1")
        lines = [line for line in (monitor.stdout.readline() for _ in range(3)) if line.strip()]
        monitor.terminate()
    assert [line.split()[2] for line in lines] == ["add", "bind"]
    assert all(line.split()[3].endswith(device) and line.split()[4] == "(mdev)" for line in lines)


@simulated("--no-daemon")
def test_lost_and_late_uevents():
    monitor = Monitor()
    simctl("lose-uevents", 3)
    create("mtty", "mtty-1")
    assert [event["ACTION"] for event in monitor.read_all()] == ["bind"]

    simctl("delay-uevents", 300)
    begin = time.monotonic()
    create("mtty", "mtty-1")
    assert time.monotonic() - begin < 0.25
    assert monitor.read()["ACTION"] == "add"
    assert time.monotonic() - begin >= 0.3
    simctl("delay-uevents", 0)
    assert len(monitor.read_all()) == 3


@simulated("--no-daemon")
def test_storm_overflows_a_receive_buffer():
    created = [create("mtty", "mtty-1") for _ in range(2)]
    large, small = Monitor(4 << 20), Monitor(64 << 10)
    simctl("storm", 1000)
    events = large.read_all()
    assert len(events) == 1000
    assert {event["DEVPATH"].rsplit("/")[-1] for event in events} == set(created)
    with fails_with(errno.ENOBUFS):
        while True:
            small.read()


# --- programs that are there


@simulated("--no-daemon")
def test_mdevctl_of_debian():
    def mdevctl(*arguments):
        return subprocess.run(["/usr/bin/mdevctl", *arguments], check=True, capture_output=True, text=True).stdout

    assert re.search(r"mtty-2\s+Available instances: 12\s+Device API: vfio-pci", mdevctl("types"))
    device = new_uuid()
    mdevctl("start", "-u", device, "-p", "mtty", "-t", "mtty-1")
    assert mdevctl("list").split()[:3] == [device, "mtty", "mtty-1"]
    write(DEVICES / device / "vendor" / "vgpu_params", "x")
    mdevctl("define", "-u", device, "-a")
    assert os.path.exists(f"/etc/mdevctl.d/mtty/{device}")
    mdevctl("stop", "-u", device)
    assert not mdevctl("list").strip()
    mdevctl("start-parent-mdevs", "mtty")
    assert devices() == [device]


@simulated("--no-daemon")
def test_bus_and_tools():
    busctl = subprocess.run(["busctl", "list", "--no-pager"], check=True, capture_output=True, text=True).stdout
    assert "org.freedesktop.DBus" in busctl
    assert "PolicyKit" not in busctl
    socket.create_server(("127.0.0.1", 0)).close()
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(("127.0.0.1", 1))
    device = create("mtty", "mtty-1")
    info = subprocess.run(["udevadm", "info", f"/sys/bus/mdev/devices/{device}"], check=True, capture_output=True,
                          text=True).stdout
    assert "E: DRIVER=mtty" in info


# --- the daemon's supervision


def daemon_pid():
    return int(read("/run/mediated-sim/daemon.pid"))


def ping():
    return subprocess.run(["busctl", "call", "--auto-start=no", "org.mediated1", "/org/mediated1",
                           "org.freedesktop.DBus.Peer", "Ping"], check=False, capture_output=True).returncode == 0


@simulated()
def test_daemon_can_be_called_from_the_beginning():
    assert ping()
    assert read(f"/proc/{daemon_pid()}/comm") == "mediated"
    assert os.path.exists("/run/mediated.log")


def is_another_daemon(pid):
    # The file may vanish, or be empty, at any time.
    with contextlib.suppress(FileNotFoundError, ValueError):
        return daemon_pid() != pid
    return False


@simulated()
def test_daemon_is_started_again_when_it_dies():
    for kill in (lambda: os.kill(daemon_pid(), signal.SIGKILL), lambda: simctl("daemon", "kill")):
        before = daemon_pid()
        kill()
        eventually(lambda: is_another_daemon(before), 5)
        eventually(ping)


@simulated()
def test_daemon_can_be_held_down():
    before = daemon_pid()
    simctl("daemon", "restart")
    assert ping()
    assert daemon_pid() != before
    simctl("daemon", "stop")
    assert not os.path.exists("/run/mediated-sim/daemon.pid")
    time.sleep(0.3)
    assert not ping()
    assert "No such process" in simctl_fails("daemon", "kill")
    simctl("daemon", "start")
    assert ping()
    assert "not supported" in simctl_fails("daemon", "nonsense")


@simulated()
def test_daemon_has_the_capabilities_of_its_unit():
    status = read(f"/proc/{daemon_pid()}/status")
    # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_SYS_PTRACE
    assert int(re.search(r"CapBnd:\s+(\w+)", status).group(1), 16) == 1 << 1 | 1 << 2 | 1 << 19


# --- simctl


@simulated("--no-daemon")
def test_simctl_says_what_is_wrong():
    assert "no parent nowhere" in simctl_fails("remove-parent", "nowhere")
    assert "exists" in simctl_fails("add-parent", "mtty:mtty-1=1")
    assert "NAME:TYPE=COUNT" in simctl_fails("add-parent", "mtty")
    assert "unknown option" in simctl_fails("add-parent", "--nonsense", "new:new-1=1")
    assert "cannot delay" in simctl_fails("delay", "mtty", "nothing", 1)
    assert "not a number" in simctl_fails("delay", "mtty", "create", "soon")
    assert "cannot hang" in simctl_fails("hang", "mtty", "nothing")
    assert "Invalid" in simctl_fails("fail", "mtty", "create", "ENONSENSE")
    assert "No such file" in simctl_fails("hold", new_uuid())
    assert "nobody holds" in simctl_fails("release", new_uuid())
    assert subprocess.run(["simctl", "nonsense"], check=False, capture_output=True).returncode == 2
    for verb in ("add-parent", "remove-parent", "hold", "release", "delay", "fail", "hang", "resume",
                 "lose-uevents", "delay-uevents", "storm", "record-lookups", "daemon"):
        assert subprocess.run(["simctl", verb], check=False, capture_output=True).returncode == 2
        assert f"\n  {verb} " in simctl("--help")


# --- the host as a whole


def simulate(*arguments, **options):
    return subprocess.run([SIMULATE, *arguments], check=False, capture_output=True, text=True, timeout=30,
                          **options)


def test_exit_status():
    assert simulate("--no-daemon", "--", "sh", "-c", "exit 7").returncode == 7
    assert simulate("--no-daemon", "--", "sh", "-c", "kill -9 $$").returncode == 137
    assert simulate("--no-daemon", "--", "/nonexistent").returncode == 127
    assert simulate("--parent", "nonsense", "--no-daemon", "--", "true").returncode == 2
    assert simulate("--nonsense").returncode == 2
    assert simulate("--no-daemon", "--", "cat", input="through\n").stdout == "through\n"


def test_starts_fast():
    times = []
    for _ in range(5):
        begin = time.monotonic()
        assert simulate("--no-daemon", "--", "true").returncode == 0
        times.append(time.monotonic() - begin)
    assert min(times) < 0.3


def namespace(pid):
    try:
        return os.readlink(f"/proc/{pid}/ns/pid")
    except OSError:
        return None


def processes_in(pid_namespace):
    return [int(pid) for pid in filter(str.isdigit, os.listdir("/proc")) if namespace(pid) == pid_namespace]


def traces():
    with open("/proc/mounts", encoding="utf-8") as file:
        mounts = file.read()
    return mounts, *(sorted(os.listdir(path)) for path in ("/run", "/dev", "/etc", "/etc/mdevctl.d"))


def start_busy_host():
    """A host with something of everything: what hangs in the kernel, background jobs, what holds a device."""
    script = """
        simctl hold $(cat /proc/sys/kernel/random/uuid | tee /run/u; cat /run/u > \
                /sys/class/mdev_bus/mtty/mdev_supported_types/mtty-1/create) &&
        simctl hang mtty remove && simctl hang mbochs read &&
        (echo 1 > /sys/bus/mdev/devices/$(cat /run/u)/remove) &
        cat /sys/class/mdev_bus/mbochs/mdev_supported_types/mbochs-small/available_instances &
        touch /etc/trace /run/trace /dev/trace; sleep 0.3; echo ready; sleep 1000
    """
    process = subprocess.Popen([SIMULATE, "--no-daemon", "--", "bash", "-c", script], stdout=subprocess.PIPE,
                               text=True)
    while process.stdout.readline() != "ready\n":
        pass
    return process


def ends_without_trace(number, status):
    before = traces()
    process = start_busy_host()
    try:
        init = read(f"/proc/{process.pid}/task/{process.pid}/children").split()[0]
        host = namespace(init)
        assert host != namespace("self")
        assert len(processes_in(host)) > 5
        process.send_signal(number)
        assert process.wait(10) == status
    finally:
        process.kill()
    eventually(lambda: not processes_in(host))
    assert traces() == before


def test_interrupt_leaves_nothing_behind():
    ends_without_trace(signal.SIGINT, 130)


def test_termination_leaves_nothing_behind():
    ends_without_trace(signal.SIGTERM, 143)


def test_kill_leaves_nothing_behind():
    ends_without_trace(signal.SIGKILL, -signal.SIGKILL)


def test_terminal():
    """Ctrl-C reaches the command, once, and not what makes the host."""
    pid, terminal = pty.fork()
    if pid == 0:
        script = """
            trap 'echo caught; simctl storm 1 && echo alive; exit 3' INT
            echo ready
            while :; do sleep 0.1; done
        """
        os.execv(SIMULATE, [SIMULATE, "--no-daemon", "--", "bash", "-c", script])
    output = b""
    while b"ready" not in output:
        output += os.read(terminal, 1024)
    os.write(terminal, b"\x03")
    try:
        while data := os.read(terminal, 1024):
            output += data
    except OSError:
        pass
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 3
    assert output.count(b"caught") == 1
    assert b"alive" in output


def test_definitions_are_copied(tmp_path):
    (tmp_path / "mtty").mkdir()
    (tmp_path / "mtty" / "x").write_text("here")
    script = "cat /etc/mdevctl.d/mtty/x; echo changed > /etc/mdevctl.d/mtty/x"
    result = simulate("--no-daemon", "--definitions", str(tmp_path), "--", "sh", "-c", script)
    assert result.stdout == "here"
    assert (tmp_path / "mtty" / "x").read_text() == "here"


def test_two_hosts_at_once():
    script = "simctl add-parent other:other-1=1; sleep 0.3; ls /sys/class/mdev_bus"
    hosts = [subprocess.Popen([SIMULATE, "--no-daemon", "--no-parents", "--", "sh", "-c", script],
                              stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert [host.communicate(timeout=10)[0] for host in hosts] == ["other\n", "other\n"]
