# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is asked for while allocations fail.

Each is a function that makes the ground ready and returns two others: one that asks, and returns the call if it is one;
and one that looks at what came of it, and is given whether that is done: True, False, or None when nobody was told."""

from bus import DEFINITION, DEVICE, OBJECT_MANAGER, PARENT, PROPERTIES, ROOT, plain
from callout_tools import Callouts
from definitions import (STORE, begin_define, begin_modify, begin_start, begin_undefine, define, definition_path,
                         listed, put, stored, text_of)
from host import DEVICES, device_path, kernel_devices, new_uuid, parent_path, read
from polkit import NOBODY, YES, Polkit

# The last two go and come.
PARENTS = ["mtty:mtty-1=24", "mbochs:mbochs-small=16", "0000:41:00.4@0000:41:00.0:nvidia-63=16",
           *(f"0000:42:00.{n}@0000:42:00.0:nvidia-63=0" for n in (4, 5)), "full:full-1=1", "late:late-1=4"]

ATTRIBUTES = [("setting", "x"), ("vendor/plugin", "y")]
OTHERS = [("setting", "z")]

# What was in `full` before all of it, and stays.
STRANGER = "11111111-1111-4111-8111-111111111111"


def is_complete(uuid, attributes=()):
    return read(DEVICES / uuid / "vendor" / "history").splitlines() == [f"{name}={value}" for name, value in attributes]


def is_created(uuid, attributes=ATTRIBUTES):
    """A check: there as it was asked for, or not at all; and, when the caller was told, as it was told."""
    def check(done):
        there = (DEVICES / uuid).exists()
        assert done is None or there == done, f"answered {done}, the device is {there}"
        assert not there or is_complete(uuid, attributes)
    return check


def is_stored(host, uuid, before, after):
    """The same for the attributes of a definition; None is none."""
    def check(done):
        found = stored(uuid)
        found = found and [item for entry in found.get("attrs", []) for item in entry.items()]
        assert found in (before, after), found
        assert done is None or found == (after if done else before), f"answered {done}, stored is {found}"
        # What the daemon shows comes back to what there is.
        host.eventually(lambda: ((uuid, "mtty") in listed(host)) == (found is not None), 10, "the definition")
    return check


def nothing(_):
    """No more than that it was answered."""


def create(host):
    uuid = new_uuid()
    return lambda: host.begin_create(uuid, attributes=ATTRIBUTES), is_created(uuid)


def create_settled(host):
    uuid = new_uuid()
    return lambda: host.begin_create(uuid, attributes=ATTRIBUTES, settle=True), is_created(uuid)


def create_refused(host):
    uuid = new_uuid()

    def check(_):
        assert not (DEVICES / uuid).exists()
    return lambda: host.begin_create(uuid, attributes=[*ATTRIBUTES, ("vendor/ro", "z")]), check


def create_unwaited(host):
    """The answer says that it is accepted. What becomes of it is seen when no job is left."""
    uuid = new_uuid()

    def check(_):
        host.eventually(lambda: not host.jobs(), 10, "no job")
        is_created(uuid)(None)
    return lambda: host.begin_create(uuid, attributes=ATTRIBUTES, no_wait=True), check


def create_on_card(host):
    uuid = new_uuid()
    return (lambda: host.begin_create(uuid, "0000:41:00.0", "nvidia-63", attributes=ATTRIBUTES)), is_created(uuid)


def create_on_full_card(host):
    """Each of its functions is asked."""
    return (lambda: host.begin_create(parent="0000:42:00.0", type="nvidia-63")), nothing


def create_without_instance(host):
    return lambda: host.begin_create(parent="full", type="full-1"), nothing


def stop(host):
    uuid = host.create()

    def check(done):
        assert done is None or done != (DEVICES / uuid).exists()
    return lambda: host.begin_stop(uuid), check


def stop_in_use(host):
    uuid = host.create()
    host.simctl("hold", uuid)

    def check(done):
        host.simctl("release", uuid)
        assert not done and (DEVICES / uuid).exists()
    return lambda: host.begin_stop(uuid), check


def stop_waiting(host):
    """Its user ends after a moment."""
    uuid = host.create()
    host.simctl("hold", uuid)

    def begin():
        call = host.begin_stop(uuid, wait=True, timeout=20)
        host.sleep(0.02)
        host.simctl("release", uuid)
        return call

    def check(done):
        assert done is None or done != (DEVICES / uuid).exists()
    return begin, check


def define_new(host):
    uuid = new_uuid()
    return lambda: begin_define(host, uuid, attributes=ATTRIBUTES), is_stored(host, uuid, None, ATTRIBUTES)


def define_active(host):
    """Without a type and attributes: those of the device."""
    uuid = host.create(attributes=ATTRIBUTES)
    return lambda: begin_define(host, uuid, "mtty", ""), is_stored(host, uuid, None, ATTRIBUTES)


def modify(host):
    uuid = define(host, attributes=ATTRIBUTES)
    return lambda: begin_modify(host, uuid, attributes=OTHERS), is_stored(host, uuid, ATTRIBUTES, OTHERS)


def modify_by_index(host):
    uuid = define(host, attributes=ATTRIBUTES)
    changes = {"remove_attributes": [1], "add_attributes": [(0, "a", "b")], "start": "auto"}
    return (lambda: begin_modify(host, uuid, "mtty", **changes),
            is_stored(host, uuid, ATTRIBUTES, [("a", "b"), ATTRIBUTES[0]]))


def undefine(host):
    uuid = define(host, attributes=ATTRIBUTES)
    return lambda: begin_undefine(host, uuid), is_stored(host, uuid, ATTRIBUTES, None)


def start(host):
    uuid = define(host, attributes=ATTRIBUTES)
    return lambda: begin_start(host, uuid), is_created(uuid)


def start_waiting(host):
    """Outside of its queue, until its parent comes."""
    host.simctl("remove-parent", "late")
    host.eventually(lambda: not any(name == "late" for name, *_ in host.call("ListParents")))
    uuid = define(host, parent="late", type="late-1", attributes=ATTRIBUTES)

    def begin():
        call = begin_start(host, uuid, "late", wait=True, timeout=20)
        host.sleep(0.02)
        host.simctl("add-parent", "late:late-1=4")
        return call
    return begin, is_created(uuid)


def callouts(host):
    """All that there are; they are asked before each kind of request."""
    tools = Callouts(host)
    programs = [tools.add("10-all", "exit 0"), tools.add_notifier("20-all")]
    uuid = new_uuid()
    created = is_created(uuid)

    def check(done):
        calls = [call.split()[1] for call in tools.calls(uuid)]
        tools.forget()
        for program in programs:
            program.unlink()
        # `post` follows every `pre`; once more where a worker's report is lost.
        assert calls.count("pre") == 1 and "post" in calls if done else calls.count("pre") <= calls.count("post"), calls
        created(done)
    return lambda: host.begin_create(uuid, attributes=ATTRIBUTES), check


def question(host):
    """polkit is asked."""
    polkit = Polkit(host, YES)
    bus = host.new_bus(NOBODY)
    uuid = new_uuid()
    created = is_created(uuid)

    def check(done):
        polkit.close()
        bus.close()
        host.buses.remove(polkit)
        host.buses.remove(bus)
        created(done)
    return lambda: host.begin_create(uuid, attributes=ATTRIBUTES, bus=bus), check


def leave(host):
    """A connection that goes while its request waits."""
    host.simctl("hang", "mtty", "create")
    uuid, bus = new_uuid(), host.new_bus()

    def begin():
        calls = [host.begin_create(uuid, bus=bus), host.begin_stop(uuid, bus=bus)]
        host.sleep(0.02)
        host.buses.remove(bus)
        bus.close()
        host.eventually(lambda: all(call.done for call in calls))
        for call in calls:
            call.task.exception()
        host.simctl("resume", "mtty")
    return begin, nothing


def devices_of_others(host):
    """Made and removed behind the daemon's back: check_sane() compares."""
    uuid, old = new_uuid(), host.raw_create(parent="mbochs", type="mbochs-small")
    host.eventually(lambda: host.state(old) == "active")

    def begin():
        host.raw_create(uuid)
        host.raw_remove(old)

    def check(_):
        host.eventually(lambda: set(host.states()) == set(kernel_devices()), 10, "what others have done")
    return begin, check


