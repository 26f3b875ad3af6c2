# SPDX-License-Identifier: LGPL-2.1-or-later
"""What callers say never becomes a name that is looked up.

The introspection data of all objects tell which methods take texts. Each of these arguments has a rule here, with
hostile texts for it and the error that must be answered. An argument without a rule is a failure: whoever adds a method
says how its texts are checked. All of them are said by root and by somebody who may do nothing, below file systems that
note who looks up what."""

import collections
import os
import pathlib
import re
from xml.etree import ElementTree

import pytest
from bus import DEFINITION, DEVICE, JOB, MANAGER, PARENT, PROPERTIES, ROOT, Error, encode
from dbus_next import Variant
from definitions import STORE, begin_start, definition_path, put, resident_kib, start_daemon, stop_daemon, text_of
from host import BUILD, SOURCE, Host, device_path, is_sanitized, job_path, new_uuid, parent_path
from polkit import DENIED, NOBODY

INVALID_ARGS = "org.freedesktop.DBus.Error.InvalidArgs"
UNKNOWN = {f"org.freedesktop.DBus.Error.Unknown{what}" for what in ("Object", "Interface", "Method", "Property")}

# Whatever is looked up in it is noted, and there is nothing; a name with "hang" in it is never answered.
TRAP = pathlib.Path("/run/trap")
TRAP_LOG = pathlib.Path("/run/trap.log")
STORE_LOG = pathlib.Path("/run/store.log")
SYSFS_LOG = pathlib.Path("/run/sysfs.log")
UP = "../" * 12

Method = collections.namedtuple("Method", "path interface name arguments")
Lookup = collections.namedtuple("Lookup", "pid path")

# Of this test's process: it is in another PID namespace than the file systems.
ME = 0

# Which of the names of a path a text was: it is in each hostile text that could be a path, and in no other.
marks = (f"mark{i}x" for i in range(1, 1 << 30))


def trapped(mark):
    """Texts that lead to the trap from wherever they are taken to start."""
    return [f"{TRAP}/{mark}", f"{UP}run/trap/{mark}", f"../{mark}", f"{mark}/x", f"./{mark}", f"{mark}/",
            f"x/../{mark}", f"//{mark}", f"{mark}//x"]


def no_component(mark):
    return ["", ".", "..", "/", "../..", *trapped(mark), f"{mark}\n", f"{mark}\x1b[31m", f"{mark}\x7f",
            mark + "x" * 4000, mark + "x" * 256, mark + "\u6f22" * 100]


def no_parent(mark):
    return [*no_component(mark), f".{mark}", "scripts.d"]


def no_uuid(mark):
    uuid = new_uuid()
    return [*no_component(mark), mark, f"{{{uuid}}}", uuid.replace("-", ""), f"{uuid}\n", f" {uuid}", f"{uuid}/..",
            f"../{uuid}", f"urn:uuid:{uuid}", uuid[:-1], f"{uuid}0", uuid.replace("-", "_")]


def no_attribute(mark):
    return ["", ".", "..", *(text for text in trapped(mark) if text != f"{mark}/x"), "remove", "uevent",
            "power/control", "driver/unbind", f"{mark}\n", f"{mark}\x1b", mark + "x" * 4000, mark + "\u6f22" * 400]


def no_word(mark):
    """Of a list of words that are known."""
    return [*no_component(mark), mark, "Auto", "auto ", "auto\n"]


def no_string(mark):
    """For a value that is no string, but a number or a boolean."""
    return [*trapped(mark), mark, "true", "1"]


def but_empty(texts):
    """Where an empty text has a meaning."""
    return lambda mark: [text for text in texts(mark) if text]


def each(texts, make):
    return lambda mark: [make(text) for text in texts(mark)]


pairs = each(no_attribute, lambda name: [[name, "1"]])


def options(mark):
    unknown = [{text: Variant("b", True)} for text in no_word(mark)]
    known = [{name: Variant("s", text)} for text in no_string(mark)
             for name in ("timeout-usec", "no-wait", "wait", "settle", "force", "live", "defined", "held-by",
                          "callout-of")]
    return unknown + known


def changes(mark):
    return [*({text: Variant("s", "auto")} for text in no_word(mark)),
            *({"start": Variant("s", text)} for text in no_word(mark)),
            *({"type": Variant("s", text)} for text in no_component(mark)),
            *({"remove-attributes": Variant("s", text)} for text in no_string(mark))]


def changed_attributes(mark):
    return [*({"attributes": Variant("a(ss)", [[text, "1"]])} for text in no_attribute(mark)),
            *({"add-attributes": Variant("a(iss)", [[0, text, "1"]])} for text in no_attribute(mark))]


