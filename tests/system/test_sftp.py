"""Remises to partners' SFTP servers: real OpenSSH servers on loopback, through the whole binary."""

import contextlib
import datetime
import hashlib
import os
import pathlib
import pwd
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time

import pytest

from conftest import ROOT, without_cover_sheets
from test_main_job import (PARIS, at, convention, demande, demandes, dump_of_tables, habilitations, rows, run_at,
                           validate)
from test_notification import a_mail_server  # noqa: F401: a fixture
from test_serve import Service, wait_for

pytestmark = pytest.mark.skipif(not pathlib.Path("/usr/sbin/sshd").exists(), reason="openssh-server is not installed")

USER = pwd.getpwuid(os.geteuid()).pw_name


class Sshd:
    """A partner's server: one account (ours), one directory, keys of its own. `before`: shell lines that prepare mounts
    of its own, with its directory as $1 (takes root); what they hide is seen through `seen`."""

    def __init__(self, path, subsystem="internal-sftp", more="", before=None):
        self.path = path
        self.before = before
        self.there = path / "partenaire"
        self.there.mkdir(parents=True)
        for name in ("hote", "cle"):
            self.make_key(name)
        (path / "autorisees").write_bytes((path / "cle.pub").read_bytes())
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        (path / "sshd_config").write_text(
            f"Port {self.port}\nListenAddress 127.0.0.1\nPidFile none\nUsePAM no\nStrictModes no\nPermitRootLogin yes\n"
            f"PasswordAuthentication no\nMaxStartups 200\nHostKey {path}/hote\nAuthorizedKeysFile {path}/autorisees\n"
            f"Subsystem sftp {subsystem}\n{more}", encoding="ascii")
        self.process = None
        self.start()

    def make_key(self, name):
        (self.path / name).unlink(missing_ok=True)
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "essai", "-f", self.path / name], check=True)

    def admit(self, other):
        """Whoever logs in at the other server."""
        (self.path / "autorisees").write_bytes((other.path / "cle.pub").read_bytes())

    def fingerprint(self):
        done = subprocess.run(["ssh-keygen", "-lf", self.path / "hote.pub"], capture_output=True, text=True, check=True)
        return done.stdout.split()[1]

    def start(self):
        if os.geteuid() == 0:
            pathlib.Path("/run/sshd").mkdir(exist_ok=True)
        command = ["/usr/sbin/sshd", "-D", "-f", self.path / "sshd_config", "-E", self.path / "sshd.log"]
        if self.before:
            command = ["unshare", "--mount", "--propagation", "private", "sh", "-c", f'set -e\n{self.before}\nshift; exec "$@"',
                       "sh", self.path, *command]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL)

        def answers():
            with socket.socket() as s:
                return s.connect_ex(("127.0.0.1", self.port)) == 0
        wait_for(answers, what="sshd")

    def seen(self, path):
        """A path as the server sees it."""
        return pathlib.Path(f"/proc/{self.process.pid}/root{path}")

    def sessions(self):
        """Processes that serve its connections."""
        found = []
        pids = [self.process.pid]
        while pids:
            done = subprocess.run(["pgrep", "-P", ",".join(map(str, pids))], capture_output=True, text=True, check=False)
            pids = [int(p) for p in done.stdout.split()]
            found += pids
        return found

    def stop(self):
        self.process.send_signal(signal.SIGCONT)
        for pid in [*self.sessions(), self.process.pid]:
            with contextlib.suppress(ProcessLookupError):  # a session may end meanwhile
                os.kill(pid, signal.SIGKILL)
        self.process.wait(timeout=30)

    def channel(self, make_directory=True, rename=True, overwrite=False, port=None, connections=1):
        word = {True: "true", False: "false"}
        return (f"<sftp><hote>127.0.0.1</hote><port>{port or self.port}</port><utilisateur>{USER}</utilisateur>"
                f"<identifiantSecret>cle-partenaire</identifiantSecret><empreinteHote>{self.fingerprint()}</empreinteHote>"
                f"<repertoire>{self.there}</repertoire><suffixeTemporaire>.part</suffixeTemporaire>"
                f"<renommage>{word[rename]}</renommage><ecrasement>{word[overwrite]}</ecrasement>"
                f"<creationRepertoire>{word[make_directory]}</creationRepertoire><controleTaille>true</controleTaille>"
                "<preuveRetrait>disparition</preuveRetrait>"
                f"<connexions>{connections}</connexions></sftp>")

    def files(self):
        """But for the cover sheets of remises."""
        return without_cover_sheets(sorted(str(p.relative_to(self.there)) for p in self.there.rglob("*") if p.is_file()))


