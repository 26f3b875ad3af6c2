# SPDX-License-Identifier: LGPL-2.1-or-later
"""The option no-wait, and what jobs and objects tell whoever has not waited."""

import time

import pytest
from bus import DEFINITION
from callout_tools import Callouts
from dbus_next import Variant
from definitions import begin_start, define, definition, definition_path, put, text_of, undefine
from host import Host, device_path, job_path, new_uuid, options, parent_path

NO_CALLER = 0xFFFFFFFF


def removed(signals, uuid, kind):
    """What JobRemoved says of that job, without its number and its path."""
    body = signals.wait("JobRemoved", lambda body: body[1:3] == [uuid, kind])
    return [body[3], *body[5:]]


def test_answers_are_the_jobs_objects():
    with Host() as host:
        signals = host.signals()
        uuid, path = host.begin_create("", no_wait=True).result()
        assert path == job_path(1)
        assert removed(signals, uuid, "create") == ["done", "", ""]
        assert host.state(uuid) == "active"
        assert host.begin_stop(uuid, no_wait=True).result() == []
        assert removed(signals, uuid, "stop") == ["done", "", ""]

        uuid, path = host.call("Define", "ssssa(ss)a{sv}", "", "mtty", "mtty-1", "manual", [], options(no_wait=True))
        assert path == job_path(3)
        assert removed(signals, uuid, "define") == ["done", "", ""]
        assert begin_start(host, uuid, no_wait=True).result() == job_path(4)
        assert removed(signals, uuid, "start") == ["done", "", ""]
        assert host.call("Modify", "ssa{sv}a{sv}", uuid, "", {"start": Variant("s", "auto")},
                         options(no_wait=True)) == job_path(5)
        assert removed(signals, uuid, "modify") == ["done", "", ""]
        host.call("Undefine", "ssa{sv}", uuid, "", options(no_wait=True))
        assert removed(signals, uuid, "undefine") == ["done", "", ""]


def test_is_answered_while_the_driver_works():
    with Host() as host:
        host.simctl("hang", "mtty", "create")
        call = host.begin_create(no_wait=True)
        uuid, path = call.result(5)
        assert host.job(path)["UUID"] == uuid
        host.simctl("resume", "mtty")
        host.eventually(lambda: host.state(uuid) == "active")


def test_failure_is_told_by_the_signal():
    with Host() as host:
        signals = host.signals()
        uuid, _ = host.begin_create(type="mtty-9", no_wait=True).result()
        result, error, message = removed(signals, uuid, "create")
        assert result == "failed" and error == "org.mediated1.Error.NoSuchType" and "mtty-9" in message
        # A caller that waits is told the same by both.
        failed = host.begin_create(uuid, type="mtty-9").error()
        signals.seen.clear()
        again = host.begin_create(uuid, type="mtty-9").error()
        assert removed(signals, uuid, "create") == ["failed", f"org.mediated1.Error.{again.name}", again.text]
        assert failed.text == again.text


def test_goes_on_when_its_caller_leaves():
    """Unlike a request whose caller waits: that one ends when it has not begun."""
    with Host() as host:
        host.simctl("hang", "mtty", "create")
        first = new_uuid()
        host.begin_create(first, no_wait=True).result()
        bus = host.new_bus()
        host.begin_stop(first, bus=bus, no_wait=True).result()
        bus.close()
        host.simctl("resume", "mtty")
        host.eventually(lambda: host.jobs() == [])
        assert host.devices() == {}


def test_deadline_counts():
    with Host() as host:
        signals = host.signals()
        host.simctl("hang", "mtty", "create")
        uuid, path = host.begin_create(no_wait=True, timeout=0.2).result()
        host.eventually(lambda: host.job(path)["TimedOut"])
        host.simctl("resume", "mtty")
        result, error, _ = removed(signals, uuid, "create")
        assert result == "timeout" and error == "org.mediated1.Error.JobTimedOut"
        assert host.devices() == {}


@pytest.mark.parametrize("kind", "ynqiuxt")
def test_numbers_of_any_type(kind):
    with Host() as host:
        host.stop(host.create(**{"timeout-usec": Variant(kind, 0)}), **{"timeout-usec": Variant(kind, 0)})


