# SPDX-License-Identifier: LGPL-2.1-or-later
"""Definitions over D-Bus: every method, property, signal and error of theirs."""

import json
import os
import time

import pytest
from bus import MANAGER, ROOT
from dbus_next import Variant
from definitions import (DEFINITION, STORE, begin_define, begin_modify, begin_start, begin_undefine, changes, contents,
                         define, definition, definition_path, listed, modify, put, start, text_of, undefine)
from host import DEVICES, Host, device_path, new_uuid, options, parent_path, read

# More than LISTING_SAFE_USEC.
LISTING_SAFE_SECONDS = 2.1

PAIRS = [("in_attribute", "1"), ("sub/x", "a b"), ("in_attribute", "2")]


@pytest.fixture(name="host", scope="module")
def shared_host():
    with Host() as host:
        yield host


# --- Define

def test_define_writes_what_mdevctl_reads(host):
    uuid = define(host, start="auto", attributes=PAIRS)
    assert contents(uuid) == {"mdev_type": "mtty-1", "start": "auto",
                              "attrs": [{name: value} for name, value in PAIRS]}
    assert (STORE / "mtty" / uuid).stat().st_mode & 0o7777 == 0o644
    assert not list(STORE.glob(".mediated-*"))
    shown = json.loads(host.shell("mdevctl list --defined --dumpjson -u $1", uuid).stdout)
    assert shown == {"mdev_type": "mtty-1", "start": "auto", "attrs": [{name: value} for name, value in PAIRS]}


def test_definition_object(host):
    uuid = define(host, attributes=PAIRS)
    assert definition(host, uuid) == {
        "UUID": uuid, "ParentName": "mtty", "Type": "mtty-1", "StartMode": "manual",
        "Attributes": [list(pair) for pair in PAIRS], "File": f"/etc/mdevctl.d/mtty/{uuid}", "Valid": True,
        "Active": False, "StartState": "none", "Error": ["", ""], "Device": "/", "Parent": parent_path("mtty")}
    assert host.call("GetDefinition", "ss", uuid.upper(), "mtty") == definition_path(uuid)
    assert host.call("GetDefinition", "ss", uuid, "") == definition_path(uuid)
    assert listed(host)[uuid, "mtty"] == ("mtty-1", "manual", False)
    assert DEFINITION in host.objects()[definition_path(uuid)]


def test_define_takes_a_uuid_in_any_case(host):
    uuid = new_uuid()
    assert define(host, uuid.upper()) == uuid
    assert (STORE / "mtty" / uuid).exists()


def test_define_for_a_parent_that_is_not_there(host):
    uuid = define(host, parent="0000:99:00.0", type="nvidia-63")
    assert contents(uuid, "0000:99:00.0")["mdev_type"] == "nvidia-63"
    assert definition(host, uuid, "0000:99:00.0")["ParentName"] == "0000:99:00.0"


def test_define_twice(host):
    uuid = define(host)
    before = (STORE / "mtty" / uuid).read_bytes()
    error = begin_define(host, uuid, type="mtty-2").error()
    assert error.name == "AlreadyDefined" and uuid in error.text and "mtty" in error.text
    assert (STORE / "mtty" / uuid).read_bytes() == before


def test_one_uuid_under_two_parents(host):
    uuid = define(host)
    define(host, uuid, "mbochs", "mbochs-small")
    for begin in (begin_start, begin_modify):
        error = begin(host, uuid).error()
        assert error.name == "AmbiguousDefinition" and "mtty" in error.text and "mbochs" in error.text
    error = host.begin("GetDefinition", "ss", uuid, "").error()
    assert error.name == "AmbiguousDefinition"
    start(host, uuid, "mbochs")
    assert host.device(uuid)["ParentName"] == "mbochs"
    assert definition(host, uuid, "mbochs")["Active"] and not definition(host, uuid)["Active"]
    error = begin_start(host, uuid, "mtty").error()
    assert error.name == "AlreadyExists" and "mbochs" in error.text
    host.stop(uuid)
    undefine(host, uuid)
    assert (uuid, "mtty") not in listed(host) and (uuid, "mbochs") not in listed(host)
    assert not (STORE / "mtty" / uuid).exists() and not (STORE / "mbochs" / uuid).exists()


