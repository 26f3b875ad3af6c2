# SPDX-License-Identifier: LGPL-2.1-or-later
"""Jobs: one after another for a UUID, limits, cancel, deadlines."""

import time

import pytest
from bus import JOB
from dbus_next import Variant
from host import DEVICES, Host, device_path, job_path, new_uuid


def test_stop_during_create_waits_and_succeeds():
    with Host(create_delay=300) as host:
        device = new_uuid()
        create = host.begin_create(device)
        host.sleep(0.05)
        stop = host.begin_stop(device)
        create.result()
        stop.result()
        assert stop.ended >= create.ended
        assert host.devices() == {} and host.log().count("wedged") == 0


def test_queue_of_one_uuid_is_kept_in_order():
    """Create, stop, create, stop, … asked at once: each gets what its turn gives."""
    with Host(create_delay=20, remove_delay=20) as host:
        device = new_uuid()
        calls = []
        for _ in range(10):
            calls += [host.begin_create(device), host.begin_stop(device)]
        for call in calls:
            call.result()
        assert [call.ended for call in calls] == sorted(call.ended for call in calls)
        assert host.devices() == {}


def test_second_create_behind_the_first():
    with Host(create_delay=200) as host:
        device = new_uuid()
        first = host.begin_create(device)
        second = host.begin_create(device, "mbochs", "mbochs-small")
        assert second.error().name == "AlreadyExists"
        first.result()
        assert host.device(device)["ParentName"] == "mtty"


def test_second_stop_behind_the_first():
    """It was asked while the device was there: the device is gone, as wished."""
    with Host(remove_delay=200) as host:
        device = host.create()
        first, second = host.begin_stop(device), host.begin_stop(device)
        first.result()
        second.result()


def test_jobs_of_different_uuids_run_in_parallel():
    with Host(create_delay=1000) as host:
        creates = [host.begin_create() for _ in range(8)]
        for create in creates:
            create.result()
        assert max(create.seconds for create in creates) < 4


def test_job_object():
    with Host() as host:
        host.simctl("hang", "mtty", "create")
        device = new_uuid()
        host.begin_create(device)
        host.begin_stop(device)
        running, waiting = host.eventually(lambda: (jobs := host.jobs()) and len(jobs) == 2 and jobs)
        host.eventually(lambda: host.job(running.path)["State"] == "running")
        assert running.path == job_path(running.id) and host.call("GetJob", "t", running.id) == running.path
        for job, kind, state in ((running, "create", "running"), (waiting, "stop", "waiting")):
            assert host.job(job.path).items() >= {"Id": job.id, "UUID": device, "Kind": kind, "State": state}.items()


def test_cancel_of_a_waiting_job():
    with Host() as host:
        signals = host.signals()
        host.simctl("hang", "mtty", "create")
        device = new_uuid()
        create, stop = host.begin_create(device), host.begin_stop(device)
        host.call("CancelJob", "t", host.job_of(device, "stop"))
        error = stop.error()
        assert error.name == "JobCanceled" and device in error.text
        assert signals.wait("JobRemoved", lambda body: body[2] == "stop")[3] == "canceled"
        host.simctl("resume", "mtty")
        create.result()
        assert host.state(device) == "active"


def test_cancel_by_the_job_object():
    with Host() as host:
        host.simctl("hang", "mtty", "create")
        device = new_uuid()
        host.begin_create(device)
        stop = host.begin_stop(device)
        job = host.job_of(device, "stop")
        host.bus.call(job_path(job), JOB, "Cancel")
        assert stop.error().name == "JobCanceled"
        assert host.begin("CancelJob", "t", job).error().name == "NoSuchJob"