def parents(host):
    """One goes and comes; a definition of its is started with it."""
    uuid = new_uuid()
    put(uuid, text_of("late-1", "auto", ATTRIBUTES), "late")
    host.eventually(lambda: (uuid, "late") in listed(host))

    def begin():
        host.simctl("remove-parent", "late")
        host.simctl("add-parent", "late:late-1=4")

    def check(_):
        host.eventually(lambda: any(name == "late" for name, *_ in host.call("ListParents")), 10, "the parent")
        # What was not started for lack of memory says so, or is tried again.
        state = host.eventually(lambda: settled_state(host, uuid), 20, "autostart")
        assert state == "failed" or is_complete(uuid, ATTRIBUTES)
    return begin, check


def settled_state(host, uuid):
    state = host.property("StartState", definition_path(uuid, "late"), DEFINITION)
    return state if state in ("active", "failed") else None


def files_of_others(host):
    """Definitions that an editor writes, breaks, and removes."""
    new, broken, old = new_uuid(), define(host), define(host)

    def begin():
        put(new, text_of(start="manual"))
        put(broken, '{"mdev_type": "mtty-1", "start": "manual", "attrs": [{"a": "b"}]}')
        (STORE / "mtty" / old).unlink()

    def check(_):
        host.eventually(lambda: {uuid for uuid, _ in listed(host)} == {new, broken}, 10, "what is in the store")
        host.eventually(lambda: host.property("Attributes", definition_path(broken), DEFINITION) == [["a", "b"]], 10,
                        "the attributes")
    return begin, check


