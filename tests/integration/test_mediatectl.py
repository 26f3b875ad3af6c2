# SPDX-License-Identifier: LGPL-2.1-or-later
"""mediatectl: its verbs, its exit statuses, what it says."""

import json
import pathlib
import re
import signal
import socket
import time

from ctl import begin_ctl, ctl, ctl_json, on_terminal, MEDIATECTL
from host import Host, create_file, new_uuid, write

A = "0aaade77-7b3e-4341-a89b-a997634d3bba"
B = "0aaade77-8b3e-4341-a89b-a997634d3bbb"
C = "f0000000-0000-0000-0000-000000000001"
D = "f0000000-0000-0000-0000-000000000002"

STORE = pathlib.Path("/etc/mdevctl.d")


def stored(uuid, parent="mtty"):
    return json.loads((STORE / parent / uuid).read_text(encoding="utf-8"))


def rows(host):
    return {(row["uuid"], row["parent"]): row for row in ctl_json(host, "list")["devices"]}


def has_state(host, uuid, state, parent="mtty"):
    return host.eventually(lambda: rows(host).get((uuid, parent), {}).get("state") == state, what=f"{uuid} {state}")


def parked_job(host, uuid):
    """The job of the UUID, once it waits: for a moment it may do so before a worker looks whether it has to."""
    def waiting():
        return next((job.id for job in host.jobs() if job.uuid == uuid and job.state == "waiting"), None)

    def parked():
        found = waiting()
        host.sleep(0.05)
        return found == waiting() and found

    return host.eventually(parked, what="a waiting job")


def test_life_of_a_device():
    with Host() as host:
        assert ctl(host).err == "No devices and no definitions.\n"
        assert ctl(host, "--no-legend").err == ""
        uuid = ctl(host, "create", "mtty", "mtty-1").out.strip()
        assert host.state(uuid) == "active"
        assert ctl(host, "create", "mtty", "mtty-2", A.upper(), "setting=5").out == f"{A}\n"
        assert pathlib.Path(f"/sys/bus/mdev/devices/{A}/setting").read_text(encoding="utf-8") == "5\n"
        ctl(host, "define", uuid)
        assert rows(host)[(uuid, "mtty")] == {"uuid": uuid, "parent": "mtty", "type": "mtty-1", "state": "active",
                                              "start": "manual", "defined": True}
        assert ctl(host, "stop", uuid, A).out == ""
        assert host.devices() == {}
        assert rows(host)[(uuid, "mtty")]["state"] == "inactive"
        ctl(host, "start", uuid, "--settle")
        ctl(host, "start", uuid)
        assert host.state(uuid) == "active"
        ctl(host, "undefine", uuid)
        assert not (STORE / "mtty" / uuid).exists()
        assert host.state(uuid) == "active"


def test_definitions_change():
    with Host() as host:
        ctl(host, "define", "mtty", "mtty-1", A, "--auto", "a=b", "vendor/c=d=e")
        assert stored(A) == {"mdev_type": "mtty-1", "start": "auto", "attrs": [{"a": "b"}, {"vendor/c": "d=e"}]}
        ctl(host, "modify", A, "--add", "x=1", "--add", "x=2", "--index", "0")
        assert stored(A)["attrs"] == [{"x": "1"}, {"x": "2"}, {"a": "b"}, {"vendor/c": "d=e"}]
        ctl(host, "modify", A, "--remove", "-1", "--remove", "0", "--add", "z=9", "--type", "mtty-2", "--manual")
        assert stored(A) == {"mdev_type": "mtty-2", "start": "manual", "attrs": [{"x": "2"}, {"a": "b"}, {"z": "9"}]}
        ctl(host, "modify", A, "only=this")
        assert stored(A)["attrs"] == [{"only": "this"}]
        ctl(host, "modify", A, "--clear")
        assert stored(A).get("attrs", []) == []
        ctl(host, "enable", A)
        assert stored(A)["start"] == "auto"
        ctl(host, "disable", A)
        assert stored(A)["start"] == "manual"
        uuid = ctl(host, "define", "mtty", "mtty-1").out.strip()
        assert stored(uuid)["start"] == "manual"


def test_help_of_a_verb():
    with Host() as host:
        for arguments in (["help", "stop"], ["stop", "--help"], ["stop", "-h", A]):
            text = ctl(host, *arguments).out
            assert "stop UUID..." in text and "--wait" in text and "--json" not in text and "undefine" not in text
        text = ctl(host, "help", "define").out
        assert "define PARENT TYPE" in text and "define --device UUID" in text
        assert "did you mean 'stop'?" in ctl(host, "help", "stpo", status=2).err
        whole = ctl(host, "help").out
        assert whole == ctl(host, "--help").out and "undefine UUID" in whole and "--json" in whole


