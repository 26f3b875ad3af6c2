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
        "/usr/local/lib/systemd/system/mediated-prepare@.service",
        "/usr/local/libexec/mediated",
        "/usr/local/libexec/mediated-prepare",
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
    assert "ExecStart=/usr/local/libexec/mediated-prepare %i\n" in units


def test_system_prefix(tmp_path):
    files = plan(tmp_path / "build", "--prefix=/usr", "-Dmdevctl_compat=true")
    assert {
        "/usr/lib/systemd/system/mediated.service",
        "/usr/lib/udev/rules.d/60-mediated.rules",
        "/usr/share/dbus-1/system.d/org.mediated1.conf",
        "/usr/share/dbus-1/system-services/org.mediated1.service",
        "/usr/share/polkit-1/actions/org.mediated1.policy",
    } <= files
    # install-names puts them there, which looks first.
    assert not any(pathlib.Path(path).name in ("mdevctl", "lsmdev") for path in files)


def install_names(destdir):
    return subprocess.run([INSTALL_NAMES, "/usr/bin", "/usr/share/bash-completion/completions", "/usr/share/man",
                           SOURCE / "client/completions/mdevctl", SOURCE / "docs/mdevctl.8"],
                          check=True, capture_output=True, text=True, env=os.environ | {"DESTDIR": str(destdir)}).stderr


NAMES = ["bin/mdevctl", "bin/lsmdev", "share/bash-completion/completions/mdevctl",
         "share/bash-completion/completions/lsmdev", "share/man/man8/mdevctl.8", "share/man/man8/lsmdev.8"]


def test_names_are_made_again(tmp_path):
    for _ in range(2):
        assert install_names(tmp_path) == ""
        files = {str(path.relative_to(tmp_path / "usr")) for path in tmp_path.rglob("*") if not path.is_dir()}
        assert files == set(NAMES)
        assert [os.readlink(tmp_path / "usr" / name) for name in NAMES[:2]] == ["mediatectl"] * 2


def identity(path):
    status = path.lstat()
    return status.st_ino, status.st_mode, status.st_size, status.st_mtime_ns


@pytest.mark.parametrize("kind", ["file", "link", "dangling"])
@pytest.mark.parametrize("name", NAMES)
def test_names_of_others_stay(tmp_path, name, kind):
    other = tmp_path / "usr" / name
    other.parent.mkdir(parents=True)
    if kind == "file":
        other.write_text("Debian's mdevctl manages mediated devices")
    else:
        other.symlink_to("/bin/true" if kind == "link" else "/nowhere")
    before = identity(other)
    assert install_names(tmp_path) == f"{other} is another program's, and stays. Remove the package that it belongs " \
                                      "to, and install again.\n"
    assert identity(other) == before
    assert all((tmp_path / "usr" / one).is_symlink() or (tmp_path / "usr" / one).exists() for one in NAMES)
