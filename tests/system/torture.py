"""What the torture does, for test_torture.py, test_crash.py and tools/torture: a site with dépôts, partners' SFTP servers,
lieux served by e-mail and a mail server; one operation of a pass fails, or the process is killed at it; then the passes
and acts of an operator must reach what an untouched twin reached: every demande at each of its lieux once, the same names
and bytes, every notification accounted for at each person, nothing of a family's left over or readable in a mail, the trace
valid. What is withdrawn lies nowhere, what is issued again lies there once more, a pickup counts once, each Caf has its alert.
A mail alone may come to the same box twice, under its Message-ID; one that carries a remise with the same bytes then.

The points are those of src/base/fault.h; the site is made anew for each.
"""

import collections
import concurrent.futures
import contextlib
import dataclasses
import email
import email.parser
import email.policy
import hashlib
import io
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import threading
import time
import traceback
from xml.etree import ElementTree

import pikepdf

from conftest import Site
from test_courriel import PASSWORD, Lieu, channel as courriel
from test_main_job import A, R, convention, demande, demandes, habilitations, personne, quick_place, rows, validate
from test_notification import MailServer
from test_pickup import retrait
from test_sftp import Sshd

MARK = "Zqfamillemarque"
# A pass from the start; one that takes apart remises that failed half-way: their lieux are looked at and cleared; one that
# has nothing left to do but a remise by mail: few operations, nearly all of them its own; one that follows up what was
# delivered: withdrawn, issued again, picked up, with the operator's commands for it; one of `serve`, whose alert is due; and
# one that takes in an avenant by which lieux are served another way, when a part of their remises is there already.
SCENES = ("", ":apart", ":courriel", ":suites", ":alerte", ":avenant")
KINDS = ("eio", "enospc", "busy", "short", "lost", "refused", "after", "kill", "killafter")
NORD, SUD = "42218", "42207"
BY_MAIL, BY_PDF = "courriel", "courriel, PDF"
# By lieu: its commune, and its partner's profile for SFTP; None is a dépôt. Two lieux are at one account, which admits two
# connections; one is at a server of its own, which renames nothing.
LIEUX = {
    "depot-nord": (NORD, None),
    "depot-sud": (SUD, None),
    "sftp-nord": (NORD, {"connections": 2}),
    "sftp-plat": (SUD, {"make_directory": False, "overwrite": True, "connections": 2}),
    "sftp-sans-renommage": (NORD, {"rename": False}),
    "courriel-sud": (SUD, BY_MAIL),
}
BY_SFTP = [lieu for lieu in LIEUX if lieu.startswith("sftp-")]
WITHOUT_RENAME = "sftp-sans-renommage"
# Each lieu's: by number, the box. One's is refused by the mail server; one is not entitled any more.
PERSONS = {"P-1": "agent", "P-2": "adjointe", "P-3": "refusee", "P-4": "partie"}
TOLD, REFUSED, GONE = ("P-1", "P-2"), "P-3", "P-4"

# What the avenant of ":avenant" makes of them.
AVENANT = {
    **LIEUX,
    "depot-sud": (SUD, {"connections": 2}),
    "sftp-nord": (NORD, None),
    "sftp-plat": (SUD, {"connections": 2}),
    "sftp-sans-renommage": (NORD, BY_PDF),
    "courriel-sud": (SUD, {"make_directory": False, "overwrite": True, "connections": 2}),
}
# Of remises that were delivered, in ":suites": taken back beside what is brought to the same places (a mail by the lieu
# itself), issued again, acknowledged by a flux in a return directory, read by a lieu in its dépôt.
WITHDRAWN = ("sftp-plat", "depot-nord", "courriel-sud")
REISSUED = "sftp-sans-renommage"
ACKNOWLEDGED = "sftp-nord"
READ = "depot-sud"


def assert_same(what, found, expected):
    """Says what differs, in tools/torture as well, where no assertion is rewritten."""
    if found != expected:
        raise AssertionError(f"{what}: {found} and not {expected}")


def lieux_of(*communes):
    return sorted(name for name, (commune, _) in LIEUX.items() if commune in communes)


def scene_of(point):
    return next((scene for scene in SCENES if scene and point.endswith(scene)), "")


def sealed(mail):
    """The mail, none of whose parts can be read for a family's name."""
    for part in mail.walk():
        if not part.is_multipart():
            content = part.get_payload(decode=True)
            assert MARK.encode() not in content, f"in clear: {mail['Message-ID']}"
            assert not content.startswith(b"%PDF-") or is_sealed(content), f"a PDF to be read by anybody: {mail['Message-ID']}"
    return mail


def is_sealed(pdf):
    """Whether it opens with the lieu's password alone, and all of it is encrypted with AES-256."""
    with contextlib.suppress(pikepdf.PasswordError):
        pikepdf.open(io.BytesIO(pdf)).close()
        return False
    with pikepdf.open(io.BytesIO(pdf), password=PASSWORD) as opened:
        how = opened.encryption
        return how.R == 6 and how.bits == 256 and {m.name for m in (how.stream_method, how.string_method, how.file_method)} == {"aesv3"}


