# SPDX-License-Identifier: LGPL-2.1-or-later
"""Out of file descriptors, processes, memory, or room in /run: what cannot be done is refused and says why, nothing
that is known gets lost, and all is well when there is enough again."""

import contextlib
import shutil
import subprocess

import pytest
from definitions import (REGISTRATIONS, begin_define, define, definition, host_with, kill_daemon, listed, put,
                         put_many, start, start_daemon, stop_daemon, text_of)
from host import DEVICES, INTENTS, Host, is_sanitized, new_uuid, status_of

RUN = INTENTS.parent
IO_ERROR = "org.freedesktop.DBus.Error.IOError"


@contextlib.contextmanager
def limited(host, pid, name, value):
    """The soft limit of a process that runs, by a process of the host's: its number is the host's."""
    soft = host.shell(f"prlimit --pid $1 --{name} --noheadings --output SOFT", pid).stdout.strip()
    host.shell(f"prlimit --pid $1 --{name}=$2:", pid, value)
    yield
    host.shell(f"prlimit --pid $1 --{name}=$2:", pid, soft)


def test_without_fds_nothing_known_is_forgotten():
    with Host() as host:
        host.check_sane()
        signals = host.signals()
        devices = [host.create() for _ in range(3)]
        defined = define(host)
        before = host.states(), host.call("ListParents"), listed(host)
        known = host.objects()
        with limited(host, host.daemon_pid(), "nofile", 3):
            signals.seen.clear()
            # An idle worker has fds of its own.
            host.stop(host.create())
            # Hints to look, at things that cannot be looked at.
            host.shell("for u in /sys/bus/mdev/devices/*/uevent /sys/class/mdev_bus/mtty/uevent; do"
                       " echo change >$u; done")
            put(defined, text_of(start="manual"))
            unseen = host.raw_create()
            host.call("Reload")
            host.sleep(0.5)
            assert (host.states(), host.call("ListParents"), listed(host)) == before
            assert definition(host, defined)["Valid"]
            assert not signals.find("InterfacesRemoved", lambda body: body[0] in known)
        host.eventually(lambda: set(host.states()) == {*devices, unseen}, 10, "the device that was not seen")
        host.check_sane()
        assert host.daemon_pid() and "were short" in host.log()


def test_without_processes_the_caller_is_told():
    """No worker is there, and none can be started."""
    with Host() as host:
        host.check_sane()
        with limited(host, host.daemon_pid(), "nofile", 3):
            host.kill(*host.workers())
            host.eventually(lambda: not host.workers())
            uuids = [new_uuid() for _ in range(10)]
            calls = [host.begin_create(uuid) for uuid in uuids] + [begin_define(host)]
            for call in calls:
                error = call.error()
                assert error.name == IO_ERROR and "no worker process can be started: Too many open files" in error.text
        host.check_sane()
        for uuid in uuids:
            host.create(uuid)


@pytest.mark.skipif(is_sanitized(), reason="AddressSanitizer needs more address space than any limit allows")
def test_worker_without_memory():
    with Host() as host:
        host.check_sane()
        failed = 0
        for extra in range(0, 1024, 128):
            # The worker that was used last is used next: one that is the only one.
            old = set(host.workers())
            host.kill(*old)
            host.eventually(lambda old=old: not old & set(host.workers()), 10)
            host.types("mbochs")
            worker = host.workers()[0]
            size = int(status_of(worker, "VmSize"))
            host.shell("prlimit --pid $1 --as=$2", worker, (size + extra) * 1024)
            call = host.begin_create(attributes=[("setting", "x" * 3000)] * 100)
            call.wait()
            failed += call.task.result().error_name != ""
            for uuid in host.states():
                host.stop(uuid)
            host.check_sane()
        print(f"{failed} of 8 creates failed for lack of memory")
        assert failed


# --- /run/mediated

def test_run_is_full():
    with Host() as host:
        stop_daemon(host)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "nr_inodes=64", "tmpfs", RUN], check=True)
        start_daemon(host)
        host.check_sane()
        device, defined = host.create(), define(host)
        host.shell("cd /run/mediated && mkdir fill && i=0 && while touch fill/$((i++)); do :; done", check=False)
        for _ in range(3):
            error = host.begin_create().error()
            assert error.name == IO_ERROR and "No space left" in error.text and "/run/mediated" in error.text
        assert host.is_idle()
        host.stop(device)
        define(host)
        shutil.rmtree(RUN / "fill")
        start(host, defined)
        host.check_sane()


def test_run_is_read_only():
    with Host() as host:
        stop_daemon(host)
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", RUN], check=True)
        start_daemon(host)
        host.check_sane()
        device = host.create()
        host.shell("mount -o remount,ro /run/mediated")
        error = host.begin_create().error()
        assert error.name == IO_ERROR and "Read-only file system" in error.text
        assert "Read-only file system" in begin_define(host).error().text
        host.stop(device)
        host.shell("mount -o remount,rw /run/mediated")
        host.check_sane()


def test_run_vanishes():
    with host_with(lambda _: put_many(3)) as (host, uuids):
        host.check_sane()
        host.eventually(lambda: len(host.states()) == 3)
        shutil.rmtree(RUN)
        define(host)
        host.check_sane()
        for uuid in uuids:
            host.stop(uuid)
            start(host, uuid)
        shutil.rmtree(RUN)
        # And in the midst of a creation, of which the next daemon then knows nothing: it is complete, and kept.
        host.simctl("hang", "mtty", "create")
        device = new_uuid()
        host.begin_create(device)
        host.eventually((DEVICES / device).exists)
        shutil.rmtree(RUN)
        kill_daemon(host)
        host.wait_ready()
        host.simctl("resume", "mtty")
        host.eventually(lambda: host.states() == dict.fromkeys([*uuids, device], "active"), 10)
        host.check_sane()
        assert (REGISTRATIONS / "mtty" / ".identity").exists()
