# SPDX-License-Identifier: LGPL-2.1-or-later
"""The race that the kernel loses, see tests/race. MEDIATED_RACE_PAIRS sets how often a device is
created and stopped."""

import os

import pytest
from host import Host

PAIRS = int(os.environ.get("MEDIATED_RACE_PAIRS", 2000))


def race(host, *arguments):
    """What was answered how often."""
    output = host.shell("exec race-client \"$@\"", *arguments, "mtty", "mtty-1", timeout=None, check=False).stdout
    print(output)
    return {name: int(count) for name, count in (line.split() for line in output.splitlines())}


@pytest.mark.seconds(60 + PAIRS // 20)
@pytest.mark.parametrize("create_delay", [0, 5])
def test_two_clients_at_one_uuid(create_delay):
    pairs = PAIRS if create_delay == 0 else min(PAIRS, 500)
    with Host(create_delay=create_delay) as host:
        counts = race(host, "--pairs", pairs)
        assert counts.pop("create.success") == counts.pop("stop.success") == pairs
        assert counts.pop("left") == counts.pop("wedged") == 0
        # The loser is told that there is a device, or none; nobody ever hears of the kernel's EAGAIN.
        assert set(counts) <= {"create.org.mediated1.Error.AlreadyExists", "stop.org.mediated1.Error.NoSuchDevice"}
        assert host.devices() == {} and host.jobs() == []
        assert "wedged" not in host.log()


def test_the_same_by_raw_writes_wedges_at_once():
    """The simulator is as bad as the kernel; without this, the test above would show nothing."""
    with Host(create_delay=5) as host:
        counts = race(host, "--raw", "--pairs", 2000)
        assert counts["wedged"] == 1 and counts["stop.EAGAIN"] == 1
        assert counts["create.success"] < 10
        host.eventually(lambda: list(host.states().values()) == ["wedged"], 3)
