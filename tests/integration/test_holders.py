# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which processes count as users of a device, and how many of them are named."""

import contextlib
import os
import pathlib
import re

import pytest
from bus import DEVICE, Error
from ctl import MEDIATECTL, ctl, ctl_json, on_terminal
from host import DEVICES, SOURCE, Host, device_path
from polkit import CHALLENGE, YES, Polkit

ATTACKER = "setpriv --reuid=65534 --regid=65534 --clear-groups unshare --user --map-root-user --mount"
TESTS = SOURCE / "tests/integration"

# A character device that can be opened, and that nobody has open.
FULL = "c 1 7"


def group_of(device):
    return os.path.basename(os.readlink(DEVICES / device / "iommu_group"))


def start_ready(host, command, *arguments):
    """Starts it, and waits for the first line that it prints."""
    process = host.start(command, *arguments)
    line = process.stdout.readline()
    assert line, process.stderr.read()
    return line.strip()


def start_impostors(host, group, number=1):
    """Processes of a user who has no right to any node, with a file open that has a node's name for everybody."""
    start_ready(host, ATTACKER + ' bash -c "$@"', """
        mount -t tmpfs none /dev/vfio && exec 9>/dev/vfio/$1 || exit
        for ((i = 0; i < $2; i++)); do sleep 100 & done
        readlink /proc/$!/fd/9; wait""", "impostor", group, number)


def holders_of(host, device):
    return [user["pid"] for user in ctl_json(host, "show", device)["devices"][0]["users"]]


def test_file_with_the_name_of_a_node():
    with Host() as host:
        device = host.create()
        start_impostors(host, group_of(device))
        assert holders_of(host, device) == []
        pid = int(host.simctl("hold", device))
        assert f"in use by process {pid} (simctl-holder);" in host.begin_stop(device).error().text
        assert holders_of(host, device) == [pid]


def test_file_with_the_name_of_a_node_that_is_not_there():
    """As with a kernel without groups (CONFIG_VFIO_GROUP=n): only the holders tell there whether a device is free."""
    with Host() as host:
        device = host.create()
        start_impostors(host, group_of(device))
        host.shell("mount -t tmpfs none /dev/vfio")
        host.stop(device)
        assert host.devices() == {}


def make_device_node(host, device):
    """Instead of all groups. Returns its path, and that of a copy such as a container has it."""
    node = f"/dev/vfio/devices/{os.listdir(DEVICES / device / 'vfio-dev')[0]}"
    host.shell(f"mount -t tmpfs none /dev/vfio && mkdir /dev/vfio/devices && mknod -m 600 $1 {FULL} && "
               f"mount -t tmpfs none /mnt && mknod -m 600 /mnt/node {FULL}", node)
    return node, "/mnt/node"


def test_node_with_another_name():
    with Host() as host:
        device = host.create()
        _, copy = make_device_node(host, device)
        pid = int(start_ready(host, "exec 9<$1 && echo $$ && exec sleep 100", copy))
        assert f"in use by process {pid} (" in host.begin_stop(device).error().text
        assert holders_of(host, device) == [pid]
        host.kill(pid)
        host.stop(device, wait=True)
        assert host.devices() == {}


def test_path_of_a_node_that_may_not_be_opened():
    """With O_PATH anybody gets a file descriptor, for which the node is not opened."""
    with Host() as host:
        device = host.create()
        node, _ = make_device_node(host, device)
        start_ready(host, ATTACKER + ' /usr/bin/python3 -c "$@"', """
import os, sys, time
fd = os.open(sys.argv[1], os.O_PATH)
print("open", flush=True)
time.sleep(100)""", node)
        assert holders_of(host, device) == []
        host.stop(device)
        assert host.devices() == {}


def test_open_file_whose_file_system_does_not_answer():
    with Host() as host:
        device = host.create()
        pid = int(host.simctl("hold", device))
        start_ready(host, "exec /usr/bin/python3 $1 /mnt", TESTS / "unanswered_fs.py")
        assert f"{pid} (simctl-holder)" in host.begin_stop(device).error().text


def start_many(host, device, number):
    """Returns the pids of all processes that have the device's group open."""
    pids = start_ready(host, """exec 9<>/dev/vfio/$1
                                for ((i = 1; i < $2; i++)); do sleep 100 & done; echo $$ $(jobs -p); wait""",
                       group_of(device), number)
    return [int(pid) for pid in pids.split()]


def watched_by_daemon(host, processes):
    """How many of these processes it has a pidfd of."""
    pids = set()
    for info in pathlib.Path(f"/proc/{host.daemon_pid()}/fdinfo").glob("*"):
        with contextlib.suppress(FileNotFoundError):
            pids.update(re.findall(r"^Pid:\t(\d+)$", info.read_text(), re.MULTILINE))
    return len(set(map(int, pids)) & set(processes))


def test_more_holders_than_are_named():
    with Host() as host:
        device = host.create()
        pids = start_many(host, device, 16)
        text = host.begin_stop(device).error().text
        assert all(f"{pid} (" in text for pid in pids) and "more" not in text
        host.kill(*pids)
        host.eventually(lambda: holders_of(host, device) == [])

        pids = start_many(host, device, 21)
        text = host.begin_stop(device).error().text
        named = [int(pid) for pid in re.findall(r"(\d+) \(", text)]
        assert len(named) == 16 and set(named) < set(pids) and " and 5 more; end" in text