def test_ambiguous_parents_with_long_names_are_named(host):
    """As many bytes as a name may have, in characters of three bytes: the answer is a text that D-Bus carries."""
    uuid, parents = new_uuid(), [letter + "\u6f22" * 84 for letter in ("a", "bb", "ccc")]
    for parent in parents:
        put(uuid, text_of(start="manual"), parent)
    error = begin_start(host, uuid).error()
    assert error.name == "AmbiguousDefinition" and "\ufffd" not in error.text
    assert all(f"'{parent}'" in error.text for parent in parents)
    undefine(host, uuid)
    for parent in parents:
        (STORE / parent).rmdir()


def test_define_of_an_active_device_takes_it_over(host):
    uuid = host.create()
    assert host.device(uuid)["Defined"] is False
    assert define(host, uuid, parent="", type="") == uuid
    assert contents(uuid) == {"mdev_type": "mtty-1", "start": "manual", "attrs": []}
    assert host.device(uuid)["Defined"] is True and definition(host, uuid)["Active"] is True
    assert host.devices()[uuid].defined is True
    host.stop(uuid)
    assert definition(host, uuid)["Active"] is False


def test_define_of_a_device_of_ours_takes_its_attributes(host):
    uuid = host.create(attributes=[("setting", "7")])
    define(host, uuid, parent="", type="")
    assert contents(uuid)["attrs"] == [{"setting": "7"}]
    other = host.create(attributes=[("setting", "7")])
    define(host, other, parent="", type="", attributes=[("setting", "8")])
    assert contents(other)["attrs"] == [{"setting": "8"}]
    host.stop(uuid)
    host.stop(other)


def test_define_without_a_type_of_what_is_not_active(host):
    error = begin_define(host, new_uuid(), type="").error()
    assert error.name == "org.freedesktop.DBus.Error.InvalidArgs" and "type" in error.text
    error = begin_define(host, new_uuid(), parent="").error()
    assert error.name == "org.freedesktop.DBus.Error.InvalidArgs" and "parent" in error.text


@pytest.mark.parametrize("parent", ["..", ".", "a/b", "/etc", "../x", ".hidden", "scripts.d", "x" * 256, "a\nb"])
def test_names_that_are_no_parents(host, parent):
    uuid = new_uuid()
    for call in (begin_define(host, uuid, parent), begin_modify(host, uuid, parent), begin_undefine(host, uuid, parent),
                 begin_start(host, uuid, parent)):
        assert call.error().name == "org.freedesktop.DBus.Error.InvalidArgs"
    assert not list(STORE.parent.glob(f"**/{uuid}"))


@pytest.mark.parametrize("type", [".", "..", "a/b", "../x", "x" * 256])
def test_names_that_are_no_types(host, type):
    assert begin_define(host, new_uuid(), type=type).error().name == "org.freedesktop.DBus.Error.InvalidArgs"
    uuid = define(host)
    assert begin_modify(host, uuid, type=type).error().name == "org.freedesktop.DBus.Error.InvalidArgs"
    assert contents(uuid)["mdev_type"] == "mtty-1"


def test_the_type_cannot_be_modified_away(host):
    uuid = define(host)
    assert begin_modify(host, uuid, type="").error().name == "org.freedesktop.DBus.Error.InvalidArgs"


