# SPDX-License-Identifier: LGPL-2.1-or-later
"""A simulated host with the real daemon in it, as tests like it.

    with Host(create_delay=100) as host:
        device = host.create()
        assert host.states() == {device: "active"}

While it runs, the test's process is in the host's mount, network and PID namespaces: /sys, /run and the system bus are
the host's, and so are the processes that it starts. What may block belongs into such a process (host.shell,
host.start): a thread cannot be made here, and this process must not get stuck in a write to /sys."""

import asyncio
import collections
import contextlib
import ctypes
import functools
import json
import os
import pathlib
import re
import signal
import subprocess
import time
import uuid as uuids

from bus import DEVICE, JOB, MANAGER, OBJECT_MANAGER, PARENT, PROPERTIES, ROOT, Bus, Signals, encode, plain
from dbus_next import Variant

SOURCE = pathlib.Path(__file__).resolve().parents[2]
SIMULATE = SOURCE / "tools" / "simulate"

BUILD = pathlib.Path(os.environ.get("MEDIATED_BUILD", SOURCE / "build")).resolve()

# The system bus of the hosts: `daemon` or `broker`.
BUS = os.environ.get("MEDIATED_BUS", "daemon")

# Cards with vendor VFIO that each host has whose test does not say otherwise, one a word; and the parents that a host
# has beside its cards then.
CARDS = tuple(os.environ.get("MEDIATED_CARDS", "").split())
USUAL_PARENTS = ("mtty:mtty-1=24,mtty-2=12", "mbochs:mbochs-small=64")

DEVICES = pathlib.Path("/sys/bus/mdev/devices")
MDEV_BUS = pathlib.Path("/sys/class/mdev_bus")
LOG = pathlib.Path("/run/mediated.log")
DAEMON_PID = pathlib.Path("/run/mediated-sim/daemon.pid")
INTENTS = pathlib.Path("/run/mediated/intents")
STORE = pathlib.Path("/etc/mdevctl.d")

# So many workers may be idle, POOL_IDLE_MAX, and some a little longer. Each has its standard streams, its socket, the
# root, and the directory of fault points.
WORKERS_MAX = 16
FDS_OF_WORKER = 6

# From here on they are valgrind's own.
VALGRIND_FDS = 1000

# What a program that was built with sanitizers says when it has found something, and what a quiet valgrind does; and
# what the simulator says of a crash.
SANITIZER = re.compile(r"ERROR: AddressSanitizer|ERROR: LeakSanitizer|runtime error:|AddressSanitizer:DEADLYSIGNAL|"
                       r"^==\d+== \S|^simulate: the daemon has died of signal", re.MULTILINE)

UNKNOWN_INSTANCES = 0xFFFFFFFF

Device = collections.namedtuple("Device", "uuid parent type state defined path")
Job = collections.namedtuple("Job", "id uuid kind state path")
Type = collections.namedtuple("Type", "parent type name device_api available description")

_FLAGS = ("settle", "wait", "force", "live", "defined", "no-wait")
_NAMESPACES = (("mnt", 0x00020000), ("net", 0x40000000), ("pid", 0x20000000))
_libc = ctypes.CDLL(None, use_errno=True)


def new_uuid():
    return str(uuids.uuid4())


def device_path(uuid):
    return f"{ROOT}/device/{encode(uuid)}"


def parent_path(name):
    return f"{ROOT}/parent/{encode(name)}"


def job_path(number):
    return f"{ROOT}/job/{encode(str(number))}"


def _option(name, value):
    if isinstance(value, Variant):
        return name, value
    if name == "timeout":
        return "timeout-usec", Variant("t", int(value * 1e6))
    name = name.replace("_", "-")
    assert name in _FLAGS
    return name, Variant("b", value)


def options(**values):
    """Keywords as a{sv}, a timeout in seconds; an option that is not known, or of another type, is given as a
    Variant."""
    return dict(_option(name, value) for name, value in values.items())


