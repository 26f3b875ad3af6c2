# SPDX-License-Identifier: LGPL-2.1-or-later
"""mediatectl on terminals of all kinds: wide, narrow, dumb, with and without UTF-8."""

import json
import pathlib
import re
import subprocess

import pytest
import strange_daemon
from ctl import MEDIATECTL, begin_ctl, ctl, ctl_terminal, environment, on_terminal
from definitions import put, text_of
from host import Host
from strange_daemon import STRANGE

A = "0aaade77-7b3e-4341-a89b-a997634d3bba"
B = "0aaade77-8b3e-4341-a89b-a997634d3bbb"
C = "f0000000-0000-0000-0000-000000000001"

CARD = "0000:41:00.4"
PARENTS = ["mtty:mtty-1=24", f"{CARD}:nvidia-63=4"]
LOOKING = (["list"], ["tree"], ["parents"], ["types"], ["show", A], ["show", CARD], ["jobs"], ["check"])


def prepare(host):
    ctl(host, "create", "mtty", "mtty-1", A)
    ctl(host, "create", CARD, "nvidia-63", B)
    ctl(host, "define", "0000:ff:00.4", "nvidia-63", C, "--auto")


@pytest.mark.parametrize("locale", ["C.UTF-8", "C"])
@pytest.mark.parametrize("term", ["xterm", "dumb"])
def test_every_terminal(locale, term):
    """No escape codes but colours, and these not on a dumb one; nothing but ASCII without UTF-8."""
    with Host(parents=PARENTS) as host:
        prepare(host)
        for columns in (40, 80, 200):
            for verb in (*LOOKING, ["--help"], ["stop", "x"], ["lsit"]):
                _, text = ctl_terminal(host, *verb, columns=columns, TERM=term, LC_ALL=locale)
                plain = re.sub(r"\033\[(\d+(;\d+)*)?m", "", text)
                assert text and "\033" not in plain and "\r" not in plain, text
                assert term == "xterm" or plain == text
                assert locale == "C.UTF-8" or text.isascii()
                assert "\\x" not in text


def test_colours_only_where_they_are_wanted():
    with Host(parents=PARENTS) as host:
        prepare(host)
        assert "\033[32mactive" in ctl_terminal(host, "list")[1]
        assert "\033" not in ctl_terminal(host, "list", NO_COLOR="1")[1]
        assert "\033" in ctl_terminal(host, "list", NO_COLOR="")[1]
        # In a pipe: ctl() itself looks for escape codes.
        for verb in LOOKING:
            ctl(host, *verb, status=None, TERM="xterm")


def test_messages_break_between_words():
    with Host() as host:
        error = ctl(host, "create", "other-parent", "mtty-1", status=3).err
        for columns in (20, 40, 80):
            lines = ctl_terminal(host, "create", "other-parent", "mtty-1", columns=columns)[1].splitlines()
            assert " ".join(lines) + "\n" == error and max(len(line) for line in lines) <= columns


def test_forty_columns():
    """Nothing is wider but what cannot be broken, and each UUID that is cut down is still accepted."""
    with Host(parents=PARENTS) as host:
        prepare(host)
        for verb in (["list"], ["tree"], ["types"], ["check"], ["parents"]):
            _, text = ctl_terminal(host, *verb, columns=40, NO_COLOR="1")
            for line in text.splitlines():
                assert len(line.rstrip()) <= 40 or " " not in line.strip() or "/" in line or verb == ["tree"], line

        text = ctl_terminal(host, "list", columns=40, NO_COLOR="1")[1]
        assert f"{A}\n  PARENT mtty\n  TYPE   mtty-1\n  STATE  active\n" in text

        text = ctl_terminal(host, "list", columns=62, NO_COLOR="1")[1]
        cut = re.findall(r"^([0-9a-f-]+)…", text, re.MULTILINE)
        assert len(cut) == 3 and A not in text
        for prefix in cut:
            assert ctl(host, "show", prefix).out

        # In a pipe nothing is ever cut.
        assert A in ctl(host, "list", COLUMNS="40").out


def test_tree_is_drawn_as_the_locale_can():
    with Host(parents=PARENTS) as host:
        prepare(host)
        assert f"└─{A}" in ctl(host, "tree", LC_ALL="C.UTF-8").out
        assert f"`-{A}" in ctl(host, "tree", LC_ALL="C").out


def test_names_from_a_driver_are_harmless():
    """What others say may be anything."""
    with Host() as host:
        host.simctl("add-parent", "später:später-1=2")
        for locale in ("C", "C.UTF-8"):
            text = ctl_terminal(host, "types", LC_ALL=locale, NO_COLOR="1")[1]
            assert "sp" in text and "\033" not in text
        assert "später" in ctl(host, "types", LC_ALL="C.UTF-8").out


