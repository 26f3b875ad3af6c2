# SPDX-License-Identifier: LGPL-2.1-or-later
"""Callouts: that they are called as mdevctl calls them, that what they say counts, and that nothing they do harms."""

import json
import os
import pathlib
import signal
import time

import pytest
from bus import DEVICE
from callout_tools import SITE, VENDOR, Callouts, running
from ctl import ctl
from host import (BUILD, DEVICES, INTENTS, Host, device_path, is_sanitized, new_uuid, options, read)

DEBIANS = "/usr/bin/mdevctl"
STORE = pathlib.Path("/etc/mdevctl.d")

MTTY = "mtty:mtty-1=24,mtty-2=12"

SLOW = 4 if is_sanitized() else 1


def begin_define(host, uuid="", parent="mtty", type="mtty-1", start="manual", attributes=(), **opts):
    return host.begin("Define", "ssssa(ss)a{sv}", uuid, parent, type, start, [list(pair) for pair in attributes],
                      options(**opts))


def define(host, *args, **kwargs):
    return begin_define(host, *args, **kwargs).result()[0]


def begin_start(host, uuid, **opts):
    return host.begin("StartDevice", "ssa{sv}", uuid, "", options(**opts))


def begin_undefine(host, uuid, **opts):
    return host.begin("Undefine", "ssa{sv}", uuid, "", options(**opts))


def begin_modify(host, uuid, changes, **opts):
    return host.begin("Modify", "ssa{sv}a{sv}", uuid, "", changes, options(**opts))


def attributes_change(*attributes):
    from dbus_next import Variant
    return {"attributes": Variant("a(ss)", [list(pair) for pair in attributes])}


def start_change(mode):
    from dbus_next import Variant
    return {"start": Variant("s", mode)}


def stored(uuid, parent="mtty"):
    path = STORE / parent / uuid
    return json.loads(path.read_text()) if path.exists() else None


def get_attributes(host, uuid):
    return [tuple(pair) for pair in host.bus.call(device_path(uuid), DEVICE, "GetAttributes")]


# --- as mdevctl calls them

UUID = "11111111-2222-3333-4444-555555555555"
FILE = '{"mdev_type": "mtty-2", "start": "auto", "attrs": [{"setting": "a b"}, {"vendor/vgpu_params": "x\\u00fcy"}]}'

# Each is a sequence of command lines; what the callouts saw of it is compared.
SEQUENCES = {
    "define": ["define -u {u} -p mtty -t mtty-1"],
    "define auto": ["define -u {u} -p mtty -t mtty-1 -a"],
    "define file": ["define -u {u} -p mtty --jsonfile /run/file"],
    "define twice": ["define -u {u} -p mtty -t mtty-1", "define -u {u} -p mtty -t mtty-1"],
    "define without parent": ["define -u {u} -p nothing -t none"],
    "define active": ["start -u {u} -p mtty -t mtty-1", "define -u {u}"],
    "define active auto": ["start -u {u} -p mtty -t mtty-1", "define -u {u} --auto"],
    "modify": ["define -u {u} -p mtty -t mtty-1", "modify -u {u} --addattr setting --value 1", "modify -u {u} --auto",
               "modify -u {u} -t mtty-2", "modify -u {u} --delattr", "modify -u {u} --manual"],
    "modify nothing": ["define -u {u} -p mtty -t mtty-1", "modify -u {u}"],
    "modify what is not there": ["modify -u {u} --auto"],
    "undefine": ["define -u {u} -p mtty --jsonfile /run/file", "undefine -u {u}"],
    "undefine all": ["define -u {u} -p mtty -t mtty-1", "define -u {u} -p mbochs -t mbochs-small", "undefine -u {u}"],
    "undefine what is not there": ["undefine -u {u}"],
    "start": ["start -u {u} -p mtty -t mtty-1", "stop -u {u}"],
    "start file": ["start -u {u} -p mtty --jsonfile /run/manual", "stop -u {u}"],
    "start defined": ["define -u {u} -p mtty --jsonfile /run/file", "start -u {u}", "stop -u {u}"],
    "start with a bad attribute": ["define -u {u} -p mtty -t mtty-1", "modify -u {u} --addattr nothing --value 1",
                                   "start -u {u}"],
}


def seen_by_callouts(program, sequence, prepare):
    """What callouts and notifiers saw of it, and the exit status of each command."""
    with Host() as host:
        callouts = Callouts(host)
        pathlib.Path("/run/file").write_text(FILE, encoding="utf-8")
        pathlib.Path("/run/manual").write_text(FILE.replace("auto", "manual"), encoding="utf-8")
        prepare(callouts)
        statuses = [host.shell(f"{program} {line.format(u=UUID)}", check=False).returncode for line in sequence]
        return callouts.recorded(), statuses


def compare(sequence, prepare, last_status=None):
    """@last_status: of mdevctl, where ours is 1 instead."""
    reference = seen_by_callouts(DEBIANS, sequence, prepare)
    ours = seen_by_callouts(BUILD / "client/mdevctl", sequence, prepare)
    for mine, theirs in zip(ours[0], reference[0]):
        assert mine == theirs
    assert len(ours[0]) == len(reference[0]), (ours[0], reference[0])
    if last_status is not None:
        assert (ours[1].pop(), reference[1].pop()) == (1, last_status)
    assert ours[1] == reference[1]


