# SPDX-License-Identifier: LGPL-2.1-or-later
"""Mediated devices on a host that has cards with vendor VFIO, too: the tests of other files, unchanged, and both kinds
side by side."""

# pylint: disable=unused-import
import host as hosts
import pytest
from host import Host
from test_busy import (test_busy_names_the_process, test_device_that_vanishes_while_its_stop_waits,
                       test_stranger_removes_a_device_in_use, test_wait_until_the_holder_exits)
from test_crash import test_kill_in_the_middle_of_the_attributes
from test_devices import (test_already_exists_names_the_parent, test_create_list_stop, test_device_properties,
                          test_managed_objects, test_no_available_instances, test_no_such_device, test_no_such_parent,
                          test_no_such_type, test_settle_waits_for_udev)
from test_jobs import test_queue_of_one_uuid_is_kept_in_order, test_stop_during_create_waits_and_succeeds
from vgpus import SMALL, VF, VFS, card, kernel, shown


@pytest.fixture(autouse=True)
def cards(monkeypatch):
    monkeypatch.setattr(hosts, "CARDS", (card(),))


def test_side_by_side():
    with Host() as host:
        host.eventually(lambda: {parent for parent, _ in host.types()} == {"mtty", "mbochs", *VFS[:4]})
        mdev, vgpu = host.create(), host.create(parent=VF, type=SMALL)
        # One UUID is one device, of whatever kind.
        assert host.begin_create(mdev, VFS[1], SMALL).error().name == "AlreadyExists"
        assert host.begin_create(vgpu).error().name == "AlreadyExists"
        assert host.states() == {mdev: "active", vgpu: "active"} and kernel(VFS) == {VF: SMALL}
        host.stop(vgpu)
        host.create(vgpu)
        host.stop(mdev)
        host.create(mdev, VF, SMALL)
        host.sleep(0.1)
        assert {uuid: device.parent for uuid, device in host.devices().items()} == {vgpu: "mtty", mdev: VF}
        assert shown(host) == kernel(VFS) == {VF: SMALL}
