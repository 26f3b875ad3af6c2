# SPDX-License-Identifier: LGPL-2.1-or-later
"""Drivers that fail with whatever there is, parents that go in the midst of everything, workers that stand still, and
others who work behind the daemon's back."""

import random

import pytest
from bus import Error
from definitions import begin_start, host_with, put_many, resident_kib
from host import DEVICES, Host, is_sanitized, new_uuid

IO_ERROR = "org.freedesktop.DBus.Error.IOError"
ATTRIBUTES = [("setting", "1"), ("vendor/plugin", "2"), ("setting", "3")]

# What drivers/vfio/mdev, the driver core, kernfs, and drivers themselves may answer.
ERRNOS = ["EPERM", "ENOENT", "EINTR", "EIO", "ENXIO", "EAGAIN", "ENOMEM", "EACCES", "EFAULT", "EBUSY", "EEXIST",
          "ENODEV", "EINVAL", "ENOSPC", "ERANGE", "ENOSYS", "EOPNOTSUPP", "ETIMEDOUT", "EUSERS"]

# Some have a meaning, and EINTR is no answer.
CREATE = {"EEXIST": "AlreadyExists", "ENODEV": "NoSuchParent", "ENOSPC": "NoAvailableInstances",
          "EUSERS": "NoAvailableInstances", "EINTR": None, "ENOENT": IO_ERROR}
REMOVE = {"EINTR": None, "EAGAIN": "Wedged"}


@pytest.mark.seconds(240)
def test_each_errno_of_create():
    with Host() as host:
        host.check_sane()
        for errno in ERRNOS:
            # A UUID that is reserved is tried for a while.
            host.simctl("fail", "mtty", "create", errno, 1000 if errno == "EEXIST" else 1)
            uuid = new_uuid()
            expected = CREATE.get(errno, IO_ERROR)
            if expected:
                error = host.begin_create(uuid, attributes=ATTRIBUTES).error()
                assert error.name == expected and uuid in error.text, (errno, error)
                assert not (DEVICES / uuid).exists() and host.is_idle()
            host.simctl("fail", "mtty", "create", errno, 0)
            host.stop(host.create(uuid, attributes=ATTRIBUTES))
        host.check_sane()


@pytest.mark.seconds(240)
def test_each_errno_of_each_attribute():
    with Host() as host:
        host.check_sane()
        for errno in ERRNOS:
            for skip, (name, value) in ((0, ATTRIBUTES[0]), (0, ATTRIBUTES[1]), (1, ATTRIBUTES[2])):
                host.simctl("fail", "mtty", name, errno, 1, skip)
                uuid = new_uuid()
                call = host.begin_create(uuid, attributes=ATTRIBUTES)
                if errno == "EINTR":
                    call.result()
                    host.stop(uuid)
                    continue
                error = call.error()
                assert error.name == "InvalidAttribute" and f"'{name}'" in error.text and f"'{value}'" in error.text
                assert not (DEVICES / uuid).exists() and host.is_idle(), (errno, name)
        host.check_sane()


@pytest.mark.seconds(240)
def test_each_errno_of_remove():
    with Host() as host:
        host.check_sane()
        for errno in ERRNOS:
            uuid = host.create()
            host.simctl("fail", "mtty", "remove", errno)
            call = host.begin_stop(uuid)
            if errno == "EINTR":
                call.result()
                continue
            error = call.error()
            assert error.name == REMOVE.get(errno, IO_ERROR) and uuid in error.text, (errno, error)
            assert host.state(uuid) == "active" and host.is_idle()
            host.stop(uuid)
        host.check_sane()


@pytest.mark.seconds(240)
def test_each_errno_of_the_undoing():
    """The attribute is refused, and then the remove as well: the device is there, and the caller knows."""
    with Host() as host:
        host.check_sane()
        for errno in ("EIO", "EBUSY", "ENODEV", "EPERM"):
            host.simctl("fail", "mtty", "setting", "EINVAL")
            host.simctl("fail", "mtty", "remove", errno)
            uuid = new_uuid()
            error = host.begin_create(uuid, attributes=ATTRIBUTES).error()
            assert error.name == "InvalidAttribute" and "could not be removed again" in error.text
            assert host.state(uuid) == "active" and host.is_idle()
            host.stop(uuid)
        host.check_sane()


@pytest.mark.parametrize("attribute", ["available_instances", "name", "description", "device_api"])
def test_each_errno_of_a_read(attribute):
    with Host() as host:
        host.check_sane()
        before = host.types("mtty")
        for errno in ERRNOS:
            host.simctl("fail", "mtty", attribute, errno, 1)
            assert set(host.types("mtty")) == set(before)
        host.eventually(lambda: host.types("mtty") == before)
        host.check_sane()


