#!/usr/bin/env python3
"""An SFTP server, version 3, as no honest one behaves: the subsystem of a test's sshd.

  odd_sftp.py KIND LOG

It opens whatever is asked for, and then
  mute          answers neither WRITE nor STAT: each is a line of LOG ("write 32768", "stat 0"), as is each file opened
  far           the same, and answers the rest after 30 ms
  drip          lists one name at a time, sends one byte at a time, a tenth of a second each
  empty         lists no names and sends no bytes, without saying that this is all
  long          lists a name of half a megabyte at a time
  halting       pauses within its first answer; else as "empty"
"drip", "empty" and "long" come to an end all the same, after two hundred answers: who waits for them in vain is seen to.
"""

import os
import struct
import sys
import time

OPEN, CLOSE, READ, WRITE, OPENDIR, READDIR, STAT = 3, 4, 5, 6, 11, 12, 17
VERSION, STATUS, HANDLE, DATA, NAME = 2, 101, 102, 103, 104
END_OF_FILE, UNSUPPORTED = 1, 8
NAMES = {OPEN: "open", WRITE: "write", STAT: "stat"}


def string(text):
    return struct.pack(">I", len(text)) + text


def send(kind, body, pause=0.0):
    packet = bytes([kind]) + body
    sys.stdout.buffer.write(struct.pack(">I", len(packet)))
    if pause:
        sys.stdout.buffer.flush()
        time.sleep(pause)
    sys.stdout.buffer.write(packet)
    sys.stdout.buffer.flush()


def packets():
    while len(head := sys.stdin.buffer.read(4)) == 4:
        packet = sys.stdin.buffer.read(struct.unpack(">I", head)[0])
        yield packet[0], packet[1:5], packet[5:]


def size_of(kind, body):
    """Bytes of a WRITE."""
    handle, = struct.unpack_from(">I", body)
    return struct.unpack_from(">I", body, 4 + handle + 8)[0] if kind == WRITE else 0


def main(how, log):
    answers = 0
    for kind, number, body in packets():
        if kind in NAMES:
            os.write(log, f"{NAMES[kind]} {size_of(kind, body)}\n".encode())
        if kind == 1:
            send(VERSION, struct.pack(">I", 3), pause={"halting": 0.1, "far": 0.03}.get(how, 0))
        elif kind in (OPEN, OPENDIR):
            send(HANDLE, number + string(b"h"))
        elif kind in (READ, READDIR) and answers < 200:
            answers += 1
            if how == "drip":
                time.sleep(0.1)
            if kind == READ:
                send(DATA, number + string(b"x" if how == "drip" else b""))
            elif how == "drip":
                send(NAME, number + struct.pack(">I", 1) + string(b"n%d" % answers) + string(b"") + struct.pack(">I", 0))
            elif how == "long":
                send(NAME, number + struct.pack(">I", 1) + string(b"n" * 500_000) + string(b"") + struct.pack(">I", 0))
            else:
                send(NAME, number + struct.pack(">I", 0))
        elif how not in ("mute", "far") or kind not in (WRITE, STAT):
            if how == "far":
                time.sleep(0.03)
            code = END_OF_FILE if kind in (READ, READDIR) else 0 if kind == CLOSE else UNSUPPORTED
            send(STATUS, number + struct.pack(">I", code) + string(b"end") + string(b""))


if __name__ == "__main__":
    main(sys.argv[1], os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))
