# SPDX-License-Identifier: LGPL-2.1-or-later
"""Callouts of one parent run one after the other, their time is nobody's, and each `pre` has its `post`."""

import os
import pathlib
import time

import pytest
from callout_tools import MTTY, SLOW, UUID, Callouts
from definitions import begin_define, begin_modify, begin_start, begin_undefine, define
from host import Host, new_uuid

# --- one after the other

@pytest.mark.parametrize("fresh", [False, True])
def test_eight_autostarts_under_a_lock(fresh):
    """As on s390: whatever lives on one parent is locked in the name of the worker from pre to post. A fresh daemon
    does not know yet that a callout serves that parent."""
    with Host(create_delay=50) as host:
        callouts = Callouts(host)
        callouts.add_program("ap-check")
        devices = [define(host, start="auto") for _ in range(8)]
        callouts.forget()
        host.simctl("remove-parent", "mtty")
        if fresh:
            host.simctl("daemon", "restart")
        host.simctl("add-parent", MTTY)
        host.eventually(lambda: host.states() == dict.fromkeys(devices, "active"), 60)
        host.eventually(lambda: host.jobs() == [])
        assert_never_together(callouts, devices)
        assert "stale lock" not in host.log() and "not my parent's" not in host.log() and "no lock" not in host.log()
        assert not os.path.exists("/run/lock/ap-check.lock")


def assert_never_together(callouts, devices):
    """Between pre and post of one there is no post of another: it would have had to get the lock before."""
    posts = [call for call in callouts.calls() if " post " in call]
    assert len(posts) == len(devices) and all(call.endswith("success") for call in posts)


def overlaps(callouts):
    """Whether a pre came between another's pre and post."""
    inside = 0
    for call in callouts.calls():
        if " pre " in call:
            inside += 1
            if inside > 1:
                return True
        elif " post " in call:
            inside -= 1
    return False


def test_jobs_of_a_served_parent_do_not_overlap():
    with Host(create_delay=30) as host:
        callouts = Callouts(host)
        callouts.add("10-serve", '[[ $parent = mtty ]] || exit 2')
        host.stop(host.create())
        callouts.forget()
        calls = [host.begin_create() for _ in range(6)] + [begin_define(host) for _ in range(3)]
        for call in calls:
            call.result()
        assert not overlaps(callouts)


def test_other_parents_are_not_delayed():
    with Host(create_delay=1000) as host:
        callouts = Callouts(host)
        callouts.add("10-serve")
        host.create()
        host.create(parent="mbochs", type="mbochs-small")
        begin = time.monotonic()
        for call in [host.begin_create(), host.begin_create(parent="mbochs", type="mbochs-small")]:
            call.result()
        assert time.monotonic() - begin < 1.8 * SLOW


def test_parents_that_no_callout_serves_are_not_serialized():
    with Host(create_delay=500) as host:
        callouts = Callouts(host)
        callouts.add("10-not-mine", "exit 2")
        callouts.add_notifier("10-notifier")
        host.create()
        begin = time.monotonic()
        for call in [host.begin_create() for _ in range(6)]:
            call.result()
        assert time.monotonic() - begin < 1.8 * SLOW


def test_start_that_waits_does_not_keep_the_others_out():
    """It got its turn, and found that what it waits for has gone."""
    with Host() as host:
        callouts = Callouts(host)
        callouts.add("10-serve", "[[ $event != pre || ! -e /run/slow ]] || sleep 1")
        waiting = define(host, type="mtty-2")
        host.create()
        pathlib.Path("/run/slow").touch()
        first = host.begin_create()
        host.eventually(lambda: [job.state for job in host.jobs()] == ["running"])
        start = begin_start(host, waiting, wait=True)
        host.simctl("remove-parent", "mtty")
        os.unlink("/run/slow")
        assert first.error().name in ("NoSuchParent", "NoSuchType")
        host.eventually(lambda: [job.kind for job in host.jobs()] == ["start"])
        define(host)
        assert not start.done
        host.simctl("add-parent", MTTY)
        start.result()


def test_canceled_while_it_waits_for_its_turn():
    with Host() as host:
        callouts = Callouts(host)
        callouts.add("10-serve", "[[ $event != pre || ! -e /run/slow ]] || sleep 1")
        host.create()
        pathlib.Path("/run/slow").touch()
        calls = [host.begin_create() for _ in range(3)]
        host.eventually(lambda: len(host.jobs()) == 3)
        running_job = next(job for job in host.jobs() if job.state == "running")
        for job in host.jobs():
            if job.id != running_job.id:
                host.call("CancelJob", "t", job.id)
        os.unlink("/run/slow")
        for call in calls:
            call.wait()
        assert len(host.devices()) == 2
        host.create()


# --- time

