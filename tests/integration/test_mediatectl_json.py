# SPDX-License-Identifier: LGPL-2.1-or-later
"""The JSON of mediatectl is as its schema says, and the manual knows each key."""

import json
import pathlib
import re
import signal

import jsonschema
import pytest
from ctl import begin_ctl, ctl, ctl_json
from host import SOURCE, STORE, Host

SCHEMA = json.loads((SOURCE / "docs" / "mediatectl.schema.json").read_text(encoding="utf-8"))

A = "0aaade77-7b3e-4341-a89b-a997634d3bba"
B = "0aaade77-8b3e-4341-a89b-a997634d3bbb"
C = "f0000000-0000-0000-0000-000000000001"

COLUMNS = {"list": "+USER,GROUP,NODE,PATH,FILE,ERROR", "tree": "+DEFINED"}


def strict(schema):
    """The same schema, but a key that it does not have is an error."""
    if isinstance(schema, dict):
        closed = {key: strict(value) for key, value in schema.items()}
        return {"additionalProperties": False, **closed} if isinstance(schema.get("properties"), dict) and \
            schema.get("type") == "object" else closed
    return [strict(item) for item in schema] if isinstance(schema, list) else schema


STRICT = strict(SCHEMA)


def check(verb, value):
    jsonschema.validate(value, {**STRICT, "$ref": f"#/definitions/{verb}"})


def keys(schema):
    """All keys that the JSON may have."""
    found = set()
    if isinstance(schema, dict):
        if schema.get("type") == "object":
            found |= schema.get("properties", {}).keys()
        for value in schema.values():
            found |= keys(value)
    return found


def prepare(host):
    """Devices and definitions in many states."""
    ctl(host, "create", "mtty", "mtty-1", A, "setting=1")
    ctl(host, "define", A, "--auto")
    ctl(host, "define", "gone", "gone-1", B, "--auto")
    ctl(host, "define", "mtty", "mtty-1", C, "a=b", "a=c")
    (STORE / "mtty" / "no-uuid").write_text("{", encoding="utf-8")
    host.simctl("hold", A)
    # A file that was written just now is not judged yet.
    host.eventually(lambda: "invalid" in ctl(host, "list").out, what="the invalid definition")


def test_schema_is_one():
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    with pytest.raises(jsonschema.ValidationError):
        check("list", {"devices": [{"iommu-group": 1}]})


@pytest.mark.parametrize("verb", ["list", "tree", "parents", "types", "jobs", "check"])
def test_tables(verb):
    with Host() as host:
        check(verb, ctl_json(host, verb, status=None))
        prepare(host)
        stop = begin_ctl(host, "stop", A, "--wait")
        host.eventually(host.jobs, what="a job")
        found = ctl_json(host, verb, *(["-o", COLUMNS[verb]] if verb in COLUMNS else []), status=None)
        check(verb, found)
        assert len(found[next(iter(found))]) > 0
        stop.send_signal(signal.SIGINT)
        host.simctl("release", A)


def test_show():
    with Host() as host:
        prepare(host)
        stop = begin_ctl(host, "stop", A, "--wait")
        host.eventually(host.jobs, what="a job")
        shown = ctl_json(host, "show", A, B, C, "no-uuid", "mtty")
        check("show", shown)
        assert len(shown["definitions"]) == 4 and shown["jobs"] and shown["devices"][0]["users"]
        assert shown["definitions"][2]["attributes"] == [{"a": "b"}, {"a": "c"}]
        group = shown["devices"][0]["iommu_group"]
        assert isinstance(group, int) and shown["devices"][0]["device_node"] == f"/dev/vfio/{group}"
        # What list and show know of one device has one key.
        row, = ctl_json(host, "list", "-o", "+USER,GROUP,NODE,PATH", A)["devices"]
        assert {key: row[key] for key in row.keys() & shown["devices"][0].keys()}.items() <= shown["devices"][0].items()
        assert row["iommu_group"] == group and row["sysfs_path"] == str(pathlib.Path(
            f"/sys/bus/mdev/devices/{A}").resolve())
        stop.send_signal(signal.SIGINT)
        host.simctl("release", A)


def test_monitor():
    with Host() as host:
        monitor = begin_ctl(host, "monitor", "--json")
        events, seen = [], set()

        def read_until(*expected):
            while not seen.issuperset(expected):
                events.append(json.loads(monitor.stdout.readline()))
                seen.add((events[-1]["object"], events[-1]["event"]))

        read_until(("daemon", "running"))
        prepare(host)
        host.simctl("add-parent", "late:late-1=2")
        # What is gone before it is announced is not announced at all.
        read_until(("device", "added"), ("definition", "added"), ("parent", "added"), ("parent", "changed"))
        host.simctl("release", A)
        ctl(host, "stop", A)
        ctl(host, "undefine", C)
        host.simctl("daemon", "stop")
        read_until(("daemon", "ended"))
        for event in events:
            check("monitor", event)
        assert seen >= {("device", "added"), ("device", "removed"), ("definition", "added"), ("definition", "changed"),
                        ("definition", "removed"), ("parent", "added"), ("parent", "changed"), ("job", "new"),
                        ("job", "done"), ("daemon", "running"), ("daemon", "ended")}


def test_manual_knows_each_key():
    text = (SOURCE / "docs" / "mediatectl.1.in").read_text(encoding="utf-8").replace(r"\-", "-")
    section = text[text.index(".SS JSON"):text.index(".SH EXIT STATUS")]
    for key in keys(SCHEMA):
        assert re.search(rf"\b{key}\b", section), key
