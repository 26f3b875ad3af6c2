# SPDX-License-Identifier: LGPL-2.1-or-later
"""A daemon that says whatever it likes, as that of another host may. Run as a program, where mediated is not. Each text
of its answers and of its errors is STRANGE."""

import asyncio

from bus import MANAGER, NAME, ROOT
from dbus_next import BusType, Message, MessageType
from dbus_next.aio import MessageBus

# A title for the terminal, a colour in one character, and what leaves the line.
STRANGE = "\033]0;owned\007\u009b31m\x7fa\rb\nc\td"

_PATH = f"{ROOT}/device/x"

# Signature, and a row that is there twice.
_ANSWERS = {
    "ListParents": ("a(sso)", [STRANGE, STRANGE, _PATH]),
    "ListTypes": ("a(ssssus)", [STRANGE, STRANGE, STRANGE, STRANGE, 1, STRANGE]),
    "ListCards": ("a(sssb)", [STRANGE, STRANGE, STRANGE, True]),
    "ListDevices": ("a(ssssbo)", [STRANGE, STRANGE, STRANGE, STRANGE, True, _PATH]),
    "ListDefinitions": ("a(ssssbo)", [STRANGE, STRANGE, STRANGE, STRANGE, True, _PATH]),
    "ListJobs": ("a(tssso)", [1, STRANGE, STRANGE, STRANGE, _PATH]),
}


def _answer(message):
    if message.message_type != MessageType.METHOD_CALL:
        return None
    if message.member in _ANSWERS:
        signature, row = _ANSWERS[message.member]
        return Message.new_method_return(message, signature, [[row, row]])
    if message.interface == MANAGER and message.member in ("CreateDevice", "Define"):
        return Message.new_method_return(message, "so", [STRANGE, _PATH])
    return Message.new_error(message, f"{NAME}.Error.Failed", STRANGE)


async def _main():
    bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
    bus.add_message_handler(_answer)
    await bus.request_name(NAME)
    print("ready", flush=True)
    await bus.wait_for_disconnect()


if __name__ == "__main__":
    asyncio.run(_main())
