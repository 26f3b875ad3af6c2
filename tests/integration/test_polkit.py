# SPDX-License-Identifier: LGPL-2.1-or-later
"""Requests that polkit is asked about: what it is told, that what it allowed is what is done, and a polkit, or a
caller, that is of no help."""


import pytest
from bus import DEFINITION, DEVICE, JOB, MANAGER, NAME, ROOT
from dbus_next import Message, Variant
from definitions import STORE, changes, define, definition_path, undefine
from host import Host, device_path, job_path, new_uuid, options
from polkit import DAEMON, DENIED, NO, NOBODY, SILENT, YES, Polkit


def test_every_change_is_asked_about():
    """With what a rule needs to decide: who, which action, and of which device."""
    with Host() as host:
        polkit = Polkit(host)
        nobody = host.new_bus(NOBODY)
        uuid = new_uuid()

        def asked(*expected, uuid=uuid, parent="mtty"):
            """(action, verb, type) of what was asked since."""
            for check in polkit.checks:
                assert check.sender == nobody.connection.unique_name
                assert check.details["uuid"] == uuid and check.details["parent"] == parent
                assert check.details["polkit.gettext_domain"] == "mediated"
                assert check.details["polkit.message"].startswith("Authentication is required to ")
            asked = [(check.action, check.details["verb"], check.details["type"]) for check in polkit.checks]
            assert asked == list(expected)
            polkit.checks.clear()

        def call(member, signature, *body, path=ROOT, interface=MANAGER):
            return nobody.call(path, interface, member, signature, *body)

        call("CreateDevice", "sssa(ss)a{sv}", uuid.upper(), "mtty", "mtty-2", [], {})
        asked(("manage-devices", "create", "mtty-2"))
        call("GetAttributes", "", path=device_path(uuid), interface=DEVICE)
        asked(("manage-devices", "get-attributes", "mtty-2"))
        call("GetUsers", "", path=device_path(uuid), interface=DEVICE)
        asked(("manage-devices", "get-users", "mtty-2"))
        # Of an active device parent and type are lent.
        call("Define", "ssssa(ss)a{sv}", uuid, "", "", "manual", [], {})
        asked(("manage-definitions", "define", "mtty-2"))
        call("StopDevice", "sa{sv}", uuid, {})
        asked(("manage-devices", "stop", "mtty-2"))
        call("StartDevice", "ssa{sv}", uuid, "", {})
        asked(("manage-devices", "start", "mtty-2"))
        call("Stop", "a{sv}", {}, path=device_path(uuid), interface=DEVICE)
        asked(("manage-devices", "stop", "mtty-2"))
        call("Start", "a{sv}", {}, path=definition_path(uuid), interface=DEFINITION)
        asked(("manage-devices", "start", "mtty-2"))
        call("Modify", "ssa{sv}a{sv}", uuid, "mtty", changes(start="auto"), {})
        asked(("manage-definitions", "modify", "mtty-2"))
        call("Modify", "a{sv}a{sv}", changes(type="mtty-1"), {}, path=definition_path(uuid), interface=DEFINITION)
        asked(("manage-definitions", "modify", "mtty-2"), ("manage-definitions", "modify", "mtty-1"))
        error = nobody.begin(ROOT, MANAGER, "Modify", "ssa{sv}a{sv}", uuid, "", changes(attributes=[("setting", "2")]),
                             options(live=True)).error()
        assert error.name == "org.freedesktop.DBus.Error.NotSupported", error
        asked(("manage-definitions", "modify", "mtty-1"), ("manage-devices", "modify", "mtty-2"))
        call("Undefine", "ssa{sv}", uuid, "", {})
        asked(("manage-definitions", "undefine", "mtty-1"))
        call("Reload", "")
        asked(("manage-definitions", "reload", ""), uuid="", parent="")
        call("CreateDevice", "sssa(ss)a{sv}", "", "mbochs", "mbochs-small", [], {})
        asked(("manage-devices", "create", "mbochs-small"), uuid="", parent="mbochs")