@pytest.mark.parametrize("name", ["../x", "/x", "a/../b", "", ".", "a//b", "remove", "uevent", "driver/unbind"])
def test_attributes_that_are_refused(host, name):
    uuid = define(host)
    before = (STORE / "mtty" / uuid).read_bytes()
    for call in (begin_define(host, attributes=[(name, "1")]), begin_modify(host, uuid, attributes=[(name, "1")]),
                 begin_modify(host, uuid, add_attributes=[(-1, name, "1")])):
        assert call.error().name == "InvalidAttribute"
    assert (STORE / "mtty" / uuid).read_bytes() == before


@pytest.mark.parametrize("mode", ["", "Auto", "automatic", "yes"])
def test_start_modes_that_do_not_exist(host, mode):
    uuid = define(host)
    assert begin_define(host, start=mode).error().name == "org.freedesktop.DBus.Error.InvalidArgs"
    assert begin_modify(host, uuid, start=mode).error().name == "org.freedesktop.DBus.Error.InvalidArgs"


@pytest.mark.parametrize("uuid", [
    "x", "..", "83b8f4f2-509f-382f-3c1e-e6bfe0fa10", "{83b8f4f2-509f-382f-3c1e-e6bfe0fa1001}"])
def test_what_is_no_uuid(host, uuid):
    for call in (begin_define(host, uuid), begin_modify(host, uuid), begin_undefine(host, uuid),
                 begin_start(host, uuid), host.begin("GetDefinition", "ss", uuid, "mtty")):
        assert call.error().name == "org.freedesktop.DBus.Error.InvalidArgs"


def test_unknown_options_and_changes(host):
    uuid = define(host)
    invalid = "org.freedesktop.DBus.Error.InvalidArgs"
    for opts in ({"bogus": Variant("b", True)}, {"timeout-usec": Variant("s", "1")}, {"wait": True}):
        assert begin_define(host, **opts).error().name == invalid
        assert begin_modify(host, uuid, opts=opts).error().name == invalid
        assert begin_undefine(host, uuid, **opts).error().name == invalid
    assert begin_start(host, uuid, bogus=Variant("b", True)).error().name == invalid
    for values in ({"bogus": Variant("s", "x")}, {"type": Variant("u", 1)}, {"attributes": Variant("as", ["x"])},
                   {"remove_attributes": Variant("s", "0")}, {"remove_attributes": [-2]},
                   {"add_attributes": [(-2, "a", "1")]}):
        assert begin_modify(host, uuid, **values).error().name == invalid
    assert (uuid, "mtty") in listed(host) and host.state(uuid) is None


# --- Modify

def test_modify_each_part(host):
    uuid = define(host, attributes=[("a", "1"), ("b", "2")])
    assert modify(host, uuid, type="mtty-2") == definition_path(uuid)
    assert modify(host, uuid, "mtty", start="auto") == definition_path(uuid)
    assert definition(host, uuid)["Type"] == "mtty-2" and definition(host, uuid)["StartMode"] == "auto"
    modify(host, uuid, add_attributes=[(0, "first", "0"), (-1, "last", "9")])
    assert contents(uuid)["attrs"] == [{"first": "0"}, {"a": "1"}, {"b": "2"}, {"last": "9"}]
    modify(host, uuid, remove_attributes=[1, -1])
    assert contents(uuid)["attrs"] == [{"first": "0"}, {"b": "2"}]
    modify(host, uuid, attributes=[("c", "3")])
    assert contents(uuid) == {"mdev_type": "mtty-2", "start": "auto", "attrs": [{"c": "3"}]}
    modify(host, uuid, attributes=[])
    assert contents(uuid)["attrs"] == []
    assert definition(host, uuid)["Attributes"] == []


def test_modify_indices_that_are_not_there(host):
    uuid = define(host, attributes=[("a", "1")])
    for values in ({"remove_attributes": [1]}, {"add_attributes": [(2, "x", "1")]},
                   {"add_attributes": [(0, "x", "1")], "remove_attributes": [5]}):
        error = begin_modify(host, uuid, **values).error()
        assert error.name == "org.freedesktop.DBus.Error.InvalidArgs", error
        assert uuid in error.text
    assert contents(uuid)["attrs"] == [{"a": "1"}]


