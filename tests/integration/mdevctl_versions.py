# SPDX-License-Identifier: LGPL-2.1-or-later
"""The versions of mdevctl that mediated can follow: the genuine programs, and ours.

    genuine("1.4.0")                    Debian's program
    begin(run, "1.4.0") ... wait()      runs something in a process of its own, which can be in a host of its own
    with hosted("1.4.0") as (host, program):
        ...                             our program and our daemon, as that version"""

import contextlib
import multiprocessing
import pathlib
import subprocess

from callout_tools import Callouts
from host import SOURCE, Host, program_as

VERSIONS = ("1.2.0", "1.4.0")


def genuine(version):
    """The path of Debian's program. To be called outside of a simulated host: it may have to be downloaded."""
    script = SOURCE / "tests/integration/mdevctl-reference"
    result = subprocess.run([script, version], check=False, stdout=subprocess.PIPE, text=True)
    assert result.returncode == 0, f"there is no genuine mdevctl {version}, see standard error"
    return pathlib.Path(result.stdout.strip())


def ours(version):
    """The path of our program under the name mdevctl, beside lsmdev. To be called in a simulated host."""
    directory = pathlib.Path("/run/mdevctl")
    directory.mkdir(exist_ok=True)
    for name in ("mdevctl", "lsmdev"):
        (directory / name).unlink(missing_ok=True)
        (directory / name).symlink_to(program_as("client/mediatectl", version))
    return directory / "mdevctl"


@contextlib.contextmanager
def hosted(version, program=None):
    """A host with a genuine program and no daemon, or without one with ours; and the folders that mdevctl wants."""
    with Host(daemon=not program) as host:
        Callouts(host, version).make_vendor_folders()
        yield host, program or ours(version)


def begin(run, *arguments):
    """Returns a function that waits for the result of @run."""
    context = multiprocessing.get_context("fork")
    ours_end, its_end = context.Pipe()
    process = context.Process(target=lambda: its_end.send(run(*arguments)))
    process.start()
    its_end.close()

    def wait():
        try:
            return ours_end.recv()
        finally:
            process.join()
    return wait