# {(interface, method, argument): [(texts that are refused, the errors that may be answered)…]}
RULES = {
    (MANAGER, "ListTypes", "parent"): [(but_empty(no_parent), {"NoSuchParent"})],
    (MANAGER, "GetParent", "name"): [(no_parent, {"NoSuchParent"})],
    (MANAGER, "GetDevice", "uuid"): [(no_uuid, {INVALID_ARGS})],
    (MANAGER, "GetDefinition", "uuid"): [(no_uuid, {INVALID_ARGS})],
    (MANAGER, "GetDefinition", "parent"): [(but_empty(no_parent), {"NotDefined"})],
    (MANAGER, "CreateDevice", "uuid"): [(but_empty(no_uuid), {INVALID_ARGS})],
    (MANAGER, "CreateDevice", "parent"): [(no_parent, {"NoSuchParent"})],
    (MANAGER, "CreateDevice", "type"): [(no_component, {"NoSuchType"})],
    (MANAGER, "CreateDevice", "attributes"): [(pairs, {"InvalidAttribute"})],
    (MANAGER, "StopDevice", "uuid"): [(no_uuid, {INVALID_ARGS})],
    (MANAGER, "Define", "uuid"): [(but_empty(no_uuid), {INVALID_ARGS})],
    (MANAGER, "Define", "type"): [(but_empty(no_component), {INVALID_ARGS})],
    (MANAGER, "Define", "start"): [(no_word, {INVALID_ARGS})],
    (MANAGER, "Define", "attributes"): [(pairs, {"InvalidAttribute"})],
    (PROPERTIES, "Get", "interface_name"): [(no_word, UNKNOWN | {INVALID_ARGS})],
    (PROPERTIES, "Get", "property_name"): [(no_word, UNKNOWN | {INVALID_ARGS})],
    (PROPERTIES, "GetAll", "interface_name"): [(but_empty(no_word), UNKNOWN | {INVALID_ARGS})],
    (PROPERTIES, "Set", "interface_name"): [(no_word, UNKNOWN | {INVALID_ARGS, DENIED})],
    (PROPERTIES, "Set", "property_name"): [(no_word, UNKNOWN | {INVALID_ARGS, DENIED})],
    (PROPERTIES, "Set", "value"): [(each(no_string, lambda text: Variant("s", text)),
                                    UNKNOWN | {"org.freedesktop.DBus.Error.PropertyReadOnly", DENIED})],
}
for member in ("StartDevice", "Modify", "Undefine"):
    RULES[MANAGER, member, "uuid"] = [(no_uuid, {INVALID_ARGS})]
for member in ("StartDevice", "Modify", "Undefine", "Define"):
    RULES[MANAGER, member, "parent"] = [(but_empty(no_parent), {INVALID_ARGS})]
for interface, members in ((MANAGER, ("CreateDevice", "StartDevice", "StopDevice", "Define", "Modify", "Undefine")),
                           (DEVICE, ("Stop",)), (PARENT, ("SetAside",)), (DEFINITION, ("Start", "Modify", "Undefine"))):
    for member in members:
        RULES[interface, member, "options"] = [(options, {INVALID_ARGS})]
for interface in (MANAGER, DEFINITION):
    RULES[interface, "Modify", "changes"] = [(changes, {INVALID_ARGS}), (changed_attributes, {"InvalidAttribute"})]


def may_be_text(signature):
    return any(token in signature for token in "sogv")