def test_modify_nothing_defined(host):
    uuid = new_uuid()
    for parent in ("", "mtty", "nowhere"):
        for call in (begin_modify(host, uuid, parent, start="auto"), begin_undefine(host, uuid, parent),
                     begin_start(host, uuid, parent), host.begin("GetDefinition", "ss", uuid, parent)):
            error = call.error()
            assert error.name == "NotDefined" and uuid in error.text
    assert not (STORE / "nowhere").exists()


def test_modify_keeps_what_it_does_not_know(host):
    uuid = new_uuid()
    put(uuid, '{"x": {"deep": [1, 2.50, null]}, "start": "manual", "mdev_type": "mtty-1", "note": "é", "attrs": []}')
    (STORE / "mtty" / uuid).chmod(0o640)
    modify(host, uuid, "mtty", start="auto")
    kept = (STORE / "mtty" / uuid).read_text()
    assert list(json.loads(kept)) == ["x", "start", "mdev_type", "note", "attrs"]
    assert json.loads(kept)["x"] == {"deep": [1, 2.50, None]} and "2.50" in kept
    assert (STORE / "mtty" / uuid).stat().st_mode & 0o7777 == 0o640


def test_modify_a_file_of_somebody_else(host):
    """The sandbox allows no chown(): it works, keeps the mode, and the log says that the file is root's now."""
    uuid = define(host)
    host.shell("chown 1:1 $1 && chmod 664 $1", STORE / "mtty" / uuid)
    modify(host, uuid, start="auto")
    status = (STORE / "mtty" / uuid).stat()
    assert (status.st_mode & 0o7777, status.st_uid, status.st_gid) == (0o664, 0, 0)
    assert contents(uuid)["start"] == "auto"
    assert uuid in next(line for line in host.log().splitlines() if "belongs to root" in line)


def test_modify_sees_what_was_written_just_before(host):
    """No look at the store in between: the file counts, not what the daemon remembers of it."""
    uuid = define(host)
    for i in range(20):
        put(uuid, text_of("mtty-2", attributes=[("n", str(i))]))
        modify(host, uuid, add_attributes=[(-1, "m", str(i))])
        assert contents(uuid)["attrs"] == [{"n": str(i)}, {"m": str(i)}]


def test_definitions_of_others_are_found_at_once(host):
    """By UUID alone, before any event of the store was looked at."""
    for i in range(10):
        uuid = new_uuid()
        host.shell("mkdir -p $1 && cp /dev/stdin $1/$2 <<<$3", STORE / f"new{i}", uuid, text_of(start="manual"))
        modify(host, uuid, start="auto")
        other = new_uuid()
        host.shell("cp /dev/stdin $1/$2 <<<$3", STORE / f"new{i}", other, text_of(start="manual"))
        assert host.call("GetDefinition", "ss", other, "") == definition_path(other, f"new{i}")
        undefine(host, uuid)
        undefine(host, other, f"new{i}")


def test_definitions_of_others_are_found_in_a_directory_that_is_known(host):
    """All of its names have been looked at, and it is long ago that one came: only its time tells of the next one.
    Whoever unpacks files may set the other time, of modification, to what it was."""
    define(host)
    for parent in ("mtty", ""):
        time.sleep(LISTING_SAFE_SECONDS)
        assert host.begin("GetDefinition", "ss", new_uuid(), parent).error().name == "NotDefined"
        changed = os.stat(STORE / "mtty")
        put(uuid := new_uuid(), text_of(start="manual"))
        os.utime(STORE / "mtty", ns=(changed.st_atime_ns, changed.st_mtime_ns))
        assert host.call("GetDefinition", "ss", uuid, parent) == definition_path(uuid)
        undefine(host, uuid)


