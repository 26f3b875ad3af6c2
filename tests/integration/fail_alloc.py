# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which allocation of a program fails: the other end of common/fail-alloc.c."""

import mmap
import pathlib
import struct

_FIELDS = ("count", "first", "number", "failed", "record")
_STACKS = 8 * len(_FIELDS)
_STACKS_MAX = 65536


def environment(directory):
    """Of whatever is to have failing allocations."""
    return {"MEDIATED_FAIL_ALLOC": str(directory)}


class Allocations:
    """Those of all processes of one program. To be made before the program is started."""

    def __init__(self, directory, program):
        self.program = program
        path = pathlib.Path(directory) / program
        with open(path, "w+b") as file:
            file.truncate(_STACKS + 8 * _STACKS_MAX)
            self.memory = mmap.mmap(file.fileno(), 0)

    def _get(self, field):
        return struct.unpack_from("=Q", self.memory, 8 * _FIELDS.index(field))[0]

    def _set(self, field, value):
        struct.pack_into("=Q", self.memory, 8 * _FIELDS.index(field), value)

    @property
    def count(self):
        return self._get("count")

    @property
    def failed(self):
        return self._get("failed")

    @property
    def over(self):
        """All that were to fail have failed."""
        return 0 < self._get("first") and self.failed >= self._get("number")

    def stop(self):
        """No more failures."""
        self._set("first", 0)
        self._set("record", 0)

    def fail(self, first, number=1):
        """From now on the first-th fails, and those after it until `number` have failed."""
        self.stop()
        self._set("count", 0)
        self._set("failed", 0)
        self._set("number", number)
        self._set("first", first)

    def record(self):
        """Notes who asks for each, from now on."""
        self.stop()
        self._set("count", 0)
        self._set("record", 1)

    def stacks(self):
        """What was noted: a number for each allocation, equal where they came from the same place in the same way."""
        count = min(self.count, _STACKS_MAX)
        return struct.unpack_from(f"={count}Q", self.memory, _STACKS)


def first_of_each(stacks, seen):
    """The numbers of the first allocations from places that are not in @seen, which are added to it."""
    numbers = []
    for number, stack in enumerate(stacks, 1):
        if stack not in seen:
            seen.add(stack)
            numbers.append(number)
    return numbers


def spread(numbers, limit):
    """At most so many of them, evenly."""
    if len(numbers) <= limit:
        return numbers
    return [numbers[i * len(numbers) // limit] for i in range(limit)]
