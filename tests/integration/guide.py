# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs a guide of docs/ in a simulated host: what a reader types, in one shell, in the order of the page.

    ```console          `$ ` begins a command, `> ` goes on with it. All other lines are its output, and must be the
                        output. `…` stands for any text in a line; a line that is `…` stands for any lines. Each
                        command must succeed; with the word `fails` after `console`, the last one must fail.
    ```sh               commands without their output
    ```LANGUAGE file=P  a file; the reader writes it to P
    ```xml, ```json, ```yaml, ```ini  text to be parsed; if it has no file
    ```LANGUAGE not-run: REASON
                        text for a place that the simulated host does not have
    <!-- parents: A B -->       the parents of the host, as tools/simulate has them
    <!-- cards: A B -->         its cards with virtual functions; there are no parents then but those that are named
    <!-- hidden COMMANDS -->    what happens meanwhile, a command in each line

Commands that need what the simulated host does not have are not run, see NOT_HERE."""

import collections
import configparser
import json
import re
import shlex
import subprocess
import tempfile
import xml.etree.ElementTree as ElementTree

import yaml
from ctl import environment
from host import BUILD, SOURCE

# The first words of commands that cannot work in the simulated host, and what they need.
NOT_HERE = {
    "apt install": "a host that may be changed", "apt remove": "a host that may be changed",
    "systemctl": "systemd", "systemd-tmpfiles": "an installation", "journalctl": "the journal",
    "udevadm control": "udev's daemon", "modprobe": "a kernel module",
    "chzdev": "IBM Z", "lscss": "IBM Z",
    "virsh": "libvirt", "kubectl": "a cluster", "openstack": "a cloud",
    "go": "a compiler of 450 MB; test_examples.py runs it",
    "meson": "a host that may be changed", "ninja": "a host that may be changed",
    "tools/dependencies": "a host that may be changed", "tools/package": "a host around it",
    "tools/demo": "a host around it; test_demo.py runs it", "tools/check": "a host around it",
}

BLOCK = re.compile(r"^```(?P<info>.*)\n(?P<text>(?s:.*?))^```$|"
                   r"^<!-- (?P<kind>parents:|cards:|hidden)(?P<comment>(?s:.*?))-->$", re.MULTILINE)
# Where the daemon of the pages is; here it is in the build.
DAEMON = "/usr/local/libexec/mediated"
END_OF_COMMAND = "\x1e"

Step = collections.namedtuple("Step", "line command expected fails")


def read(path):
    return path.read_text(encoding="utf-8")


def blocks(text):
    """Line number, info string and text of each block. Nothing that looks like code may be left out."""
    rest = BLOCK.sub("", text)
    assert "```" not in rest, "a fence that is not at the beginning of its line"
    assert not re.search(r"\n\n {4,}(?![-*\d ])", rest), "code that is indented: use a fence"
    for match in BLOCK.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        if match["kind"]:
            yield line, match["kind"], match["comment"].strip()
        else:
            yield line, match["info"], match["text"]


def hardware_of(text):
    """The parents and the cards that the page asks for, as arguments of Host."""
    found = {info[:-1]: comment.split() for _, info, comment in blocks(text) if info in ("parents:", "cards:")}
    return {"parents": [], **found} if "cards" in found else found


def is_here(command):
    return not any(re.match(rf"{re.escape(words)}(?![\w-])", command) for words in NOT_HERE)


def console_steps(line, text, fails):
    """A command may go on in lines that begin with `> `; the output is what is below."""
    steps = []
    for number, row in enumerate(text.splitlines(), line + 1):
        if row.startswith("$ "):
            steps.append(Step(number, row[2:], [], False))
        elif row.startswith("> ") and not steps[-1].expected:
            steps[-1] = steps[-1]._replace(command=f"{steps[-1].command}\n{row[2:]}")
        else:
            steps[-1].expected.append(row)
    assert steps, f"line {line}: no command"
    steps[-1] = steps[-1]._replace(fails=fails)
    return [step for step in steps if is_here(step.command)]


def parse_other(line, info, text):
    if info == "xml":
        ElementTree.fromstring(text)
    elif info == "yaml":
        yaml.safe_load(text)
    elif info == "ini":
        configparser.ConfigParser(strict=False).read_string(text)
    elif info == "json":
        json.loads(text)
    else:
        raise AssertionError(f"line {line}: nobody knows what to do with {info!r}")


def steps_of(text):
    """All that is to be done, in its order."""
    for line, info, body in blocks(text):
        language, _, words = info.partition(" ")
        if info == "hidden":
            yield from (Step(line, command, None, False) for command in body.splitlines())
        elif info in ("parents:", "cards:"):
            continue
        elif words.startswith("not-run: "):
            assert len(words.split()) > 2, f"line {line}: no reason"
        elif language == "console":
            assert words in ("", "fails"), f"line {line}: {words!r}"
            yield from console_steps(line, body, words == "fails")
        elif words.startswith("file="):
            path = shlex.quote(words.removeprefix("file="))
            yield Step(line, f"mkdir -p $(dirname {path}) && printf %s {shlex.quote(body)} >{path}", [], False)
        elif info == "sh":
            yield Step(line, f"set -e; {body}", None, False)
        else:
            parse_other(line, info, body)


def pattern(expected):
    text = "".join("\0" if row.strip() == "…" else f"{re.escape(row.rstrip())}\n" for row in expected)
    return re.compile(text.replace("…", "[^\n]*").replace("\0", "(?:[^\n]*\n)*"))


def script_of(steps):
    """One shell for all, so that variables stay. A block of `sh` has a shell of its own for its `set -e`."""
    lines = [f"{DAEMON}() {{ {shlex.quote(str(BUILD / 'daemon' / 'mediated'))} \"$@\"; }}"]
    for step in steps:
        subshell = step.command.startswith("set -e; ")
        lines.append(f"({step.command}\n)" if subshell else f"eval {shlex.quote(step.command)}")
        lines.append(f"printf '{END_OF_COMMAND}%d\\n' $?")
    return "\n".join(lines) + "\n"


def run(host, text):
    """Runs the page; returns a line for each thing that was not as the page says."""
    steps = list(steps_of(text))
    with tempfile.TemporaryFile() as output:
        # Not in a pipe: what runs in the background may have it open at the end.
        subprocess.run(["bash", "-c", script_of(steps)], check=False, stdin=subprocess.DEVNULL, stdout=output,
                       stderr=output, env=environment(host), cwd=SOURCE, timeout=60)
        output.seek(0)
        said = output.read().decode()

    wrong = []
    ends = re.findall(rf"((?s:.*?)){END_OF_COMMAND}(\d+)\n", said)
    if len(ends) != len(steps):
        wrong.append(f"{len(steps)} commands, of which {len(ends)} have ended: {said}")
    for step, (printed, status) in zip(steps, ends):
        lines = [line.rstrip() for line in printed.splitlines()]
        # mdevctl's lists end with an empty line in some versions.
        text = "".join(f"{line}\n" for line in lines).rstrip("\n") + "\n" if any(lines) else ""
        if (status != "0") != step.fails:
            wrong.append(f"line {step.line}: {step.command}\nstatus {status}: {printed}")
        elif step.expected is not None and not pattern(step.expected).fullmatch(text):
            wrong.append(f"line {step.line}: {step.command}\nprinted:\n{text}in place of:\n" + "\n".join(step.expected))
    return wrong
