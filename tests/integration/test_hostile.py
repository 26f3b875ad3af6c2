# SPDX-License-Identifier: LGPL-2.1-or-later
"""What somebody may try who wants to get out: each name, value, file and link, through every door that takes it. It is
refused with the error that the manual names, and nothing has happened: no device, not a byte of the store changed, no
file anywhere else.

The doors of one kind are tested with their subject: attributes that a driver has not in test_attributes.py, files that
are no definitions in test_definition_files.py, callouts in test_callouts.py."""

import json
import os
import pathlib
import re
import shutil

import pytest
from ctl import ctl
from definitions import (STORE, Journal, begin_define, begin_modify, begin_start, begin_undefine, definition, listed,
                         put, text_of, undefine, within_a_second)
from host import BUILD, DEVICES, INTENTS, Host, new_uuid
from malformed import HOSTILE_ATTRIBUTES as ATTRIBUTES

INVALID_ARGS = "org.freedesktop.DBus.Error.InvalidArgs"

PARENTS = {"dots": "..", "dot": ".", "slash": "a/b", "scripts.d": "scripts.d", "absolute": "/etc", "hidden": ".x",
           "newline": "a\nb", "long": "x" * 256, "long characters": "x" + "\u6f22" * 100}
UUIDS = ["x", "..", "../83b8f4f2-509f-382f-3c1e-e6bfe0fa1001", "83b8f4f2-509f-382f-3c1e-e6bfe0fa100",
         "83b8f4f2-509f-382f-3c1e-e6bfe0fa10011", "83b8f4f2509f382f3c1ee6bfe0fa1001",
         "{83b8f4f2-509f-382f-3c1e-e6bfe0fa1001}", "83b8f4f2-509f-382f-3c1e-e6bfe0fa100g",
         "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001\n", "83b8f4f2/509f-382f-3c1e-e6bfe0fa1001",
         " 83b8f4f2-509f-382f-3c1e-e6bfe0fa1001", "../../../../devices/virtual/mtty/mtt", "x" * 100000, "\u6f22" * 30]

# Where something could come to be, or vanish from.
WATCHED = ["/etc/mdevctl.d", "/run/mediated", "/run/udev", "/usr/lib/mdevctl"]


def snapshot():
    """Every file that could be touched: its inode, size, times and, in the store, its bytes."""
    found = {}
    for top in WATCHED:
        for directory, names, files in os.walk(top):
            for name in [*names, *files]:
                path = pathlib.Path(directory, name)
                st = path.lstat()
                text = path.read_bytes() if STORE in path.parents and path.is_file() and not path.is_symlink() else None
                if path.name != "store.lock":
                    found[str(path)] = (st.st_ino, st.st_mode, st.st_size, st.st_mtime_ns, text)
    for top in ("/", "/etc", "/run"):
        found[top] = sorted(os.listdir(top))
    return found


class Unchanged:
    """Within it nothing may change."""

    def __init__(self, host):
        self.host = host

    def __enter__(self):
        self.host.eventually(lambda: not self.host.jobs())
        self.files, self.devices, self.listed = snapshot(), sorted(os.listdir(DEVICES)), listed(self.host)
        self.pid = self.host.daemon_pid()

    def __exit__(self, kind, value, traceback):
        if kind is not None:
            return
        self.host.eventually(lambda: not self.host.jobs())
        now = snapshot()
        assert {path: (self.files.get(path), now.get(path)) for path in {*now, *self.files}
                if now.get(path) != self.files.get(path)} == {}
        assert sorted(os.listdir(DEVICES)) == self.devices and listed(self.host) == self.listed
        assert not os.listdir(INTENTS) and self.host.daemon_pid() == self.pid


@pytest.fixture(name="host", scope="module")
def shared_host():
    with Host() as host:
        yield host


@pytest.fixture(name="defined", scope="module")
def shared_definition(host):
    uuid, _ = begin_define(host, attributes=[("setting", "1")]).result()
    return uuid


def mdevctl(host, *arguments, stdin=""):
    """Our client under that name; returns what it says when it refuses: not that there is no such option."""
    script = f'printf %s "$1" | {{ shift; "{BUILD}/client/mdevctl" "$@"; }}'
    done = host.shell(script, stdin, *arguments, check=False)
    assert 0 < done.returncode < 127 and re.match("Error: |error: Invalid value", done.stderr), done
    return done.stderr


def mediatectl(host, *arguments):
    """Refused for what is asked, not because there is no such option."""
    done = ctl(host, *arguments, status=None)
    assert 0 < done.status < 127 and done.err and not done.err.endswith("see mediatectl --help\n"), done
    return done.err


# --- attributes

