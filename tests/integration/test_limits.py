# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a connection can have, and that one that takes all it can get does not keep others waiting; see LIMITS in
mediated(8)."""

import signal
import time

import pytest
from bus import MANAGER, NAME, OBJECT_MANAGER, ROOT
from dbus_next import Message, MessageFlag
from definitions import Journal, begin_define, begin_modify, begin_undefine, put_many, resident_kib
from host import Host, is_sanitized, new_uuid
from polkit import DAEMON, NOBODY, SILENT, YES, Polkit

CALLS = 100


def fill_store(host, count):
    """So many valid definitions."""
    put_many(count)
    host.eventually(lambda: host.property("DefinitionCount") == count, 30)


def test_workers_are_shared_by_connections():
    """Somebody's single job comes when the first worker is free, however many others wait."""
    with Host(parents=["mtty:mtty-1=300"], create_delay=500) as host:
        greedy = [host.new_bus() for _ in range(2)]
        creates = [host.begin_create(bus=bus) for bus in greedy for _ in range(CALLS)]
        host.begin_create(bus=host.new_bus()).result()
        assert sum(create.done for create in creates) < 2 * CALLS - 32
        for create in creates:
            create.result()


def number_of(call):
    """Of its answer among all that mediated has sent."""
    call.wait()
    return call.task.result().serial


def test_calls_are_handled_in_turns():
    with Host() as host:
        fill_store(host, 2000)
        bus = host.new_bus()
        # All are there before the first is handled.
        host.kill(host.daemon_pid(), sig=signal.SIGSTOP)
        lists = [host.begin("ListDefinitions") for _ in range(CALLS)]
        host.sleep(0.5)
        other = host.begin("GetParent", "s", "mtty", bus=bus)
        host.sleep(0.5)
        host.kill(host.daemon_pid(), sig=signal.SIGCONT)
        assert sum(number_of(call) < number_of(other) for call in lists) < CALLS / 10
        assert all(len(call.result()) == 2000 for call in lists)


def test_calls_of_one_connection_stay_in_order():
    with Host() as host:
        ended = []
        calls = [host.begin("ListDevices" if i % 2 else "GetParent", *([] if i % 2 else ["s", "mtty"]))
                 for i in range(CALLS)]
        for i, call in enumerate(calls):
            call.task.add_done_callback(lambda _, i=i: ended.append(i))
        for call in calls:
            call.result()
        assert ended == list(range(CALLS))


DEFINITIONS = 16384


def test_definitions():
    with Host() as host:
        fill_store(host, DEFINITIONS - 1)
        Polkit(host, lambda check: YES)
        bus = host.new_bus(NOBODY)
        uuid = new_uuid()
        begin_define(host, uuid, bus=bus).result()
        error = begin_define(host, new_uuid(), bus=bus).error()
        assert error.name == "LimitsExceeded" and str(DEFINITIONS) in error.text and "undefine" in error.text
        begin_modify(host, uuid, start="auto", bus=bus).result()
        assert begin_define(host, uuid, bus=bus).error().name == "AlreadyDefined"
        # Root may, by a file or by asking. Everything is listed.
        put_many(1, "mbochs")
        begin_define(host, new_uuid()).result()
        host.eventually(lambda: host.property("DefinitionCount") == DEFINITIONS + 2)
        assert len(host.call("ListDefinitions")) == DEFINITIONS + 2
        for row in host.call("ListDefinitions")[:3]:
            begin_undefine(host, row[0], row[1]).result()
        begin_define(host, new_uuid(), bus=bus).result()


def test_answers_that_the_bus_does_not_take():
    """It would disconnect the daemon, whoever asks."""
    with Host() as host:
        daemon = host.daemon_pid()
        bus = host.new_bus(NOBODY)

        def objects():
            return bus.begin(ROOT, OBJECT_MANAGER, "GetManagedObjects")

        large = {"attributes": [("setting", "x" * 4000)] * 15}
        put_many(450, **large)
        host.eventually(lambda: host.property("DefinitionCount") == 450, 30)
        assert len(objects().result(30)) > 450
        put_many(150, **large)
        host.eventually(lambda: host.property("DefinitionCount") == 600, 30)
        error = objects().error(30)
        assert error.name == "LimitsExceeded" and "/etc/mdevctl.d" in error.text
        assert len(bus.begin(ROOT, MANAGER, "ListDefinitions").result()) == 600

        # Root's editor may do that.
        long = "-" * 200
        put_many(30000, long, type=long)
        host.eventually(lambda: host.property("DefinitionCount") == 30600, 60)
        for call in (bus.begin(ROOT, MANAGER, "ListDefinitions"),
                     bus.begin(ROOT, "org.freedesktop.DBus.Introspectable", "Introspect")):
            error = call.error(30)
            assert error.name == "LimitsExceeded" and "/etc/mdevctl.d" in error.text
        assert host.daemon_pid() == daemon