def test_beginnings_of_uuids_are_no_parents():
    with Host() as host:
        devices = [ctl(host, "create", "mtty", "mtty-1", uuid).out.strip() or uuid
                   for uuid in ("47be" + A[4:], "9578" + A[4:], "c956" + A[4:])]
        error = ctl(host, "define", "47be", "9578", "c956", "--auto", status=2).err
        assert "'47be'" in error and "define --device" in error and "define PARENT TYPE" in error
        assert host.property("DefinitionCount") == 0
        ctl(host, "define", "--device", "47be", "9578", "c956", "--auto")
        for uuid in devices:
            assert stored(uuid)["mdev_type"] == "mtty-1" and stored(uuid)["start"] == "auto"
        # Whole UUIDs, and one alone, cannot be meant otherwise.
        ctl(host, "undefine", *devices)
        ctl(host, "define", *devices[:2])
        ctl(host, "define", "c956")
        assert host.property("DefinitionCount") == 3
    with Host(parents=["beef:mtty-1=4"]) as host:
        uuid = ctl(host, "define", "beef", "mtty-1").out.strip()
        assert (STORE / "beef" / uuid).exists()


def test_places_that_this_host_does_not_have():
    """They are stored all the same, because the parent may come later."""
    with Host() as host:
        warning = ctl(host, "define", "mty", "mtty-1", A, "--auto").err
        assert "There is no parent 'mty'. Did you mean 'mtty'? The definition is stored" in warning
        assert stored(A, "mty")["mdev_type"] == "mtty-1"
        warning = ctl(host, "define", "mtty", "mtty-99", B, C, "--auto").err
        assert "Parent mtty has no type 'mtty-99'; it has mtty-1, mtty-2." in warning and warning.count("\n") == 1
        warning = ctl(host, "modify", B, "--type", "mtty-77").err
        assert "Parent mtty has no type 'mtty-77'; it has mtty-1, mtty-2." in warning
        assert stored(B)["mdev_type"] == "mtty-77"
        assert "wholly-unlike" in ctl(host, "define", "wholly-unlike", "x-1").err
        # What failed is not warned about.
        assert ctl(host, "define", "mtty", "mtty-99", C, status=1).err.count("\n") == 1
        assert ctl(host, "modify", C, "--type", "mtty-1").err == ""
        assert ctl(host, "define", "mtty", "mtty-1").err == ""

        ctl(host, "start", C)
        warning = ctl(host, "modify", C, "setting=1", "nosuch=2", "vendor/ro=1").err
        assert "no attribute 'nosuch'" in warning and "'setting'" not in warning and C in warning
        assert "no attribute 'other'" in ctl(host, "modify", C, "--add", "other=1").err
        ctl(host, "undefine", C)
        assert "no attribute 'nosuch'" in ctl(host, "define", "mtty", "mtty-1", C, "nosuch=2").err
        # Of what is not active, and of another type, nothing is known.
        assert ctl(host, "define", "mtty", "mtty-1", "nosuch=2").err == ""
        assert ctl(host, "modify", C, "--type", "mtty-2", "nosuch=2").err == ""


def test_same_uuid_under_two_parents():
    with Host() as host:
        ctl(host, "define", "mtty", "mtty-1", A)
        ctl(host, "define", "mbochs", "mbochs-small", A)
        error = ctl(host, "start", A, status=1).err
        assert "mtty" in error and "mbochs" in error
        ctl(host, "start", A, "--parent", "mbochs")
        assert host.devices()[A].parent == "mbochs"
        assert {row["parent"] for row in ctl_json(host, "show", A)["definitions"]} == {"mtty", "mbochs"}
        ctl(host, "undefine", A, "--parent", "mtty")
        assert not (STORE / "mtty" / A).exists()
        assert (STORE / "mbochs" / A).exists()


def test_all():
    with Host() as host:
        uuids = [new_uuid() for _ in range(5)]
        ctl(host, "define", "mtty", "mtty-1", *uuids)
        ctl(host, "define", "mbochs", "mbochs-small", A)
        ctl(host, "enable", "--all", "--parent", "mtty")
        assert {stored(uuid)["start"] for uuid in uuids} == {"auto"}
        assert stored(A, "mbochs")["start"] == "manual"
        ctl(host, "start", "--all", timeout=60)
        assert set(host.states().values()) == {"active"} and len(host.states()) == 6
        ctl(host, "stop", "--all", "--parent", "mtty")
        assert list(host.states()) == [A]
        ctl(host, "stop", "--all")
        assert host.states() == {}
        ctl(host, "undefine", "--all")
        assert rows(host) == {}
        # Nothing to do is not a failure.
        ctl(host, "stop", "--all")
        ctl(host, "start", "--all")


def test_dry_run():
    with Host() as host:
        ctl(host, "create", "mtty", "mtty-1", A)
        ctl(host, "define", A)
        ctl(host, "define", "mtty", "mtty-2", B)
        ctl(host, "define", "gone", "gone-1", B)
        before = rows(host)
        assert ctl(host, "stop", "--all", "--dry-run").out == f"Would stop {A}, mtty-1 on mtty\n"
        assert ctl(host, "stop", A[:10], "--dry-run").out == f"Would stop {A}, mtty-1 on mtty\n"
        # What is active is not started.
        both = f"Would start {B}, gone-1 on gone\nWould start {B}, mtty-2 on mtty\n"
        assert ctl(host, "start", "--all", "--dry-run").out == both
        assert ctl(host, "start", A, "--dry-run").out == ""
        assert "--parent" in ctl(host, "start", B, "--dry-run", status=1).err
        assert ctl(host, "enable", B, "--parent", "gone", "--dry-run").out == f"Would enable {B}, gone-1 on gone\n"
        assert len(ctl(host, "disable", "--all", "--dry-run").out.splitlines()) == 3
        assert ctl(host, "undefine", B, "--dry-run").out.count("Would undefine") == 2
        for verb in ("stop", "start", "undefine", "enable"):
            assert C in ctl(host, verb, C, "--dry-run", status=3).err
        ctl(host, "create", "mtty", "mtty-1", "--dry-run", status=2)
        assert rows(host) == before and host.jobs() == []