def test_cancel_of_a_running_job_is_refused():
    with Host() as host:
        host.simctl("hang", "mtty", "create")
        device = new_uuid()
        create = host.begin_create(device)
        job = host.job_of(device)
        host.eventually(lambda: host.job(job_path(job))["State"] == "running")
        for error in (host.begin("CancelJob", "t", job).error(), host.bus.begin(job_path(job), JOB, "Cancel").error()):
            assert error.name == "org.freedesktop.DBus.Error.NotSupported"
            assert str(job) in error.text and device in error.text
        host.simctl("resume", "mtty")
        create.result()


def test_limit_of_a_sender():
    with Host() as host:
        host.simctl("hang", "mtty", "create")
        device = new_uuid()
        other = host.new_bus()
        calls = [host.begin_create(device)] + [host.begin_stop(device) for _ in range(99)]
        error = host.begin_stop(device).error()
        assert error.name == "LimitsExceeded"
        assert len(host.jobs()) == 100
        # Another connection is not concerned, nor is reading.
        host.begin_create(parent="mbochs", type="mbochs-small", bus=other).result()
        host.call("CancelJob", "t", host.jobs()[-1].id)
        host.create(parent="mbochs", type="mbochs-small")
        host.simctl("resume", "mtty")
        calls[0].result()
        host.eventually(lambda: host.jobs() == [])
        host.create()


def test_jobs_of_a_caller_that_went_away_are_done():
    with Host(create_delay=300) as host:
        device = new_uuid()
        bus = host.new_bus()
        host.begin_create(device, bus=bus)
        host.job_of(device)
        bus.close()
        host.eventually(lambda: host.state(device) == "active", what="the device")


def test_deadline():
    """The caller is told; the job stays, keeps the UUID, and what comes of it late is removed."""
    with Host() as host:
        signals = host.signals()
        host.simctl("hang", "mtty", "create")
        device = new_uuid()
        create = host.begin_create(device, timeout=0.3)
        error = create.error()
        assert error.name == "JobTimedOut" and device in error.text
        assert 0.3 <= create.seconds < 3
        job = host.jobs()[0]
        assert (job.uuid, job.kind, job.state) == (device, "create", "running")
        assert host.state(device) == "starting"
        assert signals.find("JobRemoved") is None

        later = host.begin_stop(device, timeout=0.2)
        error = later.error()
        assert error.name == "JobTimedOut" and f"job {job.id} " in error.text
        assert later.seconds < 3

        host.simctl("resume", "mtty")
        assert signals.wait("JobRemoved", lambda body: body[0] == job.id)[3] == "timeout"
        # That it went on was logged at the deadline, and at the end that it has ended.
        assert host.log().count("goes on in the background") == 1
        assert f"Job {job.id} (create) has ended after its deadline" in host.log()
        assert not (DEVICES / device).exists()
        assert host.devices() == {} and host.jobs() == []
        host.create(device)


def test_late_failure_of_a_job_that_timed_out():
    with Host() as host:
        signals = host.signals()
        host.simctl("hang", "mtty", "create")
        host.simctl("fail", "mtty", "create", "EIO")
        assert host.begin_create(timeout=0.1).error().name == "JobTimedOut"
        host.simctl("resume", "mtty")
        assert signals.wait("JobRemoved")[3] == "timeout"
        assert host.devices() == {}


def test_deadline_in_the_attributes():
    with Host() as host:
        host.simctl("hang", "mtty", "write")
        device = new_uuid()
        assert host.begin_create(device, attributes=[("setting", "x")], timeout=0.2).error().name == "JobTimedOut"
        assert host.state(device) == "active" and len(host.jobs()) == 1
        host.simctl("resume", "mtty")
        host.eventually(lambda: host.jobs() == [])
        assert host.devices() == {} and not (DEVICES / device).exists()


def test_late_remove_counts():
    with Host() as host:
        signals = host.signals()
        device = host.create()
        host.simctl("hang", "mtty", "remove")
        stop = host.begin_stop(device, timeout=0.2)
        assert stop.error().name == "JobTimedOut"
        assert host.state(device) == "stopping"
        again = host.begin_create(device)
        # A worker has had time for it: one has created another.
        host.job_of(device, "create")
        host.create()
        assert not again.done and host.state(device) == "stopping"
        host.simctl("resume", "mtty")
        assert signals.wait("JobRemoved", lambda body: body[2] == "stop")[3] == "timeout"
        again.result()