def ask_and_do_not_read(host):
    """Twenty connections, until the bus takes no more answers for them."""
    put_many(3000, attributes=[("setting", "x" * 4000)])
    host.eventually(lambda: host.property("DefinitionCount") == 3000, 30)
    connections = [host.new_bus(NOBODY) for _ in range(20)]
    for bus in connections:
        bus.stop_reading()
        for _ in range(20):
            bus.begin(ROOT, OBJECT_MANAGER, "GetManagedObjects")
            bus.begin(ROOT, MANAGER, "ListDefinitions")
    host.sleep(5)
    return connections


def test_connections_that_do_not_read():
    """What the bus does not take of the answers would be kept by the daemon."""
    with Host() as host:
        connections = ask_and_do_not_read(host)
        if not is_sanitized():
            assert resident_kib(host.daemon_pid()) < 200 * 1024
        for bus in connections:
            bus.close()
            host.buses.remove(bus)
        assert len(host.new_bus(NOBODY).begin(ROOT, OBJECT_MANAGER, "GetManagedObjects").result()) > 3000


def test_stop_beside_connections_that_do_not_read():
    with Host() as host:
        ask_and_do_not_read(host)
        begin = time.monotonic()
        host.simctl("daemon", "stop")
        assert time.monotonic() - begin < 5


def test_root_goes_first():
    """However many connections of somebody else have called before."""
    with Host() as host:
        fill_store(host, 100)
        others = [host.new_bus(NOBODY) for _ in range(20)]
        for bus in others:
            host.begin("GetParent", "s", "mtty", bus=bus).result()
        # All are there before the first is handled.
        host.kill(host.daemon_pid(), sig=signal.SIGSTOP)
        lists = [bus.begin(ROOT, MANAGER, "ListDefinitions") for bus in others for _ in range(5)]
        host.sleep(0.5)
        calls = [host.begin("GetParent", "s", "mtty") for _ in range(CALLS)]
        host.sleep(0.5)
        host.kill(host.daemon_pid(), sig=signal.SIGCONT)
        last = max(number_of(call) for call in calls)
        # Some were read before root's first one.
        assert sum(number_of(call) < last for call in lists) < len(lists) / 10
        assert all(len(call.result()) == 100 for call in lists)


def test_users_have_turns():
    """One connection of a user has as many turns as twenty of another one."""
    with Host() as host:
        many, one = [host.new_bus(NOBODY) for _ in range(20)], host.new_bus(DAEMON)
        for bus in [*many, one]:
            host.begin("GetParent", "s", "mtty", bus=bus).result()
        host.kill(host.daemon_pid(), sig=signal.SIGSTOP)
        of_many = [host.begin("GetParent", "s", "mtty", bus=bus) for bus in many for _ in range(5)]
        host.sleep(0.5)
        of_one = [host.begin("GetParent", "s", "mtty", bus=one) for _ in range(10)]
        host.sleep(0.5)
        host.kill(host.daemon_pid(), sig=signal.SIGCONT)
        last = max(number_of(call) for call in of_one)
        # Those that are read together, before all of the second user's calls are there, and one in each turn.
        assert sum(number_of(call) < last for call in of_many) <= 32 + len(of_one)
        for call in of_many:
            call.result()


