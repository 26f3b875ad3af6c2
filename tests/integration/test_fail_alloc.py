# SPDX-License-Identifier: LGPL-2.1-or-later
"""Allocations fail, in the daemon and in its workers: our own, json-c's, libsystemd's and the C library's.

While one request after the other is made, one allocation fails: each that comes from another place, of which a part is
chosen; with MEDIATED_LONG each that there is, alone and together with the nine after it. Whichever it is: no process
crashes and nothing leaks, every call is answered, what is answered is true, nothing is half made, and the next request
works."""

import contextlib
import os
import time

import pytest
from bus import REPLY_SECONDS, Error
from definitions import LONG, STORE, begin_undefine, listed
from fail_alloc import Allocations, environment, first_of_each, spread
from fail_alloc_requests import PARENTS, REQUESTS, STRANGER
from host import SANITIZER, Host, build_option, is_sanitized

pytestmark = pytest.mark.skipif(not build_option("fault_points"), reason="SKIP: not in this build; meson configure "
                                "-Dfault_points=true BUILD puts them in")

DAEMON, WORKER = "mediated", "mediated-worker"

# So many of a request's allocations fail without MEDIATED_LONG; more where a sanitizer looks on.
CHOSEN = int(os.environ.get("MEDIATED_ALLOCATIONS", "6" if is_sanitized() else "2"))

# Of these all that are in the daemon: a job that waits outside its queue had been forgotten on the way out.
WHOLE = ["start_waiting"]

# From when no more allocations are made one will not fail; how long what follows an answer takes.
QUIET_SECONDS = 0.05
AFTER_SECONDS = 0.2

# When a call counts as not answered while many allocations fail in a row.
UNANSWERED_SECONDS = 3

# What a caller hears when the daemon has ended.
LOST = ("org.freedesktop.DBus.Error.NoReply", "org.freedesktop.DBus.Error.Disconnected")
NOT_THERE = ("org.freedesktop.DBus.Error.ServiceUnknown", "org.freedesktop.DBus.Error.NameHasNoOwner")

# And where the report of the worker that wrote a definition is lost.
UNCERTAIN = "the old or the new one is stored. Check which, and try again"

# And where memory stays short while the answer is made.
UNSAID = ("The job is done, but its answer could not be sent", "The reason could not be sent")

ENDING = "Failed to answer a caller, ending"

# Of what was walked already, by program: other requests come by the same places.
_seen = {DAEMON: set(), WORKER: set()}


class Walk:
    def __init__(self, host, allocations, name):
        self.host = host
        self.allocations = allocations
        self.name = name
        self.request = REQUESTS[name]
        self.ended = []
        self.unanswered = 0
        self.answers = {True: 0, False: 0, None: 0}

    def _wait_quiet(self, seconds):
        count, since = self.allocations.count, time.monotonic()
        while time.monotonic() - since < seconds and not self._is_over():
            self.host.sleep(0.002)
            if self.allocations.count != count:
                count, since = self.allocations.count, time.monotonic()

    def _is_over(self):
        return self.allocations.over

    def _outcome(self, call, in_a_row):
        """Whether it is done; None: nobody was told."""
        if call is None:
            return None
        try:
            call.result(UNANSWERED_SECONDS if in_a_row > 1 else REPLY_SECONDS)
        except AssertionError:
            # libsystemd does not say when it could not send the error that a method has returned.
            assert in_a_row > 1, "not answered"
            self.unanswered += 1
            return None
        except Error as error:
            is_unsaid = in_a_row > 1 and error.text in UNSAID
            return None if error.name in LOST + NOT_THERE or UNCERTAIN in error.text or is_unsaid else False
        return True

    def _wait_daemon(self, pid, mark):
        """The same one, or the next one after it has ended with a word. Returns whether it is another."""
        with contextlib.suppress(FileNotFoundError):
            if self.host.daemon_pid() == pid and ENDING not in self.host.log()[mark:]:
                return False
        self.host.wait_ready(pid, 30)
        return True

    def step(self, number, in_a_row=1):
        host = self.host
        begin, check = self.request(host)
        pid, mark = host.daemon_pid(), len(host.log())
        if number is None:
            self.allocations.record()
        else:
            self.allocations.fail(number, in_a_row)
        try:
            done = self._outcome(begin(), in_a_row)
            self._wait_quiet(AFTER_SECONDS if number is None else QUIET_SECONDS)
            self.allocations.stop()
            self.answers[done] += 1
            if self._wait_daemon(pid, mark):
                self.ended.append(number)
                assert ENDING in host.log()[mark:], "the daemon has ended without a word"
            host.wait_idle(30)
            check(done)
            self.clean_up()
            found = SANITIZER.search(host.log()[mark:])
            assert not found, found.group()
        except BaseException:
            self.allocations.stop()
            print(f"--- {self.allocations.program}, {self.name}: allocation {number} and {in_a_row - 1} more:\n"
                  f"{host.log()[mark:]}---")
            raise

    def clean_up(self):
        host = self.host
        for uuid in host.states():
            if uuid != STRANGER:
                host.stop(uuid)
        for path in STORE.glob("*/*"):
            if len(path.name) == 36:
                path.unlink()
        host.eventually(lambda: not listed(host), 10, "the end of the definitions")

    def run(self):
        self.step(None)
        stacks = self.allocations.stacks()
        new = first_of_each(stacks, _seen[self.allocations.program])
        numbers = range(1, len(stacks) + 1) if LONG else spread(new, 1000 if self.name in WHOLE else CHOSEN)
        for in_a_row in (1, 10) if LONG else (1,):
            for i, number in enumerate(numbers):
                self.step(number, in_a_row)
                if i % 50 == 49:
                    self.host.check_sane()
        self.host.check_sane()
        print(f"{self.allocations.program}, {self.name}: {len(stacks)} allocations, {len(new)} from new places; "
              f"failed: {list(numbers)}; done {self.answers[True]}, refused {self.answers[False]}, "
              f"not told {self.answers[None]}; unanswered {self.unanswered}; ended at {self.ended}")


# A log of all would be larger than what is read of it.
@pytest.mark.seconds(36000 if LONG else 300)
@pytest.mark.parametrize("names", [[name] for name in REQUESTS] if LONG else [list(REQUESTS)])
@pytest.mark.parametrize("program", [DAEMON, WORKER])
def test_requests(program, names, tmp_path):
    allocations = Allocations(tmp_path, program)
    with Host(parents=PARENTS, environment=environment(tmp_path)) as host:
        host.raw_create(STRANGER, parent="full", type="full-1")
        host.check_sane()
        for name in names:
            Walk(host, allocations, name).run()