class Subject:
    """A host whose /sys, store and trap note all look-ups, with an object of each kind. The store cannot be written."""

    def __init__(self, host):
        self.host = host
        self.uuid, self.waiting = new_uuid(), new_uuid()
        stop_daemon(host)
        put(self.uuid, text_of(start="manual"))
        put(self.waiting, text_of(start="manual"), "nowhere")
        for directory in (TRAP, "/run/store", "/run/nothing"):
            pathlib.Path(directory).mkdir()
        host.shell("cp -a /etc/mdevctl.d/. /run/store/ && ln -s /run/trap /run/store/link && ln -s trap /run/link")
        for source, target, log in (("/run/store", STORE, STORE_LOG), ("/run/nothing", TRAP, TRAP_LOG)):
            host.start('exec "$1/tests/integration/lookup-fs" "$2" "$3" "$4"', BUILD, source, target, log)
            host.eventually(lambda target=target: os.path.ismount(target), what=f"the file system at {target}")
        host.simctl("record-lookups", SYSFS_LOG)
        start_daemon(host)
        host.bus = host.new_bus()
        host.create(self.uuid)
        begin_start(host, self.waiting, "nowhere", wait=True)
        job = host.eventually(lambda: next((job.id for job in host.jobs() if job.uuid == self.waiting), None))
        self.paths = [ROOT, parent_path("mtty"), device_path(self.uuid), definition_path(self.uuid), job_path(job)]
        self.users = {"root": host.bus, "nobody": host.new_bus(NOBODY)}

    def methods(self):
        for path in self.paths:
            root = ElementTree.fromstring(self.host.bus.call(path, "org.freedesktop.DBus.Introspectable", "Introspect"))
            for found in root.findall("interface"):
                for method in found.findall("method"):
                    yield Method(path, found.get("name"), method.get("name"), [
                        (arg.get("name"), arg.get("type")) for arg in method.findall("arg")
                        if arg.get("direction", "in") == "in"])

    def usual(self, method):
        """Arguments with which there is nothing to refuse: what they name is not there."""
        values = {"uuid": new_uuid(), "parent": "mtty", "type": "mtty-1", "start": "manual", "attributes": [],
                  "options": {}, "changes": {}, "interface_name": MANAGER, "property_name": "Version",
                  "value": Variant("s", "1"), "id": 0, "set_aside": False}
        return [values.get(name) for name, _ in method.arguments]

    def call(self, method, user, arguments):
        """The error's name, or None."""
        signature = "".join(type for _, type in method.arguments)
        try:
            self.users[user].begin(method.path, method.interface, method.name, signature, *arguments).result()
            return None
        except Error as error:
            return error.name

    def lookups(self):
        """All that were noted since the daemon was started, by others than this test."""
        # A look-up is noted before it is answered, and whoever made it has answered before this is asked.
        found = []
        for log in (STORE_LOG, TRAP_LOG, SYSFS_LOG):
            for line in log.read_bytes().split(b"\0")[:-1]:
                pid, path = line.split(b" ", 1)
                found.append(Lookup(int(pid), path.decode(errors="replace")))
        return [lookup for lookup in found if lookup.pid != ME]


@pytest.fixture(name="subject", scope="module")
def shared_subject():
    with Host() as host:
        yield Subject(host)


def test_each_text_has_a_rule(subject):
    """Whoever adds a method or an argument says here how its texts are checked."""
    without = {(method.interface, method.name, name) for method in subject.methods() for name, type in method.arguments
               if may_be_text(type)} - set(RULES)
    assert not without


def test_look_ups_are_noted(subject):
    """Or the other tests would find none whatever the daemon does."""
    for log, path in ((TRAP_LOG, TRAP / "mark0x"), (STORE_LOG, STORE / "mark0x"),
                      (STORE_LOG, STORE / "mtty" / "mark0x"), (SYSFS_LOG, "/sys/class/mdev_bus/mark0x"),
                      (SYSFS_LOG, "/sys/bus/mdev/devices/mark0x"),
                      (TRAP_LOG, pathlib.Path(STORE, UP, "run/trap/mark00x"))):
        before = log.read_bytes()
        assert not os.path.lexists(path)
        name = os.path.basename(path).encode()
        assert re.search(rb"(^|\0)%d [^\0]*%s\0" % (ME, name), log.read_bytes()[len(before):])
    # And the daemon's are among them.
    subject.host.call("GetDefinition", "ss", subject.uuid, "mtty")
    pid = subject.host.daemon_pid()
    assert Lookup(pid, f"/mtty/{subject.uuid}") in subject.lookups()


@pytest.mark.seconds(600)
@pytest.mark.parametrize("user", ["root", "nobody"])
def test_no_hostile_text_is_looked_up(subject, user):
    said, wrong, pid = {}, [], subject.host.daemon_pid()
    for method in subject.methods():
        for at, (name, _) in enumerate(method.arguments):
            for texts, errors in RULES.get((method.interface, method.name, name), ()):
                mark = next(marks)
                said[mark] = method.interface, method.name, name
                for text in texts(mark):
                    arguments = subject.usual(method)
                    arguments[at] = text
                    error = subject.call(method, user, arguments)
                    if error not in errors:
                        wrong.append((method.interface, method.name, name, text, error))
    assert not wrong
    assert len(said) > 30
    found = {said[mark] for lookup in subject.lookups() for mark in re.findall(r"mark[1-9]\d*x", lookup.path)
             if mark in said}
    assert not found, "looked up what was said"
    assert subject.host.daemon_pid() == pid and not any(mark in subject.host.log() for mark in said)


