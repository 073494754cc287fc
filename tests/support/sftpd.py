#!/usr/bin/env python3
"""An SFTPv3 server (draft-ietf-secsh-filexfer-02) on standard input and output, as sshd starts one, that misbehaves as some do.

  sftpd.py [--lie rename|remove] [--mute permissions|directories|all] [--refuse TYPE=CODE]... [--lack EXTENSION[=CODE]]...
           [--existing CODE] [--no-exclusive CODE] [--drop-after-rename FILE] [--replace-after-reading]
           [--hang-up-at NAME] [--hang-up-removing NAME] [--undated] [--existing-name CODE]

It works on real files. TYPE: mkdir, lstat, … An EXTENSION is named and then refused. --no-exclusive: it knows no O_EXCL.
--replace-after-reading: once X was read and looked at again, X.nouveau takes its place. --hang-up-at: when a file whose name begins so is read; --hang-up-removing: removed. --existing-name: the code that RENAME onto what is there is answered with. --undated: tells no
dates. FILE: the connection ends once, after the
first rename, or the N-th (--drop-at N); that it did is noted there. Once its
neighbour serveur-0/sincere is there, the lie is over.
"""
import argparse
import os
import pathlib
import stat
import struct
import sys

TYPES = {1: "init", 3: "open", 4: "close", 5: "read", 6: "write", 7: "lstat", 8: "fstat", 9: "setstat", 10: "fsetstat", 11: "opendir",
         12: "readdir", 13: "remove", 14: "mkdir", 15: "rmdir", 16: "realpath", 17: "stat", 18: "rename", 200: "extended"}
EXTENSIONS = ["posix-rename@openssh.com", "fsync@openssh.com"]
OK, EOF, NO_SUCH_FILE, DENIED, FAILURE, UNSUPPORTED = 0, 1, 2, 3, 4, 8


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--lie", choices=["rename", "remove"], help="says that it is done, and does nothing")
    p.add_argument("--mute", choices=["permissions", "directories", "all"], default="", help="what attributes leave out")
    p.add_argument("--refuse", action="append", default=[], metavar="TYPE=CODE")
    p.add_argument("--lack", action="append", default=[], metavar="EXTENSION")
    p.add_argument("--existing", type=int, default=FAILURE, help="the code that MKDIR of what is there is answered with")
    p.add_argument("--no-exclusive", type=int, metavar="CODE")
    p.add_argument("--replace-after-reading", action="store_true")
    p.add_argument("--hang-up-at", metavar="NAME")
    p.add_argument("--hang-up-removing", metavar="NAME")
    p.add_argument("--existing-name", type=int, default=FAILURE, metavar="CODE")
    p.add_argument("--undated", action="store_true")
    p.add_argument("--drop-after-rename", type=pathlib.Path, metavar="FILE")
    p.add_argument("--drop-at", type=int, default=1, metavar="N")
    return p.parse_args()


def string(text):
    data = text if isinstance(text, bytes) else os.fsencode(text)
    return struct.pack(">I", len(data)) + data


