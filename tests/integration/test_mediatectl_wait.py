# SPDX-License-Identifier: LGPL-2.1-or-later
"""mediatectl wait: until each definition with start `auto` is active or has failed, but not for ever."""

import time

import pytest
from ctl import begin_ctl, ctl
from definitions import define, host_with, put_many, start_state
from host import Host, new_uuid


def ends(process, status, seconds=10):
    out, err = process.communicate(timeout=seconds)
    assert (process.returncode, out) == (status, ""), err
    return err


def test_nothing_to_wait_for():
    with Host() as host:
        define(host)
        define(host, parent="absent")
        began = time.monotonic()
        assert ctl(host, "wait") == (0, "", "")
        assert time.monotonic() - began < 10


def test_waits_until_all_are_active():
    with Host(parents=[]) as host:
        uuids = [define(host, start="auto") for _ in range(3)]
        waiting = begin_ctl(host, "wait", "--timeout=infinity")
        host.sleep(1)
        assert waiting.poll() is None
        host.simctl("add-parent", "--types-after", 1500, "mtty:mtty-1=24")
        host.eventually(lambda: start_state(host, uuids[0], "mtty") == "waiting-type")
        assert waiting.poll() is None
        assert ends(waiting, 0) == ""
        assert {host.state(uuid) for uuid in uuids} == {"active"}


def test_waits_for_creates_that_run():
    with host_with(lambda host: (host.simctl("delay", "mtty", "create", 3000), put_many(2))) as (host, (_, uuids)):
        assert ends(begin_ctl(host, "wait"), 0) == ""
        assert {host.state(uuid) for uuid in uuids} == {"active"}


def test_gives_up_and_says_what_is_missing():
    with Host() as host:
        absent, good = define(host, start="auto", parent="absent"), define(host)
        began = time.monotonic()
        result = ctl(host, "wait", "--timeout=1500ms", status=1)
        assert 1.4 < time.monotonic() - began < 10
        assert result.err == (f"mediatectl: {absent} is not active, its state is waiting-parent: "
                              "Autostart on absent waits: the parent is not there\n")
        assert good not in result.err


def test_does_not_wait_for_what_has_failed():
    with Host(parents=[]) as host:
        bad, good = (define(host, start="auto") for _ in range(2))
        host.simctl("add-parent", "--types-after", 1000, "mtty:mtty-1=24")
        host.simctl("fail", "mtty", "create", 5, 1)
        err = ends(begin_ctl(host, "wait", "--timeout=infinity"), 1)
        failed, = (uuid for uuid in (bad, good) if host.state(uuid) is None)
        assert err.startswith(f"mediatectl: {failed} is not active, its state is failed: ")
        assert err.count("\n") == 1


def test_does_not_wait_for_what_was_stopped():
    with host_with(lambda _: put_many(1)) as (host, (uuid,)):
        host.eventually(lambda: host.state(uuid) == "active")
        host.stop(uuid)
        assert ctl(host, "wait", "--timeout=infinity") == (0, "", "")
        assert host.state(uuid) is None


def test_a_definition_that_comes_or_goes_meanwhile():
    with Host() as host:
        first = define(host, start="auto", parent="absent")
        waiting = begin_ctl(host, "wait", "--timeout=infinity")
        host.sleep(0.5)
        second = define(host, start="auto", parent="gone")
        ctl(host, "undefine", first)
        host.sleep(1)
        assert waiting.poll() is None
        ctl(host, "undefine", second)
        assert ends(waiting, 0) == ""


@pytest.mark.parametrize("words", [["wait", new_uuid()], ["wait", "--json"]])
def test_usage(words):
    with Host() as host:
        assert ctl(host, *words, status=2).err
