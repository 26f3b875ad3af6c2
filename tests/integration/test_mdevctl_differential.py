# SPDX-License-Identifier: LGPL-2.1-or-later
"""mediatectl under the name mdevctl answers as Debian's mdevctl does, 1.2.0 of Debian 12 and 1.4.0 of Debian 13:
standard output and exit status to the byte, the first line of an error, and what is then in the store.

Both run the same command lines in simulated hosts of their own. A command line whose answer differs is marked in
mdevctl_scenarios.py with the name of the reason, which is a row in docs/mdevctl-compatibility.md."""

import collections
import difflib
import functools
import os
import pathlib
import re
import shlex
import subprocess

import pytest
from host import DEVICES, SOURCE, is_sanitized
from mdevctl_scenarios import NAMES, SCENARIOS, generated
from mdevctl_versions import VERSIONS, begin, genuine, hosted

STORE = pathlib.Path("/etc/mdevctl.d")
LIST = SOURCE / "docs/mdevctl-compatibility.md"

PANIC = 101

# What callouts are given on standard input that 1.4.0 does not give them; see "Callouts" in that document.
GIVEN = {
    "1.2.0": [],
    "1.4.0": [(re.compile(r"(-e notify .* -p \S+ ).*"), r"\1"),
              (re.compile(r'(-a define .*"attrs":)\[{"got".*'), r"\1[]}")],
}
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
GENERATED = {f"generated-{seed}": generated(seed, 150) for seed in range(3)}

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="SKIP: needs root for a simulated host"),
]


def texts_for(version):
    """With sanitizers a run takes long: what is generated is tried with one version only."""
    return SCENARIOS if is_sanitized() and version != VERSIONS[0] else {**SCENARIOS, **GENERATED}


Line = collections.namedtuple("Line", "reasons arguments input ground")
Answer = collections.namedtuple("Answer", "status output error")


def parse(text):
    """The lines of a scenario."""
    for line in text.strip("\n").split("\n"):
        if line.startswith("# ") or not line.strip():
            continue
        for name, value in NAMES.items():
            line = line.replace(f"${name}", value)
        if line.startswith("! "):
            yield Line({}, None, None, line[2:])
            continue
        reasons = {}
        while line.startswith("@"):
            reason, _, line = line[1:].partition(" ")
            name, _, version = reason.partition("/")
            reasons.update(dict.fromkeys([version] if version else VERSIONS, name))
        words, _, text = line.partition("<<<")
        yield Line(reasons, tuple(shlex.split(words)), text.strip(), None)


def error_of(text):
    """What programs read on standard error."""
    found = [line for line in text.split("\n") if re.match("[Ee]rror: ", line)]
    return found[0] if found else ""


class Tool:
    """One of the mdevctls, in a host of its own."""

    def __init__(self, program, host, daemon):
        self.program, self.host, self.daemon = program, host, daemon
        self.made = {}

    def clean(self):
        for device in os.listdir(DEVICES):
            self.host.raw_remove(device)
        subprocess.run(f"rm -rf {STORE}/* && mkdir -p {STORE}/scripts.d/callouts {STORE}/scripts.d/notifiers",
                       shell=True, check=True)
        self.made = {}
        self.settle()

    def settle(self):
        """Until the daemon knows what was done behind its back."""
        if self.daemon:
            self.host.call("Reload")
            self.host.eventually(lambda: set(self.host.devices()) == set(os.listdir(DEVICES)), what="all devices known")

    def name_made(self, text):
        """UUIDs that were made up here, by the order of their appearance."""
        def name(match):
            uuid = match.group()
            if uuid in NAMES.values() or uuid.startswith("55555555"):
                return uuid
            return self.made.setdefault(uuid, f"<new {len(self.made)}>")
        return UUID.sub(name, text)

    def answer(self, line):
        lsmdev = line.arguments and line.arguments[0] == "lsmdev"
        program = str(self.program).removesuffix("mdevctl") + ("lsmdev" if lsmdev else "mdevctl")
        done = subprocess.run([program, *line.arguments[1 if lsmdev else 0:]], input=line.input.encode(),
                              capture_output=True, check=False, timeout=60)
        output = self.name_made(done.stdout.decode())
        return Answer(done.returncode, output, error_of(done.stderr.decode()))

    def store(self):
        """What is in the store, as text."""
        return sorted((self.name_made(str(path.relative_to(STORE))), path.read_text())
                      for path in STORE.rglob("*") if path.is_file() and "scripts.d" not in path.parts)

    def run(self, text):
        self.clean()
        answers = []
        for line in parse(text):
            if line.ground:
                subprocess.run(line.ground, shell=True, check=True, executable="/bin/bash")
                self.settle()
            else:
                answers.append((line, self.answer(line)))
        return answers, self.store()


def run_all(version, genuine_program=None):
    """Everything, by that program, or by ours as that version."""
    with hosted(version, genuine_program) as (host, program):
        tool = Tool(program, host, not genuine_program)
        return {name: tool.run(text) for name, text in texts_for(version).items()}


@functools.cache
def results_of(version):
    """Everything by the genuine program and by ours, at the same time."""
    both = begin(run_all, version, genuine(version)), begin(run_all, version)
    return [wait() for wait in both]


def str_of(store):
    return [line for name, text in store for line in (f"{name}:", *text.split("\n"))]


def same(expected, found):
    """A panic of Debian's is an error of ours, the rows not-a-string and delete-last."""
    if expected.status == PANIC:
        return found.status == 1 and not found.output and found.error.startswith("Error: ")
    return expected == found


# The first one of a version waits for all of them.
@pytest.mark.seconds(600)
@pytest.mark.parametrize("version, name", [(version, name) for version in VERSIONS for name in texts_for(version)])
def test_same_answers(version, name):
    (reference, reference_store), (answers, our_store) = (result[name] for result in results_of(version))
    wrong = []
    for (line, expected), (_, found) in zip(reference, answers, strict=True):
        reason = line.reasons.get(version)
        if same(expected, found) == (reason is not None):
            wrong.append(f"{shlex.join(line.arguments)}\n    Debian's: {expected}\n    ours:     {found}"
                         + (f"\n    although it is excused by {reason}" if reason else ""))
    assert not wrong, "\n".join(wrong)
    if not any(version in line.reasons for line, _ in reference):
        for pattern, replacement in GIVEN[version]:
            reference_store, our_store = ([(name, pattern.sub(replacement, text)) for name, text in store]
                                          for store in (reference_store, our_store))
        assert our_store == reference_store, "\n".join(
            difflib.unified_diff(str_of(reference_store), str_of(our_store), "Debian's", "ours", lineterm=""))


def test_enough():
    lines = [line for text in (*SCENARIOS.values(), *GENERATED.values()) for line in parse(text) if not line.ground]
    verbs = {line.arguments[0] for line in lines if line.arguments}
    assert len(lines) >= 200
    assert verbs >= {"define", "undefine", "modify", "start", "stop", "list", "types", "start-parent-mdevs", "lsmdev"}


def test_every_difference_is_listed():
    rows = set(re.findall(r"^\| `([a-z-]+)` \|", LIST.read_text(encoding="utf-8"), re.MULTILINE))
    excused = {reason for text in SCENARIOS.values() for line in parse(text) for reason in line.reasons.values()}
    assert excused <= rows, f"not in {LIST.name}: {excused - rows}"
