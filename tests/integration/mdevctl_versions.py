# SPDX-License-Identifier: LGPL-2.1-or-later
"""The versions of mdevctl that mediated can follow: the genuine programs, and ours."""

import pathlib
import subprocess

from host import BUILD, SOURCE, build_option

VERSIONS = ("1.2.0", "1.4.0")

# The one of the build that is tested. `client/mdevctl` is that.
BUILT = build_option("mdevctl_version")


def genuine(version):
    """The path of Debian's program. To be called outside of a simulated host: it may have to be downloaded."""
    script = SOURCE / "tests/integration/mdevctl-reference"
    result = subprocess.run([script, version], check=False, stdout=subprocess.PIPE, text=True)
    assert result.returncode == 0, f"there is no genuine mdevctl {version}, see standard error"
    return pathlib.Path(result.stdout.strip())


def ours(version):
    """The path of our program under the name mdevctl, beside lsmdev. To be called in a simulated host."""
    program = BUILD / ("client/mediatectl" if version == BUILT else f"tests/integration/mediatectl-{version}")
    directory = pathlib.Path("/run/mdevctl")
    directory.mkdir(exist_ok=True)
    for name in ("mdevctl", "lsmdev"):
        (directory / name).unlink(missing_ok=True)
        (directory / name).symlink_to(program)
    return directory / "mdevctl"
