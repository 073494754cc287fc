"""What a row says is there has reached the disk before the row does: the order of system calls, as strace writes them down.

A file's bytes count once an fsync of it, or a syncfs of its file system, began after the last write and has ended; a name once
one of its directory, or a syncfs, did. Spool, dépôts and database are taken for file systems of their own, as they may be. A
commit is the first write to the database's log that holds some words.
"""

import collections
import dataclasses
import os
import re
import shutil
import subprocess

import pytest

from test_main_job import demande, demandes, open_lieux, rows
from test_pickup import retrait

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")

CALLS = ("open", "openat", "creat", "mkdir", "mkdirat", "rename", "renameat", "renameat2", "link", "linkat", "symlink", "symlinkat", "unlink",
         "unlinkat", "rmdir", "write", "writev", "pwrite64", "pwritev", "pwritev2", "ftruncate", "truncate", "fallocate", "copy_file_range",
         "sendfile", "splice", "fsync", "fdatasync", "syncfs", "sync", "sync_file_range")
# None of ours makes these: the model below knows nothing of them.
UNKNOWN = {"open", "creat", "rename", "link", "linkat", "symlink", "symlinkat", "rmdir", "writev", "pwritev", "pwritev2",
           "truncate", "fallocate", "copy_file_range", "sendfile", "splice", "sync", "sync_file_range"}


@dataclasses.dataclass
class Call:
    name: str
    arguments: str
    begun: int  # line numbers of the trace
    ended: int

    def __post_init__(self):
        # -y: descriptors are followed by their path.
        self.places = [p.removesuffix(" (deleted)") for p in re.findall(r"(?:\b\d+|AT_FDCWD)<([^>]*)>", self.arguments)]
        self.words = re.findall(r'"((?:\\.|[^"\\])*)"', self.arguments)

    def path(self, n=0):
        """Of a call that names an entry of a directory."""
        return os.path.join(self.places[n], self.words[n])


def calls_of(trace):
    """Those that were done, threads and all; what was injected was not."""
    out, open_ones = [], {}
    for number, line in enumerate(trace.splitlines()):
        pid, rest = line.split(maxsplit=1)
        if begun := re.fullmatch(r"(\w+)\((.*) <unfinished \.\.\.>", rest):
            open_ones[pid] = (begun[1], begun[2], number)
            continue
        if resumed := re.fullmatch(r"<\.\.\. (\w+) resumed>(.*)", rest):
            name, head, begin = open_ones.pop(pid)
            assert name == resumed[1], line
            rest, number_begun = f"{name}({head}{resumed[2]}", begin
        else:
            number_begun = number
        done = re.fullmatch(r"(\w+)\((.*)\) += (-?\d+)(.*)", rest)
        if done and int(done[3]) >= 0 and "(INJECTED)" not in done[4]:
            out.append(Call(done[1], done[2], number_begun, number))
    return sorted(out, key=lambda call: call.ended)


class Disk:
    """What would be missing after a power cut."""

    def __init__(self, mounts):
        self.mounts = [str(mount) for mount in mounts]
        self.bytes, self.names = {}, {}  # by path: when they were last changed, unless that is durable
        self.known = set()

    def mount(self, path):
        return max((m for m in self.mounts if f"{path}/".startswith(m + "/")), key=len, default="")

    def apply(self, call):
        if call.name == "open" and "O_RDONLY" in call.arguments and "O_CREAT" not in call.arguments:
            return  # AddressSanitizer's, which reads
        assert call.name not in UNKNOWN, f"the model knows no {call.name}: {call.arguments[:200]}"
        if call.name == "openat":
            if "O_CREAT" in call.arguments and call.path() not in self.known:
                self.make(call.path(), call.ended)
        elif call.name in ("mkdir", "mkdirat"):
            self.make(call.path() if call.name == "mkdirat" else call.words[0], call.ended)
        elif call.name in ("renameat", "renameat2"):
            self.move(call.path(0), call.path(1), call.ended)
        elif call.name in ("unlink", "unlinkat"):
            self.forget(call.path() if call.name == "unlinkat" else call.words[0])
        elif call.name in ("write", "pwrite64", "ftruncate"):
            if call.places:
                self.bytes[call.places[0]] = call.ended
        elif call.name in ("fsync", "fdatasync"):
            path = call.places[0]
            self.keep(self.bytes, lambda p: p == path, call)
            self.keep(self.names, lambda p: os.path.dirname(p) == path, call)
        elif call.name == "syncfs":
            mount = self.mount(call.places[0])
            for changed in (self.bytes, self.names):
                self.keep(changed, lambda p: self.mount(p) == mount, call)

    def make(self, path, when):
        self.known.add(path)
        self.names[path] = when

    def move(self, source, target, when):
        self.forget(target)
        for changed in (self.bytes, self.names):
            for path in [p for p in changed if p == source or p.startswith(source + "/")]:
                changed[target + path.removeprefix(source)] = changed.pop(path)
        for path in [p for p in self.known if p == source or p.startswith(source + "/")]:
            self.known.remove(path)
            self.known.add(target + path.removeprefix(source))
        self.make(target, when)

    def forget(self, path):
        for changed in (self.bytes, self.names):
            changed.pop(path, None)
        self.known.discard(path)

    @staticmethod
    def keep(changed, which, sync):
        for path in [p for p, when in changed.items() if which(p) and when < sync.begun]:
            del changed[path]

    def missing(self, path):
        """Of that file or directory, and of what it lies in."""
        path = str(path)
        out = [f"bytes of {path}"] if path in self.bytes else []
        while self.mount(path) and path not in self.mounts:
            out += [f"name of {path}"] if path in self.names else []
            path = os.path.dirname(path)
        return out


