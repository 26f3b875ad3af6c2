# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the guides say is true, see guide.py; and what the pages name is there."""

import re

import guide
import pytest
from host import SOURCE, Host, is_sanitized

GUIDES = [SOURCE / "README.md", *sorted((SOURCE / "docs" / "guides").glob("[!R]*.md"))]

PAGES = [*SOURCE.glob("*.md"), *(SOURCE / "docs").rglob("*.md"), *(SOURCE / "tests").rglob("*.md")]

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
    with Host(**guide.hardware_of(text)) as host:
        wrong = guide.run(host, text)
    assert not wrong, "\n\n".join(wrong)


def anchor_of(heading):
    """As GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(SOURCE)))
def test_links(page):
    for target, anchor in re.findall(r"\]\(([^)#\s]*)#?([^)\s]*)\)", guide.read(page)):
        if target.startswith("http"):
            continue
        file = page.parent / target if target else page
        assert file.exists(), target
        if anchor:
            assert anchor in [anchor_of(heading) for heading in re.findall(r"^#+ (.*)", guide.read(file), re.MULTILINE)]


def test_index_has_all_guides():
    index = guide.read(SOURCE / "docs" / "guides" / "README.md")
    for path in GUIDES[1:]:
        assert f"({path.name})" in index


def test_units_of_the_pages_exist():
    units = {path.name.removesuffix(".in") for path in (SOURCE / "units").iterdir()}
    for page in GUIDES:
        for name in re.findall(r"\bmediated(?:-[a-z]+)?(?:@[\w$-]*)?\.(?:service|target|timer)", guide.read(page)):
            assert re.sub(r"@[\w$-]*", "@", name) in units, (page, name)
