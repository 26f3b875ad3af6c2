# SPDX-License-Identifier: LGPL-2.1-or-later
"""Allocations fail in mediatectl and mdevctl, as in test_fail_alloc.py: no crash, no leak; a status of 0 is true, what
is printed then is all of it, and any other status has a reason on standard error."""

import ctypes
import os
import re
import signal
import subprocess

import pytest
from bus import Error
from ctl import environment
from definitions import LONG, STORE, define, listed
from fail_alloc import Allocations, first_of_each, spread
from fail_alloc import environment as failing
from host import BUILD, DEVICES, SANITIZER, Host, build_option, is_sanitized, new_uuid

pytestmark = pytest.mark.skipif(not build_option("fault_points"), reason="SKIP: not in this build; meson configure "
                                "-Dfault_points=true BUILD puts them in")

# How many of the allocations from new places fail for each command without MEDIATED_LONG: all, but fewer with the slow
# sanitizers.
CHOSEN = int(os.environ.get("MEDIATED_ALLOCATIONS", "4" if is_sanitized() else "1000"))

# What common/fail-alloc.c says.
STACK = re.compile(r"^(fail-alloc: .*|\S+\(.*\) ?\[0x[0-9a-f]+\])\n", re.MULTILINE)
# What asked for the memory: the first that neither is the program nor stands in for an allocator.
ASKER = re.compile(r"^\S*/(?!mediatectl|mdevctl|libasan)([^/\s]+)\(", re.MULTILINE)


TABLES = ("list", "tree", "parents", "types", "jobs", "show")


def smartcols_version():
    text = ctypes.c_char_p()
    ctypes.CDLL("libsmartcols.so.1").scols_get_library_version(ctypes.byref(text))
    return tuple(int(number) for number in text.value.split(b".")[:2])


def failed_in_libsmartcols(done):
    """While it printed, so there was nothing left to do. 2.41, Debian 13's, goes on with a buffer for which it has
    found no memory: it writes to NULL or past the end, or prints null for a cell."""
    asker = ASKER.search(done.stderr)
    return smartcols_version() > (2, 38) and asker and asker[1].startswith("libsmartcols") and \
        "(scols_print_table" in done.stderr and \
        (done.returncode in (0, -signal.SIGSEGV, -signal.SIGABRT) or "ERROR: AddressSanitizer" in done.stderr)


class Command:
    """What is typed, and whether it has been done, None for what changes nothing."""

    def __init__(self, *words, is_done=None):
        self.words = [str(word) for word in words]
        self.is_done = is_done


def is_active(uuid):
    return lambda: (DEVICES / uuid).exists()


def is_gone(uuid):
    return lambda: not (DEVICES / uuid).exists()


def is_defined(host, uuid):
    return lambda: (uuid, "mtty") in listed(host)


def is_undefined(host, uuid):
    return lambda: (uuid, "mtty") not in listed(host)


def is_changed(host, uuid, values):
    return lambda: listed(host)[uuid, "mtty"][:len(values)] == values


def reads(*words):
    return lambda host, device: Command(*words)


def mediatectl_commands():
    def creates(host, device):
        uuid = new_uuid()
        return Command("create", "mtty", "mtty-1", uuid, "setting=x", "vendor/plugin=y", is_done=is_active(uuid))

    def creates_and_defines(host, device):
        uuid = new_uuid()
        return Command("create", "mtty", "mtty-1", uuid, "--auto", is_done=is_defined(host, uuid))

    def starts(host, device):
        uuid = define(host)
        return Command("start", uuid, is_done=is_active(uuid))

    def stops(host, device):
        uuid = host.create()
        return Command("stop", uuid, is_done=is_gone(uuid))

    def stops_several(host, device):
        uuids = [host.create(), host.create()]
        return Command("stop", *uuids, is_done=lambda: all(is_gone(uuid)() for uuid in uuids))

    def defines(host, device):
        uuid = new_uuid()
        return Command("define", "mtty", "mtty-1", uuid, "--auto", "setting=x", is_done=is_defined(host, uuid))

    def modifies(host, device):
        uuid = define(host)
        return Command("modify", uuid, "--type", "mtty-2", "--add", "a=b", is_done=is_changed(host, uuid, ("mtty-2",)))

    def enables(host, device):
        uuid = define(host)
        return Command("enable", uuid, is_done=is_changed(host, uuid, ("mtty-1", "auto")))

    def undefines(host, device):
        uuid = define(host)
        return Command("undefine", uuid, is_done=is_undefined(host, uuid))

    return {
        **{" ".join(words): reads(*words) for words in (
            ["list"], ["list", "--json"], ["list", "-o", "+USER,ERROR", "--json"], ["tree"], ["parents"],
            ["types"], ["types", "mtty", "--json"], ["jobs"], ["show", "mtty"], ["check", "--json"], ["--help"])},
        "show": lambda host, device: Command("show", device),
        "show --json": lambda host, device: Command("show", device, "--json"),
        "create": creates, "create --auto": creates_and_defines, "start": starts, "stop": stops,
        "stop of two": stops_several, "define": defines, "modify": modifies, "enable": enables, "undefine": undefines,
    }


