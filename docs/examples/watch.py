#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Prints the devices, and then each device that appears, changes its state, or disappears, whoever has done it.

It needs the package python3-dbus-next."""

import asyncio

from dbus_next import BusType, Message, MessageType
from dbus_next.aio import MessageBus

NAME, PATH = "org.mediated1", "/org/mediated1"
DEVICE = f"{NAME}.Device"


def on_message(message):
    """Signals of mediated; ours are all matches that main() has asked for."""
    if message.message_type != MessageType.SIGNAL:
        return
    if message.member == "InterfacesAdded":
        show(*message.body)
    elif message.member == "InterfacesRemoved" and DEVICE in message.body[1]:
        print(f"{message.body[0]} removed", flush=True)
    elif message.member == "PropertiesChanged" and message.body[0] == DEVICE and "State" in message.body[1]:
        print(f"{message.path} {message.body[1]['State'].value}", flush=True)


def show(path, interfaces):
    if DEVICE in interfaces:
        device = interfaces[DEVICE]
        print(f"{path} {device['State'].value}, {device['Type'].value} on {device['ParentName'].value}", flush=True)


async def call(bus, destination, path, interface, member, signature="", body=()):
    reply = await bus.call(Message(destination=destination, path=path, interface=interface, member=member,
                                   signature=signature, body=list(body)))
    if reply.message_type == MessageType.ERROR:
        raise SystemExit(reply.body[0])
    return reply.body


async def main():
    bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
    bus.add_message_handler(on_message)

    # First the signals, then the objects: so nothing is missed in between.
    await call(bus, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "AddMatch", "s",
               [f"type='signal',sender='{NAME}',path_namespace='{PATH}'"])
    objects, = await call(bus, NAME, PATH, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects")
    for path, interfaces in objects.items():
        show(path, interfaces)
    await bus.wait_for_disconnect()


if __name__ == "__main__":
    asyncio.run(main())