def test_time_in_callouts_does_not_count():
    with Host() as host:
        callouts = Callouts(host)
        callouts.add("10-slow", "sleep 1")
        callouts.add_notifier("10-slow", "sleep 0.5")
        device = host.create(timeout=0.9 * SLOW)
        assert host.state(device) == "active"


def test_time_in_notifiers_of_a_refused_action_does_not_count():
    with Host() as host:
        callouts = Callouts(host)
        callouts.add("10-refuse", "exit 1")
        callouts.add_notifier("10-slow", f"sleep {1.5 * SLOW}")
        assert host.begin_create(timeout=1 * SLOW).error().name == "CalloutFailed"


def test_time_in_others_callouts_does_not_count():
    with Host() as host:
        callouts = Callouts(host)
        callouts.add("10-slow", f"[[ ! -e /run/slow ]] || sleep {0.5 * SLOW}")
        host.create()
        pathlib.Path("/run/slow").touch()
        for call in [host.begin_create(timeout=0.9 * SLOW) for _ in range(4)]:
            call.result()


def test_time_in_the_driver_counts():
    with Host(create_delay=2000 * SLOW) as host:
        callouts = Callouts(host)
        callouts.add("10-serve")
        assert host.begin_create(timeout=1 * SLOW).error().name == "JobTimedOut"
        host.eventually(lambda: host.jobs() == [], 10 * SLOW)
        assert callouts.calls()[-1].endswith("start failure")


def test_time_of_others_in_a_driver_counts():
    """A driver that hangs under a callout keeps those of its parent waiting, but not beyond their deadlines."""
    with Host() as host:
        callouts = Callouts(host)
        callouts.add("10-serve")
        host.create()
        host.simctl("hang", "mtty", "create")
        first = host.begin_create(timeout=1 * SLOW)
        second = host.begin_create(timeout=2 * SLOW)
        assert first.error(5 * SLOW).name == "JobTimedOut"
        error = second.error(5 * SLOW)
        assert error.name == "JobTimedOut"
        host.simctl("resume", "mtty")
        host.eventually(lambda: host.jobs() == [])


# --- a worker that dies between pre and post

def kill_worker_in_driver(host, callouts):
    """That of the job that was begun."""
    host.eventually(lambda: any(" pre " in c for c in callouts.calls()))
    worker, = host.eventually(host.busy_workers, what="a worker in the driver")
    host.kill(worker)


def test_worker_killed_in_a_create():
    with Host(create_delay=1000) as host:
        callouts = Callouts(host)
        callouts.add_program("ap-check")
        device = new_uuid()
        call = host.begin_create(device)
        kill_worker_in_driver(host, callouts)
        error = call.error()
        assert error.name.endswith(".IOError") and device in error.text
        assert callouts.calls(device) == ["ap-check pre start none", "ap-check post start failure"]
        assert host.devices() == {}
        assert host.create(device) == device


def test_worker_killed_in_a_stop():
    with Host(remove_delay=1000) as host:
        callouts = Callouts(host)
        callouts.add("10-serve")
        device = host.create()
        callouts.forget()
        call = host.begin_stop(device)
        kill_worker_in_driver(host, callouts)
        call.wait()
        host.eventually(lambda: len(callouts.calls()) == 2)
        assert callouts.calls() in (["10-serve pre stop none", "10-serve post stop failure"],
                                    ["10-serve pre stop none", "10-serve post stop success"])


@pytest.mark.parametrize("what", ["define", "modify", "undefine"])
def test_worker_killed_around_a_definition(what):
    """By its own callout: in the midst of pre."""
    with Host() as host:
        callouts = Callouts(host)
        device = UUID if what == "define" else define(host)
        callouts.add("10-kill", "[[ $event != pre ]] || kill -KILL $PPID")
        call = {"define": lambda: begin_define(host, device),
                "modify": lambda: begin_modify(host, device, start="auto"),
                "undefine": lambda: begin_undefine(host, device)}[what]()
        assert call.error().name.endswith(".IOError")
        assert callouts.calls(device) == [f"10-kill pre {what} none", f"10-kill post {what} failure"]


def test_daemon_killed_in_a_create():
    with Host(create_delay=500) as host:
        callouts = Callouts(host)
        callouts.add_program("ap-check")
        device = new_uuid()
        host.begin_create(device)
        host.eventually(lambda: host.busy_workers(), what="a worker in the driver")
        pid = host.daemon_pid()
        host.kill(pid)
        host.wait_ready(pid)
        host.eventually(lambda: host.jobs() == [] and host.devices() == {}, 10 * SLOW)
        assert callouts.calls(device)[0] == "ap-check pre start none"
        assert callouts.calls(device)[-1] == "ap-check post start failure"
        assert host.create()