class Outside:
    """The servers that every site delivers to, each into directories and under an address of its own."""

    def __init__(self, path):
        self.path = path
        self.sshd = Sshd(path / "sshd")
        self.without_rename = Sshd(path / "sshd-2", subsystem="internal-sftp -P rename,posix-rename")
        self.without_rename.admit(self.sshd)
        self.put_off = path / "smtp/absents"  # whom the mail server puts off
        self.put_off.mkdir(parents=True)
        self.mail = MailServer(path / "smtp")
        self.mail.start("--refuse", f"{PERSONS[REFUSED]}@*", "--deferred", self.put_off)
        self.reader = Lieu(path / "lieu")  # who opens the mails, of whatever site
        self.lock = threading.Lock()
        self.read = 0
        self.taken = collections.defaultdict(list)  # by the sender's domain: where its mails lie
        self.recipients = {}  # of each mail, by path: whom the server took it for

    def close(self):
        self.sshd.stop()
        self.without_rename.stop()
        self.mail.stop()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def mails(self, domain):
        with self.lock:
            while (path := self.mail.directory / f"{self.read + 1}.eml").exists():
                with path.open("rb") as file:
                    head = email.parser.BytesHeaderParser(policy=email.policy.default).parse(file)
                self.taken[head["From"].addresses[0].domain].append(path)
                self.recipients[path] = self.mail.log()[self.read].split("recipients=")[1].split(",")
                self.read += 1
            return list(self.taken[domain])

    def forget(self, domain):
        """Thousands of sites would fill the place."""
        for path in self.mails(domain):
            path.unlink()
            del self.recipients[path]
        del self.taken[domain]


