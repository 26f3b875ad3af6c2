# SPDX-License-Identifier: LGPL-2.1-or-later
"""What TAB offers in bash and zsh, and that it runs nothing that a name says."""

import os
import pty
import re
import select
import shutil
import signal
import subprocess
import time

import pytest
from ctl import ctl, environment
from host import BUILD, SOURCE, STORE, Host

COMPLETIONS = SOURCE / "client" / "completions"

NAMES = ["mtty", "0000:41:00.4", "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001"]

DEVICE, DEFINITION = "d0000000-0000-0000-0000-000000000001", "f0000000-0000-0000-0000-000000000001"

# With more columns, as `list -o` prints them.
ROWS = [f"{DEVICE} active mtty", f"{DEFINITION} auto mtty"]

# Each leaves a file PWNED in the current folder when a shell expands it, or does not mean itself on a command line.
HOSTILE = ["$(>PWNED)", "`>PWNED`", "${PWNED:=$(>PWNED)}", "$((a[$(>PWNED)]))", "<(>PWNED)", "a;>PWNED", "a b", "*",
           "?", "[a-z]*", "~", "~root", "{a,b}", "!!", "a'b", 'a"b', "a\\b", "\033]0;owned\007", "\u009b31m", "--force",
           "-f", "#a", "a&b", "a|b"]


def complete(variables, *words, cwd=None):
    script = (f"source {COMPLETIONS}/mediatectl.bash; COMP_WORDS=(mediatectl \"$@\"); COMP_CWORD=$#; COMPREPLY=();"
              "_mediatectl; ((${#COMPREPLY[@]} == 0)) || printf '%s\\n' \"${COMPREPLY[@]}\"")
    done = subprocess.run(["bash", "-c", script, "bash", *words], check=True, capture_output=True, text=True,
                          env=variables, cwd=cwd)
    assert done.stderr == ""
    return set(done.stdout.splitlines())


def test_bash():
    with Host() as host:
        def offered(*words):
            return complete(environment(host), *words)

        device, definition = ctl(host, "create", "mtty", "mtty-1").out.strip(), "f0000000-0000-0000-0000-000000000001"
        ctl(host, "define", "mtty", "mtty-1", definition)
        assert offered("st") == {"start", "stop"}
        assert offered("stop", "") == {device}
        assert offered("start", "") == {definition}
        assert offered("show", "") == {device, definition, "mtty", "mbochs"}
        assert offered("create", "") == {"mtty", "mbochs"}
        assert offered("create", "mtty", "") == {"mtty-1", "mtty-2"}
        assert offered("create", "mtty", "mtty-1", "f") == {definition}
        assert offered("stop", "--parent", "") == {"mtty", "mbochs"}
        assert offered("tree", "-o", "A") == {"AVAILABLE"}
        assert offered("start", "--w") == {"--wait"}
        assert offered("list", "--w") == set()
        assert offered("list", "") == offered("monitor", "") == {device, definition}
        assert offered("list", "--state", "waiting") == {"waiting-parent", "waiting-type", "waiting-instance"}
        assert offered("types", "mtty", "") == {"mtty-1", "mtty-2"} and offered("types", "--av") == {"--available"}
        host.simctl("daemon", "stop")
        assert offered("stop", "") == set()


def test_bash_with_names_in_the_store(tmp_path):
    """As the real mediatectl lists them."""
    with Host() as host:
        (STORE / "mtty").mkdir(parents=True)
        for name in HOSTILE:
            (STORE / "mtty" / name.replace("/", "_")).write_text("x", encoding="utf-8")
        # What was written just now is not judged yet.
        host.eventually(lambda: HOSTILE[0] in ctl(host, "list", "-o", "UUID").out.splitlines(), what="them in the list")
        assert complete(environment(host), "show", "", cwd=tmp_path) == {"mtty", "mbochs"}
        assert os.listdir(tmp_path) == []


