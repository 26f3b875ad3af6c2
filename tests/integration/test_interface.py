# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is on the bus is what dbus/*.xml says, and every member of it is documented."""

import re
import xml.etree.ElementTree as ElementTree

import pytest
from bus import DEFINITION, DEVICE, JOB, MANAGER, PARENT, ROOT
from host import SOURCE, Host, device_path, parent_path

INTERFACES = [MANAGER, PARENT, DEVICE, DEFINITION, JOB]
INTROSPECTABLE = "org.freedesktop.DBus.Introspectable"


def golden(interface):
    return (SOURCE / "dbus" / f"{interface}.xml").read_text(encoding="utf-8")


def describe(element):
    """An interface as comparable values: the order of members does not matter, that of arguments does."""
    members = {}
    for member in element:
        if member.tag not in ("method", "signal", "property"):
            continue
        arguments = [(arg.get("name"), arg.get("type"), arg.get("direction") or
                      ("out" if member.tag == "signal" else "in")) for arg in member.iter("arg")]
        annotations = {note.get("name"): note.get("value") for note in member.iter("annotation")
                       # True is what the standard says where there is no annotation.
                       if (note.get("name"), note.get("value")) !=
                       ("org.freedesktop.DBus.Property.EmitsChangedSignal", "true")}
        members[member.tag, member.get("name")] = (arguments, annotations, member.get("type"), member.get("access"))
    return members


def introspect(host, interface):
    path = {MANAGER: ROOT, PARENT: parent_path("mtty")}.get(interface)
    if interface == DEVICE:
        path = device_path(host.create())
    elif interface == DEFINITION:
        _, path = host.call("Define", "ssssa(ss)a{sv}", "", "mtty", "mtty-1", "manual", [], {})
    elif interface == JOB:
        host.simctl("hang", "mbochs", "create")
        host.begin_create(parent="mbochs", type="mbochs-small")
        path = host.eventually(host.jobs)[0].path
    root = ElementTree.fromstring(host.bus.call(path, INTROSPECTABLE, "Introspect"))
    return next(element for element in root.iter("interface") if element.get("name") == interface)


@pytest.mark.parametrize("interface", INTERFACES)
def test_introspection_is_golden(interface):
    expected = next(element for element in ElementTree.fromstring(golden(interface)).iter("interface"))
    with Host() as host:
        assert describe(introspect(host, interface)) == describe(expected)


@pytest.mark.parametrize("interface", INTERFACES)
def test_no_file_descriptors(interface):
    """dbus-daemon takes no more from a service with 64 of them in answers that nobody has read. Then nobody gets
    any."""
    members = describe(ElementTree.fromstring(golden(interface)).find("interface"))
    types = {kind for arguments, _, kind, _ in members.values()} | {kind for arguments, *_ in members.values()
                                                                    for _, kind, _ in arguments}
    assert not [kind for kind in types if kind and "h" in kind]


def test_no_interface_is_left_out():
    assert sorted(path.stem for path in (SOURCE / "dbus").glob("*.xml")) == sorted(INTERFACES)


@pytest.mark.parametrize("interface", INTERFACES)
def test_every_member_is_documented(interface):
    parser = ElementTree.XMLParser(target=ElementTree.TreeBuilder(insert_comments=True))
    root = ElementTree.fromstring(golden(interface), parser=parser)
    element = root.find("interface")
    undocumented, previous = [], None
    for member in element:
        if member.tag in ("method", "signal", "property") and not (
                previous is not None and previous.tag is ElementTree.Comment and len(previous.text.split()) >= 3):
            undocumented.append(member.get("name"))
        previous = member
    assert undocumented == []


def test_every_error_is_documented_by_its_method():
    """The errors that a method is said to answer exist."""
    known = set(re.findall(r'"org\.mediated1\.Error\.(\w+)"', (SOURCE / "common/failure.c").read_text()))
    known |= {"InvalidArgs", "IOError", "NotSupported", "AccessDenied", "InteractiveAuthorizationRequired"}
    for interface in INTERFACES:
        for errors in re.findall(r"Errors: (.*?)(?=-->|\.\s*-->)", golden(interface), re.DOTALL):
            named = set(re.findall(r"\b[A-Z][a-z]+(?:[A-Z][A-Za-z]+)+\b|\bWedged\b", errors))
            # "those of CreateDevice"
            named -= {match[1] for match in re.finditer(r'method name="(\w+)"', golden(MANAGER))}
            assert named <= known, named - known


def test_tree():
    with Host() as host:
        device = host.create()
        tree = host.shell("busctl tree --list org.mediated1").stdout.split()
        for path in (ROOT, parent_path("mtty"), parent_path("mbochs"), device_path(device)):
            assert path in tree


def test_peer_can_be_pinged():
    with Host() as host:
        host.bus.call(ROOT, "org.freedesktop.DBus.Peer", "Ping")


def test_what_is_not_there():
    with Host() as host:
        for path, interface, member in ((ROOT, MANAGER, "NoSuchMethod"), (ROOT, DEVICE, "Stop"),
                                        (ROOT + "/device/x", DEVICE, "Stop"), (ROOT + "/nothing", MANAGER, "ListJobs")):
            error = host.bus.begin(path, interface, member).error()
            assert error.name.startswith("org.freedesktop.DBus.Error.Unknown"), error
