"""`navette serve`: what it tells systemd, how it takes deposits, how it stops, and that one process owns a spool."""

import contextlib
import datetime
import fcntl
import os
import pathlib
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import threading
import time

import pytest

from conftest import DATA
from test_notification import a_mail_server  # noqa: F401: a fixture
from test_main_job import (accuse_of, at, convention, demande, demandes, habilitations, open_lieux, paris, reached, rows,
                           validate)

LINE = re.compile(r'<[3-7]>(ts=\S+ )?event=[a-z.]+( [a-z0-9_]+=("([^"\\]|\\.)*"|[^\s"=]+))*')


def wait_for(condition, seconds=120, what="it"):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited {seconds} s in vain for {what}"
        time.sleep(0.01)


class Service:
    """`serve` with a socket in the place of systemd's."""

    def __init__(self, site, watchdog=None, **environment):
        self.site, self.messages = site, []
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        address = f"\0navette-test-{os.getpid()}-{id(self)}"  # abstract: no path to be too long
        self.socket.bind(address)
        self.socket.settimeout(0.1)
        self.ended = threading.Event()
        self.listener = threading.Thread(target=self.listen)  # as systemd does: a full queue would hold the sender up
        self.listener.start()
        env = {**os.environ, "NOTIFY_SOCKET": "@" + address[1:], **environment}
        env.pop("WATCHDOG_PID", None)
        if watchdog:
            env["WATCHDOG_USEC"] = str(watchdog)
        self.log = site.path / "serve.log"
        with open(self.log, "ab") as log:
            self.process = site.start("serve", stderr=log, stdout=subprocess.DEVNULL, env=env)
        self.wait_told("READY=1")

    def listen(self):
        while not self.ended.is_set():
            try:
                self.messages += self.socket.recv(65536).decode().split("\n")
            except TimeoutError:
                continue

    def told(self, message):
        return self.messages.count(message)

    def wait_told(self, message, times=1, seconds=30):
        try:
            wait_for(lambda: self.told(message) >= times, seconds, message)
        except AssertionError as e:
            raise AssertionError(f"{e}: {self.log.read_text(encoding='utf-8')}") from e

    def stop(self, sign=signal.SIGTERM, bound=30):
        """Its exit code, and how long it took."""
        begun = time.monotonic()
        self.process.send_signal(sign)
        code = self.process.wait(timeout=bound)
        return code, time.monotonic() - begun

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(timeout=30)
        self.ended.set()
        self.listener.join()
        self.socket.close()

    def lines(self):
        return self.log.read_text(encoding="utf-8").splitlines()


@pytest.fixture(name="serve")
def a_way_to_serve(site):
    services = []

    def start(**more):
        services.append(Service(site, **more))
        return services[-1]
    yield start
    for service in services:
        service.close()


def only_by_event(site, extra=""):
    """Neither the regular scan nor the age of a deposit helps: what is taken was told by the kernel."""
    site.configure("[daemon]\nscan_every = 1h\n" + extra)
    site.config.write_text(site.config.read_text(encoding="utf-8").replace("20ms", "1h"), encoding="utf-8")


def ready_site(site):
    open_lieux(site)
    wait_for(lambda: site.passes() and not list((site.spool / "arrivee").glob("*/*")))
    assert accuse_of(site, "hab-0.xml", "caf-421")[0] == "accepte"
    return site


@pytest.mark.slow
def test_a_slow_mail_server_holds_up_no_intake(site, mail_server, serve):
    mail_server.start("--slow", "1.5")
    site.configure("[daemon]\nscan_every = 1h\n"
                   f"[mail]\nserver = 127.0.0.1:{mail_server.port}\nca = {mail_server.certificate}\n")
    lieux = [f"rpe-{i}" for i in range(8)]
    open_lieux(site, {name: ["42218"] for name in lieux})
    site.passes()
    serve()
    site.deposit(demandes("D1", demande("A1")), name="d1.xml")
    wait_for(mail_server.mails, 30, "the first notification")
    site.deposit(demandes("D2", demande("A2")), name="d2.xml")
    wait_for(lambda: len(site.accuses()) == 2, what="the answer")
    assert len(mail_server.mails()) < len(lieux)
    # And the others follow one another, without the pause of half a minute for what is stuck.
    wait_for(lambda: len(mail_server.mails()) >= len(lieux), what="the notifications")