@contextlib.contextmanager
def behind_a_delay(sshd):
    """The port at which that server is 20 ms away."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    proxy = subprocess.Popen([sys.executable, ROOT / "bench/delay_proxy.py", str(port), str(sshd.port), "20"])

    def answers():
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", port)) == 0
    try:
        wait_for(answers, what="the proxy")
        yield port
    finally:
        proxy.kill()
        proxy.wait()


@pytest.fixture(name="sshd")
def a_server(tmp_path):
    server = Sshd(tmp_path / "serveur")
    yield server
    server.stop()


def open_site(site, sshd, canal=None, lieux=None, patience="1s", more=""):
    site.configure(f"[credentials]\ndirectory = justificatifs\n[daemon]\npatience = {patience}\n{more}")
    secrets = site.path / "justificatifs"
    secrets.mkdir()
    (secrets / "cle-partenaire").write_bytes((sshd.path / "cle").read_bytes())
    (secrets / "cle-partenaire").chmod(0o600)
    site.deposit(habilitations("HAB-0", convention("CLI_1", lieux or {"rpe-un": ["42218"]}, canal=canal or sshd.channel())),
                 "caf-421", "hab-0.xml")
    return site


@pytest.mark.parametrize("profile", [{}, {"make_directory": False}, {"overwrite": True}])
def test_remises_reach_a_partners_server(site, sshd, profile):
    open_site(site, sshd, sshd.channel(**profile))
    site.deposit(demandes("D1", demande("A1"), demande("A2")))
    site.passes(code=0)
    remise = site.json("remises", "list")[0]
    assert remise["etat"] == "livree" and remise["notifiee_le"]
    flat = profile.get("make_directory") is False
    at = "" if flat else remise["remise"] + "/"
    manifest = at + (f"{remise['remise']}_manifeste.xml" if flat else "manifeste.xml")
    assert sshd.files() == sorted([f"{at}DI_monenfant_{r}.{e}" for r in ("A1", "A2") for e in ("pdf", "xml")] + [manifest])
    validate("remise-1.xsd", sshd.there / manifest)
    assert list((site.spool / "depart").rglob("*.pdf")) == []
    mail = site.mails()[0].read_text(encoding="utf-8")
    assert "127.0.0.1" in mail
    site.passes(code=0)
    assert len(sshd.files()) == 5


def test_a_dead_or_stalled_partner_holds_up_nobody(site, sshd, tmp_path):
    stalled = Sshd(tmp_path / "fige")
    stalled.admit(sshd)
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # not listening: refused
        dead = sshd.channel(port=nobody.getsockname()[1])
        lieux = {f"rpe-{i:02}": ["42218"] for i in range(12)}
        canaux = {name: sshd.channel(connections=16) for name in lieux}
        canaux["rpe-00"], canaux["rpe-01"] = stalled.channel(), dead
        stalled.process.send_signal(signal.SIGSTOP)
        open_site(site, sshd, canaux, lieux)
        site.deposit(demandes("D1", demande("A1")))
        done = site.run("run", "--now", code=1)
    events = [line for line in done.stderr.splitlines() if "event=remise." in line or "event=notification" in line]
    deferred = [i for i, line in enumerate(events) if "remise.deferred" in line and "rpe-00" in line]
    others = [i for i, line in enumerate(events) if "event=remise.delivered" in line]
    told = [i for i, line in enumerate(events) if "event=notification.accepted" in line]
    assert len(others) == 10 and len(told) == 10
    assert max(others) < deferred[0] and max(told) < deferred[0], "waited for the stalled one"
    states = {r["lieu"]: r["etat"] for r in site.json("remises", "list")}
    assert states.pop("rpe-00") == states.pop("rpe-01") == "prete"
    assert set(states.values()) == {"livree"}
    stalled.process.send_signal(signal.SIGCONT)
    site.run("lieux", "retry", "rpe-00")
    site.passes(code=1)
    assert len(stalled.files()) == 3
    stalled.stop()


# Notes each session's begin and end. The first ones wait for one another, so that it is no matter of speed whether
# several are seen at once; for so long that a server that gets only one goes on.
SESSION = """#!/bin/sh
echo begin >> {log}
for i in $(seq 300); do [ $(grep -c begin {log}) -ge 3 ] && break; sleep 0.1; done
{server}
echo end >> {log}
"""


def test_a_backlog_leaves_over_as_many_connections_as_the_partner_admits(site, tmp_path):
    log, session = tmp_path / "sessions.log", tmp_path / "session"
    session.write_text(SESSION.format(log=log, server="/usr/lib/openssh/sftp-server"), encoding="ascii")
    session.chmod(0o755)
    sshd = Sshd(tmp_path / "serveur", subsystem=session)
    try:
        open_site(site, sshd, sshd.channel(connections=3), patience="90s")
        sshd.stop()
        count = 7
        for n in range(count):
            site.deposit(demandes(f"D{n}", demande(f"A{n}")), name=f"d{n}.xml")
            site.run("run", "--now", code=1)
        assert rows(site, "SELECT etat, count(*) FROM remise GROUP BY etat") == [("prete", count)]
        sshd.start()
        site.run("lieux", "retry", "rpe-un")
        site.run("run", "--now", code=0)
        assert rows(site, "SELECT etat, count(*) FROM remise GROUP BY etat") == [("livree", count)]
        # All of them the first time that it was there: nothing was sent twice.
        facts = rows(site, "SELECT faits FROM remise WHERE faits LIKE '%earlier attempt%' OR faits LIKE '%already%'")
        assert facts == [] and len(sshd.files()) == 3 * count
        at_once = most = 0
        for line in log.read_text(encoding="ascii").split():
            at_once += 1 if line == "begin" else -1
            most = max(most, at_once)
        assert most == 3
        assert len(site.mails()) == count
    finally:
        sshd.stop()


def test_a_changed_host_key_holds_the_partner_until_a_person_mends_it(site, sshd):
    open_site(site, sshd)
    site.deposit(demandes("D1", demande("A1")))
    sshd.stop()
    before = (sshd.path / "hote").read_bytes()
    sshd.make_key("hote")
    sshd.start()
    done = site.run("run", "--now", code=1)
    lieu = site.json("lieux", "show", "rpe-un")
    assert lieu["retenu"] and "cle-hote" in lieu["dernier_motif"] and sshd.files() == []
    [remise] = site.json("remises", "list")
    assert lieu["retenu_depuis"] == remise["partenaire_retenu_depuis"] is not None
    assert lieu["prochain_essai"] is None and remise["prochain_essai"] is None
    since = datetime.datetime.fromisoformat(lieu["retenu_depuis"]).astimezone(PARIS).strftime("%Y-%m-%d %H:%M")
    # Nothing will be tried by itself: nobody is told so, and what frees the partner is.
    held = (f"lieu rpe-un is held since {since}, 1 remise waits: navette lieux show rpe-un tells why; once mended, "
            "navette lieux retry rpe-un")
    for told in (done.stdout, site.run("status").stdout):
        assert held in told and "will be tried again" not in told
    for command in ("lieux", "remises"):
        assert " held " in site.run(command, "list").stdout.splitlines()[1]
    assert re.search(rf"^Next try: +held since {since}: once mended, navette lieux retry rpe-un$",
                     site.run("lieux", "show", "rpe-un").stdout, re.M)
    assert re.search(rf"^Next try: +its partner is held since {since}: once mended, navette lieux retry rpe-un$",
                     site.run("remises", "show", remise["remise"]).stdout, re.M)
    site.passes(code=1)
    assert rows(site, "SELECT tentatives FROM remise") == [(1,)], "tried again by itself"
    sshd.stop()
    (sshd.path / "hote").write_bytes(before)
    sshd.start()
    site.run("lieux", "retry", "rpe-un")
    site.passes(code=0)
    assert len(sshd.files()) == 3
    assert not site.json("lieux", "show", "rpe-un")["retenu"]


def test_the_next_try_is_the_partners_and_never_one_that_has_passed(site, sshd):
    open_site(site, sshd)
    site.deposit(demandes("D1", demande("A1")))
    sshd.stop()
    done = site.passes(code=1)
    assert "1 remise could not be delivered and will be tried again" in done.stdout and "held" not in done.stdout
    [remise] = site.json("remises", "list")
    lieu = site.json("lieux", "show", "rpe-un")
    assert remise["prochain_essai"] == lieu["prochain_essai"] > remise["composee_le"] and not lieu["retenu"]
    tomorrow = at(datetime.datetime.now(PARIS) + datetime.timedelta(days=1))
    for command in (("lieux", "list"), ("lieux", "show", "rpe-un"), ("remises", "list"), ("remises", "show", remise["remise"])):
        assert "due now" not in site.run(*command).stdout
        assert "due now" in site.run(*command, env=tomorrow).stdout
    site.run("lieux", "suspend", "rpe-un", "--why", "panne")
    assert " suspended " in site.run("remises", "list").stdout.splitlines()[1]
    done = site.passes(code=1)
    assert "1 lieu suspended" in done.stdout and "will be tried again" not in done.stdout


def test_a_new_profile_frees_a_held_partner(site, sshd):
    open_site(site, sshd, sshd.channel().replace("cle-partenaire", "cle-absente"))
    site.deposit(demandes("D1", demande("A1")))
    site.passes(code=1)
    assert "cle-absente" in site.json("lieux", "show", "rpe-un")["dernier_motif"]
    site.deposit(habilitations("HAB-1", convention("CLI_1", {"rpe-un": ["42218"]}, version=2, canal=sshd.channel())),
                 "caf-421", "hab-1.xml")
    site.passes(code=0)
    assert len(sshd.files()) == 3


def test_kills_in_the_middle_deliver_once(site, sshd):
    """Killed at many moments of a delivery of several hundred files: after the last start each is there once."""
    open_site(site, sshd)
    count = 150
    site.deposit(demandes("D1", *(demande(f"A{i}") for i in range(count))))
    for n in range(8):
        process = site.start("run", "--now", stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        before = len(sshd.files())
        deadline = time.monotonic() + 60
        while process.poll() is None and len(sshd.files()) < before + 20 + 5 * n and time.monotonic() < deadline:
            time.sleep(0.002)
        process.kill()
        process.wait(timeout=30)
    site.passes(code=0)
    names = sshd.files()
    remises = {name.split("/")[0] for name in names}
    assert len(remises) == 1 and not [n for n in names if n.endswith(".part")]
    assert len(names) == 2 * count + 1
    assert rows(site, "SELECT etat, count(*) FROM remise GROUP BY etat") == [("livree", 1)]
    assert len(site.mails()) == 1
    validate("remise-1.xsd", sshd.there / remises.pop() / "manifeste.xml")
    site.run("traces", "verify")


def test_what_arrived_before_a_stop_and_was_picked_up_is_not_sent_again(site, sshd):
    """The partner takes files away as they come (disparition)."""
    with behind_a_delay(sshd) as port:
        open_site(site, sshd, sshd.channel(make_directory=False, port=port), patience="20s")
        site.passes()
        count = 200
        site.deposit(demandes("D1", *(demande(f"A{i}") for i in range(count))))
        process = site.start("run", "--now", stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        # No more than 4 MiB are on the way without an answer: some 230 of these files.
        wait_for(lambda: sum(not name.endswith(".part") for name in sshd.files()) > 320, what="files")
        process.terminate()
        assert process.wait(timeout=60) == 1
        came = {name for name in sshd.files() if not name.endswith(".part")}
        known = {name for name, in rows(site, "SELECT nom FROM remise_fichier WHERE arrive = 1")}
        # Of what was in flight when the stop came nobody knows.
        assert len(known) > 20 and known <= came
        for name in known:
            (sshd.there / name).unlink()
        site.run("lieux", "retry", "rpe-un")
        site.passes(code=0)
    assert known.isdisjoint(sshd.files()) and len(sshd.files()) == 2 * count + 1 - len(known)


def test_what_arrived_beside_a_damaged_file_and_was_picked_up_is_not_sent_again(site, sshd):
    open_site(site, sshd, sshd.channel().replace("cle-partenaire", "cle-absente"))
    site.deposit(demandes("D1", demande("A1"), demande("A2")))
    site.passes(code=1)
    (site.path / "justificatifs/cle-partenaire").rename(site.path / "justificatifs/cle-absente")
    damaged, = (site.spool / "depart").rglob("*A2.pdf")
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[:-9])
    site.run("lieux", "retry", "rpe-un")
    site.passes(code=1)
    remise, = site.json("remises", "list")
    assert remise["motif"].startswith("source-alteree: DI_monenfant_A2.pdf: ") and "put it back into" in remise["motif"]
    came = sshd.files()
    assert len(came) == 3 and not any(name.endswith("manifeste.xml") for name in came)
    for name in came:
        (sshd.there / name).unlink()
    damaged.write_bytes(whole)
    site.run("remises", "retry", remise["remise"])
    site.passes(code=0)
    assert [pathlib.Path(name).name for name in sshd.files()] == ["DI_monenfant_A2.pdf", "manifeste.xml"]


@pytest.mark.parametrize("make_directory", [True, False])
def test_a_lieu_that_takes_all_before_navette_knows_of_it_does_not_get_it_again(site, sshd, make_directory):
    """Killed once the manifest is there; the lieu takes everything away (disparition) before the next start."""
    open_site(site, sshd, sshd.channel(make_directory=make_directory)).passes()
    site.deposit(demandes("D0", demande("A3"), demande("A4")), name="d0.xml")
    counts = site.path / "count"
    site.passes(code=0, env={**os.environ, "NAVETTE_FAULT": f"count:{counts}"})
    names = [line.split()[0] for line in counts.read_text(encoding="ascii").splitlines()]
    before = names[:max(i for i, name in enumerate(names) if name == "sftp.rename")]
    former = sshd.files()
    site.deposit(demandes("D1", demande("A1"), demande("A2")))
    site.run("run", "--now", code=-signal.SIGKILL,
             env={**os.environ, "NAVETTE_FAULT": f"{before.count('sqlite.commit') + 1}:kill@sqlite.commit"})
    came = sorted(set(sshd.files()) - set(former))
    assert len(came) == 5
    for name in came:
        (sshd.there / name).unlink()
    site.passes(code=0)
    assert all(name.endswith("manifeste.xml") for name in set(sshd.files()) - set(former))
    assert rows(site, "SELECT etat FROM remise") == [("livree",), ("livree",)]


def test_a_partners_hours_are_kept_and_told(site, sshd):
    """By day a partner whose hours are at night gets nothing, loses nothing, and the acts say when they will have been done."""
    def hours(begin, end):
        window = f"<fenetreEnvoi><heureDebut>{begin}</heureDebut><heureFin>{end}</heureFin></fenetreEnvoi>"
        return sshd.channel().replace("</sftp>", window + "</sftp>")
    now = datetime.datetime.now(PARIS)
    later = now + datetime.timedelta(hours=6)
    begin, end = f"{later:%H:%M}", f"{later + datetime.timedelta(hours=4):%H:%M}"
    open_site(site, sshd, hours(begin, end))
    site.deposit(demandes("D1", demande("A1")))
    site.passes()
    assert sshd.files() == []
    told = site.run("lieux", "retry", "rpe-un").stdout
    assert f"not now: its hours (fenetreEnvoi) begin at {later:%Y-%m-%d} {begin}" in told
    remise, = site.json("remises", "list")
    assert "fenetreEnvoi" in site.run("remises", "retry", remise["remise"]).stdout
    site.passes()
    assert sshd.files() == []
    site.passes(env=at(later + datetime.timedelta(hours=1)))
    assert len(sshd.files()) == 3
    assert "fenetreEnvoi" in site.run("remises", "withdraw", remise["remise"], "--why", "essai", "--apply").stdout
    site.passes()
    assert len(sshd.files()) == 3
    site.passes(env=at(later + datetime.timedelta(hours=1)))
    assert sshd.files() == []


def test_serve_goes_on_beside_a_stalled_partner_and_stops_at_once(site, sshd, tmp_path):
    stalled = Sshd(tmp_path / "fige")
    stalled.admit(sshd)
    open_site(site, sshd, {"rpe-un": sshd.channel(), "rpe-fige": stalled.channel()},
              {"rpe-un": ["42218"], "rpe-fige": ["42207"]})
    site.config.write_text(site.config.read_text(encoding="utf-8").replace("patience = 1s", "patience = 120s"),
                           encoding="utf-8")
    site.passes(code=0)
    stalled.process.send_signal(signal.SIGSTOP)
    service = Service(site)
    try:
        site.deposit(demandes("D1", demande("F1", ["42207"])), name="fige.xml")
        wait_for(lambda: rows(site, "SELECT count(*) FROM remise WHERE en_cours = 1") == [(1,)], what="the attempt")
        site.deposit(demandes("D2", demande("A1")), name="vif.xml")
        wait_for(lambda: len(sshd.files()) == 3, what="the other partner")
        code, seconds = service.stop()
        assert code == 0 and seconds < 5
    finally:
        service.close()
    stalled.process.send_signal(signal.SIGCONT)
    site.passes(code=0)
    assert len(stalled.files()) == 3
    stalled.stop()


@contextlib.contextmanager
def a_run(site):
    """A pass that goes on while something is waited for."""
    run = site.start("run", "--now", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield run
    finally:
        run.kill()
        run.wait()


def test_a_run_takes_in_what_comes_while_a_partner_is_waited_for(site, sshd, tmp_path):
    stalled = Sshd(tmp_path / "fige")
    stalled.admit(sshd)
    open_site(site, sshd, {"rpe-un": sshd.channel(), "rpe-fige": stalled.channel()},
              {"rpe-un": ["42218"], "rpe-fige": ["42207"]}, patience="120s")
    site.passes(code=0)
    stalled.process.send_signal(signal.SIGSTOP)
    site.deposit(demandes("D1", demande("F1", ["42207"])), name="fige.xml")
    with a_run(site) as run:
        wait_for(lambda: rows(site, "SELECT count(*) FROM remise WHERE en_cours = 1") == [(1,)], what="the attempt")
        site.deposit(demandes("D2", demande("A1")), name="vif.xml")
        wait_for(site.mails, what="what came meanwhile, delivered and notified")
        assert len(sshd.files()) == 3 and run.poll() is None
        stalled.process.send_signal(signal.SIGCONT)
        assert run.wait(timeout=120) == 0
    assert len(stalled.files()) == 3 and len(site.mails()) == 2
    stalled.stop()


def test_a_mail_server_that_does_not_answer_holds_up_no_delivery_of_a_run(site, sshd, mail_server):
    mail_server.start("--stall", "content")
    open_site(site, sshd, {"rpe-un": "<depot/>", "rpe-loin": sshd.channel()}, {"rpe-un": ["42218"], "rpe-loin": ["42207"]},
              patience="120s", more=f"[mail]\nserver = 127.0.0.1:{mail_server.port}\nca = {mail_server.certificate}\n")
    site.passes(code=0)
    sshd.process.send_signal(signal.SIGSTOP)
    site.deposit(demandes("D1", demande("A1"), demande("L1", ["42207"])))
    with a_run(site) as run:
        wait_for((mail_server.directory / "stalled").exists, what="the notification of the dépôt")
        sshd.process.send_signal(signal.SIGCONT)
        wait_for(lambda: {r["etat"] for r in site.json("remises", "list")} == {"livree"}, what="the delivery beside it")
        assert run.poll() is None


# The password as such, and as the answer to a question of PAM's, which is all that some servers take.
BY_PASSWORD = ("password", "PasswordAuthentication yes\n", "")
BY_QUESTION = ("keyboard-interactive/pam", "KbdInteractiveAuthentication yes\nUsePAM yes\nPasswordAuthentication no\n", """
        printf '%s required pam_unix.so\\n' auth account session > /etc/pam.d/sshd""")


@pytest.mark.root
@pytest.mark.parametrize("method, settings, pam", [BY_PASSWORD, BY_QUESTION], ids=["password", "question"])
def test_a_password_and_a_directory_above_which_there_is_nothing(site, tmp_path, method, settings, pam):
    secret = "chaise longue 7 ! lune"
    hashed = subprocess.run(["openssl", "passwd", "-6", "-stdin"], input=secret, capture_output=True, text=True, check=True).stdout
    server = Sshd(tmp_path / "serveur", more=settings + "PubkeyAuthentication no\n"
                  "ChrootDirectory /srv/racine\nForceCommand internal-sftp\n",
                  before=f"""
        mkdir "$1/etc" && cp -a /etc/. "$1/etc/" && mount --bind "$1/etc" /etc
        sed -i '1,/^Subsystem/{{/^PasswordAuthentication/d;/^UsePAM/d}}' "$1/sshd_config"{pam}
        useradd --no-create-home --home-dir / --shell /usr/sbin/nologin --password '{hashed.strip()}' partenaire
        mount -t tmpfs -o mode=0755 tmpfs /srv
        install -d -o root -m 0755 /srv/racine && install -d -o partenaire -m 0700 /srv/racine/depot""")
    try:
        canal = server.channel().replace(f"<utilisateur>{USER}<", "<utilisateur>partenaire<").replace(str(server.there), "/depot")
        open_site(site, server, canal, patience="20s")  # PAM lets who was wrong wait two seconds
        credential = site.path / "justificatifs/cle-partenaire"
        credential.write_text(secret + "x\n", encoding="utf-8")
        site.deposit(demandes("D1", demande("A1")))
        site.passes(code=None)
        assert site.json("lieux", "show", "rpe-un")["retenu"]
        assert not list(server.seen("/srv/racine/depot").iterdir())
        credential.write_text(secret + "\n", encoding="utf-8")
        site.run("lieux", "retry", "rpe-un")
        site.passes(code=0)
        [remise] = server.seen("/srv/racine/depot").iterdir()
        assert without_cover_sheets(sorted(p.name for p in remise.iterdir())) == [
            "DI_monenfant_A1.pdf", "DI_monenfant_A1.xml", "manifeste.xml"]
        assert all(p.stat().st_uid != 0 for p in [remise, *remise.iterdir()])
        accepted = re.findall(r"Accepted (\S+) for (\w+)", (server.path / "sshd.log").read_text())
        assert set(accepted) == {(method, "partenaire")}
        for secrets in (secret, hashed.strip()):
            assert secrets.encode() not in dump_of_tables(site)
    finally:
        server.stop()


@pytest.mark.root
@pytest.mark.parametrize("subsystem, told", [("internal-sftp", "the partner's disk is full"),
                                             ("internal-sftp -P statvfs", "is its disk full, or a quota reached?")])
def test_a_partners_full_disk_is_told_and_heals(site, tmp_path, subsystem, told):
    server = Sshd(tmp_path / "serveur", subsystem, before='mount -t tmpfs -o size=400k,mode=0755 tmpfs "$1/partenaire"')
    try:
        open_site(site, server)
        count = 40
        site.deposit(demandes("D1", *(demande(f"A{i}") for i in range(count))))
        site.passes(code=None)
        lieu = site.json("lieux", "show", "rpe-un")
        assert told in lieu["dernier_motif"] and not lieu["retenu"]
        with contextlib.closing(sqlite3.connect(site.database)) as db, db:  # for six days now
            db.execute("UPDATE lieu SET premier_echec = premier_echec - 6 * 86400000, prochaine = 0")
            db.execute("UPDATE remise SET premier_echec = premier_echec - 6 * 86400000, prochaine = 0")
        site.passes(code=None)
        # A server that tells its free space holds its lieu; of another nobody knows whether it is the disk: the remise alone.
        assert (bool(site.json("lieux", "show", "rpe-un")["retenu"]), rows(site, "SELECT etat FROM remise")) in (
            (True, [("prete",)]), (False, [("retenue",)]))
        there = server.seen(server.there)
        assert not list(there.rglob("manifeste.xml"))
        subprocess.run(["nsenter", f"--mount=/proc/{server.process.pid}/ns/mnt", "mount", "-o", "remount,size=40m", server.there],
                       check=True)
        site.run("lieux", "retry", "rpe-un")
        site.passes(code=0)
        wanted = dict(rows(site, "SELECT nom, sha256 FROM remise_fichier"))
        assert len(wanted) == 2 * count + 2
        assert {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in there.rglob("*") if p.is_file()} == wanted
        assert rows(site, "SELECT etat, count(*) FROM remise GROUP BY etat") == [("livree", 1)]
    finally:
        server.stop()


def test_a_key_with_a_passphrase_and_another_suffix(site, sshd):
    open_site(site, sshd, sshd.channel().replace(">.part<", ">.enCours1<"))
    key = site.path / "justificatifs/cle-partenaire"
    subprocess.run(["ssh-keygen", "-q", "-p", "-P", "", "-N", "chaise longue", "-f", key], check=True)
    passphrase = key.with_name("cle-partenaire-passphrase")
    passphrase.write_text("chaise courte\n", encoding="utf-8")
    passphrase.chmod(0o600)
    site.deposit(demandes("D1", demande("A1")))
    site.passes(code=1)
    assert "passphrase" in site.json("lieux", "show", "rpe-un")["dernier_motif"] and sshd.files() == []
    passphrase.write_text("chaise longue\n", encoding="utf-8")
    site.run("lieux", "retry", "rpe-un")
    site.run("run", "--now", code=1, env={**os.environ, "NAVETTE_FAULT": "1+:lost@sftp.close"})
    assert {pathlib.Path(name).suffix for name in sshd.files()} == {".enCours1"}
    site.run("lieux", "retry", "rpe-un")
    site.passes(code=0)
    assert {pathlib.Path(name).suffix for name in sshd.files()} == {".pdf", ".xml"}


def test_no_more_than_so_much_is_fetched_from_a_partner_at_a_time(site, sshd):
    """What it leaves there fills no disk of ours."""
    returns = sshd.path / "retour"
    returns.mkdir()
    open_site(site, sshd, sshd.channel().replace("</preuveRetrait>", f"</preuveRetrait><repertoireRetour>{returns}</repertoireRetour>"))
    site.deposit(demandes("D1", demande("A1")))
    site.passes(code=0)
    for name in ("a.xml", "b.xml", "c.xml"):
        (returns / name).write_bytes(b"x" * (800 << 10))
        os.utime(returns / name, (1, 1))
    site.passes(code=None)
    assert [p.name for p in returns.iterdir()] == ["c.xml"]
    site.passes(code=None)
    assert list(returns.iterdir()) == []


def test_what_was_begun_elsewhere_is_removed_there_and_comes_whole_to_the_new_place(site, sshd):
    """An attempt that leaves a half, then an avenant that names another directory: nothing is lost, nothing stays."""
    def canal(name):
        return sshd.channel(make_directory=False, overwrite=True).replace(f"{sshd.there}</", f"{sshd.there}/{name}</")
    former, new = sshd.there / "un", sshd.there / "deux"
    former.mkdir()
    new.mkdir()
    in_the_way = former / "DI_monenfant_A2.pdf.part"
    in_the_way.mkdir()
    open_site(site, sshd, {"rpe-un": canal("un")}, {"rpe-un": ["42218"]})
    site.deposit(demandes("D1", demande("A1"), demande("A2")))
    site.passes(code=1)
    in_the_way.rmdir()
    assert {"DI_monenfant_A1.pdf", "DI_monenfant_A1.xml"} <= {p.name for p in former.iterdir()}
    site.deposit(habilitations("HAB-2", convention("CLI_1", {"rpe-un": ["42218"]}, canal={"rpe-un": canal("deux")}, version=2)),
                 "caf-421", "hab-2.xml")
    for _ in range(2):
        for remise in site.json("remises", "list"):
            site.run("remises", "retry", remise["remise"], code=None)
        site.passes(code=None)
    assert list(former.iterdir()) == []
    assert without_cover_sheets(sorted(re.sub(".*_mani", "mani", p.name) for p in new.iterdir())) == [
        "DI_monenfant_A1.pdf", "DI_monenfant_A1.xml", "DI_monenfant_A2.pdf", "DI_monenfant_A2.xml", "manifeste.xml"]
    assert [r["etat"] for r in site.json("remises", "list")] == ["livree"]


def test_what_a_server_refuses_says_where_and_what_to_look_at(site, tmp_path):
    first = Sshd(tmp_path / "serveur")
    others = {"rpe-mkdir": Sshd(tmp_path / "mkdir", "internal-sftp -P mkdir"),
              "rpe-bavard": Sshd(tmp_path / "bavard", "/bin/echo Bienvenue; exec cat > /dev/null")}
    try:
        for server in others.values():
            server.admit(first)
        canaux = {name: server.channel() for name, server in others.items()}
        for name in ("rpe-cree", "rpe-nomme"):
            (first.there / name).mkdir()
            canaux[name] = first.channel(make_directory=False, overwrite=True).replace(f"{first.there}</", f"{first.there}/{name}</")
        (first.there / "rpe-cree/DI_monenfant_A1.pdf.part").mkdir()
        (first.there / "rpe-nomme/DI_monenfant_A1.pdf").mkdir()
        open_site(site, first, canaux, {name: ["42218"] for name in canaux})
        site.deposit(demandes("D1", demande("A1")))
        site.passes(code=None)
        said = {name: site.json("lieux", "show", name) for name in canaux}
    finally:
        for server in (first, *others.values()):
            server.stop()
    expected = {
        "rpe-mkdir": ("droits-insuffisants", f"make directory {others['rpe-mkdir'].there}/", "Permission denied",
                      "<creationRepertoire>false</creationRepertoire>"),
        "rpe-bavard": (f"127.0.0.1:{others['rpe-bavard'].port}: ", "does not speak SFTP (opening SFTP)", "nothing that prints"),
        "rpe-cree": (f"create {first.there}/rpe-cree/DI_monenfant_A1.pdf.part: Failure", "quota", "in the way"),
        "rpe-nomme": (f"rename {first.there}/rpe-nomme/DI_monenfant_A1.pdf.part: Failure", "under that name", "<suffixeTemporaire>"),
    }
    for name, words in expected.items():
        told = str(said[name])
        assert [w for w in words if w not in told] == [], told
    assert said["rpe-mkdir"]["retenu"] and not said["rpe-bavard"]["retenu"]


@pytest.mark.root
def test_a_directory_that_cannot_be_made_says_what_to_look_at(site, tmp_path):
    server = Sshd(tmp_path / "serveur", before='mount -t tmpfs -o nr_inodes=1,mode=0755 tmpfs "$1/partenaire"')
    try:
        open_site(site, server)
        site.deposit(demandes("D1", demande("A1")))
        site.passes(code=None)
        told = site.json("lieux", "show", "rpe-un")["dernier_motif"]
        assert f"make directory {server.there}/" in told and ": Failure; ask the partner: is its disk full, a quota" in told
    finally:
        server.stop()


def test_a_remise_half_taken_back_and_then_wanted_again_is_sent_whole(site, sshd):
    """What arrived before its lieu was being cleared of it is not taken for what is there."""
    open_site(site, sshd, sshd.channel(make_directory=False, overwrite=True))
    site.deposit(demandes("D1", demande("A1"), demande("A2")))
    obstacle = sshd.there / "DI_monenfant_A1.pdf.part"
    obstacle.mkdir()
    site.passes(code=None)
    arrived = ["DI_monenfant_A1.xml", "DI_monenfant_A2.pdf", "DI_monenfant_A2.xml"]
    assert sshd.files() == arrived
    site.run("demandes", "hold", "A1", "--why", "essai")
    site.run("lieux", "retry", "rpe-un", code=None)
    site.passes(code=None)
    assert sshd.files() != arrived and rows(site, "SELECT etat FROM remise") == [("prete",)]
    obstacle.rmdir()
    site.run("demandes", "release", "A1")
    for remise in site.json("remises", "list"):
        site.run("remises", "retry", remise["remise"])
    site.run("lieux", "retry", "rpe-un", code=None)
    site.passes(code=0)
    remise, = site.json("remises", "list")
    assert remise["etat"] == "livree"
    assert sshd.files() == sorted([*arrived, "DI_monenfant_A1.pdf", f"{remise['remise']}_manifeste.xml"])


def test_a_distant_server_that_dies_in_the_middle_gets_each_file_once(site, sshd):
    with behind_a_delay(sshd) as port:
        open_site(site, sshd, sshd.channel(port=port), patience="10s")
        count = 150
        site.deposit(demandes("D1", *(demande(f"A{i}") for i in range(count))))
        process = site.start("run", "--now", stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        wait_for(lambda: len(sshd.files()) > 20, what="files")
        for pid in sshd.sessions():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait(timeout=60)
        assert 20 < len(sshd.files()) and not any(name.endswith("manifeste.xml") for name in sshd.files())
        confirmed = {name: (sshd.there / name).stat().st_mtime_ns for name in sshd.files() if not name.endswith(".part")}
        site.run("lieux", "retry", "rpe-un")
        site.passes(code=0)
    assert len(sshd.files()) == 2 * count + 1 and not [n for n in sshd.files() if n.endswith(".part")]
    assert confirmed == {name: (sshd.there / name).stat().st_mtime_ns for name in confirmed}, "sent twice"
    assert rows(site, "SELECT etat, count(*) FROM remise GROUP BY etat") == [("livree", 1)]
    assert len(site.mails()) == 1


def test_memory_stays_flat_whatever_waits_for_a_partner(site, sshd):
    if "asan" in site.binary:
        pytest.skip("the sanitizer's own memory would be measured")
    open_site(site, sshd, patience="20s").passes()
    key = site.path / "justificatifs/cle-partenaire"

    def peak_of_delivering(count, flux):
        """MiB of the pass that delivers them, packed by former ones."""
        key.rename(site.path / "cle")
        for n in range(flux, flux + count // 500):
            site.deposit(demandes(f"D{n}", *(demande(f"A{n}-{i}") for i in range(500))), name=f"d{n}.xml")
        site.passes()
        (site.path / "cle").rename(key)
        site.run("lieux", "retry", "rpe-un")
        told = site.path / "peak"
        subprocess.run(["/usr/bin/time", "-f", "%M", "-o", told, *site.command("run", "--now")], check=True, stdin=subprocess.DEVNULL,
                       capture_output=True)
        assert rows(site, "SELECT count(*) FROM remise WHERE etat <> 'livree'") == [(0,)]
        return int(told.read_text(encoding="ascii")) / 1024
    few, many = peak_of_delivering(500, 0), peak_of_delivering(3000, 1)
    assert many < few + 4, (few, many)
    assert len(sshd.files()) == 7 * (2 * 500 + 1)


@contextlib.contextmanager
def frozen(sshd, site):
    """A pass that was killed while the server had stopped answering in the middle of a file; the server is gone then."""
    process = site.start("run", "--now", stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    wait_for(lambda: rows(site, "SELECT 1 FROM remise WHERE en_cours = 1"), what="the attempt")
    yield
    process.send_signal(signal.SIGKILL)
    process.wait()
    sshd.stop()


@pytest.mark.parametrize("then", ["withdrawn", "held", "suspended", "partner held"])
def test_an_attempt_that_was_killed_is_not_under_way_for_ever(site, sshd, then):
    """Whatever keeps it from being tried again: the operator's word counts after the next pass."""
    open_site(site, sshd, sshd.channel(), patience="600s").passes()
    site.deposit(demandes("D1", demande("A1")))
    sshd.process.send_signal(signal.SIGSTOP)
    with frozen(sshd, site):
        [name] = [r["remise"] for r in site.json("remises", "list")]
        if then == "held":
            site.run("remises", "hold", name, "--why", "essai")
    site.config.write_text(site.config.read_text(encoding="utf-8").replace("patience = 600s", "patience = 1s"), encoding="utf-8")
    why = ("--why", "le serveur n'existe plus")
    if then == "withdrawn":
        site.run("remises", "withdraw", name, *why, "--apply")
    elif then == "suspended":
        site.run("lieux", "suspend", "rpe-un", *why)
    elif then == "partner held":
        with sqlite3.connect(site.database) as db:
            db.execute("UPDATE lieu SET retenu = 1, echecs = 1, erreur_le = 0, derniere_erreur = 'essai'")
    site.passes(code=None)
    assert rows(site, "SELECT en_cours FROM remise") == [(0,)]
    site.run("remises", "taken-back", name, *why)
    assert rows(site, "SELECT etat FROM remise") == [({"withdrawn": "rappelee", "held": "retenue"}.get(then, "prete"),)]