@pytest.mark.parametrize("parent, type, error", [
    ("mtty.\n\nSystem update: the password of this host, please", "mtty-1", "NoSuchParent"),
    ("..", "mtty-1", "NoSuchParent"), ("mtty", "mtty-1\x1b[2J", "NoSuchType"), ("mtty", "x" * 256, "NoSuchType")])
def test_nobody_is_asked_about_a_text_that_is_no_name(parent, type, error):
    """An agent shows the names to whoever is to type a password."""
    with Host() as host:
        polkit = Polkit(host)
        nobody = host.new_bus(NOBODY)
        assert host.begin_create(parent=parent, type=type, bus=nobody).error().name == error
        host.create()
        # Which is asked about, after whatever was asked before.
        host.begin_create(bus=nobody).result()
        assert [check.details["parent"] for check in polkit.checks] == ["mtty"]


def test_undefine_of_every_parent_is_asked_about_once():
    with Host() as host:
        polkit = Polkit(host, lambda check: YES if check.details["parent"] == "" else NO)
        uuid = define(host)
        define(host, uuid, "mbochs", type="mbochs-small")
        host.new_bus(NOBODY).call(ROOT, MANAGER, "Undefine", "ssa{sv}", uuid, "", {})
        assert len(polkit.checks) == 1 and host.call("ListDefinitions") == []


def test_root_is_never_asked_about():
    with Host() as host:
        polkit = Polkit(host, NO)
        for _ in range(3):
            bus = host.new_bus()
            device = new_uuid()
            calls = [host.begin_create(device, bus=bus), host.begin_stop(device, bus=bus)]
            for call in calls:
                call.result()
        assert polkit.checks == []


# --- what the authorized caller gets is what polkit was asked about

def test_definition_that_moves_while_polkit_is_asked():
    """With an empty parent it is the one that defines the device: not another one with that permission."""
    with Host() as host:
        polkit = Polkit(host, SILENT)
        uuid = define(host)
        start = host.begin("StartDevice", "ssa{sv}", uuid, "", {}, bus=host.new_bus(NOBODY))
        check = polkit.wait()
        assert check.details["parent"] == "mtty"
        undefine(host, uuid)
        define(host, uuid, "mbochs", type="mbochs-small")
        polkit.reply(check)
        check = polkit.wait(2)
        assert (check.details["parent"], check.details["type"]) == ("mbochs", "mbochs-small")
        assert host.devices() == {}
        polkit.reply(check, NO)
        assert start.error().name == DENIED
        assert host.devices() == {} and host.jobs() == []


def test_definition_that_moves_while_the_start_waits_for_its_turn():
    with Host(remove_delay=300) as host:
        Polkit(host, lambda check: YES if check.details["parent"] == "mtty" else NO)
        uuid = host.create()
        define(host, uuid, "mtty")
        stop = host.begin_stop(uuid)
        start = host.begin("StartDevice", "ssa{sv}", uuid, "", {}, bus=host.new_bus(NOBODY))
        host.job_of(uuid, "start")
        (STORE / "mtty" / uuid).unlink()
        define_text = '{"mdev_type": "mbochs-small", "start": "manual", "attrs": []}'
        (STORE / "mbochs").mkdir(exist_ok=True)
        (STORE / "mbochs" / uuid).write_text(define_text, encoding="utf-8")
        stop.result()
        assert start.error().name == "NotDefined"
        assert host.devices() == {}


def test_type_that_changes_while_the_start_waits_for_its_turn():
    with Host(remove_delay=300) as host:
        Polkit(host, lambda check: YES if check.details["type"] == "mtty-1" else NO)
        uuid = host.create()
        define(host, uuid)
        stop = host.begin_stop(uuid)
        host.job_of(uuid, "stop")
        start = host.begin("StartDevice", "ssa{sv}", uuid, "mtty", {}, bus=host.new_bus(NOBODY))
        host.job_of(uuid, "start")
        (STORE / "mtty" / uuid).write_text('{"mdev_type": "mtty-2", "start": "manual", "attrs": []}', encoding="utf-8")
        stop.result()
        error = start.error()
        assert error.name == DENIED and "mtty-2" in error.text and uuid in error.text
        assert host.devices() == {}


