# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is said about mediatectl is true: its manual page, its help, its completions, the tour."""

import re
import subprocess

import tour
from ctl import MEDIATECTL, environment
from host import SOURCE, Host

MANUAL = SOURCE / "docs" / "mediatectl.1.in"
COMPLETIONS = SOURCE / "client" / "completions"
PARENTS = ["0000:41:00.4:nvidia-63=4", *(f"0000:42:00.{n}@0000:42:00.0:nvidia-64=1" for n in range(4, 8)),
           "matrix:vfio_ap-passthrough=8", "0.0.0313:vfio_ccw-io=1"]
VF = "0000:3d:00.4"
CARDS = ["0000:3d:00.0:vfs=1,nvidia-1145=8"]


def manual_text():
    return MANUAL.read_text(encoding="utf-8").replace(r"\-", "-").replace(r"\(aq", "'")


def examples():
    blocks = re.findall(r"^\.EX\n(.*?)^\.EE", manual_text(), re.MULTILINE | re.DOTALL)
    return [line.removeprefix("$ ") for block in blocks for line in block.splitlines() if line.startswith("$ ")]


def test_examples_of_the_manual():
    """As printed, one after the other, in one shell."""
    commands = examples()
    assert len(commands) > 12
    with Host(parents=PARENTS, cards=CARDS) as host:
        host.eventually(lambda: (VF, "nvidia-1145") in host.types(), what="the types of the VF")
        script = "set -e\n" + "\n".join(commands)
        done = subprocess.run(["bash", "-c", script], check=False, capture_output=True, text=True,
                              env=environment(host), timeout=60)
        assert done.returncode == 0, done
        assert {device.parent for device in host.devices().values()} == {
            "matrix", "0.0.0313", VF, *(f"0000:42:00.{n}" for n in range(4, 8))}


def verbs_and_options():
    text = subprocess.run([MEDIATECTL, "--help"], check=True, capture_output=True, text=True).stdout
    return (set(re.findall(r"^  ([a-z][a-z-]*)(?: |$)", text, re.MULTILINE)),
            set(re.findall(r"(--[a-z][a-z-]+)", text)))


def test_manual_and_completions_know_everything():
    verbs, options = verbs_and_options()
    assert len(verbs) == 19 and len(options) >= 22
    manual = manual_text()
    texts = {"manual": manual, "bash": (COMPLETIONS / "mediatectl.bash").read_text(encoding="utf-8"),
             "zsh": (COMPLETIONS / "_mediatectl").read_text(encoding="utf-8")}
    for name, text in texts.items():
        for verb in verbs:
            assert re.search(rf"\b{verb}\b", text), f"{verb} in {name}"
        for option in options:
            assert option in text, f"{option} in {name}"
    # And nothing that is not there.
    assert set(re.findall(r"(?<![-\w])--[a-z][a-z-]+", manual)) <= options


def test_manual_lists_all_columns():
    """As the error about an unknown one does, which needs no daemon."""
    manual = MANUAL.read_text(encoding="utf-8")
    table = dict(re.findall(r"^([a-z]+)\tT\{\n([A-Z, ]+)\nT\}$", manual, re.MULTILINE))
    assert set(table) == {"list", "tree", "parents", "types", "jobs"}
    for verb, columns in table.items():
        done = subprocess.run([MEDIATECTL, verb, "-o", "NONE"], check=False, capture_output=True, text=True)
        assert done.returncode == 2 and done.stderr.strip().endswith(f"there are {columns}")


def test_manual_is_well_formed():
    done = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", MANUAL], check=True, capture_output=True,
                          text=True, env={"MANPAGER": "cat", "PATH": "/usr/bin:/bin"})
    assert done.stderr == "" and "EXIT STATUS" in done.stdout


def test_tour_is_still_true():
    with Host(parents=tour.PARENTS) as host:
        recorded = tour.record(host)
    assert tour.shape(recorded) == tour.shape(tour.TOUR.read_text(encoding="utf-8"))