def test_a_lieu_that_is_held_goes_on_when_the_version_that_mends_it_comes_into_force(site, sshd):
    wrong = sshd.channel().replace(sshd.fingerprint(), "SHA256:" + 43 * "A")
    open_site(site, sshd, wrong).passes()
    lieux = {"rpe-un": ["42218"]}
    site.deposit(habilitations("HAB-2", convention("CLI_1", lieux, version=2, effect=2, activated=-1, canal=sshd.channel())),
                 "caf-421", "hab-2.xml")
    site.passes(code=None)
    site.deposit(demandes("D1", demande("A1")))
    site.passes(code=1)
    assert rows(site, "SELECT retenu, derniere_erreur LIKE '%cle-hote%' FROM lieu") == [(1, 1)]
    now = datetime.datetime.now(PARIS)
    run_at(site, now + datetime.timedelta(days=1))
    assert rows(site, "SELECT etat FROM remise") == [("prete",)]
    run_at(site, now + datetime.timedelta(days=2))
    assert rows(site, "SELECT etat FROM remise") == [("livree",)] and len(sshd.files()) > 2


def test_an_attempt_over_midnight_holds_nothing_against_the_version_that_begins_then(site, sshd):
    wrong = sshd.channel().replace(sshd.fingerprint(), "SHA256:" + 43 * "A")
    open_site(site, sshd, wrong, patience="60s").passes()
    site.deposit(habilitations("HAB-2", convention("CLI_1", {"rpe-un": ["42218"]}, version=2, effect=1, activated=-1,
                                                   canal=sshd.channel())), "caf-421", "hab-2.xml")
    site.passes(code=None)
    site.deposit(demandes("D1", demande("A1")))
    now = datetime.datetime.now(PARIS)
    sshd.process.send_signal(signal.SIGSTOP)
    process = site.start("run", "--now", stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=at(now.replace(hour=23, minute=59, second=57)))
    wait_for(lambda: rows(site, "SELECT 1 FROM remise WHERE en_cours = 1"), what="the attempt")
    time.sleep(5)  # until it is another day
    sshd.process.send_signal(signal.SIGCONT)
    process.wait()
    run_at(site, (now + datetime.timedelta(days=1)).replace(hour=12))
    assert rows(site, "SELECT etat FROM remise") == [("livree",)]


