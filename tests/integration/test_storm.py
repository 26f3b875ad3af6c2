# SPDX-License-Identifier: LGPL-2.1-or-later
"""Eight clients and raw writers at four UUIDs on two parents, see tests/race/storm.h. MEDIATED_STORM_CALLS sets how
many calls; a failed one is done again with the seed it prints: race-storm --seed N."""

import os

import pytest
from host import Host

CALLS = int(os.environ.get("MEDIATED_STORM_CALLS", 4000))

MUST_BE_0 = {"failed", "EAGAIN", "wedged-by-us", "out-of-order", "two-parents", "impossible", "unsettled"}


def storm(host, *arguments):
    """Its exit status, and what was counted."""
    process = host.shell("exec race-storm \"$@\"", *arguments, "mtty:mtty-1", "mbochs:mbochs-small", timeout=None,
                         check=False)
    print(process.stdout + process.stderr)
    counts = dict(line.split() for line in process.stdout.splitlines())
    return process.returncode, {name: float(count) for name, count in counts.items()}


@pytest.mark.seconds(60 + CALLS // 50)
@pytest.mark.parametrize("create_delay", [0, 3])
def test_nothing_untrue_is_answered(create_delay):
    calls = CALLS if create_delay == 0 else min(CALLS, 1000)
    with Host(create_delay=create_delay) as host:
        status, counts = storm(host, "--calls", calls)
        assert {name for name in MUST_BE_0 if counts[name] > 0} == set()
        assert status == 0
        # It was a race.
        assert all(counts[name] > 0 for name in (
            "create.success", "create.AlreadyExists", "stop.success", "stop.NoSuchDevice", "raw.create.success",
            "raw.create.EEXIST", "raw.remove.success", "rounds.clean", "rounds.raw"))
        assert counts["calls"] >= calls
        assert host.jobs() == []
        host.eventually(lambda: host.devices() == {})


def test_a_wedge_is_told_from_ours():
    """Who removes what is not complete wedges it, and is found out; mediated is not blamed and goes on."""
    with Host(create_delay=5) as host:
        status, counts = storm(host, "--calls", 600, "--rude", "--raw-percent", 30)
        assert counts["wedged-by-raw"] == counts["raw.remove.EAGAIN"] > 0
        assert counts["wedged-by-us"] == 0
        assert status == 0