class Scene:
    """A site with what stands at its partners'. Nothing lies in arrivee/ but the habilitations."""

    def __init__(self, binary, path, outside):
        self.site = Site(binary, path / "site")
        self.path = path
        self.outside = outside
        self.domain = f"{path.name.replace('_', 'x')}.example"
        secrets = self.site.path / "justificatifs"
        secrets.mkdir()
        (secrets / "cle-partenaire").write_bytes((outside.sshd.path / "cle").read_bytes())
        (secrets / "cle-partenaire").chmod(0o600)
        shutil.copy(outside.reader.path / "justificatifs/rpe-pdf", secrets)
        self.temporary = path / "tmp"
        self.temporary.mkdir()
        self.environment = {**os.environ, "TMPDIR": str(self.temporary)}
        self.provisioned = False
        self.site.configure(f"[credentials]\ndirectory = justificatifs\n[mail]\nfrom = navette@{self.domain}\n"
                            f"server = 127.0.0.1:{outside.mail.port}\nca = {outside.mail.certificate}\n"
                            "[daemon]\nscan_every = 1s\n")
        self.site.config.write_text(self.site.config.read_text(encoding="utf-8")
                                    .replace("create = yes", "create = yes\nsftp_log = sftp.log"), encoding="utf-8")
        self.returns.mkdir(parents=True)
        self.lieux = LIEUX  # as they are served now
        self.serves = False  # its passes are those of `serve`
        self.destroyed = set()  # remises of which their lieu says that it destroyed the mail
        for lieu, (_, profile) in LIEUX.items():
            if profile is not None:
                self.at_partner(lieu).mkdir(parents=True)
        self.give_certificate()
        self.grant(1)

    @property
    def certificate(self):
        return self.site.path / "justificatifs/smime-rpe"

    def give_certificate(self):
        shutil.copy(self.outside.reader.path / "justificatifs/smime-rpe", self.certificate)  # with its mode

    def remove(self):
        self.outside.forget(self.domain)
        shutil.rmtree(self.path)

    def at_partner(self, lieu):
        return self.path / "partenaires" / lieu

    @property
    def returns(self):
        return self.path / "retour"

    def grant(self, version):
        """The habilitations, once more."""
        def channel(lieu, profile):
            if profile is None:
                return "<depot/>"
            if profile in (BY_MAIL, BY_PDF):
                return courriel("pdf" if profile == BY_PDF else "smime", box=f"{lieu}@{self.domain}")
            sshd = self.outside.without_rename if lieu == WITHOUT_RENAME else self.outside.sshd
            canal = sshd.channel(**profile).replace(f"<repertoire>{sshd.there}<", f"<repertoire>{self.at_partner(lieu)}<")
            if lieu == ACKNOWLEDGED:
                canal = canal.replace("<preuveRetrait>disparition</preuveRetrait>",
                                      f"<preuveRetrait>retrait</preuveRetrait><repertoireRetour>{self.returns}</repertoireRetour>")
            return canal
        lieux = {lieu: [commune] for lieu, (commune, _) in self.lieux.items()}
        canal = {lieu: channel(lieu, profile) for lieu, (_, profile) in self.lieux.items()}
        persons = [personne(number, self.box(number), until=-1 if number == GONE else None) for number in PERSONS]
        self.site.deposit(habilitations(f"HAB-{version}", convention("CLI_1", lieux, version=version, canal=canal, personnes=persons)),
                          "caf-421", f"hab-{version}.xml")

    def box(self, number):
        return f"{PERSONS[number]}@{self.domain}"

    def provision(self):
        """Dépôts as `lieux provision` leaves them, but for their accounts, which take root: navette makes none itself, and
        what it delivers is its own and, by the setgid bit, the group's of the lieu."""
        self.provisioned = True
        text = self.site.config.read_text(encoding="utf-8")
        assert text.count("create = yes") == 1
        self.site.config.write_text(text.replace("create = yes", "create = no"), encoding="utf-8")
        self.site.depot.mkdir()
        for lieu in (lieu for lieu in LIEUX if None in (LIEUX[lieu][1], AVENANT[lieu][1])):
            for name, mode in {"": 0o755, "remises": 0o2750, "retour": 0o2770, ".en-cours": 0o2700, "dev": 0o755}.items():
                path = self.site.depot / lieu / name
                path.mkdir()
                if os.geteuid() == 0 and mode & 0o2000:
                    os.chown(path, -1, self.group_of(lieu))
                path.chmod(mode)  # after chown, which clears setgid

    @staticmethod
    def group_of(lieu):
        return 50000 + sorted(LIEUX).index(lieu) if os.geteuid() == 0 else os.getegid()

    def deposit(self):
        """Of the demandes one is refused and one has no lieu; and one flux is bad."""
        records = [demande("A1", nom=MARK), demande("A2", [NORD, SUD], nom=MARK), demande("A3", [SUD], nom=MARK),
                   demande("A4", ["42999"], nom=MARK), demande("A5", ["42094"], nom=MARK)]
        self.site.deposit(demandes("D1", *records), name="d1.xml")
        self.site.deposit(demandes("D2", demande("B1", nom=MARK), announced=9), name="d2.xml")
        self.site.deposit(demandes("D3", demande("C1", nom=MARK)), name="d3.xml")

    # ---- passes

    def struck(self, fault, timeout=120):
        """One pass under that fault; whether it met it."""
        return self.struck_in(fault, "run", "--now", timeout=timeout)[0]

    def struck_in(self, fault, *command, timeout=120):
        """Whether that command met the fault, and its exit code."""
        done = self.site.run(*command, code=None, timeout=timeout, env={**self.environment, "NAVETTE_FAULT": fault})
        assert done.returncode in (0, 1, 3, -signal.SIGKILL), (done.returncode, done.stderr[-2000:])
        return "fault struck: " in done.stderr, done.returncode

    def struck_apart(self, fault):
        """The same for a pass that takes remises apart: of those that failed when connections were lost with their files written
        on, a demande is held. It is released afterwards."""
        self.lose_connections()
        self.site.run("demandes", "hold", "A2", "--why", "essai")
        struck = self.struck(fault)
        self.site.run("demandes", "release", "A2", code=None)
        return struck

    def lose_connections(self):
        """Passes in which each connection to a partner is lost once a file is written there, until each lieu's was: no more,
        since a further attempt looks what is there."""
        for _ in BY_SFTP:
            self.struck("1+:lost@sftp.close")
            tried = rows(self.site, "SELECT DISTINCT l.identifiant FROM remise r JOIN lieu l ON l.id = r.lieu_id "
                         "WHERE r.etat <> 'livree' AND tentatives > 0 AND l.identifiant LIKE 'sftp-%'")
            self.retry()
            if len(tried) == len(BY_SFTP):
                return
        raise AssertionError(f"connections were lost to {tried} alone")

    def struck_at_mail(self, fault):
        """The same for a pass to which a former one left the remise by mail alone: its certificate was missing. Of those whom
        it is announced to one's box is put off."""
        self.certificate.unlink()
        self.site.passes(code=1)
        assert_same("left to do", rows(self.site, "SELECT DISTINCT l.identifiant FROM remise r JOIN lieu l ON l.id = r.lieu_id "
                                       "WHERE r.etat <> 'livree'"), [("courriel-sud",)])
        self.give_certificate()
        self.retry()
        absent = self.outside.put_off / self.box(TOLD[-1])
        absent.touch()
        try:
            return self.struck(fault)
        finally:
            absent.unlink()

    def struck_at_avenant(self, fault):
        """The same for a pass that takes in an avenant by which lieux are served another way. Of the remises of those by SFTP a part
        stands at the partner's, that of the lieu by mail could not be sealed, those of the dépôts are there."""
        self.provision()
        self.certificate.unlink()
        self.lose_connections()
        self.give_certificate()
        assert_same("left to do", rows(self.site, "SELECT l.identifiant FROM remise r JOIN lieu l ON l.id = r.lieu_id "
                                       "WHERE r.etat <> 'livree' ORDER BY 1"), [(lieu,) for lieu in sorted([*BY_SFTP, "courriel-sud"])])
        assert all(path.is_file() for lieu in BY_SFTP for path in [*self.at_partner(lieu).rglob("*.pdf*")][:1] or [self.path / "nothing"])
        self.lieux = AVENANT
        for lieu in AVENANT:
            self.at_partner(lieu).mkdir(exist_ok=True)
        self.grant(2)
        return self.struck(fault)

    def struck_at_follow_up(self, fault):
        """The same for a pass that finds remises withdrawn, to be issued again and picked up, and a new demande for some of the same
        lieux; and for the commands that withdraw, issue again, hold, and say what a lieu destroyed."""
        self.provision()
        self.site.passes()
        remise = {lieu: self.remise_of(lieu) for lieu in LIEUX}
        why = ("--why", "essai")
        struck = [self.ordered(fault, "remises", "withdraw", remise[lieu], *why, "--apply") for lieu in WITHDRAWN]
        struck += [self.ordered(fault, "remises", "reissue", remise[REISSUED], *why), self.ordered(fault, "demandes", "hold", "A5", *why)]
        (self.returns / "retrait.xml.part").write_bytes(retrait("R-1", remise[ACKNOWLEDGED], emetteur=ACKNOWLEDGED))
        (self.returns / "retrait.xml.part").rename(self.returns / "retrait.xml")
        self.read_in_depot(READ, remise[READ])
        self.site.deposit(demandes("D4", demande("E1", [SUD], nom=MARK)), name="d4.xml")
        struck.append(self.struck(fault))
        self.destroyed.add(remise["courriel-sud"])
        struck += [self.ordered(fault, "remises", "taken-back", remise["courriel-sud"], *why), self.ordered(fault, "demandes", "release", "A5")]
        return any(struck)

    def remise_of(self, lieu):
        (name,), = rows(self.site, "SELECT r.nom FROM remise r JOIN lieu l ON l.id = r.lieu_id WHERE r.etat = 'livree' "
                        f"AND l.identifiant = '{lieu}'")
        return name

    def ordered(self, fault, *command):
        """An operator's command under that fault, and again until it is done; whether it met it."""
        # Where operations are counted they are those of the pass.
        struck, code = (False, 3) if fault.startswith("count:") else self.struck_in(fault, *command)
        if code != 0:
            again = self.site.run(*command, code=(0, 3))
            assert again.returncode == 0 or (struck and re.search("already|is not held", again.stderr)), again.stderr
        return struck

    def read_in_depot(self, lieu, remise):
        """What the log of internal-sftp says once the lieu has read its remise, as PDF."""
        head = "2026-11-20T06:00:00.5+01:00 sftp internal-sftp[10]: "
        lines = [f"session opened for local user {lieu} from [192.0.2.10]"]
        for path in (self.site.depot / lieu / "remises" / remise).glob("*.pdf"):
            lines.append(f'close "/remises/{remise}/{path.name}" bytes read {path.stat().st_size} written 0')
        (self.site.path / "sftp.log").write_text("".join(f"{head}{line}\n" for line in lines), encoding="ascii")

    def struck_at_alert(self, fault):
        """The same for the first pass of `serve` when nothing is due but the alert to the Caf: it tells of a flux that was
        refused and of a commune without a lieu."""
        self.site.passes()
        self.serves = True
        return self.struck_serving(fault)

    def struck_serving(self, fault=None, bound=120):
        """The first pass of `serve`; whether it met the fault."""
        log = self.path / "serve.log"
        address = f"\0navette-torture-{os.getpid()}-{id(self)}"  # abstract: no path to be too long
        env = {**self.environment, "NOTIFY_SOCKET": "@" + address[1:], **({"NAVETTE_FAULT": fault} if fault else {})}
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager, log.open("wb") as err:
            manager.bind(address)
            manager.settimeout(0.05)
            serving = self.site.start("serve", stderr=err, stdout=subprocess.DEVNULL, env=env)
            end = time.monotonic() + bound
            while serving.poll() is None and time.monotonic() < end:
                try:
                    if b"STATUS=" in manager.recv(65536):  # it tells so after each pass
                        break
                except TimeoutError:
                    continue
            serving.terminate()
            try:
                serving.wait(timeout=bound)
            except subprocess.TimeoutExpired:
                serving.kill()
                raise
        told = log.read_text(encoding="utf-8")
        assert serving.returncode in (0, 3, -signal.SIGKILL), (serving.returncode, told[-2000:])
        return "fault struck: " in told

    def converge(self, rounds=12):
        """Passes, and what an operator does to what waits for its next try, until nothing is left to do."""
        for _ in range(rounds):
            self.retry()
            if self.serves:
                self.struck_serving()
            else:
                ended = self.site.run("run", "--now", code=(0, 1), timeout=600, env=self.environment)
            assert_same("held", self.holds(), [])  # by a pass that met no fault
            if self.quiet():
                return
        raise AssertionError(f"not settled after {rounds} passes: "
                             + ((self.path / "serve.log").read_text(encoding="utf-8") if self.serves else ended.stdout + ended.stderr))

    def found(self, sql):
        """Nothing as long as there is no database, or no table yet."""
        try:
            return rows(self.site, sql)
        except sqlite3.OperationalError:
            return []

    def retry(self):
        for lieu, in self.found("SELECT identifiant FROM lieu WHERE echecs > 0 OR retenu = 1 OR id IN (SELECT lieu_id FROM regard WHERE "
                                "echoue_le IS NOT NULL)"):
            self.site.run("lieux", "retry", lieu)
        for remise, in self.found("SELECT r.nom FROM remise r LEFT JOIN notification n ON n.remise_id = r.id "
                                  "WHERE (r.etat = 'prete' AND r.tentatives > 0) OR r.etat IN ('retenue', 'a-rappeler') "
                                  "OR (n.etat = 'a-envoyer' AND n.tentatives > 0)"):
            self.site.run("remises", "retry", remise)
        for reference, in self.found("SELECT DISTINCT reference FROM demande d JOIN acheminement a ON a.demande_id = d.id "
                                     "WHERE a.etat = 'retenu'"):
            self.site.run("demandes", "retry", reference)
        if self.found("SELECT 1 FROM alerte WHERE acceptee_le IS NULL"):  # the hour until its next try passes
            with contextlib.closing(sqlite3.connect(self.site.database)) as db, db:
                db.execute("UPDATE alerte SET prochaine = 0")

    def holds(self):
        return self.found("SELECT identifiant, derniere_erreur FROM lieu WHERE retenu = 1 UNION ALL "
                          "SELECT nom, motif FROM remise WHERE etat = 'retenue' UNION ALL "
                          "SELECT d.reference, 'acheminement' FROM acheminement a JOIN demande d ON d.id = a.demande_id "
                          "WHERE a.etat = 'retenu'")

    def quiet(self):
        left = self.found("SELECT (SELECT count(*) FROM flux WHERE etat = 'recu' OR accuse IS NULL)"
                          " + (SELECT count(*) FROM acheminement WHERE etat NOT IN ('remis', 'retire'))"
                          " + (SELECT count(*) FROM remise WHERE etat NOT IN ('dissoute', 'livree', 'rappelee'))"
                          " + (SELECT count(*) FROM reemission)"
                          " + (SELECT count(*) FROM notification WHERE etat <> 'envoyee')"
                          " + (SELECT count(*) FROM demande WHERE admise = 0)"
                          " + (SELECT count(*) FROM demande_commune WHERE etat = 'nouvelle')")
        waits = [*(self.site.spool / "arrivee").glob("*/*"), *self.returns.iterdir()]
        told = not self.serves or self.found("SELECT 1 FROM alerte WHERE acceptee_le IS NOT NULL")
        return left == [(0,)] and not waits and bool(told)

    # ---- what came of it

    def mails(self):
        """By Message-ID, without what all have in common: those that came under it, as bytes."""
        out = collections.defaultdict(list)
        for path in self.outside.mails(self.domain):
            data = path.read_bytes()
            mail = sealed(email.message_from_bytes(data, policy=email.policy.default))
            out[mail["Message-ID"].removeprefix("<").removesuffix(f"@{self.domain}>")].append(data)
        return out

    def unpack_mails(self):
        """As their lieu does, to where the remises of a partner by SFTP lie."""
        for name, copies in self.mails().items():
            remise, dot, _ = name.partition(".contenu")
            if not dot or remise in self.destroyed:
                continue
            assert len(set(copies)) == 1, f"{remise} was mailed with other bytes"
            mail = email.message_from_bytes(copies[0], policy=email.policy.default)
            directory = self.at_partner(mail["To"].addresses[0].username) / remise
            if not directory.exists():
                directory.mkdir()
                for file, content in self.outside.reader.opened(copies[0], self.path)[0].items():
                    (directory / file).write_bytes(content)

    def manifests(self):
        """(lieu, remise, manifest, directory, whether the directory is the remise's own)"""
        self.unpack_mails()
        for path in self.site.depot.glob("*/remises/*/manifeste.xml"):
            yield path.parts[-4], path.parent.name, path, True
        for lieu, (_, profile) in LIEUX.items():
            for path in self.at_partner(lieu).rglob("*manifeste.xml"):
                own = path.parent != self.at_partner(lieu)
                assert self.lieux is AVENANT or own == (profile in (BY_MAIL, BY_PDF) or profile.get("make_directory", True)), path
                yield lieu, path.parent.name if own else path.name.removesuffix("_manifeste.xml"), path, own

    def delivered(self):
        """What the lieux have: (lieu, remise, file, SHA-256), each file as its manifest says and nothing beside."""
        out, names, known = [], set(), set()
        manifests = list(self.manifests())
        if manifests:
            validate("remise-1.xsd", *(m[2] for m in manifests))
        for lieu, remise, manifest, own in manifests:
            root = ElementTree.parse(manifest).getroot()
            assert (root.findtext(f"{R}identifiant"), root.findtext(f"{R}lieu")) == (remise, lieu), manifest
            assert remise not in names, f"{remise} stands in two places"
            names.add(remise)
            files = root.findall(f"{R}fichiers/{R}fichier")
            assert len(files) == 2 * int(root.findtext(f"{R}nombreDemandes"))
            for f in files:
                path = manifest.parent / f.findtext(f"{R}nom")
                data = path.read_bytes()
                digest = hashlib.sha256(data).hexdigest()
                assert (str(len(data)), digest) == (f.findtext(f"{R}taille"), f.findtext(f"{R}sha256")), path
                out.append((lieu, remise, path.name, digest))
                known.add(path)
            sheet = root.find(f"{R}bordereau")
            path = manifest.parent / sheet.findtext(f"{R}nom")
            data = path.read_bytes()
            assert path.name == f"BORDEREAU_{remise}.pdf" and data.startswith(b"%PDF-")
            digest = hashlib.sha256(data).hexdigest()
            assert (str(len(data)), digest) == (sheet.findtext(f"{R}taille"), sheet.findtext(f"{R}sha256")), path
            out.append((lieu, remise, path.name, digest))
            known |= {path, manifest}
            out.append((lieu, remise, "manifeste.xml", hashlib.sha256(manifest.read_bytes()).hexdigest()))
        there = {p for top in (self.site.depot, self.path / "partenaires") for p in top.rglob("*") if p.is_file()}
        assert there == known, f"of no remise: {sorted(map(str, there ^ known))}"
        return sorted(out)

    def outcome(self):
        """Without what may differ: tickets, times and how demandes were grouped into remises."""
        site = self.site
        answers = []
        for emetteur in ("monenfant", "caf-421", ACKNOWLEDGED):
            for path in site.accuses(emetteur):
                root = ElementTree.parse(path).getroot()
                answers.append((emetteur, root.findtext(f"{A}flux/{A}nomFichier"), root.findtext(f"{A}resultat"),
                                root.findtext(f"{A}motif/{A}code"), tuple(r.findtext(f"{A}code") for r in root.iter(f"{A}refus")),
                                tuple(e.text for e in root.find(f"{A}compteurs"))))
        return {
            "delivered": sorted((lieu, name, digest) for lieu, _, name, digest in self.delivered() if name.startswith("DI_")),
            "answers": sorted(answers, key=str),
            "withdrawn": rows(site, "SELECT l.identifiant, r.retiree_le, e.etat FROM remise r JOIN lieu l ON l.id = r.lieu_id "
                              "JOIN echeance e ON e.remise_id = r.id WHERE r.etat = 'rappelee' AND r.rappelee_le IS NOT NULL ORDER BY 1"),
            "withdrawn demandes": rows(site, "SELECT l.identifiant, d.reference FROM acheminement a JOIN lieu l ON l.id = a.lieu_id "
                                       "JOIN demande d ON d.id = a.demande_id WHERE a.etat = 'retire' ORDER BY 1, 2"),
            "issued again": rows(site, "SELECT l.identifiant, r.etat, f.etat FROM remise r JOIN remise f ON f.id = r.reemise_de "
                                 "JOIN lieu l ON l.id = r.lieu_id ORDER BY 1"),
            "picked up": rows(site, "SELECT l.identifiant, r.retrait_preuve, r.retrait_personne, e.etat FROM remise r "
                              "JOIN lieu l ON l.id = r.lieu_id JOIN echeance e ON e.remise_id = r.id "
                              "WHERE r.retiree_le IS NOT NULL ORDER BY 1"),
            # Each exactly once, whatever was begun again.
            "traces": rows(site, "SELECT action, count(*) FROM trace WHERE action IN ('remise.rappel', 'remise.rappelee', "
                           "'demande.retiree', 'remise.reemission', 'remise.retiree', 'remise.retrait-accuse') GROUP BY 1 ORDER BY 1"),
            "rejet": sorted(re.sub(r"^[^.]*\.", "", p.name) for p in (site.spool / "rejet").rglob("*") if p.is_file()),
            "held": rows(site, "SELECT reference FROM demande WHERE retenue IS NOT NULL"),
            "charge": rows(site, "SELECT d.emetteur, d.reference FROM charge JOIN demande d ON d.id = demande_id ORDER BY 2"),
            "sans-lieu": rows(site, "SELECT reference FROM demande WHERE sans_lieu = 1 ORDER BY 1"),
            "conventions": rows(site, "SELECT numero, version FROM convention JOIN version ON convention_id = convention.id"),
        }

    def check(self, expected, mails_at_most=2):
        site = self.site
        outcome = self.outcome()
        for what, wanted in expected.items():
            assert_same(what, outcome[what], wanted)
        names = sorted({remise for _, remise, _, _ in self.delivered()})
        assert_same("remises", names, [r[0] for r in rows(site, "SELECT nom FROM remise WHERE etat = 'livree' ORDER BY 1")])
        stored = rows(site, "SELECT r.nom, f.nom, f.sha256 FROM remise_fichier f JOIN remise r ON r.id = f.remise_id WHERE r.etat = 'livree'")
        assert_same("stored bytes", sorted((remise, name, digest) for _, remise, name, digest in self.delivered()), sorted(stored))
        withdrawn = [r[0] for r in rows(site, "SELECT nom FROM remise WHERE etat = 'rappelee'")]  # after they were told of
        names = sorted(names + withdrawn)
        told = rows(site, "SELECT nom FROM notification JOIN remise ON remise.id = remise_id WHERE notification.etat = 'envoyee'"
                    " AND acceptee_le IS NOT NULL ORDER BY 1")
        assert_same("notifications", [t[0] for t in told], names)
        assert_same("échéances", len(rows(site, "SELECT 1 FROM echeance WHERE genre LIKE 'retrait%'")), len(names))
        mails = self.mails()
        # What says of each by which channel it went, an avenant's or that before it, says the truth.
        went = dict(rows(site, "SELECT r.nom, v.canal FROM remise r JOIN lieu_version v ON v.lieu_id = r.lieu_id AND v.version_id = "
                         "coalesce(r.livree_par, r.version_id) WHERE r.etat IN ('livree', 'rappelee')"))
        by_mail = [remise for remise, canal in went.items() if canal == "courriel"]
        assert_same("in dépôts", sorted(remise for _, remise, path, _ in self.manifests() if path.is_relative_to(site.depot)),
                    sorted(remise for remise, canal in went.items() if canal == "depot" and remise not in withdrawn))
        alerts = [a[0] for a in rows(site, "SELECT 'alerte-' || caf || '-' || jour FROM alerte WHERE acceptee_le IS NOT NULL")]
        assert_same("mails", sorted(mails), sorted([*names, *(name + ".contenu" for name in by_mail), *alerts]))
        assert_same("alerts", rows(site, "SELECT count(*) FROM trace WHERE action = 'alerte.acceptee'"), [(len(alerts),)])
        self.check_persons(names, mails_at_most)
        validate("accuse-1.xsd", *site.accuses(), *site.accuses("caf-421"), *site.accuses(ACKNOWLEDGED))
        self.check_depots()
        self.check_leftovers()
        assert rows(site, "PRAGMA foreign_key_check") == [] and rows(site, "PRAGMA integrity_check") == [("ok",)]
        site.run("traces", "verify")

    def check_persons(self, remises, mails_at_most):
        """Each has each mail that is for him, and no other; the trace tells of whom none could be got to."""
        came = collections.defaultdict(collections.Counter)
        for path in self.outside.mails(self.domain):
            mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
            name = mail["Message-ID"].removeprefix("<").removesuffix(f"@{self.domain}>")
            came[name].update(self.outside.recipients[path])
        wanted = {remise: sorted(map(self.box, TOLD)) for remise in remises}
        assert_same("told", {remise: sorted(came[remise]) for remise in remises}, wanted)
        often = {name: count for name, count in came.items() if max(count.values()) > mails_at_most}
        assert_same("too often", often, {})
        rows_of = "FROM notification JOIN remise ON remise.id = remise_id ORDER BY nom"
        assert_same("persons told", rows(self.site, f"SELECT nom, destinataires {rows_of}"), [(r, len(TOLD)) for r in remises])
        assert_same("persons by name", rows(self.site, "SELECT nom, destinataire, refus IS NULL FROM notification_recue JOIN remise ON "
                                            "remise.id = remise_id ORDER BY 1, 2"),
                    [(r, number, number != REFUSED) for r in remises for number in sorted([*TOLD, REFUSED])])
        traced = [re.sub(r" \(.*", "", t[0]) for t in rows(self.site, "SELECT detail FROM trace JOIN trace_detail USING (seq) "
                                                           "WHERE action = 'notification.acceptee'")]
        assert_same("persons missed", traced, len(remises) * [f"destinataires={len(TOLD)} non-joints={REFUSED}"])

    def check_depots(self):
        """What lies in a dépôt is open to the lieu's group and to nobody else."""
        for path in self.site.depot.glob("*/remises/**/*"):
            status = path.stat()
            lieu = path.relative_to(self.site.depot).parts[0]
            expected = (0o750 if path.is_dir() else 0o640, os.getegid())
            if self.provisioned:
                expected = (0o2750 if path.is_dir() else 0o640, self.group_of(lieu))
            assert_same(f"mode and group of {path}", (oct(status.st_mode & 0o7777), status.st_gid), (oct(expected[0]), expected[1]))

    def check_leftovers(self):
        """Nor does a family's name lie anywhere but where it belongs."""
        site = self.site
        left = [p for d in ("travail", "depart", "arrivee") for p in (site.spool / d).rglob("*") if not p.is_dir()]
        left += [*(site.spool / "depart").glob("*/*"), *site.depot.glob("*/.en-cours/*"), *self.returns.iterdir()]
        left += self.temporary.iterdir()
        left += [p for p in self.path.rglob(".*") if p.name not in (".lock", ".en-cours")]
        assert_same("left over", left, [])
        for path in site.path.rglob("*"):
            if path.is_file() and MARK.encode() in path.read_bytes():
                relative = path.relative_to(site.path).parts
                database = path.parent == site.database.parent and path.name.removeprefix(site.database.name) in ("", "-wal", "-shm", "-journal")
                assert database or relative[0] == "depot" or relative[:2] == ("spool", "rejet"), path


