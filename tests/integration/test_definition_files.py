# SPDX-License-Identifier: LGPL-2.1-or-later
"""Files of the store that others write, break, move and lose."""

import os
import pathlib
import shutil
import time

import pytest
from definitions import (DEFINITION, STORE, Journal, begin_define, begin_modify, begin_start, begin_undefine, changes,
                         contents, define, definition, definition_path, listed, modify, put, start, text_of, undefine,
                         within_a_second)
from host import Host, new_uuid
from malformed import MALFORMED, WRONG_NAMES, assert_invalid

DEFINITION_INVALID = "0b9d3f6e8c1a4e5d9f7a6c5b4d3e2f03"

# Of a writer; less than STORE_FRESH_USEC.
PAUSE_SECONDS = 0.15


@pytest.fixture(name="host", scope="module")
def shared_host():
    with Host() as host:
        yield host


# --- malformed files

@pytest.mark.parametrize("kind", MALFORMED)
def test_malformed(host, kind):
    make, reason = MALFORMED[kind]
    good, bad = define(host, attributes=[("setting", "1")]), new_uuid()
    path = STORE / "mtty" / bad
    make(path)
    before = path.lstat()
    within_a_second(host, lambda: (bad, "mtty") in listed(host))
    assert_invalid(host, bad, reason)

    # Never overwritten unasked, also not by who does not know that it is there.
    for call in (begin_modify(host, bad, "mtty", start="manual"), begin_modify(host, bad, start="manual"),
                 begin_start(host, bad), begin_start(host, bad, "mtty")):
        error = call.error()
        assert error.name in ("InvalidDefinition", "InvalidAttribute") and bad in error.text
    assert begin_define(host, bad).error().name == "AlreadyDefined"
    assert host.call("GetDefinition", "ss", bad, "mtty") == definition_path(bad)
    after = path.lstat()
    assert (after.st_ino, after.st_size, after.st_mtime_ns) == (before.st_ino, before.st_size, before.st_mtime_ns)

    # Everything else works.
    modify(host, good, start="auto")
    start(host, good)
    host.stop(good)
    undefine(host, good)

    host.call("Reload")
    assert_invalid(host, bad, reason)

    if kind == "a directory":
        error = begin_undefine(host, bad).error()
        assert "directory" in error.text
        path.rmdir()
    else:
        undefine(host, bad)
        assert not path.is_symlink() and not path.exists()
    within_a_second(host, lambda: (bad, "mtty") not in listed(host))


@pytest.mark.parametrize("name", WRONG_NAMES)
def test_wrong_names(host, name):
    put(name, text_of())
    within_a_second(host, lambda: (name, "mtty") in listed(host))
    assert_invalid(host, name, "name")
    (STORE / "mtty" / name).unlink()
    within_a_second(host, lambda: (name, "mtty") not in listed(host))


@pytest.mark.parametrize("name", ["AAAAAAAA-509F-382F-3C1E-E6BFE0FA1001", "README"])
def test_object_of_a_wrong_name_touches_no_other_file(host, name):
    """Neither the one of the UUID in lower case, which is another definition, nor its device."""
    other = name.lower()
    put(name, text_of())
    put(other, text_of(start="manual"))
    within_a_second(host, lambda: {(name, "mtty"), (other, "mtty")} <= set(listed(host)))
    before = (STORE / "mtty" / other).read_bytes()
    for member, signature, body in (("Start", "a{sv}", [{}]), ("Modify", "a{sv}a{sv}", [changes(type="mtty-2"), {}]),
                                    ("Undefine", "a{sv}", [{}])):
        error = host.bus.begin(definition_path(name), DEFINITION, member, signature, *body).error()
        assert error.name == "InvalidDefinition" and f"/etc/mdevctl.d/mtty/{name} " in error.text
    assert (STORE / "mtty" / other).read_bytes() == before and (STORE / "mtty" / name).exists()
    assert other not in host.devices()
    for path in (STORE / "mtty" / name, STORE / "mtty" / other):
        path.unlink()
    within_a_second(host, lambda: not {(name, "mtty"), (other, "mtty")} & set(listed(host)))


def test_names_that_are_nobodys(host):
    """Hidden ones are editors'; what is no UTF-8 cannot be named on the bus."""
    before = set(listed(host))
    for name in (b".swp", b".mediated-1-1", b"\xff\xfe"):
        path = os.path.join(os.fsencode(STORE / "mtty"), name)
        with open(path, "wb") as file:
            file.write(text_of().encode())
    uuid = define(host)
    host.call("Reload")
    assert set(listed(host)) == before | {(uuid, "mtty")}
    # mdevctl panics at it.
    os.unlink(os.path.join(os.fsencode(STORE / "mtty"), b"\xff\xfe"))


