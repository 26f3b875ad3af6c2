# SPDX-License-Identifier: LGPL-2.1-or-later
"""mediated-prepare makes the virtual functions that a file of mediated.d asks for, whatever goes wrong; and mediatectl
shows how far it is."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time

import pytest

from ctl import MEDIATECTL, ctl, ctl_json
from fail_alloc import Allocations, first_of_each, spread
from fail_alloc import environment as failing
from host import BUILD, SANITIZER, SOURCE, Host, build_option, is_sanitized

PREPARE = BUILD / "prepare" / "mediated-prepare"
PCI = pathlib.Path("/sys/bus/pci/devices")
SETS = pathlib.Path("/run/mediated.d")
STATES = pathlib.Path("/run/mediated/prepare")

CARD, OTHER = "0000:3d:00.0", "0000:5e:00.0"
VF = "0000:3d:00.4"
TYPES = "nvidia-1145=8,nvidia-1152=4"
RAW = f"{CARD}:vfs=off:4,sriov=raw,driver=xe"
NVIDIA = f"{CARD}:vfs=off:4,{TYPES}"
PROGRAM = "Prepare=/usr/lib/nvidia/sriov-manage -e %c"


def ask(setting, card=CARD, name="a"):
    SETS.mkdir(exist_ok=True)
    (SETS / f"{name}.conf").write_text(f"[Match]\nCard={card}\n[VirtualFunctions]\n{setting}\n")


def start(host, card=CARD, pause=0, timeout=20, variables=None, **limits):
    """Begins to prepare a card. Without pauses, unless the test needs one. Its output goes to a file: a pipe would stay
    open as long as a child hangs."""
    options = [f"--{name}={value}" for name, value in {"pause": pause, "timeout": timeout, **limits}.items()]
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen([PREPARE, *options, card], stdin=subprocess.DEVNULL, stdout=output,
                                   stderr=subprocess.STDOUT,
                                   env={**os.environ, **(variables or {})})
        process.output = os.dup(output.fileno())
    host.processes.append(process)
    return process


def finish(process, status=0):
    """Returns what it has said."""
    process.wait(60)
    out = os.pread(process.output, 1 << 20, 0).decode()
    os.close(process.output)
    assert status in (process.returncode, None) and not SANITIZER.search(out), out
    return out


def prepare_card(host, card=CARD, status=0, **limits):
    return finish(start(host, card, **limits), status)


def functions(card=CARD):
    return sorted(path.resolve().name for path in (PCI / card).glob("virtfn*"))


def state(card=CARD):
    return json.loads((STATES / card).read_text())


def is_state(card=CARD, **values):
    """Whether the file says that. The message may have more words."""
    if not (STATES / card).exists():
        return False
    found = state(card)
    return values.pop("message", "") in found["message"] and values.items() <= found.items()


def has_state(card=CARD, **values):
    assert is_state(card, **values), state(card)


def driver(name):
    path = PCI / name / "driver"
    return path.resolve().name if path.exists() else None


# --- what is asked for


def test_nothing_is_asked_for():
    with Host(parents=[], cards=[RAW]) as host:
        assert prepare_card(host) == ""
        ask("Count=all", card=OTHER)
        assert prepare_card(host) == ""
        ask("")
        assert prepare_card(host) == ""
        assert functions() == [] and not (STATES / CARD).exists()


@pytest.mark.parametrize("setting, count", [("Count=all", 4), ("Count=3", 3)])
def test_count(setting, count):
    with Host(parents=[], cards=[RAW]) as host:
        ask(setting)
        prepare_card(host)
        assert len(functions()) == count
        assert state() == {"state": "done", "attempt": 1, "attempts": 5, "set": "a",
                           "message": f"Card {CARD} has {count} virtual functions, ready to be used"}
        assert (STATES / CARD).stat().st_mode & 0o777 == 0o644
        # Once more: nothing is to be done, and so nothing is written.
        host.simctl("hang", CARD, "sriov_numvfs")
        prepare_card(host, timeout=2)
        has_state(state="done", attempt=0)


def test_what_was_asked_for_before():
    with Host(parents=[], cards=[RAW]) as host:
        ask("Count=1")
        prepare_card(host)
        (SETS / "a.conf").unlink()
        prepare_card(host)
        assert not (STATES / CARD).exists() and len(functions()) == 1


def test_a_virtual_function_is_no_card():
    with Host(parents=[], cards=[f"{CARD}:vfs=2,{TYPES}"]) as host:
        ask("Count=1", card="*")
        assert prepare_card(host, VF) == ""
        assert "There is no PCI device 0000:99:00.0" in prepare_card(host, "0000:99:00.0", status=1)
        assert "There is no PCI device ../x" in prepare_card(host, "../x", status=1)


def test_a_wrong_file():
    with Host(parents=[], cards=[RAW]) as host:
        ask("Count=many")
        prepare_card(host, status=1)
        has_state(state="failed", message="/run/mediated.d/a.conf:4: Count=many is neither 'all' nor a number")
        ask("Count=5")
        prepare_card(host, status=1)
        has_state(state="failed", message=f"asks for 5 virtual functions, and card {CARD} can have 4 at most")
        ask("Prepare=/nowhere/program")
        prepare_card(host, status=1)
        has_state(state="failed", message="/nowhere/program cannot be run: No such file or directory")
        assert functions() == []


# --- the number must not be changed


def test_another_number():
    with Host(parents=[], cards=[f"{CARD}:vfs=2,sriov=raw,{TYPES}"]) as host:
        ask("Count=1")
        refused = f"Card {CARD} has 2 virtual functions, and /run/mediated.d/a.conf asks for 1"
        prepare_card(host, status=1)
        has_state(state="failed", message=f"{refused}. mediated never takes virtual functions away. Disable them "
                                          f"(echo 0 >/sys/bus/pci/devices/{CARD}/sriov_numvfs), and run systemctl "
                                          f"restart mediated-prepare@{CARD}.service")
        (PCI / VF / "nvidia/current_vgpu_type").write_text("1145")
        prepare_card(host, status=1)
        has_state(message=f"virtual functions away: {VF} has the vGPU type 1145. Disable")
        for option in ((), ("--cdev",)):
            pid = host.simctl("hold", *option, VF)
            prepare_card(host, status=1)
            has_state(message=f"virtual functions away: {VF} is in use by process {pid} (simctl-holder). Disable")
            host.simctl("release", VF)
        assert len(functions()) == 2


# --- the kernel refuses


def test_an_error_of_the_kernel_is_tried_again():
    with Host(parents=[], cards=[RAW]) as host:
        ask("Count=all")
        host.simctl("fail", CARD, "sriov_numvfs", "ENOMEM")
        out = prepare_card(host)
        assert f"Attempt 1 of 5 has failed: The kernel has refused to make 4 virtual functions of card {CARD} (xe): " \
               "Cannot allocate memory. Waits 0 s" in out
        has_state(state="done", attempt=2)


def test_attempts_end():
    with Host(parents=[], cards=[RAW]) as host:
        (PCI / CARD / "driver/unbind").write_text(CARD)
        ask("Count=all")
        prepare_card(host, status=1, attempts=3)
        has_state(state="failed", attempt=3, attempts=3, message="All attempts have failed. Card")
        has_state(message="(it has no driver): the driver cannot do that")


def test_pauses_grow():
    with Host(parents=[], cards=[RAW]) as host:
        ask("Count=all")
        host.simctl("fail", CARD, "sriov_numvfs", "EIO", 2)
        begin = time.monotonic()
        prepare_card(host, pause=1)
        assert time.monotonic() - begin >= 3
        has_state(state="done", attempt=3)


def test_nvidia_takes_its_own_program():
    with Host(parents=[], cards=[NVIDIA]) as host:
        ask("Count=all")
        prepare_card(host, status=1, attempts=2)
        has_state(state="failed", message="NVIDIA's cards need Prepare= with NVIDIA's program sriov-manage")


def test_a_write_that_hangs():
    with Host(parents=[], cards=[RAW, f"{OTHER}:vfs=off:2,sriov=raw,driver=xe"]) as host:
        ask("Count=all", card="*")
        host.simctl("hang", CARD, "sriov_numvfs")
        process = start(host, timeout=1000)
        host.eventually(lambda: is_state(state="running", message=f"Writes 4 to /sys/bus/pci/devices/{CARD}"))
        host.eventually(lambda: host.simctl("waiting", CARD) == "1")
        # Nobody waits for it.
        prepare_card(host, OTHER)
        has_state(OTHER, state="done")
        found = {finding["subject"]: finding for finding in ctl_json(host, "check", status=None)["findings"]}
        assert found[CARD]["id"] == "preparing" and "(attempt 1 of at most 5): Writes 4 to" in found[CARD]["message"]
        assert ctl_json(host, "show", CARD)["cards"][0]["preparation"] == "running"
        assert process.poll() is None
        process.terminate()
        finish(process, status=1)
        has_state(state="failed", attempt=1, message="Somebody has stopped the preparation")
        # The kernel still has the lock.
        prepare_card(host, status=1, timeout=1)
        has_state(state="failed", attempt=1, message="The write to sriov_numvfs has not ended within 1 s, and cannot "
                                                     "be killed, as it hangs in the kernel")
        found = {finding["subject"]: finding for finding in ctl_json(host, "check", status=1)["findings"]}
        assert found[CARD]["id"] == "prepare-failed"
        host.simctl("resume", CARD)
        host.eventually(lambda: len(functions()) == 4)
        prepare_card(host)
        has_state(state="done")


# --- the vendor's program


def test_program_and_late_types():
    with Host(parents=[], cards=[NVIDIA]) as host:
        ask(PROGRAM)
        host.simctl("hang", CARD, "types")
        process = start(host)
        host.eventually(lambda: is_state(state="running", attempt=1, message="Waits: No virtual function of card"), 10)
        assert len(functions()) == 4
        host.simctl("resume", CARD)
        finish(process)
        has_state(state="done", attempt=1, message=f"Card {CARD} has 4 virtual functions")
        # Whoever wants them again does not run the program again.
        host.simctl("fail", CARD, "sriov-manage", "EIO")
        prepare_card(host)
        has_state(state="done", attempt=0)


def test_types_that_never_come():
    with Host(parents=[], cards=[NVIDIA]) as host:
        ask(PROGRAM)
        host.simctl("hang", CARD, "types")
        prepare_card(host, status=1, settle=1)
        has_state(state="failed", attempt=1, message=f"No virtual function of card {CARD} has vGPU types. Is the "
                                                     "service nvidia-vgpu-mgr running? With MIG, the card needs GPU")
        has_state(message="/usr/lib/nvidia/sriov-manage says that it has succeeded")
        host.simctl("resume", CARD)


def test_a_full_card_is_ready():
    with Host(parents=[], cards=[f"{CARD}:vfs=3,nvidia-1145=2"]) as host:
        for name in functions()[:2]:
            (PCI / name / "nvidia/current_vgpu_type").write_text("1145")
        ask(PROGRAM)
        prepare_card(host, settle=0)
        has_state(state="done")


def test_card_is_held():
    """The program fails as long as a monitor holds the card."""
    with Host(parents=[], cards=[NVIDIA]) as host:
        ask(PROGRAM)
        host.simctl("hold", CARD)
        prepare_card(host, status=1, attempts=2, settle=0)
        has_state(state="failed", attempt=2, message="/usr/lib/nvidia/sriov-manage has failed with exit status 1")
        host.simctl("release", CARD)
        prepare_card(host)
        has_state(state="done", attempt=1)


def test_card_is_left_without_driver():
    with Host(parents=[], cards=[NVIDIA]) as host:
        ask(PROGRAM)
        host.simctl("fail", CARD, "sriov-manage", "EIO")
        out = prepare_card(host, settle=1)
        assert f"Card {CARD} was left without its driver nvidia: binds it again" in out
        assert driver(CARD) == "nvidia"
        has_state(state="done", attempt=2)


def test_program_lies():
    """It says that it has succeeded, and has done nothing; or that it has failed, and all is well."""
    with Host(parents=[], cards=[NVIDIA]) as host:
        ask(PROGRAM)
        host.simctl("fail", CARD, "sriov-manage-quietly", "EIO")
        out = prepare_card(host, settle=1)
        assert "Attempt 1 of 5 has failed: /usr/lib/nvidia/sriov-manage says that it has succeeded" in out
        has_state(state="done", attempt=2)
    with Host(parents=[], cards=[NVIDIA]) as host:
        ask("Prepare=/bin/sh -c '/usr/lib/nvidia/sriov-manage -e \"$1\"; exit 1' sh %c")
        prepare_card(host)
        has_state(state="done", attempt=1)


def test_programs_of_two_cards_run_one_after_the_other():
    """NVIDIA's fails while another one runs."""
    with Host(parents=[], cards=[NVIDIA, f"{OTHER}:vfs=off:4,{TYPES}"]) as host:
        ask(PROGRAM, card="*")
        host.simctl("hang", CARD, "sriov-manage")
        first = start(host)
        host.eventually(lambda: is_state(state="running", message="Runs /usr/lib/nvidia/sriov-manage"))
        second = start(host, OTHER)
        host.eventually(lambda: is_state(OTHER, state="running", message="Waits until the program for another card"))
        assert functions(OTHER) == [] and driver(OTHER) == "nvidia"
        host.simctl("resume", CARD)
        finish(first)
        finish(second)
        has_state(CARD, state="done", attempt=1)
        has_state(OTHER, state="done", attempt=1)


