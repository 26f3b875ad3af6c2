# SPDX-License-Identifier: LGPL-2.1-or-later
"""Devices come and go."""

from host import DEVICES, Host, new_uuid


def test_create_list_stop():
    with Host() as host:
        device = host.create()
        assert (DEVICES / device / "mdev_type").exists()
        assert host.states() == {device: "active"}
        host.stop(device)
        assert not (DEVICES / device).exists()
        assert host.states() == {}