def record_all(callouts):
    callouts.add("10-record")
    callouts.add_notifier("10-notifier")


pytest.mark.reference = pytest.mark.skipif(not os.path.exists(DEBIANS), reason="SKIP: Debian's mdevctl is not installed")


@pytest.mark.reference
@pytest.mark.parametrize("name", SEQUENCES)
def test_called_as_by_mdevctl(name):
    compare(SEQUENCES[name], record_all)


@pytest.mark.reference
@pytest.mark.parametrize("name", ["define", "modify", "undefine", "start", "start defined"])
@pytest.mark.parametrize("event", ["pre", "post"])
@pytest.mark.parametrize("status", [1, 3])
def test_called_as_by_mdevctl_that_is_refused(name, event, status):
    """The last of the commands is. mdevctl 1.2 says that a refused undefine went well, 1.3 and we do not."""
    action = SEQUENCES[name][-1].split()[0]

    def prepare(callouts):
        callouts.add("10-refuse", f"[[ $event-$action != {event}-{action} ]] || exit {status}")
        callouts.add_notifier("10-notifier", "exit 1")

    compare(SEQUENCES[name], prepare, last_status=0 if (event, name) == ("pre", "undefine") else None)


@pytest.mark.reference
def test_called_as_by_mdevctl_by_none():
    def prepare(callouts):
        callouts.add("10-not-mine", "exit 2")
        callouts.add_notifier("10-notifier")

    compare(SEQUENCES["start defined"], prepare)
    compare(SEQUENCES["modify"], prepare)


@pytest.mark.reference
@pytest.mark.parametrize("name", ["start", "define active"])
def test_called_as_by_mdevctl_with_get(name):
    def prepare(callouts):
        callouts.add("10-get", "[[ $event != get ]] || echo '[{\"setting\":\"1\"}]'")
        callouts.add_notifier("10-notifier")

    compare(SEQUENCES[name], prepare)


# --- order and answers

WHOLE_START = ["pre start none", "post start success"]


def test_order():
    """Vendor's before the site's, each in name order; what says 2 is passed over; post is for the one that served."""
    with Host() as host:
        callouts = Callouts(host)
        callouts.make_vendor_folders()
        not_mine = "exit 2"
        callouts.add("00-site", not_mine)
        callouts.add("50-site")
        callouts.add("99-site")
        callouts.add("90-vendor", not_mine, base=VENDOR)
        callouts.add("10-vendor", not_mine, base=VENDOR)
        callouts.add_notifier("20-site", "exit 1")
        callouts.add_notifier("10-site")
        callouts.add_notifier("99-vendor", "exit 2", base=VENDOR)
        host.stop(host.create())
        for action in ("start", "stop"):
            start = len(callouts.calls()) // 2 * (action == "stop")
            assert callouts.calls()[start:start + 8] == [
                f"10-vendor pre {action} none", f"90-vendor pre {action} none", f"00-site pre {action} none",
                f"50-site pre {action} none", f"50-site post {action} success", f"99-vendor notify {action} success",
                f"10-site notify {action} success", f"20-site notify {action} success"]
        assert len(callouts.calls()) == 16


def test_none_serves():
    with Host() as host:
        callouts = Callouts(host)
        callouts.add("10-a", "exit 2")
        callouts.add("20-b", "exit 2")
        device = host.create()
        assert host.state(device) == "active"
        assert callouts.calls() == ["10-a pre start none", "20-b pre start none", "10-a post start success",
                                    "20-b post start success"]


REFUSE = '[[ $event != pre ]] || { echo "adapter 05 is not free" >&2; exit 1; }'


def test_refused_create():
    with Host() as host:
        callouts = Callouts(host)
        callouts.add("10-refuse", REFUSE)
        callouts.add_notifier("10-notifier")
        device = new_uuid()
        error = host.begin_create(device).error()
        assert error.name == "CalloutFailed"
        for part in (device, "10-refuse", "adapter 05 is not free", "status 1"):
            assert part in error.text
        assert "adapter 05 is not free" in host.log()
        assert not (DEVICES / device).exists() and host.devices() == {} and not os.listdir(INTENTS)
        assert callouts.calls() == ["10-refuse pre start none", "10-notifier notify start none"]
        assert host.create(device, force=True) == device
        assert callouts.calls()[2:] == ["10-refuse pre start none", "10-refuse post start success",
                                        "10-notifier notify start success"]


def test_refused_stop():
    with Host() as host:
        callouts = Callouts(host)
        device = host.create()
        callouts.add("10-refuse", REFUSE)
        error = host.begin_stop(device).error()
        assert error.name == "CalloutFailed" and "adapter 05 is not free" in error.text
        assert host.state(device) == "active"
        host.stop(device, force=True)
        assert host.devices() == {}


def test_refused_definitions():
    with Host() as host:
        callouts = Callouts(host)
        device = define(host, attributes=[("setting", "1")])
        before = stored(device)
        callouts.add("10-refuse", REFUSE)
        for call in (lambda **o: begin_modify(host, device, start_change("auto"), **o),
                     lambda **o: begin_undefine(host, device, **o),
                     lambda **o: begin_define(host, UUID, **o)):
            error = call().error()
            assert error.name == "CalloutFailed" and "adapter 05 is not free" in error.text
            assert stored(device) == before and stored(UUID) is None
        begin_modify(host, device, start_change("auto"), force=True).result()
        assert stored(device)["start"] == "auto"
        begin_undefine(host, device, force=True).result()
        assert stored(device) is None
        assert define(host, UUID, force=True) == UUID


