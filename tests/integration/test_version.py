# SPDX-License-Identifier: LGPL-2.1-or-later
"""The build, NEWS.md, SECURITY.md and both kinds of packages say the same version, and the same day of its release."""

import datetime
import re

from host import SOURCE

VERSION = re.search(r"^ *version : '(.*)',$", (SOURCE / "meson.build").read_text(), re.MULTILINE)[1]


def first(file, pattern):
    """The groups of the first line of a file that has the pattern."""
    found = re.search(pattern, (SOURCE / file).read_text(encoding="utf-8"), re.MULTILINE)
    assert found, f"{file} has no line like {pattern}"
    return found.groups()


def test_versions_agree():
    assert re.fullmatch(r"\d+\.\d+\.\d+", VERSION)
    assert first("NEWS.md", r"^## ([^ ,]+), ") == (VERSION,)
    assert first("debian/changelog", r"^mediated \((.*)\) ") == (VERSION,)
    assert first("packaging/mediated.spec", r"^Version: +(.*)$") == (VERSION,)
    assert first("packaging/mediated.spec", r"^%changelog\n\* .* - (.*)-1$") == (VERSION,)


def test_newest_release_gets_fixes():
    series = first("NEWS.md", r"^## (\d+\.\d+)\.\d+, \d{4}-")
    assert first("SECURITY.md", r"^\|---\|---\|\n\| ([\d.]+) \| yes") == series


def test_days_of_the_release_agree():
    (news,) = first("NEWS.md", r"^## [^ ,]+, (.*)$")
    (suite,) = first("debian/changelog", r"^mediated \(.*\) (.*);")
    (debian,) = first("debian/changelog", r"^ -- .*>  (.*) \d\d:\d\d:\d\d ")
    (rpm,) = first("packaging/mediated.spec", r"^%changelog\n\* (.*) mediated maintainers")
    debian = datetime.datetime.strptime(debian, "%a, %d %b %Y").date()
    assert debian == datetime.datetime.strptime(rpm, "%a %b %d %Y").date()
    # Debian's word for a version that is still worked on is UNRELEASED.
    assert news == ("not released yet" if suite == "UNRELEASED" else debian.isoformat())