def test_a_mail_server_that_is_long_in_answering_holds_up_nothing_and_its_answer_counts(site, mail_server, serve):
    mail_server.start("--slow", "6")
    site.configure(f"[daemon]\nscan_every = 1s\npatience = 1s\n[mail]\nserver = 127.0.0.1:{mail_server.port}\nca = {mail_server.certificate}\n")
    open_lieux(site, {"rpe-un": ["42218"]})
    site.passes()
    serve()
    site.deposit(demandes("D1", demande("A1")), name="d1.xml")
    wait_for(lambda: any("has not answered yet" in i["texte"] for i in site.json("status")["incidents"])
             or rows(site, "SELECT 1 FROM notification WHERE motif LIKE '%not answered yet%'"), what="the end of the patience")
    site.deposit(demandes("D2", demande("A2")), name="d2.xml")
    wait_for(lambda: len(site.accuses()) == 2, what="the answer")
    assert not mail_server.mails()
    wait_for(mail_server.mails, what="the mail")
    first = rows(site, "SELECT r.nom FROM notification n JOIN remise r ON r.id = n.remise_id ORDER BY n.remise_id LIMIT 1")[0][0]
    wait_for(lambda: site.json("remises", "show", first)["notifiee_le"], what="its answer")
    assert [m["Message-ID"].startswith(f"<{first}@") for m in mail_server.mails()].count(True) == 1


def open_beside_a_slow_server(site, mail_server, count):
    """So many lieux, whose names it returns. Nothing but what happens makes a pass."""
    site.configure(f"[daemon]\nscan_every = 1h\npatience = 1s\n[mail]\nserver = 127.0.0.1:{mail_server.port}\nca = {mail_server.certificate}\n")
    lieux = [f"rpe-{i}" for i in range(count)]
    open_lieux(site, {name: ["42218"] for name in lieux})
    site.passes()
    return lieux


def test_mails_to_a_server_slower_than_our_patience_follow_one_another_and_each_is_known(site, mail_server, serve):
    """None counts as tried in vain, none is put off for the others, none goes twice."""
    mail_server.start("--slow", "2")
    lieux = open_beside_a_slow_server(site, mail_server, 5)
    serve()
    site.deposit(demandes("D1", demande("A1")), name="d1.xml")
    told = "SELECT count(*), max(tentatives) FROM notification WHERE acceptee_le IS NOT NULL"
    wait_for(lambda: rows(site, told)[0][0] == len(lieux), what="the answers")
    assert rows(site, told) == [(len(lieux), 1)]
    assert rows(site, "SELECT count(*) FROM trace WHERE action = 'notification.differee'") == [(0,)]
    assert len({m["Message-ID"] for m in mail_server.mails()}) == len(mail_server.mails()) == len(lieux)


def test_an_answer_that_no_pass_may_hear_asks_for_none_after_another(site, mail_server, serve):
    """The machine's clock went back while the mail server thought."""
    mail_server.start("--slow", "3")
    open_beside_a_slow_server(site, mail_server, 1)
    service = serve()
    site.deposit(demandes("D1", demande("A1")), name="d1.xml")
    wait_for(lambda: rows(site, "SELECT 1 FROM notification WHERE motif LIKE '%not answered yet%'"), what="the end of the patience")
    with sqlite3.connect(site.database) as db:
        db.execute("INSERT INTO trace SELECT max(seq) + 1, max(le) + 400 * 86400000, 'navette', 'essai', '', '', '' FROM trace")
    wait_for(mail_server.mails, what="the mail")
    wait_for(lambda: "clock.refused" in service.log.read_text(encoding="utf-8"), what="the answer")
    site.deposit(demandes("D2", demande("A2")), name="d2.xml")
    wait_for(lambda: service.log.read_text(encoding="utf-8").count("clock.refused") > 1, what="the deposit")
    service.stop()
    assert service.log.read_text(encoding="utf-8").count("clock.refused") < 20


def test_the_alert_does_not_wait_until_all_notifications_have_found_a_slow_server(site, mail_server, serve):
    mail_server.start("--slow", "2")
    lieux = open_beside_a_slow_server(site, mail_server, 6)
    serve()
    site.deposit(demandes("D1", demande("A1"), demande("A2", ["42095"])), name="d1.xml")
    alert = "<alerte-421-"
    wait_for(lambda: any(m["Message-ID"].startswith(alert) for m in mail_server.mails()), what="the alert")
    assert len(mail_server.mails()) < len(lieux)


# ---- systemd

