# SPDX-License-Identifier: LGPL-2.1-or-later
"""swap.py COUNT [SEED]: a random sequence of operations, each by mediated or by Debian's mdevctl, on the host it runs
in (a simulated one, or a guest with a real kernel). Every one has to succeed or fail as the state asks for, whoever
made that state; in between and at the end both have to list the same. Prints what was done; fails at the first
difference."""

import collections
import json
import os
import pathlib
import random
import subprocess
import sys
import time
import uuid as uuids

# Another program may be installed under this name; this one is Debian's.
MDEVCTL = os.environ.get("REFERENCE_MDEVCTL", "/usr/bin/mdevctl")
MANAGER = ["org.mediated1", "/org/mediated1", "org.mediated1.Manager"]
TYPES = [("mtty", "mtty-1"), ("mtty", "mtty-2"), ("mbochs", "mbochs-small")]
N_UUIDS = 4
CHECK_EVERY = 50

# inotify tells mediated of what mdevctl did; its listing may be that late.
NOTICED_SECONDS = 2


def run(*command, stdin=""):
    """Whether it succeeded, and what it printed."""
    result = subprocess.run(command, check=False, capture_output=True, text=True, input=stdin, timeout=60)
    return result.returncode == 0, result.stdout if result.returncode == 0 else result.stderr


def call(member, *arguments):
    return run("busctl", "--json=short", "--", "call", *MANAGER, member, *map(str, arguments))


def pairs(attributes):
    return [len(attributes), *(word for pair in attributes for word in pair)]


class Ours:
    """mediated, over D-Bus."""

    name = "mediated"

    @staticmethod
    def define(uuid, parent, mdev_type, start, attributes):
        return call("Define", "ssssa(ss)a{sv}", uuid, parent, mdev_type, start, *pairs(attributes), 0)

    @staticmethod
    def set_type(uuid, parent, mdev_type, _):
        return call("Modify", "ssa{sv}a{sv}", uuid, parent, 1, "type", "s", mdev_type, 0)

    @staticmethod
    def set_start(uuid, parent, start):
        return call("Modify", "ssa{sv}a{sv}", uuid, parent, 1, "start", "s", start, 0)

    @staticmethod
    def add_attribute(uuid, parent, name, value):
        return call("Modify", "ssa{sv}a{sv}", uuid, parent, 1, "add-attributes", "a(iss)", 1, -1, name, value, 0)

    @staticmethod
    def remove_attribute(uuid, parent):
        return call("Modify", "ssa{sv}a{sv}", uuid, parent, 1, "remove-attributes", "ai", 1, -1, 0)

    @staticmethod
    def undefine(uuid, parent):
        return call("Undefine", "ssa{sv}", uuid, parent, 0)

    @staticmethod
    def start(uuid, parent):
        return call("StartDevice", "ssa{sv}", uuid, parent, 0)

    @staticmethod
    def stop(uuid):
        return call("StopDevice", "sa{sv}", uuid, 0)

    @staticmethod
    def definitions():
        good, answer = run("busctl", "--json=short", "call", MANAGER[0], MANAGER[1],
                           "org.freedesktop.DBus.ObjectManager", "GetManagedObjects")
        assert good, answer
        result = {}
        for interfaces in json.loads(answer)["data"][0].values():
            properties = interfaces.get("org.mediated1.Definition")
            if properties:
                parent, uuid, mdev_type, start, attributes = (
                    properties[name]["data"] for name in ("ParentName", "UUID", "Type", "StartMode", "Attributes"))
                result[parent, uuid] = (mdev_type, start, [tuple(pair) for pair in attributes])
        return result

    @staticmethod
    def devices():
        return {row[0]: (row[1], row[2]) for row in json.loads(call("ListDevices")[1])["data"][0]}


class Mdevctl:
    """Debian's mdevctl."""

    name = "mdevctl"

    @staticmethod
    def define(uuid, parent, mdev_type, start, attributes):
        definition = {"mdev_type": mdev_type, "start": start, "attrs": [{name: value} for name, value in attributes]}
        return run(MDEVCTL, "define", "-u", uuid, "-p", parent, "--jsonfile", "/dev/stdin",
                   stdin=json.dumps(definition))

    @staticmethod
    def set_type(uuid, parent, mdev_type, start):
        # A type alone is no change to mdevctl 1.4.
        return run(MDEVCTL, "modify", "-u", uuid, "-p", parent, "-t", mdev_type, f"--{start}")

    @staticmethod
    def set_start(uuid, parent, start):
        return run(MDEVCTL, "modify", "-u", uuid, "-p", parent, f"--{start}")

    @staticmethod
    def add_attribute(uuid, parent, name, value):
        return run(MDEVCTL, "modify", "-u", uuid, "-p", parent, "--addattr", name, "--value", value)

    @staticmethod
    def remove_attribute(uuid, parent):
        return run(MDEVCTL, "modify", "-u", uuid, "-p", parent, "--delattr")

    @staticmethod
    def undefine(uuid, parent):
        return run(MDEVCTL, "undefine", "-u", uuid, "-p", parent)

    @staticmethod
    def start(uuid, parent):
        return run(MDEVCTL, "start", "-u", uuid, "-p", parent)

    @staticmethod
    def stop(uuid):
        return run(MDEVCTL, "stop", "-u", uuid)

    @staticmethod
    def _listed(*options):
        good, answer = run(MDEVCTL, "list", "--dumpjson", *options)
        assert good, answer
        return [(parent, uuid, definition) for parents in json.loads(answer) for parent, list_of in parents.items()
                for devices in list_of for uuid, definition in devices.items()]

    @classmethod
    def definitions(cls):
        return {(parent, uuid): (definition["mdev_type"], definition["start"],
                                 [pair for attribute in definition.get("attrs", []) for pair in attribute.items()])
                for parent, uuid, definition in cls._listed("--defined")}

    @classmethod
    def devices(cls):
        # Of an active device that is defined, mdevctl 1.2 shows the type of the definition. The kernel knows better.
        return {uuid: (parent, pathlib.Path(f"/sys/bus/mdev/devices/{uuid}/mdev_type").resolve().name)
                for parent, uuid, _ in cls._listed()}