def test_device_that_is_another_when_its_stop_has_its_turn():
    with Host(remove_delay=300) as host:
        Polkit(host, lambda check: YES if check.details["parent"] == "mtty" else NO)
        uuid = host.create()
        first, create = host.begin_stop(uuid), host.begin_create(uuid, "mbochs", "mbochs-small")
        stop = host.begin_stop(uuid, bus=host.new_bus(NOBODY))
        first.result()
        create.result()
        error = stop.error()
        assert error.name == DENIED and "mbochs" in error.text
        assert host.device(uuid)["ParentName"] == "mbochs"


def test_modify_and_undefine_of_what_has_become_another():
    """A definition that is replaced by one of a type for which there is no permission."""
    with Host() as host:
        Polkit(host, lambda check: YES if check.details["type"] == "mtty-1" else NO)
        nobody = host.new_bus(NOBODY)
        for member, signature, *body in (("Modify", "ssa{sv}a{sv}", changes(start="auto"), {}),
                                         ("Undefine", "ssa{sv}", {})):
            uuid = define(host)
            host.simctl("hang", "mtty", "create")
            create = host.begin_create(uuid)
            host.job_of(uuid, "create")
            call = host.begin(member, signature, uuid, "mtty", *body, bus=nobody)
            host.job_of(uuid, member.lower())
            (STORE / "mtty" / uuid).write_text('{"mdev_type": "mtty-2", "start": "manual", "attrs": []}',
                                               encoding="utf-8")
            host.simctl("resume", "mtty")
            create.result()
            assert call.error().name == DENIED
            assert '"mtty-2"' in (STORE / "mtty" / uuid).read_text(encoding="utf-8")
            host.stop(uuid)


def test_stop_does_not_end_a_waiting_start_on_another_parent():
    with Host() as host:
        Polkit(host, lambda check: YES if check.details["parent"] == "mtty" else NO)
        uuid = define(host, parent="0000:99:00.0", type="nvidia-63")
        waiting = host.begin("StartDevice", "ssa{sv}", uuid, "0000:99:00.0", options(wait=True))
        host.job_of(uuid, "start")
        host.create(uuid)
        host.begin_stop(uuid, bus=host.new_bus(NOBODY)).result()
        assert not waiting.done and [job.kind for job in host.jobs()] == ["start"]
        assert host.begin_stop(uuid, bus=host.new_bus(NOBODY)).error().name == DENIED


def test_object_that_goes_while_polkit_is_asked():
    with Host() as host:
        polkit = Polkit(host, SILENT)
        nobody = host.new_bus(NOBODY)
        for n in range(1, 4):
            device = host.create()
            stop = nobody.begin(device_path(device), DEVICE, "Stop", "a{sv}", {})
            check = polkit.wait(n)
            host.stop(device)
            polkit.reply(check)
            assert stop.error().name in ("org.freedesktop.DBus.Error.UnknownObject", "NoSuchDevice")
        polkit.decide = lambda check: YES
        host.begin_create(bus=nobody).result()


def test_options_about_processes_of_root():
    with Host() as host:
        Polkit(host)
        nobody = host.new_bus(NOBODY)
        device = host.create()
        for option in ("held-by", "callout-of"):
            error = host.begin("StopDevice", "sa{sv}", device, {option: Variant("t", 1)}, bus=nobody).error()
            assert error.name == DENIED and option in error.text
        assert host.state(device) == "active"


# --- cancel

