#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Creates a device, shows its node, and removes it again:

    ./device.py PARENT TYPE

It needs the package python3-dbus-next."""

import asyncio
import sys

from dbus_next import BusType, DBusError, Variant
from dbus_next.aio import MessageBus

NAME, PATH = "org.mediated1", "/org/mediated1"


async def proxy(bus, path, interface):
    """Methods and properties of an object, as its introspection data describe them."""
    introspection = await bus.introspect(NAME, path)
    return bus.get_proxy_object(NAME, path, introspection).get_interface(f"{NAME}.{interface}")


async def main(parent, device_type):
    bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
    manager = await proxy(bus, PATH, "Manager")

    # dbus-next waits for an answer as long as it takes, so the limit is the one of mediated.
    options = {"timeout-usec": Variant("t", 60_000_000)}
    uuid, path = await manager.call_create_device("", parent, device_type, [], options)
    print(f"created {uuid}")
    device = await proxy(bus, path, "Device")
    print(f"node {await device.get_device_node()}")
    await device.call_stop(options)
    print(f"stopped {uuid}")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("Usage: device.py PARENT TYPE")
    try:
        asyncio.run(main(*sys.argv[1:]))
    except DBusError as error:
        # The text is for people. A program decides by the name, in error.type.
        if error.type == f"{NAME}.Error.NoAvailableInstances":
            sys.exit(f"{error.text}\nTry another type or another parent")
        sys.exit(error.text)
