# SPDX-License-Identifier: LGPL-2.1-or-later
"""The system bus goes away and comes back: the daemon ends, is started again, and serves; what was under way is
cleaned up."""

from bus import Bus
from definitions import begin_start, define
from host import DEVICES, Host, new_uuid


class BusDaemon:
    """As systemd would have it, but by hand: dbus-daemon, which can be started without systemd."""

    def __init__(self, host):
        self.host = host
        self.old = host.daemon_pid()

    def kill(self):
        self.host.kill(*self.host.processes_named("dbus-daemon"))
        self.host.eventually(lambda: not self.host.processes_named("dbus-daemon"))

    def start(self):
        self.host.start("exec dbus-daemon --system --nofork --nopidfile --nosyslog")
        self.host.eventually(self._connect, 10, "the bus")
        self.host.wait_ready(self.old, 20)

    def _connect(self):
        try:
            self.host.bus = Bus(self.host.loop)
        except OSError:
            return False
        self.host.buses.append(self.host.bus)
        return True


def test_bus_restarts():
    with Host(bus="daemon") as host:
        host.check_sane()
        devices = [host.create() for _ in range(3)]
        bus = BusDaemon(host)
        bus.kill()
        # Without a bus it cannot stay up, and is tried again and again, as by its unit.
        host.sleep(0.5)
        bus.start()
        assert host.states() == dict.fromkeys(devices, "active")
        host.check_sane()
        assert "The system bus is gone" in host.log()


def test_bus_restarts_in_the_middle_of_jobs():
    with Host(bus="daemon") as host:
        host.check_sane()
        kept = host.create()
        host.simctl("hang", "mtty", "create")
        created, stopped = new_uuid(), host.create(parent="mbochs", type="mbochs-small")
        host.begin_create(created)
        host.eventually((DEVICES / created).exists)
        host.simctl("hang", "mbochs", "remove")
        host.begin_stop(stopped)
        host.eventually(lambda: not (DEVICES / stopped).exists())
        bus = BusDaemon(host)
        bus.kill()
        bus.start()
        assert host.states() == {kept: "active", created: "starting", stopped: "stopping"}
        for parent in ("mtty", "mbochs"):
            host.simctl("resume", parent)
        host.eventually(lambda: host.states() == {kept: "active"}, 10)
        host.check_sane()


def test_bus_is_lost_while_a_start_waits():
    """It stands in no queue; LeakSanitizer sees whether it is freed."""
    with Host() as host:
        uuid = define(host, parent="late", type="late-1")
        call = begin_start(host, uuid, "late", wait=True)
        host.job_of(uuid, "start")
        bus = BusDaemon(host)
        bus.kill()
        host.eventually(lambda: call.done)
        assert call.task.exception()
        bus.start()
        host.check_sane()