def test_program_hangs():
    with Host(parents=[], cards=[NVIDIA, f"{OTHER}:vfs=off:4,{TYPES}"]) as host:
        ask("Prepare=/bin/sleep 1000", name="1")
        ask(PROGRAM, card=OTHER, name="2")
        first = start(host, timeout=2, attempts=1, settle=0)
        host.eventually(lambda: is_state(state="running", message="Runs /bin/sleep"))
        # It is killed, and then the program of the other card runs.
        prepare_card(host, OTHER)
        has_state(OTHER, state="done")
        finish(first, status=1)
        has_state(state="failed", message="/bin/sleep has not ended within 2 s, and was killed")
        assert not host.processes_named("sleep")


# --- what is there and not ready


def test_function_without_driver():
    with Host(parents=[], cards=[f"{CARD}:vfs=4,{TYPES}"]) as host:
        (PCI / VF / "driver/unbind").write_text(VF)
        ask("Count=4")
        prepare_card(host, status=1, settle=0)
        has_state(state="failed", attempt=0, message=f"Virtual function {VF} has no driver")
        found = {finding["id"]: finding for finding in ctl_json(host, "check", status=1)["findings"]}
        assert found["function-without-driver"]["subject"] == CARD
        assert found["prepare-failed"]["message"] == state()["message"]