def test_wait_for_more_holders_than_are_named():
    with Host() as host:
        device = host.create()
        pids = start_many(host, device, 40)
        holders = list(pids)
        stop = host.begin_stop(device, wait=True)
        host.eventually(lambda: watched_by_daemon(host, holders) == 16, 20)
        while len(pids) > 14:
            host.kill(*pids[-13:])
            del pids[-13:]
            host.eventually(lambda: watched_by_daemon(host, holders) == min(16, len(pids)), 20)
            assert host.state(device) == "active" and not stop.done
        host.kill(*pids)
        stop.result()
        assert host.devices() == {}


def users_of(host, device):
    return host.bus.call(device_path(device), DEVICE, "GetUsers")


def test_users_on_the_bus():
    with Host() as host:
        device = host.create()
        assert users_of(host, device) == []
        pid = int(host.simctl("hold", device))
        assert users_of(host, device) == [[pid, "simctl-holder", ""]]
        host.simctl("release", device)
        host.eventually(lambda: users_of(host, device) == [])
        host.stop(device)
        with pytest.raises(Error, match="UnknownObject"):
            users_of(host, device)


def start_machine(host, device, name):
    """Named as in the command line of QEMU; of its real one, the tests in the virtual machine know."""
    return int(start_ready(host, """
        mount -t tmpfs none /mnt && ln -s /usr/bin/python3 /mnt/qemu-system-x86_64 || exit
        exec 9<>/dev/vfio/$1
        exec /mnt/qemu-system-x86_64 -c 'import os, time; print(os.getpid(), flush=True); time.sleep(100)' \
            -name guest=$2,debug-threads=on""", group_of(device), name))


def test_worker_is_no_user():
    """It has the group open while the driver removes the device."""
    with Host() as host:
        device = host.create()
        group = os.stat(f"/dev/vfio/{group_of(device)}").st_ino
        host.simctl("hang", "mtty", "remove")
        stop = host.begin_stop(device)
        host.eventually(lambda: host.state(device) == "stopping")
        worker, = host.busy_workers()
        assert any(os.stat(fd).st_ino == group for fd in pathlib.Path(f"/proc/{worker}/fd").iterdir() if fd.exists())
        assert users_of(host, device) == []
        host.simctl("resume", "mtty")
        stop.result()


def test_virtual_machine_that_uses_it():
    with Host() as host:
        device = host.create()
        pid = start_machine(host, device, "web")
        assert users_of(host, device) == [[pid, "qemu-system-x86", "web"]]
        assert f"process {pid} (qemu-system-x86, virtual machine web)" in host.begin_stop(device).error().text
        host.kill(pid)
        host.stop(device, wait=True)


def test_many_users_are_cut():
    with Host() as host:
        device = host.create()
        start_ready(host, "exec 9<>/dev/vfio/$1; for ((i = 0; i < 40; i++)); do sleep 100 & done; echo; wait",
                    group_of(device))
        assert len(users_of(host, device)) == 16


def test_users_that_mediatectl_shows():
    with Host() as host:
        devices = sorted([host.create(), host.create(), host.create()])
        machine = start_machine(host, devices[0], "web")
        holder = int(host.simctl("hold", devices[1]))
        assert f"Used by: web (qemu-system-x86, process {machine})" in ctl(host, "show", devices[0]).out
        assert f"Used by: simctl-holder (process {holder})" in ctl(host, "show", devices[1]).out
        rows = ctl(host, "list", "-o", "UUID,USER", "--no-legend").out.splitlines()
        assert [line.split() for line in rows] == [[devices[0], "web"], [devices[1], "simctl-holder"], [devices[2]]]
        for device, user in zip(devices, ("web", "simctl-holder", "")):
            assert re.search(rf"{device} +active *{user}\s*$", ctl(host, "tree").out, re.MULTILINE)

        users = [[{"pid": machine, "command": "qemu-system-x86", "machine": "web"}],
                 [{"pid": holder, "command": "simctl-holder", "machine": None}], []]
        assert [row["users"] for row in ctl_json(host, "show", *devices)["devices"]] == users
        assert [row["users"] for row in ctl_json(host, "list", "-o", "+USER")["devices"]] == users
        command = [MEDIATECTL, "stop", devices[0], "--wait", "--timeout", "1s"]
        assert f"Waiting for web (qemu-system-x86, process {machine}) to release" in on_terminal(host, command, 140)[1]
        # There is no column where nobody uses anything.
        assert "USER" in ctl(host, "tree").out and "USER" not in ctl(host, "tree", "mbochs").out


def test_users_that_may_not_be_seen():
    """Nobody is asked for a password."""
    with Host() as host:
        device = host.create()
        host.simctl("hold", device)
        polkit = Polkit(host, lambda check: CHALLENGE)
        as_nobody = ["setpriv", "--reuid=65534", "--clear-groups", MEDIATECTL]
        process = host.start('exec "$@"', *as_nobody, "show", device)
        host.eventually(lambda: process.poll() is not None)
        assert "Used by: unknown (only root can see it)" in process.stdout.read()
        assert [check.interactive for check in polkit.checks] == [False]
        polkit.decide = lambda check: YES
        process = host.start('exec "$@"', *as_nobody, "list", "-o", "USER", "--no-legend")
        host.eventually(lambda: process.poll() is not None)
        assert process.stdout.read() == "simctl-holder\n"