def test_many_in_parallel():
    with Host(create_delay=400, remove_delay=400) as host:
        uuids = [new_uuid() for _ in range(20)]
        begin = time.monotonic()
        assert ctl(host, "create", "mtty", "mtty-1", *uuids).out.split() == uuids
        ctl(host, "stop", *uuids)
        # One after the other it would take 16 s.
        assert time.monotonic() - begin < 4


def test_prefixes():
    with Host() as host:
        ctl(host, "create", "mtty", "mtty-1", A, B)
        ctl(host, "define", "mtty", "mtty-1", C)
        assert "neither" not in ctl(host, "show", "F").out
        error = ctl(host, "stop", "0a", status=2).err
        assert A in error and B in error
        ctl(host, "stop", "0AAADE77-7")
        assert list(host.states()) == [B]
        # Among devices it is unique, though a definition begins so too.
        ctl(host, "define", "mtty", "mtty-1", A)
        ctl(host, "stop", "0a")
        assert host.states() == {}
        ctl(host, "stop", "eee", status=3)
        ctl(host, "stop", "x", status=2)
        ctl(host, "define", "mtty", "mtty-1", B)
        assert f"'0a' is ambiguous: {A}, {B}\n" in ctl(host, "start", "0a", status=2).err
        ctl(host, "define", "mtty", "mtty-1", "0a" + C[2:])
        assert ctl(host, "start", "0a", status=2).err.endswith(", ...\n")
        # A new UUID is given as a whole.
        for verb in ("create", "define"):
            for text, status in (("1234", 3), ("word", 2)):
                error = ctl(host, verb, "mtty", "mtty-1", text, status=status).err
                assert f"'{text}' is not a full UUID; give all 36 characters, or none" in error


def test_short_pci_addresses():
    """As lspci prints them."""
    with Host(parents=["0000:41:00.4:nvidia-63=4", "0001:42:00.4:nvidia-63=4"]) as host:
        whole, short = "0000:41:00.4", "41:00.4"
        ctl(host, "create", short, "nvidia-63", A)
        ctl(host, "define", short, "nvidia-63", B)
        ctl(host, "define", "0000:0C:00.4", "nvidia-63", C)
        assert host.devices()[A].parent == whole and stored(B, whole)
        for verb in ("types", "tree", "show"):
            assert ctl(host, verb, short).out == ctl(host, verb, whole).out
        ctl(host, "start", "--all", "--parent", short)
        assert host.devices()[B].parent == whole
        ctl(host, "stop", "--all", "--parent", short)
        assert host.devices() == {}
        ctl(host, "modify", C, "--parent", "0c:00.4", "--auto")
        assert stored(C, "0000:0C:00.4")["start"] == "auto"
        # In another domain it may be another device.
        assert "no parent '42:00.4'" in ctl(host, "create", "42:00.4", "nvidia-63", status=3).err


def test_suggestions():
    with Host() as host:
        ctl(host, "create", "mtty", "mtty-1", A)
        assert "did you mean 'stop'?" in ctl(host, "stpo", status=2).err
        assert "did you mean" not in ctl(host, "explode", status=2).err
        for verb, advice in (("remove", "stop"), ("delete", "undefine"), ("rm", "stop"), ("status", "show"),
                             ("info", "show"), ("edit", "modify")):
            error = ctl(host, verb, C, status=2).err
            assert f"unknown verb '{verb}'" in error and advice in error
        assert "mediatectl create PARENT|CARD TYPE" in ctl(host, "create", "nvidia-63", status=2).err
        assert "mediatectl show UUID|PARENT" in ctl(host, "show", status=2).err
        assert "jobs takes no arguments" in ctl(host, "jobs", "mtty", status=2).err
        assert "mediatectl types [PARENT|CARD] [TYPE]" in ctl(host, "types", "mtty", "mtty-1", "x", status=2).err
        assert f"Did you mean {A}?" in ctl(host, "stop", A[:-1] + "c", status=3).err
        assert "Did you mean 'mtty'?" in ctl(host, "types", "mtyt", status=3).err
        assert "UUID, PARENT" in ctl(host, "list", "-o", "SIZE", status=2).err


def test_exit_statuses():
    with Host() as host:
        ctl(host, "create", "mtty", "mtty-1", A)
        pid = host.simctl("hold", A)
        busy = ctl(host, "stop", A, status=4).err
        assert pid in busy and "simctl-holder" in busy
        ctl(host, "stop", C, status=3)
        ctl(host, "start", C, status=3)
        ctl(host, "cancel", "99", status=3)
        ctl(host, "create", "nosuch", "mtty-1", status=3)
        ctl(host, "create", "mtty", "nosuch", status=3)
        ctl(host, "create", "mtty", "mtty-1", A, status=1)
        # Several reasons at once.
        ctl(host, "stop", A, C, status=1)
        for wrong in (["jobs", "x"], ["create", "mtty"], ["stop"], ["stop", "--all", A], ["start", A, "--auto"],
                      ["--nonsense"], ["--timeout"], ["stop", A, "--timeout=soon"], ["cancel", "x"], ["modify", A],
                      ["define", "mtty", "mtty-1", "--auto", "--manual"], ["-H", "x", "-M", "y"], ["-x"]):
            result = ctl(host, *wrong, status=2)
            assert result.err.startswith("mediatectl: ") and result.out == ""
        host.simctl("release", A)


