# SPDX-License-Identifier: LGPL-2.1-or-later
"""Eight clients and two raw writers at four VFs, see tests/race/vgpu-race.c. MEDIATED_VGPU_CALLS sets how many calls
the clients make."""

import os

import pytest
from vgpus import LARGE, SMALL, VFS, card, kernel, vgpu_host

CALLS = int(os.environ.get("MEDIATED_VGPU_CALLS", 2000))

MUST_BE_0 = ("failed", "untrue", "raw.cleared", "left")


def race(host, *arguments):
    """Its exit status, and what was counted."""
    process = host.shell('exec vgpu-race "$@"', *arguments, SMALL, LARGE, *VFS[:4], timeout=None, check=False)
    print(process.stdout + process.stderr)
    return process.returncode, {name: int(count) for name, count in (line.split() for line in
                                                                     process.stdout.splitlines())}


@pytest.mark.seconds(60 + CALLS // 20)
@pytest.mark.parametrize("loose", [False, True])
def test_nobody_takes_what_is_not_theirs(loose):
    calls = min(CALLS, 1000) if loose and CALLS < 10000 else CALLS
    with vgpu_host(card(4, f"locked={'off' if loose else 'on'}")) as host:
        for vf in VFS[:4] if loose else []:
            host.simctl("delay", vf, "current_vgpu_type", 1)
        status, counts = race(host, "--calls", calls, *(["--loose"] if loose else []))
        assert {name: counts[name] for name in MUST_BE_0} == dict.fromkeys(MUST_BE_0, 0)
        assert status == 0 and counts["calls"] >= calls
        # It was a race.
        assert all(counts[name] > 0 for name in ("create.success", "create.NoAvailableInstances", "stop.success",
                                                 "raw.set.success", "raw.set.refused"))
        host.eventually(lambda: host.is_idle() and host.devices() == kernel(VFS) == {})
