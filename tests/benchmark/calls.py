# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every call that a user without rights can make: taken from the introspection data, with arguments that look valid,
and tried once."""

import collections
import xml.etree.ElementTree

from attacks import UNKNOWN_UUID
from dbus_next import Variant
from wire import ERROR, MANAGER, ROOT, Call, Connection, decode, encode

INTROSPECTABLE = "org.freedesktop.DBus.Introspectable"
# What the bus itself or mediated says to a caller that may not.
REFUSALS = {"org.freedesktop.DBus.Error.AccessDenied", "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired",
            "org.mediated1.Error.AccessDenied", "org.mediated1.Error.NotAuthorized"}

# A call, what was answered to it: its size, whether it is an error; whether it is one that was refused.
Tried = collections.namedtuple("Tried", "name call size is_error refused has_fd")


def _introspect(connection, path):
    answer = decode(connection.call(Call(path, INTROSPECTABLE, "Introspect")))
    return xml.etree.ElementTree.fromstring(answer.body[0])


def _walk(connection):
    """(path, node) of the top, which lists all that is below it, and of one object of each kind."""
    top = _introspect(connection, ROOT)
    yield ROOT, top
    kinds = {}
    for child in top.findall("node"):
        parts = child.get("name").split("/")
        kinds.setdefault((parts[0], len(parts)), f"{ROOT}/{child.get('name')}")
    for path in kinds.values():
        yield path, _introspect(connection, path)


class _Arguments:
    """Values by the name and type of an argument, and by whether they are to be known."""

    def __init__(self, known):
        self.known = known

    def value(self, name, signature, is_known):
        if name in ("uuid", "parent", "type", "id"):
            return self.known[name] if is_known else {"s": UNKNOWN_UUID, "t": 1 << 40}[signature]
        if name == "name":
            return self.known["parent"] if is_known else UNKNOWN_UUID
        if name == "start":
            return "manual"
        if name == "attributes":
            return [["setting", "value"]]
        if name == "changes":
            return {"start": Variant("s", "manual")}
        if name == "set_aside":
            return True
        if name == "options":
            return {}
        raise KeyError(f"no value for the argument {name} {signature}: give it one in {__file__}")


def _calls_of(path, interface, method, arguments, properties):
    name, member = interface.get("name"), method.get("name")
    inputs = [(arg.get("name"), arg.get("type")) for arg in method.findall("arg") if arg.get("direction") != "out"]
    signature = "".join(type for _, type in inputs)
    label = f"{name.rsplit('.', 1)[1]}.{member}"

    if name == "org.freedesktop.DBus.Properties":
        for owner, property in properties if member == "Get" else sorted({(owner, None) for owner, _ in properties}):
            if member == "Get":
                yield f"{label}({property})", Call(path, name, member, signature, (owner, property))
            elif member == "GetAll":
                yield f"{label}({owner.rsplit('.', 1)[1]})", Call(path, name, member, signature, (owner,))
    elif not inputs:
        yield label, Call(path, name, member)
    else:
        known, unknown = (tuple(arguments.value(*pair, is_known) for pair in inputs) for is_known in (True, False))
        yield f"{label}(known)", Call(path, name, member, signature, known)
        if unknown != known:
            yield f"{label}(unknown)", Call(path, name, member, signature, unknown)


def _try(connection, name, call):
    """None where the bus does not deliver it."""
    data = connection.call(call)
    answer = decode(data) if data[1] == ERROR else None
    if answer and answer.sender == "org.freedesktop.DBus":
        return None
    return Tried(name, call, len(data), answer is not None, answer is not None and answer.error_name in REFUSALS,
                 answer is None and b"\x08\x01g\x00\x01h" in data[:200])


def collect(uid, known):
    """All of them, by their names: member, object, arguments."""
    root, connection = Connection(), Connection(uid)
    found = {}
    for path, node in list(_walk(root)):
        interfaces = node.findall("interface")
        properties = [(interface.get("name"), property.get("name"))
                      for interface in interfaces for property in interface.findall("property")]
        where = "/".join(path.removeprefix(ROOT).split("/")[:2]) + ("/*" if path.count("/") > 3 else "")
        for interface in interfaces:
            for method in interface.findall("method"):
                for label, call in _calls_of(path, interface, method, _Arguments(known), properties):
                    name = label if interface.get("name") == MANAGER else f"{label}{'@' if where else ''}{where}"
                    tried = _try(connection, name, call)
                    if tried:
                        found[name] = tried
    root.close()
    connection.close()
    return found
