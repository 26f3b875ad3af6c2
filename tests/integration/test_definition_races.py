# SPDX-License-Identifier: LGPL-2.1-or-later
"""Many who change definitions at once: nobody's change is lost, and nobody ever reads half of one."""

import json

import fault_points
import pytest
from definitions import LONG, STORE, begin_modify, contents, define, definition, modify, text_of, within_a_second
from host import BUILD, Host, build_option, is_sanitized

MODIFICATIONS = 10000 if LONG else 400 if is_sanitized() else 1000
# What fits into a definition of 1,024 attributes from two clients.
ROUND = 400

CLIENT = BUILD / "tests" / "integration" / "modify-client"

# Reads as fast as it can until it is stopped; prints how often, or what was wrong.
READER = """
import json, pathlib, signal, sys
path, n, stop = pathlib.Path(sys.argv[1]), 0, []
signal.signal(signal.SIGTERM, lambda *_: stop.append(1))
while not stop:
    text = path.read_text()
    try:
        assert list(json.loads(text)) == ["mdev_type", "start", "attrs"]
    except Exception as error:
        sys.exit(f"read {n}: {error!r}: {text[:200]!r}")
    n += 1
print(n)
"""

# Rewrites its own file as an editor does, without end; prints what it wrote last.
EDITOR = """
import os, pathlib, signal, sys
path, text, n, stop = pathlib.Path(sys.argv[1]), sys.argv[2], 0, []
signal.signal(signal.SIGTERM, lambda *_: stop.append(1))
while not stop:
    n += 1
    path.with_name(".edited").write_text(text.replace("COUNT", str(n)))
    os.replace(path.with_name(".edited"), path)
print(n)
"""


def start_python(host, program, *arguments):
    return host.start('exec /usr/bin/python3 -c "$@"', program, *arguments)


def end_python(host, process):
    # Its number in the host is not the one that is known here.
    process.terminate()
    output, errors = process.communicate(timeout=10)
    assert process.returncode == 0, errors
    return int(output)


@pytest.mark.seconds(900)
def test_two_clients_and_an_editor():
    with Host() as host:
        uuid, edited = define(host), define(host)
        reader = start_python(host, READER, STORE / "mtty" / uuid)
        editor = start_python(host, EDITOR, STORE / "mtty" / edited,
                              text_of(start="manual", attributes=[("n", "COUNT")]))
        for first in range(0, MODIFICATIONS, ROUND):
            count = min(ROUND, MODIFICATIONS - first)
            clients = [host.start('exec "$@"', CLIENT, "mtty", uuid, name, first, count) for name in "ab"]
            for client in clients:
                _, errors = client.communicate(timeout=300)
                assert client.returncode == 0, errors
            attributes = [next(iter(item.items())) for item in contents(uuid)["attrs"]]
            assert len(attributes) == 2 * count
            for name in "ab":
                assert [value for key, value in attributes if key == name] == [str(first + i) for i in range(count)]
            assert definition(host, uuid)["Attributes"] == [list(pair) for pair in attributes]
            modify(host, uuid, attributes=[])
        reads, writes = end_python(host, reader), end_python(host, editor)
        print(f"2 × {MODIFICATIONS} changes, read {reads} times, {writes} times the other one was rewritten")
        assert reads > 100 and writes > 100
        assert contents(edited)["attrs"] == [{"n": str(writes)}]
        within_a_second(host, lambda: definition(host, edited)["Attributes"] == [["n", str(writes)]])
        assert not list(STORE.glob(".mediated-*")) and host.jobs() == []
        assert "Invalid definition" not in host.log()


# Adds one to a number in the file, rewriting it as an editor does, so often; only if nobody has changed it meanwhile.
COUNTER = """
import json, os, pathlib, sys
path = pathlib.Path(sys.argv[1])
for i in range(int(sys.argv[2])):
    before = path.read_text()
    data = json.loads(before)
    data["by-hand"] = data.get("by-hand", 0) + 1
    path.with_name(".counted").write_text(json.dumps(data))
    if path.read_text() == before:
        os.replace(path.with_name(".counted"), path)
        print("done")
"""


def test_an_editor_of_the_same_file():
    """It has no lock, so that it can lose our change between its last look and its rename, and we its between ours.
    Whoever is last, the file is whole."""
    with Host() as host:
        lost = total = 0
        for _ in range(20):
            uuid = define(host)
            calls = [begin_modify(host, uuid, "mtty", type=f"mtty-{i % 2 + 1}") for i in range(40)]
            counter = start_python(host, COUNTER, STORE / "mtty" / uuid, 20)
            for call in calls:
                call.result()
            output, errors = counter.communicate(timeout=10)
            assert counter.returncode == 0, errors
            kept, done = contents(uuid).get("by-hand", 0), output.count("done")
            assert kept <= done
            lost += done - kept
            total += done
            assert definition(host, uuid)["Valid"]
        # How many depends on how often somebody else gets the processor in such a moment.
        print(f"{lost} of {total} changes were lost")
        assert lost < total


@pytest.mark.skipif(not build_option("fault_points"),
                    reason="SKIP: the build has no fault points (-Dfault_points=true)")
def test_an_editor_while_our_change_is_written():
    """What has come before our last look is not lost: the change is made again, to what the file says now."""
    with Host(environment=fault_points.ENVIRONMENT) as host:
        uuid = define(host)
        fault_points.prepare({"definition-synced": "sleep 1500"})
        call = begin_modify(host, uuid, "mtty", attributes=[("setting", "1")])
        host.eventually(lambda: not fault_points.pending(), what="the end of the write")
        data = contents(uuid)
        assert data.get("attrs", []) == []
        (STORE / ".edited").write_text(json.dumps({**data, "by-hand": 1}))
        (STORE / ".edited").rename(STORE / "mtty" / uuid)
        assert not call.done
        call.result()
        assert contents(uuid)["by-hand"] == 1 and contents(uuid)["attrs"] == [{"setting": "1"}]