def test_ready_stopping_and_status(site, serve):
    service = serve()
    assert service.told("READY=1") == 1 and service.told("STOPPING=1") == 0
    wait_for(lambda: any(m.startswith("STATUS=") for m in list(service.messages)))
    code, _ = service.stop()
    assert code == 0
    service.wait_told("STOPPING=1")
    assert service.told("READY=1") == service.told("STOPPING=1") == 1


def test_a_manager_that_does_not_read_hears_of_the_start_and_holds_up_no_pass(site):
    address = f"\0navette-test-{os.getpid()}-full"
    with (socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager,
          socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other):
        manager.bind(address)
        other.setblocking(False)

        def fill():
            with contextlib.suppress(BlockingIOError):
                while True:
                    other.sendto(b"X=1", address)

        def drain():
            heard = []
            manager.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                while True:
                    heard.append(manager.recv(4096).decode())
            return heard

        fill()
        process = site.start("serve", stderr=subprocess.DEVNULL,
                             env={**os.environ, "NOTIFY_SOCKET": "@" + address[1:], "WATCHDOG_USEC": "60000000"})
        try:
            wait_for(lambda: site.run("status", code=None).returncode in (0, 1))  # not while the database is being made
            assert site.json("status", code=(0, 1))["processus"]
            wait_for(lambda: "READY=1" in drain())
            fill()
            site.deposit(DATA / "demo/habilitations.xml", "caf-421")
            wait_for(lambda: site.accuses("caf-421"))
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=10) == 0
        finally:
            process.kill()
            process.wait(timeout=30)


def test_the_watchdog_is_fed_while_nothing_happens(site, serve):
    service = serve(watchdog=400_000)
    service.wait_told("WATCHDOG=1", times=5)
    before = service.told("WATCHDOG=1")
    begun = time.monotonic()
    service.wait_told("WATCHDOG=1", times=before + 5, seconds=5)
    assert time.monotonic() - begun < 5 * 0.4, "rarer than systemd waits"


def test_without_systemd_it_serves_all_the_same(site):
    ready_site(site)
    environment = {k: v for k, v in os.environ.items() if k not in ("NOTIFY_SOCKET", "WATCHDOG_USEC")}
    process = site.start("serve", stderr=subprocess.DEVNULL, env=environment)
    try:
        site.deposit(demandes("D1", demande("A1")))
        wait_for(lambda: reached(site, "A1"))
    finally:
        process.terminate()
        assert process.wait(timeout=30) == 0


# ---- deposits

def test_what_is_moved_in_is_taken_at_once(site, serve):
    ready_site(site)
    only_by_event(site)
    serve()
    for n in range(3):
        site.deposit(demandes(f"D{n}", demande(f"A{n}")), name=f"{n}.xml")
        wait_for(lambda n=n: reached(site, f"A{n}") == ["rpe-un"], what=f"A{n}")
        wait_for(lambda n=n: len(site.mails()) == n + 1, what="the notification")


def test_a_slow_writer_is_waited_for(site, serve):
    ready_site(site)
    only_by_event(site)
    serve()
    flux = demandes("D1", demande("A1"))
    with open(site.spool / "arrivee/monenfant/lent.xml", "wb", buffering=0) as file:
        file.write(flux[:300])
        # Others come and go meanwhile: the half file is seen by every one of these passes, and left.
        for n in range(3):
            site.deposit(demandes(f"E{n}", demande(f"B{n}")), name=f"e{n}.xml")
            wait_for(lambda n=n: reached(site, f"B{n}"))
        assert (site.spool / "arrivee/monenfant/lent.xml").exists()
        file.write(flux[300:])
    wait_for(lambda: reached(site, "A1") == ["rpe-un"])
    assert accuse_of(site, "lent.xml") == ("accepte", None, [])


def test_names_of_unfinished_files_are_not_looked_at(site, serve):
    ready_site(site)
    only_by_event(site)
    serve()
    arrivee = site.spool / "arrivee/monenfant"
    names = ("a.xml.part", "b.tmp", "c.filepart", ".d.xml")
    for i, name in enumerate(names):
        (arrivee / name).write_bytes(demandes(f"D{i}", demande(f"A{i}")))
    site.deposit(demandes("TEMOIN", demande("TEMOIN")), name="temoin.xml")
    wait_for(lambda: reached(site, "TEMOIN"))
    assert sorted(p.name for p in arrivee.iterdir()) == sorted(names)
    for i, name in enumerate(names):
        (arrivee / name).rename(arrivee / f"fini-{i}.xml")
    wait_for(lambda: all(reached(site, f"A{i}") for i in range(len(names))))