def test_errors_name_what_there_is():
    """In the words of the command line, and with no UUID that nobody has given."""
    with Host() as host:
        error = ctl(host, "create", "mtyt", "mtty-1", status=3).err
        assert error == "mediatectl: There is no parent 'mtyt'. Did you mean 'mtty'?\n"
        error = ctl(host, "create", "other", "mtty-1", A, B, status=3).err
        assert error == "mediatectl: There is no parent 'other'. This host has mbochs, mtty\n"
        error = ctl(host, "create", "mtty", "mtty-3", status=3).err
        assert error == "mediatectl: Parent mtty has no type 'mtty-3'; it has mtty-1, mtty-2\n"
        ctl(host, "define", "mtty", "mtty-3", A)
        error = ctl(host, "start", A, status=3).err
        assert error == f"mediatectl: Cannot start {A}. Parent mtty has no type 'mtty-3'; it has mtty-1, mtty-2\n"
        ctl(host, "define", "gone", "mtty-3", B)
        assert f"Cannot start {B}. There is no parent 'gone'" in ctl(host, "start", B, status=3).err
        for verb in (["start"], ["undefine"], ["modify", "--auto"]):
            error = ctl(host, *verb, A, "--parent", "mbochs", status=3).err
            assert error == f"mediatectl: Device {A} is not defined on parent 'mbochs', but on mtty\n"
        ctl(host, "define", "mbochs", "mbochs-small", A)
        for verb in (["start"], ["modify", "--auto"]):
            error = ctl(host, *verb, A, status=1).err
            assert error == (f"mediatectl: Device {A} is defined on several parents: mbochs, mtty; choose one with "
                             "--parent\n")
        ctl(host, "create", "mtty", "mtty-1", C)
        host.simctl("hold", C)
        error = ctl(host, "stop", C, status=4).err
        assert "--wait" in error and "option" not in error
        host.simctl("release", C)


def test_errors_are_sentences():
    """Never a D-Bus name, and always what it is about."""
    with Host() as host:
        ctl(host, "create", "mtty", "mtty-1", A)
        errors = [ctl(host, "create", "mtty", "mtty-1", A, status=1), ctl(host, "stop", C, status=3),
                  ctl(host, "create", "mtty", "mtty-1", C, "setting=1", "nosuch=2", status=1),
                  ctl(host, "create", "mtty", "mtty-1", C, "../x=2", status=1)]
        host.simctl("fail", "mtty", "create", "EIO")
        errors.append(ctl(host, "create", "mtty", "mtty-1", C, status=1))
        host.simctl("daemon", "stop")
        errors.append(ctl(host, "list", status=1))
        for error in errors:
            assert "org." not in error.err and len(error.err) > 30, error
            assert error.err.startswith("mediatectl: ") and error.err.count("\n") == 1, error
        assert "nosuch" in errors[2].err


def test_wait_for_the_user_and_for_the_parent():
    with Host() as host:
        ctl(host, "create", "mtty", "mtty-1", A)
        host.simctl("hold", A)
        stop = begin_ctl(host, "stop", A, "--wait")
        parked_job(host, A)
        host.simctl("release", A)
        assert stop.wait(10) == 0

        ctl(host, "define", "late", "late-1", C)
        start = begin_ctl(host, "start", C, "--wait")
        parked_job(host, C)
        host.simctl("add-parent", "late:late-1=2")
        assert start.wait(10) == 0
        assert host.state(C) == "active"

        ctl(host, "define", "never", "never-1", B)
        begin = time.monotonic()
        assert "never" in ctl(host, "start", B, "--wait", "--timeout", "500ms", status=1).err
        assert 0.4 < time.monotonic() - begin < 5


def test_interrupted():
    """What waits is dropped, what runs goes on: as the manual says."""
    with Host(create_delay=1000) as host:
        ctl(host, "define", "late", "late-1", A)
        start = begin_ctl(host, "start", A, "--wait")
        parked_job(host, A)
        start.send_signal(signal.SIGINT)
        assert start.wait(10) == -signal.SIGINT
        host.eventually(lambda: not host.jobs(), what="no job")
        create = begin_ctl(host, "create", "mtty", "mtty-1", B)
        host.eventually(lambda: B in host.devices(), what="the device")
        create.send_signal(signal.SIGINT)
        create.wait(10)
        assert [job.uuid for job in host.jobs()] == [B]
        has_state(host, B, "active")