def test_too_many_attributes(host):
    uuid = define(host)
    many = [("a", "1")] * 5000
    assert begin_modify(host, uuid, attributes=many).error().name == "LimitsExceeded"
    assert begin_define(host, attributes=many).error().name == "LimitsExceeded"
    long = [("a" * 100, "v" * 1000)] * 100
    assert begin_modify(host, uuid, attributes=long).error().name == "LimitsExceeded"
    assert contents(uuid)["attrs"] == []


# --- Undefine

def test_undefine(host):
    signals = host.signals()
    uuid = define(host)
    signals.wait("InterfacesAdded", lambda body: body[0] == definition_path(uuid))
    undefine(host, uuid, "mtty")
    assert not (STORE / "mtty" / uuid).exists() and (uuid, "mtty") not in listed(host)
    body = signals.wait("InterfacesRemoved", lambda body: body[0] == definition_path(uuid))
    assert body[1] == [DEFINITION]
    assert begin_undefine(host, uuid, "mtty").error().name == "NotDefined"


def test_undefine_leaves_the_device(host):
    uuid = define(host)
    start(host, uuid)
    undefine(host, uuid)
    assert host.state(uuid) == "active" and host.device(uuid)["Defined"] is False
    host.stop(uuid)


# --- StartDevice

def test_start(host):
    uuid = define(host)
    assert start(host, uuid) == device_path(uuid)
    device = host.device(uuid)
    assert device["State"] == "active" and device["Defined"] is True and device["Type"] == "mtty-1"
    assert start(host, uuid, settle=True) == device_path(uuid)
    host.stop(uuid)
    assert start(host, uuid.upper(), "mtty") == device_path(uuid)
    host.stop(uuid)


def test_start_of_what_cannot_be(host):
    uuid = define(host, parent="nowhere")
    assert begin_start(host, uuid).error().name == "NoSuchParent"
    uuid = define(host, type="none")
    assert begin_start(host, uuid).error().name == "NoSuchType"
    uuid = define(host, attributes=[("none", "1")])
    error = begin_start(host, uuid).error()
    assert error.name == "InvalidAttribute" and "none" in error.text
    assert host.state(uuid) is None


def test_methods_of_the_object(host):
    uuid = define(host)
    path = definition_path(uuid)
    assert host.bus.call(path, DEFINITION, "Start", "a{sv}", {}) == device_path(uuid)
    assert host.bus.call(path, DEFINITION, "Modify", "a{sv}a{sv}", changes(start="auto"), {}) == path
    assert contents(uuid)["start"] == "auto"
    host.bus.call(path, DEFINITION, "Undefine", "a{sv}", options(timeout=5))
    assert (uuid, "mtty") not in listed(host)
    error = host.bus.begin(path, DEFINITION, "Undefine", "a{sv}", {}).error()
    assert error.name in ("org.freedesktop.DBus.Error.UnknownObject", "org.freedesktop.DBus.Error.UnknownMethod")
    host.stop(uuid)


# --- signals, counts, jobs

def test_signals_of_a_life(host):
    signals = host.signals()
    uuid = define(host)
    path = definition_path(uuid)
    body = signals.wait("InterfacesAdded", lambda body: body[0] == path)
    assert body[1][DEFINITION]["Type"].value == "mtty-1"
    modify(host, uuid, start="auto", type="mtty-2", attributes=[("a", "1")])
    body = signals.wait("PropertiesChanged", lambda body: "Type" in body[1], path)
    assert {key: value.value for key, value in body[1].items()} | {"StartState": 0, "Error": 0} == {
        "Type": "mtty-2", "StartMode": "auto", "Attributes": [["a", "1"]], "StartState": 0, "Error": 0}
    modify(host, uuid, attributes=[])
    start(host, uuid)
    signals.wait("PropertiesChanged", lambda body: body[1].get("Active", Variant("b", False)).value, path)
    body = signals.wait("PropertiesChanged", lambda body: "StartState" in body[1], path)
    host.stop(uuid)
    signals.wait("PropertiesChanged", lambda body: not body[1].get("Active", Variant("b", True)).value, path)
    for kind in ("define", "modify", "start", "stop"):
        new = signals.wait("JobNew", lambda body, kind=kind: body[1:3] == [uuid, kind])
        done = signals.wait("JobRemoved", lambda body, kind=kind: body[1:4] == [uuid, kind, "done"])
        assert new[0] == done[0]