def is_watched(service, directory):
    inode = f"ino:{directory.stat().st_ino:x} "
    for descriptor in pathlib.Path(f"/proc/{service.process.pid}/fdinfo").iterdir():
        try:
            info = descriptor.read_text(encoding="ascii")
        except FileNotFoundError:  # closed since it was listed
            continue
        if any(inode in line for line in info.splitlines() if line.startswith("inotify")):
            return True
    return False


def test_a_senders_directory_made_later_is_watched(site, serve):
    ready_site(site)
    only_by_event(site, "[emetteur.plus-tard]\nflux = demandes\n")
    service = serve()
    new = site.spool / "arrivee/plus-tard"
    new.mkdir()
    wait_for(lambda: is_watched(service, new))
    site.deposit(demandes("P0", demande("P0"), emetteur="plus-tard"), "plus-tard")
    wait_for(lambda: reached(site, "P0", "plus-tard") == ["rpe-un"])


@pytest.mark.slow
def test_a_suspension_is_read_and_mails_leave_while_very_many_demandes_do(site, serve):
    many = 2000
    open_lieux(site)
    serve()
    site.deposit(demandes("MASSE", *[demande(f"M{n}") for n in range(many)]), name="masse.xml")
    wait_for(site.delivered)
    site.deposit(habilitations("H-FIN", convention("CLI_1", {"rpe-un": ["42218"]}, suspended=0)), "caf-421", "fin.xml")
    wait_for(lambda: list((site.spool / "accuses/caf-421").glob("AR_H-FIN*")))
    assert site.mails()

    def settled():
        counts = site.json("status")["files"]
        return counts["acheminements_a_remettre"] + counts["remises_pretes"] + counts["demandes_a_router"] == 0
    wait_for(settled)
    delivered = {p.name for p in site.delivered() if p.suffix == ".pdf"}
    assert 0 < len(delivered) < many
    assert site.json("status")["files"]["demandes_sans_lieu"] == many - len(delivered)


def test_deposits_of_before_the_start_are_taken(site, serve):
    open_lieux(site)
    site.deposit(demandes("D1", demande("A1")))
    serve()
    wait_for(lambda: reached(site, "A1") == ["rpe-un"])


@pytest.mark.parametrize("place", ["arrivee", "accuses", "rejet", ""])
def test_it_ends_when_its_spool_is_moved_and_another_start_takes_what_lies_there(site, serve, place):
    """In the old directories nobody deposits or fetches any more."""
    ready_site(site)
    # Only of arrivee/ itself an event tells; the others are found by the next pass.
    site.configure(f"[daemon]\nscan_every = {'1h' if place == 'arrivee' else '1s'}\n")
    service = serve()
    moved = site.spool / place
    moved.rename(site.path / "away")
    for emetteur in ("monenfant", "caf-421"):
        (site.spool / "arrivee" / emetteur).mkdir(parents=True, exist_ok=True)
    site.deposit(demandes("D1", demande("A1")))
    assert service.process.wait(timeout=30) == 3
    last = service.lines()[-1]
    assert str(moved) in last and "renamed, replaced or mounted over" in last, last
    assert any("renamed, replaced" in i["texte"] for i in site.json("status")["incidents"])
    site.configure()
    wait_for(lambda: site.passes() and reached(site, "A1") == ["rpe-un"])
    assert not any("renamed, replaced" in i["texte"] for i in site.json("status")["incidents"])


