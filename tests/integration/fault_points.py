# SPDX-License-Identifier: LGPL-2.1-or-later
"""The fault points of the daemon and its workers: which there are, how to prepare faults, and a tour that
comes by all of them."""

import contextlib
import os
import pathlib
import re

from bus import Error
from definitions import STORE, begin_define, begin_modify, begin_start, begin_undefine, contents, listed, put, text_of
from host import DEVICES, SOURCE, new_uuid, read

FAULTS = pathlib.Path("/run/faults")
ENVIRONMENT = {"MEDIATED_FAULT_POINTS": str(FAULTS)}

# A parent with one instance, which a stranger has; and one that registers in the midst of the tour.
PARENTS = ["mtty:mtty-1=24", "full:full-1=1", "late:late-1=1"]

ATTRIBUTES = [("setting", "x"), ("vendor/plugin", "y")]

LOST = ("org.freedesktop.DBus.Error.NoReply", "org.freedesktop.DBus.Error.Disconnected")
NOT_THERE = ("org.freedesktop.DBus.Error.ServiceUnknown", "org.freedesktop.DBus.Error.NameHasNoOwner")


def find_points():
    """{name: folder of the program}, as the source has them."""
    found = {}
    for folder in ("common", "daemon", "worker", "client"):
        for path in sorted((SOURCE / folder).rglob("*.c")):
            for name in re.findall(r'FAULT_POINT\("([^"]*)"\)', path.read_text()):
                assert name not in found, f"two fault points are called {name}"
                found[name] = folder
    return found


def prepare(faults):
    """{name: action}"""
    FAULTS.mkdir(exist_ok=True)
    for name, action in faults.items():
        (FAULTS / ".new").write_text(action)
        (FAULTS / ".new").rename(FAULTS / name)


def pending():
    return os.listdir(FAULTS)


class Tour:
    """Every kind of request once. Somebody may die in its midst, so each may be answered with an error; but what is
    acknowledged is true, and what is not has happened as a whole or not at all."""

    def __init__(self, host):
        self.host = host
        self.created, self.refused, self.started = new_uuid(), new_uuid(), new_uuid()
        self.auto = new_uuid()
        put(self.auto, text_of("late-1", "auto", ATTRIBUTES), "late")
        host.eventually(lambda: (self.auto, "late") in listed(host))

    def ask(self, begin):
        """Whether it is done; None when nobody was told."""
        while True:
            try:
                begin().result()
                return True
            except Error as error:
                if error.name not in LOST + NOT_THERE:
                    self.error = error
                    return False
                self.host.wait_ready(seconds=30)
                if error.name in LOST:
                    return None

    def run(self):
        host = self.host
        created = self.ask(lambda: host.begin_create(self.created, attributes=ATTRIBUTES))
        refused = self.ask(lambda: host.begin_create(self.refused, attributes=[*ATTRIBUTES, ("vendor/ro", "z")]))
        assert not refused
        full = self.ask(lambda: host.begin_create(parent="full", type="full-1"))
        assert not full
        defined = self.ask(lambda: begin_define(host, self.started, attributes=ATTRIBUTES[:1]))
        modified = self.ask(lambda: begin_modify(host, self.started, "mtty", attributes=ATTRIBUTES))
        started = self.ask(lambda: begin_start(host, self.started))
        self.register_late()
        # The daemon may die in the midst of it, and could not be asked for anything else.
        self.wait_autostarted()
        self.wait_idle()

        self.check_device(self.created, created)
        self.check_device(self.refused, False)
        self.check_device(self.started, started)
        self.check_definition(defined, modified)

    def end(self):
        """Undoes it, and comes by the rest of the points."""
        host = self.host
        for uuid in (self.created, self.started, self.auto):
            there = uuid in host.states()
            stopped = self.ask(lambda uuid=uuid: host.begin_stop(uuid))
            self.wait_idle()
            assert uuid not in host.states() if stopped else stopped is None or not there or uuid in host.states()
            if uuid in host.states():
                host.stop(uuid)
        undefined = self.ask(lambda: begin_undefine(host, self.started, "mtty"))
        self.wait_idle()
        assert not (undefined and (STORE / "mtty" / self.started).exists())
        for parent, uuid in (("mtty", self.started), ("late", self.auto)):
            (STORE / parent / uuid).unlink(missing_ok=True)

    def wait_idle(self):
        """Also of a daemon that is just dying: a signal takes its time."""
        def is_idle():
            with contextlib.suppress(Error):
                return self.host.is_idle()
            return False
        self.host.eventually(is_idle, 30, "the end of the jobs")

    def register_late(self):
        self.host.simctl("remove-parent", "late")
        self.host.simctl("add-parent", "late:late-1=1")

    def wait_autostarted(self):
        """However it was interrupted."""
        def is_started():
            with contextlib.suppress(Error):
                return self.host.is_idle() and self.host.states().get(self.auto) == "active"
            return False
        self.host.eventually(is_started, 30, "the device that is to be started with its parent")
        self.assert_configured(self.auto)

    @staticmethod
    def assert_configured(uuid):
        assert read(DEVICES / uuid / "vendor" / "history").splitlines() == [f"{n}={v}" for n, v in ATTRIBUTES]

    def check_device(self, uuid, acknowledged):
        there = uuid in self.host.states()
        assert not acknowledged or there, "acknowledged, but not there"
        assert acknowledged is not False or not there, "refused, but there"
        if there:
            self.assert_configured(uuid)

    def check_definition(self, defined, modified):
        stored = None
        with contextlib.suppress(FileNotFoundError):
            stored = [item for entry in contents(self.started)["attrs"] for item in entry.items()]
        assert stored in (None, ATTRIBUTES[:1], ATTRIBUTES)
        assert not defined or stored is not None
        assert not modified or stored == ATTRIBUTES
