# SPDX-License-Identifier: LGPL-2.1-or-later
"""Callouts are called as mdevctl calls them, 1.2.0 and 1.4.0."""

import functools
import os
import pathlib
import re

import pytest
from callout_tools import UUID, Callouts
from host import DEVICES
from mdevctl_versions import VERSIONS, begin, genuine, hosted

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


def record_all(callouts):
    callouts.add("10-record")
    callouts.add_notifier("10-notifier")


def refuse(event, action, status):
    def prepare(callouts):
        callouts.add("10-refuse", f"[[ $event-$action != {event}-{action} ]] || exit {status}")
        callouts.add_notifier("10-notifier", "exit 1")
    return prepare


def record_none(callouts):
    callouts.add("10-not-mine", "exit 2")
    callouts.add_notifier("10-notifier")


def record_get(callouts):
    callouts.add("10-get", "[[ $event-$action != get-attributes ]] || echo '[{\"setting\":\"1\"}]'")
    callouts.add_notifier("10-notifier")


def record_capable(callouts):
    """The one that tells its capabilities comes first, for those versions that ask for them."""
    callouts.add("10-old", "[[ $action != capabilities ]] || exit 1")
    callouts.add("20-capable", """[[ $action != capabilities ]] || echo '{"supports":{"version":2,
        "actions":["define","modify","start"],"events":["pre","post"]}}'""")
    callouts.add_notifier("10-notifier")


def record_live(callouts):
    callouts.add("10-old", "[[ $action != capabilities ]] || echo '[]'")
    callouts.add("20-capable", """[[ $action != capabilities ]] || echo '{"supports":{"version":2,
        "actions":["modify","start","stop"],"events":["pre","post","live"]}}'""")
    callouts.add_notifier("10-notifier")


# What is done, and which callouts there are. In the refused ones the last command is refused.
CASES = {
    **{name: (sequence, record_all) for name, sequence in SEQUENCES.items()},
    **{f"{name}, {event} refused with {status}": (SEQUENCES[name],
                                                  refuse(event, SEQUENCES[name][-1].split()[0], status))
       for name in ("define", "modify", "undefine", "start", "start defined")
       for event in ("pre", "post") for status in (1, 3)},
    "start defined, by none": (SEQUENCES["start defined"], record_none),
    "modify, by none": (SEQUENCES["modify"], record_none),
    "start, with get": (SEQUENCES["start"], record_get),
    "define active, with get": (SEQUENCES["define active"], record_get),
    "modify, by a capable one": (SEQUENCES["modify"], record_capable),
    "start, by a capable one": (SEQUENCES["start"], record_capable),
    "undefine, by a capable one": (SEQUENCES["undefine"], record_capable),
    "live, by a capable one": (SEQUENCES["start"][:1] + ["modify -u {u} --live --jsonfile /run/live", "stop -u {u}"],
                               record_live),
}

# What differs as docs/mdevctl-compatibility.md has it: 1.2.0 runs the callouts of a folder in no order, 1.4.0 asks for
# the attributes after `pre`.
NOT_COMPARED = {
    "1.2.0": {name for name in CASES if "capable" in name},
    "1.4.0": {name for name in CASES if "define active" in name},
}
COMPARED = [(version, name) for version in VERSIONS for name in CASES if name not in NOT_COMPARED[version]]


def clean(host, callouts):
    for uuid in os.listdir(DEVICES):
        host.raw_remove(uuid)
    host.shell("find /etc/mdevctl.d -mindepth 1 -maxdepth 1 ! -name scripts.d -exec rm -r {} +")
    callouts.clear()


def run_all(version, genuine_program=None):
    """What callouts and notifiers saw of each case, and the exit status of each command."""
    found = {}
    with hosted(version, genuine_program) as (host, program):
        callouts = Callouts(host, version)
        pathlib.Path("/run/file").write_text(FILE, encoding="utf-8")
        pathlib.Path("/run/manual").write_text(FILE.replace("auto", "manual"), encoding="utf-8")
        pathlib.Path("/run/live").write_text(FILE.replace("auto", "manual").replace("mtty-2", "mtty-1"),
                                             encoding="utf-8")
        for name, (sequence, prepare) in CASES.items():
            clean(host, callouts)
            if not genuine_program:
                host.call("Reload")
                host.eventually(lambda: not host.devices(), what="the end of all devices")
            prepare(callouts)
            statuses = [host.shell(f"{program} {line.format(u=UUID)}", check=False).returncode for line in sequence]
            found[name] = callouts.recorded(), statuses
    return found


@functools.cache
def results_of(version):
    """Everything by the genuine program and by ours, at the same time."""
    both = begin(run_all, version, genuine(version)), begin(run_all, version)
    return [wait() for wait in both]


def as_given_by(version, calls):
    """1.4.0 gives notifiers nothing on standard input, and after a live change no state."""
    if version == "1.2.0":
        return calls
    live = any(" -e live " in call.arguments for call in calls)
    return [call._replace(input="", arguments=re.sub(" -a modify -s [a-z]+ " if live else "$^", " -a modify ",
                                                     call.arguments))
            if " -e notify " in call.arguments else call for call in calls]


# The first one of a version waits for all of them.
@pytest.mark.seconds(600)
@pytest.mark.parametrize("version, name", COMPARED)
def test_called_as_by_mdevctl(version, name):
    reference, found = results_of(version)
    (theirs, their_statuses), (mine, my_statuses) = reference[name], found[name]
    assert as_given_by(version, mine) == as_given_by(version, theirs)
    # 1.2.0 says that a refused undefine went well, later versions and we do not.
    if version == "1.2.0" and name.startswith("undefine, pre refused"):
        assert their_statuses.pop() == 0 and my_statuses.pop() == 1
    assert my_statuses == their_statuses


@pytest.mark.seconds(600)
@pytest.mark.parametrize("version", VERSIONS)
def test_enough_calls(version):
    """Something was compared."""
    _, found = results_of(version)
    calls = [call for of, case in COMPARED if of == version for call in found[case][0]]
    events = {(words[3], words[5]) for words in (call.arguments.split() for call in calls)}
    assert events >= {(event, action) for event in ("pre", "post", "notify")
                      for action in ("start", "stop", "define", "undefine", "modify")}
    assert (("get", "capabilities") in events) == (version != "1.2.0")
    assert ("20-capable" in {call.name for call in calls}) == (version != "1.2.0")
