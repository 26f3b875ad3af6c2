# SPDX-License-Identifier: LGPL-2.1-or-later
"""Under the name mdevctl, nobody sees vGPUs of vendor VFIO: a host with such cards answers as one without."""

import json
import re

import pytest
from ctl import ctl
from definitions import STORE, put, text_of
from host import Host, read
from mdevctl_versions import ours

CARD = "0000:3d:00.0"
VF, OTHER_VF, FREE_VF, GONE_VF = "0000:3d:00.4", "0000:3d:00.5", "0000:3d:00.6", "0000:99:00.4"
CARDS = [f"{CARD}:vfs=4,nvidia-1145=8"]
PARENTS = ["mtty:mtty-1=24,mtty-2=12", "mbochs:mbochs-small=64"]

DEVICE, DEFINED, MANUAL, FROM_OTHERS = (f"0aaade77-7b3e-4341-a89b-{n:012}" for n in range(4))
VGPU, DEFINED_VGPU, GONE_VGPU = (f"f0000000-7b3e-4341-a89b-{n:012}" for n in range(3))

# What a person or libvirt may ask. All of it is about mediated devices, or about something that is not there.
COMMANDS = [
    "list", "list -v", "list -d", "list -d -v", "list --dumpjson", "list -d --dumpjson", "types", "types --dumpjson",
    f"list -u {DEVICE} --dumpjson", f"list -d -u {MANUAL} --dumpjson", "list -p mtty", f"types -p {VF}",
    f"types -p {CARD} --dumpjson",
    *(f"list {option} {value}{flags}" for option, values in (("-u", (VGPU, DEFINED_VGPU, GONE_VGPU)),
                                                             ("-p", (VF, OTHER_VF, GONE_VF, CARD)))
      for value in values for flags in ("", " -d", " --dumpjson", " -d --dumpjson")),
    *(f"{verb} -u {uuid}" for verb in ("start", "stop", "undefine", "modify --auto", "define")
      for uuid in (VGPU, DEFINED_VGPU, GONE_VGPU)),
    f"start -u {DEFINED_VGPU} -p {OTHER_VF}", f"undefine -u {DEFINED_VGPU} -p {OTHER_VF}",
    f"modify -u {DEFINED_VGPU} -p {OTHER_VF} --manual", f"undefine -u {GONE_VGPU} -p {GONE_VF}",
    f"start -p {FREE_VF} -t nvidia-1145", f"start -p {CARD} -t nvidia-1145",
    f"start -u {FROM_OTHERS} -p {FREE_VF} -t nvidia-1145", f"start-parent-mdevs {OTHER_VF}",
    f"start-parent-mdevs {GONE_VF}",
    # And what is there works as ever.
    f"modify -u {MANUAL} --auto", "list -d --dumpjson", f"start -u {MANUAL}", f"stop -u {DEVICE}", "list",
    f"undefine -u {MANUAL}", "list -d", f"define -u {DEFINED_VGPU} -p mtty -t mtty-1", "list -d --dumpjson",
    f"undefine -u {DEFINED_VGPU}", "list -d", "types",
]


def prepare(host):
    host.eventually(lambda: len(host.types()) >= 3)
    put(DEFINED, text_of(start="auto", attributes=[("setting", "1")]))
    put(MANUAL, text_of(start="manual", type="mbochs-small"), parent="mbochs")
    host.create(DEVICE, attributes=[("setting", "2")])
    host.create(DEFINED)


def add_vgpus(host):
    """One that runs, one that is defined and runs, and definitions: for a card that is gone, and of an mdev's UUID."""
    host.eventually(lambda: (VF, "nvidia-1145") in host.types())
    ctl(host, "create", VF, "nvidia-1145", VGPU)
    ctl(host, "define", OTHER_VF, "nvidia-1145", DEFINED_VGPU, "--auto")
    ctl(host, "start", DEFINED_VGPU)
    put(GONE_VGPU, json.dumps({"mdev_type": "nvidia-1145", "start": "auto", "backend": "nvidia-vfio"}), parent=GONE_VF)
    put(MANUAL, text_of(start="manual", type="nvidia-1145"), parent="0000:3d:00.7")
    host.eventually(lambda: {VGPU, DEFINED_VGPU} <= host.devices().keys())
    # mediated adds the key to definitions on such parents that are there.
    host.eventually(lambda: '"backend"' in read(STORE / "0000:3d:00.7" / MANUAL))


def transcript(host):
    said = []
    for command in COMMANDS:
        done = host.shell(f"/run/mdevctl/mdevctl {command}", check=False)
        # Only warnings have a time.
        said.append((command, done.returncode, done.stdout, re.sub(r"\[\S+Z ", "[TIME ", done.stderr)))
    return said


def vgpus(host):
    return {uuid: device for uuid, device in host.devices().items() if device.type.startswith("nvidia-")}


def store_of_vgpus():
    return {path: read(path) for path in STORE.glob("0000:*/*")}


@pytest.mark.parametrize("version", ["1.2.0", "1.4.0"])
def test_transcripts_are_the_same(version):
    with Host(parents=PARENTS) as host:
        ours(version)
        prepare(host)
        without = transcript(host)
    assert "mtty-1" in str(without) and f"{DEFINED} mtty mtty-1 auto" in str(without)
    with Host(parents=PARENTS, cards=CARDS) as host:
        ours(version)
        prepare(host)
        add_vgpus(host)
        before, stored = vgpus(host), store_of_vgpus()
        assert len(before) == 2 and len(stored) == 3
        assert transcript(host) == without
        # Nothing of it was touched, not even a definition with the UUID of another one.
        assert vgpus(host) == before and store_of_vgpus() == stored


@pytest.mark.parametrize("version", ["1.2.0", "1.4.0"])
def test_such_a_parent_takes_no_definition(version):
    """mdevctl would store it for a parent that is not there; here the daemon would make a vGPU of it."""
    with Host(parents=PARENTS, cards=CARDS) as host:
        ours(version)
        host.eventually(lambda: (VF, "nvidia-1145") in host.types())
        path = "/run/definition.json"
        host.shell(f"echo '{text_of()}' >{path}")
        for parent in (VF, CARD):
            for command in ("define -t nvidia-1145", f"define -u {VGPU} --jsonfile {path}",
                            f"modify -u {VGPU} --jsonfile {path}", f"start -u {VGPU} --jsonfile {path}"):
                done = host.shell(f"/run/mdevctl/mdevctl {command} -p {parent}", check=False)
                assert (done.returncode, done.stdout) == (1, "")
                assert f"Unable to find parent device '{parent}'" in done.stderr
        assert vgpus(host) == {} and store_of_vgpus() == {}