def test_an_invalid_one_is_in_the_journal(host):
    journal = Journal()
    uuid = new_uuid()
    put(uuid, "{\n\n")
    within_a_second(host, lambda: (uuid, "mtty") in listed(host))
    entry, = journal.find(MESSAGE_ID=DEFINITION_INVALID)
    assert entry["MEDIATED_UUID"] == uuid and entry["MEDIATED_PARENT"] == "mtty" and entry["PRIORITY"] == "4"
    assert f"/etc/mdevctl.d/mtty/{uuid}: line" in entry["MESSAGE"]
    put(uuid, "{\n\n\n\n")
    within_a_second(host, lambda: len(journal.find(MESSAGE_ID=DEFINITION_INVALID)) == 2)
    journal.close()


def test_an_invalid_one_that_is_mended(host):
    uuid = new_uuid()
    put(uuid, "{")
    within_a_second(host, lambda: (uuid, "mtty") in listed(host))
    put(uuid, text_of(start="manual"))
    within_a_second(host, lambda: definition(host, uuid)["Valid"])
    start(host, uuid)
    host.stop(uuid)


def test_names_that_leave_can_be_mended_by_modify(host):
    uuid = new_uuid()
    put(uuid, text_of("../mtty-1", "manual", [("../x", "1"), ("setting", "2")]))
    within_a_second(host, lambda: (uuid, "mtty") in listed(host))
    modify(host, uuid, "mtty", type="mtty-1", remove_attributes=[0])
    assert definition(host, uuid)["Valid"] and definition(host, uuid)["Attributes"] == [["setting", "2"]]


def write_slowly(host, uuid, text):
    """Returns whether it went on without a pause that is longer than what a writer is given: the
    machine may be busy."""
    with open(STORE / "mtty" / uuid, "w", encoding="utf-8") as file:
        for i in range(0, len(text), 12):
            begin = time.monotonic()
            file.write(text[i:i + 12])
            file.flush()
            host.sleep(0.05)
            type = listed(host).get((uuid, "mtty"), ("mtty-1",))[0]
            if time.monotonic() - begin >= PAUSE_SECONDS:
                return False
            assert type == "mtty-1"
    return True


def test_slow_writers_are_given_time(host):
    """In pieces, as a slow disk has it, over the turn of a second too: never listed as invalid, never logged."""
    text = text_of(start="manual")
    uuids = []
    define(host)
    while len(uuids) < 12:
        uuid = new_uuid()
        if write_slowly(host, uuid, text):
            uuids.append(uuid)
            within_a_second(host, lambda uuid=uuid: listed(host).get((uuid, "mtty")) == ("mtty-1", "manual", False))
    assert not any(uuid in host.log() for uuid in uuids)


def test_modify_while_somebody_writes_slowly(host):
    """It waits until the file is one again, and keeps what was written."""
    text = text_of("mtty-2", "manual")
    for phase in (0.0, 0.2, 0.4, 0.6, 0.8):
        uuid = define(host)
        host.sleep((phase - time.time()) % 1)
        writer = host.start('exec >"$1"; printf %s "$2"; sleep 0.15; printf %s "$3"', STORE / "mtty" / uuid, text[:20],
                            text[20:])
        host.eventually(lambda uuid=uuid: (STORE / "mtty" / uuid).stat().st_size == 20)
        modify(host, uuid, "mtty", start="auto")
        assert contents(uuid) == {"mdev_type": "mtty-2", "start": "auto", "attrs": []}
        writer.wait()


# --- changes by others

def test_an_editor(host):
    uuid = define(host)
    put(uuid, text_of("mtty-2"))
    within_a_second(host, lambda: definition(host, uuid)["Type"] == "mtty-2")
    host.shell('sed -i s/auto/manual/ "$1"', STORE / "mtty" / uuid)
    within_a_second(host, lambda: definition(host, uuid)["StartMode"] == "manual")
    host.shell('mv "$1" "$1~"; cp "$1~" "$1"; rm "$1~"', STORE / "mtty" / uuid)
    host.call("Reload")
    assert definition(host, uuid)["Valid"] and (f"{uuid}~", "mtty") not in listed(host)
    (STORE / "mtty" / uuid).unlink()
    within_a_second(host, lambda: (uuid, "mtty") not in listed(host))


