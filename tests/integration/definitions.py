# SPDX-License-Identifier: LGPL-2.1-or-later
"""Definitions in a simulated host, as tests like them: over D-Bus, and behind the daemon's back."""

import contextlib
import json
import os
import pathlib
import shutil
import socket
import subprocess

from bus import ROOT, encode
from dbus_next import Variant
from host import BUILD, Host, new_uuid, options, status_of

STORE = pathlib.Path("/etc/mdevctl.d")
DEFINITION = "org.mediated1.Definition"
REGISTRATIONS = pathlib.Path("/run/mediated/registrations")

# The full numbers of the tests that take long.
LONG = bool(os.environ.get("MEDIATED_LONG"))

_CHANGE_TYPES = {"type": "s", "start": "s", "attributes": "a(ss)", "add_attributes": "a(iss)",
                 "remove_attributes": "ai"}


def definition_path(uuid, parent="mtty"):
    # An invalid one may have any name; what is encoded are bytes.
    return f"{ROOT}/definition/{encode(parent)}/{encode(uuid.encode().decode('latin-1'))}"


def changes(**values):
    """Keywords as a{sv}, with `_` for `-`; one that is not known, or of another type, is given as a Variant."""
    return {key.replace("_", "-"): value if isinstance(value, Variant) else
            Variant(_CHANGE_TYPES[key], [list(item) if isinstance(item, tuple) else item for item in value]
                    if isinstance(value, list) else value)
            for key, value in values.items()}


def text_of(type="mtty-1", start="auto", attributes=()):
    return json.dumps({"mdev_type": type, "start": start, "attrs": [{name: value} for name, value in attributes]})


def put(name, text, parent="mtty"):
    """As an editor that writes in place."""
    (STORE / parent).mkdir(exist_ok=True)
    (STORE / parent / name).write_bytes(text if isinstance(text, bytes) else text.encode())


def put_many(n, parent="mtty", **kwargs):
    names = [new_uuid() for _ in range(n)]
    for name in names:
        put(name, text_of(**kwargs), parent)
    return names


def contents(uuid, parent="mtty"):
    return json.loads((STORE / parent / uuid).read_text())


def stored(uuid, parent="mtty"):
    """The same, or None if it is not there."""
    return contents(uuid, parent) if (STORE / parent / uuid).exists() else None


def listed(host):
    """{(UUID, parent): (type, start, active)}"""
    return {(row[0], row[1]): tuple(row[2:5]) for row in host.call("ListDefinitions")}


def definition(host, uuid, parent="mtty"):
    return host.properties(definition_path(uuid, parent), DEFINITION)


def start_state(host, uuid, parent="mtty"):
    return host.property("StartState", definition_path(uuid, parent), DEFINITION)


def start_states(host, uuids, parent="mtty"):
    return [start_state(host, uuid, parent) for uuid in uuids]


def begin_define(host, uuid="", parent="mtty", type="mtty-1", start="manual", attributes=(), bus=None, **opts):
    return host.begin("Define", "ssssa(ss)a{sv}", uuid, parent, type, start, [list(pair) for pair in attributes],
                      options(**opts), bus=bus)


def define(host, *args, **kwargs):
    uuid, path = begin_define(host, *args, **kwargs).result()
    assert path.endswith(encode(uuid))
    return uuid


def begin_modify(host, uuid, parent="", opts=None, bus=None, **values):
    return host.begin("Modify", "ssa{sv}a{sv}", uuid, parent, changes(**values), options(**(opts or {})), bus=bus)


def modify(host, *args, **kwargs):
    return begin_modify(host, *args, **kwargs).result()


def begin_undefine(host, uuid, parent="", bus=None, **opts):
    return host.begin("Undefine", "ssa{sv}", uuid, parent, options(**opts), bus=bus)


def undefine(host, *args, **kwargs):
    begin_undefine(host, *args, **kwargs).result()


def begin_start(host, uuid, parent="", bus=None, **opts):
    return host.begin("StartDevice", "ssa{sv}", uuid, parent, options(**opts), bus=bus)


def start(host, *args, **kwargs):
    return begin_start(host, *args, **kwargs).result()


@contextlib.contextmanager
def host_without_daemon(**kwargs):
    """A host whose daemon is stopped, as before the boot has come to it: see start_daemon()."""
    with Host(**kwargs) as host:
        stop_daemon(host)
        shutil.rmtree(REGISTRATIONS, ignore_errors=True)
        yield host


@contextlib.contextmanager
def host_with(fill, **kwargs):
    """A host whose store was filled by a function before the daemon started; yields what that returned, too."""
    with host_without_daemon(**kwargs) as host:
        result = fill(host)
        start_daemon(host)
        yield host, result


def start_daemon(host):
    """Until it has its name on the bus."""
    host.simctl("daemon", "start")


def stop_daemon(host):
    """By SIGTERM, and it stays down."""
    host.simctl("daemon", "stop")


def kill_daemon(host, stay_down=False):
    """By SIGKILL; started again after 100 ms, unless it is to stay down."""
    host.simctl("daemon", "kill")
    if stay_down:
        host.simctl("daemon", "stop")


def restart_daemon(host):
    pid = host.daemon_pid()
    host.simctl("daemon", "restart")
    host.wait_ready(pid)


def run_daemon(host, *arguments):
    """Another one, to its end, with these arguments."""
    return host.shell('"$0" "$@" 2>&1; exit $?'.replace("$0", str(BUILD / "daemon" / "mediated")), *arguments)


def count_in_log(host, text):
    return host.log().count(text)


def within_a_second(host, condition, what="the change"):
    """Or somewhat longer, where the machine has other things to do."""
    host.eventually(condition, 5, what)


def clear_store():
    for entry in STORE.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def resident_kib(pid):
    return int(status_of(pid, "VmRSS"))


def mount_store(size):
    """A small file system as the store."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", STORE], check=True)


class Journal:
    """What is sent to the journal of the host, as dictionaries."""

    PATH = pathlib.Path("/run/systemd/journal/socket")

    def __init__(self):
        self.PATH.parent.mkdir(parents=True, exist_ok=True)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        self.socket.bind(str(self.PATH))
        self.entries = []

    @staticmethod
    def _parse(data):
        entry = {}
        while data:
            line, data = data.split(b"\n", 1)
            if b"=" in line:
                name, value = line.split(b"=", 1)
            else:
                name, length = line, int.from_bytes(data[:8], "little")
                value, data = data[8:8 + length], data[8 + length + 1:]
            entry[name.decode()] = value.decode(errors="replace")
        return entry

    def find(self, **fields):
        with contextlib.suppress(BlockingIOError):
            while True:
                self.entries.append(self._parse(self.socket.recv(1 << 18)))
        return [entry for entry in self.entries if all(entry.get(key) == value for key, value in fields.items())]

    def close(self):
        self.socket.close()
