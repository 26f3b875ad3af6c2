# SPDX-License-Identifier: LGPL-2.1-or-later
"""`meson install`: files go where other programs look for them, and never over the files of packages."""

import json
import os
import pathlib
import subprocess

import pytest

from host import SOURCE

INSTALL_NAMES = SOURCE / "client" / "install-names"


def plan(directory, *options):
    """Where `meson install` would put which file: nothing has to be built for that."""
    subprocess.run(["meson", "setup", directory, SOURCE, "-Dtests=false", *options], check=True, capture_output=True)
    out = subprocess.run(["meson", "introspect", "--installed", directory], check=True, capture_output=True, text=True)
    return set(json.loads(out.stdout).values())


def test_local_prefix(tmp_path):
    files = plan(tmp_path / "build")
    assert {
        "/etc/dbus-1/system.d/org.mediated1.conf",
        "/usr/local/bin/mediatectl",
        "/usr/local/lib/systemd/system/mediated.service",
        "/usr/local/lib/tmpfiles.d/mediated.conf",
        "/usr/local/lib/udev/rules.d/60-mediated.rules",
        "/usr/local/libexec/mediated",
        "/usr/local/libexec/mediated-worker",
        "/usr/local/share/dbus-1/system-services/org.mediated1.service",
        "/usr/share/polkit-1/actions/org.mediated1.local.policy",
    } <= files
    outside = {path for path in files if not path.startswith("/usr/local/")}
    assert outside == {"/etc/dbus-1/system.d/org.mediated1.conf",
                       "/usr/share/polkit-1/actions/org.mediated1.local.policy"}
    assert not any(pathlib.Path(path).name in ("mdevctl", "lsmdev") for path in files)

    # The units name the programs by their full paths.
    units = "".join(path.read_text() for path in (tmp_path / "build" / "units").glob("*.service"))
    assert "ExecStart=/usr/local/libexec/mediated\n" in units and "ExecStart=/usr/local/bin/mediatectl start" in units


def test_system_prefix(tmp_path):
    files = plan(tmp_path / "build", "--prefix=/usr", "-Dmdevctl_compat=true")
    assert {
        "/usr/lib/systemd/system/mediated.service",
        "/usr/lib/udev/rules.d/60-mediated.rules",
        "/usr/share/dbus-1/system.d/org.mediated1.conf",
        "/usr/share/dbus-1/system-services/org.mediated1.service",
        "/usr/share/polkit-1/actions/org.mediated1.policy",
    } <= files
    # install-names makes them, which looks first.
    assert not any(pathlib.Path(path).name in ("mdevctl", "lsmdev") for path in files)


def install_names(destdir):
    return subprocess.run([INSTALL_NAMES, "/usr/bin", "mdevctl", "lsmdev"], check=True, capture_output=True, text=True,
                          env=os.environ | {"DESTDIR": str(destdir)}).stderr


def test_names_are_made_again(tmp_path):
    (tmp_path / "usr/bin").mkdir(parents=True)
    for _ in range(2):
        assert install_names(tmp_path) == ""
        assert [os.readlink(tmp_path / "usr/bin" / name) for name in ("mdevctl", "lsmdev")] == ["mediatectl"] * 2


@pytest.mark.parametrize("kind", ["file", "link", "dangling"])
def test_names_of_others_stay(tmp_path, kind):
    directory = tmp_path / "usr/bin"
    directory.mkdir(parents=True)
    other = directory / "mdevctl"
    if kind == "file":
        other.write_text("Debian's")
    else:
        other.symlink_to("/bin/true" if kind == "link" else "/nowhere")
    before = other.lstat()
    assert f"{other} is there already" in install_names(tmp_path)
    assert other.lstat() == before
    assert os.readlink(directory / "lsmdev") == "mediatectl"