def test_a_lieu_that_was_held_before_navette_knew_by_which_version_goes_on_as_well(site, sshd):
    """As migration 12 leaves it."""
    open_site(site, sshd, sshd.channel()).passes()
    with sqlite3.connect(site.database) as db:
        db.execute("UPDATE lieu SET retenu = 1, echecs = 1, erreur_le = 0, derniere_erreur = 'essai', attend_par = NULL")
    site.deposit(demandes("D1", demande("A1")))
    site.passes(code=0)
    assert rows(site, "SELECT etat FROM remise") == [("livree",)]


def test_hours_end_with_the_version_that_names_them(site, sshd):
    now = datetime.datetime.now(PARIS)
    begin, end = (f"{now + datetime.timedelta(hours=h):%H:%M}" for h in (22, 23))
    window = f"<fenetreEnvoi><heureDebut>{begin}</heureDebut><heureFin>{end}</heureFin></fenetreEnvoi>"
    open_site(site, sshd, sshd.channel().replace("</sftp>", window + "</sftp>")).passes()
    site.deposit(habilitations("HAB-2", convention("CLI_1", {"rpe-un": ["42218"]}, version=2, effect=1, activated=-1,
                                                   canal=sshd.channel())), "caf-421", "hab-2.xml")
    site.deposit(demandes("D1", demande("A1")))
    site.passes(code=None)
    assert rows(site, "SELECT etat, l.prochaine > 0 FROM remise r JOIN lieu l ON l.id = r.lieu_id") == [("prete", 1)]
    midnight = (now + datetime.timedelta(days=1)).replace(hour=0, minute=1)
    if midnight < now + datetime.timedelta(hours=21):  # else the window itself has come
        run_at(site, midnight)
        assert rows(site, "SELECT etat FROM remise") == [("livree",)]


