# SPDX-License-Identifier: LGPL-2.1-or-later
"""Callouts are called as mdevctl calls them."""

import os
import pathlib

import pytest
from callout_tools import UUID, Callouts
from host import BUILD, Host

DEBIANS = "/usr/bin/mdevctl"

FILE = '{"mdev_type": "mtty-2", "start": "auto", "attrs": [{"setting": "a b"}, {"vendor/vgpu_params": "x\\u00fcy"}]}'

# Each is a sequence of command lines; what the callouts saw of it is compared.
SEQUENCES = {
    "define": ["define -u {u} -p mtty -t mtty-1"],
    "define auto": ["define -u {u} -p mtty -t mtty-1 -a"],
    "define file": ["define -u {u} -p mtty --jsonfile /run/file"],
    "define twice": ["define -u {u} -p mtty -t mtty-1", "define -u {u} -p mtty -t mtty-1"],
    "define without parent": ["define -u {u} -p nothing -t none"],
    "define active": ["start -u {u} -p mtty -t mtty-1", "define -u {u}"],
    "define active auto": ["start -u {u} -p mtty -t mtty-1", "define -u {u} --auto"],
    "modify": ["define -u {u} -p mtty -t mtty-1", "modify -u {u} --addattr setting --value 1", "modify -u {u} --auto",
               "modify -u {u} -t mtty-2", "modify -u {u} --delattr", "modify -u {u} --manual"],
    "modify nothing": ["define -u {u} -p mtty -t mtty-1", "modify -u {u}"],
    "modify what is not there": ["modify -u {u} --auto"],
    "undefine": ["define -u {u} -p mtty --jsonfile /run/file", "undefine -u {u}"],
    "undefine all": ["define -u {u} -p mtty -t mtty-1", "define -u {u} -p mbochs -t mbochs-small", "undefine -u {u}"],
    "undefine what is not there": ["undefine -u {u}"],
    "start": ["start -u {u} -p mtty -t mtty-1", "stop -u {u}"],
    "start file": ["start -u {u} -p mtty --jsonfile /run/manual", "stop -u {u}"],
    "start defined": ["define -u {u} -p mtty --jsonfile /run/file", "start -u {u}", "stop -u {u}"],
    "start with a bad attribute": ["define -u {u} -p mtty -t mtty-1", "modify -u {u} --addattr nothing --value 1",
                                   "start -u {u}"],
}


def seen_by_callouts(program, sequence, prepare):
    """What callouts and notifiers saw of it, and the exit status of each command."""
    with Host() as host:
        callouts = Callouts(host)
        pathlib.Path("/run/file").write_text(FILE, encoding="utf-8")
        pathlib.Path("/run/manual").write_text(FILE.replace("auto", "manual"), encoding="utf-8")
        prepare(callouts)
        statuses = [host.shell(f"{program} {line.format(u=UUID)}", check=False).returncode for line in sequence]
        return callouts.recorded(), statuses


def compare(sequence, prepare, last_status=None):
    """@last_status: of mdevctl, where ours is 1 instead."""
    reference = seen_by_callouts(DEBIANS, sequence, prepare)
    ours = seen_by_callouts(BUILD / "client/mdevctl", sequence, prepare)
    for mine, theirs in zip(ours[0], reference[0]):
        assert mine == theirs
    assert len(ours[0]) == len(reference[0]), (ours[0], reference[0])
    if last_status is not None:
        assert (ours[1].pop(), reference[1].pop()) == (1, last_status)
    assert ours[1] == reference[1]


def record_all(callouts):
    callouts.add("10-record")
    callouts.add_notifier("10-notifier")


pytest.mark.reference = pytest.mark.skipif(not os.path.exists(DEBIANS),
                                           reason="SKIP: Debian's mdevctl is not installed")


@pytest.mark.reference
@pytest.mark.parametrize("name", SEQUENCES)
def test_called_as_by_mdevctl(name):
    compare(SEQUENCES[name], record_all)


@pytest.mark.reference
@pytest.mark.parametrize("name", ["define", "modify", "undefine", "start", "start defined"])
@pytest.mark.parametrize("event", ["pre", "post"])
@pytest.mark.parametrize("status", [1, 3])
def test_called_as_by_mdevctl_that_is_refused(name, event, status):
    """The last of the commands is. mdevctl 1.2 says that a refused undefine went well, 1.3 and we do not."""
    action = SEQUENCES[name][-1].split()[0]

    def prepare(callouts):
        callouts.add("10-refuse", f"[[ $event-$action != {event}-{action} ]] || exit {status}")
        callouts.add_notifier("10-notifier", "exit 1")

    compare(SEQUENCES[name], prepare, last_status=0 if (event, name) == ("pre", "undefine") else None)


@pytest.mark.reference
def test_called_as_by_mdevctl_by_none():
    def prepare(callouts):
        callouts.add("10-not-mine", "exit 2")
        callouts.add_notifier("10-notifier")

    compare(SEQUENCES["start defined"], prepare)
    compare(SEQUENCES["modify"], prepare)


@pytest.mark.reference
@pytest.mark.parametrize("name", ["start", "define active"])
def test_called_as_by_mdevctl_with_get(name):
    def prepare(callouts):
        callouts.add("10-get", "[[ $event != get ]] || echo '[{\"setting\":\"1\"}]'")
        callouts.add_notifier("10-notifier")

    compare(SEQUENCES[name], prepare)
