# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a user without rights can do to keep mediated from serving others: the loads that `fairness` measures."""

import contextlib
import os
import signal
import subprocess
import tempfile
import time

from dbus_next import Message, MessageFlag
from wire import ERROR, HELLO, MANAGER, NAME, ROOT, Call, Connection, decode, encode

ATTACKER, SECOND_ATTACKER = 65534, 1
BARE_NAME = "org.mediated1.Benchmark"
UUID = "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001"
OBJECTS = ("org.freedesktop.DBus.ObjectManager", "GetManagedObjects")
SLOW_PARENTS, SLOW_TYPES, SLOW_MS = 64, 8, 700


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
        return Load([_bare(call, by_call.get(encode(call))) for call in self.calls], self.connections, self.n_calls, uid=self.uid,
                    deaf=self.deaf, once=self.once)


def _bare(call, tried):
    kind, size = ("Error", 64) if not tried else ("Error" if tried.is_error else "Return", max(tried.size - 64, 0))
    body = Message(destination=NAME, path=ROOT, member="Size", signature=call.signature, body=list(call.body), serial=1)
    return Call(call.path, "org.mediated1.Benchmark", f"{kind}_{size}", "ay", (bytes(len(body._marshall()) - 64),),
                BARE_NAME, call.flags)


class Attack:
    """Its loads, and what the host needs for them. One with a `tried` load is compared with the bare service."""

    def __init__(self, name, loads, *, prepare=None, undo=None, silent_action="", compare=False, probes=()):
        self.name, self.loads, self.compare = name, loads, compare
        self.prepare, self.undo = prepare or (lambda: None), undo or (lambda: None)
        self.silent_action, self.probes = silent_action, probes

    @contextlib.contextmanager
    def running(self, loads=None):
        """Gives a list that is filled with what the attacker got, at the end."""
        loads, answered = self.loads if loads is None else loads, []
        for load in loads:
            load.start()
        try:
            yield answered
        finally:
            answered += [load.stop() for load in loads]


def simctl(*arguments):
    subprocess.run(["simctl", *map(str, arguments)], check=True)


def manager(member, signature="", *body, flags=MessageFlag.NONE, path=ROOT):
    return Call(path, MANAGER, member, signature, body, flags=flags)


def create(attributes=()):
    return manager("CreateDevice", "sssa(ss)a{sv}", "", "mtty", "mtty-1", [list(pair) for pair in attributes], {})


def _slow_parents(add):
    for i in range(SLOW_PARENTS):
        if add:
            simctl("add-parent", f"slow{i}:" + ",".join(f"slow-{j}=8" for j in range(SLOW_TYPES)))
        else:
            simctl("remove-parent", f"slow{i}")
    if add:
        simctl("delay", "slow0", "read", SLOW_MS)


def _spellings(count):
    """Of a path to a symbolic link, each 4 KB long."""
    for i in range(count):
        bits = "".join("./" if (i >> k) & 1 else "/" for k in range(20))
        yield "../../" + bits + "./" * ((3900 - len(bits)) // 2) + "bin"


def _long_path():
    return ("/" + "a" * 254) * 255


def _unread(tried):
    """What hands out file descriptors, if anything does; else a small answer."""
    return [t.call for t in tried.values() if t.has_fd] or [manager("ListJobs")]


# name: (what it is, the attack by the calls that were tried)
def _simple(tried):
    readers = [t.call for t in tried.values() if not t.refused]
    refused = [t.call for t in tried.values() if t.refused]
    objects = Call(ROOT, *OBJECTS)
    return {
        "unread": [Load(_unread(tried), 1, 360, deaf=True)],
        "unread-large": [Load([objects], 1, 360, deaf=True)],
        "large": [Load([manager("ListTypes", "s", "x" * 5000)], 20, 14)],
        "path": [Load([manager("ListJobs", path=_long_path())], 140, 120)],
        "hold": [Load(_unread(tried), 1, 600, deaf=True),
                 Load([create([("setting", "y" * 4000)] * 60)], 60, 100, once=True)],
        "links": [Load([manager("GetDefinition", "ss", UUID, path) for path in _spellings(8192)], 1, 64)],
        "no-reply": [Load([call._replace(flags=MessageFlag.NO_REPLY_EXPECTED) for call in readers + refused], 20, 1 << 30,
                          deaf=True)],
    }


def special_attacks(tried):
    """By their names."""
    attacks = {name: Attack(name, loads) for name, loads in _simple(tried).items()}
    attacks["types"] = Attack("types", [Load([manager("ListTypes", "s", "")], 200, 14)],
                              prepare=lambda: _slow_parents(True), undo=lambda: _slow_parents(False))
    attacks["clients"] = Attack("clients", [Load([create()], 200, 1, uid=uid) for uid in (ATTACKER, SECOND_ATTACKER)],
                                silent_action="org.mediated1.manage-devices")
    return attacks


def call_attacks(tried, connections, n_calls):
    """One a call, and all readers and all that is refused in turn."""
    def attack(name, calls):
        return Attack(f"{name} {connections}x{n_calls}", [Load(calls, connections, n_calls)], compare=True)

    attacks = {"readers": attack("readers", [t.call for t in tried.values() if not t.refused]),
               "refused": attack("refused", [t.call for t in tried.values() if t.refused])}
    return attacks | {name: attack(name, [t.call]) for name, t in tried.items()}


def stuck():
    """What root is answered on a connection that had a request dropped: the errors of three later ones."""
    connection = Connection(timeout=10)
    pid = daemon_pid()
    stop = manager("StopDevice", "sa{sv}", UUID, {})
    os.kill(pid, signal.SIGSTOP)
    connection.send(encode(stop))
    quiet = encode(stop._replace(flags=MessageFlag.NO_REPLY_EXPECTED))
    for _ in range(400):
        connection.send(quiet)
    # Until the bus has taken them all in.
    Connection().close()
    time.sleep(0.3)
    os.kill(pid, signal.SIGCONT)
    return [error_of(connection.ask(encode(stop))) for _ in range(4)]


def daemon_pid():
    with open("/run/mediated-sim/daemon.pid", encoding="ascii") as file:
        return int(file.read())


def error_of(answer):
    """The last part of its name; "" of what is none."""
    return decode(answer).error_name.rsplit(".", 1)[1] if answer[1] == ERROR else ""