def test_somebody_wants_functions_without_driver():
    with Host(parents=[], cards=[RAW]) as host:
        (PCI / CARD / "sriov_drivers_autoprobe").write_text("0")
        ask("Count=2")
        prepare_card(host, settle=0)
        assert [driver(name) for name in functions()] == [None, None]


# --- the end


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_is_stopped(number):
    with Host(parents=[], cards=[NVIDIA]) as host:
        ask("Prepare=/bin/sleep 1000")
        process = start(host, timeout=60)
        host.eventually(lambda: is_state(state="running", message="Runs /bin/sleep"))
        process.send_signal(number)
        finish(process, status=1)
        has_state(state="failed", attempt=1, message="Somebody has stopped the preparation")
        assert not host.processes_named("sleep")


def test_it_is_killed():
    with Host(parents=[], cards=[RAW]) as host:
        ask("Count=all")
        host.simctl("fail", CARD, "sriov_numvfs", "EIO")
        process = start(host, pause=1000)
        host.eventually(lambda: is_state(state="running", message="Attempt 1 of 5 has failed"))
        process.kill()
        finish(process, status=-signal.SIGKILL)
        has_state(state="running")
        # systemd calls this then.
        for _ in range(2):
            subprocess.run([PREPARE, "--ended", CARD], check=True, capture_output=True,
                           env={**os.environ, "SERVICE_RESULT": "oom-kill"})
            has_state(state="failed", message="mediated-prepare was ended before it was done (oom-kill): Attempt 1 of")
        prepare_card(host)
        has_state(state="done")
        subprocess.run([PREPARE, "--ended", CARD], check=True)
        has_state(state="done")


