# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who may: root everything, others what polkit allows; all may read.

Every method that the daemon has on the bus is tried, by its introspection. What becomes of requests that polkit is
asked about is in test_polkit.py."""

import contextlib
import re
import xml.etree.ElementTree as ElementTree

import pytest
from bus import DEFINITION, DEVICE, JOB, MANAGER, OBJECT_MANAGER, PARENT, PROPERTIES, ROOT
from dbus_next import Message, Variant
from definitions import STORE, changes, define, definition_path
from host import DEVICES, SOURCE, Host, device_path, job_path, new_uuid, parent_path
from polkit import CHALLENGE, DENIED, NO, NOBODY, Polkit

REQUIRED = "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired"

# Whatever is not here changes something. org.mediated1(5) says the same.
READERS = {(MANAGER, member) for member in ("ListParents", "ListTypes", "ListCards", "ListDevices", "ListDefinitions",
                                            "ListJobs", "GetParent", "GetDevice", "GetDefinition", "GetJob")}


class Everything:
    """A host with an object of each kind, and arguments with which each method would do something."""

    def __init__(self, host):
        self.host = host
        signals = host.signals()
        self.device = host.create()
        self.defined = define(host)
        host.simctl("hang", "mbochs", "create")
        self.hung = new_uuid()
        host.begin_create(self.hung, "mbochs", "mbochs-small", timeout=0)
        host.begin_stop(self.hung, timeout=0)
        self.job = host.job_of(self.hung, "stop")
        # Announced a moment later; what is seen after that is not of this.
        for path in (job_path(self.job), device_path(self.hung)):
            signals.wait("InterfacesAdded", lambda body, path=path: body[0] == path)
        signals.close()
        self.paths = {MANAGER: ROOT, DEVICE: device_path(self.device), DEFINITION: definition_path(self.defined),
                      JOB: job_path(self.job), PARENT: parent_path("mtty")}
        self.arguments = {
            (MANAGER, "ListTypes"): [""], (MANAGER, "GetParent"): ["mtty"], (MANAGER, "GetDevice"): [self.device],
            (MANAGER, "GetDefinition"): [self.defined, "mtty"], (MANAGER, "GetJob"): [self.job],
            (MANAGER, "CreateDevice"): [new_uuid(), "mtty", "mtty-1", [], {}],
            (MANAGER, "StartDevice"): [self.defined, "", {}],
            (MANAGER, "StopDevice"): [self.device, {}],
            (MANAGER, "Define"): [new_uuid(), "mtty", "mtty-1", "manual", [], {}],
            (MANAGER, "Modify"): [self.defined, "mtty", changes(start="auto"), {}],
            (MANAGER, "Undefine"): [self.defined, "mtty", {}],
            (MANAGER, "CancelJob"): [self.job],
            (DEFINITION, "Modify"): [changes(start="auto"), {}],
            (PARENT, "SetAside"): [True, {}],
            (DEFINITION, "Start"): [{}], (DEFINITION, "Undefine"): [{}], (DEVICE, "Stop"): [{}]}

    def methods(self):
        """By the introspection: what somebody adds is in it. (interface, member, signature of the arguments)"""
        found = []
        for interface, path in self.paths.items():
            tree = ElementTree.fromstring(self.host.bus.call(path, "org.freedesktop.DBus.Introspectable", "Introspect"))
            element = next(e for e in tree.iter("interface") if e.get("name") == interface)
            found += [(interface, method.get("name"), "".join(arg.get("type") for arg in method.iter("arg")
                                                              if arg.get("direction") == "in"))
                      for method in element.iter("method")]
        return found

    def begin(self, bus, interface, member, signature, interactive=False):
        arguments = self.arguments[interface, member] if signature else []
        return bus.begin(self.paths[interface], interface, member, signature, *arguments, interactive=interactive)

    def changing(self):
        return [method for method in self.methods() if method[:2] not in READERS]

    def state(self):
        return (self.host.devices(), self.host.jobs(), self.host.call("ListDefinitions"),
                {path: path.read_bytes() for path in STORE.rglob("*-*") if path.is_file()},
                sorted(path.name for path in DEVICES.iterdir()))


@pytest.fixture(name="everything", scope="module")
def everything_there_is():
    with Host() as host:
        yield Everything(host)


def refused(everything, error_name, interactive=False):
    before, signals = everything.state(), everything.host.signals()
    nobody = everything.host.new_bus(NOBODY)
    methods = everything.changing()
    assert len(methods) >= 14
    for method in methods:
        error = everything.begin(nobody, *method, interactive=interactive).error()
        assert error.name == error_name, f"{method}: {error}"
        yield method, error
    # What is announced after what would have been announced.
    last = new_uuid()
    assert everything.host.begin_stop(last).error().name == "NoSuchDevice"
    signals.wait("JobRemoved", lambda body: body[1] == last)
    assert everything.state() == before
    # What there is left of a parent is read again now and then.
    assert [seen for seen in signals.seen if seen[1] != "PropertiesChanged" and last not in seen[3]] == []
    nobody.close()


def test_without_polkit_only_root_changes_anything(everything):
    for _, error in refused(everything, DENIED):
        assert "root" in error.text and "install polkit" in error.text


def test_no(everything):
    with contextlib.closing(Polkit(everything.host, NO)) as polkit:
        for n, (method, error) in enumerate(refused(everything, DENIED)):
            assert len(polkit.checks) == n + 1, f"{method}: polkit was not asked"
            assert polkit.checks[-1].action in error.text


@pytest.mark.parametrize("interactive", [False, True])
def test_challenge(everything, interactive):
    """The flag of the caller's message is what polkit gets, and a password that is not given is no."""
    with contextlib.closing(Polkit(everything.host, CHALLENGE)) as polkit:
        for _, error in refused(everything, REQUIRED, interactive):
            assert "password" in error.text
            assert polkit.checks[-1].interactive == interactive