@pytest.mark.parametrize("user", ["root", "nobody"])
def test_names_of_nothing_are_not_looked_up(subject, user):
    """They have the right form; the daemon compares them with what there is."""
    host, said = subject.host, {}
    names = {"uuid": new_uuid, "parent": lambda: next(marks), "name": lambda: next(marks), "type": lambda: next(marks)}
    for method in subject.methods():
        for at, (name, type) in enumerate(method.arguments):
            if type != "s" or name not in names:
                continue
            for change in (str, str.upper) if name == "uuid" else (str,):
                arguments = ["none" if value == "mtty-1" else value for value in subject.usual(method)]
                arguments[at] = change(names[name]())
                said[arguments[at].lower()] = method.name, name
                # What root may define cannot be written to this store.
                assert subject.call(method, user, arguments) is not None, (method, arguments)
    assert len(said) > 10
    # What root may have done is handed to a worker, which must look.
    pids = {host.daemon_pid()} if user == "root" else {lookup.pid for lookup in subject.lookups()}
    found = {what for lookup in subject.lookups() if lookup.pid in pids
             for text, what in said.items() if text in lookup.path.lower()}
    assert not found, "looked up what was said"


def test_objects_that_are_not_there_are_not_looked_up(subject):
    mark = next(marks)
    for below in ("device", "parent", "job", "definition", "definition/mtty"):
        for text in (*trapped(mark), mark):
            for bus in subject.users.values():
                for interface in (DEVICE, PARENT, DEFINITION, JOB):
                    call = bus.begin(f"{ROOT}/{below}/{encode(text)}", PROPERTIES, "GetAll", "s", interface)
                    assert call.error().name in UNKNOWN
    assert not any(mark in lookup.path for lookup in subject.lookups())


def test_links_are_found_by_listing_alone(subject):
    """One in the store is a name that is there: it is said that it is not followed, and it is not."""
    host = subject.host
    for bus in subject.users.values():
        assert host.begin("GetDefinition", "ss", subject.uuid, "link", bus=bus).error().name == "NotDefined"
    assert host.log().count("/etc/mdevctl.d/link is a symbolic link") == 1
    assert not any(lookup.path == f"/{subject.uuid}" for lookup in subject.lookups())


def test_a_mount_that_hangs_holds_up_nobody(subject):
    """The daemon itself would sleep in it."""
    host = subject.host
    for text in (f"{UP}run/trap/hang1", f"{TRAP}/hang2", f"{UP}run/link/hang3"):
        for member, signature, body in (("GetDefinition", "ss", [subject.uuid, text]), ("GetParent", "s", [text]),
                                        ("ListTypes", "s", [text]), ("GetDevice", "s", [text]),
                                        ("StartDevice", "ssa{sv}", [subject.uuid, text, {}])):
            call = host.begin(member, signature, *body, bus=subject.users["nobody"])
            host.begin("ListParents").result(5)
            call.error(5)


CALLS = 3000


@pytest.mark.seconds(300)
def test_what_is_said_is_neither_kept_nor_logged(subject):
    """A link has any number of names, when each is looked up as it is said."""
    host, bus = subject.host, subject.users["nobody"]
    pid = host.daemon_pid()

    def spelled(i):
        bits = "".join("./" if i >> k & 1 else "/" for k in range(12))
        return "../../" + bits + "./" * 1900 + "run/link"

    def ask(numbers):
        calls = [host.begin("GetDefinition", "ss", subject.uuid, spelled(i), bus=bus) for i in numbers]
        assert {call.error().name for call in calls} == {"NotDefined"}

    # More would not fit into the socket.
    ask(range(16))
    log, memory = len(host.log()), resident_kib(pid)
    for i in range(16, CALLS, 16):
        ask(range(i, i + 16))
    # As much as 200 of these texts; AddressSanitizer keeps what was freed.
    assert is_sanitized() or resident_kib(pid) - memory < 800
    assert len(host.log()) == log


def test_only_the_layer_of_arguments_reads_texts():
    """Whatever else reads a message reads an answer, or the size."""
    layer = {"arguments.c", "request-changes.c", "request-options.c"}
    readers = re.compile(r"\bsd_bus_message_(read|read_basic|read_array|read_strv|enter_container|peek_type)\b")
    found = {path.name: set(readers.findall(path.read_text(encoding="utf-8")))
             for path in (SOURCE / "daemon").rglob("*.c")}
    others = {name for name, calls in found.items() if calls} - layer
    assert {name for name in layer if found[name]} == layer
    # polkit's answer, the bus's answers and signals, and the walk that measures a message.
    assert others <= {"manager.c", "message-size.c", "peer.c", "polkit.c"}
