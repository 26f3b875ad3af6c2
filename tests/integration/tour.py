# SPDX-License-Identifier: LGPL-2.1-or-later
"""Records docs/tour.md: runs mediatectl in a simulated host and prints what was typed and what came of it.

    /usr/bin/python3 tests/integration/tour.py >docs/tour.md"""

import re
import subprocess

from ctl import begin_ctl, environment
from host import SOURCE, Host

TOUR = SOURCE / "docs" / "tour.md"

CARD = "0000:41:00.4"
PARENTS = [f"{CARD}:nvidia-63=4,nvidia-65=2", "mtty:mtty-1=24"]
GUEST = "1f1ea5a5-6d5b-4f0a-9f3c-2b6a3d9d6a01"
BOOT = "5c9e7a30-0f5e-4f43-8f0e-7f6a54f8b102"
BROKEN = "9b1f0c44-7d0a-4a55-8a3c-0d5f9c1e7703"
ABSENT = "c0ffee00-3b1d-4c8f-b0f3-6e0a2d4b5c04"


class Recorder:
    def __init__(self, host):
        self.host = host
        self.lines = []

    def say(self, *paragraphs):
        for paragraph in paragraphs:
            self.lines += [paragraph, ""]

    def run(self, *commands):
        """A block with these commands and what they print."""
        self.lines.append("```console")
        for command in commands:
            done = subprocess.run(["bash", "-c", command], check=False, text=True, stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment(self.host),
                                  timeout=30)
            self.lines.append(f"$ {command}")
            self.lines += [line.rstrip() for line in done.stdout.splitlines()]
        self.lines += ["```", ""]

    def watch(self, *commands):
        """What a monitor prints meanwhile."""
        monitor = begin_ctl(self.host, "monitor")
        lines = ["```console", "$ mediatectl monitor", monitor.stdout.readline().rstrip()]
        for command, last in commands:
            self.host.shell(f"PATH={environment(self.host)['PATH']}; {command}")
            while True:
                lines.append(monitor.stdout.readline().rstrip())
                if last in lines[-1]:
                    break
        monitor.terminate()
        self.lines += [*lines, "```", ""]


def record(host):
    tour = Recorder(host)
    tour.say("# A tour of mediatectl",
             "This page was recorded by `tests/integration/tour.py` in a simulated host. The host has a virtual "
             "function of a graphics card, and the kernel's sample parent `mtty`. You can do the same in "
             "`tools/simulate`. mediatectl(1) describes each command.",
             "## What there is",
             "These are the parents, and their types. AVAILABLE says how many more devices of a type can be created:")
    tour.run("mediatectl tree")
    tour.say("`create` makes a device that exists until it is stopped. `define` stores a definition; with `--auto` "
             "its device is started with its parent from the next boot on. Here we start it by hand. A UUID can be "
             "abbreviated to any unique beginning.")
    tour.run(f"mediatectl create {CARD} nvidia-63 {GUEST}",
             f"mediatectl define {CARD} nvidia-63 {BOOT} --auto nvidia/vgpu_params=frame_rate_limiter=0",
             "mediatectl start 5c9e", "mediatectl list")
    tour.run("mediatectl tree")

    tour.say("## One device", "`show` says which process uses a device, and how the device is defined:")
    host.simctl("hold", BOOT)
    tour.run("mediatectl show 5c9e")
    tour.say("A device that is in use is not touched. With `--wait` the request waits until the process has closed "
             "the device.")
    tour.run("mediatectl stop 5c9e; echo $?")
    host.simctl("release", BOOT)

    tour.say("## What happens", "While `monitor` runs, the device is stopped and started again on another terminal:")
    # The types are read again a little later: what was done before must not be in the recording.
    host.sleep(0.5)
    tour.watch(("mediatectl stop 5c9e", "changed: "), ("mediatectl start 5c9e", "changed: "))

    tour.say("## What is wrong",
             "Somebody has made a mistake in a definition, and another definition is for a parent that does not exist:")
    host.shell("mkdir -p /etc/udev/rules.d; ln -sf /dev/null /etc/udev/rules.d/60-mdevctl.rules")
    host.shell(f"mkdir -p /etc/mdevctl.d/mtty; echo '{{\"mdev_type\": \"mtty-1\", \"start\": auto}}' "
               f">/etc/mdevctl.d/mtty/{BROKEN}")
    host.eventually(lambda: any(row[0] == BROKEN for row in host.call("ListDefinitions")))
    tour.run(f"mediatectl define mdpy mdpy-vga {ABSENT} --auto", "mediatectl list", "mediatectl check")

    tour.say("## For programs",
             "With `--json` each table and the monitor print JSON. The keys stay the same in later versions.")
    tour.run("mediatectl types mtty --json")
    tour.lines.pop()
    return "\n".join(tour.lines) + "\n"


def shape(text):
    """Without what differs from run to run: times, numbers of processes, and in which order jobs and objects
    are told."""
    text = re.sub(r"\d\d:\d\d:\d\d\.\d{3}", "TIME", text)
    text = re.sub(r"process \d+", "process N", text)
    text = re.sub(r"(running|mediated), \d[\d.]*", r"\1, VERSION", text)
    return [sorted(block.splitlines()) if "mediatectl monitor" in block else block for block in text.split("```")]


if __name__ == "__main__":
    with Host(parents=PARENTS) as simulated:
        recorded = record(simulated)
    print(recorded, end="")