def test_refused_autostart():
    with Host() as host:
        callouts = Callouts(host)
        callouts.add("10-refuse", f'[[ $uuid != {UUID} || $action != start ]] || {{ echo "not this one" >&2; exit 1; }}')
        other = define(host, start="auto")
        define(host, UUID, start="auto")
        host.simctl("remove-parent", "mtty")
        host.simctl("add-parent", MTTY)
        host.eventually(lambda: host.state(other) == "active")
        host.eventually(lambda: "not this one" in definition(host, UUID)["StartError"])
        assert definition(host, UUID)["StartState"] == "failed"
        assert host.state(UUID) is None


def definition(host, uuid, parent="mtty"):
    path = host.call("GetDefinition", "ss", uuid, parent)
    return host.properties(path, "org.mediated1.Definition")


def test_what_it_said_is_told_as_it_said_it():
    with Host() as host:
        callouts = Callouts(host)
        callouts.add("10-refuse", r"printf 'erste Zeile\nK\303\244rtchen fehlt\n\377\033[31mbad\n' >&2; exit 7", record=False)
        text = host.begin_create().error().text
        assert "erste Zeile\nKärtchen fehlt" in text and "status 7" in text
        assert "\033" not in text and "bad" in text


def test_input_and_arguments():
    with Host() as host:
        callouts = Callouts(host)
        callouts.add("10-record")
        device = host.create(attributes=[("setting", 'a"b\\'), ("vendor/plugin", "")])
        call = callouts.recorded()[0]
        assert call.folder == str(SITE / "callouts")
        assert call.arguments == f"-t mtty-1 -e pre -a start -s none -u {device} -p mtty"
        assert json.loads(call.input) == {"mdev_type": "mtty-1", "start": "manual",
                                          "attrs": [{"setting": 'a"b\\'}, {"vendor/plugin": ""}]}


# --- what a callout finds