def missing_before(calls, mounts, moment, paths):
    """What of these paths is not durable when the call `moment` begins; each must have been made under these eyes."""
    disk = Disk(mounts)
    for call in calls:
        if call.ended < moment.begun:
            disk.apply(call)
    strange = [str(path) for path in paths if str(path) not in disk.known]
    assert not strange, f"nobody made {strange}"
    return [what for path in paths for what in disk.missing(path)]


def commit_of(calls, words):
    """The first write to the database's log that holds these."""
    return next(call for call in calls if call.name == "pwrite64" and call.places[0].endswith(".db-wal") and words in call.arguments)


class Traced:
    """A site whose passes are written down."""

    def __init__(self, site):
        self.site = site
        site.depot.mkdir()
        self.mounts = (site.spool, site.depot, site.database.parent)

    def passes(self, *options):
        log = self.site.path / "strace"
        done = subprocess.run(["strace", "-f", "-y", "-s", "20000", "-qq", "-o", log, "-e", "trace=" + ",".join(CALLS), "-e", "signal=none",
                               *options, *self.site.command("run", "--now")], capture_output=True, text=True, timeout=120, check=False,
                              env={**os.environ, "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"})
        assert done.returncode == 0, done.stderr[-2000:]
        return calls_of(log.read_text(encoding="ascii"))


Said = collections.namedtuple("Said", "calls moment paths")  # what is said, and where that lies then


def removal_of(calls, path):
    return next(call for call in calls if call.name == "unlinkat" and call.path() == str(path))


def what_is_said(traced, *options):
    """By what is done: the calls, the one that says that it is done, and what is there then."""
    site, said = traced.site, {}
    open_lieux(site)
    calls = traced.passes(*options)
    went = next(call for call in calls if call.name == "unlinkat" and call.path().startswith(f"{site.spool}/travail/caf-421/"))
    said["written down, and the deposit gone"] = Said(calls, went, [site.database, site.database.with_name("navette.db-wal")])
    site.deposit(demandes("D1", demande("A1"), demande("A2")))
    calls = traced.passes(*options)
    (ticket, accuse, remise), = rows(site, "SELECT f.ticket, f.accuse, r.nom FROM flux f, remise r WHERE f.emetteur = 'monenfant'")
    there = site.depot / "rpe-un/remises" / remise
    files = sorted(path.name for path in there.iterdir())
    assert len(files) == 6
    packed = site.spool / "depart/rpe-un" / remise
    said["claimed"] = Said(calls, commit_of(calls, ticket), [site.spool / "travail/monenfant" / ticket])
    said["answered"] = Said(calls, commit_of(calls, accuse), [site.spool / "accuses/monenfant" / accuse])
    said["packed"] = Said(calls, commit_of(calls, remise), [packed, *(packed / name for name in files)])
    said["delivered"] = Said(calls, commit_of(calls, f"rpe-un/remises/{remise} ({len(files)} files"), [there, *(there / name for name in files)])
    returned = site.depot / "rpe-un/retour/recu.xml"
    returned.with_suffix(".part").write_bytes(retrait("R-1", remise))
    returned.with_suffix(".part").rename(returned)
    calls = traced.passes(*options)
    (ticket,), = rows(site, "SELECT ticket FROM flux WHERE emetteur = 'rpe-un' AND etat = 'accepte'")
    said["kept, and gone where it lay"] = Said(calls, removal_of(calls, returned), [site.spool / "arrivee/rpe-un/.recu.xml.retour"])
    said["landed"] = Said(calls, commit_of(calls, ticket), [site.spool / "travail/rpe-un" / ticket])
    return said


def missing(traced, said, calls=None, moment=None):
    """By what is done; paths are the site's."""
    found = missing_before(calls or said.calls, traced.mounts, moment or said.moment, said.paths)
    return sorted({line.replace(f"{traced.site.path}/", "") for line in found})


@pytest.fixture(name="traced")
def a_traced_site(site):
    return Traced(site)