def test_properties_of_jobs():
    with Host() as host:
        host.simctl("hang", "mtty", "create")
        before = time.time()
        uuid, path = host.begin_create(no_wait=True).result()
        job = host.job(path)
        assert abs(job.pop("Since") / 1e6 - before) < 60
        host.eventually(lambda: host.job(path)["State"] == "running")
        assert job | {"State": "", "Device": ""} == {
            "Id": 1, "UUID": uuid, "Kind": "create", "State": "", "Device": "", "Parent": parent_path("mtty"),
            "ParentName": "mtty", "Type": "mtty-1", "Caller": 0, "TimedOut": False}
        host.eventually(lambda: host.job(path)["Device"] == device_path(uuid))
        host.simctl("resume", "mtty")

        missing = new_uuid()
        host.begin_stop(missing, no_wait=True).result()
        host.eventually(lambda: host.jobs() == [])


def test_job_of_autostart_has_no_caller():
    with Host(create_delay=1000) as host:
        put(new_uuid(), text_of(start="auto"))
        host.simctl("remove-parent", "mtty")
        host.eventually(lambda: host.call("ListDefinitions"))
        host.simctl("add-parent", "mtty:mtty-1=24")
        job = host.eventually(host.jobs)[0]
        assert host.job(job.path)["Caller"] == NO_CALLER


def test_objects_name_each_other():
    with Host() as host:
        signals = host.signals()
        uuid = define(host)
        path = definition_path(uuid)
        signals.wait("InterfacesAdded", lambda body: body[0] == path)
        assert definition(host, uuid)["Parent"] == parent_path("mtty") and definition(host, uuid)["Device"] == "/"
        begin_start(host, uuid).result()
        assert definition(host, uuid)["Device"] == device_path(uuid)
        assert host.device(uuid)["Definition"] == path
        signals.wait("InterfacesAdded", lambda body: body[0] == device_path(uuid))
        body = signals.wait("PropertiesChanged", lambda body: "Device" in body[1], path)
        assert body[1]["Device"].value == device_path(uuid)
        undefine(host, uuid)
        assert host.device(uuid)["Definition"] == "/"
        body = signals.wait("PropertiesChanged", lambda body: "Definition" in body[1], device_path(uuid))
        assert body[1]["Definition"].value == "/" and body[1]["Defined"].value is False
        host.stop(uuid)

        uuid = define(host)
        path = definition_path(uuid)
        signals.wait("InterfacesAdded", lambda body: body[0] == path)
        host.simctl("remove-parent", "mtty")
        body = signals.wait("PropertiesChanged", lambda body: "Parent" in body[1], path)
        assert body[1]["Parent"].value == "/"
        host.simctl("add-parent", "mtty:mtty-1=24")
        host.eventually(lambda: definition(host, uuid)["Parent"] == parent_path("mtty"))


def test_last_error_of_a_definition_is_kept():
    with Host() as host:
        signals = host.signals()
        uuid = define(host, type="mtty-9")
        signals.wait("InterfacesAdded", lambda body: body[0] == definition_path(uuid))
        error = begin_start(host, uuid).error()
        shown = [f"org.mediated1.Error.{error.name}", error.text]
        assert definition(host, uuid)["Error"] == shown
        body = signals.wait("PropertiesChanged", lambda body: "Error" in body[1], definition_path(uuid))
        assert body[0] == DEFINITION and body[1]["Error"].value == shown
        # It is not forgotten before a start succeeds.
        host.call("Modify", "ssa{sv}a{sv}", uuid, "", {"type": Variant("s", "mtty-1")}, {})
        assert definition(host, uuid)["Error"] == shown
        begin_start(host, uuid).result()
        assert definition(host, uuid)["Error"] == ["", ""]


def test_last_error_of_a_device_is_kept():
    with Host() as host:
        uuid = host.create()
        assert host.device(uuid)["Error"] == ["", ""]
        host.simctl("hold", uuid)
        error = host.begin_stop(uuid).error()
        assert error.name == "DeviceBusy"
        assert host.device(uuid)["Error"] == ["org.mediated1.Error.DeviceBusy", error.text]
        host.simctl("release", uuid)
        host.stop(uuid)


def test_error_that_is_no_utf8():
    """Properties and signals must be valid UTF-8, whatever a callout has written."""
    with Host() as host:
        signals = host.signals()
        uuid = define(host)
        Callouts(host).add("10-refuse", r"printf 'bad \377\n' >&2; exit 7", record=False)
        begin_start(host, uuid, no_wait=True).result()
        result, _, message = removed(signals, uuid, "start")
        assert result == "failed" and "bad " in message
        assert definition(host, uuid)["Error"] == ["org.mediated1.Error.CalloutFailed", message]
        assert host.objects()[definition_path(uuid)][DEFINITION]["Error"][1] == message