def test_mdevctl(host):
    uuid = new_uuid()
    host.shell("mdevctl define -u $1 -p mtty -t mtty-1", uuid)
    within_a_second(host, lambda: (uuid, "mtty") in listed(host))
    host.shell("mdevctl modify -u $1 --auto", uuid)
    within_a_second(host, lambda: definition(host, uuid)["StartMode"] == "auto")
    modify(host, uuid, add_attributes=[(-1, "setting", "2")])
    assert host.shell("mdevctl list -d -u $1 --dumpjson", uuid).stdout.count("setting") == 1
    host.shell("mdevctl undefine -u $1", uuid)
    within_a_second(host, lambda: (uuid, "mtty") not in listed(host))


def test_a_parents_directory_appears_with_everything(host):
    staging = STORE / ".staging"
    staging.mkdir()
    uuids = [new_uuid() for _ in range(50)]
    for uuid in uuids:
        (staging / uuid).write_text(text_of())
    staging.rename(STORE / "0000:01:00.0")
    within_a_second(host, lambda: all((uuid, "0000:01:00.0") in listed(host) for uuid in uuids))
    late = new_uuid()
    put(late, text_of(), "0000:01:00.0")
    within_a_second(host, lambda: (late, "0000:01:00.0") in listed(host))
    shutil.rmtree(STORE / "0000:01:00.0")
    within_a_second(host, lambda: not any(parent == "0000:01:00.0" for _, parent in listed(host)))


@pytest.mark.parametrize("pause", [0, 0.01, 0.05, 0.3])
def test_a_parents_directory_replaced(host, pause):
    """By another one of the same name, at once or later: that is watched then."""
    for _ in range(5):
        put(new_uuid(), text_of(), "again")
        shutil.rmtree(STORE / "again")
        host.sleep(pause)
        first, second = new_uuid(), new_uuid()
        put(first, text_of(), "again")
        within_a_second(host, lambda first=first: (first, "again") in listed(host))
        host.sleep(0.1)
        put(second, text_of(), "again")
        within_a_second(host, lambda second=second: {key for key in listed(host) if key[1] == "again"} ==
                        {(first, "again"), (second, "again")})


def test_a_parents_directory_exchanged(host):
    put(old := new_uuid(), text_of(), "swap")
    within_a_second(host, lambda: (old, "swap") in listed(host))
    (STORE / ".new").mkdir()
    (STORE / ".new" / (new := new_uuid())).write_text(text_of())
    host.shell('mv "$1/swap" "$1/.old"; mv "$1/.new" "$1/swap"', STORE)
    within_a_second(host, lambda: {key for key in listed(host) if key[1] == "swap"} == {(new, "swap")})
    (STORE / "swap" / (late := new_uuid())).write_text(text_of())
    within_a_second(host, lambda: (late, "swap") in listed(host))
    (STORE / ".old" / new_uuid()).write_text(text_of())
    (STORE / "swap" / (last := new_uuid())).write_text(text_of())
    within_a_second(host, lambda: (last, "swap") in listed(host))
    assert {key for key in listed(host) if key[1] == "swap"} == {(uuid, "swap") for uuid in (new, late, last)}
    shutil.rmtree(STORE / ".old")


def test_a_parents_directory_becomes_a_file(host):
    put(uuid := new_uuid(), text_of(), "file")
    within_a_second(host, lambda: (uuid, "file") in listed(host))
    shutil.rmtree(STORE / "file")
    (STORE / "file").write_text("not a directory")
    within_a_second(host, lambda: not any(parent == "file" for _, parent in listed(host)))
    error = begin_define(host, parent="file").error()
    assert "file" in error.text
    (STORE / "file").unlink()
    define(host, parent="file")


def test_a_parents_directory_that_is_a_link(host):
    pathlib.Path("/run/linked").mkdir()
    pathlib.Path("/run/linked", new_uuid()).write_text(text_of())
    (STORE / "linked").symlink_to("/run/linked")
    host.call("Reload")
    assert not any(parent == "linked" for _, parent in listed(host))
    assert begin_define(host, parent="linked").error()
    assert len(list(pathlib.Path("/run/linked").iterdir())) == 1


def test_callouts_are_no_parent(host):
    (STORE / "scripts.d" / "callouts" / "x").write_text("#!/bin/sh\n")
    host.call("Reload")
    assert not any(parent == "scripts.d" for _, parent in listed(host))