class _Namespaces:
    """The way in and back."""

    def __init__(self):
        self.home = {name: os.open(f"/proc/self/ns/{name}", os.O_RDONLY | os.O_CLOEXEC) for name, _ in _NAMESPACES}
        self.directory = os.open(".", os.O_RDONLY | os.O_CLOEXEC)

    def enter(self, pid):
        # Opened before the first step: after it /proc is another one.
        files = [(open(f"/proc/{pid}/ns/{name}", "rb"), kind) for name, kind in _NAMESPACES]
        for file, kind in files:
            with file:
                if _libc.setns(file.fileno(), kind) < 0:
                    raise OSError(ctypes.get_errno(), "cannot enter the simulated host")

    def leave(self):
        for name, kind in _NAMESPACES:
            if _libc.setns(self.home[name], kind) < 0:
                raise OSError(ctypes.get_errno(), "cannot leave the simulated host")
            os.close(self.home[name])
        os.fchdir(self.directory)
        os.close(self.directory)


def _child_of(pid):
    for child in _processes():
        if _parent_of(child) == pid:
            return child
    raise AssertionError("the simulated host has no process")


class Host:
    def __init__(self, *, parents=None, create_delay=0, remove_delay=0, daemon=True, daemon_options=(),
                 environment=None, polkit=False, bus=BUS, cards=None):
        """The environment is the daemon's, beside what it has anyway. With `polkit` the bus starts the real one. Where
        there are cards, there are no parents but those that are named."""
        self.arguments = [f"--bus={bus}", f"--create-delay={create_delay}", f"--remove-delay={remove_delay}"]
        if parents is not None:
            self.arguments += [f"--parent={parent}" for parent in parents] or ["--no-parents"]
        elif CARDS if cards is None else cards:
            self.arguments += [f"--parent={parent}" for parent in USUAL_PARENTS]
        self.arguments += [f"--card={card}" for card in (CARDS if cards is None else cards)]
        self.arguments += [f"--daemon-option={option}" for option in daemon_options]
        if not daemon:
            self.arguments.append("--no-daemon")
        if polkit:
            self.arguments.append("--polkit")
        self.environment = environment or {}
        self.processes = []
        self.buses = []
        self.usual_fds = None

    # --- its life

    def __enter__(self):
        environment = {**os.environ, "MEDIATED_BUILD": str(BUILD), **self.environment}
        read_end, self.stay = os.pipe()
        self.errors = os.memfd_create("errors")
        # Runs until its standard input ends; `ready` comes when the daemon has its name.
        self.simulate = subprocess.Popen([SIMULATE, *self.arguments, "--", "sh", "-c", "echo ready; exec cat"],
                                         stdin=read_end, stdout=subprocess.PIPE, stderr=self.errors, env=environment)
        os.close(read_end)
        ready = self.simulate.stdout.readline()
        assert ready == b"ready\n", f"no simulated host: {self._said_by_simulator()}"
        self.namespaces = _Namespaces()
        self.namespaces.enter(_child_of(self.simulate.pid))
        self.log_file = os.open(LOG, os.O_RDONLY | os.O_CLOEXEC) if LOG.exists() else None
        self.loop = asyncio.new_event_loop()
        self.bus = self.new_bus()
        return self

    def __exit__(self, kind, value, traceback):
        try:
            for bus in self.buses:
                bus.close()
            self._cancel_calls()
            for process in self.processes:
                process.kill()
        finally:
            self.namespaces.leave()
        ended = self._end()
        log, errors = self.log(), self._said_by_simulator()
        for file in (self.log_file, self.errors):
            if file is not None:
                os.close(file)

        if kind is not None:
            print(f"--- the daemon's log:\n{log}--- the simulator's:\n{errors}---")
        assert ended, "the simulated host did not end"
        found = SANITIZER.search(log + errors)
        assert not found, f"{found.group()}\n{log}{errors}"

    def _cancel_calls(self):
        tasks = asyncio.all_tasks(self.loop)
        for task in tasks:
            task.cancel()
        if tasks:
            self.loop.run_until_complete(asyncio.wait(tasks))
        self.loop.close()

    def _end(self):
        os.close(self.stay)
        end = time.monotonic() + 20
        # A PID namespace ends when all its processes are reaped, ours among them.
        while (ended := self.simulate.poll() is not None) is False and time.monotonic() < end:
            for process in self.processes:
                process.poll()
            time.sleep(0.002)
        self.simulate.kill()
        self.simulate.wait()
        self.simulate.stdout.close()
        for process in self.processes:
            process.communicate()
        return ended

    def _said_by_simulator(self):
        return os.pread(self.errors, 1 << 20, 0).decode(errors="replace")

    def log(self):
        """All that the daemon and its workers have said."""
        return os.pread(self.log_file, 1 << 24, 0).decode(errors="replace") if self.log_file is not None else ""

    # --- asking the daemon

    def new_bus(self, uid=0, fds=False):
        """A connection of its own, root's or another user's; with `fds` one that can send file descriptors."""
        self.buses.append(Bus(self.loop, uid, fds))
        return self.buses[-1]

    def signals(self):
        self.buses.append(Signals(self.loop))
        return self.buses[-1]

    def begin(self, member, signature="", *body, bus=None):
        return (bus or self.bus).begin(ROOT, MANAGER, member, signature, *body)

    def call(self, member, signature="", *body):
        return self.begin(member, signature, *body).result()

    def begin_create(self, uuid=None, parent="mtty", type="mtty-1", attributes=(), bus=None, **opts):
        return self.begin("CreateDevice", "sssa(ss)a{sv}", new_uuid() if uuid is None else uuid, parent, type,
                          [list(pair) for pair in attributes], options(**opts), bus=bus)

    def create(self, *args, **kwargs):
        """Creates a device and returns its UUID."""
        uuid, path = self.begin_create(*args, **kwargs).result()
        assert path == device_path(uuid)
        return uuid

    def begin_stop(self, uuid, bus=None, **opts):
        return self.begin("StopDevice", "sa{sv}", uuid, options(**opts), bus=bus)

    def begin_waiting_stop(self, uuid, bus=None):
        """A stop that has looked at the device, and waits for its one holder: it watches for the holder's end. Before
        the first look it is "waiting" as well, but for a worker."""
        # libsystemd has some pidfds of the system bus, from version 257 on.
        before = self.fds_of_daemon()["anon_inode:[pidfd]"]
        stop = self.begin_stop(uuid, bus=bus, wait=True)
        self.eventually(lambda: self.fds_of_daemon()["anon_inode:[pidfd]"] == before + 1, what="the holder's pidfd")
        self.eventually(lambda: [(job.kind, job.state) for job in self.jobs()] == [("stop", "waiting")])
        return stop

    def stop(self, uuid, **opts):
        self.begin_stop(uuid, **opts).result()

    def devices(self):
        return {row[0]: Device(*row) for row in self.call("ListDevices")}

    def states(self):
        return {device.uuid: device.state for device in self.devices().values()}

    def state(self, uuid):
        return self.states().get(uuid)

    def jobs(self):
        return [Job(*row) for row in self.call("ListJobs")]

    def types(self, parent=""):
        return {(row[0], row[1]): Type(*row) for row in self.call("ListTypes", "s", parent)}

    def available(self, parent, type):
        """As the last read of the driver told it, from the parent's properties."""
        return self.properties(parent_path(parent), PARENT)["Types"].get(type, {}).get("AvailableInstances")

    def properties(self, path, interface):
        return plain(self.bus.call(path, PROPERTIES, "GetAll", "s", interface))

    def property(self, name, path=ROOT, interface=MANAGER):
        return plain(self.bus.call(path, PROPERTIES, "Get", "ss", interface, name))

    def device(self, uuid):
        return self.properties(device_path(uuid), DEVICE)

    def job(self, path):
        return self.properties(path, JOB)

    def objects(self):
        return plain(self.bus.call(ROOT, OBJECT_MANAGER, "GetManagedObjects"))

    def job_of(self, uuid, kind=None):
        """The id of the unfinished job of a UUID, as soon as there is one."""
        return self.eventually(lambda: next((job.id for job in self.jobs()
                                             if job.uuid == uuid and kind in (None, job.kind)), None))

    # --- time

    def sleep(self, seconds):
        self.bus.sleep(seconds)

    def eventually(self, condition, seconds=5, what="the condition"):
        return self.bus.eventually(condition, seconds, what)

    def is_idle(self):
        """Neither a job nor what one has left for the next daemon to clean up."""
        return not self.jobs() and not os.listdir(INTENTS)

    def wait_idle(self, seconds=10):
        self.eventually(self.is_idle, seconds, lambda: f"the end of {self.jobs()}, {os.listdir(INTENTS)}")

    # --- the host

    def simctl(self, *arguments):
        result = subprocess.run(["simctl", *map(str, arguments)], check=False, capture_output=True, text=True,
                                env=self._environment(), timeout=60)
        assert result.returncode == 0, result.stderr
        return result.stdout.strip()

    def shell(self, command, *arguments, timeout=30, check=True):
        """Runs it to its end; returns the process with its output."""
        result = subprocess.run(["bash", "-c", command, "bash", *map(str, arguments)], check=False, text=True,
                                stdin=subprocess.DEVNULL, capture_output=True, env=self._environment(), timeout=timeout)
        assert not check or result.returncode == 0, f"{command}: {result.stderr}"
        return result

    def start(self, command, *arguments):
        """Starts it, and ends it with the host at the latest."""
        process = subprocess.Popen(["bash", "-c", command, "bash", *map(str, arguments)], text=True,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   env=self._environment())
        self.processes.append(process)
        return process

    @staticmethod
    def _environment():
        programs = [BUILD / "tests" / folder for folder in ("simulator", "race", "benchmark")]
        return {**os.environ, "MEDIATED_BUILD": str(BUILD),
                "PATH": ":".join([*map(str, programs), "/usr/sbin:/usr/bin:/sbin:/bin"])}

    def raw_create(self, uuid=None, parent="mtty", type="mtty-1"):
        """As `echo UUID > create`. Only where the driver does not hang."""
        uuid = uuid or new_uuid()
        write(create_file(parent, type), uuid)
        return uuid

    def raw_remove(self, uuid):
        write(DEVICES / uuid / "remove", "1")

    def start_raw_create(self, uuid=None, parent="mtty", type="mtty-1"):
        """The same in a process of its own; returns the UUID once its device has begun to be."""
        uuid = uuid or new_uuid()
        self.start(f"echo {uuid} >{create_file(parent, type)}")
        self.eventually((DEVICES / uuid).is_dir, what=f"the directory of {uuid}")
        return uuid

    # --- the daemon as a process

    def daemon_pid(self):
        return int(DAEMON_PID.read_text())

    def processes_named(self, name):
        """In valgrind, too, where only the command line tells."""
        found = []
        for pid in _processes():
            with contextlib.suppress(OSError):
                comm = pathlib.Path(f"/proc/{pid}/comm").read_text().rstrip("\n")
                if comm == name[:15] or ("valgrind" in comm or "memcheck" in comm) and name in _command_of(pid):
                    found.append(pid)
        return found

    def workers(self):
        return self.processes_named("mediated-worker")

    def use_worker(self, version):
        """The daemon's workers call callouts as that version of mdevctl does."""
        worker = program_as("worker/mediated-worker", version)
        link = pathlib.Path(re.search(r'LIBEXECDIR "(.*)"', read(BUILD / "config.h")).group(1), "mediated-worker")
        if link.resolve() == worker.resolve():
            return
        self.shell("ln -sfT $1 $2", worker, link)
        if workers := self.workers():
            self.kill(*workers)
            self.eventually(lambda: not set(workers) & set(self.workers()), what="the end of the workers")

    def kill(self, *pids, sig=signal.SIGKILL):
        """By a process of the host's: their numbers are the host's."""
        self.shell(f"kill -{int(sig)} $@", *pids)

    def busy_workers(self):
        """Those that sleep in a write or read of a file of the simulated kernel."""
        found = []
        for pid in self.workers():
            with contextlib.suppress(OSError):
                syscall = pathlib.Path(f"/proc/{pid}/wchan").read_text()
                if "fuse" in syscall or "request_wait" in syscall:
                    found.append(pid)
        return found

    def wait_ready(self, old_pid=None, seconds=10):
        """Until a daemon other than that answers; returns how long it took."""
        begin = time.monotonic()

        def answers():
            with contextlib.suppress(Exception):
                if self.daemon_pid() != old_pid:
                    reply = self.begin("ListJobs")
                    reply.result(1)
                    return True
            return False

        self.eventually(answers, seconds, "the daemon")
        return time.monotonic() - begin


    # --- nothing lost, nothing left

    def fds_of_daemon(self):
        """How many of which kind, but for those that each worker takes."""
        fds = collections.Counter(_kind(link) for link in _links(f"/proc/{self.daemon_pid()}/fd"))
        return fds - collections.Counter(dict.fromkeys(("socket", "anon_inode:[pidfd]"), len(self.workers())))

    def lasting_fds_of_daemon(self):
        """Without those that it has for the moment of a look at something."""
        fds = self.fds_of_daemon()
        for _ in range(10):
            self.sleep(0.02)
            fds &= self.fds_of_daemon()
        return fds

    def check_fds_of_daemon(self, expected):
        """It comes back to these after a moment."""
        self.eventually(lambda: self.fds_of_daemon() == expected, 10,
                        lambda: f"{expected} instead of {self.fds_of_daemon()}")

    def check_fds_of_workers(self):
        """Each comes back to those that an idle one has, after a moment."""
        self.eventually(lambda: all(len(_links(f"/proc/{pid}/fd")) <= FDS_OF_WORKER for pid in self.workers()), 10,
                        lambda: f"few fds in {[_links(f'/proc/{pid}/fd') for pid in self.workers()]}")

    def check_sane(self, parent="mtty", type="mtty-1"):
        """After a fault: nothing is under way or left over, the registry is what the kernel has, all of it complete; no
        process and no fd has leaked; and the next request is served. To be called before the first fault, too."""
        self.wait_idle(30)
        self.eventually(lambda: {uuid: (d.parent, d.type, d.state) for uuid, d in self.devices().items()} ==
                        {uuid: (*where, "active") for uuid, where in kernel_devices().items()}, 10,
                        lambda: f"the same in {self.devices()} and {kernel_devices()}")
        self.eventually(lambda: not list(STORE.glob(".mediated-*")), 5, "the end of temporary files in the store")

        self.stop(self.create(parent=parent, type=type, attributes=[("setting", "sane")]))
        self.wait_idle()
        daemon = self.daemon_pid()
        self.eventually(lambda: {_parent_of(pid) for pid in self.workers()} <= {daemon}, 10, "the end of orphans")
        assert not [pid for pid in _processes() if _state_of(pid) == "Z" and _parent_of(pid) == daemon], "unreaped"
        assert len(self.workers()) <= WORKERS_MAX
        self.check_fds_of_workers()

        if self.usual_fds is None:
            self.usual_fds = self.lasting_fds_of_daemon()
        self.check_fds_of_daemon(self.usual_fds)


