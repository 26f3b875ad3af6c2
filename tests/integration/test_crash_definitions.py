# SPDX-License-Identifier: LGPL-2.1-or-later
"""The daemon is killed at any moment. What was acknowledged stays, what was begun is finished or undone."""

import asyncio
import json
import os
import pathlib
import random
import statistics

import pytest
from bus import MANAGER, NAME, ROOT
from dbus_next import Message, MessageType, Variant
from definitions import LONG, STORE, count_in_log, listed
from host import DEVICES, INTENTS, Host, new_uuid, read

KILLS = 1000 if LONG else 20
CLIENTS = 8
RESTART_MS = 100
DEFINITIONS_A_CLIENT = 3

# The daemon was killed with the call, or was not there for it.
LOST = "org.freedesktop.DBus.Error.NoReply"
NOT_THERE = ("org.freedesktop.DBus.Error.ServiceUnknown", "org.freedesktop.DBus.Error.NameHasNoOwner")


class NotThere(Exception):
    """There was nobody who could have done it."""


class Definition:
    """What may be true of one, as its client has been told. An unanswered request leaves both outcomes possible."""

    def __init__(self):
        self.uuid = new_uuid()
        self.contents = {None}          # None: not defined, else (start, value of `setting`)
        self.active = {False}
        self.stop_under_way = False     # an unanswered one, whose worker may still come to it

    def is_at_most_defined(self):
        return self.contents != {None}


class Client:
    def __init__(self, host, seed):
        self.host = host
        self.random = random.Random(seed)
        self.connection = host.new_bus().connection
        self.definitions = [Definition() for _ in range(DEFINITIONS_A_CLIENT)]
        self.answered = 0

    async def call(self, member, signature, *body):
        """The name of the error, or None."""
        reply = await self.connection.call(Message(destination=NAME, path=ROOT, interface=MANAGER, member=member,
                                                   signature=signature, body=list(body)))
        if reply.message_type != MessageType.ERROR:
            self.answered += 1
            return None
        if reply.error_name in NOT_THERE:
            raise NotThere
        return reply.error_name.removeprefix("org.mediated1.Error.")

    async def define(self, d):
        new = ("manual", str(self.random.randrange(10 ** 6)))
        error = await self.call("Define", "ssssa(ss)a{sv}", d.uuid, "mtty", "mtty-1", new[0], [["setting", new[1]]], {})
        if error is None:
            assert None in d.contents, "defined twice"
            d.contents = {new}
        elif error == "AlreadyDefined":
            assert d.is_at_most_defined(), "found defined what never was"
            d.contents -= {None}
        else:
            assert error == LOST, error
            if None in d.contents:
                d.contents |= {new}

    async def modify(self, d):
        value = str(self.random.randrange(10 ** 6))
        error = await self.call("Modify", "ssa{sv}a{sv}", d.uuid, "mtty",
                                {"attributes": Variant("a(ss)", [["setting", value]])}, {})
        changed = {(old[0], value) for old in d.contents if old}
        if error is None:
            assert changed, "modified what was not defined"
            d.contents = changed
        elif error == "NotDefined":
            assert None in d.contents, "an acknowledged definition is lost"
            d.contents = {None}
        else:
            assert error == LOST, error
            d.contents |= changed

    async def undefine(self, d):
        error = await self.call("Undefine", "ssa{sv}", d.uuid, "mtty", {})
        if error is None:
            assert d.is_at_most_defined()
            d.contents = {None}
        elif error == "NotDefined":
            assert None in d.contents, "an acknowledged definition is lost"
            d.contents = {None}
        else:
            assert error == LOST, error
            d.contents |= {None}

    async def start(self, d):
        error = await self.call("StartDevice", "ssa{sv}", d.uuid, "mtty", {})
        if error is None:
            d.active = {True, False} if d.stop_under_way else {True}
        elif error == "NotDefined":
            assert None in d.contents, "an acknowledged definition is lost"
            d.contents = {None}
        else:
            assert error == LOST, error
            d.active = {True, False}

    async def stop(self, d):
        error = await self.call("StopDevice", "sa{sv}", d.uuid, {})
        if error is None:
            d.active = {False}
        elif error == "NoSuchDevice":
            assert False in d.active, "an acknowledged device is lost"
            d.active = {False}
        else:
            assert error == LOST, error
            d.active = {True, False}
            d.stop_under_way = True

    async def run(self, paused):
        verbs = [self.define, self.define, self.modify, self.modify, self.modify, self.undefine, self.start, self.start,
                 self.stop]
        while not paused.is_set():
            try:
                await self.random.choice(verbs)(self.random.choice(self.definitions))
            except NotThere:
                await asyncio.sleep(0.005)