def test_more_events_than_the_kernel_keeps(site, serve):
    """The queue overflows while the process is stopped; the scan finds every deposit."""
    ready_site(site)
    site.configure("[daemon]\nscan_every = 1h\n")
    service = serve()
    service.process.send_signal(signal.SIGSTOP)
    arrivee = site.spool / "arrivee/monenfant"
    with open("/proc/sys/fs/inotify/max_queued_events", encoding="ascii") as file:
        limit = int(file.read())
    if limit > 100_000:
        pytest.skip("the kernel keeps too many events")
    noise = arrivee / ".bruit"
    other = arrivee / ".autre"
    noise.touch()
    for _ in range(limit // 2 + 10):  # two different names: equal events in a row are merged
        os.rename(noise, other)
        os.rename(other, noise)
    for n in range(5):
        site.deposit(demandes(f"D{n}", demande(f"A{n}")), name=f"{n}.xml")
    service.process.send_signal(signal.SIGCONT)
    wait_for(lambda: all(reached(site, f"A{n}") == ["rpe-un"] for n in range(5)))


def test_a_daily_hour_strikes_without_any_deposit(site):
    """serve waits for what is due, not only for files: the clock is put shortly before the hour."""
    base = datetime.date(2031, 11, 23)
    open_lieux(site, cadence="<quotidien>06:00</quotidien>", base=base)
    site.deposit(demandes("D1", demande("A1", base=base), base=base))
    site.configure("[daemon]\nscan_every = 1h\n")
    process = site.start("serve", stderr=subprocess.DEVNULL, env=at(paris("2031-11-24T05:59:54")))
    try:
        wait_for(lambda: site.database.exists() and quiet_rows(site, "SELECT count(*) FROM acheminement") == 1)
        assert site.delivered() == []
        wait_for(lambda: reached(site, "A1") == ["rpe-un"])
    finally:
        process.terminate()
        process.wait(timeout=30)


def quiet_rows(site, sql):
    try:
        return rows(site, sql)[0][0]
    except sqlite3.OperationalError:  # the schema is being made
        return None


# ---- stopping

@pytest.mark.slow
def test_sigterm_in_the_middle_of_a_large_flux(site, serve):
    """Within five seconds, with nothing half done; the next start completes it."""
    ready_site(site)
    count = 20_000
    site.deposit(demandes("GROS", *(demande(f"G{i}", ["42094"]) for i in range(count))), name="gros.xml")
    service = serve()
    wait_for(lambda: quiet_rows(site, "SELECT count(*) FROM demande WHERE admise = 0"), what="the reading")
    code, seconds = service.stop()
    assert code == 0 and seconds < 5
    assert rows(site, "SELECT etat FROM flux WHERE nom = 'gros.xml'") == [("recu",)], "already over: make it larger"
    # What was staged is invisible, and the next reading discards it: deleting it here could take longer than a stop may.
    assert rows(site, "SELECT count(*) FROM demande WHERE admise = 1") == [(0,)]
    service.wait_told("STOPPING=1")
    serve()
    wait_for(lambda: quiet_rows(site, "SELECT count(*) FROM flux WHERE accuse IS NOT NULL AND nom = 'gros.xml'"), 120)
    assert accuse_of(site, "gros.xml")[0] == "accepte"
    assert rows(site, "SELECT count(*) FROM demande WHERE admise = 1") == [(count,)]


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_sigterm_while_remises_are_made(site, serve, sign):
    lieux = {f"rpe-{i}": ["42218"] for i in range(8)}
    open_lieux(site, lieux)
    site.deposit(demandes("D1", *(demande(f"A{i}") for i in range(30))))
    service = serve()
    wait_for(lambda: any((site.spool / "depart").rglob("*.pdf")) or site.delivered(), what="the rendering")
    code, seconds = service.stop(sign)
    assert code == 0 and seconds < 5
    for directory in site.depot.glob("*/remises/*"):
        validate("remise-1.xsd", directory / "manifeste.xml")
    site.passes()
    site.passes()
    for i in range(30):
        assert reached(site, f"A{i}") == sorted(lieux), i
    assert [p for p in (site.spool / "depart").rglob("*") if p.is_file()] == []
    site.run("traces", "verify")


def test_a_second_signal_while_it_stops_does_no_harm(site, serve):
    open_lieux(site)
    site.deposit(demandes("D1", *(demande(f"A{i}") for i in range(20))))
    service = serve()
    service.process.send_signal(signal.SIGTERM)
    service.process.send_signal(signal.SIGINT)
    assert service.stop()[0] == 0
    site.passes()
    assert all(reached(site, f"A{i}") == ["rpe-un"] for i in range(20))


def test_a_hangup_that_was_to_be_ignored_is_ignored(site):
    """nohup."""
    ready_site(site)
    process = site.start("serve", stderr=subprocess.PIPE, text=True,
                         preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    try:
        until_line(process.stderr, "serve.ready")
        process.send_signal(signal.SIGHUP)
        site.deposit(demandes("D1", demande("A1")))
        wait_for(lambda: reached(site, "A1"))
        assert process.poll() is None
        process.terminate()
        assert process.wait(timeout=30) == 0
    finally:
        process.kill()
        process.communicate()


def until_line(log, words):
    for line in log:
        if words in line:
            return
    raise AssertionError(f"the log ended without {words}")


def fill_the_log(site, letter, count=40):
    for n in range(count):
        site.deposit(demandes(f"D{letter}{n}", demande(f"{letter}{n}")), name=f"{letter}{n}.xml")
    wait_for(lambda: all(reached(site, f"{letter}{n}") for n in range(count)), seconds=60)


def test_a_log_that_nobody_reads_holds_up_neither_the_work_nor_the_stop(site):
    ready_site(site)
    out, log = os.pipe()
    fcntl.fcntl(log, fcntl.F_SETPIPE_SZ, 4096)
    process = site.start("serve", stderr=log)
    os.close(log)
    try:
        with open(out, "r", encoding="utf-8") as reader:
            fill_the_log(site, "A")
            site.deposit(demandes("D99", demande("A99")))
            until_line(reader, "event=log.dropped lines=")
            fill_the_log(site, "B")
            process.terminate()
            assert process.wait(timeout=30) == 0
    finally:
        process.kill()
        process.wait()


# ---- one owner

def test_another_serve_or_run_beside_it_exits_3_and_disturbs_nothing(site, serve):
    ready_site(site)
    service = serve()
    for command in (["serve"], ["run"], ["run", "--now"]):
        done = site.run(*command, code=3, timeout=60)
        assert str(service.process.pid) in done.stderr, "does not say who has it"
    site.deposit(demandes("D1", demande("A1")))
    wait_for(lambda: reached(site, "A1") == ["rpe-un"])
    assert service.process.poll() is None


def test_commands_read_beside_it(site, serve):
    ready_site(site)
    serve()
    done = threading.Event()

    def inflow():
        n = 0
        while not done.is_set() and n < 200:
            site.deposit(demandes(f"D{n}", demande(f"A{n}")), name=f"{n}.xml")
            n += 1
            done.wait(0.02)
    feeder = threading.Thread(target=inflow)
    feeder.start()
    try:
        for _ in range(3):
            for command in (["status"], ["flux", "list"], ["demandes", "list"], ["remises", "list"], ["traces", "verify"]):
                site.run(*command, code=(0, 1) if command == ["status"] else 0)
    finally:
        done.set()
        feeder.join()


def test_after_a_kill_the_lock_is_free(site, serve):
    service = serve()
    service.process.kill()
    service.process.wait(timeout=30)
    site.passes(code=0)


# ---- configuration and logs

@pytest.mark.parametrize("command", ["serve", "run"])
def test_an_error_of_the_configuration_exits_2_with_its_line(site, command):
    site.configure("[daemon]\nscan_evry = 1s\nworkers = mille\n")
    done = site.run(command, code=2)
    lines = site.config.read_text(encoding="utf-8").splitlines()
    for word in ("scan_evry", "workers"):
        number = 1 + next(i for i, line in enumerate(lines) if word in line)
        assert re.search(rf"navette\.conf:{number}\b", done.stderr), done.stderr
    assert not site.database.exists()


def test_a_missing_configuration_exits_2(site):
    site.config.unlink()
    assert "navette.conf" in site.run("serve", code=2).stderr


@pytest.mark.parametrize("journal", [True, False])
def test_log_lines_are_events_with_a_priority(site, serve, journal):
    open_lieux(site)
    site.deposit(demandes("D1", demande("A1"), demande("A2", ["42094"])), name='nom "entre" guillemets=x\n.xml')
    site.deposit(b"<nothing/>", name="mauvais.xml")
    service = serve(**({"JOURNAL_STREAM": "1:1"} if journal else {}))
    wait_for(lambda: len(site.accuses()) == 2 and site.mails())
    service.stop()
    lines = service.lines()
    assert len(lines) > 8
    for line in lines:
        assert LINE.fullmatch(line), line
        assert re.match(r"<\d>event=" if journal else r"<\d>ts=", line), line
    priorities = {line.split("event=")[1].split(" ")[0]: line[1] for line in lines}
    assert priorities["serve.ready"] == "5" and priorities["flux.refused"] == "4" and priorities["remise.delivered"] == "6"


@pytest.mark.skipif(shutil.which("script") is None, reason="script is not installed")
def test_on_a_terminal_no_priority_stands_in_front(site):
    open_lieux(site)
    command = " ".join(map(str, site.command("run")))
    done = subprocess.run(["script", "-qec", command, "/dev/null"], capture_output=True, text=True, timeout=60, check=False,
                          stdin=subprocess.DEVNULL)
    assert "flux     1 answered" in done.stdout and not re.search(r"<\d>", done.stdout)
