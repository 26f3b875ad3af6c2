# SPDX-License-Identifier: LGPL-2.1-or-later
"""Definitions with start `auto`: started when their parent registers, once, and never given up while there is hope."""

import contextlib
import time

import pytest
from definitions import (LONG, REGISTRATIONS, STORE, Journal, begin_start, count_in_log, define, definition,
                         definition_path, host_with, host_without_daemon, kill_daemon, listed, modify, put, put_many,
                         restart_daemon, run_daemon, start, start_daemon, start_state, start_states, stop_daemon,
                         text_of, undefine)
from host import DEVICES, Host, new_uuid

LATE_SECONDS = 20 if LONG else 2.5

# By --autostart-parallel.
AT_ONCE = 4

AUTOSTART_FAILED = "c1f4b1c0a5d94f6f8a6f0b7f6d2c9e01"


def wait_active(host, uuids, seconds=10, parent="mtty"):
    host.eventually(lambda: all(host.states().get(uuid) == "active" for uuid in uuids), seconds, "all of them")
    host.eventually(lambda: set(start_states(host, uuids, parent)) == {"active"}, what="the start states")


def wait_state(host, uuid, state, seconds=10, parent="mtty"):
    host.eventually(lambda: start_state(host, uuid, parent) == state, seconds, f"state {state}")


def start_daemon_and_see_autostart_through(host):
    """Of all definitions of the parent it has decided, and has started what it starts, once that is active which was
    not there before: its turn comes in the same round."""
    fresh, = put_many(1)
    start_daemon(host)
    wait_active(host, [fresh])
    host.wait_idle()
    host.stop(fresh)
    undefine(host, fresh)


def test_started_with_the_daemon():
    with host_with(lambda _: (put_many(5), put_many(3, start="manual"))) as (host, (auto, manual)):
        wait_active(host, auto)
        assert set(start_states(host, manual)) == {"none"}
        assert sorted(host.states()) == sorted(auto)
        assert all(listed(host)[uuid, "mtty"] == ("mtty-1", "auto", True) for uuid in auto)


def test_started_when_the_parent_registers():
    with Host(parents=[]) as host:
        auto = [define(host, start="auto") for _ in range(5)]
        manual = define(host)
        assert set(start_states(host, auto)) == {"waiting-parent"}
        host.simctl("add-parent", "mtty:mtty-1=24")
        wait_active(host, auto)
        assert start_state(host, manual) == "none" and host.state(manual) is None
        host.simctl("remove-parent", "mtty")
        host.eventually(lambda: set(start_states(host, auto)) == {"waiting-parent"})
        assert host.states() == {}
        host.simctl("add-parent", "mtty:mtty-1=24")
        wait_active(host, auto)


def test_parent_that_is_seen_anew_before_its_devices_are_seen_to_be_gone():
    """A request for a type that it has not has it looked at, ahead of all that udev has to tell."""
    with host_with(lambda _: put_many(5)) as (host, auto):
        wait_active(host, auto)
        host.simctl("lose-uevents", 1000)
        host.simctl("remove-parent", "mtty")
        host.simctl("add-parent", "mtty:mtty-1=24")
        assert host.begin_create(type="nothing").error().name == "NoSuchType"
        host.eventually(lambda: all((DEVICES / uuid).exists() for uuid in auto), 10, "all of them")


def test_with_attributes_in_order():
    attributes = [("setting", "1"), ("vendor/plugin", "p"), ("setting", "2")]
    with host_with(lambda _: put_many(1, attributes=attributes)) as (host, uuids):
        wait_active(host, uuids)
        history = host.shell("cat /sys/bus/mdev/devices/$1/vendor/history", uuids[0]).stdout.split()
        assert history == [f"{name}={value}" for name, value in attributes]


