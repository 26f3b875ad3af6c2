# SPDX-License-Identifier: LGPL-2.1-or-later
"""mediated and Debian's mdevctl, swapped at any time, see swap.py. MEDIATED_SWAP_SEED repeats a sequence."""

import os
import pathlib

import pytest
from host import Host

SWAP = pathlib.Path(__file__).with_name("swap.py")
COUNT = 1000


@pytest.mark.seconds(300)
def test_operations_by_either():
    with Host() as host:
        seed = os.environ.get("MEDIATED_SWAP_SEED", "").split()
        result = host.shell('exec /usr/bin/python3 "$@"', SWAP, COUNT, *seed, timeout=280, check=False)
        assert result.returncode == 0, result.stdout + result.stderr
