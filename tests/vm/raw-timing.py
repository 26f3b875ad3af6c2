# SPDX-License-Identifier: LGPL-2.1-or-later
"""raw-timing.py COUNT: what create and remove of an mtty device by plain writes cost, one `name value unit` a line."""

import os
import statistics
import sys
import time
import uuid

CREATE = "/sys/class/mdev_bus/mtty/mdev_supported_types/mtty-1/create"


def timed_write(path, text):
    fd = os.open(path, os.O_WRONLY)
    try:
        start = time.perf_counter_ns()
        os.write(fd, text)
        return (time.perf_counter_ns() - start) / 1e6
    finally:
        os.close(fd)


def report(name, values):
    print(f"{name}_median {statistics.median(values):.2f} ms")
    print(f"{name}_p99 {sorted(values)[int(len(values) * 0.99)]:.2f} ms")


def main():
    creates, removes = [], []
    for _ in range(int(sys.argv[1])):
        device = str(uuid.uuid4())
        creates.append(timed_write(CREATE, device.encode()))
        removes.append(timed_write(f"/sys/class/mdev_bus/mtty/{device}/remove", b"1"))
    report("raw_create", creates)
    report("raw_remove", removes)


main()