def reload(host):
    uuid = define(host)

    def check(_):
        assert (uuid, "mtty") in listed(host)
    return lambda: host.begin("Reload"), check


def _reads(prepare, begin, essence=lambda answer: answer, may_be_empty=False):
    """A question. What is answered is what was answered before, at least in its @essence."""
    def request(host):
        what = prepare(host)
        expected = essence(plain(begin(host, what).result()))
        calls = []

        def ask():
            calls.append(begin(host, what))
            return calls[0]

        def check(done):
            answer = plain(calls[0].result()) if done else None
            assert not done or essence(answer) == expected or may_be_empty and answer == "", answer
        return ask, check
    return request


def _device_and_definition(host):
    uuid = host.create(attributes=ATTRIBUTES)
    return define(host, uuid, attributes=ATTRIBUTES)


def _ask(path, interface, member, signature="", *body):
    return lambda host, _: host.bus.begin(path, interface, member, signature, *body)


def _ask_manager(member, signature="", *body):
    return lambda host, _: host.begin(member, signature, *body)


def _names(types):
    return sorted((row[0], row[1]) for row in types)


CHANGES = [create, create_settled, create_refused, create_unwaited, create_on_card, create_on_full_card,
           create_without_instance, stop, stop_in_use, stop_waiting, define_new,
           define_active, modify, modify_by_index, undefine, start, start_waiting, callouts, question, leave,
           devices_of_others, parents, files_of_others, reload]

QUESTIONS = {
    "list_parents": _reads(_device_and_definition, _ask_manager("ListParents"), sorted),
    "list_types": _reads(_device_and_definition, _ask_manager("ListTypes", "s", ""), _names),
    "list_cards": _reads(_device_and_definition, _ask_manager("ListCards"), sorted),
    "list_devices": _reads(_device_and_definition, _ask_manager("ListDevices"), sorted),
    "list_definitions": _reads(_device_and_definition, _ask_manager("ListDefinitions"), sorted),
    "list_jobs": _reads(_device_and_definition, _ask_manager("ListJobs")),
    "get_definition": _reads(_device_and_definition,
                             lambda host, uuid: host.begin("GetDefinition", "ss", uuid, "mtty")),
    "get_attributes": _reads(_device_and_definition,
                             lambda host, uuid: host.bus.begin(device_path(uuid), DEVICE, "GetAttributes")),
    "get_users": _reads(_device_and_definition,
                        lambda host, uuid: host.bus.begin(device_path(uuid), DEVICE, "GetUsers")),
    "properties": _reads(_device_and_definition, _ask(parent_path("mtty"), PROPERTIES, "GetAll", "s", PARENT), sorted),
    "objects": _reads(_device_and_definition, _ask(ROOT, OBJECT_MANAGER, "GetManagedObjects"), sorted),
    # libsystemd 252 answers with an empty text where the C library's memory stream has no memory at its end.
    "introspect": _reads(_device_and_definition, _ask(ROOT, "org.freedesktop.DBus.Introspectable", "Introspect"),
                         may_be_empty=True),
}

REQUESTS = {**{function.__name__: function for function in CHANGES}, **QUESTIONS}