def test_what_becomes_auto_is_started_the_next_time():
    """As with `systemctl enable`."""
    with Host() as host:
        fresh, changed, put_there = define(host, start="auto"), define(host), new_uuid()
        modify(host, changed, start="auto")
        put(put_there, text_of())
        host.eventually(lambda: (put_there, "mtty") in listed(host))
        stop_daemon(host)
        start_daemon_and_see_autostart_through(host)
        assert host.states() == {}
        assert set(start_states(host, [fresh, changed, put_there])) == {"none"}
        host.simctl("remove-parent", "mtty")
        host.simctl("add-parent", "mtty:mtty-1=24")
        wait_active(host, [fresh, changed, put_there])


# --- once a registration

def test_a_restart_starts_nothing_that_was_stopped():
    with host_with(lambda _: put_many(3)) as (host, uuids):
        wait_active(host, uuids)
        host.stop(uuids[0])
        assert start_state(host, uuids[0]) == "none"
        for end in (stop_daemon, lambda host: kill_daemon(host, stay_down=True)):
            end(host)
            start_daemon_and_see_autostart_through(host)
            assert sorted(host.states()) == sorted(uuids[1:])
            assert start_states(host, uuids) == ["none", "active", "active"]
        assert REGISTRATIONS.is_dir()


def test_a_registration_while_the_daemon_is_down():
    with host_with(lambda _: put_many(3)) as (host, uuids):
        wait_active(host, uuids)
        host.stop(uuids[0])
        stop_daemon(host)
        host.simctl("remove-parent", "mtty")
        host.simctl("add-parent", "mtty:mtty-1=24")
        start_daemon(host)
        wait_active(host, uuids)


def test_a_registration_while_the_daemon_is_dead():
    with host_with(lambda _: put_many(3)) as (host, uuids):
        wait_active(host, uuids)
        kill_daemon(host, stay_down=True)
        host.simctl("remove-parent", "mtty")
        host.simctl("add-parent", "mtty:mtty-1=24")
        start_daemon(host)
        wait_active(host, uuids)


def test_a_canceled_start_is_not_tried_again():
    """It waits because somebody else is just creating its UUID."""
    with host_without_daemon(create_delay=1500) as host:
        uuid, = put_many(1)
        host.start_raw_create(uuid)
        start_daemon(host)
        host.call("CancelJob", "t", host.job_of(uuid, "start"))
        host.eventually(lambda: host.state(uuid) == "active")
        host.stop(uuid)
        host.simctl("delay", "mtty", "create", 0)
        stop_daemon(host)
        start_daemon_and_see_autostart_through(host)
        assert host.state(uuid) is None and start_state(host, uuid) == "none"


def test_what_others_started_counts_as_started():
    """Found active at its turn, and stopped by hand later: a restart does not start it."""
    with host_without_daemon() as host:
        uuids = put_many(2)
        host.raw_create(uuids[0])
        start_daemon(host)
        wait_active(host, uuids)
        host.stop(uuids[0])
        stop_daemon(host)
        start_daemon_and_see_autostart_through(host)
        assert host.state(uuids[0]) is None


def test_stopped_by_hand_while_it_was_waiting_for_an_instance():
    """Started by hand, stopped by hand: autostart does not insist."""
    with host_without_daemon(parents=["mtty:mtty-1=1"]) as host:
        other = host.raw_create()
        uuid, behind = put_many(2)
        start_daemon(host)
        for definition_uuid in (uuid, behind):
            wait_state(host, definition_uuid, "waiting-instance")
        call = begin_start(host, uuid, wait=True)
        host.stop(other)
        call.result()
        host.stop(uuid)
        wait_active(host, [behind])
        assert host.state(uuid) is None and start_state(host, uuid) == "none"
        host.stop(behind)
        stop_daemon(host)
        start_daemon_and_see_autostart_through(host)
        assert host.state(uuid) is None and start_state(host, uuid) == "none"