def test_job_is_canceled_by_its_own_sender():
    """Whatever polkit says; by somebody else only if it says yes."""
    with Host() as host:
        polkit = Polkit(host)
        nobody, other = host.new_bus(NOBODY), host.new_bus(NOBODY)
        host.simctl("hang", "mtty", "create")
        device = new_uuid()
        host.begin_create(device)
        # dbus-broker does not keep the order between connections.
        host.job_of(device, "create")
        stops = [host.begin_stop(device, bus=nobody) for _ in range(3)]
        host.eventually(lambda: len(host.jobs()) == 4)
        jobs = [job.id for job in host.jobs() if job.kind == "stop"]
        polkit.decide = lambda check: NO
        polkit.checks.clear()
        assert host.begin("CancelJob", "t", jobs[0], bus=other).error().name == DENIED
        check = polkit.checks.pop()
        assert (check.action, check.details["verb"], check.details["uuid"]) == ("manage-devices", "cancel", device)
        host.begin("CancelJob", "t", jobs[0], bus=nobody).result()
        nobody.call(job_path(jobs[1]), JOB, "Cancel")
        assert polkit.checks == []
        polkit.decide = lambda check: YES
        host.begin("CancelJob", "t", jobs[2], bus=other).result()
        for stop in stops:
            assert stop.error().name == "JobCanceled"


# --- a polkit that is of no help

def test_polkit_that_does_not_answer_blocks_nobody_else():
    with Host() as host:
        polkit = Polkit(host, SILENT)
        nobody, other = host.new_bus(NOBODY), host.new_bus(DAEMON)
        open_calls = [host.begin_create(bus=nobody) for _ in range(20)]
        polkit.wait(16)
        host.stop(host.create())
        assert nobody.call(ROOT, MANAGER, "ListDevices") == []
        # Another user's question does not wait behind those.
        polkit.decide = lambda check: YES if check.sender == other.connection.unique_name else SILENT
        host.begin_create(bus=other).result()
        assert len(polkit.checks) == 17, "so many questions of one user at once, the others wait for their turn"
        polkit.decide = lambda check: YES
        for check in polkit.checks[:16]:
            polkit.reply(check)
        for call in open_calls:
            call.result()


def test_polkit_that_ends_in_the_middle():
    with Host() as host:
        polkit = Polkit(host, SILENT)
        nobody = host.new_bus(NOBODY)
        create = host.begin_create(bus=nobody)
        polkit.wait()
        polkit.close()
        error = create.error()
        assert error.name == DENIED and "did not answer" in error.text
        assert host.begin_create(bus=nobody).error().name == DENIED
        Polkit(host)
        host.begin_create(bus=nobody).result()


def test_limit_of_a_connection():
    """Requests that wait for authorization count as its jobs."""
    with Host() as host:
        polkit = Polkit(host, SILENT)
        nobody = host.new_bus(NOBODY)
        calls = [host.begin_create(parent="mbochs", type="mbochs-small", bus=nobody) for _ in range(100)]
        assert host.begin_create(bus=nobody).error().name == "LimitsExceeded"
        host.create()
        polkit.decide = lambda check: NO
        for check in polkit.checks:
            polkit.reply(check, NO)
        for call in calls:
            assert call.error().name == DENIED
        polkit.decide = lambda check: YES
        host.begin_create(bus=nobody).result()