@pytest.fixture(name="hostile")
def _hostile(tmp_path):
    """The environment of a shell whose mediatectl lists such names, whatever it is asked; and an empty folder."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "home").mkdir()
    (tmp_path / "here").mkdir()
    (tmp_path / "names").write_text("\n".join([*HOSTILE, *NAMES, *ROWS, ""]), encoding="utf-8")
    mediatectl = tmp_path / "bin" / "mediatectl"
    mediatectl.write_text(f"#!/bin/sh\n: >{tmp_path}/asked\ncat {tmp_path}/names\n", encoding="utf-8")
    mediatectl.chmod(0o755)
    return {"PATH": f"{tmp_path}/bin:/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TERM": "xterm", "HOME": f"{tmp_path}/home"}


@pytest.mark.parametrize("words", [
    ["show"], ["tree"], ["create"], ["create", "mtty"], ["define", "mtty", "mtty-1"], ["cancel"], ["stop", "--parent"],
    ["modify", "--type"], ["-H", "host", "show"]])
def test_bash_with_names_that_another_host_lists(hostile, tmp_path, words):
    for begun in ("", "$", "`", "~"):
        # `define` and `stop` read a second column, which "a b" has.
        offered = complete(hostile, *words, begun, cwd=tmp_path / "here")
        assert offered <= {*NAMES, DEVICE, DEFINITION, "a"} and (begun != "" or offered), offered
        assert os.listdir(tmp_path / "here") == []
    assert (tmp_path / "asked").exists()


def test_bash_offers_options_only_where_one_is_begun(hostile):
    assert complete(hostile, "stop", "--f") == {"--force"}
    assert complete(hostile, "tree", "m") == {"mtty"}
    assert complete(hostile, "tree", "0000:4") == {"0000:41:00.4"}


@pytest.mark.skipif(not shutil.which("zsh"), reason="SKIP: zsh is not installed (tools/dependencies check)")
def test_zsh_is_well_formed():
    subprocess.run(["zsh", "-n", COMPLETIONS / "_mediatectl"], check=True)


@pytest.mark.skipif(not shutil.which("zsh"), reason="SKIP: zsh is not installed (tools/dependencies check)")
@pytest.mark.parametrize("words, last", [
    ("show", NAMES[-1]), ("tree", NAMES[-1]), ("create", NAMES[-1]), ("create mtty", NAMES[-1]),
    ("define mtty mtty-1", DEVICE), ("stop --parent", NAMES[-1]), ("cancel", NAMES[-1]), ("stop", DEVICE),
    ("start", DEFINITION), ("-H host stop", DEVICE), ("stop --host=host", DEVICE)])
def test_zsh_with_names_that_another_host_lists(hostile, tmp_path, words, last):
    """On a terminal, which also gets the names to see."""
    # A second name keeps zsh from completing the only one.
    with (tmp_path / "names").open("a", encoding="utf-8") as names:
        names.write("".join(row.replace("0001 ", "0002 ") + "\n" for row in ROWS))
    shown = zsh_shows(hostile, tmp_path, f"mediatectl {words} ", until=last[:-1])
    assert not re.search(r"PWNED|root|owned|force|\u009b", shown)
    assert os.listdir(tmp_path / "here") == []


@pytest.mark.skipif(not shutil.which("zsh"), reason="SKIP: zsh is not installed (tools/dependencies check)")
@pytest.mark.parametrize("typed, wanted, unwanted", [
    ("stop --", "--wait", "--json|--live|--add"), ("modify x --", "--clear", "--wait|--json|--device"),
    ("list --", "--no-legend", "--wait|--all"), ("stop ", DEVICE[:-1], DEFINITION[:-1]),
    ("start ", DEFINITION[:-1], DEVICE[:-1]), ("sto", "stop", "start")])
def test_zsh_offers_what_the_verb_takes(hostile, tmp_path, typed, wanted, unwanted):
    test_names = [row.replace("0001 ", "0002 ") for row in ROWS]
    (tmp_path / "names").write_text("\n".join([*ROWS, *test_names, ""]), encoding="utf-8")
    assert not re.search(unwanted, zsh_shows(hostile, tmp_path, f"mediatectl {typed}", until=wanted))


@pytest.mark.skipif(not shutil.which("zsh"), reason="SKIP: zsh is not installed (tools/dependencies check)")
def test_zsh_knows_the_columns(hostile, tmp_path):
    hostile["PATH"] = f"{BUILD / 'client'}:/usr/bin:/bin"
    for typed in ("list -o ", "list -o +GROUP,"):
        assert "STATE" in zsh_shows(hostile, tmp_path, f"mediatectl {typed}", until="PATH")
    assert "waiting-type" in zsh_shows(hostile, tmp_path, "mediatectl list --state ", until="wedged")
    assert "AVAILABLE" in zsh_shows(hostile, tmp_path, "mediatectl types -o TYPE,", until="NAME")


def zsh_shows(variables, tmp_path, typed, until):
    """What the terminal of an interactive zsh gets after TAB, until that is on it."""
    startup = f"PS1='> '; fpath=({COMPLETIONS} $fpath); autoload -U compinit; compinit -u -D; LISTMAX=1000\n"
    (tmp_path / "home" / ".zshrc").write_text(startup, encoding="utf-8")
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(tmp_path / "here")
        os.execve("/usr/bin/zsh", ["zsh", "-i"], variables)
    shown, end = "", time.monotonic() + 10
    try:
        for marker, text in (("> ", f"{typed}\t\t"), (until, "")):
            while marker not in shown:
                assert time.monotonic() < end, shown
                if select.select([terminal], [], [], 1)[0]:
                    shown += os.read(terminal, 65536).decode(errors="backslashreplace")
            os.write(terminal, text.encode())
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(terminal)
    return shown
