# SPDX-License-Identifier: LGPL-2.1-or-later
"""That nobody is refused, cut off or forgotten while a user without rights does all that the bus lets him do, and that
the daemon's memory stays bounded; with both buses. How long others wait is measured by benchmark/fairness itself."""

import json
import os
import subprocess

import pytest
from host import BUILD, SIMULATE, is_sanitized

RESIDENT_MAX_KIB = 64 << 10
ATTACKS = ("readers", "refused", "unread", "large", "path", "hold", "types", "links", "clients", "stuck")

# They send so many bytes that the bus itself is saturated, for how long depends on the machine. They are about memory.
SATURATE_THE_BUS = {"path", "hold"}


# What the daemon does is the same with both. Sanitizers make it slow, and a saturated bus everything; and with
# sanitizers, memory is not measured.
def attacks():
    for attack in ATTACKS:
        if not (is_sanitized() and attack in SATURATE_THE_BUS):
            yield attack, "daemon"
        if not is_sanitized() and attack not in SATURATE_THE_BUS:
            yield attack, "broker"


@pytest.mark.parametrize("attack, bus", attacks())
def test_attack(attack, bus, tmp_path):
    found = tmp_path / "found.json"
    subprocess.run([SIMULATE, f"--bus={bus}", "--", "fairness", f"--attack={attack}", "--definitions=500",
                    "--connections=60", "--calls=14", f"--seconds={1 if is_sanitized() else 2}", "--batches=1",
                    f"--json={found}"],
                   check=True, stdout=subprocess.DEVNULL, timeout=400, env={**os.environ, "MEDIATED_BUILD": str(BUILD)})
    alone, attacked = json.loads(found.read_text(encoding="utf-8"))
    for row in (alone, attacked):
        served = {name: row.get(name, 0) for name in ("unserved", "batch_unserved", "others_unserved")}
        assert not row["died"]
        assert not any(served.values()) or attack in SATURATE_THE_BUS, served
        # Freed memory is kept for a while by AddressSanitizer.
        assert row["resident_peak_kib"] <= RESIDENT_MAX_KIB or is_sanitized()
    assert all(load["calls"] > 0 for load in attacked["answered"])
