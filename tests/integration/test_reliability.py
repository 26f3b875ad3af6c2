# SPDX-License-Identifier: LGPL-2.1-or-later
"""docs/RELIABILITY.md and docs/SECURITY.md name tests that are there."""

import re

import pytest
from host import SOURCE


@pytest.mark.parametrize("page, least", [("RELIABILITY.md", 40), ("SECURITY.md", 15)])
def test_named_tests_are_there(page, least):
    text = (SOURCE / "docs" / page).read_text(encoding="utf-8")
    named = re.findall(r"`(test_\w+\.py)(?:::(\w+))?`", text)
    assert len(named) > least
    for file, function in named:
        source = (SOURCE / "tests" / "integration" / file).read_text(encoding="utf-8")
        assert not function or f"\ndef {function}(" in source, f"{file}::{function}"
    for unit in re.findall(r"unit test `test-([\w-]+)`", text):
        assert (SOURCE / "tests" / "unit" / f"test-{unit}.c").exists(), unit
    for path in re.findall(r"`(vm/[\w.-]+)`", text):
        assert (SOURCE / "tests" / path).exists(), path
