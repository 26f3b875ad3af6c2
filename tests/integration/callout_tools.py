# SPDX-License-Identifier: LGPL-2.1-or-later
"""Callouts in a simulated host, as tests like them.

    callouts = Callouts(host)
    callouts.add("10-refuse", '[[ $event != pre ]] || { echo "not today" >&2; exit 1; }')
    ...
    assert callouts.calls() == ["10-refuse pre start none", ...]"""

import collections
import pathlib

from host import is_sanitized

PROGRAMS = pathlib.Path(__file__).resolve().parent / "callouts"
INSTALLED = pathlib.Path("/run/callout-programs")
LOG = pathlib.Path("/run/callouts.log")

SITE = pathlib.Path("/etc/mdevctl.d/scripts.d")
VENDOR = pathlib.Path("/usr/lib/mdevctl/scripts.d")

UUID = "11111111-2222-3333-4444-555555555555"
MTTY = "mtty:mtty-1=24,mtty-2=12"

# So many times as long things take.
SLOW = 4 if is_sanitized() else 1

Call = collections.namedtuple("Call", "folder name arguments input")


class Callouts:
    def __init__(self, host, version="1.2.0"):
        """They are called as by that version of mdevctl."""
        self.host = host
        host.use_worker(version)
        for folder in ("callouts", "notifiers"):
            (SITE / folder).mkdir(parents=True, exist_ok=True)

    def make_vendor_folders(self):
        """The package's folders, which are below the real host's /usr."""
        self.host.shell("mkdir -p /run/usr-lib/upper /run/usr-lib/work && mount -t overlay overlay "
                        "-o lowerdir=/usr/lib,upperdir=/run/usr-lib/upper,workdir=/run/usr-lib/work /usr/lib")
        for folder in ("callouts", "notifiers"):
            (VENDOR / folder).mkdir(parents=True, exist_ok=True)

    def add(self, name, body="", *, base=SITE, folder="callouts", mode=0o755, record=True):
        """A bash script. It has recorded its call, unless that is not wanted, and exits 0 if @body does not."""
        path = base / folder / name
        new = path.with_name(f".{name}.new")
        prelude = f"source {PROGRAMS}/record\n" if record else ""
        new.write_text(f"#!/bin/bash\n{prelude}{body}\nexit 0\n", encoding="utf-8")
        new.chmod(mode)
        new.rename(path)
        return path

    def add_notifier(self, name, body="", **kwargs):
        return self.add(name, body, folder="notifiers", **kwargs)

    def add_program(self, program, name=None):
        """One of the folder `callouts` here, by a symbolic link, as distributions install theirs."""
        INSTALLED.mkdir(exist_ok=True)
        for source in PROGRAMS.iterdir():
            (INSTALLED / source.name).write_bytes(source.read_bytes())
            (INSTALLED / source.name).chmod(0o755)
        path = SITE / "callouts" / (name or program)
        path.symlink_to(INSTALLED / program)
        return path

    def add_file(self, file):
        """A program of somewhere else. It is run from a copy, because nobody but root may be able to change it."""
        INSTALLED.mkdir(exist_ok=True)
        path = INSTALLED / pathlib.Path(file).name
        path.write_bytes(pathlib.Path(file).read_bytes())
        path.chmod(0o755)
        (SITE / "callouts" / path.name).symlink_to(path)

    def clear(self):
        for base in (SITE, VENDOR):
            for path in base.glob("*/*"):
                path.unlink()
        self.forget()

    # --- what was recorded

    def forget(self):
        LOG.unlink(missing_ok=True)

    def recorded(self):
        if not LOG.exists():
            return []
        return [Call(*line.split("|", 3)) for line in LOG.read_text(encoding="utf-8").splitlines()]

    def calls(self, uuid=None):
        """NAME EVENT ACTION STATE of each, in their order."""
        found = []
        for call in self.recorded():
            words = call.arguments.split()
            options = dict(zip(words[::2], words[1::2]))
            if uuid in (None, options["-u"]):
                found.append(f"{call.name} {options['-e']} {options['-a']} {options['-s']}")
        return found