@contextlib.contextmanager
def host_in_the_middle_of_starts(n, at_once=None):
    """Their driver does not return before it is resumed."""
    def fill(host):
        host.simctl("hang", "mtty", "create")
        return put_many(n)

    with host_with(fill) as (host, uuids):
        host.eventually(lambda: list(host.states().values()) == ["starting"] * (at_once or n))
        yield host, uuids


def wait_started_anew(host, uuids, inodes):
    """What nobody was told of is removed first."""
    host.eventually(lambda: host.is_idle() and host.states() == dict.fromkeys(uuids, "active"), 20)
    assert not inodes & {(DEVICES / uuid).stat().st_ino for uuid in uuids}
    assert start_states(host, uuids) == ["active"] * len(uuids)


@pytest.mark.parametrize("complete", [False, True])
def test_an_interrupted_start_is_tried_again(complete):
    """Whether the next daemon finds the devices half made, or complete because it was slow to come."""
    with host_in_the_middle_of_starts(3) as (host, uuids):
        inodes = {(DEVICES / uuid).stat().st_ino for uuid in uuids}
        kill_daemon(host, stay_down=complete)
        if complete:
            host.simctl("resume", "mtty")
            host.eventually(lambda: all((DEVICES / uuid / "mdev_type").exists() for uuid in uuids))
            start_daemon(host)
        else:
            host.wait_ready()
            host.simctl("resume", "mtty")
        wait_started_anew(host, uuids, inodes)


def test_a_start_that_a_stop_of_the_daemon_cut_off_is_tried_again():
    with host_with(lambda _: put_many(20), create_delay=300) as (host, uuids):
        host.eventually(lambda: any(job.state == "running" for job in host.jobs()))
        restart_daemon(host)
        wait_active(host, uuids, 20)


def test_registered_anew_during_a_start():
    """The start of the old registration fails with its parent; the new one starts everything."""
    with host_with(lambda _: put_many(12, attributes=[("setting", "1")])) as (host, uuids):
        wait_active(host, uuids)
        for delay in (0.01, 0.05, 0.1, 0.15, 0.3):
            host.simctl("remove-parent", "mtty")
            host.simctl("add-parent", "mtty:mtty-1=24")
            host.simctl("delay", "mtty", "create", 100)
            host.simctl("delay", "mtty", "write", 50)
            host.sleep(delay)
            host.simctl("remove-parent", "mtty")
            host.simctl("add-parent", "mtty:mtty-1=24")
            wait_active(host, uuids, 20)


# --- waiting

def test_types_that_appear_late():
    with Host(parents=[]) as host:
        uuids = [define(host, start="auto") for _ in range(3)]
        host.simctl("add-parent", "--types-after", int(LATE_SECONDS * 1000), "mtty:mtty-1=24")
        host.eventually(lambda: set(start_states(host, uuids)) == {"waiting-type"}, what="waiting-type")
        wait_active(host, uuids, LATE_SECONDS + 16)
        assert count_in_log(host, "is waiting for its type on parent 'mtty'") == 3


def test_instances_that_are_all_taken():
    with host_without_daemon(parents=["mtty:mtty-1=2"]) as host:
        taken = [host.raw_create() for _ in range(2)]
        uuids = put_many(2)
        start_daemon(host)
        for uuid in uuids:
            wait_state(host, uuid, "waiting-instance")
        host.stop(taken[0])
        host.eventually(lambda: sorted(start_states(host, uuids)) == ["active", "waiting-instance"])
        host.raw_remove(taken[1])
        wait_active(host, uuids)


def test_a_person_comes_before_who_waits():
    """Requests that are under way when an instance comes free are not beaten by autostart."""
    with host_without_daemon(parents=["mtty:mtty-1=1"]) as host:
        taken = host.raw_create()
        uuid, = put_many(1)
        start_daemon(host)
        wait_state(host, uuid, "waiting-instance")
        host.simctl("delay", "mtty", "create", 300)
        for _ in range(3):
            # The create waits in the queue of its UUID until the stop has ended.
            stop, create = host.begin_stop(taken), host.begin_create(taken)
            stop.result()
            create.result()
        assert start_state(host, uuid) == "waiting-instance"
        host.stop(taken)
        wait_active(host, [uuid])