@pytest.mark.parametrize("kind", ATTRIBUTES)
def test_attribute_over_the_bus(host, defined, kind):
    name = ATTRIBUTES[kind]
    with Unchanged(host):
        for call in (host.begin_create(attributes=[("setting", "1"), (name, "1")]),
                     begin_define(host, attributes=[(name, "1")]),
                     begin_modify(host, defined, attributes=[(name, "1")]),
                     begin_modify(host, defined, add_attributes=[(0, name, "1")]),
                     begin_modify(host, defined, opts={"live": True}, attributes=[(name, "1")])):
            error = call.error()
            assert error.name == "InvalidAttribute" and name[:40] in error.text


@pytest.mark.parametrize("kind", ATTRIBUTES)
def test_attribute_in_a_file_that_is_started(host, kind):
    """Listed, said why, and started by nobody: neither when asked for, nor by a registration."""
    uuid = new_uuid()
    put(uuid, text_of(start="auto", attributes=[(ATTRIBUTES[kind], "1")]))
    within_a_second(host, lambda: (uuid, "mtty") in listed(host))
    with Unchanged(host):
        assert begin_start(host, uuid, "mtty").error().name == "InvalidDefinition"
        assert begin_start(host, uuid, "mtty", wait=True).error().name == "InvalidDefinition"
        shown = definition(host, uuid)
        assert not shown["Valid"] and "attribute 0" in shown["Error"][1] and shown["Attributes"] == []
    (STORE / "mtty" / uuid).unlink()
    within_a_second(host, lambda: (uuid, "mtty") not in listed(host))


@pytest.mark.parametrize("kind", ATTRIBUTES)
def test_attribute_by_the_clients(host, defined, kind):
    name, uuid = ATTRIBUTES[kind], new_uuid()
    text = text_of(attributes=[(name, "1")])
    with Unchanged(host):
        mdevctl(host, "start", "-u", uuid, "-p", "mtty", "--jsonfile", "/dev/stdin", stdin=text)
        mdevctl(host, "define", "-u", uuid, "-p", "mtty", "--jsonfile", "/dev/stdin", stdin=text)
        mdevctl(host, "modify", "-u", defined, "--jsonfile", "/dev/stdin", stdin=text)
        mdevctl(host, "modify", "-u", defined, "--addattr", name, "--value", "1")
        mediatectl(host, "create", "mtty", "mtty-1", uuid, f"{name}=1")
        mediatectl(host, "define", "mtty", "mtty-1", uuid, f"{name}=1")
        mediatectl(host, "modify", defined, f"{name}=1")
        mediatectl(host, "modify", defined, "--add", f"{name}=1")
        mediatectl(host, "modify", defined, "--live", "--add", f"{name}=1")


def test_value_beyond_the_limit(host, defined):
    uuid, value = new_uuid(), "x" * 5120
    text = text_of(attributes=[("setting", value)])
    put(stored := new_uuid(), text)
    within_a_second(host, lambda: (stored, "mtty") in listed(host))
    with Unchanged(host):
        for call in (host.begin_create(attributes=[("setting", value)]),
                     begin_define(host, attributes=[("setting", value)]),
                     begin_modify(host, defined, add_attributes=[(-1, "setting", value)])):
            error = call.error()
            assert error.name == "InvalidAttribute" and "4095 bytes" in error.text
        error = begin_start(host, stored, "mtty").error()
        assert error.name == "InvalidDefinition" and "4095 bytes" in error.text
        mdevctl(host, "start", "-u", uuid, "-p", "mtty", "--jsonfile", "/dev/stdin", stdin=text)
        mdevctl(host, "modify", "-u", defined, "--addattr", "setting", "--value", value)
    undefine(host, stored, "mtty")


NULS = {
    "name": '{"mdev_type": "mtty-1", "start": "auto", "attrs": [{"setting\\u0000/../x": "1"}]}',
    "value": '{"mdev_type": "mtty-1", "start": "auto", "attrs": [{"setting": "1\\u00002"}]}',
    "type": '{"mdev_type": "mtty-1\\u0000/../..", "start": "auto"}',
    "byte": '{"mdev_type": "mtty-1", "start": "auto"}\0',
}


@pytest.mark.parametrize("kind", NULS)
def test_nul_in_a_file(host, defined, kind):
    """D-Bus carries none, JSON does, and C strings would end there."""
    put(uuid := new_uuid(), NULS[kind])
    within_a_second(host, lambda: (uuid, "mtty") in listed(host))
    pathlib.Path("/run/nul").write_text(NULS[kind], encoding="utf-8")
    with Unchanged(host):
        assert begin_start(host, uuid, "mtty").error().name == "InvalidDefinition"
        assert begin_modify(host, uuid, "mtty", start="manual").error().name == "InvalidDefinition"
        assert not definition(host, uuid)["Valid"]
        for command in ("start", "define"):
            mdevctl(host, command, "-u", new_uuid(), "-p", "mtty", "--jsonfile", "/run/nul")
        mdevctl(host, "modify", "-u", defined, "--jsonfile", "/run/nul")
    undefine(host, uuid, "mtty")


