# SPDX-License-Identifier: LGPL-2.1-or-later
"""Sequences of requests, and of what others do behind the daemon's back, compared with a model of what should be there
then: devices, definitions, and which error is answered.

The model is the one of the manual: two dictionaries. After each step the daemon, the kernel and the store must say the
same as it."""

import os

import pytest
from bus import Error
from definitions import (STORE, begin_define, begin_modify, begin_start, begin_undefine, contents, listed, put, text_of)
from examples import seed, settings
from host import DEVICES, INTENTS, MDEV_BUS, Host
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

INVALID_ARGS = "org.freedesktop.DBus.Error.InvalidArgs"

# Each parent's types; `tiny` has room for one device.
PARENTS = {"mtty": "mtty:mtty-1=4,mtty-2=4", "0000:41:00.0": "0000:41:00.0:nvidia-1=4", "tiny": "tiny:tiny-1=1"}
TYPES = {"mtty": ["mtty-1", "mtty-2"], "0000:41:00.0": ["nvidia-1"], "tiny": ["tiny-1"]}
UUIDS = [f"83b8f4f2-509f-382f-3c1e-e6bfe0fa100{i}" for i in range(3)]

uuids = st.sampled_from(UUIDS)
written_uuids = uuids.flatmap(lambda uuid: st.sampled_from([uuid, uuid.upper()]))
parents = st.sampled_from(list(PARENTS))
any_parents = st.sampled_from([*PARENTS, "nowhere"])
types = st.sampled_from(["mtty-1", "mtty-2", "nvidia-1", "tiny-1", "mtty-3"])
attribute_lists = st.lists(st.tuples(st.just("setting"), st.text("ab ü\"\\", max_size=3)), max_size=3)