# ---- points

@dataclasses.dataclass(frozen=True)
class Tried:
    point: str      # as NAVETTE_FAULT has it
    struck: bool    # false: the pass was over before
    fault: str = ""  # what is wrong; empty when all is well


class Torture:
    """Tries points; `place` is empty and quick."""

    def __init__(self, binary, place, jobs):
        self.binary, self.place, self.jobs = binary, pathlib.Path(place), jobs
        self.outside = Outside(self.place)
        self.reached = {}  # by scene: what its untouched twin came to
        self.counts = {}
        self.of_the_mail, self.of_the_alert, self.of_the_renames = [], [], []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.outside.close()

    @property
    def expected(self):
        return self.reached[""]

    def scene(self):
        scene = Scene(self.binary, pathlib.Path(tempfile.mkdtemp(prefix="p-", dir=self.place)), self.outside)
        scene.deposit()
        return scene

    def strike(self, scene, point):
        """One pass under the fault that `point` names, N:KIND and its scene; whether it met it."""
        which = scene_of(point)
        fault = point.removesuffix(which)
        strike = {"": scene.struck, ":apart": scene.struck_apart, ":courriel": scene.struck_at_mail,
                  ":suites": scene.struck_at_follow_up, ":alerte": scene.struck_at_alert, ":avenant": scene.struck_at_avenant}
        return strike[which](fault)

    def look(self):
        """The untouched twins: what every other must reach, and how many operations know each kind. False: a binary without
        fault points."""
        for which in SCENES:
            operations = self.untouched(which)
            if operations is None:
                return False
            words = collections.Counter(word for _, *kinds in operations for word in kinds)
            self.counts |= {kind + which: words[kind] for kind in KINDS}
            if which == "":
                renames = sum(name == "sftp.rename" for name, *_ in operations)
                self.of_the_renames = [f"{n}:refused@sftp.rename" for n in spread(renames, 2)]
            if which == ":courriel":
                self.of_the_mail = points_of_the_mail(operations)
            if which == ":alerte":
                self.of_the_alert = points_of_the_alert(operations)
        return True

    def untouched(self, which):
        """The operations of an untouched twin, each its name and kinds; None: none were counted."""
        scene = self.scene()
        counts = scene.path / "count"
        self.strike(scene, f"count:{counts}{which}")
        scene.converge()
        if not counts.exists():
            return None
        self.reached[which] = scene.outcome() if which in ("", ":suites", ":avenant") else self.expected
        scene.check(self.reached[which], mails_at_most=1)
        if which == ":apart":
            assert_same("taken apart", rows(scene.site, "SELECT l.identifiant FROM remise r JOIN lieu l ON l.id = r.lieu_id "
                                            "WHERE r.etat = 'dissoute' AND tentatives > 0 ORDER BY 1"), [(lieu,) for lieu in BY_SFTP])
        return [line.split() for line in counts.read_text(encoding="ascii").splitlines()]

    def try_point(self, point, disturb=None):
        """`disturb`: another way to disturb one pass than a fault point."""
        scene = self.scene()
        struck, fault = False, ""
        try:
            struck = (disturb or self.strike)(scene, point)
            if ":refused" not in point:  # what a server refuses waits for a person; what passes must not
                assert_same("held", scene.holds(), [])
            scene.converge()
            scene.check(self.reached[scene_of(point)])
            scene.remove()
        except (AssertionError, subprocess.TimeoutExpired, OSError, ElementTree.ParseError, sqlite3.Error) as e:
            line = traceback.extract_tb(e.__traceback__)[-1].line
            fault = f"{type(e).__name__}: {str(e) or line} ({scene.path})"
        return Tried(point, struck, fault)

    def try_all(self, points, tell=lambda tried: None, disturb=None):
        interrupted = threading.Event()  # then the servers and passes under way were as well: that is no fault

        def one(point):
            tried = self.try_point(point, disturb)
            if not interrupted.is_set():
                tell(tried)
            return tried
        pool = concurrent.futures.ThreadPoolExecutor(max_workers=self.jobs)
        try:
            return list(pool.map(one, points))
        except KeyboardInterrupt:
            interrupted.set()
            raise
        finally:
            pool.shutdown(cancel_futures=True)

    def sample(self, count, scenes=SCENES):
        """About `count` points of these scenes: whatever is done for a remise by mail and for an alert, renames at a partner that
        are done and said not to be, and of the others each kind, one after another deeper in the pass, and each scene elsewhere."""
        chosen = [point for point in self.of_the_renames + self.of_the_mail + self.of_the_alert if scene_of(point) in scenes]
        others = [scene for scene in scenes if scene not in (":courriel", ":alerte")]
        share = max(1, (count - len(chosen)) // max(1, len(others)) // len(KINDS))
        for step, scene in enumerate(others, start=1):
            for i, kind in enumerate(KINDS):
                last = self.counts[kind + scene]
                depth = (0.5 + (i + 2 * step) % len(KINDS)) / len(KINDS)
                chosen += [f"{1 + int(last * (turn + depth) / share)}:{kind}{scene}" for turn in range(share)]
        return chosen

    def every(self, kinds=None):
        """Every point of these kinds (KIND or KIND:SCENE), or of all."""
        points = [f"{n}:{kind}" for kind, last in self.counts.items() if kind in (kinds or self.counts) for n in range(1, last + 1)]
        random.Random(1).shuffle(points)  # an interrupted run has seen something of everything
        return points

    def beyond(self, kinds, tell):
        """Threads make no two passes the same: on from where every() ends until a pass completes untouched."""
        for kind, n in self.counts.items():
            struck = kind in kinds
            while struck:
                n += 1
                tried = self.try_point(f"{n}:{kind}")
                tell(tried)
                struck = tried.struck


def points_of_the_mail(operations):
    """Of that scene: whatever composes, stores and remembers the mail meets one kind of fault, in turn; its sending, and that
    of the notification, all that they know. By name, for what looks at other lieux meanwhile."""
    sendings = [i for i, (name, *_) in enumerate(operations) if name == "smtp.send"]
    commits = [i for i, (name, *_) in enumerate(operations) if name == "sqlite.commit"]
    first, last = max(i for i in commits if i < sendings[0]), min(i for i in commits if i > sendings[0])
    out, turn = [], 0
    for i, (name, *kinds) in enumerate(operations):
        if i in sendings:
            chosen = kinds
        elif first < i < last and not name.startswith(("ssh.", "sftp.", "sqlite.")):
            chosen, turn = [kinds[turn % len(kinds)]], turn + 1
        else:
            continue
        out += [f"{sum(o[0] == name and kind in o for o in operations[:i + 1])}:{kind}@{name}:courriel" for kind in chosen]
    return out


def points_of_the_alert(operations):
    """Of that scene: the mail's sending and the commit that remembers its answer, in every way that they know."""
    sending = next(i for i, (name, *_) in enumerate(operations) if name == "smtp.send")
    commit = next(i for i, (name, *_) in enumerate(operations) if i > sending and name == "sqlite.commit")
    return [f"{sum(o[0] == name and kind in o for o in operations[:i + 1])}:{kind}@{name}:alerte"
            for i in (sending, commit) for name, *kinds in [operations[i]] for kind in kinds]


def spread(count, points):
    """Points of 1 … count, evenly, the first and the last among them."""
    if count <= points:
        return list(range(1, count + 1))
    return sorted({1 + round(i * (count - 1) / (points - 1)) for i in range(points)})


# ---- the soak

def soak(binary, path, outside, kills, tell=lambda killed: None, seed=7):
    """`serve` killed again and again while demandes and habilitations keep coming; then the checks. Returns the number of
    flux that came."""
    scene = Scene(binary, path, outside)
    site = scene.site
    dice = random.Random(seed)
    stop = threading.Event()
    deposited, granted = [], [1]

    def inflow():
        while not stop.is_set():
            n = len(deposited)
            communes = [[NORD], [SUD], [NORD, SUD]][n % 3]
            site.deposit(demandes(f"D{n}", demande(f"S{n}", communes, nom=MARK)), name=f"s{n}.xml")
            deposited.append(communes)
            if n % 20 == 19:
                granted.append(len(granted) + 1)
                scene.grant(granted[-1])
            stop.wait(0.3)
    feeder = threading.Thread(target=inflow)
    feeder.start()
    try:
        killed, longest = 0, 1.5
        while killed < kills or (killed < 10 * kills and not any(scene.manifests())):
            # Every other time at an operation, mostly an early one: so it gets somewhere on a busy machine as well.
            by_operation = killed % 2 == 1
            fault = {"NAVETTE_FAULT": f"{round(10 ** dice.uniform(0.5, 3.5))}:kill"} if by_operation else {}
            serving = site.start("serve", stderr=subprocess.DEVNULL, env={**scene.environment, **fault})
            try:
                serving.wait(timeout=60 if by_operation else dice.uniform(0.15, longest))
                assert_same("serve ended by itself", serving.returncode, -signal.SIGKILL)
            except subprocess.TimeoutExpired:
                serving.kill()
                serving.wait(timeout=30)
            killed += 1
            tell(killed)
            if not any(scene.manifests()):  # a busy machine, or a build with sanitizers
                longest *= 1.3
    finally:
        stop.set()
        feeder.join()
    assert any(scene.manifests()), "killed too early every time: nothing was tried"
    scene.converge(rounds=30)
    # Twice would show here as well: one entry for each time.
    reached = collections.defaultdict(list)
    for lieu, _, name, _ in scene.delivered():
        if not name.startswith("DI_"):
            continue
        reached[name].append(lieu)
    wanted = {f"DI_monenfant_S{n}.{e}": lieux_of(*communes) for n, communes in enumerate(deposited) for e in ("pdf", "xml")}
    assert_same("delivered", {name: sorted(lieux) for name, lieux in reached.items()}, wanted)
    outcome = scene.outcome()
    flux = [f"s{n}.xml" for n in range(len(deposited))] + [f"hab-{n}.xml" for n in granted]
    assert_same("answers", sorted(answer[1:3] for answer in outcome["answers"]), sorted((name, "accepte") for name in flux))
    scene.check(outcome, mails_at_most=killed + 1)
    return len(flux)


def place():
    """A directory in memory, where there is such a file system: what is tried is the order of things, not the disk."""
    return tempfile.TemporaryDirectory(prefix="navette-torture-", dir=quick_place())