def test_one_that_fails_delays_no_other():
    with host_with(lambda _: (put_many(1, attributes=[("none", "1")]), put_many(6))) as (host, (bad, good)):
        journal = Journal()
        wait_active(host, good)
        host.eventually(lambda: start_state(host, bad[0]) == "failed")
        assert "none" in definition(host, bad[0])["Error"][1] and host.state(bad[0]) is None
        journal.close()


def test_one_that_hangs_delays_no_other():
    with host_with(lambda _: (put_many(8, "slow", type="slow-1"), put_many(8)),
                   parents=["slow:slow-1=8", "mtty:mtty-1=8"], create_delay=0) as (host, (slow, fast)):
        host.simctl("hang", "slow", "create")
        wait_active(host, fast)
        host.simctl("resume", "slow")
        wait_active(host, slow, parent="slow")


def test_a_failure_is_in_the_journal():
    with host_without_daemon() as host:
        journal = Journal()
        uuid, = put_many(1, attributes=[("none", "1")])
        start_daemon(host)
        wait_state(host, uuid, "failed")
        entry, = journal.find(MESSAGE_ID=AUTOSTART_FAILED)
        assert entry["MEDIATED_UUID"] == uuid and entry["MEDIATED_PARENT"] == "mtty" and entry["PRIORITY"] == "3"
        assert uuid in entry["MESSAGE"] and "none" in entry["MESSAGE"]
        assert definition(host, uuid)["Error"][1] in entry["MESSAGE"]
        assert entry["MEDIATED_JOB"] == "1" and len(journal.find(MEDIATED_UUID=uuid)) == 1
        journal.close()


def test_a_uuid_that_is_taken_elsewhere_fails():
    with host_without_daemon() as host:
        uuid, = put_many(1)
        host.raw_create(uuid, "mbochs", "mbochs-small")
        start_daemon(host)
        wait_state(host, uuid, "failed")
        assert "mbochs" in definition(host, uuid)["Error"][1]


def test_created_by_somebody_else_meanwhile():
    """The same UUID on the same parent and of the same type, at the same moment: active, not failed."""
    with host_without_daemon() as host:
        uuids = put_many(1)
        host.simctl("hang", "mtty", "create")
        stranger = host.start('echo "$1" >/sys/class/mdev_bus/mtty/mdev_supported_types/mtty-1/create', *uuids)
        host.eventually((DEVICES / uuids[0]).exists)
        start_daemon(host)
        host.eventually(lambda: [(job.kind, job.state) for job in host.jobs()] == [("start", "waiting")])
        host.simctl("resume", "mtty")
        assert stranger.wait(10) == 0
        wait_active(host, uuids)
        host.wait_idle()
        assert count_in_log(host, "Autostart of device") == 0


# --- the bound

def most_jobs(host, seconds=1.5):
    most, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        most = max(most, len(host.jobs()))
        host.sleep(0.01)
    return most


def test_so_many_at_once():
    with host_with(lambda _: put_many(24), create_delay=300) as (host, uuids):
        assert most_jobs(host) == AT_ONCE
        wait_active(host, uuids)


def test_broken_while_it_waits_for_its_turn():
    """Behind as many as start at once: its file is no definition any more when its turn comes; mended, it is started
    after all."""
    with host_in_the_middle_of_starts(16, at_once=AT_ONCE) as (host, uuids):
        pid = host.daemon_pid()
        starting = {job.uuid for job in host.jobs()}
        good, *broken = [uuid for uuid in uuids if uuid not in starting]
        for uuid in broken:
            put(uuid, "{")
        host.eventually(lambda: not any(definition(host, uuid)["Valid"] for uuid in broken))
        host.simctl("resume", "mtty")
        wait_active(host, [*starting, good])
        host.wait_idle()
        assert host.daemon_pid() == pid and len(host.states()) == AT_ONCE + 1
        for uuid in broken:
            put(uuid, text_of())
        wait_active(host, uuids)


