# SPDX-License-Identifier: LGPL-2.1-or-later
"""The programs of docs/examples/ do what they say, in each language."""

import os
import pathlib
import re
import subprocess

import pytest
from host import SOURCE, Host, device_path, is_sanitized

EXAMPLES = SOURCE / "docs" / "examples"

# Debian's package has the module's source, in one of these folders, so that nothing is downloaded.
GODBUS = [pathlib.Path("/usr/share/gocode/src/github.com/godbus/dbus", version) for version in ("v5", "")]


def build_c(folder):
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "libsystemd"], check=True, capture_output=True,
                           text=True).stdout.split()
    subprocess.run(["cc", "-Wall", "-Wextra", "-Werror", "-o", folder / "device", EXAMPLES / "device.c", *flags],
                   check=True)
    return f"{folder}/device"


def build_go(folder):
    environment = {**os.environ, "GOPROXY": "off", "GOFLAGS": "-mod=mod", "GOCACHE": str(folder / "cache"),
                   "GOPATH": str(folder / "path"), "HOME": str(folder)}
    godbus = next(path for path in GODBUS if (path / "go.mod").exists())
    (folder / "device.go").write_bytes((EXAMPLES / "device.go").read_bytes())
    (folder / "go.mod").write_text("module example\n\nrequire github.com/godbus/dbus/v5 v5.1.0\n\n"
                                   f"replace github.com/godbus/dbus/v5 => {godbus}\n", encoding="utf-8")
    assert subprocess.run(["gofmt", "-l", "device.go"], cwd=folder, check=True, capture_output=True).stdout == b""
    subprocess.run(["go", "vet", "."], cwd=folder, env=environment, check=True)
    subprocess.run(["go", "build", "-o", "device", "."], cwd=folder, env=environment, check=True)
    return f"{folder}/device"


LANGUAGES = {
    "c": build_c,
    "python": lambda folder: f"/usr/bin/python3 {EXAMPLES}/device.py",
    "shell": lambda folder: f"{EXAMPLES}/device.sh",
}

# Its compiler is 80 MB to download and has 450 MB, see tools/dependencies.
if os.environ.get("MEDIATED_LONG") and not is_sanitized():
    LANGUAGES["go"] = build_go


@pytest.mark.parametrize("language", LANGUAGES)
def test_device(language, tmp_path):
    program = LANGUAGES[language](tmp_path)
    with Host(parents=["mtty:mtty-1=1"]) as host:
        done = host.shell(f"{program} mtty mtty-1")
        created = re.fullmatch(r"created ([0-9a-f-]{36})\nnode (/dev/vfio/\d+)\nstopped \1\n", done.stdout)
        assert created and done.stderr == "", done
        assert host.devices() == {}

        done = host.shell(f"{program} nowhere mtty-1", check=False)
        assert done.returncode == 1 and "there is no parent 'nowhere'" in done.stderr, done
        host.create()
        done = host.shell(f"{program} mtty mtty-1", check=False)
        assert done.returncode == 1 and "no available instance" in done.stderr, done
        done = host.shell(program, check=False)
        assert done.returncode != 0 and "PARENT TYPE" in done.stderr, done


def test_watch():
    """What is there, what comes and what goes. A device that comes may be announced before it is active."""
    with Host() as host:
        first = host.create()
        watch = host.start("exec /usr/bin/python3 $1", EXAMPLES / "watch.py")
        assert watch.stdout.readline() == f"{device_path(first)} active, mtty-1 on mtty\n"
        second = host.create(parent="mbochs", type="mbochs-small")
        said = watch.stdout.readline()
        while "active" not in said:
            assert said.startswith(f"{device_path(second)} "), said
            said = watch.stdout.readline()
        host.raw_remove(first)
        while said != f"{device_path(first)} removed\n":
            said = watch.stdout.readline()
            assert said, watch.stderr.read()
        watch.terminate()
        assert watch.stderr.read() == ""