def test_jobs_and_cancel():
    with Host() as host:
        ctl(host, "create", "mtty", "mtty-1", A)
        assert ctl(host, "jobs").err == "No jobs.\n"
        host.simctl("hold", A)
        stop = begin_ctl(host, "stop", A, "--wait")
        job = parked_job(host, A)
        assert ctl_json(host, "jobs") == {"jobs": [{"job": job, "uuid": A, "kind": "stop", "state": "waiting"}]}
        assert ctl_json(host, "show", A)["jobs"][0]["job"] == job
        ctl(host, "cancel", job)
        assert stop.wait(10) == 1
        again = begin_ctl(host, "stop", A, "--wait")
        parked_job(host, A)
        assert ctl(host, "cancel", "--all").err == ""
        assert again.wait(10) == 1
        assert host.state(A) == "active"
        host.simctl("release", A)
        host.simctl("delay", "mtty", "create", 2000)
        create = begin_ctl(host, "create", "mtty", "mtty-1", B)
        host.eventually(lambda: [job.state for job in host.jobs()] == ["running"], what="the running job")
        assert ctl(host, "cancel", "--all").err == "mediatectl: 1 job is running and cannot be canceled\n"
        assert create.wait(10) == 0


def test_show():
    with Host() as host:
        ctl(host, "create", "mtty", "mtty-1", A)
        ctl(host, "define", A)
        pid = int(host.simctl("hold", A))
        shown = ctl_json(host, "show", A, "mtty")
        device, = shown["devices"]
        assert device["users"] == [{"pid": pid, "command": "simctl-holder", "machine": None}]
        assert device["device_node"] == f"/dev/vfio/{device['iommu_group']}"
        assert device["sysfs_path"].endswith(f"/mtty/{A}") and device["defined"] is True
        assert shown["definitions"][0]["file"] == f"/etc/mdevctl.d/mtty/{A}"
        parent, = shown["parents"]
        assert parent["devices"] == [A]
        assert {row["type"]: row["available"] for row in parent["types"]} == {"mtty-1": 23, "mtty-2": 11}

        text = ctl(host, "show", A[:4], "mtty").out
        for line in (f"Device {A}", f"Used by: simctl-holder (process {pid})", "State: active", f"Definition {A}",
                     "Parent mtty", "mtty-1: 23 available"):
            assert line in text
        host.simctl("release", A)
        assert ctl_json(host, "show", A)["devices"][0]["users"] == []
        assert "Used by: nobody" in ctl(host, "show", A).out
        # For other users it is not known.
        host.simctl("hold", A)
        as_nobody = ["setpriv", "--reuid=65534", "--clear-groups", "--"]
        assert "Used by: unknown (only root can see it)" in on_terminal(host, [*as_nobody, MEDIATECTL, "show", A])[1]
        host.simctl("release", A)
        # What is found is shown, too.
        result = ctl(host, "show", C, A, status=3)
        assert f"Device {A}" in result.out and C in result.err


def test_tables_as_json():
    with Host() as host:
        ctl(host, "create", "mtty", "mtty-1", A)
        parents = {row["parent"]: row for row in ctl_json(host, "parents")["parents"]}
        assert parents["mtty"]["type_count"] == 2 and parents["mtty"]["device_count"] == 1
        types = {row["type"]: row for row in ctl_json(host, "types", "mtty")["types"]}
        assert types["mtty-1"] == {"parent": "mtty", "type": "mtty-1", "available": 23, "api": "vfio-pci",
                                   "name": "Simulated mtty-1", "description": "max_instance=24"}
        tree = {row["id"]: row for row in ctl_json(host, "tree", "mtty")["parents"]}
        assert tree["mtty"]["children"][0]["children"][0]["id"] == A
        row, = ctl_json(host, "list", "-o", "node,uuid")["devices"]
        assert row["uuid"] == A and row["device_node"].startswith("/dev/vfio/")
        assert ctl_json(host, "jobs") == {"jobs": []}
        assert ctl(host, "list", "-o", "UUID", "--no-legend").out == f"{A}\n"
        host.simctl("remove-parent", "mtty")
        host.simctl("remove-parent", "mbochs")
        host.eventually(lambda: not host.call("ListParents") and not host.devices())
        assert ctl_json(host, "list") == {"devices": []}
        assert ctl_json(host, "tree") == {"parents": []}


def test_list_of_some():
    with Host() as host:
        ctl(host, "create", "mtty", "mtty-1", A)
        ctl(host, "define", "mtty", "mtty-2", B)
        ctl(host, "define", "gone", "gone-1", C, "--auto")
        (STORE / "mtty" / "no-uuid").write_text("{", encoding="utf-8")

        def chosen(*arguments):
            return ctl(host, "list", "-o", "UUID", "--no-legend", *arguments).out.split()

        host.eventually(lambda: chosen("--state", "invalid") == ["no-uuid"], what="the invalid one")
        assert chosen(A) == [A] and chosen("f0", "0aaade77-8") == [C, B] and chosen("no-uuid") == ["no-uuid"]
        assert chosen("--parent", "gone") == [C] and chosen("--type", "mtty-2") == [B]
        assert chosen("--state", "active") == [A] and chosen("--state", "waiting-parent") == [C]
        assert chosen(A, "--parent", "mtty", "--type", "mtty-1", "--state", "active") == [A]
        assert chosen(A, "--state", "inactive") == chosen("--parent", "mbochs") == []
        assert ctl(host, "list", "--parent", "mbochs").err == "None of them.\n"

        assert "Did you mean 'mtty'?" in ctl(host, "list", "--parent", "mtyt", status=3).err
        assert "This host has mbochs, mtty" in ctl(host, "list", "--parent", "other", status=3).err
        assert "Did you mean 'mtty-1'?" in ctl(host, "list", "--type", "mtty-11", status=3).err
        assert "the types are mbochs-small, mtty-1, mtty-2" in ctl(host, "list", "--type", "other", status=3).err
        assert "there are starting, active," in ctl(host, "list", "--state", "other", status=2).err
        assert "There is no device " in ctl(host, "list", new_uuid(), status=3).err


