# SPDX-License-Identifier: LGPL-2.1-or-later
"""Clients as people write them: GLib with generated code, dbus-next and busctl, all with their defaults."""

import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree

import pytest
from bus import DEVICE, MANAGER, NAME, ROOT
from dbus_next import DBusError
from host import SOURCE, Host, new_uuid

INTERFACES = sorted((SOURCE / "dbus").glob("*.xml"))


@pytest.fixture(name="generated", scope="module")
def generate(tmp_path_factory):
    if not shutil.which("gdbus-codegen"):
        pytest.skip("gdbus-codegen is not installed")
    folder = tmp_path_factory.mktemp("generated")
    subprocess.run(["gdbus-codegen", "--generate-c-code=mediated", "--c-namespace=Mediated",
                    "--c-generate-object-manager", "--c-generate-autocleanup=all", "--interface-prefix=org.mediated1.",
                    "--generate-docbook=docbook",
                    *(["--generate-rst=rst"] if "--generate-rst" in codegen_help() else []), *map(str, INTERFACES)],
                   cwd=folder, check=True)
    return folder


def codegen_help():
    return subprocess.run(["gdbus-codegen", "--help"], check=True, capture_output=True, text=True).stdout


def members_of(path):
    interface = ElementTree.parse(path).find("interface")
    return {member.get("name"): member for member in interface if member.tag in ("method", "signal", "property")}


@pytest.mark.parametrize("path", INTERFACES, ids=lambda path: path.stem)
def test_documentation_arrives(generated, path):
    """Each member has a paragraph, and each argument a text, in what gdbus-codegen makes."""
    text = (generated / f"docbook-{path.stem}.xml").read_text(encoding="utf-8")
    for name, member in members_of(path).items():
        kind = "property" if member.tag == "property" else member.tag
        section = re.search(rf'<refsect2 role="{kind}" id="gdbus-{kind}-[^"]*\.{name}">(.*?)</refsect2>', text,
                            re.DOTALL)
        assert section and re.search(r"<para>\s*[^<\s][^<]{10,}", section[1]), name
        for argument in member.findall("arg"):
            assert re.search(rf"<parameter>{argument.get('name')}</parameter>.*?<para>[^<]{{4,}}</para>", section[1],
                             re.DOTALL), (name, argument.get("name"))


def test_glib_with_generated_code(generated):
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "gio-unix-2.0"], check=True, capture_output=True,
                           text=True).stdout.split()
    subprocess.run(["cc", "-Wall", "-Werror=incompatible-pointer-types", "-I.", "-o", "client",
                    SOURCE / "tests/clients/glib.c", "mediated.c", *flags], cwd=generated, check=True)
    with Host() as host:
        assert host.shell("$1", generated / "client").stdout.splitlines() == [
            "device mtty is active",
            "job create done ",
            "1 devices",
            "job stop done ",
            "0 devices",
            "org.mediated1.Error.NoSuchParent"]


def test_dbus_next_with_its_proxies():
    """The proxies read the introspection data. They have no timeout, so that a lost answer would hang."""
    with Host() as host:
        connection, seen = host.bus.connection, []

        def proxy(path, interface):
            introspection = host.bus.run(connection.introspect(NAME, path))
            return connection.get_proxy_object(NAME, path, introspection).get_interface(interface)

        manager = proxy(ROOT, MANAGER)
        manager.on_job_removed(lambda number, uuid, kind, result, job, error, message: seen.append((kind, result)))
        uuid, path = host.bus.run(manager.call_create_device("", "mtty", "mtty-1", [], {}))
        assert host.bus.run(manager.call_list_devices())[0][0] == uuid
        device = proxy(path, DEVICE)
        assert host.bus.run(device.get_state()) == "active" and host.bus.run(device.get_error()) == ["", ""]
        assert host.bus.run(device.call_get_users()) == [] and host.bus.run(device.call_get_attributes()) == []
        host.bus.run(device.call_stop({}))
        with pytest.raises(DBusError, match="There is no device"):
            host.bus.run(manager.call_stop_device(new_uuid(), {}))
        host.eventually(lambda: seen == [("create", "done"), ("stop", "done"), ("stop", "failed")])


def test_every_reader_answers_busctl():
    """No file descriptors, no answer that a client with defaults does not get."""
    with Host() as host:
        host.create()
        for name, member in members_of(SOURCE / f"dbus/{MANAGER}.xml").items():
            if name.startswith("List"):
                arguments = ["s", ""] if member.findall("arg[@direction='in']") else []
                host.shell('busctl call org.mediated1 /org/mediated1 org.mediated1.Manager "$@"', name, *arguments)
        assert "Manager.xml" not in host.shell("busctl introspect org.mediated1 /org/mediated1").stdout