class Swap:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.uuids = [str(uuids.UUID(int=self.random.getrandbits(128), version=4)) for _ in range(N_UUIDS)]
        self.definitions = {}
        self.devices = {}
        self.log = []
        self.done = collections.Counter()

    def tell(self):
        print("the last operations:", *self.log[-12:], sep="\n    ")

    def expect(self, tool, expected, member, *arguments):
        """Does it by that tool; the state has to decide whether it succeeds."""
        good, answer = getattr(tool, member)(*arguments)
        self.log.append(f"{tool.name} {member} {arguments}: {'ok' if good else answer.strip()}")
        self.done[f"{tool.name}.{'ok' if good else 'failed'}"] += 1
        assert good == expected, f"should have {'succeeded' if expected else 'failed'}"

    def define(self, tool, uuid):
        parent, mdev_type = self.random.choice(TYPES)
        start = self.random.choice(["auto", "manual"])
        attributes = [(f"name{i}", f"value {self.random.random()}") for i in range(self.random.choice([0, 0, 1, 3]))]
        self.expect(tool, (parent, uuid) not in self.definitions, "define", uuid, parent, mdev_type, start, attributes)
        self.definitions.setdefault((parent, uuid), (mdev_type, start, attributes))

    def known(self, uuid):
        keys = [key for key in self.definitions if key[1] == uuid]
        return self.random.choice(keys) if keys else None

    def modify(self, tool, uuid):
        key = self.known(uuid)
        if not key:
            self.expect(tool, False, "set_start", uuid, "mtty", "auto")
            return
        mdev_type, start, attributes = self.definitions[key]
        what = self.random.choice(["set_type", "set_start", "add_attribute", "remove_attribute"])
        if what == "set_type":
            mdev_type = self.random.choice([t for parent, t in TYPES if parent == key[0]])
            self.expect(tool, True, what, uuid, key[0], mdev_type, start)
        elif what == "set_start":
            start = self.random.choice(["auto", "manual"])
            self.expect(tool, True, what, uuid, key[0], start)
        elif what == "add_attribute":
            attributes = [*attributes, (f"added{len(attributes)}", str(self.random.random()))]
            self.expect(tool, True, what, uuid, key[0], *attributes[-1])
        elif attributes:
            attributes = attributes[:-1]
            self.expect(tool, True, what, uuid, key[0])
        self.definitions[key] = (mdev_type, start, attributes)

    def undefine(self, tool, uuid):
        key = self.known(uuid) or ("mtty", uuid)
        self.expect(tool, key in self.definitions, "undefine", uuid, key[0])
        self.definitions.pop(key, None)

    def start(self, tool, uuid):
        key = self.known(uuid)
        # Attributes are made up; a device that has some does not start, by either.
        if not key or self.definitions[key][2]:
            return
        device = (key[0], self.definitions[key][0])
        already = self.devices.get(uuid)
        # To mediated a definition that is active is started already, whatever its type was.
        self.expect(tool, not already or (tool is Ours and already[0] == key[0]), "start", uuid, key[0])
        self.devices.setdefault(uuid, device)

    def stop(self, tool, uuid):
        self.expect(tool, uuid in self.devices, "stop", uuid)
        self.devices.pop(uuid, None)

    def step(self):
        tool = self.random.choice([Ours, Mdevctl])
        uuid = self.random.choice(self.uuids)
        operation = self.random.choice([self.define, self.modify, self.modify, self.undefine, self.start, self.stop])
        operation(tool, uuid)

    def compare(self):
        end = time.monotonic() + NOTICED_SECONDS
        for tool in (Mdevctl, Ours):
            while (tool.definitions(), tool.devices()) != (self.definitions, self.devices):
                assert time.monotonic() < end, (f"{tool.name} lists {tool.definitions()} {tool.devices()}, "
                                                f"there should be {self.definitions} {self.devices}")
                time.sleep(0.05)

    def clean_up(self):
        for uuid in list(self.devices):
            self.stop(self.random.choice([Ours, Mdevctl]), uuid)
        for parent, uuid in list(self.definitions):
            self.expect(self.random.choice([Ours, Mdevctl]), True, "undefine", uuid, parent)
            del self.definitions[parent, uuid]
        self.compare()
        left = [path for path in pathlib.Path("/etc/mdevctl.d").rglob("*") if not path.is_dir()]
        assert not left, f"left in the store: {left}"


def main():
    count = int(sys.argv[1])
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(1 << 32)
    print(f"seed {seed}")
    swap = Swap(seed)
    try:
        for step in range(count):
            swap.step()
            if step % CHECK_EVERY == CHECK_EVERY - 1:
                swap.compare()
        swap.compare()
        swap.clean_up()
    except AssertionError:
        swap.tell()
        raise
    print(*(f"{name} {number}" for name, number in sorted(swap.done.items())), sep="\n")


main()
