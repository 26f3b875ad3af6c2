# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a user without rights can do to keep mediated from serving others: the loads that `fairness` measures."""

import contextlib
import os
import signal
import subprocess
import tempfile
import time

from dbus_next import Message, MessageFlag
from wire import GET_ID, HELLO, MANAGER, NAME, ROOT, Call, Connection, encode, error_of

# Users that every Debian has; the bus lets in no other.
ATTACKER, SECOND_ATTACKER, THIRD_USER = 65534, 1, 33
MORE_ATTACKERS = (2, 3, 4, 5, 6, 7, 8, 9, 10)

BARE_NAME = "org.mediated1.Benchmark"
UUID = "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001"
UNKNOWN_UUID = "00000000-0000-4000-8000-000000000000"

# What a message has beside its arguments, about.
OVERHEAD = 64


def manager(member, signature="", *body, flags=MessageFlag.NONE, path=ROOT):
    return Call(path, MANAGER, member, signature, body, flags=flags)


def create(attributes=()):
    return manager("CreateDevice", "sssa(ss)a{sv}", "", "mtty", "mtty-1", [list(pair) for pair in attributes], {})


def define(attributes=()):
    return manager("Define", "ssssa(ss)a{sv}", "", "mtty", "mtty-1", "manual", [list(pair) for pair in attributes], {})