# --- parents that go


@pytest.mark.seconds(240)
@pytest.mark.parametrize("seed", range(3))
def test_parent_goes_in_the_midst_of_everything(seed):
    """Creates, stops, starts and autostarts of it are under way; it comes back, and goes again."""
    chance = random.Random(seed)
    with host_with(lambda _: put_many(6, attributes=ATTRIBUTES),
                   parents=["mtty:mtty-1=40", "other:other-1=8"]) as (host, auto):
        host.eventually(lambda: list(host.states().values()) == ["active"] * 6, 20)
        host.check_sane()
        for operation in ("create", "remove", "write"):
            host.simctl("delay", "mtty", operation, 20)
        for _ in range(6):
            stopped = [host.create(attributes=ATTRIBUTES) for _ in range(4)]
            calls = [host.begin_create(attributes=ATTRIBUTES) for _ in range(6)]
            calls += [host.begin_stop(uuid) for uuid in [*stopped, auto[0]]]
            calls += [begin_start(host, auto[0]), host.begin_create(parent="other", type="other-1")]
            calls += [host.begin_stop(uuid) for uuid in auto[1:3]] + [begin_start(host, uuid) for uuid in auto[1:3]]
            host.sleep(chance.random() * 0.1)
            host.shell("simctl remove-parent mtty")
            if chance.random() < 0.5:
                host.sleep(chance.random() * 0.05)
            host.simctl("add-parent", "mtty:mtty-1=40")
            for operation in ("create", "remove", "write"):
                host.simctl("delay", "mtty", operation, 20)
            for call in calls:
                try:
                    call.result()
                except Error as error:
                    assert error.name in ("NoSuchParent", "NoSuchDevice", "NoSuchType", "InvalidAttribute",
                                          "AlreadyExists", IO_ERROR), error
            host.eventually(lambda: host.is_idle() and all(host.states().get(uuid) == "active" for uuid in auto), 40,
                            "what is started with the parent")
            for uuid in set(host.states()) - set(auto):
                host.stop(uuid)
            for uuid in auto:
                history = (DEVICES / uuid / "vendor" / "history").read_text()
                assert history.split() == [f"{n}={v}" for n, v in ATTRIBUTES]
        for operation in ("create", "remove", "write"):
            host.simctl("delay", "mtty", operation, 0)
        host.check_sane()
        host.check_sane("other", "other-1")
        assert "wedged" not in host.log()


# --- workers that stand still


def test_worker_that_is_stopped_in_a_create():
    """As a driver that hangs: the caller has its answer, nobody else is delayed, and what comes late is undone."""
    with Host() as host:
        host.check_sane()
        host.simctl("hang", "mtty", "create")
        uuid = new_uuid()
        create = host.begin_create(uuid, timeout=1)
        worker = host.eventually(host.busy_workers)[0]
        host.kill(worker, sig=19)
        host.simctl("resume", "mtty")
        assert create.error().name == "JobTimedOut"
        host.stop(host.create())
        host.kill(worker, sig=18)
        host.eventually(lambda: host.states() == {}, 10)
        host.check_sane()


def test_idle_worker_that_is_stopped():
    """It gets the next task, and takes it when it goes on."""
    with Host() as host:
        host.check_sane()
        workers = host.workers()
        host.kill(*workers, sig=19)
        creates = [host.begin_create(timeout=2) for _ in range(3 * len(workers))]
        outcomes = []
        for create in creates:
            create.wait()
            outcomes.append(create.task.result().error_name or "")
        assert outcomes.count("") >= 2 * len(workers)
        assert {*outcomes} <= {"", "org.mediated1.Error.JobTimedOut"}
        host.kill(*workers, sig=18)
        host.eventually(lambda: len(host.states()) == outcomes.count("") and host.is_idle(), 10)
        for uuid in host.states():
            host.stop(uuid)
        host.check_sane()


def test_what_a_dead_worker_left_and_cannot_be_removed_again():
    """Somebody has opened it: the caller is not told that it is gone."""
    with Host() as host:
        host.check_sane()
        host.simctl("hang", "mtty", "write")
        uuid = new_uuid()
        create = host.begin_create(uuid, attributes=ATTRIBUTES)
        host.eventually((DEVICES / uuid / "mdev_type").exists)
        worker = host.eventually(host.busy_workers)[0]
        host.simctl("hold", uuid)
        host.kill(worker)
        host.simctl("resume", "mtty")
        error = create.error()
        assert error.name == IO_ERROR and "died" in error.text
        assert f"{uuid} is kept: a process has it open" in error.text
        assert host.state(uuid) == "active"
        host.simctl("release", uuid)
        host.stop(uuid)
        host.check_sane()