def test_types_of_some():
    with Host(parents=["mtty:mtty-1=1,mtty-2=1", "full:mtty-1=1"]) as host:
        ctl(host, "create", "full", "mtty-1", A)

        def chosen(*arguments):
            text = ctl(host, "types", "-o", "PARENT,TYPE", "--no-legend", *arguments).out
            return [tuple(line.split()) for line in text.splitlines()]

        assert chosen("mtty") == [("mtty", "mtty-1"), ("mtty", "mtty-2")]
        assert chosen("mtty-1") == [("full", "mtty-1"), ("mtty", "mtty-1")]
        assert chosen("mtty", "mtty-2") == [("mtty", "mtty-2")]
        assert chosen("mtty-1", "--available") == [("mtty", "mtty-1")]
        assert ctl(host, "types", "full", "--available").err == "No types.\n"
        assert "it has mtty-1, mtty-2" in ctl(host, "types", "mtty", "mtty-3", status=3).err
        assert "Did you mean 'mtty'?" in ctl(host, "types", "mtyt", status=3).err


def read_events(host, process, *wanted):
    """Lines of a monitor until each of @wanted (patterns) was there, in that order."""
    lines = []
    for pattern in wanted:
        while True:
            line = process.stdout.readline()
            assert line, f"no {pattern} in {lines}"
            lines.append(line.rstrip("\n"))
            if re.search(pattern, line):
                break
    return lines


def test_monitor():
    with Host() as host:
        monitor = begin_ctl(host, "monitor")
        read_events(host, monitor, "daemon +mediated running")
        ctl(host, "define", "mtty", "mtty-1", A)
        ctl(host, "start", A)
        lines = read_events(host, monitor, f"job +1 new, define, {A}", f"definition {A} on mtty added, mtty-1, manual",
                            "job +1 done", f"device +{A} added, on mtty, mtty-1", "job +2 done, start")
        assert all(re.match(r"\d\d:\d\d:\d\d\.\d{3} (daemon|parent|device|definition|job) +\S", line) for line in lines)
        read_events(host, monitor, "parent +mtty changed: mtty-1 23, mtty-2 11")
        ctl(host, "stop", A)
        read_events(host, monitor, f"device +{A} removed", "job +3 done, stop")
        host.simctl("add-parent", "late:late-1=2")
        read_events(host, monitor, "parent +late added")
        host.simctl("daemon", "restart")
        read_events(host, monitor, "daemon +mediated ended", "daemon +mediated started")


def test_monitor_of_some():
    with Host() as host:
        ctl(host, "create", "mbochs", "mbochs-small", B)
        # A device that is removed before it was announced is in no signal.
        host.sleep(0.3)
        one, parent = begin_ctl(host, "monitor", A), begin_ctl(host, "monitor", "--parent", "mbochs")
        for monitor in (one, parent):
            read_events(host, monitor, "running")
        ctl(host, "create", "mtty", "mtty-1", A)
        ctl(host, "stop", B)
        ctl(host, "define", "mbochs", "mbochs-small", C)
        host.sleep(0.3)
        ctl(host, "stop", A)
        host.simctl("daemon", "restart")
        lines = read_events(host, one, "job +. new, create", "device.* added", "job .* done, create",
                            "device.* removed", "done, stop", "ended")
        assert all(A in line for line in lines[:-1]) and not [line for line in lines if B in line]
        lines = read_events(host, parent, "new, stop", "device.* removed", "done, stop", "definition .* added", "ended")
        assert not [line for line in lines if A in line or "mtty" in line]
        typo = begin_ctl(host, "monitor", "--parent", "mboch")
        assert "Did you mean 'mbochs'?" in typo.stderr.readline()
        assert "no device" in ctl(host, "monitor", "eee", status=3).err.lower()


def test_monitor_json():
    with Host() as host:
        monitor = begin_ctl(host, "monitor", "--json")
        read_events(host, monitor, "running")
        ctl(host, "create", "mtty", "mtty-1", A)
        events = [json.loads(line) for line in read_events(host, monitor, '"done"')]
        assert all({"time", "object", "subject", "event"} <= event.keys() for event in events)
        added = next(event for event in events if event["object"] == "device" and event["event"] == "added")
        assert added["subject"] == A and added["properties"]["parent"] == "mtty"
        assert events[-1]["object"] == "job" and events[-1]["properties"] == {"kind": "create", "uuid": A}


def findings(host):
    result = ctl(host, "check", "--json", status=None)
    found = json.loads(result.out)["findings"]
    assert result.status == (1 if any(finding["severity"] == "problem" for finding in found) else 0)
    assert all(finding["message"] and finding["advice"] for finding in found)
    return {(finding["id"], finding["subject"]): finding for finding in found}