OBJECTS = Call(ROOT, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects")
ALL_TYPES = manager("ListTypes", "s", "")
STOP_UNKNOWN = manager("StopDevice", "sa{sv}", UNKNOWN_UUID, {})


class Load:
    """What one process of bus-flood does."""

    def __init__(self, calls, connections, n_calls, *, uid=ATTACKER, deaf=False, once=False):
        self.calls, self.connections, self.n_calls = calls, connections, n_calls
        self.uid, self.deaf, self.once = uid, deaf, once
        self.process = self.file = None

    def start(self):
        self.file = tempfile.NamedTemporaryFile(dir="/run", suffix=".messages")
        os.chmod(self.file.name, 0o644)
        for call in [HELLO, *self.calls]:
            self.file.write(encode(call))
        self.file.flush()
        options = ["--deaf"] * self.deaf + ["--once"] * self.once
        self.process = subprocess.Popen(["bus-flood", f"--uid={self.uid}", f"--connections={self.connections}",
                                         f"--calls={self.n_calls}", *options, self.file.name], stdout=subprocess.PIPE,
                                        text=True)

    def stop(self):
        """Returns {what: how many} of its answers."""
        self.process.send_signal(signal.SIGTERM)
        output = self.process.communicate(timeout=60)[0]
        self.file.close()
        assert self.process.returncode == 0, "bus-flood has failed"
        return {what: int(number) for number, what in (part.split() for part in output.split(", "))}

    def at_bare_service(self, tried):
        """The same load at a service that answers as much, and does nothing else."""
        by_call = {encode(t.call): t for t in tried.values()}
        return Load([_bare(call, by_call[encode(call)]) for call in self.calls], self.connections, self.n_calls,
                    uid=self.uid, deaf=self.deaf, once=self.once)


def _bare(call, tried):
    kind = "Error" if tried.is_error else "Return"
    arguments = Message(destination=NAME, path=ROOT, member="Size", signature=call.signature, body=list(call.body),
                        serial=1)
    return Call(call.path, BARE_NAME, f"{kind}_{max(tried.size - OVERHEAD, 0)}", "ay",
                (bytes(len(arguments._marshall()) - OVERHEAD),), BARE_NAME, call.flags)


@contextlib.contextmanager
def running(loads):
    """Gives a list that has what each of them was answered, at the end."""
    answered, started = [], []
    try:
        for load in loads:
            load.start()
            started.append(load)
        yield answered
    finally:
        answered += [load.stop() for load in started]


class Attack:
    """Its loads; what the host needs for them; and what is looked at meanwhile: a function that returns how often
    others were not served. One that is `compared` is measured beside the bare service, too."""

    def __init__(self, name, loads, *, host=contextlib.nullcontext, silent_action="", look=None, compared=False):
        self.name, self.loads, self.host = name, loads, host
        self.silent_action, self.look, self.compared = silent_action, look, compared


def simctl(*arguments):
    subprocess.run(["simctl", *map(str, arguments)], check=True)


def daemon_pid():
    with open("/run/mediated-sim/daemon.pid", encoding="ascii") as file:
        return int(file.read())


@contextlib.contextmanager
def slow_parents():
    """64 parents with 8 types each, the driver of one of which needs 700 ms to answer."""
    names = [f"slow{i}" for i in range(64)]
    for name in names:
        simctl("add-parent", f"{name}:" + ",".join(f"slow-{i}=8" for i in range(8)))
    simctl("delay", names[0], "read", 700)
    try:
        yield
    finally:
        for name in names:
            simctl("remove-parent", name)


def link_spellings(count):
    """Of a path to a symbolic link, each 4 KB long."""
    for i in range(count):
        bits = "".join("./" if (i >> k) & 1 else "/" for k in range(20))
        yield "../../" + bits + "./" * ((3900 - len(bits)) // 2) + "bin"


def look_at_large_requests():
    """Root's larger requests, each on a new connection, and smaller ones on that one afterwards."""
    unserved = 0
    for _ in range(20):
        connection = Connection(timeout=10)
        unserved += error_of(connection.ask(encode(define([("setting", "y" * 1000)] * 6)))) != ""
        unserved += error_of(connection.ask(encode(STOP_UNKNOWN))) != "NoSuchDevice"
        connection.close()
    return unserved


def look_at_third_user():
    """Somebody else's reading, and a request that polkit answers."""
    connection, unserved = Connection(THIRD_USER, timeout=10), 0
    for _ in range(20):
        unserved += error_of(connection.ask(encode(manager("ListDevices")))) != ""
        unserved += error_of(connection.ask(encode(define()))) != "AccessDenied"
    connection.close()
    return unserved


def look_at_dropped_requests():
    """Root's connections that send more than there is room for while the daemon does not read. Which of these requests
    are dropped depends on how much it reads at once afterwards; so there are several."""
    return sum(_drop_requests() for _ in range(6))


def _drop_requests():
    connection, pid = Connection(timeout=10), daemon_pid()
    os.kill(pid, signal.SIGSTOP)
    connection.send(encode(STOP_UNKNOWN))
    for _ in range(400):
        connection.send(encode(STOP_UNKNOWN._replace(flags=MessageFlag.NO_REPLY_EXPECTED)))
    # When this is answered the bus has taken them in; then it passes on what the daemon's socket holds.
    connection.ask(encode(GET_ID))
    time.sleep(0.2)
    os.kill(pid, signal.SIGCONT)
    connection.read_answer()
    # It has used up what a connection may have under way, and is served again when that is done.
    end = time.monotonic() + 10
    while error_of(connection.ask(encode(STOP_UNKNOWN))) == "LimitsExceeded" and time.monotonic() < end:
        time.sleep(0.05)
    return sum(error_of(connection.ask(encode(STOP_UNKNOWN))) != "NoSuchDevice" for _ in range(3))


def _loads(tried):
    """By the name of the attack."""
    descriptors = [t.call for t in tried.values() if t.has_fd] or [manager("ListJobs")]
    quiet = [t.call._replace(flags=MessageFlag.NO_REPLY_EXPECTED) for t in tried.values()]
    long_path = ("/" + "a" * 254) * 255
    return {
        "unread": [Load(descriptors, 1, 360, deaf=True)],
        "unread-large": [Load([OBJECTS], 1, 360, deaf=True)],
        "no-reply": [Load(quiet, 20, 1 << 30, deaf=True)],
        "large": [Load([manager("ListTypes", "s", "x" * 5000)], 20, 14)],
        "path": [Load([manager("ListJobs", path=long_path)], 140, 120)],
        "hold": [Load(descriptors, 1, 600, deaf=True),
                 Load([create([("setting", "y" * 4000)] * 60)], 60, 100, once=True)],
        "types": [Load([ALL_TYPES], 200, 14)],
        "links": [Load([manager("GetDefinition", "ss", UUID, text) for text in link_spellings(16384)], 10, 14)],
        "clients": [Load([create()], 200, 1, uid=uid) for uid in (ATTACKER, SECOND_ATTACKER)],
        "stuck": [],
    }


def _smaller(load, uid):
    """So that all of them have room on one bus."""
    return Load(load.calls, min(load.connections, 60), load.n_calls, uid=uid, deaf=load.deaf, once=load.once)


def special_attacks(tried):
    """By their names; `all` is all of them but `unread-large` and `no-reply`, which the bus itself cannot bear."""
    loads = _loads(tried)
    more = {
        "types": {"host": slow_parents},
        "large": {"look": look_at_large_requests},
        "clients": {"silent_action": "org.mediated1.manage-devices", "look": look_at_third_user},
        "stuck": {"look": look_at_dropped_requests},
    }
    attacks = {name: Attack(name, found, **more.get(name, {})) for name, found in loads.items()}
    together = [load for name, found in loads.items() for load in found if name not in ("unread-large", "no-reply")]
    together += [Load(readers(tried), 60, 14), Load(refused(tried), 60, 14)]
    uids = (ATTACKER, SECOND_ATTACKER, *MORE_ATTACKERS)
    attacks["all"] = Attack("all", [_smaller(load, uids[i % len(uids)]) for i, load in enumerate(together)],
                            host=slow_parents, silent_action="org.mediated1.manage-devices")
    return attacks


def readers(tried):
    return [t.call for t in tried.values() if not t.refused]


def refused(tried):
    return [t.call for t in tried.values() if t.refused]


def call_attacks(tried, connections, n_calls):
    """By their names: all readers in turn, all that is refused in turn, and one for each call."""
    calls = {"readers": readers(tried), "refused": refused(tried)} | {name: [t.call] for name, t in tried.items()}
    return {name: Attack(f"{name} {connections}x{n_calls}", [Load(found, connections, n_calls)], compared=True)
            for name, found in calls.items()}
