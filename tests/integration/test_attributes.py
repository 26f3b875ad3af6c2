# SPDX-License-Identifier: LGPL-2.1-or-later
"""Creating with attributes: all of them written, in their order; or no device."""

import os

import pytest
from host import BUILD, DEVICES, INTENTS, Host, new_uuid, read


def history(device):
    return read(DEVICES / device / "vendor" / "history").splitlines()


def assert_nothing_left(host, device):
    assert not (DEVICES / device).exists()
    assert host.devices() == {}
    assert host.jobs() == []
    assert not os.listdir(INTENTS)


def test_written_in_order():
    attributes = [("vendor/vgpu_params", "a=1"), ("setting", "x"), ("vendor/plugin", "p"), ("setting", "y"),
                  ("vendor/vgpu_params", "")]
    with Host() as host:
        device = host.create(attributes=attributes)
        assert history(device) == [f"{name}={value}" for name, value in attributes]
        assert read(DEVICES / device / "setting") == "y"


def test_written_as_echo_writes():
    """One write with a newline at its end; the value itself may have anything in it."""
    with Host() as host:
        for value in ("", " ", "a b", "tab\there", "UTF-8 \u00fc\u4e2d", "x" * 1000, "$(reboot)", "-n"):
            device = host.create(attributes=[("setting", value)])
            assert (DEVICES / device / "setting").read_text() == value + "\n"
            host.stop(device)


def test_many():
    with Host() as host:
        device = host.create(attributes=[("setting", str(i)) for i in range(100)])
        assert history(device) == [f"setting={i}" for i in range(100)]


def test_too_many():
    with Host() as host:
        error = host.begin_create(attributes=[("setting", "x")] * 20000).error()
        assert error.name == "LimitsExceeded"
        assert host.devices() == {}


@pytest.mark.parametrize("index", [0, 1, 2])
def test_failure_undoes_and_names_the_attribute(index):
    attributes = [("setting", "one"), ("vendor/vgpu_params", "two"), ("vendor/plugin", "three")]
    name, value = attributes[index]
    with Host() as host:
        host.simctl("fail", "mtty", name, "EINVAL")
        device = new_uuid()
        error = host.begin_create(device, attributes=attributes).error()
        assert error.name == "InvalidAttribute"
        assert device in error.text and f"'{name}'" in error.text and f"'{value}'" in error.text
        assert "Invalid argument" in error.text
        assert_nothing_left(host, device)
        assert host.create(device, attributes=attributes) == device


@pytest.mark.parametrize("name, error", [
    ("setting", "Failed to write two to attribute setting\n\nCaused by:\n    Invalid argument"),
    ("nothing", "Invalid attribute 'nothing'"),
])
def test_mdevctl_names_the_attribute(name, error):
    """The daemon's message, a sentence, tells it which one that was."""
    definition = f'{{"mdev_type":"mtty-1","start":"manual","attrs":[{{"vendor/plugin":"one"}},{{"{name}":"two"}}]}}'
    with Host() as host:
        host.simctl("fail", "mtty", "setting", "EINVAL")
        device = new_uuid()
        done = host.shell(f"printf %s '{definition}' |"
                          f" {BUILD}/client/mdevctl start -u {device} -p mtty --jsonfile /dev/stdin", check=False)
        assert (done.returncode, done.stdout, done.stderr) == (1, "", f"Error: {error}\n")
        assert_nothing_left(host, device)


def test_failure_of_the_second_write_of_an_attribute():
    with Host() as host:
        host.simctl("fail", "mtty", "setting", "EIO", 1, 1)
        error = host.begin_create(attributes=[("setting", "first"), ("setting", "second")]).error()
        assert error.name == "InvalidAttribute" and "'second'" in error.text and "Input/output error" in error.text


@pytest.mark.parametrize("name, why", [
    ("nothing", "no such attribute"),
    ("vendor/nothing", "no such attribute"),
    ("nothing/setting", "no such attribute"),
    ("vendor", "cannot be written"),
    ("vendor/ro", "cannot be written"),
    ("setting/x", "Not a directory"),
    ("vendor/outside", "leads out of the device's directory"),
    ("vendor/outside/x", "leads out of the device's directory"),
])
def test_name_that_cannot_be_written(name, why):
    with Host() as host:
        device = new_uuid()
        error = host.begin_create(device, attributes=[("setting", "x"), (name, "1")]).error()
        assert error.name == "InvalidAttribute"
        assert f"'{name}'" in error.text and why in error.text
        assert_nothing_left(host, device)


def test_value_that_is_too_long():
    with Host() as host:
        device = new_uuid()
        error = host.begin_create(device, attributes=[("setting", "x" * 4096)]).error()
        assert error.name == "InvalidAttribute" and "4095" in error.text
        assert_nothing_left(host, device)


def test_device_that_is_opened_before_it_is_configured():
    """It cannot be removed again; that it is still there must not be kept from the caller."""
    with Host() as host:
        host.simctl("hang", "mtty", "write")
        device = new_uuid()
        create = host.begin_create(device, attributes=[("setting", "x")])
        host.eventually((DEVICES / device / "mdev_type").exists)
        host.simctl("hold", device)
        host.simctl("fail", "mtty", "setting", "EINVAL")
        host.simctl("resume", "mtty")
        error = create.error()
        assert error.name == "InvalidAttribute"
        assert "could not be removed" in error.text and "opened" in error.text
        assert host.state(device) == "active"


def test_hung_attribute_of_one_device_delays_no_other():
    with Host() as host:
        host.simctl("hang", "mtty", "write")
        create = host.begin_create(attributes=[("setting", "x")])
        for _ in range(5):
            host.stop(host.create())
        assert not create.done
        host.simctl("resume", "mtty")
        create.result()
