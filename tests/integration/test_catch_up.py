# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whoever has changed a file of the store and asks then is told of the change."""

import os
import shutil
import signal

import pytest
from bus import MANAGER, ROOT
from definitions import LONG, STORE, listed, put, text_of
from host import Host, new_uuid

ROUNDS = 1000 if LONG else 100
NOBODY = 65534


@pytest.fixture(name="host", scope="module")
def shared_host():
    with Host() as host:
        yield host


def replace(uuid, type):
    """At once: a file that is half written is told as it was before."""
    (STORE / "mtty").mkdir(exist_ok=True)
    (STORE / ".new").write_text(text_of(type=type))
    os.rename(STORE / ".new", STORE / "mtty" / uuid)


def test_a_file_that_was_written(host):
    """In place, by rename, again, and removed; each is told by the next answer, and no earlier change is lost by it."""
    uuid, other = new_uuid(), new_uuid()
    for i in range(ROUNDS):
        start = ("auto", "manual")[i % 2]
        put(uuid, text_of(start=start, type=f"mtty-{i}"))
        assert listed(host) == {(uuid, "mtty"): (f"mtty-{i}", start, False)}
        replace(other, f"new-{i}")
        assert listed(host)[other, "mtty"] == (f"new-{i}", "auto", False)
        (STORE / "mtty" / other).unlink()
        assert list(listed(host)) == [(uuid, "mtty")]
    (STORE / "mtty" / uuid).unlink()


def test_a_new_directory(host):
    for i in range(ROUNDS):
        uuid = new_uuid()
        put(uuid, text_of(), parent=f"parent-{i}")
        assert list(listed(host)) == [(uuid, f"parent-{i}")]
        shutil.rmtree(STORE / f"parent-{i}")
        assert not listed(host)


def test_many_callers(host):
    """Those that ask while others wait do not get an answer that is older than their question."""
    buses = [host.new_bus(NOBODY) for _ in range(8)]
    uuid = new_uuid()
    for i in range(ROUNDS // 10):
        replace(uuid, f"mtty-{i}")
        earlier = [bus.begin(ROOT, MANAGER, "ListDefinitions") for bus in buses for _ in range(4)]
        replace(uuid, f"later-{i}")
        later = [bus.begin(ROOT, MANAGER, "ListDefinitions") for bus in buses for _ in range(4)]
        assert {call.result()[0][2] for call in earlier} <= {f"mtty-{i}", f"later-{i}"}
        assert {call.result()[0][2] for call in later} == {f"later-{i}"}
    (STORE / "mtty" / uuid).unlink()
    for bus in buses:
        bus.close()
        host.buses.remove(bus)


def begin_one_that_waits(host):
    """Nobody's definitions, but inotify tells of them, and the call waits behind all of that. It has ended already when
    this process did not get the processor for so long."""
    host.kill(host.daemon_pid(), sig=signal.SIGSTOP)
    for i in range(8000):
        put(f".hidden-{i % 2}", "")
    call = host.begin("ListDefinitions")
    host.kill(host.daemon_pid(), sig=signal.SIGCONT)
    host.property("DefinitionCount")
    return call


def test_a_call_that_comes_while_another_waits(host):
    """What was written between the two is told by the second answer."""
    uuid = new_uuid()
    put(uuid, text_of(type="before"))
    assert listed(host)[uuid, "mtty"][0] == "before"
    for i in range(20):
        first = begin_one_that_waits(host)
        waits = not first.done
        replace(uuid, f"between-{i}")
        second = host.begin("ListDefinitions")
        first.result()
        assert [row[2] for row in second.result()] == [f"between-{i}"]
        if waits:
            break
    assert waits
    shutil.rmtree(STORE / "mtty")


def test_a_caller_that_leaves(host):
    """Its call is dropped; whatever were kept of it LeakSanitizer would find."""
    for _ in range(ROUNDS):
        bus = host.new_bus(NOBODY)
        put(new_uuid(), text_of())
        for _ in range(4):
            bus.begin(ROOT, MANAGER, "ListDefinitions")
        bus.close()
        host.buses.remove(bus)
    assert len(listed(host)) == ROUNDS
    shutil.rmtree(STORE / "mtty")


def test_a_writer_that_never_rests(host):
    """It holds up nobody, and what was written before is told."""
    uuid = new_uuid()
    (STORE / "mtty").mkdir()
    writer = host.start(f"while :; do echo '{{' >{STORE}/mtty/$((RANDOM % 100)); done")
    for i in range(ROUNDS):
        put(uuid, text_of(type=f"mtty-{i}"))
        assert listed(host)[uuid, "mtty"][0] == f"mtty-{i}"
    writer.kill()
    writer.wait()
    shutil.rmtree(STORE / "mtty")