@pytest.fixture(name="silent_names")
def a_name_service_that_does_not_answer(tmp_path):
    """The words before a command that sees such a one."""
    service = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        service.bind(("127.53.53.53", 53))
        subprocess.run(["unshare", "--mount", "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        service.close()
        pytest.skip("not allowed to take port 53 or to mount")
    (tmp_path / "resolv.conf").write_text("nameserver 127.53.53.53\noptions timeout:30 attempts:5\n", encoding="ascii")
    mount = f"mount --bind {tmp_path}/resolv.conf /etc/resolv.conf && exec \"$@\""
    yield ["unshare", "--mount", "sh", "-c", mount, "sh"]
    service.close()


def test_a_name_service_that_does_not_answer_is_told_within_patience(site, sshd, silent_names):
    """Deliveries as well as notifications; its own time-out is 150 s."""
    open_site(site, sshd, sshd.channel().replace("<hote>127.0.0.1<", "<hote>serveur.partenaire.test<"),
              more="[mail]\nserver = courrier.caf.test:25\ntls = none\n")
    site.deposit(habilitations("HAB-1", convention("CLI_2", {"rpe-deux": ["42207"]})), "caf-421", "hab-1.xml")
    site.deposit(demandes("D1", demande("A1"), demande("A2", communes=["42207"])))
    subprocess.run([*silent_names, *site.command("run", "--now")], check=False, capture_output=True, timeout=120)
    why = {r["lieu"]: r["motif"] or r["notification_motif"] for r in site.json("remises", "list")}
    assert "the name service does not answer" in why["rpe-un"], why
    assert "the name service does not answer" in why["rpe-deux"], why