@pytest.mark.skipif(not build_option("fault_points"), reason="SKIP: not in this build; meson configure "
                    "-Dfault_points=true BUILD puts them in")
@pytest.mark.parametrize("setting", ["Count=all",
                                     "Prepare=/bin/sh -c 'echo 4 >/sys/bus/pci/devices/$1/sriov_numvfs' sh %c"])
def test_any_allocation_fails(setting, tmp_path):
    """It says so, or goes on without; and what it says of the card is true."""
    with Host(parents=[], cards=[RAW]) as host:
        ask(setting)
        allocations = Allocations(tmp_path, "mediated-prepare")
        variables = failing(tmp_path)
        allocations.record()
        finish(start(host, variables=variables))
        numbers = spread(first_of_each(allocations.stacks(), set()), 8 if is_sanitized() else 1000)
        assert len(numbers) >= 8
        for number in numbers:
            (STATES / CARD).unlink()
            (PCI / CARD / "sriov_numvfs").write_text("0")
            allocations.fail(number)
            process = start(host, attempts=1, settle=0, variables=variables)
            finish(process, status=None)
            allocations.stop()
            assert allocations.failed == 1 and process.returncode in (0, 1), number
            assert process.returncode == 1 or (is_state(state="done") and len(functions()) == 4), number
            if (STATES / CARD).exists():
                subprocess.run([PREPARE, "--ended", CARD], check=True, capture_output=True)
                assert (state()["state"] == "done") == (process.returncode == 0), number
            else:
                (STATES / CARD).touch()