def assert_is_harmless(text, what):
    """Colours of ours are all that a terminal is told to do, and no text leaves its line, but in an error message: that
    may have several lines."""
    plain = re.sub(r"\033\[(1|0|1;31|3[123])?m", "", text)
    message = re.search(r"^(mediatectl:\s|[Ee]rror: |Warning: )", plain, re.MULTILINE)
    if message:
        plain = plain[:message.start()] + re.sub(r"\nc[\t ]d", "", plain[message.start():])
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", plain), f"{what}: {plain!r}"
    assert not re.search(r"^c\b", plain, re.MULTILINE), f"{what}: {plain!r}"


def in_a_pipe(host, command):
    done = subprocess.run(command, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment(host))
    return done.stdout.decode()


@pytest.mark.parametrize("columns", [20, 80, 300])
def test_names_from_files_are_harmless(columns):
    with Host() as host:
        put(STRANGE, "no JSON")
        put(A, text_of(attributes=[("setting", STRANGE)]))
        host.eventually(lambda: "owned" in ctl(host, "list").out, what="the invalid definition")
        for verb in (["list"], ["list", "-o", "+PATH"], ["show", STRANGE], ["show", A], ["check"], ["stop", STRANGE],
                     ["define", STRANGE, "mtty-1"], [STRANGE], ["start", f"--{STRANGE}"]):
            text = ctl_terminal(host, *verb, columns=columns)[1]
            assert "owned" in text or verb == ["show", A], text
            assert_is_harmless(text, verb)
            ctl(host, *verb, status=None)
        for verb in (["list"], ["show", STRANGE], ["show", A], ["check"]):
            command = [MEDIATECTL, *verb, "--json"]
            text = on_terminal(host, command, columns)[1]
            assert_is_harmless(text, verb)
            assert json.loads(text) == json.loads(in_a_pipe(host, command))


def test_events_are_harmless():
    with Host() as host:
        monitor, as_json = begin_ctl(host, "monitor"), begin_ctl(host, "monitor", "--json")
        for process in (monitor, as_json):
            assert "running" in process.stdout.readline()
        put(STRANGE, "no JSON")
        while "owned" not in (line := monitor.stdout.readline()):
            pass
        assert_is_harmless(line, "monitor")
        while "owned" not in (line := as_json.stdout.readline()):
            pass
        assert json.loads(line)["subject"] == STRANGE


@pytest.mark.parametrize("columns", [20, 80, 300])
def test_a_strange_daemon_is_harmless(columns):
    with Host(daemon=False) as host:
        daemon = host.start("exec /usr/bin/python3 $1", pathlib.Path(strange_daemon.__file__))
        assert daemon.stdout.readline() == "ready\n"
        for verb in (["list"], ["tree"], ["parents"], ["types"], ["jobs"], ["show", STRANGE], ["monitor"],
                     ["create", "mtty", "mtty-1"], ["define", "mtty", "mtty-1"], ["stop", A], ["cancel", "1"]):
            text = ctl_terminal(host, *verb, columns=columns)[1]
            assert "owned" in text, (verb, text)
            assert_is_harmless(text, verb)
            ctl(host, *verb, status=None)
        for verb in ("list", "tree", "parents", "types", "jobs"):
            command = [MEDIATECTL, verb, "--json"]
            text = on_terminal(host, command, columns)[1]
            assert_is_harmless(text, verb)
            assert json.loads(text) == json.loads(in_a_pipe(host, command))


MDEVCTL = MEDIATECTL.with_name("mdevctl")


def test_mdevctl_is_harmless_on_a_terminal():
    """A program gets each byte."""
    with Host() as host:
        put(A, text_of(attributes=[("setting", STRANGE)]))
        host.eventually(lambda: A in ctl(host, "list").out, what="the definition")
        command = [MDEVCTL, "list", "--defined", "--verbose"]
        text = on_terminal(host, command)[1]
        assert "owned" in text
        assert_is_harmless(text, command)
        assert STRANGE in in_a_pipe(host, command)

        command = [MDEVCTL, "list", "--defined", "--dumpjson"]
        text = on_terminal(host, command)[1]
        assert "owned" in text
        assert_is_harmless(text, command)
        assert json.loads(text) == json.loads(in_a_pipe(host, command))


def test_mdevctl_and_a_strange_daemon():
    with Host(daemon=False) as host:
        daemon = host.start("exec /usr/bin/python3 $1", pathlib.Path(strange_daemon.__file__))
        assert daemon.stdout.readline() == "ready\n"
        for arguments in (["types"], ["define", "-p", "mtty", "-t", "mtty-1"], ["stop", "-u", A],
                          ["types", f"--{STRANGE}"]):
            command = [MDEVCTL, *arguments]
            text = on_terminal(host, command)[1]
            assert "owned" in text, (command, text)
            assert_is_harmless(text, command)
            assert STRANGE in in_a_pipe(host, command)
        command = [MDEVCTL, "types", "--dumpjson"]
        text = on_terminal(host, command)[1]
        assert "owned" in text
        assert_is_harmless(text, command)
        assert json.loads(text) == json.loads(in_a_pipe(host, command))