# --- parents, types, UUIDs

@pytest.mark.parametrize("kind", PARENTS)
def test_parent(host, defined, kind):
    name = PARENTS[kind]
    with Unchanged(host):
        assert host.begin_create(parent=name).error().name == "NoSuchParent"
        for call in (begin_define(host, new_uuid(), name), begin_modify(host, defined, name, start="auto"),
                     begin_undefine(host, defined, name), begin_start(host, defined, name)):
            assert call.error().name == INVALID_ARGS
        assert host.begin("GetParent", "s", name).error().name == "NoSuchParent"
        assert host.begin("ListTypes", "s", name).error().name == "NoSuchParent"
        assert host.begin("GetDefinition", "ss", defined, name).error().name in ("NotDefined", INVALID_ARGS)
        mdevctl(host, "define", "-p", name, "-t", "mtty-1")
        mdevctl(host, "start", "-p", name, "-t", "mtty-1")
        mdevctl(host, "undefine", "-u", defined, "-p", name)
        mdevctl(host, "modify", "-u", defined, "-p", name, "--auto")
        mediatectl(host, "create", name, "mtty-1", new_uuid())
        mediatectl(host, "define", name, "mtty-1", new_uuid())
        for verb in ("start", "undefine", "enable"):
            mediatectl(host, verb, defined, "--parent", name)


def test_parent_that_is_empty(host):
    """It means another thing: the one there is, all of them. Where it must be said it is asked for."""
    with Unchanged(host):
        assert host.begin_create(parent="").error().name == "NoSuchParent"
        assert begin_define(host, new_uuid(), "").error().name == INVALID_ARGS
        for call in (begin_modify(host, new_uuid(), "", start="auto"), begin_undefine(host, new_uuid(), ""),
                     begin_start(host, new_uuid(), "")):
            assert call.error().name == "NotDefined"
        mdevctl(host, "start", "-p", "", "-t", "mtty-1")
        mdevctl(host, "define", "-p", "", "-t", "mtty-1")


@pytest.mark.parametrize("name", ["..", ".", "a/b", "../mtty-1", "mtty-1/devices", "/mtty-1", "x" * 256, "a\nb"])
def test_type(host, defined, name):
    with Unchanged(host):
        assert host.begin_create(type=name).error().name == "NoSuchType"
        assert begin_define(host, new_uuid(), type=name).error().name == INVALID_ARGS
        assert begin_modify(host, defined, type=name).error().name == INVALID_ARGS
        mdevctl(host, "start", "-p", "mtty", "-t", name)
        mdevctl(host, "define", "-p", "mtty", "-t", name)
        mediatectl(host, "create", "mtty", name, new_uuid())
        mediatectl(host, "define", "mtty", name, new_uuid())
        mediatectl(host, "modify", defined, "--type", name)


@pytest.mark.parametrize("number", range(len(UUIDS)))
def test_uuid(host, number):
    text = UUIDS[number]
    with Unchanged(host):
        for call in (host.begin_create(text), host.begin_stop(text), begin_define(host, text),
                     begin_modify(host, text, "mtty", start="auto"), begin_undefine(host, text, "mtty"),
                     begin_start(host, text, "mtty"), host.begin("GetDevice", "s", text),
                     host.begin("GetDefinition", "ss", text, "mtty")):
            error = call.error()
            assert error.name == INVALID_ARGS and "is not a UUID" in error.text
        # mdevctl takes some more forms, and makes the normal one of them.
        if not text.startswith("{") and len(text) != 32:
            for command in (["start", "-p", "mtty", "-t", "mtty-1"], ["define", "-p", "mtty", "-t", "mtty-1"], ["stop"],
                            ["undefine"], ["modify", "--auto"]):
                mdevctl(host, *command, "-u", text)


# --- links