# --- udev


def install_rules():
    rules = pathlib.Path("/run/udev/rules.d")
    rules.mkdir(parents=True, exist_ok=True)
    shutil.copy(SOURCE / "udev-rules/60-mediated.rules", rules / "60-mediated-test.rules")


def properties_by_udev(path, action):
    """What udev's own program makes of an event by our rules. It would refuse a /sys that is not the kernel's."""
    done = subprocess.run(["udevadm", "test", f"--action={action}", path.resolve()], check=True, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env={**os.environ, "SYSTEMD_DEVICE_VERIFY_SYSFS": "0"})
    return dict(re.findall(r"^\W*([A-Z_]+)=(.*)$", done.stdout, re.MULTILINE))


def test_udev_starts_the_service_of_a_card_with_a_driver():
    with Host(parents=[], cards=[RAW, f"{OTHER}:vfs=2,{TYPES}"]):
        install_rules()
        for card in (CARD, OTHER):
            for action in ("add", "bind", "change"):
                found = properties_by_udev(PCI / card, action)
                assert found["SYSTEMD_WANTS"] == f"mediated-prepare@{card}.service"
                assert "systemd" in found["CURRENT_TAGS"]
        # Without a driver its unit ends, so that the next `bind` starts the service again.
        (PCI / CARD / "driver/unbind").write_text(CARD)
        found = properties_by_udev(PCI / CARD, "unbind")
        assert "SYSTEMD_WANTS" not in found and "systemd" not in found.get("CURRENT_TAGS", "")


def test_udev_starts_the_daemon_for_functions_that_take_vgpu_types():
    with Host(parents=[], cards=[f"{CARD}:vfs=2,sriov=raw,driver=xe", f"{OTHER}:vfs=2,{TYPES}"]):
        install_rules()
        function = functions(OTHER)[0]
        for action in ("add", "bind", "change"):
            found = properties_by_udev(PCI / function, action)
            assert found["SYSTEMD_WANTS"] == "mediated.service" and "systemd" in found["CURRENT_TAGS"]
        assert "SYSTEMD_WANTS" not in properties_by_udev(PCI / functions()[0], "bind")
        # The next `bind` starts the daemon again.
        (PCI / function / "driver/unbind").write_text(function)
        assert "SYSTEMD_WANTS" not in properties_by_udev(PCI / function, "unbind")


# --- mediatectl


def test_show():
    with Host(parents=[], cards=[RAW]) as host:
        ask("Count=3")
        card = {"card": CARD, "driver": "xe", "function_count": 0, "function_max": 4, "preparation": None,
                "attempt": None, "attempts": None, "message": None, "file": "/run/mediated.d/a.conf"}
        shown, = ctl_json(host, "show", CARD)["cards"]
        assert card.items() <= shown.items()
        found, = (finding for finding in ctl_json(host, "check", status=1)["findings"] if finding["subject"] == CARD)
        assert found["id"] == "no-virtual-functions"
        assert "although /run/mediated.d/a.conf asks for them" in found["message"]
        prepare_card(host)
        lines = [line.strip() for line in ctl(host, "show", CARD[5:]).out.splitlines()]
        assert lines[0] == f"Card {CARD}"
        assert {"Driver: xe", "Functions: 3", "At most: 4", "Asked for by: /run/mediated.d/a.conf",
                "Preparation: done", "Attempt: 1",
                f"Message: Card {CARD} has 3 virtual functions, ready to be used"} <= set(lines)
        assert CARD not in {finding["subject"] for finding in ctl_json(host, "check", status=None)["findings"]}
        # Everybody may read it.
        nobody = host.shell('setpriv --reuid 65534 --clear-groups "$@"', MEDIATECTL, "show", CARD)
        assert "Preparation: done" in nobody.stdout


def test_check_finds_wrong_files():
    with Host(parents=[], cards=[RAW]) as host:
        ask("Count=many")
        ask("Cuont=2", name="b")
        found = {finding["id"]: finding for finding in ctl_json(host, "check", status=1)["findings"]}
        assert "/run/mediated.d/a.conf:4: Count=many is neither" in found["invalid-set"]["message"]
        assert "/run/mediated.d/b.conf:4: This version does not know Cuont=" in found["ignored-setting"]["message"]
