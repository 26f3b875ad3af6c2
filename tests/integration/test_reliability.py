# SPDX-License-Identifier: LGPL-2.1-or-later
"""docs/RELIABILITY.md names tests that are there."""

import re

from host import SOURCE


def test_named_tests_are_there():
    text = (SOURCE / "docs" / "RELIABILITY.md").read_text(encoding="utf-8")
    named = re.findall(r"`(test_\w+\.py)(?:::(\w+))?`", text)
    assert len(named) > 40
    for file, function in named:
        source = (SOURCE / "tests" / "integration" / file).read_text(encoding="utf-8")
        assert not function or f"\ndef {function}(" in source, f"{file}::{function}"
    for path in re.findall(r"`(vm/[\w.-]+)`", text):
        assert (SOURCE / "tests" / path).exists(), path