def test_mended_while_it_waits_for_an_instance():
    with host_without_daemon(parents=["mtty:mtty-1=1"]) as host:
        taken = host.raw_create()
        uuid, = put_many(1)
        start_daemon(host)
        wait_state(host, uuid, "waiting-instance")
        put(uuid, "")
        host.eventually(lambda: not definition(host, uuid)["Valid"])
        put(uuid, text_of())
        host.eventually(lambda: definition(host, uuid)["Valid"])
        host.stop(taken)
        wait_active(host, [uuid])


def test_directory_replaced_during_starts():
    """Whoever counts the starts of a directory must not lose count."""
    with host_in_the_middle_of_starts(AT_ONCE) as (host, uuids):
        host.shell("mv $1 /run/old", STORE / "mtty")
        host.eventually(lambda: not listed(host))
        host.shell("mv /run/old $1", STORE / "mtty")
        host.eventually(lambda: len(listed(host)) == AT_ONCE)
        host.simctl("resume", "mtty")
        host.eventually(lambda: not host.jobs())
        host.simctl("remove-parent", "mtty")
        host.simctl("add-parent", "mtty:mtty-1=24")
        wait_active(host, uuids)


def test_undefined_while_it_starts():
    with host_in_the_middle_of_starts(2) as (host, uuids):
        call = host.begin("Undefine", "ssa{sv}", uuids[0], "", {})
        host.eventually(lambda: len(host.jobs()) == 3)
        host.simctl("resume", "mtty")
        call.result()
        wait_active(host, uuids[1:])
        assert (uuids[0], "mtty") not in listed(host)


# --- adopt

def test_adopt():
    """An installation over mdevctl on a running host: nothing is started that is not running now."""
    with host_without_daemon() as host:
        uuids = put_many(4)
        host.raw_create(uuids[0])
        assert "that are marked as started: 4. They" in run_daemon(host, "--adopt").stdout
        start_daemon_and_see_autostart_through(host)
        assert sorted(host.states()) == uuids[:1]
        assert start_states(host, uuids) == ["active", "none", "none", "none"]
        host.simctl("remove-parent", "mtty")
        host.simctl("add-parent", "mtty:mtty-1=24")
        wait_active(host, uuids)


# --- StartDevice with wait

def wait_for_waiting_start(host, uuid):
    host.eventually(lambda: [(job.uuid, job.kind, job.state) for job in host.jobs()] == [(uuid, "start", "waiting")],
                    what="a start that waits")


def test_wait_for_the_parent():
    with Host(parents=[]) as host:
        uuid = define(host)
        call = begin_start(host, uuid, wait=True)
        wait_for_waiting_start(host, uuid)
        assert not call.done
        host.simctl("add-parent", "mtty:mtty-1=1")
        call.result()
        assert host.state(uuid) == "active"


def test_wait_for_the_type():
    with Host(parents=[]) as host:
        uuid = define(host)
        host.simctl("add-parent", "--types-after", 1500, "mtty:mtty-1=1")
        begin_start(host, uuid, wait=True).result()
        assert host.state(uuid) == "active"


def test_wait_for_an_instance():
    with Host(parents=["mtty:mtty-1=1"]) as host:
        uuid, other = define(host), host.create()
        assert begin_start(host, uuid).error().name == "NoAvailableInstances"
        call = begin_start(host, uuid, wait=True)
        wait_for_waiting_start(host, uuid)
        assert not call.done
        host.stop(other)
        call.result()
        assert host.state(uuid) == "active"