def test_deadline_of_a_waiting_job_ends_it():
    with Host() as host:
        host.simctl("hang", "mtty", "create")
        device = new_uuid()
        create = host.begin_create(device)
        assert host.begin_stop(device, timeout=0.1).error().name == "JobTimedOut"
        assert [job.kind for job in host.jobs()] == ["create"]
        host.simctl("resume", "mtty")
        create.result()
        assert host.state(device) == "active"


def test_timeout_of_zero_is_none():
    with Host(create_delay=500) as host:
        host.begin_create(timeout=0).result()


@pytest.mark.parametrize("microseconds", [1, 2**64 - 1])
def test_extreme_timeouts(microseconds):
    with Host(create_delay=100) as host:
        create = host.begin_create(**{"timeout-usec": Variant("t", microseconds)})
        if microseconds == 1:
            assert create.error().name == "JobTimedOut"
        else:
            create.result()
        host.eventually(lambda: host.jobs() == [])
        assert len(host.devices()) == (microseconds > 1)


def test_signals_of_a_job():
    with Host() as host:
        signals = host.signals()
        device = host.create()
        host.stop(device)
        error = host.begin_stop(device).error()
        removed = [signals.wait("JobRemoved", lambda body, i=i: body[0] == i) for i in (1, 2, 3)]
        assert removed == [[1, device, "create", "done", job_path(1), "", ""],
                           [2, device, "stop", "done", job_path(2), "", ""],
                           [3, device, "stop", "failed", job_path(3), f"org.mediated1.Error.{error.name}", error.text]]
        for number, kind in ((1, "create"), (2, "stop"), (3, "stop")):
            new = signals.find("JobNew", lambda body, n=number: body[0] == n)
            assert new == [number, device, kind, job_path(number)]
            assert signals.index("JobNew", lambda body, n=number: body[0] == n) < \
                signals.index("JobRemoved", lambda body, n=number: body[0] == n)


def test_state_of_a_job_is_signalled():
    """Of one that lives longer than it takes to announce it."""
    with Host(create_delay=500, remove_delay=500) as host:
        signals = host.signals()
        device = new_uuid()
        create, stop = host.begin_create(device), host.begin_stop(device)
        create.result()
        stop.result()
        changed = signals.wait("PropertiesChanged", path=job_path(2))
        assert changed[0] == JOB and changed[1]["State"].value == "running"


def test_reply_comes_when_everything_agrees():
    """Whoever reads the reply finds in the registry and in the kernel what it says."""
    with Host() as host:
        for _ in range(20):
            device = host.create()
            assert host.state(device) == "active" and (DEVICES / device).exists()
            host.stop(device)
            assert host.state(device) is None and not (DEVICES / device).exists()


def test_device_is_signalled():
    with Host() as host:
        signals = host.signals()
        device = host.create()
        added = signals.wait("InterfacesAdded", lambda body: body[0] == device_path(device))
        assert added[1]["org.mediated1.Device"]["State"].value == "active"
        assert host.state(device) == "active"
        host.stop(device)
        assert signals.wait("InterfacesRemoved", lambda body: body[0] == device_path(device))


def test_deadline_of_64_hung_jobs_at_once():
    with Host() as host:
        host.simctl("hang", "mbochs", "create")
        creates = [host.begin_create(parent="mbochs", type="mbochs-small", timeout=1) for _ in range(64)]
        for create in creates:
            assert create.error().name == "JobTimedOut"
        begin = time.monotonic()
        host.create()
        assert time.monotonic() - begin < 12, "stuck workers take the places of others for no longer than 5 s"
        host.simctl("resume", "mbochs")
        host.eventually(lambda: host.jobs() == [], 10)
        assert len(host.devices()) == 1