def _links(directory):
    """Of the descriptors, without valgrind's own, which it keeps at the end of what is allowed."""
    links = []
    # The process may end meanwhile.
    with contextlib.suppress(OSError):
        for entry in os.listdir(directory):
            with contextlib.suppress(OSError):
                if int(entry) < VALGRIND_FDS:
                    links.append(os.readlink(f"{directory}/{entry}"))
    return links


def _kind(link):
    """`socket:[4711]` is a socket; a file is itself."""
    return link.split(":")[0] if link.startswith(("socket:", "pipe:")) else link


def _processes():
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _command_of(pid):
    """The file names in it, without their directories."""
    return [os.path.basename(word) for word in pathlib.Path(f"/proc/{pid}/cmdline").read_text().split("\0")]


def _stat(pid):
    with contextlib.suppress(OSError):
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return [None, None]


def _state_of(pid):
    return _stat(pid)[0]


def _parent_of(pid):
    return int(_stat(pid)[1] or 0)


def kernel_devices():
    """{UUID: (parent, type)} of all that are complete; one that is not has None for a type."""
    found = {}
    for parent in os.listdir(MDEV_BUS):
        for entry in os.listdir(MDEV_BUS / parent):
            if len(entry) == 36:
                link = MDEV_BUS / parent / entry / "mdev_type"
                found[entry] = (parent, link.resolve().name if link.exists() else None)
    return found


def create_file(parent, type):
    return MDEV_BUS / parent / "mdev_supported_types" / type / "create"


def write(path, text):
    with open(path, "wb", buffering=0) as file:
        file.write(f"{text}\n".encode())


def read(path):
    return pathlib.Path(path).read_text(encoding="utf-8").rstrip("\n")


def status_of(pid, field):
    """A process's value in /proc, without its unit."""
    return next(line.split()[1] for line in read(f"/proc/{pid}/status").splitlines() if line.startswith(f"{field}:"))


@functools.cache
def build_option(name):
    """A meson option of the build that is tested."""
    result = subprocess.run(["meson", "introspect", "--buildoptions", BUILD], check=True, capture_output=True,
                            text=True)
    return next(option["value"] for option in json.loads(result.stdout) if option["name"] == name)


def program_as(program, version):
    """The path of a built program that follows that version of mdevctl."""
    if version == build_option("mdevctl_version"):
        return BUILD / program
    return BUILD / f"tests/integration/{pathlib.Path(program).name}-{version}"


def is_sanitized():
    """Everything takes longer then."""
    return build_option("b_sanitize") != "none"