def mdevctl_commands():
    def starts(host, device):
        uuid = new_uuid()
        return Command("start", "-u", uuid, "-p", "mtty", "-t", "mtty-1", is_done=is_active(uuid))

    def stops(host, device):
        uuid = host.create()
        return Command("stop", "-u", uuid, is_done=is_gone(uuid))

    def defines(host, device):
        uuid = new_uuid()
        return Command("define", "-u", uuid, "-p", "mtty", "-t", "mtty-1", is_done=is_defined(host, uuid))

    def modifies(host, device):
        uuid = define(host)
        return Command("modify", "-u", uuid, "-t", "mtty-2", "--addattr", "a", "--value", "b",
                       is_done=is_changed(host, uuid, ("mtty-2",)))

    def undefines(host, device):
        uuid = define(host)
        return Command("undefine", "-u", uuid, is_done=is_undefined(host, uuid))

    return {
        **{" ".join(words): reads(*words) for words in (
            ["list"], ["list", "--defined", "--verbose"], ["list", "--dumpjson"], ["list", "--defined", "--dumpjson"],
            ["types"], ["types", "--dumpjson"])},
        "start": starts, "stop": stops, "define": defines, "modify": modifies, "undefine": undefines,
    }


class Walk:
    def __init__(self, host, directory, program):
        self.host = host
        self.program = program
        self.allocations = Allocations(directory, program)
        self.environment = environment(host, **failing(directory))
        self.seen = set()

    def run(self, command):
        done = subprocess.run([BUILD / "client" / self.program, *command.words], check=False, capture_output=True,
                              text=True, stdin=subprocess.DEVNULL, env=self.environment, timeout=60)
        self.allocations.stop()
        return done

    def walk(self, name, make, device):
        command = make(self.host, device)
        self.allocations.record()
        expected = self.run(command)
        assert expected.returncode in (0, 1) and (command.is_done is None or command.is_done()), expected
        self.clean_up(device)
        stacks = self.allocations.stacks()
        new = first_of_each(stacks, self.seen)
        numbers = range(1, len(stacks) + 1) if LONG else spread(new, CHOSEN)
        failed = 0
        for in_a_row in (1, 10) if LONG else (1,):
            for number in numbers:
                command = make(self.host, device)
                self.allocations.fail(number, in_a_row)
                done = self.run(command)
                failed += self.check(f"{name}, allocation {number}", command, done, expected)
                self.clean_up(device)
        print(f"{self.program} {name}: {len(stacks)} allocations, {len(new)} from new places; failed: {list(numbers)}; "
              f"{failed} with an error")

    def clean_up(self, device):
        """All but that. What a client that has failed had asked for is done or dropped first."""
        self.host.eventually(lambda: not self.host.jobs(), 10, "the end of the jobs")
        for uuid in self.host.states():
            if uuid != device:
                try:
                    self.host.stop(uuid)
                except Error as error:
                    # The bus may pass on late what a dead client has sent.
                    assert error.name == "NoSuchDevice"
        for path in STORE.glob("*/*"):
            if len(path.name) == len(device) and path.name != device:
                path.unlink()
        self.host.eventually(lambda: {uuid for uuid, _ in listed(self.host)} == {device}, 10,
                             "the end of the definitions")

    @staticmethod
    def check(what, command, done, expected):
        if failed_in_libsmartcols(done):
            return 1
        said = STACK.sub("", done.stderr)
        assert done.returncode >= 0 and not SANITIZER.search(done.stderr), (what, done.returncode, done.stderr)
        if done.returncode == expected.returncode and (done.returncode == 0 or done.stdout == expected.stdout):
            assert not command.is_done or command.is_done(), (what, done.stderr)
            # libsmartcols leaves out cells that it finds no memory for, and says nothing; JSON is whole.
            is_table = (command.words[0] in TABLES and "--json" not in command.words and
                        done.args[0].name == "mediatectl")
            assert command.is_done or is_table or done.stdout == expected.stdout, (what, done.stdout, done.stderr)
            return 0
        # Of a check that fails the finding tells.
        assert said or command.words[0] == "check", (what, done.returncode, done.stdout, done.stderr)
        return 1


@pytest.mark.seconds(36000 if LONG else 300)
@pytest.mark.parametrize("program, commands", [("mediatectl", mediatectl_commands()), ("mdevctl", mdevctl_commands())])
def test_commands(program, commands, tmp_path):
    with Host() as host:
        device = define(host, host.create(attributes=[("setting", "x")]), attributes=[("setting", "y")])
        walk = Walk(host, tmp_path, program)
        # What the daemon makes at the first question it keeps; what it knows of instances comes a moment later.
        walk.run(Command("list"))
        host.check_sane()
        host.eventually(lambda: host.available("mtty", "mtty-1") == 23)
        failures = []
        for name, make in commands.items():
            try:
                walk.walk(name, make, device)
            except AssertionError as error:
                failures.append(name)
                print(f"FAILED {error}".replace("\\n", "\n"))
                walk.clean_up(device)
        assert not failures, failures
        host.check_sane()