def test_check():
    with Host() as host:
        mask = pathlib.Path("/etc/udev/rules.d/60-mdevctl.rules")
        mask.parent.mkdir(parents=True, exist_ok=True)
        mask.unlink(missing_ok=True)
        mask.symlink_to("/dev/null")
        assert ctl(host, "check").out.startswith("ok ")

        (STORE / "mtty").mkdir()
        (STORE / "mtty" / A).write_text("{broken", encoding="utf-8")
        has_state(host, A, "invalid")
        ctl(host, "define", "gone", "gone-1", C, "--auto")
        host.simctl("delay", "mtty", "create", 500)
        host.start_raw_create(B)
        host.shell("echo 1 >/sys/bus/mdev/devices/$1/remove", B, check=False)
        has_state(host, B, "wedged")
        host.simctl("delay", "mtty", "create", 0)

        found = findings(host)
        assert found[("invalid-definition", f"/etc/mdevctl.d/mtty/{A}")]["severity"] == "problem"
        assert found[("missing-parent", "gone")]["severity"] == "problem"
        assert "mtty" in found[("wedged", B)]["advice"]
        mask.unlink()
        if pathlib.Path("/usr/lib/udev/rules.d/60-mdevctl.rules").exists():
            assert ("mdevctl-rule", "60-mdevctl.rules") in findings(host)

        text = ctl(host, "check", status=1).out
        assert f"{B}: The device is wedged" in text.replace("\n         ", " ")


def test_check_autostart():
    with Host(parents=["small:small-1=1"]) as host:
        ctl(host, "define", "bad", "bad-1", "--auto", A, "nosuch=1")
        ctl(host, "define", "full", "full-1", "--auto", B)
        ctl(host, "define", "full", "full-1", "--auto", C)
        host.simctl("add-parent", "bad:bad-1=1")
        host.simctl("add-parent", "full:full-1=1")
        has_state(host, A, "failed", "bad")
        host.eventually(lambda: "waiting-instance" in {row["state"] for row in rows(host).values()})
        found = findings(host)
        assert found[("autostart-failed", A)]["message"] == f"Autostart on bad failed: {error_of(host, A)}"
        waiting = next(uuid for kind, uuid in found if kind == "waiting-instance")
        assert found[("waiting-instance", waiting)]["message"] == error_of(host, waiting)
        assert error_of(host, waiting) == "Autostart on full waits: no instance is available of full-1"


def test_check_types():
    with Host() as host:
        ctl(host, "define", "mtty", "mtty-99", A, "--auto")
        ctl(host, "define", "mtty", "mtty-99", B)
        ctl(host, "define", "mtty", "mtty-1", C, "--auto")
        found = findings(host)
        assert "it has mtty-1, mtty-2" in found[("missing-type", A)]["message"]
        assert {subject for _, subject in found} & {B, C} == set()


def error_of(host, uuid):
    """As list and show say it."""
    row, = ctl_json(host, "list", uuid, "-o", "ERROR")["devices"]
    shown = ctl_json(host, "show", uuid)
    assert row["error"] in {item["error"] for item in (*shown["devices"], *shown["definitions"])}
    return row["error"]


def test_same_words_for_errors():
    with Host(parents=["full:full-1=1"]) as host:
        ctl(host, "create", "full", "full-1")
        ctl(host, "define", "full", "full-1", "--auto", A)
        ctl(host, "define", "full", "full-2", "--auto", B)
        ctl(host, "define", "gone", "gone-1", "--auto", C)
        ctl(host, "stop", "--all")
        host.simctl("remove-parent", "full")
        assert error_of(host, C) == "Autostart on gone waits: the parent is not there"
        assert findings(host)[("missing-parent", "gone")]["message"].startswith(f"{error_of(host, C)};")
        has_state(host, A, "waiting-parent", "full")
        host.simctl("add-parent", "full:full-1=1")
        has_state(host, A, "active", "full")
        has_state(host, B, "waiting-type", "full")
        assert error_of(host, B) == "Autostart on full waits: the parent has no type full-2"
        assert findings(host)[("waiting-type", B)]["message"] == error_of(host, B)
        ctl(host, "define", "full", "full-1", D)
        assert error_of(host, A) is error_of(host, D) is None

        # A start by hand that failed is remembered.
        error = ctl(host, "start", D, status=1).err
        assert "no available instance" in error and error_of(host, D) in error
        found = findings(host)[("start-failed", D)]
        assert found["message"] == f"The last start on full failed: {error_of(host, D)}"
        assert found["severity"] == "warning"

        # So is a stop; its error is the device's.
        pid = host.simctl("hold", A)
        ctl(host, "stop", A, status=4)
        assert f"process {pid} (simctl-holder)" in error_of(host, A)
        assert f"{pid} (simctl-holder)" in ctl(host, "list", "-o", "UUID,ERROR").out
        assert A not in {subject for _, subject in findings(host)}
        host.simctl("release", A)


def test_check_without_parents():
    with Host(parents=[]) as host:
        assert ("no-parent", None) in findings(host)
        host.simctl("daemon", "stop")
        assert ("no-daemon", "mediated") in findings(host)
        result = ctl(host, "check", status=1)
        assert result.err == "" and result.out.count("The daemon is not running") == 1


