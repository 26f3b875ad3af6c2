# SPDX-License-Identifier: LGPL-2.1-or-later
"""That simulated cards obey the same rules as the real kernel does with the module vgpu-sample (tests/vm)."""

import pathlib
import subprocess

from simulated import simulated

SCRIPT = pathlib.Path(__file__).resolve().with_name("vgpu-honesty.sh")
TYPES = "nvidia-1145=3,nvidia-1152=2"


@simulated("--no-daemon", "--card", f"0000:01:00.0:vfs=off:4,sriov=raw,sizes=equal,{TYPES}",
           "--card", f"0000:02:00.0:vfs=off:4,sriov=raw,dialect=upstream,{TYPES}", timeout=300)
def test_cards_obey_the_rules_of_the_real_kernel():
    result = subprocess.run([SCRIPT], check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert result.returncode == 0, result.stdout