def test_who_waits_blocks_nobody():
    with Host(parents=["mtty:mtty-1=1"]) as host:
        uuid, other = define(host), host.create()
        call = begin_start(host, uuid, wait=True)
        wait_for_waiting_start(host, uuid)
        modify(host, uuid, start="auto")
        assert begin_start(host, uuid).error(1).name == "NoAvailableInstances"
        host.stop(other)
        call.result()


@pytest.mark.parametrize("end", ["stop", "undefine", "cancel"])
def test_wait_ends(end):
    with Host(parents=[]) as host:
        uuid = define(host)
        call = begin_start(host, uuid, wait=True)
        job = host.job_of(uuid)
        if end == "stop":
            assert host.begin_stop(uuid).error().name == "NoSuchDevice"
        elif end == "undefine":
            undefine(host, uuid)
        else:
            host.call("CancelJob", "t", job)
        error = call.error()
        assert error.name == "JobCanceled" and uuid in error.text
        assert host.jobs() == []


@pytest.mark.parametrize("end", ["stop", "undefine"])
def test_wait_ends_also_in_the_middle_of_a_try(end):
    """A slow driver is just saying that it has no instance: the stop that came meanwhile counts."""
    with Host(parents=[]) as host:
        host.simctl("add-parent", "--enospc", "mtty:mtty-1=1")
        host.eventually(lambda: host.types("mtty"))
        uuid, other = define(host), host.create()
        host.simctl("delay", "mtty", "create", 500)
        call = begin_start(host, uuid, wait=True)
        host.eventually(lambda: any(job.state == "running" for job in host.jobs()))
        second = host.begin_stop(uuid) if end == "stop" else host.begin("Undefine", "ssa{sv}", uuid, "", {})
        assert call.error().name == "JobCanceled"
        # A stop is done, or found nothing: the driver has shown the device for a moment.
        second.wait()
        assert host.jobs() == [] and host.state(other) == "active"


@pytest.mark.parametrize("lack,word", [("parent", "parent 'mtty'"), ("type", "'mtty-1'"), ("instance", "instance")])
def test_wait_with_a_timeout_says_what_it_waited_for(lack, word):
    parents = {"parent": [], "type": ["mtty:mtty-2=1"], "instance": ["mtty:mtty-1=1"]}[lack]
    with Host(parents=parents) as host:
        uuid = define(host)
        if lack == "instance":
            host.create()
        call = begin_start(host, uuid, wait=True, timeout=0.5)
        error = call.error()
        assert error.name == "JobTimedOut" and uuid in error.text and word in error.text
        assert 0.5 <= call.seconds < 10
        assert host.jobs() == []


def test_start_without_wait_fails_at_once():
    with Host(parents=[]) as host:
        call = begin_start(host, define(host))
        assert call.error().name == "NoSuchParent" and call.seconds < 5


def test_start_is_idempotent():
    with Host(create_delay=200) as host:
        uuid = define(host)
        calls = [begin_start(host, uuid) for _ in range(5)]
        assert len({call.result() for call in calls}) == 1
        start(host, uuid)
        assert definition_path(uuid) in host.objects()
        host.stop(uuid)


def test_waiting_requests_and_waiting_definitions_end_well():
    """Many of both behind one instance: each has its turn, and nothing is left over."""
    with host_without_daemon(parents=["mtty:mtty-1=1"]) as host:
        taken = host.raw_create()
        uuids = put_many(4)
        start_daemon(host)
        for uuid in uuids:
            wait_state(host, uuid, "waiting-instance")
        by_hand = [define(host) for _ in range(4)]
        calls = {uuid: begin_start(host, uuid, wait=True) for uuid in by_hand}
        seen = set()
        host.stop(taken)
        while len(seen) < 8:
            active = host.eventually(
                lambda: next((uuid for uuid, state in host.states().items() if state == "active"), None), 40)
            seen.add(active)
            if active in calls:
                calls[active].result()
            host.stop(active)
        assert seen == set(uuids + by_hand) and host.jobs() == []
