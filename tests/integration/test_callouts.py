# SPDX-License-Identifier: LGPL-2.1-or-later
"""Callouts: that what they say counts, and that nothing they do harms."""

import json
import os
import time

import pytest
from callout_tools import MTTY, SITE, SLOW, UUID, VENDOR, Callouts
from definitions import begin_define, begin_modify, begin_start, begin_undefine, define, definition, stored
from host import BUILD, DEVICES, INTENTS, Host, is_sanitized, new_uuid, read, status_of

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
        for call in (lambda **o: begin_modify(host, device, start="auto", opts=o),
                     lambda **o: begin_undefine(host, device, **o),
                     lambda **o: begin_define(host, UUID, **o)):
            error = call().error()
            assert error.name == "CalloutFailed" and "adapter 05 is not free" in error.text
            assert stored(device) == before and stored(UUID) is None
        begin_modify(host, device, start="auto", opts={"force": True}).result()
        assert stored(device)["start"] == "auto"
        begin_undefine(host, device, force=True).result()
        assert stored(device) is None
        assert define(host, UUID, force=True) == UUID


def test_refused_autostart():
    with Host() as host:
        callouts = Callouts(host)
        callouts.add("10-refuse",
                     f'[[ $uuid != {UUID} || $action != start ]] || {{ echo "not this one" >&2; exit 1; }}')
        other = define(host, start="auto")
        define(host, UUID, start="auto")
        host.simctl("remove-parent", "mtty")
        host.simctl("add-parent", MTTY)
        host.eventually(lambda: host.state(other) == "active")
        host.eventually(lambda: "not this one" in definition(host, UUID)["Error"][1])
        assert definition(host, UUID)["StartState"] == "failed"
        assert host.state(UUID) is None


def test_what_it_said_is_told_as_it_said_it():
    with Host() as host:
        callouts = Callouts(host)
        callouts.add("10-refuse", r"printf 'erste Zeile\nK\303\244rtchen fehlt\n\377\033[31mbad\n' >&2; exit 7",
                     record=False)
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
        host.create()
        fds = [line.split()[-3:] for line in read("/run/fds").splitlines()[1:]]
        numbers = {fd: target for fd, _, target in fds}
        assert set(numbers) <= {"0", "1", "2", "255"}, "255 is bash's for the script itself"
        assert all(numbers[n].startswith("pipe:") for n in "012")
        environment = dict(line.split("=", 1) for line in read("/run/environment").splitlines())
        job = environment.pop("MEDIATED_JOB")
        assert job.isdigit()
        assert environment == {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                               "LANG": "C.UTF-8"}
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


def test_limit_of_open_files():
    """The daemon may have more than select() can count to, callouts as many as usual."""
    with Host() as host:
        callouts = Callouts(host)
        callouts.add("10-look", "ulimit -S -n >/run/soft; ulimit -H -n >/run/hard", record=False)
        host.shell("prlimit --pid $1 --nofile=5000:6000", host.daemon_pid())
        host.kill(*host.workers())
        host.create()
        assert (read("/run/soft").strip(), read("/run/hard").strip()) == ("1024", "6000")


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


OTHERS = "install -d -o 1 -g 1 /run/others && mkdir -p /run/programs && "
LINK = "ln -s /run/programs/10-refuse"


@pytest.mark.parametrize("links", [
    "chown 1:1 /etc/mdevctl.d && rmdir {callouts} && ln -s /run/programs {callouts}",
    "chown 1:1 /etc/mdevctl.d/scripts.d && rmdir {callouts} && ln -s /run/programs {callouts}",
    "rmdir {callouts} && ln -s /run/programs {callouts} && chown -h 1:1 {callouts}",
    LINK + " {callouts} && chown -h 1:1 {callouts}/10-refuse",
    LINK + " /run/link && chown -h 1:1 /run/link && ln -s /run/link {callouts}/10-refuse",
    LINK + " /run/others/link && ln -s /run/others/link {callouts}/10-refuse",
    LINK + " /run/others/link && ln -s ../../../../run/others/link {callouts}/10-refuse",
    "ln -s /run/programs /run/others/link && ln -s /run/others/link/10-refuse {callouts}/10-refuse",
    "mkdir /run/others/folder && ln -s /run/others/folder/../../programs/10-refuse {callouts}/10-refuse",
    "ln -s /run/others /run/folder && ln -s /run/folder/../programs/10-refuse {callouts}/10-refuse",
])
def test_link_that_others_could_have_made(links):
    """Where it leads to now belongs to root. That it leads there, somebody else has decided."""
    with Host() as host:
        callouts = Callouts(host)
        refuse = callouts.add("10-refuse", "exit 1")
        host.shell(OTHERS + f"mv {refuse} /run/programs && " + links.format(callouts=SITE / "callouts"))
        assert refuse.is_file()
        host.create()
        assert callouts.calls() == []
        assert f"{SITE}/callouts" in host.log() and "not run" in host.log()


