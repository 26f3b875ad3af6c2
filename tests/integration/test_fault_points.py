# SPDX-License-Identifier: LGPL-2.1-or-later
"""The daemon, a worker, or both die at each step of each kind of job; see common/fault-point.h."""

import pytest
from callout_tools import Callouts
from definitions import STORE, begin_define
from fault_points import ENVIRONMENT, FAULTS, PARENTS, Tour, find_points, pending, prepare
from host import Host, build_option

pytestmark = pytest.mark.skipif(
    not build_option("fault_points"),
    reason="SKIP: not in this build; meson configure -Dfault_points=true BUILD puts them in")

# Those of vendor VFIO are in test_vgpu_crash.py.
POINTS = {name: folder for name, folder in find_points().items() if not name.startswith("vgpu-")}

# Who is in the program can die alone; a worker can take the daemon along, or lose it.
ACTIONS = {"daemon": ["kill"], "common": ["kill"], "worker": ["kill", "kill-parent", "kill-both"]}

# What must have happened for somebody to come by.
INTERRUPTED = {"create-written": "kill-parent"}
LOST = {"create-written": "kill"}
FIRST = {"recovery-queued": INTERRUPTED, "recovery-reported": INTERRUPTED, "recovery-ended": INTERRUPTED,
         "recovery-removed": INTERRUPTED, "orphan-ended": INTERRUPTED, "create-lost": LOST, "ready": INTERRUPTED}


def test_points_are_in_the_build_that_is_tested():
    assert len(POINTS) > 30


@pytest.mark.seconds(240)
@pytest.mark.parametrize("point", POINTS)
def test_death_at(point):
    with Host(parents=PARENTS, environment=ENVIRONMENT) as host:
        host.raw_create(parent="full", type="full-1")
        FAULTS.mkdir()
        if point.startswith("callout"):
            Callouts(host).add("10-all", "exit 0")
        host.check_sane()
        for action in ACTIONS[POINTS[point]]:
            tour = Tour(host)
            prepare({**FIRST.get(point, {}), point: action})
            tour.run()
            tour.end()
            assert not pending(), f"nobody came by {pending()}"
            host.check_sane()
        assert "wedged" not in host.log()


def test_writers_that_die_leave_nothing():
    """Each is dead when its file is looked for, which it is not yet when its socket is closed."""
    with Host(parents=PARENTS, environment=ENVIRONMENT) as host:
        FAULTS.mkdir()
        for _ in range(200):
            prepare({"definition-created": "kill"})
            assert begin_define(host).error().name == "org.freedesktop.DBus.Error.IOError"
            host.eventually(lambda: not list(STORE.glob(".mediated-*")), 2, "the end of the temporary file")
