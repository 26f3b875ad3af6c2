# SPDX-License-Identifier: LGPL-2.1-or-later
"""A user's process that creates devices, and that has an agent of polkit's, as a session of his has.

Reads lines `PARENT TYPE ask|quiet`, and creates a device by each; with `ask` polkit may ask the agent. Prints what the
daemon has answered: `done`, or the name of the error. When the agent is asked it prints `asked COOKIE MESSAGE`, and
answers polkit when it has read one more line: until then whoever helps the agent looks at the password."""

import asyncio
import os
import pathlib
import sys

from dbus_next import BusType, Message, MessageFlag, MessageType, Variant
from dbus_next.aio import MessageBus

AGENT = "/agent"
POLKIT = {"destination": "org.freedesktop.PolicyKit1", "path": "/org/freedesktop/PolicyKit1/Authority",
          "interface": "org.freedesktop.PolicyKit1.Authority"}


def say(*words):
    print(*words, flush=True)


async def read_line():
    return (await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)).split()


async def answer(bus, message):
    say("asked", message.body[4], message.body[1])
    await read_line()
    bus.send(Message.new_method_return(message))


async def create(bus, parent, type, how):
    flags = MessageFlag.ALLOW_INTERACTIVE_AUTHORIZATION if how == "ask" else MessageFlag.NONE
    reply = await bus.call(Message(
        destination="org.mediated1", path="/org/mediated1", interface="org.mediated1.Manager", member="CreateDevice",
        signature="sssa(ss)a{sv}", body=["", parent, type, [], {}], flags=flags))
    say(reply.error_name if reply.message_type == MessageType.ERROR else "done")


async def main():
    bus = await MessageBus(bus_type=BusType.SYSTEM).connect()

    def on_message(message):
        if message.message_type == MessageType.METHOD_CALL and message.member == "BeginAuthentication":
            asyncio.ensure_future(answer(bus, message))
            return True
        return None

    bus.add_message_handler(on_message)
    started = int(pathlib.Path("/proc/self/stat").read_text().rsplit(")", 1)[1].split()[19])
    me = ["unix-process", {"pid": Variant("u", os.getpid()), "start-time": Variant("t", started)}]
    reply = await bus.call(Message(**POLKIT, member="RegisterAuthenticationAgent", signature="(sa{sv})ss",
                                   body=[me, "C", AGENT]))
    say(reply.error_name if reply.message_type == MessageType.ERROR else "ready")
    while line := await read_line():
        await create(bus, *line)


asyncio.run(main())