class Server:
    def __init__(self, options):
        self.options = options
        self.refused = dict(one.split("=") for one in options.refuse)
        self.lacking = {name: int(code or UNSUPPORTED) for name, _, code in (one.partition("=") for one in options.lack)}
        self.reading, self.was_read = {}, set()
        self.handles, self.last, self.body = {}, 0, b""
        self.renames = 0

    # ---- what comes and goes

    def u32(self):
        (value,), self.body = struct.unpack(">I", self.body[:4]), self.body[4:]
        return value

    def text(self):
        size = self.u32()
        value, self.body = self.body[:size], self.body[size:]
        return value

    def answer(self, kind, number, data):
        packet = struct.pack(">BI", kind, number) + data
        sys.stdout.buffer.write(struct.pack(">I", len(packet)) + packet)
        sys.stdout.buffer.flush()

    def status(self, number, code):
        self.answer(101, number, struct.pack(">I", code) + string(["", "", "No such file", "Permission denied", "Failure", "", "", "",
                                                                  "Operation unsupported", "", "", "File exists"][code]) + string(""))

    def attributes(self, found):
        if self.options.mute == "all":
            return struct.pack(">I", 0)
        if self.options.mute == "directories" and stat.S_ISDIR(found.st_mode):
            return struct.pack(">II", 4, found.st_mode)
        if self.options.mute == "permissions":
            return struct.pack(">IQ", 1, found.st_size)
        if self.options.undated:
            return struct.pack(">IQI", 1 | 4, found.st_size, found.st_mode)
        return struct.pack(">IQIII", 1 | 4 | 8, found.st_size, found.st_mode, int(found.st_atime), int(found.st_mtime))

    def handle(self, number, thing):
        self.last += 1
        name = str(self.last).encode()
        self.handles[name] = thing
        self.answer(102, number, string(name))

    def run(self):
        read = sys.stdin.buffer.read
        while len(size := read(4)) == 4:
            packet = read(struct.unpack(">I", size)[0])
            kind, self.body = TYPES[packet[0]], packet[1:]
            number = self.u32()
            if kind == "init":
                named = b"".join(string(e) + string("1") for e in dict.fromkeys([*EXTENSIONS, *self.lacking]))
                sys.stdout.buffer.write(struct.pack(">IBI", 5 + len(named), 2, 3) + named)
                sys.stdout.buffer.flush()
                continue
            if kind in self.refused:
                self.status(number, int(self.refused[kind]))
                continue
            try:
                getattr(self, kind)(number)
            except FileNotFoundError:
                self.status(number, NO_SUCH_FILE)
            except PermissionError:
                self.status(number, DENIED)
            except OSError:
                self.status(number, FAILURE)

    # ---- the operations

    def open(self, number):
        path, flags = self.text(), self.u32()
        if flags & 32 and self.options.no_exclusive is not None:
            self.status(number, self.options.no_exclusive)
            return
        mode = os.O_RDONLY if not flags & 2 else os.O_WRONLY
        mode |= (os.O_CREAT if flags & 8 else 0) | (os.O_TRUNC if flags & 16 else 0) | (os.O_EXCL if flags & 32 else 0)
        file = os.open(path, mode, 0o640)
        self.reading[file] = path
        self.handle(number, file)

    def close(self, number):
        thing = self.handles.pop(self.text())
        if isinstance(thing, int):
            os.close(thing)
        self.status(number, OK)

    def read(self, number):
        file, offset, size = self.handles[self.text()], (self.u32() << 32) + self.u32(), self.u32()
        if self.options.hang_up_at and os.path.basename(self.reading[file]).decode().startswith(self.options.hang_up_at):
            os._exit(1)
        data = os.pread(file, size, offset)
        if data:
            self.answer(103, number, string(data))
        else:
            self.was_read.add(self.reading[file])
            self.status(number, EOF)

    def write(self, number):
        file, offset, data = self.handles[self.text()], (self.u32() << 32) + self.u32(), self.text()
        os.pwrite(file, data, offset)
        self.status(number, OK)

    def stat(self, number):
        self.answer(105, number, self.attributes(os.stat(self.text())))

    def lstat(self, number):
        path = self.text()
        self.answer(105, number, self.attributes(os.lstat(path)))
        if self.options.replace_after_reading and path in self.was_read and os.path.exists(path + b".nouveau"):
            os.replace(path + b".nouveau", path)

    def fstat(self, number):
        self.answer(105, number, self.attributes(os.fstat(self.handles[self.text()])))

    def opendir(self, number):
        path = self.text()
        self.handle(number, [os.fsencode(name) for name in os.listdir(os.fsdecode(path))])

    def readdir(self, number):
        names = self.handles[self.text()]
        if not names:
            self.status(number, EOF)
            return
        self.answer(104, number, struct.pack(">I", len(names)) + b"".join(string(n) + string(n) + struct.pack(">I", 0) for n in names))
        names.clear()

    def remove(self, number):
        path = self.text()
        if self.options.hang_up_removing and os.path.basename(path).decode().startswith(self.options.hang_up_removing):
            os._exit(1)
        os.lstat(path)
        if self.options.lie != "remove":
            os.unlink(path)
        self.status(number, OK)

    def mkdir(self, number):
        try:
            os.mkdir(self.text(), 0o750)
            self.status(number, OK)
        except FileExistsError:
            self.status(number, self.options.existing)

    def rmdir(self, number):
        os.rmdir(self.text())
        self.status(number, OK)

    def realpath(self, number):
        path = os.path.realpath(self.text())
        self.answer(104, number, struct.pack(">I", 1) + string(path) + string(path) + struct.pack(">I", 0))

    def rename(self, number, replace=False):
        former, new = self.text(), self.text()
        if not replace and os.path.lexists(new):
            self.status(number, self.options.existing_name)
            return
        os.lstat(former)
        once = self.options.drop_after_rename
        if self.options.lie != "rename" or (once and (once.parent / "serveur-0/sincere").exists()):
            os.rename(former, new)
        self.renames += 1
        if once and not once.exists() and self.renames == self.options.drop_at:
            once.touch()
            os._exit(1)
        self.status(number, OK)

    def extended(self, number):
        name = self.text().decode()
        if name in self.lacking or name not in EXTENSIONS:
            self.status(number, self.lacking.get(name, UNSUPPORTED))
        elif name.startswith("posix-rename"):
            self.rename(number, replace=True)
        else:
            os.fsync(self.handles[self.text()])
            self.status(number, OK)


if __name__ == "__main__":
    Server(arguments()).run()
