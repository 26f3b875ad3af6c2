# SPDX-License-Identifier: LGPL-2.1-or-later
"""Definitions are read and written as Debian's mdevctl does: the same texts are taken, the same bytes written.

Needs root and Debian's mdevctl. Each mdevctl runs in a mount namespace with a folder of ours on /etc/mdevctl.d.
DEFINITION_TOOL names the program definition-tool.
"""

import json
import os
import random
import subprocess

import pytest

MDEVCTL = os.environ.get("REFERENCE_MDEVCTL", "/usr/bin/mdevctl")
TOOL = os.environ.get("DEFINITION_TOOL")
UUID = "4eb3a2c6-7f1b-4a7e-8b73-2b8f0a4a3d5e"

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="SKIP: needs root for a mount namespace"),
    pytest.mark.skipif(not os.path.exists(MDEVCTL), reason="SKIP: Debian's mdevctl is not installed"),
    pytest.mark.skipif(not TOOL, reason="SKIP: DEFINITION_TOOL is not set"),
]


class Reference:
    """mdevctl on a store of its own."""

    def __init__(self, folder):
        self.store = folder / "store"
        for name in ("callouts", "notifiers"):
            (self.store / "scripts.d" / name).mkdir(parents=True)
        (self.store / "mtty").mkdir()
        self.file = self.store / "mtty" / UUID
        self.input = folder / "input"

    def run(self, *arguments):
        script = 'mount --bind "$0" /etc/mdevctl.d && exec "$@"'
        return subprocess.run(
            ["unshare", "--mount", "sh", "-c", script, str(self.store), MDEVCTL, *arguments],
            stdin=subprocess.DEVNULL, capture_output=True, check=False)

    def rewrite(self, text):
        """The text as mdevctl writes it after reading it; None if it refuses it."""
        self.file.unlink(missing_ok=True)
        self.input.write_bytes(text)
        done = self.run("define", "-u", UUID, "-p", "mtty", "--jsonfile", str(self.input))
        return self.file.read_bytes() if done.returncode == 0 else None

    def modify(self, text, *arguments):
        self.file.write_bytes(text)
        done = self.run("modify", "-u", UUID, *arguments)
        return self.file.read_bytes() if done.returncode == 0 else None


@pytest.fixture(name="reference")
def reference_fixture(tmp_path):
    return Reference(tmp_path)


def rewrite(text, *change):
    done = subprocess.run([TOOL, *change], input=text, capture_output=True, check=False)
    assert done.returncode in (0, 1), done
    assert done.returncode == 0 or done.stderr, "refused without a reason"
    return done.stdout if done.returncode == 0 else None


def definition(**changes):
    value = {"mdev_type": "mtty-1", "start": "manual", "attrs": []}
    value.update(changes)
    return json.dumps({k: v for k, v in value.items() if v is not ...}, ensure_ascii=False).encode()


SAME = [
    definition(),
    definition(attrs=...),
    definition(attrs=None),
    definition(start="auto"),
    definition(start="Auto"),
    definition(start=True),
    definition(start=None),
    definition(start=...),
    definition(mdev_type=...),
    definition(mdev_type=None),
    definition(mdev_type=""),
    definition(mdev_type="a/b\\c\"d"),
    definition(attrs={}),
    definition(attrs="x"),
    definition(attrs=[{}]),
    definition(attrs=[1]),
    definition(attrs=[{"a": 1}]),
    definition(attrs=[{"a": "1", "b": "2"}]),
    definition(attrs=[{"": ""}]),
    definition(attrs=[{f"n{i}": f"{i}"} for i in range(300)]),
    definition(attrs=[{"nvidia/vgpu_params": "frame_rate_limiter=0,disable_vnc=1"}]),
    definition(attrs=[{"\u00e9\U0001f600": "".join(map(chr, range(1, 0x250)))}]),
    definition(attrs=[{"a": "\u2028\u2029\ufeff\u0085\u007f\u200b"}]),
    b'{"mdev_type":"a","start":"auto","attrs":[{"\\u00e9\\/\\b\\f\\n\\r\\t\\"\\\\\\u001f":"\\ud83d\\ude00"}]}',
    b'{"mdev_type":"a","start":"auto","mdev_type":"b","attrs":[{"a":"1","a":"2"}],"start":"manual"}',
    definition() + b"\n",
    b"\r\n\t " + definition() + b"\r\n",
    definition() + b"x",
    definition() * 2,
    definition()[:-1],
    b"\xef\xbb\xbf" + definition(),
    b"", b" ", b"[]", b"[1]", b"null", b"{}", b"1", b'"x"',
    definition(mdev_type="x").replace(b"x", b"\xff"),
    definition(mdev_type="x").replace(b"x", b"\xed\xa0\x80"),
    definition(mdev_type="x").replace(b"x", b"\\ud800"),
    definition(mdev_type="x").replace(b"x", b"\\ud800\\u0041"),
    definition(mdev_type="x").replace(b"x", b"\\udc00"),
    definition(mdev_type="x").replace(b"x", b"\n"),
    definition(mdev_type="x").replace(b"x", b"\\'"),
    definition().replace(b'"', b"'"),
    definition().replace(b"]", b"],"),
    definition().replace(b"[]", b"[,]"),
]