def on_disk(uuid):
    try:
        contents = json.loads((STORE / "mtty" / uuid).read_text())
    except FileNotFoundError:
        return None
    assert contents["mdev_type"] == "mtty-1" and len(contents["attrs"]) == 1, contents
    return (contents["start"], contents["attrs"][0]["setting"])


def orphans(host):
    """Workers of daemons that are dead."""
    def parent(pid):
        try:
            return int(pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            return daemon
    daemon = host.daemon_pid()
    return [pid for pid in host.workers() if parent(pid) != daemon]


def seconds_to_restart(host, pid):
    """From a death that is still to come until the next daemon answers."""
    def is_dead():
        try:
            return host.daemon_pid() != pid
        except FileNotFoundError:
            return True
    host.eventually(is_dead, 30)
    return host.wait_ready(pid, 30)


def settle(host):
    host.wait_ready(seconds=30)
    host.eventually(lambda: not orphans(host), 20, "the end of the dead daemon's workers")
    host.eventually(lambda: not host.jobs(), 20, "the end of the jobs")


def check(host, clients):
    definitions = {d.uuid: d for client in clients for d in client.definitions}
    host.call("Reload")
    shown, states = listed(host), host.states()
    for uuid, d in definitions.items():
        there = on_disk(uuid)
        assert there in d.contents, f"{uuid}: {there} where {d.contents} was acknowledged"
        assert ((uuid, "mtty") in shown) == (there is not None)
        d.contents = {there}

        assert (uuid in states) in d.active, f"{uuid}: {states.get(uuid)} where {d.active} was acknowledged"
        d.active = {uuid in states}
        d.stop_under_way = False
        if uuid in states:
            assert states[uuid] == "active"
            assert read(DEVICES / uuid / "vendor" / "history").startswith("setting="), "not configured"
    assert set(os.listdir(DEVICES)) == set(states) <= set(definitions)
    assert not list(INTENTS.iterdir()) and not list(STORE.glob(".mediated-*"))
    assert "wedged" not in host.log()


@pytest.mark.seconds(3600)
def test_killed_at_random_moments():
    seed = int(os.environ.get("MEDIATED_SEED", random.randrange(10 ** 9)))
    print(f"MEDIATED_SEED={seed}")
    chance = random.Random(seed)
    with Host(parents=["mtty:mtty-1=64"], create_delay=4, remove_delay=4) as host:
        host.simctl("delay", "mtty", "write", 3)
        clients = [Client(host, f"{seed}-{i}") for i in range(CLIENTS)]
        kills, rounds, restarts = 0, 0, []
        while kills < KILLS:
            paused = asyncio.Event()
            tasks = [host.loop.create_task(client.run(paused)) for client in clients]
            # Several without a pause: the next daemon has requests while the last one's workers are still there.
            for _ in range(chance.choice([1, 1, 2, 4])):
                pid = host.daemon_pid()
                delay = chance.choice([0, 0.01, 0.03, 0.1]) + chance.random() * 0.05
                host.start('sleep "$1"; kill -9 "$2"', delay, pid)
                kills += 1
                restarts.append(seconds_to_restart(host, pid))
            paused.set()
            host.bus.run(asyncio.gather(*tasks))
            settle(host)
            check(host, clients)
            rounds += 1
        # A bus that is slow to see that the last one is dead lets the next one have to come again.
        assert count_in_log(host, "simulate: the daemon has ended") == count_in_log(host, "another mediated has it")
        answered = sum(client.answered for client in clients)
        print(f"killed {kills} times, {rounds} checks, {answered} requests done, "
              f"{count_in_log(host, 'Half-made device')} half-made devices removed; the next daemon answered after "
              f"{statistics.median(restarts) * 1000:.0f} ms (median), {max(restarts) * 1000:.0f} ms (worst), "
              f"of which {RESTART_MS} are the time until it is started")
        assert answered > kills * 5