def test_parents_directory_that_is_a_link_out_of_the_store(host):
    """It is said, once; nothing is read from there and nothing written."""
    journal = Journal()
    outside = pathlib.Path("/run/outside")
    outside.mkdir()
    inside = new_uuid()
    (outside / inside).write_text(text_of())
    (STORE / "mbochs").symlink_to(outside)
    (STORE / "loop").symlink_to("loop")
    (STORE / "file").write_text("{}")
    before = {path: path.read_bytes() for path in outside.iterdir()}
    for name in ("mbochs", "loop"):
        host.eventually(lambda name=name: f"/etc/mdevctl.d/{name} is a symbolic link" in host.log())
    for _ in range(2):
        host.call("Reload")
        host.sleep(0.1)
    entry, = journal.find(MEDIATED_PARENT="mbochs", PRIORITY="4")
    assert "is a symbolic link" in entry["MESSAGE"]
    # Its queue is short, and whoever writes to a journal that nobody reads waits.
    journal.close()

    with Unchanged(host):
        for uuid in (inside, new_uuid()):
            assert begin_define(host, uuid, "mbochs", "mbochs-small").error().name in (
                "org.freedesktop.DBus.Error.IOError", "AlreadyDefined")
            for call in (begin_modify(host, uuid, "mbochs", start="manual"), begin_undefine(host, uuid, "mbochs"),
                         begin_start(host, uuid, "mbochs")):
                assert call.error().name in ("NotDefined", "org.freedesktop.DBus.Error.IOError")
            mdevctl(host, "define", "-u", uuid, "-p", "mbochs", "-t", "mbochs-small")
    assert {path: path.read_bytes() for path in outside.iterdir()} == before
    assert not any(parent in ("mbochs", "loop", "file") for _, parent in listed(host))
    # Once it is a directory it is one.
    (STORE / "mbochs").unlink()
    (STORE / "loop").unlink()
    (STORE / "file").unlink()
    uuid, _ = begin_define(host, new_uuid(), "mbochs", "mbochs-small").result()
    undefine(host, uuid)
    shutil.rmtree(STORE / "mbochs")
    shutil.rmtree(outside)


@pytest.mark.parametrize("what", ["symlink", "dangling", "fifo", "device", "hard link", "directory"])
def test_what_lies_where_a_definition_would_be_written(host, defined, what):  # pylint: disable=unused-argument
    """Define never follows, opens or replaces it, and no client's file is written through it."""
    uuid = new_uuid()
    path, target = STORE / "mtty" / uuid, pathlib.Path("/run/target")
    target.write_text(text_of())
    {"symlink": lambda: path.symlink_to(target), "dangling": lambda: path.symlink_to("/etc/made-by-mediated"),
     "fifo": lambda: os.mkfifo(path), "device": lambda: os.mknod(path, 0o20600, os.makedev(1, 3)),
     "hard link": lambda: (target.unlink(), (STORE / ".target").write_text(text_of()),
                           os.link(STORE / ".target", path)),
     "directory": path.mkdir}[what]()
    within_a_second(host, lambda: (uuid, "mtty") in listed(host))
    with Unchanged(host):
        assert begin_define(host, uuid).error().name == "AlreadyDefined"
        assert begin_modify(host, uuid, "mtty", attributes=[("setting", "1")]).error().name == "InvalidDefinition"
        assert begin_start(host, uuid, "mtty").error().name == "InvalidDefinition"
        mdevctl(host, "define", "-u", uuid, "-p", "mtty", "-t", "mtty-1")
        mdevctl(host, "modify", "-u", uuid, "-p", "mtty", "--auto")
        assert not pathlib.Path("/etc/made-by-mediated").exists()
    if what == "directory":
        path.rmdir()
    else:
        # Removed is the name, never what it leads to.
        undefine(host, uuid, "mtty")
    assert what == "hard link" or target.read_text() == text_of()
    if what == "hard link":
        assert (STORE / ".target").read_text() == text_of()
        (STORE / ".target").unlink()
    within_a_second(host, lambda: (uuid, "mtty") not in listed(host))
    target.unlink(missing_ok=True)


def test_hard_link_to_a_secret(host, defined):  # pylint: disable=unused-argument
    """Somebody who may write to the store, and not read the file: it is not shown to him."""
    secret = STORE / ".secret"
    secret.write_text(text_of(attributes=[("password", "hunter2")]))
    secret.chmod(0o600)
    os.link(secret, STORE / "mtty" / (uuid := new_uuid()))
    within_a_second(host, lambda: (uuid, "mtty") in listed(host))
    with Unchanged(host):
        shown = definition(host, uuid)
        assert "hard link" in shown["Error"][1] and shown["Attributes"] == []
        assert "hunter2" not in host.log() and "hunter2" not in json.dumps(host.objects())
    secret.unlink()
    host.eventually(lambda: definition(host, uuid)["Valid"])
    undefine(host, uuid)


# --- limits of the manual

def test_limits_are_those_of_the_manual(host, defined):
    with Unchanged(host):
        error = begin_define(host, attributes=[("setting", "x")] * 1025).error()
        assert error.name == "LimitsExceeded" and "1024" in error.text
        error = begin_modify(host, defined, add_attributes=[(-1, "setting", "x")] * 1025).error()
        assert error.name == "LimitsExceeded" and "1024" in error.text
        error = begin_define(host, attributes=[("setting", "x" * 4000)] * 17).error()
        assert error.name == "LimitsExceeded" and "65536 bytes" in error.text