@pytest.mark.parametrize("text", SAME, ids=range(len(SAME)))
def test_same_bytes(reference, text):
    assert rewrite(text) == reference.rewrite(text)


UNKNOWN = ["1", "-0", "0.5", "1.50E+3", "01", "1.", ".5", "-", "+1", "NaN", "-Infinity", "true", "True", "nul", "[1,]",
           "[1 2]", "[", "]", "{}", '{"a":1,}', '{"a"}', "[[[]]]", "/**/1", "1//", "'a'", '"\\x"', '"\t"', "1 2", "",
           "[" * 126 + "]" * 126, "[" * 125 + "1" + "]" * 125, "[" * 127 + "]" * 127]


@pytest.mark.parametrize("value", UNKNOWN, ids=range(len(UNKNOWN)))
def test_same_syntax(reference, value):
    """An unknown key: mdevctl drops it, we keep it, but both take or refuse the same."""
    text = b'{"x":' + value.encode() + b"," + definition()[1:]
    assert (rewrite(text) is None) == (reference.rewrite(text) is None)


CHANGES = [
    (["--auto"], ["start", "auto"]),
    (["--manual"], ["start", "manual"]),
    # The definition has "manual" anyway; a type alone is no change to mdevctl 1.4.
    (["--type", "b/\"\\", "--manual"], ["type", "b/\"\\"]),
    (["--addattr", "n", "--value", "v"], ["add", "-1", "n", "v"]),
    (["--addattr", "n", "--value", "v", "--index", "0"], ["add", "0", "n", "v"]),
    (["--addattr", "n", "--value", "v", "--index", "3"], ["add", "3", "n", "v"]),
    (["--addattr", "n", "--value", "v", "--index", "4"], ["add", "4", "n", "v"]),
    (["--delattr"], ["remove", "-1"]),
    (["--delattr", "--index", "0"], ["remove", "0"]),
    (["--delattr", "--index", "2"], ["remove", "2"]),
    (["--delattr", "--index", "3"], ["remove", "3"]),
]


@pytest.mark.parametrize("theirs,ours", CHANGES, ids=range(len(CHANGES)))
@pytest.mark.parametrize("n", [0, 3])
def test_same_changes(reference, theirs, ours, n):
    text = reference.rewrite(definition(attrs=[{"a": str(i)} for i in range(n)]))
    assert rewrite(text, *ours) == reference.modify(text, *theirs)


def random_string(rng):
    alphabet = "abc019 /\\\"'{}[],:\n\t\u001b\u007f\u00e9\u4e2d\U0001f600"
    return "".join(rng.choice(alphabet) for _ in range(rng.randrange(6)))


def test_random_definitions(reference):
    rng = random.Random(1)
    for _ in range(100):
        attributes = [{random_string(rng): random_string(rng)} for _ in range(rng.randrange(4))]
        text = json.dumps(
            {"mdev_type": random_string(rng), "start": rng.choice(["auto", "manual"]), "attrs": attributes},
            ensure_ascii=rng.random() < 0.5, indent=rng.choice([None, 1, 4])).encode()
        expected = reference.rewrite(text)
        assert expected is not None
        assert rewrite(text) == expected
        assert rewrite(expected) == expected


def test_random_damage(reference):
    """What one of the two refuses the other does too, whichever byte is wrong."""
    rng = random.Random(2)
    base = (b'{"mdev_type": "a\\n\\u00e9", "start":"auto", "attrs": [{"a":"1"}, {"b":"\xc3\xa9"}], '
            b'"x": [1.5, true, null]}')
    for _ in range(400):
        text = bytearray(base)
        for _ in range(rng.randrange(1, 3)):
            position = rng.randrange(len(text))
            if rng.random() < 0.4:
                del text[position]
            else:
                text[position] = rng.choice(b'{}[]",:\\ue01-.x \n\xff')
        text = bytes(text)
        ours, theirs = rewrite(text), reference.rewrite(text)
        assert (ours is None) == (theirs is None), text