def test_limit_of_a_user():
    with Host() as host:
        polkit = Polkit(host, SILENT)
        buses = [host.new_bus(NOBODY) for _ in range(4)]
        device = host.create()
        for i in range(256):
            host.begin_stop(device, bus=buses[i // 64])
        # Calls of one connection are handled in their order.
        for bus in buses:
            host.begin("GetParent", "s", "mtty", bus=bus).result()
        error = host.begin_stop(device, bus=host.new_bus(NOBODY)).error()
        assert error.name == "LimitsExceeded" and "256" in error.text
        other = host.begin_stop(device, bus=host.new_bus(DAEMON))
        asked = polkit.wait(17)
        assert asked.sender not in {check.sender for check in polkit.checks[:16]}
        for bus in buses:
            bus.close()
        host.eventually(lambda: len(polkit.canceled) >= 16)
        polkit.reply(asked)
        other.result()
        assert host.devices() == {}


def test_questions_of_many_users():
    """Each that asks has one with polkit, however many the others have there that stay unanswered."""
    with Host() as host:
        polkit = Polkit(host, SILENT)
        device = host.create()
        buses = [host.new_bus(uid) for uid in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10)]
        for n, bus in enumerate(buses, 1):
            for _ in range(20):
                host.begin_stop(device, bus=bus)
            host.eventually(lambda n=n: len({check.sender for check in polkit.checks}) == n)
        # One user alone never has more than 16, and all together leave room for others.
        assert 64 < len(polkit.checks) < 96


@pytest.mark.parametrize("uid", [0, NOBODY])
def test_limit_of_a_request(uid):
    """It may have to wait, so that it must not be too large, in whatever way."""
    with Host() as host:
        Polkit(host, NO)
        bus = host.new_bus(uid)
        size = 256 * 1024

        def begin(uuid="", parent="mtty", attributes=(), **opts):
            return host.begin("CreateDevice", "sssa(ss)a{sv}", uuid, parent, "x", list(attributes), opts, bus=bus)

        for call in (begin(uuid="x" * size), begin(parent="x" * size), begin(attributes=[["", ""]] * 20000),
                     begin(attributes=[["setting", "x" * 4000]] * 70), begin(x=Variant("ay", bytes(size))),
                     begin(x=Variant("at", [0] * (size // 8))), begin(x=Variant("ab", [True] * (size // 4))),
                     begin(x=Variant("a{s(vas)}", {"": [Variant("as", [""] * (size // 4)), []]}))):
            error = call.error()
            assert error.name == "LimitsExceeded" and str(size) in error.text
        # Large, but not too large: nothing has been read when the handler does.
        assert begin(attributes=[["setting", "x" * 4000]] * 60).error().name == ("NoSuchType" if uid == 0 else DENIED)
        host.create()


def test_requests_bring_no_file_descriptors():
    """Those of requests that wait would add up: the bus does not let them through."""
    with Host() as host:
        bus = host.new_bus(NOBODY, fds=True)
        before = host.lasting_fds_of_daemon()
        with open("/dev/null", "rb") as file:
            message = Message(destination=NAME, path=ROOT, interface=MANAGER, member="StopDevice", signature="sa{sv}",
                              body=[new_uuid(), {"x": Variant("h", 0)}], unix_fds=[file.fileno()])
            reply = bus.run(bus.connection.call(message))
        assert reply.error_name == DENIED
        host.check_fds_of_daemon(before)


def test_more_connections_than_are_remembered():
    """The one that has been quiet for longest makes room, and those that are busy do not."""
    with Host() as host:
        Polkit(host, NO)
        host.simctl("hang", "mtty", "create")
        busy = host.new_bus()
        device = new_uuid()
        create, stop = host.begin_create(device, bus=busy), host.begin_stop(device, bus=busy)
        host.job_of(device, "stop")
        for uid, n in ((NOBODY, 220), (DAEMON, 220)):
            for bus in [host.new_bus(uid) for _ in range(n)]:
                assert bus.begin(ROOT, MANAGER, "Reload").error().name == DENIED
        host.simctl("resume", "mtty")
        create.result()
        stop.result()
        host.stop(host.create(bus=busy))
        assert "Failed to watch" not in host.log()


# --- callers that leave

def test_caller_that_leaves_while_polkit_is_asked():
    with Host() as host:
        polkit = Polkit(host, SILENT)
        nobody = host.new_bus(NOBODY)
        host.begin_create(bus=nobody)
        check = polkit.wait()
        nobody.close()
        host.eventually(lambda: polkit.canceled == [check.id], what="the withdrawal")
        polkit.reply(check)
        # A question that was asked later has been answered.
        later = host.begin_create(bus=host.new_bus(NOBODY))
        polkit.reply(polkit.wait(2))
        device, _ = later.result()
        assert list(host.devices()) == [device] and host.jobs() == []


def results_of_jobs(signals):
    """{UUID: [result, …]} of those that have ended, in their order."""
    results = {}
    for _, member, _, body in signals.seen:
        if member == "JobRemoved":
            results.setdefault(body[1], []).append(body[3])
    return results


def test_caller_that_leaves_before_its_turn():
    """What waits is dropped, what a driver is doing is done."""
    with Host() as host:
        signals = host.signals()
        host.simctl("hang", "mtty", "create")
        bus = host.new_bus()
        running, waiting, parked = new_uuid(), new_uuid(), define(host, parent="0000:99:00.0", type="nvidia-63")
        host.begin_create(running, bus=bus)
        host.eventually(lambda: [job.state for job in host.jobs()] == ["running"])
        blocking = host.begin_create(waiting)
        host.job_of(waiting)
        host.begin_stop(waiting, bus=bus)
        host.begin("StartDevice", "ssa{sv}", parked, "", options(wait=True), bus=bus)
        host.eventually(lambda: len(host.jobs()) == 4)
        bus.close()
        host.eventually(lambda: sorted((job.uuid, job.kind) for job in host.jobs()) ==
                        sorted([(running, "create"), (waiting, "create")]))
        # It was defined before.
        canceled = {waiting: ["canceled"], parked: ["done", "canceled"]}
        host.eventually(lambda: results_of_jobs(signals) == canceled)
        host.simctl("resume", "mtty")
        blocking.result()
        host.eventually(lambda: host.states() == {running: "active", waiting: "active"})
        assert host.jobs() == []
        host.eventually(lambda: results_of_jobs(signals) == {
            running: ["done"], waiting: ["canceled", "done"], parked: ["done", "canceled"]})


def test_caller_that_leaves_at_once():
    """Whether its connection was known or not, each of its jobs ends, and a device is what one has made."""
    with Host(parents=["many:many-1=100"]) as host:
        signals = host.signals()
        for is_known in [False, True] * 10:
            bus = host.new_bus()
            if is_known:
                assert host.begin_stop(new_uuid(), bus=bus).error().name == "NoSuchDevice"
            for _ in range(5):
                host.begin_create(parent="many", type="many-1", bus=bus)
            bus.close()
        host.wait_idle()
        last = host.create(parent="many", type="many-1")
        signals.wait("JobRemoved", lambda body: body[1] == last)
        begun = [body[0] for _, member, _, body in signals.seen if member == "JobNew"]
        ended = {body[0]: body for _, member, _, body in signals.seen if member == "JobRemoved"}
        assert sorted(begun) == sorted(ended)
        made = {body[1] for body in ended.values() if body[2:4] == ["create", "done"]}
        assert len(made) > 1 and host.states() == dict.fromkeys(made, "active")


def test_draining_while_polkit_is_asked():
    with Host() as host:
        polkit = Polkit(host, SILENT)
        nobody = host.new_bus(NOBODY)
        host.simctl("hang", "mtty", "create")
        running = host.begin_create()
        host.eventually(lambda: [job.state for job in host.jobs()] == ["running"])
        create = host.begin_create(bus=nobody)
        check = polkit.wait()
        host.kill(host.daemon_pid(), sig=15)
        assert create.error().name == "ShuttingDown"
        host.eventually(lambda: polkit.canceled == [check.id])
        assert host.begin_create(bus=nobody).error().name == "ShuttingDown"
        assert host.begin("Reload", bus=nobody).error().name == "ShuttingDown"
        host.simctl("resume", "mtty")
        running.result()


def test_order_of_the_first_requests_of_a_connection():
    """They wait until it is known whose it is, and do not overtake each other then."""
    with Host() as host:
        for _ in range(20):
            bus = host.new_bus()
            device = new_uuid()
            calls = []
            for _ in range(4):
                calls += [host.begin_create(device, bus=bus), host.begin_stop(device, bus=bus)]
            for call in calls:
                call.result()
        assert host.devices() == {}