def test_notes_about_what_takes_effect_later():
    with Host() as host:
        def said(*arguments):
            status, text = ctl_terminal(host, *arguments, columns=200, NO_COLOR="1")
            assert status == 0
            return text

        later = "starts when parent mtty appears the next time; start it now with: mediatectl start"
        assert said("define", "mtty", "mtty-1", A, "--auto") == f"Device {A} {later} {A}.\n"
        assert f"{later} " in said("define", "mtty", "mtty-1", "--auto")
        assert said("define", "mtty", "mtty-1", B) == ""
        assert said("enable", B) == f"Device {B} {later} {B}.\n"
        assert said("enable", A, B).startswith("2 devices start when")
        ctl(host, "start", A)
        assert said("enable", A) == said("modify", A, "--manual") == said("disable", B) == ""
        ctl(host, "define", "gone", "gone-1", C)
        assert said("enable", C) == f"Device {C} starts when parent gone appears.\n"
        note = f"Device {A} is active; the change takes effect at its next start"
        assert said("modify", A, "setting=2") == f"{note}, or use --live.\n"
        assert said("modify", A, "--remove", "0") == f"{note}, or use --live.\n"
        assert said("modify", A, "--type", "mtty-2") == f"{note}.\n"
        # Programs get none.
        assert ctl(host, "modify", A, "setting=3").err == ctl(host, "enable", B).err == ""


def test_progress_line():
    with Host(remove_delay=1500) as host:
        ctl(host, "create", "mtty", "mtty-1", A, B)
        status, text = ctl_terminal(host, "stop", "--all", TERM="xterm")
        assert status == 0 and "Stopping… 0/2" in text
        # It is gone at the end.
        assert text.endswith("\r\033[KStopped 2 devices.\n")
        ctl(host, "create", "mtty", "mtty-1", A, B)
        assert ctl_terminal(host, "stop", "--all", TERM="dumb") == (0, "Stopped 2 devices.\n")


def test_progress_line_says_what_is_waited_for():
    with Host(create_delay=1500, remove_delay=1500) as host:
        _, text = ctl_terminal(host, "create", "mtty", "mtty-1", A, columns=100)
        assert f"Waiting for the driver of mtty to create {A}… 0 s" in text and f"{A}… 1 s" in text
        assert "Waiting for the driver of mtty to remove" in ctl_terminal(host, "stop", A)[1]
        ctl(host, "define", "mtty", "mtty-1", A)
        assert "Waiting for the driver of mtty to create" in ctl_terminal(host, "start", A)[1]
        ctl(host, "define", "late", "late-1", B)
        _, text = ctl_terminal(host, "start", B, "--wait", "--timeout", "1s", columns=120)
        assert f"Waiting for an instance of late-1 on late to start {B}…" in text
        pid = host.simctl("hold", A)
        command = [MEDIATECTL, "stop", A, "--wait", "--timeout", "1s"]
        assert f"Waiting for simctl-holder (process {pid}) to release {A}…" in on_terminal(host, command, 120)[1]
        # A line that is too long would remain.
        for part in re.findall("Waiting[^\r]*", on_terminal(host, command, 60)[1]):
            assert len(part) < 60
        as_nobody = ["setpriv", "--reuid=65534", "--clear-groups", "--"]
        assert on_terminal(host, [*as_nobody, *command])[0] == 1
        host.simctl("release", A)


def test_summary_after_all():
    with Host() as host:
        def last(*arguments, status=0):
            done, text = ctl_terminal(host, *arguments, columns=200, TERM="dumb")
            assert done == status
            return text.splitlines()[-1]

        assert last("start", "--all") == "Nothing to do."
        ctl(host, "define", "mtty", "mtty-1", A, B)
        assert last("enable", "--all", "--parent", "mtty").startswith("2 devices start")
        assert last("disable", "--all") == "Disabled 2 definitions."
        assert last("start", "--all") == "Started 2 devices."
        host.simctl("hold", A)
        assert last("stop", "--all", status=4) == "Stopped 1 device; 1 failed."
        host.simctl("release", A)
        assert last("undefine", "--all") == "Removed 2 definitions."
        assert last("cancel", "--all") == "Nothing to do."
        assert ctl(host, "stop", "--all").err == ""


def test_monitor_in_a_pipe_is_not_held_back():
    with Host() as host:
        monitor = begin_ctl(host, "monitor")
        assert "running" in monitor.stdout.readline()
        ctl(host, "create", "mtty", "mtty-1", A)
        # It would read as much as fits into a buffer before it came to the end.
        while "job " not in monitor.stdout.readline():
            assert monitor.poll() is None