# --- others


def test_device_that_is_removed_while_we_configure_it():
    with Host() as host:
        host.check_sane()
        host.simctl("hang", "mtty", "write")
        uuid = new_uuid()
        create = host.begin_create(uuid, attributes=ATTRIBUTES)
        host.eventually((DEVICES / uuid / "mdev_type").exists)
        host.eventually(host.busy_workers)
        removal = host.start(f"echo 1 >/sys/bus/mdev/devices/{uuid}/remove")
        host.simctl("resume", "mtty")
        create.wait()
        assert removal.wait(10) == 0
        host.eventually(lambda: host.states() == {} and host.is_idle(), 10)
        host.check_sane()


def remove_before_the_report(host, between):
    """A worker reports a creation when somebody else has begun to remove the device. @between is called before that."""
    host.simctl("hang", "mtty", "create")
    uuid = new_uuid()
    create = host.begin_create(uuid)
    worker = host.eventually(host.busy_workers)[0]
    host.kill(worker, sig=19)
    host.simctl("resume", "mtty")
    host.eventually((DEVICES / uuid / "mdev_type").exists)
    host.simctl("hang", "mtty", "remove")
    removal = host.start(f"echo 1 >/sys/bus/mdev/devices/{uuid}/remove")
    host.eventually(lambda: not (DEVICES / uuid).exists())
    between(uuid)
    host.kill(worker, sig=18)
    create.result()
    host.eventually(lambda: host.state(uuid) == "stopping", 10)
    host.simctl("resume", "mtty")
    assert removal.wait(10) == 0
    host.eventually(lambda: host.states() == {} and host.is_idle(), 10)


def test_device_that_is_removed_before_its_creation_is_told():
    """It was created, and is shown as what it is, until it is gone; by then its last uevent may have come."""
    with Host() as host:
        def be_seen(uuid):
            host.call("Reload")
            host.eventually(lambda: host.state(uuid) == "stopping")

        host.check_sane()
        remove_before_the_report(host, be_seen)
        host.check_sane()


def test_device_that_is_first_seen_when_its_link_is_gone():
    """Somebody removes it before the daemon has looked at it; then it is told that it was created."""
    with Host() as host:
        def be_unseen(uuid):
            assert host.state(uuid) is None

        host.check_sane()
        # As if they were late: those that come by the link find nothing any more.
        host.simctl("lose-uevents", 1000)
        remove_before_the_report(host, be_unseen)
        host.simctl("lose-uevents", 0)
        host.check_sane()


def test_device_that_is_wedged_while_we_create_it():
    """It is complete, so the create succeeds; but it can never be removed, and that is what it is shown as."""
    with Host(parents=["mtty:mtty-1=24", "other:other-1=8"]) as host:
        host.check_sane()
        host.simctl("hang", "mtty", "create")
        uuid = new_uuid()
        create = host.begin_create(uuid)
        host.eventually((DEVICES / uuid / "remove").exists)
        result = host.shell("echo 1 >/sys/bus/mdev/devices/$1/remove", uuid, check=False)
        assert "temporarily unavailable" in result.stderr
        host.simctl("resume", "mtty")
        create.wait()
        host.eventually(lambda: host.state(uuid) == "wedged", 10)
        assert host.begin_stop(uuid).error().name == "Wedged"
        host.simctl("remove-parent", "mtty")
        host.eventually(lambda: host.states() == {})
        host.check_sane("other", "other-1")


@pytest.mark.seconds(300)
def test_memory_does_not_grow():
    """Nor fds, nor processes; whatever fails."""
    with Host() as host:
        host.check_sane()

        def trouble():
            host.simctl("fail", "mtty", "create", "EIO")
            host.begin_create().error()
            host.begin_create(attributes=[("setting", "x"), ("none", "1")]).error()
            host.begin_create(parent="none").error()
            uuid = host.create()
            host.begin_create(uuid).error()
            host.simctl("hang", "mtty", "remove")
            stop = host.begin_stop(uuid, timeout=0.1)
            # A worker that dies before leaves the device.
            host.eventually(host.busy_workers)
            assert stop.error().name == "JobTimedOut"
            host.kill(*host.workers())
            host.simctl("resume", "mtty")
            host.eventually(lambda: not host.states() and host.is_idle(), 10)

        for _ in range(10):
            trouble()
        before = resident_kib(host.daemon_pid())
        for _ in range(40):
            trouble()
        grown = resident_kib(host.daemon_pid()) - before
        print(f"{grown} KiB more after 40 rounds of trouble")
        # A leak of the smallest object a round would still be seen by LeakSanitizer.
        assert is_sanitized() or grown <= 256
        host.check_sane()
