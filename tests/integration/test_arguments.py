# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every method there is, with arguments of any kind: of the right types and of wrong ones, huge, deep, almost right.

Which methods there are is asked of the daemon itself, so that a new one is not forgotten. Whatever comes, the answer is
a result or one of the documented errors; the daemon lives, says what the kernel says, and keeps no fd."""

import os
import time
import xml.etree.ElementTree as ElementTree

import pytest
from bus import DEFINITION, DEVICE, JOB, MANAGER, PARENT, PROPERTIES, ROOT, Bus, Error
from dbus_next import Variant
from dbus_next.signature import SignatureTree
from definitions import STORE, begin_define, begin_start, begin_undefine, definition_path, listed
from examples import seed, settings
from host import DEVICES, INTENTS, SOURCE, Host, device_path, parent_path
from hypothesis import given
from hypothesis import strategies as st

UUID = "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001"
OTHER = "83b8f4f2-509f-382f-3c1e-e6bfe0fa1002"
LONG = 20000
INVALID_ARGS = "org.freedesktop.DBus.Error.InvalidArgs"

# Besides those of org.mediated1, which mediated(5) lists.
ERRORS = {f"org.freedesktop.DBus.Error.{name}" for name in (
    "InvalidArgs", "AccessDenied", "NotSupported", "IOError", "UnknownMethod", "UnknownObject", "UnknownInterface",
    "UnknownProperty", "PropertyReadOnly")}

WORDS = ["", UUID, OTHER, UUID.upper(), "mtty", "mtty-1", "mbochs", "nowhere", "auto", "manual", "setting",
         "vendor/plugin", "../x", "remove", ".", "..", "/", "scripts.d", "timeout", "wait", "settle", "force", "live",
         "defined", "held-by", "callout-of", "type", "start", "attributes", "add-attributes", "remove-attributes",
         "x" * LONG,
         "\u6f22" * 300, "%s%n", "\x01\x1b[2J", "\ufffe"[:0] + "\U0001f642", MANAGER, JOB, "State", "Version"]

# What libsystemd takes for text: no NUL, no half of a pair, and none of the noncharacters.
texts = st.one_of(st.sampled_from(WORDS),
                  st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"), max_size=40).filter(
                      lambda text: not any(ord(c) & 0xfffe == 0xfffe or 0xfdd0 <= ord(c) <= 0xfdef for c in text)))
paths = st.lists(st.text("abc_0123456789XYZ", min_size=1, max_size=8), max_size=4).map(
    lambda parts: "/" + "/".join(parts))
RANGES = {"y": (0, 255), "n": (-1 << 15, (1 << 15) - 1), "q": (0, (1 << 16) - 1), "i": (-1 << 31, (1 << 31) - 1),
          "u": (0, (1 << 32) - 1), "x": (-1 << 63, (1 << 63) - 1), "t": (0, (1 << 64) - 1)}
SIGNATURES = ["s", "b", "t", "i", "u", "d", "o", "as", "ai", "ay", "a(ss)", "a(iss)", "a{sv}", "(sv)", "av", "a{ss}",
              "aas", "v"]


def deep(depth):
    """A variant within variants, as deep as D-Bus has it."""
    value = Variant("s", UUID)
    for _ in range(depth):
        value = Variant("v", value)
    return value


variants = st.deferred(lambda: st.one_of(
    st.sampled_from(SIGNATURES).flatmap(lambda signature: value_of(tree(signature)).map(
        lambda value: Variant(signature, value))),
    st.integers(1, 50).map(deep)))


def tree(signature):
    return SignatureTree._get(signature).types[0]  # pylint: disable=protected-access


def value_of(type):
    token = type.token
    if token in RANGES:
        low, high = RANGES[token]
        return st.one_of(st.sampled_from([low, high, 0, 1]), st.integers(low, high))
    if token == "a":
        item = type.children[0]
        if item.token == "{":
            return st.dictionaries(value_of(item.children[0]), value_of(item.children[1]), max_size=4)
        if item.token == "y":
            return st.binary(max_size=40)
        return st.lists(value_of(item), max_size=4)
    if token == "(":
        return st.tuples(*map(value_of, type.children)).map(list)
    return {"s": texts, "b": st.booleans(), "d": st.floats(), "v": variants, "o": paths,
            "g": st.sampled_from(["", *SIGNATURES])}[token]


def body_of(signature):
    return st.tuples(*map(value_of, SignatureTree._get(signature).types)).map(list)  # pylint: disable=protected-access


OPTIONS = {"timeout-usec": "t", "no-wait": "b", "wait": "b", "settle": "b", "force": "b", "live": "b",
           "defined": "b", "type": "s",
           "start": "s", "attributes": "a(ss)", "add-attributes": "a(iss)", "remove-attributes": "ai"}
# Names that are known with values of their types: what random ones would hardly ever be.
known_options = st.dictionaries(st.sampled_from(list(OPTIONS)), st.none(), max_size=3).flatmap(
    lambda chosen: st.fixed_dictionaries({name: value_of(tree(OPTIONS[name])).map(
        lambda value, name=name: Variant(OPTIONS[name], value)) for name in chosen}))


def with_options(signature):
    """Well typed, and where there are options they are often known."""
    def choose(body):
        types = [t.signature for t in SignatureTree._get(signature).types]  # pylint: disable=protected-access
        values = (known_options if t == "a{sv}" else st.just(value) for t, value in zip(types, body))
        return st.tuples(*values).map(list)
    return body_of(signature).flatmap(choose)


def introspect(host, path):
    root = ElementTree.fromstring(host.bus.call(path, "org.freedesktop.DBus.Introspectable", "Introspect"))
    return [(path, interface.get("name"), method.get("name"),
             "".join(arg.get("type") for arg in method.findall("arg") if arg.get("direction") == "in"))
            for interface in root.findall("interface") for method in interface.findall("method")]


class Subject:
    """The host of all examples: one device and its definition, and a job that waits."""

    def __init__(self, host):
        self.host, self.pid = host, host.daemon_pid()
        # A reply with an fd reaches nobody who has not said that he takes one.
        self.bus = Bus(host.loop, fds=True)
        host.buses.append(self.bus)
        self.restore()
        job = self.host.jobs()[0].path
        paths_of_all = (ROOT, parent_path("mtty"), device_path(UUID), definition_path(UUID), job)
        self.methods = sorted({method for path in paths_of_all for method in introspect(host, path)})
        self.open = self.open_files()

    def open_files(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def restore(self):
        host = self.host
        for row in list(listed(host)):
            if row != (UUID, "mtty"):
                begin_undefine(host, *row).result()
        if (UUID, "mtty") not in listed(host):
            begin_define(host, UUID, attributes=[("setting", "1")]).result()
        for uuid in set(host.devices()) - {UUID}:
            host.stop(uuid)
        if UUID not in host.devices():
            begin_start(host, UUID, "mtty").result()
        if (OTHER, "nowhere") not in listed(host):
            begin_define(host, OTHER, "nowhere").result()
        if not host.jobs():
            self.waiting = begin_start(host, OTHER, "nowhere", wait=True)

    def call(self, path, interface, member, signature, body):
        """Whatever waits is canceled until there is an answer."""
        call = self.bus.begin(path, interface, member, signature, *body)
        end = time.monotonic() + 30
        self.host.sleep(0.001)
        while not call.done:
            assert time.monotonic() < end, f"{member}{tuple(body)!r} is not answered"
            for job in self.host.jobs() if time.monotonic() > call.started + 0.2 else []:
                self.host.begin("CancelJob", "t", job.id).wait()
            self.host.sleep(0.005)
        try:
            call.result()
            for fd in call.task.result().unix_fds:
                os.close(fd)
            return None
        except Error as error:
            assert error.name in ERRORS or "." not in error.name, error
            return error

    def check(self):
        host = self.host
        assert host.daemon_pid() == self.pid
        host.eventually(lambda: len(host.jobs()) <= 1, 10)
        host.eventually(lambda: sorted(host.devices()) == sorted(os.listdir(DEVICES)))
        stored = {(path.name, path.parent.name) for path in STORE.glob("*/*") if path.parent.name != "scripts.d"}
        host.eventually(lambda: set(listed(host)) == stored)
        assert not os.listdir(INTENTS)


@pytest.fixture(name="subject", scope="module")
def shared_subject():
    with Host() as host:
        subject = Subject(host)
        yield subject
        subject.check()
        # Four idle workers have a socket and a pidfd each.
        host.eventually(lambda: subject.open_files() <= subject.open + 8, 15, "the end of what is open")


def test_all_interfaces_are_there(subject):
    found = {interface for _, interface, _, _ in subject.methods}
    assert found >= {MANAGER, DEVICE, DEFINITION, JOB, PROPERTIES}
    xml = {(interface, method.get("name")) for interface in (MANAGER, DEVICE, DEFINITION, JOB, PARENT)
           for method in ElementTree.parse(SOURCE / "dbus" / f"{interface}.xml").iter("method")}
    assert xml <= {(interface, member) for _, interface, member, _ in subject.methods}


def run(subject, strategy, examples):
    @seed()
    @settings(examples)
    @given(strategy)
    def try_one(call):
        subject.call(*call)
        subject.check()
        subject.restore()

    try_one()


@pytest.mark.seconds(1000)
def test_arguments_of_the_right_types(subject):
    run(subject, st.sampled_from(subject.methods).flatmap(
        lambda m: st.tuples(st.just(m[0]), st.just(m[1]), st.just(m[2]), st.just(m[3]), with_options(m[3]))), 100)


@pytest.mark.seconds(1000)
def test_arguments_of_wrong_types(subject):
    wrong = st.lists(st.sampled_from(SIGNATURES), max_size=6).map("".join)
    run(subject, st.tuples(st.sampled_from(subject.methods), wrong).flatmap(
        lambda c: st.tuples(st.just(c[0][0]), st.just(c[0][1]), st.just(c[0][2]), st.just(c[1]), body_of(c[1]))), 60)


@pytest.mark.seconds(1000)
def test_objects_that_are_not_there(subject):
    below = st.sampled_from(["", "/parent/", "/device/", "/definition/", "/definition/mtty/", "/job/", "/device"])
    names = st.text("abc_0123456789XYZ", max_size=12)
    path = st.tuples(below, names).map(lambda p: (ROOT + "".join(p)).rstrip("/"))
    run(subject, st.tuples(path, st.sampled_from(subject.methods)).flatmap(
        lambda c: st.tuples(st.just(c[0]), st.just(c[1][1]), st.just(c[1][2]), st.just(c[1][3]),
                            with_options(c[1][3]))), 40)


LARGE = {
    "many attributes": ("CreateDevice", "sssa(ss)a{sv}", ["", "mtty", "mtty-1", [["setting", "x" * 200]] * 1000, {}],
                        None),
    "too many attributes": ("CreateDevice", "sssa(ss)a{sv}", ["", "mtty", "mtty-1", [["setting", ""]] * 1025, {}],
                            "LimitsExceeded"),
    "large attributes": ("CreateDevice", "sssa(ss)a{sv}", ["", "mtty", "mtty-1", [["setting", "x" * 4000]] * 1000, {}],
                         "LimitsExceeded"),
    "many options": ("StopDevice", "sa{sv}", [OTHER, {f"o{i}": Variant("t", i) for i in range(50000)}],
                     "LimitsExceeded"),
    "long text": ("Define", "ssssa(ss)a{sv}", ["x" * (1 << 24), "mtty", "mtty-1", "auto", [], {}], "LimitsExceeded"),
    "text": ("Define", "ssssa(ss)a{sv}", ["x" * 200000, "mtty", "mtty-1", "auto", [], {}], INVALID_ARGS),
    "deep": ("StopDevice", "sa{sv}", [UUID, {"timeout-usec": deep(55)}], INVALID_ARGS),
}


@pytest.mark.parametrize("what", LARGE)
def test_large(subject, what):
    member, signature, body, expected = LARGE[what]
    error = subject.call(ROOT, MANAGER, member, signature, body)
    assert error is None if expected is None else error.name == expected
    subject.check()
    subject.restore()
