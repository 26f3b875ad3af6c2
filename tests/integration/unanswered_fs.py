# SPDX-License-Identifier: LGPL-2.1-or-later
"""python3 unanswered_fs.py DIRECTORY: mounts a file system there, opens its root directory, says so, and answers
nothing from then on. A process that asks for the attributes of that open directory sleeps."""

import ctypes
import os
import struct
import sys
import time

INIT, OPENDIR = 26, 27
IN_HEADER = struct.Struct("<IIQQIIIHH")
OUT_HEADER = struct.Struct("<IiQ")
INIT_OUT = struct.pack("<IIIIHHIIHHI28x", 7, 31, 0, 0, 0, 0, 4096, 1, 0, 0, 0)
OPEN_OUT = struct.pack("<QII", 0, 0, 0)

libc = ctypes.CDLL(None, use_errno=True)
directory = sys.argv[1]
fuse = os.open("/dev/fuse", os.O_RDWR)
options = f"fd={fuse},rootmode=40000,user_id={os.getuid()},group_id={os.getgid()}"
if libc.mount(b"unanswered", directory.encode(), b"fuse", 0, options.encode()) < 0:
    raise OSError(ctypes.get_errno(), "cannot mount")

if os.fork() == 0:
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    print("open", flush=True)
    while True:
        time.sleep(60)

while True:
    header = IN_HEADER.unpack_from(os.read(fuse, 1 << 17))
    answer = {INIT: INIT_OUT, OPENDIR: OPEN_OUT}.get(header[1])
    if answer:
        os.write(fuse, OUT_HEADER.pack(OUT_HEADER.size + len(answer), 0, header[2]) + answer)