class Model(RuleBasedStateMachine):
    host = None
    daemon_pid = None

    def __init__(self):
        super().__init__()
        self.devices = {}           # UUID: (parent, type)
        self.definitions = {}       # (parent, UUID): (type, start, attributes)
        self.registered = set(PARENTS)

    def teardown(self):
        """Everything as it was, for the next example."""
        host = self.host
        for uuid in self.devices:
            host.stop(uuid)
        for parent, uuid in self.definitions:
            begin_undefine(host, uuid, parent).result()
        for parent in set(PARENTS) - self.registered:
            host.simctl("add-parent", PARENTS[parent])
        host.eventually(lambda: not host.devices() and not listed(host) and
                        {row[0] for row in host.call("ListParents")} == set(PARENTS), what="an empty host")

    # --- what is expected

    def free(self, parent):
        return parent != "tiny" or not any(p == "tiny" for p, _ in self.devices.values())

    def create_errors(self, parent, type):
        if parent not in self.registered:
            return {"NoSuchParent"}
        if type not in TYPES[parent]:
            return {"NoSuchType"}
        return set() if self.free(parent) else {"NoAvailableInstances"}

    def parents_of(self, uuid):
        return [parent for parent, u in self.definitions if u == uuid]

    def expect(self, call, errors):
        """Answered with one of these, or with success where there is none, or None among them."""
        try:
            result = call.result()
        except Error as error:
            assert error.name in errors, f"{error}; expected {errors or 'success'}"
        else:
            assert not errors or None in errors, f"{result!r} instead of one of {errors}"

    # --- devices

    @rule(uuid=uuids, text=st.booleans(), parent=any_parents, type=types, attributes=attribute_lists)
    def create(self, uuid, text, parent, type, attributes):
        errors = {"AlreadyExists"} if uuid in self.devices else self.create_errors(parent, type)
        self.expect(self.host.begin_create(uuid.upper() if text else uuid, parent, type, attributes), errors)
        if not errors:
            self.devices[uuid] = (parent, type)

    @rule(uuid=uuids, parent=parents, name=st.sampled_from(["../x", "remove", "a//b", "", "nothing"]))
    def create_with_what_cannot_be_written(self, uuid, parent, name):
        type = TYPES[parent][0]
        errors = {"InvalidAttribute"}
        if name == "nothing":
            errors = {"AlreadyExists"} if uuid in self.devices else self.create_errors(parent, type) or errors
        self.expect(self.host.begin_create(uuid, parent, type, [("setting", "1"), (name, "1")]), errors)

    @rule(uuid=written_uuids)
    def stop(self, uuid):
        known = uuid.lower() in self.devices
        self.expect(self.host.begin_stop(uuid), set() if known else {"NoSuchDevice"})
        self.devices.pop(uuid.lower(), None)

    @precondition(lambda self: "mtty" in self.registered)
    @rule(steps=st.lists(st.tuples(st.booleans(), uuids, st.sampled_from(TYPES["mtty"])), min_size=2, max_size=10))
    def many_at_once(self, steps):
        """None waits for the answer to another: those of one UUID are done in their order all the same."""
        calls = []
        for creates, uuid, type in steps:
            if creates:
                errors = {"AlreadyExists"} if uuid in self.devices else set()
                calls.append((self.host.begin_create(uuid, "mtty", type), errors))
                self.devices.setdefault(uuid, ("mtty", type))
            else:
                # Gone when its turn comes is done, if it was there when it was asked for.
                calls.append((self.host.begin_stop(uuid), set() if uuid in self.devices else {"NoSuchDevice", None}))
                self.devices.pop(uuid, None)
        for call, errors in calls:
            self.expect(call, errors)

    @rule(uuid=uuids, parent=st.sampled_from(["", *PARENTS, "nowhere"]))
    def start(self, uuid, parent):
        defined = self.parents_of(uuid)
        if parent not in defined and parent:
            errors = {"NotDefined"}
        elif not defined:
            errors = {"NotDefined"}
        elif not parent and len(defined) > 1:
            errors = {"AmbiguousDefinition"}
        else:
            parent = parent or defined[0]
            active = self.devices.get(uuid, (None,))[0]
            type = self.definitions[parent, uuid][0]
            errors = set() if active == parent else {"AlreadyExists"} if active else self.create_errors(parent, type)
        self.expect(begin_start(self.host, uuid, parent), errors)
        if not errors:
            self.devices.setdefault(uuid, (parent, self.definitions[parent, uuid][0]))

    @rule(uuid=uuids, parent=any_parents)
    def wait_and_cancel(self, uuid, parent):
        """Waits in vain, so it is canceled; what could start at once starts."""
        if (parent, uuid) not in self.definitions or uuid in self.devices:
            return
        possible = not self.create_errors(parent, self.definitions[parent, uuid][0])
        call = begin_start(self.host, uuid, parent, wait=True)
        if possible:
            call.result()
            self.devices[uuid] = (parent, self.definitions[parent, uuid][0])
            return
        self.host.call("CancelJob", "t", self.host.job_of(uuid))
        assert call.error().name == "JobCanceled"

    @rule(id=st.integers(1 << 40, (1 << 64) - 1))
    def cancel_nothing(self, id):
        self.expect(self.host.begin("CancelJob", "t", id), {"NoSuchJob"})

    # --- definitions

    @rule(uuid=uuids, parent=any_parents, type=types, attributes=attribute_lists)
    def define(self, uuid, parent, type, attributes):
        errors = {"AlreadyDefined"} if (parent, uuid) in self.definitions else set()
        self.expect(begin_define(self.host, uuid, parent, type, "manual", attributes), errors)
        if not errors:
            self.definitions[parent, uuid] = (type, "manual", attributes)

    @rule(uuid=uuids, parent=st.sampled_from(["mtty", "0000:41:00.0"]))
    def define_auto(self, uuid, parent):
        if (parent, uuid) in self.definitions:
            return
        begin_define(self.host, uuid, parent, TYPES[parent][0], "auto").result()
        self.definitions[parent, uuid] = (TYPES[parent][0], "auto", [])

    @rule(uuid=uuids, parent=any_parents,
          add=st.lists(st.tuples(st.integers(-2, 3), st.text("xy", max_size=2)), max_size=3),
          remove=st.lists(st.integers(-2, 3), max_size=3))
    def modify(self, uuid, parent, add, remove):
        errors = set() if (parent, uuid) in self.definitions else {"NotDefined"}
        type, start, attributes = self.definitions.get((parent, uuid), (None, None, []))
        attributes = list(attributes)
        for index, value in add:
            if index < -1 or index > len(attributes):
                errors.add(INVALID_ARGS)
                break
            attributes.insert(len(attributes) if index < 0 else index, ("setting", value))
        for index in remove if INVALID_ARGS not in errors else []:
            if index < -1 or index >= max(len(attributes), 0 if index >= 0 else 1) and index >= 0:
                errors.add(INVALID_ARGS)
                break
            if attributes:
                attributes.pop(index)
        if any(index < -1 for index in [*(index for index, _ in add), *remove]):
            errors.add(INVALID_ARGS)
        self.expect(begin_modify(self.host, uuid, parent,
                                 add_attributes=[(index, "setting", value) for index, value in add],
                                 remove_attributes=remove), errors)
        if not errors:
            self.definitions[parent, uuid] = (type, start, attributes)

    @rule(uuid=uuids, parent=st.sampled_from(["", *PARENTS, "nowhere"]))
    def undefine(self, uuid, parent):
        gone = [(p, uuid) for p in self.parents_of(uuid) if parent in ("", p)]
        self.expect(begin_undefine(self.host, uuid, parent), set() if gone else {"NotDefined"})
        for key in gone:
            del self.definitions[key]

    # --- others

    @rule(uuid=uuids, parent=parents)
    def raw_create(self, uuid, parent):
        if uuid not in self.devices and not self.create_errors(parent, TYPES[parent][0]):
            self.host.raw_create(uuid, parent, TYPES[parent][0])
            self.devices[uuid] = (parent, TYPES[parent][0])

    @precondition(lambda self: self.devices)
    @rule(data=st.data())
    def raw_remove(self, data):
        uuid = data.draw(st.sampled_from(sorted(self.devices)))
        self.host.raw_remove(uuid)
        del self.devices[uuid]

    @rule(uuid=uuids, parent=any_parents, type=types)
    def somebody_writes_a_file(self, uuid, parent, type):
        put(uuid, text_of(type, "manual"), parent)
        self.definitions[parent, uuid] = (type, "manual", [])

    @precondition(lambda self: self.definitions)
    @rule(data=st.data())
    def somebody_removes_a_file(self, data):
        parent, uuid = data.draw(st.sampled_from(sorted(self.definitions)))
        (STORE / parent / uuid).unlink()
        del self.definitions[parent, uuid]

    @rule(parent=parents)
    def parent_goes_or_comes(self, parent):
        if parent in self.registered:
            self.host.simctl("remove-parent", parent)
            self.registered.remove(parent)
            self.devices = {uuid: where for uuid, where in self.devices.items() if where[0] != parent}
            return
        self.host.simctl("add-parent", PARENTS[parent])
        self.registered.add(parent)
        for (p, uuid), (type, start, _) in self.definitions.items():
            if p == parent and start == "auto" and uuid not in self.devices:
                self.devices[uuid] = (parent, type)

    # --- what holds after each

    @invariant()
    def all_agree(self):
        host = self.host
        expected = {uuid: (parent, type, "active", (parent, uuid) in self.definitions)
                    for uuid, (parent, type) in self.devices.items()}

        def found():
            return {d.uuid: (d.parent, d.type, d.state, d.defined) for d in host.devices().values()}

        host.eventually(lambda: found() == expected, 10, lambda: f"{expected} instead of {host.devices()}")
        assert sorted(os.listdir(DEVICES)) == sorted(expected)
        expected = {(uuid, parent): (type, start, self.devices.get(uuid, (None,))[0] == parent)
                    for (parent, uuid), (type, start, _) in self.definitions.items()}
        host.eventually(lambda: listed(host) == expected, 10, lambda: f"{expected} instead of {listed(host)}")
        for (parent, uuid), (_, _, attributes) in self.definitions.items():
            assert contents(uuid, parent)["attrs"] == [{name: value} for name, value in attributes]
        host.eventually(lambda: not host.jobs(), 10, lambda: f"the end of {host.jobs()}")
        host.eventually(lambda: {row[0] for row in host.call("ListParents")} == self.registered)
        assert sorted(os.listdir(MDEV_BUS)) == sorted(self.registered)
        assert not os.listdir(INTENTS) and host.daemon_pid() == self.daemon_pid


def open_files(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


@pytest.mark.seconds(3000)
def test_model():
    with Host(parents=list(PARENTS.values())) as host:
        host.eventually(lambda: {row[0] for row in host.call("ListParents")} == set(PARENTS))
        Model.host, Model.daemon_pid = host, host.daemon_pid()
        host.stop(host.create())
        before = open_files(host.daemon_pid())
        try:
            run_state_machine_as_test(seed()(Model), settings=settings(25, stateful_step_count=20))
            # Four idle workers have a socket and a pidfd each.
            host.eventually(lambda: open_files(host.daemon_pid()) <= before + 8, 15, "the end of what is open")
        finally:
            Model.host = None