@pytest.mark.parametrize("links", [
    "rmdir {callouts} && ln -s /run/programs {callouts}",
    "rmdir {callouts} && ln -s ../../..//run/./programs/ {callouts}",
    LINK + " {callouts}",
    LINK + " /run/a && ln -s a /run/b && ln -s b /run/c && ln -s ../../../../run/c {callouts}/10-refuse",
    "ln -s /run/programs /run/folder && ln -s /run/folder/10-refuse {callouts}/10-refuse",
    "ln -s ../run/programs /etc/folder && ln -s /etc/folder/../programs/10-refuse {callouts}/10-refuse",
])
def test_links_of_roots(links):
    with Host() as host:
        callouts = Callouts(host)
        refuse = callouts.add("10-refuse", "exit 1")
        host.shell(OTHERS + f"mv {refuse} /run/programs && " + links.format(callouts=SITE / "callouts"))
        assert host.begin_create().error().name == "CalloutFailed"
        assert callouts.calls() == ["10-refuse pre start none"]


def test_what_cannot_be_executed_is_passed_over():
    """As by mdevctl: an editor's copy or a note that happens to be executable refuses nothing."""
    with Host() as host:
        callouts = Callouts(host)
        for name, text in (("10-note", "no program at all\n"), ("20-interpreter", "#!/nowhere/bash\n"),
                           ("30-empty", "")):
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
        callouts.add("10-hang",
                     f"[[ $uuid != {UUID} ]] || {{ echo 'waiting for adapter 05' >&2; sleep 1000 & sleep 1001; }}")
        create = host.begin_create(UUID)
        host.eventually(lambda: len(host.processes_named("sleep")) == 2)
        other = host.create(parent="mbochs", type="mbochs-small")
        host.stop(other)
        assert not create.done
        error = create.error()
        assert error.name == "CalloutFailed"
        assert UUID in error.text and "10-hang" in error.text and "waiting for adapter 05" in error.text
        assert 1.9 * SLOW <= create.seconds <= 3 * SLOW
        host.eventually(lambda: host.processes_named("sleep") == [], what="the end of its children")
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
        begin = time.monotonic()
        for _ in range(5):
            host.stop(host.create())
        assert time.monotonic() - begin < 10 * SLOW
        host.eventually(lambda: len(host.processes_named("sleep")) == 24)
        host.check_fds_of_workers()


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
            assert all(int(status_of(pid, "VmHWM")) < 20000 for pid in [*host.workers(), host.daemon_pid()])
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

COMMANDS = ["mediatectl stop {u}", "mediatectl start {u}", "mediatectl define mtty mtty-1 {u}",
            "mediatectl undefine {u}", "mediatectl enable {u}", "mdevctl stop -u {u}",
            "mdevctl start -u {u}", "mdevctl undefine -u {u}",
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


@pytest.mark.parametrize("other", [UUID[:-1] + "6", UUID[:18] + "-8000-000000000000", "2" + UUID[1:]])
def test_client_on_the_definition_of_a_similar_uuid(other):
    """While the callout runs, its own definition is locked, and no other one."""
    with Host() as host:
        callouts = Callouts(host)
        define(host, UUID)
        define(host, other)
        callouts.add("10-call", f"[[ $uuid = {UUID} && $event = pre ]] || exit 0\n"
                     f"timeout 20 {BUILD}/client/mediatectl modify --add setting=7 {other} </dev/null >/run/out 2>&1")
        modify = begin_modify(host, UUID, attributes=[("setting", "5")])
        modify.result()
        assert stored(other)["attrs"] == [{"setting": "7"}], read("/run/out")
        assert stored(UUID)["attrs"] == [{"setting": "5"}]


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
        stop = host.begin_waiting_stop(device)
        host.sleep(1.5)
        assert callouts.calls() == []
        host.simctl("release", device)
        stop.result()
        assert callouts.calls() == ["10-record pre stop none", "10-record post stop success",
                                    "10-notifier notify stop success"]


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
        callouts.add("10-wait", """
            [[ $event == pre ]] || exit 0
            echo $MEDIATED_JOB >/run/job
            while [[ -e /run/job ]]; do sleep 0.05; done""")
        create = host.begin_create(UUID)
        job = int(host.eventually(lambda: os.path.exists("/run/job") and read("/run/job")))
        error = host.begin("StopDevice", "sa{sv}", UUID, {"callout-of": Variant("t", job)}).error()
        assert error.name == "CalloutFailed" and UUID in error.text and str(job) in error.text
        os.unlink("/run/job")
        create.result()