def polkit_error(name):
    return lambda message: Message.new_error(message, name, "it said")


@pytest.mark.parametrize("answer", [
    lambda message: Message.new_method_return(message, "(bbs)", [[True, False, ""]]),
    lambda message: Message.new_method_return(message, "bba{ss}", [True, False, {}]),
    lambda message: Message.new_method_return(message, "b", [True]),
    lambda message: Message.new_method_return(message, "(bba{ss})s", [[True, False, {}], ""]),
    lambda message: Message.new_method_return(message),
    polkit_error("org.freedesktop.PolicyKit1.Error.Failed"),
    polkit_error("org.freedesktop.DBus.Error.AccessDenied"),
    polkit_error("org.freedesktop.DBus.Error.NoReply"),
], ids=["dictionary", "no-structure", "boolean", "more", "nothing", "failed", "denied", "no-reply"])
def test_what_is_no_answer_is_no(everything, answer):
    with contextlib.closing(Polkit(everything.host, answer)):
        for _, error in refused(everything, DENIED):
            assert "polkit" in error.text and "root" in error.text


def test_reading_is_free_to_all(everything):
    nobody = everything.host.new_bus(NOBODY, fds=True)
    for interface, member, signature in everything.methods():
        if (interface, member) in READERS:
            everything.begin(nobody, interface, member, signature).result()
    for interface, path in everything.paths.items():
        nobody.call(path, PROPERTIES, "GetAll", "s", interface)
        nobody.call(path, "org.freedesktop.DBus.Introspectable", "Introspect")
    nobody.call(ROOT, OBJECT_MANAGER, "GetManagedObjects")
    nobody.call(ROOT, "org.freedesktop.DBus.Peer", "Ping")
    error = nobody.begin(ROOT, PROPERTIES, "Set", "ssv", MANAGER, "Version", Variant("s", "0")).error()
    assert error.name == DENIED


def test_bus_policy_names_every_member(everything):
    policy = (SOURCE / "dbus/org.mediated1.conf").read_text(encoding="utf-8")
    named = set(re.findall(r'send_interface="(org\.mediated1\.\w+)" send_member="(\w+)"', policy))
    assert named == {method[:2] for method in everything.methods()}


def test_readers_are_those_of_the_daemon_and_of_the_manual():
    gate = (SOURCE / "daemon/peers/reader.c").read_text(encoding="utf-8")
    assert set(re.findall(r'BUS_MANAGER, "(\w+)"', gate)) == {member for _, member in READERS}
    manual = (SOURCE / "docs/org.mediated1.5.in").read_text(encoding="utf-8")
    access = re.search(r"^\.SS Access$(.*?)^\.SS ", manual, re.DOTALL | re.MULTILINE)[1]
    for _, member in READERS:
        assert re.search(rf"\b{member}\b", access), member


def test_rule_of_the_documentation_is_tried():
    """On the real polkit, in the virtual machine."""
    rule = re.search(r"```js\n(.*?)```", (SOURCE / "docs/SECURITY.md").read_text(encoding="utf-8"), re.DOTALL)[1]
    assert rule in (SOURCE / "tests/vm/test-polkit.sh").read_text(encoding="utf-8")
