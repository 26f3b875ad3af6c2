# SPDX-License-Identifier: LGPL-2.1-or-later
"""Files that are no definitions: how they are made, and what is to be said of them."""

import os
import pathlib
import socket

from definitions import STORE, definition, listed, text_of


def symlink(path):
    target = pathlib.Path("/run/elsewhere")
    target.write_text(text_of())
    path.symlink_to(target)


def hard_link(path):
    (STORE / ".other").unlink(missing_ok=True)
    (STORE / ".other").write_text(text_of())
    os.link(STORE / ".other", path)


def bound_socket(path):
    with socket.socket(socket.AF_UNIX) as server:
        # A path of its own: that of a UNIX socket is short.
        os.symlink(path.parent, "/run/s")
        server.bind(f"/run/s/{path.name}")
        os.unlink("/run/s")


MALFORMED = {
    "empty": (lambda path: path.write_text(""), "line 1: "),
    "not JSON": (lambda path: path.write_text("{\n  \"mdev_type\": \"mtty-1\",\n  oops\n}"), "line 3: "),
    "cut short": (lambda path: path.write_text(text_of()[:-5]), "line 1: "),
    "not UTF-8": (lambda path: path.write_bytes(b'{"mdev_type": "mtty-1",\n"start": "auto", "x": "\xff\xfe"}'),
                  "line 2: "),
    "NUL": (lambda path: path.write_bytes(text_of().encode() + b"\0"), "line 1: "),
    "a list": (lambda path: path.write_text("[]"), ""),
    "no type": (lambda path: path.write_text('{"start": "auto"}'), ""),
    "no start": (lambda path: path.write_text('{"mdev_type": "mtty-1"}'), ""),
    "a type that is a number": (lambda path: path.write_text('{"mdev_type": 1, "start": "auto"}'), ""),
    "attributes that are none": (lambda path: path.write_text('{"mdev_type":"mtty-1","start":"auto","attrs":[1]}'), ""),
    "an attribute that leaves": (lambda path: path.write_text(text_of(attributes=[("../x", "1")])), "attribute"),
    "a type that leaves": (lambda path: path.write_text(text_of("../mtty-1")), "type"),
    "huge": (lambda path: path.write_bytes(text_of().encode() + b" " * 100_000_000), "64 KiB"),
    "deep": (lambda path: path.write_text('{"x":' + "[" * 30000 + "]" * 30000 + "}"), "line 1: "),
    "a symbolic link": (symlink, "symbolic link"),
    "a dangling link": (lambda path: path.symlink_to("/run/nothing"), "symbolic link"),
    "a loop": (lambda path: path.symlink_to(path), "symbolic link"),
    "a FIFO": (os.mkfifo, "not a regular file"),
    "a socket": (bound_socket, "not a regular file"),
    "a device": (lambda path: os.mknod(path, 0o20600, os.makedev(1, 5)), "not a regular file"),
    "a directory": (lambda path: path.mkdir(), "not a regular file"),
    "a hard link": (hard_link, "hard link"),
}

WRONG_NAMES = ["README", "83B8F4F2-509F-382F-3C1E-E6BFE0FA1001", "83b8f4f2-509f-382f-3c1e-e6bfe0fa10", "a b", "é",
               "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001~", "x" * 255]


def assert_invalid(host, name, reason):
    shown = definition(host, name)
    assert shown["Valid"] is False and reason in shown["Error"][1] and shown["UUID"] == name
    assert (shown["Type"], shown["StartMode"], shown["Attributes"], shown["StartState"]) == ("", "", [], "none")
    assert listed(host)[name, "mtty"] == ("", "", False)
    file = f"/etc/mdevctl.d/mtty/{name}"
    lines = [line for line in host.log().splitlines() if f"{file}: " in line]
    assert len(lines) == 1 and lines[0].endswith(f"{file}: {shown['Error'][1]}")


# Names of attributes that leave the device's directory, are none of the driver's, or are no names.
HOSTILE_ATTRIBUTES = {
    "empty": "", "slash": "/", "absolute": "/etc/x", "absolute in sysfs": "/sys/power/state",
    "dot": ".", "dots": "..", "up": "../x", "up twice": "../../x", "up to remove": "../remove",
    "up at the end": "setting/..", "up in between": "a/../../x", "up and down": "vendor/../setting",
    "up to uevent": "a/../uevent", "dot first": "./setting", "dot last": "a/.", "double slash": "a//b",
    "trailing slash": "setting/",
    "remove": "remove", "uevent": "uevent", "power": "power", "below power": "power/control", "driver": "driver",
    "unbind": "driver/unbind", "override": "driver_override", "create": "mdev_type/create", "subsystem": "subsystem/x",
    "group": "iommu_group/x", "vfio": "vfio-dev/vfio0/x", "consumer": "consumer:x", "supplier": "supplier:x",
    "5 kB": "x" * 5000, "long component": "vendor/" + "x" * 256, "many components": "/".join(["x"] * 600),
    # What the reply quotes of it is cut within a character.
    "long characters": "x" + "\u6f22" * 400,
    "newline": "set\nting", "escape": "set\x1bting", "control": "set\x01ting",
}
