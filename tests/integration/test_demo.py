# SPDX-License-Identifier: LGPL-2.1-or-later
"""tools/demo shows what it says, for 80 columns, with Debian's mdevctl and without it."""

import os
import subprocess

import guide
import pytest
from host import BUILD, SOURCE, is_sanitized

DEMO = f"{SOURCE}/tools/demo --in-the-host"
HIDE_MDEVCTL = "mount --bind /dev/null /usr/bin/mdevctl"
NO_SUCH_FILE = "No such file or directory (os error 2)"


def run(command, *options):
    return subprocess.run([SOURCE / "tools/simulate", *options, "--", "bash", "-c", command], check=False,
                          capture_output=True, text=True, timeout=100, env={**os.environ, "MEDIATED_BUILD": str(BUILD)})


def part_in_readme():
    text = next(text for _, info, text in guide.blocks(guide.read(SOURCE / "README.md")) if "test_demo.py" in info)
    # This is the error of mdevctl 1.2.0. Later versions have other words for it.
    assert NO_SUCH_FILE in text
    return text.replace(NO_SUCH_FILE, "…")


# The same for each build, but for its speed.
@pytest.mark.parametrize("command", [DEMO] if is_sanitized() else [DEMO, f"{HIDE_MDEVCTL} && {DEMO}"],
                         ids=lambda command: "with-mdevctl" if command == DEMO else "without-mdevctl")
def test_demo(command):
    done = run(command)
    assert done.returncode == 0 and done.stderr == "", done
    assert not any(line.endswith(" ") for line in done.stdout.splitlines())
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert ("$ mdevctl" in done.stdout) == (command == DEMO)
    if command == DEMO:
        assert guide.pattern(part_in_readme().splitlines()).search(done.stdout)
    assert all(f"\n{n}. " in done.stdout for n in range(1, 7))


def test_demo_of_what_is_not_so():
    done = run(DEMO, "--no-parents")
    assert done.returncode == 1 and "should have printed" in done.stderr, done