def test_calls_that_are_too_many():
    """What one user keeps here has a bound, in calls of 128 a connection and in bytes, and nobody else feels it."""
    with Host() as host:
        buses = [host.new_bus(NOBODY) for _ in range(70)]
        for bus in buses:
            host.begin("GetParent", "s", "mtty", bus=bus).result()
        Polkit(host, SILENT)
        large = [["setting", "x" * 4000]] * 50
        host.kill(host.daemon_pid(), sig=signal.SIGSTOP)
        calls = [host.begin_create(attributes=large, bus=bus) for bus in buses]
        host.sleep(0.5)
        host.kill(host.daemon_pid(), sig=signal.SIGCONT)
        # 8 MiB are 41 of 200 KB.
        assert host.eventually(lambda: sum(call.done for call in calls) >= 28)
        errors = [call.error() for call in calls if call.done]
        assert len(errors) <= 30 and {error.name for error in errors} == {"LimitsExceeded"}
        host.begin_create(attributes=large[:1], bus=host.bus).result()
        # The others are still here: their connections work, and their places are given back.
        for bus in buses:
            bus.close()
            host.buses.remove(bus)
        assert len(host.new_bus(NOBODY).begin(ROOT, MANAGER, "ListDevices").result()) == 1


class Stream:
    """A connection that always has so many devices being made."""

    def __init__(self, host):
        self.bus = host.new_bus()
        self.made = 0
        self.tasks = [self.bus.loop.create_task(self._go_on()) for _ in range(CALLS)]

    async def _go_on(self):
        while True:
            await self.bus.connection.call(Message(
                destination=NAME, path=ROOT, interface=MANAGER, member="CreateDevice", signature="sssa(ss)a{sv}",
                body=[new_uuid(), "mtty", "mtty-1", [], {}]))
            self.made += 1

    def made_during(self, what):
        before = self.made
        what()
        return self.made - before

    def end(self):
        for task in self.tasks:
            task.cancel()


@pytest.mark.seconds(150)
def test_who_asks_for_much_steps_back():
    """While others want something. With nobody else there it has everything."""
    with Host(parents=["mtty:mtty-1=100000"], create_delay=50) as host:
        def ask_alone():
            end = time.monotonic() + 1
            while time.monotonic() < end:
                host.call("GetParent", "s", "mtty")
                host.sleep(0.005)

        def steps_back():
            alone = stream.made_during(lambda: host.sleep(1))
            asked = stream.made_during(ask_alone)
            host.sleep(0.5)
            again = stream.made_during(lambda: host.sleep(1))
            print(f"alone {alone}, while others ask {asked}, after that {again}")
            return asked < alone / 4 < again

        stream = Stream(host)
        host.sleep(1)
        # Where this process gets no CPU for a moment, the stream has too little under way, and nobody else wants
        # anything.
        host.eventually(steps_back, 100, "a second in which the stream steps back, and goes on after it")
        stream.end()


def test_questions_without_answers_cost_nothing():
    """Who wants no answer is not held back by dbus-daemon: it can ask without end. dbus-broker disconnects it."""
    with Host(bus="daemon") as host:
        fill_store(host, 2000)
        # With an answer made for each, its own calls take minutes.
        host.shell("exec flood --seconds 1 no-reply mtty mtty-1", timeout=60)
        # What changes something is done all the same.
        uuid = host.create()
        bus = host.new_bus()
        bus.connection.send(Message(destination=NAME, path=ROOT, interface=MANAGER, member="StopDevice",
                                    signature="sa{sv}", body=[uuid, {}], flags=MessageFlag.NO_REPLY_EXPECTED))
        host.eventually(lambda: host.devices() == {})


@pytest.mark.parametrize("room, connections", [(10, 8), (100000, 100)])
def test_a_journal_that_does_not_read(room, connections):
    """The daemon does not wait for it: neither when the journal's queue has no more room, nor when our socket has no
    more room for what is in that queue."""
    with Host() as host:
        host.shell("echo $1 >/proc/sys/net/unix/max_dgram_qlen", room)
        journal = Journal()
        for bus in [host.new_bus() for _ in range(connections)]:
            stops = [host.begin_stop(new_uuid(), bus=bus) for _ in range(CALLS)]
            assert all(stop.error().name == "NoSuchDevice" for stop in stops)
        host.create()
        # It reads again.
        journal.find()
        host.begin_stop(new_uuid(), bus=host.new_bus()).error()
        host.eventually(lambda: any("messages were lost" in entry["MESSAGE"] for entry in journal.find()))
        journal.close()
