# SPDX-License-Identifier: LGPL-2.1-or-later
"""Callouts tell the attributes of a running device, and change them."""

import json
import os
import pathlib

import pytest
from bus import DEVICE
from callout_tools import Callouts
from definitions import begin_define, begin_modify, begin_start, begin_undefine, define, stored
from host import BUILD, Host, device_path, read


def get_attributes(host, uuid):
    return [tuple(pair) for pair in host.bus.call(device_path(uuid), DEVICE, "GetAttributes")]


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


def test_the_daemon_ends_before_the_answer():
    with Host() as host:
        callouts = Callouts(host)
        device = host.create()
        callouts.add("10-get", "[[ $event != get ]] || exec sleep 20")
        call = host.bus.begin(device_path(device), DEVICE, "GetAttributes")
        host.eventually(lambda: any(" get " in line for line in callouts.calls()))
        host.simctl("daemon", "stop")
        assert call.error().name == "org.freedesktop.DBus.Error.NoReply"
        # And nothing has leaked.


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


SUPPORTS = ('{"supports":{"version":2,'
            '"actions":["start","stop","define","undefine","modify","attributes","capabilities"],'
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
        begin_modify(host, device, attributes=[("setting", "2")], opts={"live": True}).result()
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
        error = begin_modify(host, device, attributes=[("setting", "2")], opts={"live": True, "defined": True}).error()
        assert error.name == "CalloutFailed" and "adapter in use" in error.text
        assert stored(device)["attrs"] == [{"setting": "1"}] and get_attributes(host, device) == [("setting", "1")]
        os.unlink("/run/refuse")
        begin_modify(host, device, attributes=[("setting", "2")], opts={"live": True, "defined": True}).result()
        assert stored(device)["attrs"] == [{"setting": "2"}] and get_attributes(host, device) == [("setting", "2")]
        begin_modify(host, device, attributes=[("setting", "3")], opts={"live": True}).result()
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
        error = begin_modify(host, device, attributes=[("setting", "2")], opts={"live": True}).error()
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
        begin_modify(host, device, attributes=[("setting", "2")], opts={"live": True}).result()
        assert get_attributes(host, device) == [("setting", "2")]


def test_live_of_what_is_not_active():
    with Host() as host:
        callouts = Callouts(host)
        callouts.add("10-live", LIVE)
        device = define(host)
        error = begin_modify(host, device, attributes=[("setting", "2")], opts={"live": True}).error()
        assert error.name == "NoSuchDevice"


def test_live_by_mediatectl_and_mdevctl():
    with Host() as host:
        callouts = Callouts(host)
        callouts.add("10-live", LIVE)
        device = host.create()
        pathlib.Path("/run/file").write_text('{"mdev_type":"mtty-1","start":"manual","attrs":[{"setting":"7"}]}')
        host.shell(f"{BUILD}/client/mdevctl modify -u {device} --live --jsonfile /run/file")
        assert get_attributes(host, device) == [("setting", "7")]