def test_every_property_that_becomes_invalid_is_signalled(host):
    uuid = define(host, attributes=[("a", "1")])
    path = definition_path(uuid)
    host.sleep(0.1)
    signals = host.signals()
    put(uuid, "{")
    body = signals.wait("PropertiesChanged", lambda body: "Valid" in body[1], path)
    values = {key: value.value for key, value in body[1].items()}
    name, message = values.pop("Error")
    assert name == "org.mediated1.Error.InvalidDefinition" and message.startswith("line 1: ")
    assert values == {"Valid": False, "Type": "", "StartMode": "", "Attributes": [], "StartState": "none"}
    signals.seen.clear()
    put(uuid, text_of(start="manual", attributes=[("a", "1")]))
    body = signals.wait("PropertiesChanged", lambda body: "Valid" in body[1], path)
    assert {key: value.value for key, value in body[1].items()} == {
        "Valid": True, "Type": "mtty-1", "StartMode": "manual", "Attributes": [["a", "1"]], "StartState": "none",
        "Error": ["", ""]}


def test_auto_of_an_active_device_shows_in_its_start_state(host):
    uuid = define(host)
    start(host, uuid)
    host.sleep(0.1)
    signals = host.signals()
    modify(host, uuid, start="auto")
    body = signals.wait("PropertiesChanged", lambda body: "StartMode" in body[1], definition_path(uuid))
    assert body[1]["StartState"].value == "active"
    host.stop(uuid)


def test_counts(host):
    before = host.property("DefinitionCount")
    uuid = define(host)
    assert host.property("DefinitionCount", ROOT, MANAGER) == before + 1 == len(listed(host))
    undefine(host, uuid)
    assert host.property("DefinitionCount") == before


def test_changes_of_one_definition_take_turns(host):
    uuid = new_uuid()
    calls = [begin_define(host, uuid)]
    calls += [begin_modify(host, uuid, "mtty", add_attributes=[(-1, "n", str(i))]) for i in range(50)]
    calls += [begin_undefine(host, uuid, "mtty"), begin_define(host, uuid, type="mtty-2"),
              begin_start(host, uuid, "mtty")]
    for call in calls:
        call.result()
    assert [call.ended for call in calls] == sorted(call.ended for call in calls)
    assert contents(uuid) == {"mdev_type": "mtty-2", "start": "manual", "attrs": []}
    host.stop(uuid)


def test_a_define_behind_a_slow_create(host):
    host.simctl("delay", "mtty", "create", 500)
    uuid = new_uuid()
    create = host.begin_create(uuid)
    error = begin_define(host, uuid, type="mtty-2", timeout=0.1).error()
    assert error.name == "JobTimedOut" and uuid in error.text
    create.result()
    host.simctl("delay", "mtty", "create", 0)
    assert not (STORE / "mtty" / uuid).exists()
    define(host, uuid, parent="", type="")
    assert contents(uuid)["mdev_type"] == "mtty-1"
    host.stop(uuid)


def test_attributes_are_written_in_order(host):
    attributes = [("vendor/vgpu_params", "a=1"), ("setting", "x"), ("vendor/plugin", "p"), ("setting", "y")]
    uuid = define(host, attributes=attributes)
    start(host, uuid)
    assert read(DEVICES / uuid / "vendor" / "history").splitlines() == [f"{name}={value}" for name, value in attributes]
    host.stop(uuid)


def test_reload(host):
    host.call("Reload")
    assert host.call("ListJobs") == []