def test_surroundings():
    """Nothing of the daemon's: no fds, environment, working directory, signals or terminal."""
    with Host() as host:
        callouts = Callouts(host)
        callouts.add("10-look", r"""
            ls -l /proc/$$/fd >/run/fds
            tr '\0' '\n' </proc/$$/environ >/run/environment
            readlink /proc/$$/cwd >/run/cwd
            grep '^Sig' /proc/self/status >/run/signals
            ps -o pgid=,pid= $$ >/run/group""", record=False)
        job = {}
        host.create()
        fds = [line.split()[-3:] for line in read("/run/fds").splitlines()[1:]]
        numbers = {fd: target for fd, _, target in fds}
        assert set(numbers) <= {"0", "1", "2", "255"}, "255 is bash's for the script itself"
        assert all(numbers[n].startswith("pipe:") for n in "012")
        environment = dict(line.split("=", 1) for line in read("/run/environment").splitlines())
        job = environment.pop("MEDIATED_JOB")
        assert job.isdigit()
        assert environment == {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
        assert read("/run/cwd") == "/"
        masks = dict(line.split(":\t") for line in read("/run/signals").splitlines() if "SigQ" not in line)
        assert int(masks["SigBlk"], 16) == 0 and int(masks["SigIgn"], 16) & 0x7fffffff == 0
        group, pid = read("/run/group").split()
        assert group == pid


def test_job_in_the_environment():
    with Host() as host:
        callouts = Callouts(host)
        signals = host.signals()
        callouts.add("10-look", 'echo "$event $MEDIATED_JOB" >>/run/jobs')
        device = host.create()
        job = signals.wait("JobNew", lambda body: body[1] == device)[0]
        assert read("/run/jobs").splitlines() == [f"pre {job}", f"post {job}"]


def test_one_parent_process_a_job():
    with Host() as host:
        callouts = Callouts(host)
        callouts.add("10-look", "echo $PPID >>/run/parents")
        callouts.add_notifier("10-look", "echo $PPID >>/run/parents")
        host.create()
        parents = read("/run/parents").splitlines()
        assert len(parents) == 3 and len(set(parents)) == 1
        assert int(parents[0]) in host.workers()


# --- which are run

def test_what_others_could_have_written_is_not_run():
    with Host() as host:
        callouts = Callouts(host)
        refuse = "exit 1"
        for name, mode in (("group", 0o775), ("others", 0o757), ("both", 0o777)):
            callouts.add(name, refuse, mode=mode)
        os.chown(callouts.add("owned", refuse), 1, 1)
        callouts.add("not-executable", refuse, mode=0o644)
        (SITE / "callouts" / "directory").mkdir()
        (SITE / "callouts" / "dangling").symlink_to("/nowhere")
        host.create()
        assert callouts.calls() == []
        for name in ("group", "others", "both", "owned"):
            assert f"callouts/{name} is not run" in host.log()


@pytest.mark.parametrize("folder", ["callouts", ".", ".."])
@pytest.mark.parametrize("change", ["others", "group", "owner"])
def test_folder_that_others_can_write(folder, change):
    """One that others can write, or one on the way to it: what is in it may be theirs."""
    with Host() as host:
        callouts = Callouts(host)
        callouts.add("10-refuse", "exit 1")
        path = (SITE / folder).resolve()
        if change == "owner":
            os.chown(path, 1, 1)
        else:
            path.chmod(0o757 if change == "others" else 0o775)
        host.create()
        assert callouts.calls() == []
        assert "are not run" in host.log()


def test_symbolic_link():
    with Host() as host:
        callouts = Callouts(host)
        callouts.add_program("record", "10-linked")
        host.create()
        assert callouts.calls() == ["10-linked pre start none", "10-linked post start success"]


@pytest.mark.parametrize("how", ["file", "folder"])
def test_symbolic_link_to_what_others_can_write(how):
    with Host() as host:
        callouts = Callouts(host)
        target = callouts.add_program("record", "10-linked").resolve()
        (target if how == "file" else target.parent).chmod(0o777)
        host.create()
        assert callouts.calls() == []
        assert "callouts/10-linked is not run" in host.log()


def test_what_cannot_be_executed_is_passed_over():
    """As by mdevctl: an editor's copy or a note that happens to be executable refuses nothing."""
    with Host() as host:
        callouts = Callouts(host)
        for name, text in (("10-note", "no program at all\n"), ("20-interpreter", "#!/nowhere/bash\n"), ("30-empty", "")):
            path = SITE / "callouts" / name
            path.write_text(text)
            path.chmod(0o755)
        callouts.add("50-record")
        host.create()
        assert callouts.calls() == ["50-record pre start none", "50-record post start success"]
        assert "10-note" in host.log()


# --- what they may do

def limited(seconds=2, **kwargs):
    return Host(daemon_options=[f"--callout-timeout={seconds}"], **kwargs)


def test_hang():
    """Killed with its children after the limit; the device is not created, and others do not notice."""
    with limited(2 * SLOW) as host:
        callouts = Callouts(host)
        callouts.add("10-hang", f"[[ $uuid != {UUID} ]] || {{ echo 'waiting for adapter 05' >&2; sleep 1000 & sleep 1001; }}")
        create = host.begin_create(UUID)
        host.eventually(lambda: len(running("sleep")) == 2)
        other = host.create(parent="mbochs", type="mbochs-small")
        host.stop(other)
        assert not create.done
        error = create.error()
        assert error.name == "CalloutFailed"
        assert UUID in error.text and "10-hang" in error.text and "waiting for adapter 05" in error.text
        assert 1.9 * SLOW <= create.seconds <= 3 * SLOW
        host.eventually(lambda: running("sleep") == [], what="the end of its children")
        assert not (DEVICES / UUID).exists() and host.devices() == {} and not os.listdir(INTENTS)
        assert host.create(), "and the next one is served"


def test_hang_in_post():
    with limited(1) as host:
        callouts = Callouts(host)
        callouts.add("10-hang", "[[ $event != post ]] || sleep 1000")
        device = host.create()
        assert host.state(device) == "active"
        assert "10-hang" in host.log() and "killed" in host.log()


def test_child_that_stays():
    """It keeps stdout and stderr open; nobody waits for it."""
    with Host() as host:
        callouts = Callouts(host)
        callouts.add("10-fork", "sleep 987 &")
        host.stop(host.create())
        before = {pid: len(os.listdir(f"/proc/{pid}/fd")) for pid in host.workers()}
        begin = time.monotonic()
        for _ in range(5):
            host.stop(host.create())
        assert time.monotonic() - begin < 10 * SLOW
        host.eventually(lambda: len(running("sleep")) == 24)
        for pid in set(host.workers()) & set(before):
            assert len(os.listdir(f"/proc/{pid}/fd")) == before[pid]


def peak_memory(pid):
    return next(int(line.split()[1]) for line in read(f"/proc/{pid}/status").splitlines() if line.startswith("VmHWM"))


@pytest.mark.parametrize("stream", [1, 2])
def test_much_output(stream):
    with Host() as host:
        callouts = Callouts(host)
        callouts.add("10-print", f"[[ $event != pre ]] || {{ yes 'out of paper' | head -c 100000000 >&{stream}; "
                     "echo 'and that was the reason' >&2; exit 1; }")
        error = host.begin_create().error(60)
        assert error.name == "CalloutFailed" and len(error.text) < 4096
        assert "and that was the reason" in error.text
        if not is_sanitized():
            assert all(peak_memory(pid) < 20000 for pid in [*host.workers(), host.daemon_pid()])
        assert len(host.log()) < 200000


def test_input_that_is_not_read():
    attributes = [("setting", "x" * 4000)] * 12
    with Host() as host:
        callouts = Callouts(host)
        callouts.add("10-deaf", "exec <&-; sleep 0.1", record=False)
        device = host.create(attributes=attributes)
        assert host.state(device) == "active"
        host.stop(device)
        callouts.add("10-deaf", 'echo "$4" >>/run/deaf', record=False)
        host.create(device, attributes=attributes)
        assert read("/run/deaf").split() == ["pre", "post"]


def test_killed_by_a_signal():
    """Whatever it was about to say: a callout that did not answer has not agreed."""
    with Host() as host:
        callouts = Callouts(host)
        callouts.add("10-crash", f"[[ $uuid != {UUID} ]] || kill -SEGV $$")
        error = host.begin_create(UUID).error()
        assert error.name == "CalloutFailed" and "10-crash" in error.text and "killed" in error.text
        assert host.devices() == {}
        host.create(UUID, force=True)


def test_lock_of_a_callout_that_was_killed_is_not_kept():
    """It locked in the name of its parent process: that must not live on."""
    with limited(2 * SLOW) as host:
        callouts = Callouts(host)
        callouts.add_program("ap-check", "50-ap-check")
        # Both are asked by turns: the first hangs after the second has locked.
        callouts.add("10-lock-and-hang", f"[[ $uuid = {UUID} && $event = pre ]] || exit 2\n"
                     "/run/callout-programs/ap-check -t x -e pre -a start -s none -u x -p x\n"
                     "echo $PPID >/run/lock/ap-check.lock; sleep 1000")
        assert host.begin_create(UUID).error().name == "CalloutFailed"
        begin = time.monotonic()
        device = host.create()
        assert host.state(device) == "active"
        assert time.monotonic() - begin < 2 * SLOW


# --- mediatectl and mdevctl in a callout

COMMANDS = ["mediatectl stop {u}", "mediatectl start {u}", "mediatectl define mtty mtty-1 {u}", "mediatectl undefine {u}",
            "mediatectl enable {u}", "mdevctl stop -u {u}", "mdevctl start -u {u}", "mdevctl undefine -u {u}",
            "mdevctl define -u {u} -p mtty -t mtty-1", "mdevctl modify -u {u} --auto"]


@pytest.mark.parametrize("command", COMMANDS)
def test_client_on_its_own_uuid(command):
    """Refused at once; else it would wait for the job, and the job for it."""
    with Host() as host:
        callouts = Callouts(host)
        # Only what is not defined can be defined, and the other way round.
        begin = host.begin_create if " define " in command else lambda uuid: begin_start(host, uuid)
        device = UUID if " define " in command else define(host)
        callouts.add("10-call", f"[[ $event = pre ]] || exit 0\n{BUILD}/client/{command.format(u='$uuid')} "
                     "</dev/null >/run/out 2>&1; echo $? >>/run/out")
        call = begin(device)
        call.result()
        assert call.seconds < 5 * SLOW
        assert host.state(device) == "active"
        *text, status = read("/run/out").splitlines()
        assert status == "1" and device in text[0] and "callout" in text[0]


def test_client_on_other_uuids_and_reading():
    """Also where jobs of one parent run one after the other."""
    with Host() as host:
        callouts = Callouts(host)
        other, third = new_uuid(), new_uuid()
        callouts.add("10-call", rf"""
            [[ $uuid = {UUID} && $event = pre ]] || exit 0
            for command in "list" "tree" "jobs" "show mtty" "create mbochs mbochs-small {other}" "stop {other}" \
                           "create mtty mtty-1 {third}" "stop {third}"; do
                timeout 10 {BUILD}/client/mediatectl $command </dev/null >/run/said 2>&1
                echo "$? $command $(head -c 200 /run/said | tr '\n' ' ')" >>/run/out
            done""")
        host.stop(host.create())
        begin = time.monotonic()
        host.create(UUID)
        out = read("/run/out").splitlines()
        assert [line.split()[0] for line in out] == ["0"] * 8, out
        assert time.monotonic() - begin < 8 * SLOW


# --- one after the other

@pytest.mark.parametrize("fresh", [False, True])
def test_eight_autostarts_under_a_lock(fresh):
    """As on s390: whatever lives on one parent is locked in the name of the worker from pre to post. A fresh daemon does not
    know yet that a callout serves that parent."""
    with Host(create_delay=50) as host:
        callouts = Callouts(host)
        callouts.add_program("ap-check")
        devices = [define(host, start="auto") for _ in range(8)]
        callouts.forget()
        host.simctl("remove-parent", "mtty")
        if fresh:
            host.simctl("daemon", "restart")
        host.simctl("add-parent", MTTY)
        host.eventually(lambda: host.states() == dict.fromkeys(devices, "active"), 60)
        host.eventually(lambda: host.jobs() == [])
        assert_never_together(callouts, devices)
        assert "stale lock" not in host.log() and "not my parent's" not in host.log() and "no lock" not in host.log()
        assert not os.path.exists("/run/lock/ap-check.lock")


def assert_never_together(callouts, devices):
    """Between pre and post of one there is no post of another: it would have had to get the lock before."""
    posts = [call for call in callouts.calls() if " post " in call]
    assert len(posts) == len(devices) and all(call.endswith("success") for call in posts)


def overlaps(callouts):
    """Whether a pre came between another's pre and post."""
    inside = 0
    for call in callouts.calls():
        if " pre " in call:
            inside += 1
            if inside > 1:
                return True
        elif " post " in call:
            inside -= 1
    return False


def test_jobs_of_a_served_parent_do_not_overlap():
    with Host(create_delay=30) as host:
        callouts = Callouts(host)
        callouts.add("10-serve", '[[ $parent = mtty ]] || exit 2')
        host.stop(host.create())
        callouts.forget()
        calls = [host.begin_create() for _ in range(6)] + [begin_define(host) for _ in range(3)]
        for call in calls:
            call.result()
        assert not overlaps(callouts)


def test_other_parents_are_not_delayed():
    with Host(create_delay=1000) as host:
        callouts = Callouts(host)
        callouts.add("10-serve")
        host.create()
        host.create(parent="mbochs", type="mbochs-small")
        begin = time.monotonic()
        for call in [host.begin_create(), host.begin_create(parent="mbochs", type="mbochs-small")]:
            call.result()
        assert time.monotonic() - begin < 1.8 * SLOW


def test_parents_that_no_callout_serves_are_not_serialized():
    with Host(create_delay=500) as host:
        callouts = Callouts(host)
        callouts.add("10-not-mine", "exit 2")
        callouts.add_notifier("10-notifier")
        host.create()
        begin = time.monotonic()
        for call in [host.begin_create() for _ in range(6)]:
            call.result()
        assert time.monotonic() - begin < 1.8 * SLOW


def test_start_that_waits_does_not_keep_the_others_out():
    """It got its turn, and found that what it waits for has gone."""
    with Host() as host:
        callouts = Callouts(host)
        callouts.add("10-serve", "[[ $event != pre || ! -e /run/slow ]] || sleep 1")
        waiting = define(host, type="mtty-2")
        host.create()
        pathlib.Path("/run/slow").touch()
        first = host.begin_create()
        host.eventually(lambda: [job.state for job in host.jobs()] == ["running"])
        start = begin_start(host, waiting, wait=True)
        host.simctl("remove-parent", "mtty")
        os.unlink("/run/slow")
        assert first.error().name in ("NoSuchParent", "NoSuchType")
        host.eventually(lambda: [job.kind for job in host.jobs()] == ["start"])
        define(host)
        assert not start.done
        host.simctl("add-parent", MTTY)
        start.result()


def test_canceled_while_it_waits_for_its_turn():
    with Host() as host:
        callouts = Callouts(host)
        callouts.add("10-serve", "[[ $event != pre || ! -e /run/slow ]] || sleep 1")
        host.create()
        pathlib.Path("/run/slow").touch()
        calls = [host.begin_create() for _ in range(3)]
        host.eventually(lambda: len(host.jobs()) == 3)
        running_job = next(job for job in host.jobs() if job.state == "running")
        for job in host.jobs():
            if job.id != running_job.id:
                host.call("CancelJob", "t", job.id)
        os.unlink("/run/slow")
        for call in calls:
            call.wait()
        assert len(host.devices()) == 2
        host.create()


# --- time

def test_time_in_callouts_does_not_count():
    with Host() as host:
        callouts = Callouts(host)
        callouts.add("10-slow", "sleep 1")
        callouts.add_notifier("10-slow", "sleep 0.5")
        device = host.create(timeout=0.9 * SLOW)
        assert host.state(device) == "active"


def test_time_in_notifiers_of_a_refused_action_does_not_count():
    with Host() as host:
        callouts = Callouts(host)
        callouts.add("10-refuse", "exit 1")
        callouts.add_notifier("10-slow", f"sleep {1.5 * SLOW}")
        assert host.begin_create(timeout=1 * SLOW).error().name == "CalloutFailed"


def test_time_in_others_callouts_does_not_count():
    with Host() as host:
        callouts = Callouts(host)
        callouts.add("10-slow", f"[[ ! -e /run/slow ]] || sleep {0.5 * SLOW}")
        host.create()
        pathlib.Path("/run/slow").touch()
        for call in [host.begin_create(timeout=0.9 * SLOW) for _ in range(4)]:
            call.result()


def test_time_in_the_driver_counts():
    with Host(create_delay=2000 * SLOW) as host:
        callouts = Callouts(host)
        callouts.add("10-serve")
        assert host.begin_create(timeout=1 * SLOW).error().name == "JobTimedOut"
        host.eventually(lambda: host.jobs() == [], 10 * SLOW)
        assert callouts.calls()[-1].endswith("start failure")


def test_time_of_others_in_a_driver_counts():
    """A driver that hangs under a callout keeps those of its parent waiting, but not beyond their deadlines."""
    with Host() as host:
        callouts = Callouts(host)
        callouts.add("10-serve")
        host.create()
        host.simctl("hang", "mtty", "create")
        first = host.begin_create(timeout=1 * SLOW)
        second = host.begin_create(timeout=2 * SLOW)
        assert first.error(5 * SLOW).name == "JobTimedOut"
        error = second.error(5 * SLOW)
        assert error.name == "JobTimedOut"
        host.simctl("resume", "mtty")
        host.eventually(lambda: host.jobs() == [])


# --- a worker that dies between pre and post

def kill_worker_in(host, callouts, begin, path):
    """Kills the worker of what @begin starts, while the driver works at it."""
    call = begin()
    host.eventually(lambda: any(" pre " in c for c in callouts.calls()))
    host.eventually(lambda: host.busy_workers(), what="a worker in the driver")
    worker = host.busy_workers()[0]
    host.kill(worker)
    return call


def test_worker_killed_in_a_create():
    with Host(create_delay=1000) as host:
        callouts = Callouts(host)
        callouts.add_program("ap-check")
        device = new_uuid()
        call = kill_worker_in(host, callouts, lambda: host.begin_create(device), None)
        error = call.error()
        assert error.name.endswith(".IOError") and device in error.text
        assert callouts.calls(device) == ["ap-check pre start none", "ap-check post start failure"]
        assert host.devices() == {}
        assert host.create(device) == device


def test_worker_killed_in_a_stop():
    with Host(remove_delay=1000) as host:
        callouts = Callouts(host)
        callouts.add("10-serve")
        device = host.create()
        callouts.forget()
        call = kill_worker_in(host, callouts, lambda: host.begin_stop(device), None)
        call.wait()
        host.eventually(lambda: len(callouts.calls()) == 2)
        assert callouts.calls() in (["10-serve pre stop none", "10-serve post stop failure"],
                                    ["10-serve pre stop none", "10-serve post stop success"])


@pytest.mark.parametrize("what", ["define", "modify", "undefine"])
def test_worker_killed_around_a_definition(what):
    """By its own callout: in the midst of pre."""
    with Host() as host:
        callouts = Callouts(host)
        device = UUID if what == "define" else define(host)
        callouts.add("10-kill", "[[ $event != pre ]] || kill -KILL $PPID")
        call = {"define": lambda: begin_define(host, device),
                "modify": lambda: begin_modify(host, device, start_change("auto")),
                "undefine": lambda: begin_undefine(host, device)}[what]()
        assert call.error().name.endswith(".IOError")
        assert callouts.calls(device) == [f"10-kill pre {what} none", f"10-kill post {what} failure"]


def test_daemon_killed_in_a_create():
    with Host(create_delay=500) as host:
        callouts = Callouts(host)
        callouts.add_program("ap-check")
        device = new_uuid()
        host.begin_create(device)
        host.eventually(lambda: host.busy_workers(), what="a worker in the driver")
        pid = host.daemon_pid()
        host.kill(pid)
        host.wait_ready(pid)
        host.eventually(lambda: host.jobs() == [] and host.devices() == {}, 10 * SLOW)
        assert callouts.calls(device)[0] == "ap-check pre start none"
        assert callouts.calls(device)[-1] == "ap-check post start failure"
        assert host.create()


# --- attributes of a running device

def test_get_attributes():
    with Host() as host:
        callouts = Callouts(host)
        device = host.create(attributes=[("setting", "1")])
        assert get_attributes(host, device) == [("setting", "1")]
        callouts.add("10-get", """[[ $event != get ]] || echo '[{"setting": "2"}, {"vendor/plugin": "\\u00fc"}]'""")
        assert get_attributes(host, device) == [("setting", "2"), ("vendor/plugin", "ü")]
        assert callouts.recorded()[-1].arguments == f"-t mtty-1 -e get -a attributes -s none -u {device} -p mtty"
        assert callouts.recorded()[-1].input == ""


@pytest.mark.parametrize("answer, expected", [
    ("", [("setting", "1")]), ("exit 2", [("setting", "1")]), ("echo '[]'", []), ("echo '[{}]'", []),
    ("echo null", [("setting", "1")]), ("echo '[{\"a\":\"1\"}]'", [("a", "1")]),
])
def test_get_attributes_answers(answer, expected):
    with Host() as host:
        callouts = Callouts(host)
        device = host.create(attributes=[("setting", "1")])
        callouts.add("10-get", answer)
        assert get_attributes(host, device) == expected


@pytest.mark.parametrize("answer", [
    "echo nonsense", "echo '{}'", "echo '[1]'", "echo '[{\"a\":1}]'", "echo \"not now\" >&2; exit 1", "kill -9 $$",
    "printf '[{\"a\":\"\\377\"}]'", "printf '[{\"a\":\"x\\\\u0000y\"}]'", "yes '[' | head -c 1000000",
])
def test_get_attributes_bad_answers(answer):
    with Host() as host:
        callouts = Callouts(host)
        device = host.create(attributes=[("setting", "1")])
        callouts.add("10-get", answer)
        call = host.bus.begin(device_path(device), DEVICE, "GetAttributes")
        error = call.error()
        assert error.name == "CalloutFailed" and device in error.text and "10-get" in error.text


def test_define_of_an_active_device_takes_its_attributes():
    with Host() as host:
        callouts = Callouts(host)
        device = host.create(attributes=[("setting", "1")])
        define(host, device, type="")
        assert stored(device)["attrs"] == [{"setting": "1"}]
        begin_undefine(host, device).result()
        callouts.add("10-get", """[[ $event != get ]] || echo '[{"setting": "2"}]'""")
        define(host, device, type="")
        assert stored(device)["attrs"] == [{"setting": "2"}]
        begin_undefine(host, device).result()
        define(host, device, type="", attributes=[("setting", "3")])
        assert stored(device)["attrs"] == [{"setting": "3"}]


def test_define_of_an_active_device_whose_callout_fails():
    with Host() as host:
        callouts = Callouts(host)
        device = host.create()
        callouts.add("10-get", "[[ $event != get ]] || { echo broken >&2; exit 1; }")
        error = begin_define(host, device, type="").error()
        assert error.name == "CalloutFailed" and "broken" in error.text
        assert stored(device) is None


SUPPORTS = ('{"supports":{"version":2,"actions":["start","stop","define","undefine","modify","attributes","capabilities"],'
            '"events":["pre","post","notify","get","live"]}}')
LIVE = f"""
    [[ $event-$action != get-capabilities ]] || echo '{SUPPORTS}'
    if [[ $event = live ]]; then
        [[ ! -e /run/refuse ]] || {{ echo "adapter in use" >&2; exit 1; }}
        echo "$input" >/run/live
    fi"""


def test_live():
    with Host() as host:
        callouts = Callouts(host)
        callouts.add("10-live", LIVE)
        callouts.add_notifier("10-notifier")
        device = host.create(attributes=[("setting", "1")])
        callouts.forget()
        begin_modify(host, device, attributes_change(("setting", "2")), live=True).result()
        assert json.loads(read("/run/live")) == {"mdev_type": "mtty-1", "start": "manual", "attrs": [{"setting": "2"}]}
        assert callouts.calls() == ["10-live get capabilities none", "10-live live modify none",
                                    "10-notifier notify modify success"]
        assert get_attributes(host, device) == [("setting", "2")]
        assert json.loads(callouts.recorded()[0].input)["provides"]["version"] == 2


def test_live_refused():
    with Host() as host:
        callouts = Callouts(host)
        callouts.add("10-live", LIVE)
        device = define(host, attributes=[("setting", "1")])
        begin_start(host, device).result()
        pathlib.Path("/run/refuse").touch()
        error = begin_modify(host, device, attributes_change(("setting", "2")), live=True, defined=True).error()
        assert error.name == "CalloutFailed" and "adapter in use" in error.text
        assert stored(device)["attrs"] == [{"setting": "1"}] and get_attributes(host, device) == [("setting", "1")]
        os.unlink("/run/refuse")
        begin_modify(host, device, attributes_change(("setting", "2")), live=True, defined=True).result()
        assert stored(device)["attrs"] == [{"setting": "2"}] and get_attributes(host, device) == [("setting", "2")]
        begin_modify(host, device, attributes_change(("setting", "3")), live=True).result()
        assert stored(device)["attrs"] == [{"setting": "2"}] and get_attributes(host, device) == [("setting", "3")]


@pytest.mark.parametrize("answer", [
    "exit 2", "", "echo '{}'", "echo nonsense", "echo '{\"supports\":null}'", "exit 1",
    "echo '{\"supports\":{\"version\":2,\"actions\":[\"modify\"],\"events\":[\"pre\"]}}'",
    "echo '{\"supports\":{\"version\":2,\"actions\":[1],\"events\":[\"live\"]}}'",
])
def test_live_not_supported(answer):
    with Host() as host:
        callouts = Callouts(host)
        callouts.add("10-old", f"[[ $action != capabilities ]] || {{ {answer or ':'}; }}")
        device = host.create(attributes=[("setting", "1")])
        error = begin_modify(host, device, attributes_change(("setting", "2")), live=True).error()
        assert error.name in ("NotSupported", "org.freedesktop.DBus.Error.NotSupported") and device in error.text
        assert "10-old live modify none" not in callouts.calls()
        assert get_attributes(host, device) == [("setting", "1")]


def test_live_by_the_one_that_can():
    """An old callout that knows no capabilities and serves another type does not stand in the way."""
    with Host() as host:
        callouts = Callouts(host)
        callouts.add("10-old", "[[ $action = capabilities ]] && exit 0; exit 2")
        callouts.add("20-live", LIVE)
        device = host.create()
        begin_modify(host, device, attributes_change(("setting", "2")), live=True).result()
        assert get_attributes(host, device) == [("setting", "2")]


def test_live_of_what_is_not_active():
    with Host() as host:
        callouts = Callouts(host)
        callouts.add("10-live", LIVE)
        device = define(host)
        error = begin_modify(host, device, attributes_change(("setting", "2")), live=True).error()
        assert error.name == "NoSuchDevice"


def test_live_by_mediatectl_and_mdevctl():
    with Host() as host:
        callouts = Callouts(host)
        callouts.add("10-live", LIVE)
        device = host.create()
        pathlib.Path("/run/file").write_text('{"mdev_type":"mtty-1","start":"manual","attrs":[{"setting":"7"}]}')
        host.shell(f"{BUILD}/client/mdevctl modify -u {device} --live --jsonfile /run/file")
        assert get_attributes(host, device) == [("setting", "7")]


# --- what is none of theirs

def test_stop_of_a_busy_device_runs_none():
    with Host() as host:
        callouts = Callouts(host)
        device = host.create()
        callouts.add("10-record")
        callouts.add_notifier("10-notifier")
        host.simctl("hold", device)
        assert host.begin_stop(device).error().name == "DeviceBusy"
        assert callouts.calls() == []
        stop = host.begin_stop(device, wait=True)
        host.eventually(lambda: [job.state for job in host.jobs()] == ["waiting"])
        host.sleep(1.5)
        assert callouts.calls() == []
        host.simctl("release", device)
        stop.result()
        assert callouts.calls() == ["10-record pre stop none", "10-record post stop success", "10-notifier notify stop success"]


def test_define_of_what_is_defined_runs_none():
    with Host() as host:
        callouts = Callouts(host)
        device = define(host)
        callouts.add("10-record")
        assert begin_define(host, device).error().name == "AlreadyDefined"
        assert callouts.calls() == []


def test_request_of_a_callout_for_its_own_device():
    """The daemon refuses what would wait for itself, whatever the callout's client is."""
    from dbus_next import Variant
    with Host() as host:
        callouts = Callouts(host)
        callouts.add("10-wait", "[[ $event != pre ]] || { echo $MEDIATED_JOB >/run/job; while [[ -e /run/job ]]; do sleep 0.05; done; }")
        create = host.begin_create(UUID)
        job = int(host.eventually(lambda: os.path.exists("/run/job") and read("/run/job")))
        error = host.begin("StopDevice", "sa{sv}", UUID, {"callout-of": Variant("t", job)}).error()
        assert error.name == "CalloutFailed" and UUID in error.text and str(job) in error.text
        os.unlink("/run/job")
        create.result()