def test_what_is_said_is_on_the_disk_before_it_is_said(traced):
    for what, said in what_is_said(traced).items():
        assert missing(traced, said) == [], what
        # Said sooner it would not have been so: nobody had asked the disk when the last name was given.
        made = max(call.ended for call in said.calls if call.ended < said.moment.begun and any(is_made_by(call, path) for path in said.paths))
        sooner = dataclasses.replace(said.moment, begun=made + 0.5)
        assert missing(traced, said, moment=sooner), what


def is_made_by(call, path):
    """That very name, or one that it was moved with."""
    if call.name in ("renameat", "renameat2"):
        return f"{path}/".startswith(call.path(1) + "/")
    if call.name in ("write", "pwrite64"):
        return str(path) in call.places[:1]
    return call.name == "openat" and "O_CREAT" in call.arguments and call.path() == str(path)


@pytest.mark.parametrize("call, fails", [
    ("fsync", {"answered", "packed", "delivered", "kept, and gone where it lay"}),
    ("fdatasync", {"written down, and the deposit gone"}),
    ("syncfs", {"claimed", "packed", "delivered", "landed"})])
def test_a_disk_that_is_not_asked_is_seen(traced, call, fails):
    """The whole binary, whose call is answered and not made."""
    found = {what: missing(traced, said) for what, said in what_is_said(traced, "-e", f"inject={call}:retval=0").items()}
    assert {what for what, lost in found.items() if lost} == fails, found


MADE = """\
1 mkdirat(3</spool>, "a", 0750) = 0
1 openat(4</spool/a>, ".f.tmp", O_WRONLY|O_CREAT, 0640) = 5</spool/a/.f.tmp>
1 write(5</spool/a/.f.tmp>, "x", 1) = 1
"""
FSYNC, RENAME = "1 fsync(5</spool/a/.f.tmp>) = 0\n", '1 renameat(4</spool/a>, ".f.tmp", 4</spool/a>, "f") = 0\n'
NAMES, ROW = "1 fsync(4</spool/a>) = 0\n1 fsync(3</spool>) = 0\n", '1 pwrite64(9</state/n.db-wal>, "...f...", 7, 0) = 7\n'
BYTES, NAME, ABOVE = "bytes of /spool/a/f", "name of /spool/a/f", "name of /spool/a"


@pytest.mark.parametrize("trace, lost", [
    (MADE + FSYNC + RENAME + NAMES + ROW, []),
    (MADE + FSYNC + RENAME + ROW + NAMES, [NAME, ABOVE]),
    (MADE + RENAME + NAMES + ROW + FSYNC.replace(".f.tmp", "f"), [BYTES]),
    (MADE + FSYNC + NAMES + RENAME + ROW, [NAME]),
    (MADE + RENAME + "1 syncfs(3</spool>) = 0\n" + ROW, []),
    (MADE + RENAME + "1 syncfs(3</other>) = 0\n" + ROW, [BYTES, NAME, ABOVE]),
    (MADE + RENAME + "1 syncfs(3</spool>) = 0 (INJECTED)\n" + ROW, [BYTES, NAME, ABOVE]),
    (MADE + RENAME + "1 syncfs(3</spool>) = -1 EIO (Input/output error)\n" + ROW, [BYTES, NAME, ABOVE]),
    (MADE + RENAME + "1 syncfs(3</spool>) = 0\n1 write(5</spool/a/f>, \"y\", 1) = 1\n" + ROW, [BYTES]),
    # A sync that has not ended when the row is written, or that had begun when the name was given.
    (MADE + FSYNC + RENAME + "2 syncfs(3</spool> <unfinished ...>\n" + ROW + "2 <... syncfs resumed>) = 0\n", [NAME, ABOVE]),
    (MADE + FSYNC + "2 syncfs(3</spool> <unfinished ...>\n" + RENAME + "2 <... syncfs resumed>) = 0\n" + ROW, [NAME]),
    (MADE + FSYNC + RENAME + NAMES + '1 renameat2(3</spool>, "a", 3</spool>, "b", 0) = 0\n1 renameat2(3</spool>, "b", 3</spool>, "a", 0) = 0\n' + ROW, [ABOVE])])
def test_the_order_counts(trace, lost):
    calls = calls_of(trace)
    assert missing_before(calls, ["/spool", "/state", "/other"], commit_of(calls, "f"), ["/spool/a/f"]) == lost


def test_what_the_model_does_not_know_is_said():
    calls = calls_of(MADE + '1 linkat(4</spool/a>, "f", 4</spool/a>, "g", 0) = 0\n' + ROW)
    with pytest.raises(AssertionError, match="linkat"):
        missing_before(calls, ["/spool"], commit_of(calls, "f"), ["/spool/a/.f.tmp"])
    with pytest.raises(AssertionError, match="nobody made"):
        missing_before(calls[:3], ["/spool"], commit_of(calls, "f"), ["/spool/a/g"])
