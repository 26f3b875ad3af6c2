# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the guides say is true, see guide.py."""

import guide
import pytest
from host import SOURCE, Host, is_sanitized

GUIDES = sorted((SOURCE / "docs" / "guides").glob("*.md"))


WRONG = {
    "another output": "```console\n$ echo yes\nno\n```\n",
    "an output where none is shown": "```console\n$ echo yes\n```\n",
    "less output than shown": "```console\n$ true\nyes\n```\n",
    "a command that fails": "```console\n$ mediatectl typse\n…\n```\n",
    "a command that does not fail": "```console fails\n$ true\n```\n",
    "a command that is not there": "```sh\nmediatect1 list\ntrue\n```\n",
    "a hidden command that fails": "<!-- hidden\nfalse\n-->\n",
    "a shell that ends": "```console\n$ exit 0\n$ true\n```\n",
}

UNKNOWN = {
    "a language": "```c\nint x;\n```\n",
    "no language": "```\n$ true\n```\n",
    "no reason": "```sh not-run:\ntrue\n```\n",
    "a fence in a list": "- first:\n  ```console\n  $ true\n  ```\n",
    "indented code": "First:\n\n    true\n",
    "XML that is not well-formed": "```xml\n<a><b></a>\n```\n",
}


def test_wrong_pages_are_noticed():
    with Host() as host:
        for what, page in WRONG.items():
            assert guide.run(host, page), what
        assert not guide.run(host, "```console\n$ printf '1 2\\n3\\n'\n1 …\n…\n$ true\n```\n")


@pytest.mark.parametrize("page", UNKNOWN.values(), ids=UNKNOWN.keys())
def test_pages_that_nobody_runs_are_noticed(page):
    with pytest.raises((AssertionError, SyntaxError)):
        list(guide.steps_of(page))


# The same for each build.
@pytest.mark.parametrize("path", GUIDES[:1] if is_sanitized() else GUIDES, ids=lambda path: path.stem)
def test_guide(path):
    text = guide.read(path)
    with Host(parents=guide.parents_of(text)) as host:
        wrong = guide.run(host, text)
    assert not wrong, "\n\n".join(wrong)