def test_check_sees_a_driver_that_does_not_return():
    with Host() as host:
        host.simctl("hang", "mtty", "create")
        create = begin_ctl(host, "create", "mtty", "mtty-1", A, "--timeout", "100ms")
        assert create.wait(10) == 1
        found = findings(host)[("hung-driver", A)]
        assert "driver of mtty has not finished the create" in found["message"] and found["severity"] == "problem"
        # The device has no type yet, but its job knows it.
        job, = ctl_json(host, "show", A)["jobs"]
        assert (job["parent"], job["type"]) == ("mtty", "mtty-1")
        host.simctl("resume", "mtty")
        host.eventually(lambda: not host.jobs(), what="no job")
        assert ("hung-driver", A) not in findings(host)
        # A job that has just begun is no finding.
        host.simctl("hang", "mtty", "create")
        begin_ctl(host, "create", "mtty", "mtty-1", A)
        host.job_of(A)
        assert not [key for key in findings(host) if key[1] == A]


def test_refused_in_a_callout_of_its_own_job():
    with Host(create_delay=4000) as host:
        create = begin_ctl(host, "create", "mtty", "mtty-1", A)
        job = host.job_of(A, "create")
        begin = time.monotonic()
        for verb in (["stop", A], ["start", A], ["undefine", A], ["enable", A], ["define", A]):
            error = ctl(host, *verb, status=1, MEDIATED_JOB=str(job)).err
            assert f"job {job}" in error and A in error
        assert time.monotonic() - begin < 3
        # Another device, or only looking, is fine.
        ctl(host, "define", "mtty", "mtty-1", C, MEDIATED_JOB=str(job))
        ctl(host, "show", A, MEDIATED_JOB=str(job))
        assert create.wait(10) == 0
        ctl(host, "stop", A, MEDIATED_JOB=str(job))


def test_tells_systemd_why():
    with Host() as host, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        path = "/run/notify-test"
        notify.bind(path)
        notify.settimeout(5)
        ctl(host, "define", "never", "never-1", A)
        error = ctl(host, "start", "--wait", "--timeout", "100000us", A, status=1, NOTIFY_SOCKET=path).err
        told = notify.recv(4096).decode()
        assert told.startswith("STATUS=") and told.removeprefix("STATUS=") in error


def fake_program(name, script):
    directory = pathlib.Path("/run/fake")
    directory.mkdir(exist_ok=True)
    (directory / name).write_text(f"#!/bin/bash\n{script}\n", encoding="utf-8")
    (directory / name).chmod(0o755)
    return f"{directory}:/usr/bin:/bin"


def test_another_host_over_ssh():
    with Host() as host:
        path = fake_program("ssh", 'echo "$@" >/run/fake/arguments\nexec systemd-stdio-bridge')
        ctl(host, "create", "mtty", "mtty-1", A, "-H", "root@other", PATH=path)
        assert "root@other systemd-stdio-bridge" in pathlib.Path("/run/fake/arguments").read_text(encoding="utf-8")
        assert host.state(A) == "active"
        pid = int(host.simctl("hold", A))
        assert f"Used by: simctl-holder (process {pid})" in ctl(host, "show", A, "-H", "other", PATH=path).out
        host.simctl("release", A)
        # Its files cannot be seen from here.
        assert "not looked at" in ctl(host, "check", "--host=other", PATH=path).out
        fake_program("ssh", "exit 255")
        assert "ssh other" in ctl(host, "list", "-H", "other", status=1, PATH=path).err
        assert "nowhere" in ctl(host, "list", "-M", "nowhere", status=1).err


def test_asks_for_a_password_on_a_terminal():
    with Host() as host:
        as_nobody = ["setpriv", "--reuid=65534", "--clear-groups", "--"]
        log = pathlib.Path("/tmp")

        def agents():
            found = sorted(log.glob("pkttyagent.*"))
            texts = [file.read_text(encoding="utf-8") for file in found]
            for file in found:
                file.unlink()
            return texts

        agents()
        # It says that it is ready by closing the fd.
        path = fake_program("pkttyagent", 'echo "$@" >/tmp/pkttyagent.$PPID\neval "exec $2>&-"\nexec sleep 60')
        status, text = on_terminal(host, [*as_nobody, MEDIATECTL, "create", "mtty", "mtty-1"], PATH=path)
        assert status == 1 and "mediatectl: " in text and "org." not in text
        assert re.fullmatch(r"--notify-fd \d+ --fallback\n", agents()[0])
        for command in ([*as_nobody, MEDIATECTL, "--no-ask-password", "create", "mtty", "mtty-1"],
                        [*as_nobody, MEDIATECTL, "list"], [MEDIATECTL, "create", "mtty", "mtty-1"]):
            on_terminal(host, command, PATH=path)
            assert agents() == []
        # Reading is free to all.
        assert on_terminal(host, [*as_nobody, MEDIATECTL, "list"])[0] == 0


def test_full_disk_behind_the_output():
    with Host() as host:
        assert host.shell(f"{MEDIATECTL} types >/dev/full", check=False).returncode == 1


def test_wrong_create_files_are_not_ours():
    """What others create is listed as well."""
    with Host() as host:
        write(create_file("mtty", "mtty-2"), A)
        has_state(host, A, "active")
        assert rows(host)[(A, "mtty")]["defined"] is False
