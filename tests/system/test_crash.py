"""kill -9, a full disk or a failing one, at any moment: nothing lost, nothing delivered twice.

strace kills the process at the N-th call of each system call that makes something durable or visible, for N spread over
all of them; or lets that call fail. Afterwards ordinary passes must reach what an undisturbed run reaches: the same
bytes at the same lieux, once each.
"""

import concurrent.futures
import datetime
import hashlib
import os
import pathlib
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import threading
import time
from collections import Counter
from xml.etree import ElementTree

import pytest

from conftest import Site
from test_main_job import (A, PARIS, R, assert_remise_is_whole, at, convention, copy_of, demande, demandes, habilitations, mail_at,
                           quick_place, reached, remises, rows, validate)

MARK = "Zqfamillemarque"
CALLS = ("renameat2", "renameat", "fsync", "fdatasync", "syncfs", "unlinkat", "mkdirat", "pwrite64", "openat", "write",
         "ftruncate")
FAILING = {"fsync": "EIO", "fdatasync": "EIO", "syncfs": "EIO", "pwrite64": "ENOSPC", "write": "ENOSPC",
           "openat": "ENOSPC", "mkdirat": "ENOSPC", "renameat2": "ENOSPC", "renameat": "EIO", "unlinkat": "EIO"}
HOURS = "<quotidien>06:00</quotidien>"
LIEUX = {"rpe-un": ["42218"], "rpe-deux": ["42207"]}

pytestmark = [pytest.mark.slow, pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")]


# ---- the scene

@pytest.fixture(name="place", scope="module")
def a_quick_place():
    """What is tried here is the order of the calls, not the disk."""
    with tempfile.TemporaryDirectory(prefix="navette-crash-", dir=quick_place()) as directory:
        yield pathlib.Path(directory)


def waiting_deposits(binary, path):
    """Everything lies in arrivee/: habilitations, demandes of which one is refused and one has no lieu, a bad flux."""
    site = Site(binary, path)
    site.configure("[daemon]\nworkers = 1\n")
    site.deposit(habilitations("HAB-0", convention("CLI_1", LIEUX, cadence=HOURS)), "caf-421", "hab.xml")
    records = [demande("A1", nom=MARK), demande("A2", ["42218", "42207"], nom=MARK), demande("A3", ["42207"], nom=MARK),
               demande("A4", ["42999"], nom=MARK), demande("A5", ["42094"], nom=MARK)]
    site.deposit(demandes("D1", *records), name="d1.xml")
    site.deposit(demandes("D2", demande("B1", nom=MARK), announced=9), name="d2.xml")
    site.deposit(demandes("D3", demande("C1", nom=MARK)), name="d3.xml")
    return site


def routed(binary, path):
    """The same once it is taken in: remises are due, nothing is packed."""
    site = waiting_deposits(binary, path)
    settle(site, lambda: not arrivals(site) and rows(site, "SELECT count(*) FROM acheminement") == [(5,)], "run")
    assert site.delivered() == []
    return site


SCENES = {"from the deposits": waiting_deposits, "from routed demandes": routed}


def arrivals(site):
    return [p for p in (site.spool / "arrivee").glob("*/*")]


def settle(site, done, *command, passes=12, env=None):
    for _ in range(passes):
        ended = site.run(*command, code=(0, 1), env=env)
        if done():
            return
    raise AssertionError(f"not settled after {passes} passes: {ended.stdout}{ended.stderr}")


def quiet(site):
    """Nothing left to do for a pass."""
    try:
        left = rows(site, "SELECT (SELECT count(*) FROM flux WHERE etat = 'recu' OR accuse IS NULL)"
                    " + (SELECT count(*) FROM acheminement WHERE etat <> 'remis')"
                    " + (SELECT count(*) FROM remise WHERE etat <> 'dissoute' AND etat <> 'livree')"
                    " + (SELECT count(*) FROM notification WHERE etat <> 'envoyee')"
                    " + (SELECT count(*) FROM demande WHERE admise = 0)"
                    " + (SELECT count(*) FROM demande_commune WHERE etat = 'nouvelle')")[0][0]
    except sqlite3.OperationalError:
        return False
    return left == 0 and not arrivals(site)


def converge(site, later=False):
    """Ordinary passes until nothing is left to do; `later`: as if hours had gone by, for what was put off."""
    env = at(datetime.datetime.now(PARIS) + datetime.timedelta(hours=3)) if later else None
    settle(site, lambda: quiet(site), "run", "--now", env=env)


def outcome(site):
    """What came of it, without what may differ: tickets, times and how demandes were grouped into remises."""
    answers = []
    for emetteur in ("monenfant", "caf-421"):
        for path in site.accuses(emetteur):
            root = ElementTree.parse(path).getroot()
            answers.append((emetteur, root.findtext(f"{A}flux/{A}nomFichier"), root.findtext(f"{A}resultat"),
                            root.findtext(f"{A}motif/{A}code"), tuple(r.findtext(f"{A}code") for r in root.iter(f"{A}refus")),
                            tuple(e.text for e in root.find(f"{A}compteurs"))))
    return {
        "delivered": sorted((p.parts[-4], p.name, hashlib.sha256(p.read_bytes()).hexdigest())
                            for p in site.delivered() if p.name != "manifeste.xml"),
        "answers": sorted(answers, key=str),
        "rejet": sorted(re.sub(r"^[^.]*\.", "", p.name) for p in (site.spool / "rejet").rglob("*") if p.is_file()),
        "charge": rows(site, "SELECT d.emetteur, d.reference FROM charge JOIN demande d ON d.id = demande_id ORDER BY 2"),
        "sans-lieu": rows(site, "SELECT reference FROM demande WHERE sans_lieu = 1 ORDER BY 1"),
        "conventions": rows(site, "SELECT numero, version FROM convention JOIN version ON convention_id = convention.id"),
    }


def assert_sound(site, expected):
    assert outcome(site) == expected
    for directory in remises(site):
        assert_remise_is_whole(directory)
    names = sorted(d.name for d in remises(site))
    assert names == sorted(r[0] for r in rows(site, "SELECT nom FROM remise WHERE etat = 'livree'"))
    # Every remise is told of, by one message.
    assert sorted(mail_at(p)["Message-ID"].strip("<>").split("@")[0] for p in site.mails()) == names
    told = rows(site, "SELECT nom FROM notification JOIN remise ON remise.id = remise_id WHERE notification.etat = 'envoyee'"
                " AND acceptee_le IS NOT NULL ORDER BY 1")
    assert [t[0] for t in told] == names
    assert len(rows(site, "SELECT 1 FROM echeance WHERE genre LIKE 'retrait%'")) == len(names)
    validate("accuse-1.xsd", *site.accuses(), *site.accuses("caf-421"))
    assert_nothing_is_left_over(site)
    assert rows(site, "PRAGMA foreign_key_check") == [] and rows(site, "PRAGMA integrity_check") == [("ok",)]
    site.run("traces", "verify")


def assert_nothing_is_left_over(site):
    """Nor does a family's name lie anywhere but where it belongs."""
    for directory in ("travail", "depart", "arrivee"):
        assert [p for p in (site.spool / directory).rglob("*") if not p.is_dir()] == []
    assert [p for p in (site.spool / "depart").glob("*/*")] == []
    assert [p for p in site.depot.glob("*/.en-cours/*")] == []
    hidden = [p for p in site.path.rglob(".*") if p.name not in (".lock", ".en-cours")]
    assert hidden == []
    for path in site.path.rglob("*"):
        if path.is_file() and MARK.encode() in path.read_bytes():
            relative = path.relative_to(site.path).parts
            assert relative[0] in ("depot", "state") or relative[:2] == ("spool", "rejet"), path


# ---- strace

def traced(site, tmp, *options, command=("run", "--now")):
    return subprocess.run(["strace", "-f", "-qq", "-o", str(tmp), *options, *site.command(*command)], capture_output=True,
                          text=True, timeout=120, check=False, env={**os.environ, "ASAN_OPTIONS": no_leak_check()})


def no_leak_check():
    """The sanitizer's search for leaks does not work under ptrace."""
    return os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"


def spread(count, points):
    """Points of 1 … count: the first three, the last two, and others evenly between."""
    if count <= points:
        return list(range(1, count + 1))
    chosen = {1, 2, 3, count - 1, count} | {1 + round(i * (count - 1) / (points - 1)) for i in range(points)}
    return sorted(chosen)


@pytest.fixture(name="scenes", scope="module")
def prepared_scenes(navette, place):
    """By name: the template, what an undisturbed run makes of it, and how often it calls what (the busiest thread)."""
    out = {}
    for index, (name, make) in enumerate(SCENES.items()):
        template = make(navette, place / f"template-{index}")
        undisturbed = copy_of(template, place / f"reference-{index}")
        log = place / f"log-{index}"
        done = traced(undisturbed, log, "-e", "trace=" + ",".join(CALLS))
        assert done.returncode == 1, done.stderr
        converge(undisturbed)
        counts = Counter()
        for (call, _), n in Counter(re.findall(r"^(?P<pid>\d+) +(?P<call>\w+)\(", log.read_text(errors="replace"), re.M)).items():
            counts[_] = max(counts[_], n)
        out[name] = (template, outcome(undisturbed), counts)
        assert_sound(undisturbed, out[name][1])
    return out


def test_the_scene_is_what_it_should_be(scenes):
    for template, expected, counts in scenes.values():
        assert {(lieu, name) for lieu, name, _ in expected["delivered"]} == {
            (lieu, f"DI_monenfant_{r}.{e}") for e in ("pdf", "xml")
            for lieu, r in (("rpe-un", "A1"), ("rpe-un", "A2"), ("rpe-un", "C1"), ("rpe-deux", "A2"), ("rpe-deux", "A3"))}
        assert [a[1:5] for a in expected["answers"]] == [
            ("hab.xml", "accepte", None, ()), ("d1.xml", "partiel", None, ("COMMUNE_INCONNUE",)),
            ("d2.xml", "refuse", "TOTAUX_FAUX", ()), ("d3.xml", "accepte", None, ())]
        assert expected["sans-lieu"] == [("A5",)]
        for call in ("renameat2", "renameat", "fsync", "fdatasync", "syncfs", "unlinkat", "pwrite64"):
            assert counts[call] > 0, f"{call}: no longer used; change CALLS"


def try_points(place, scene, points, options_of, later, may_survive):
    """Disturbs one copy of the scene a point, in parallel; returns how many were disturbed."""
    template, expected, _ = scene

    def attempt(point):
        path = pathlib.Path(tempfile.mkdtemp(prefix="p-", dir=place)) / "site"
        site = copy_of(template, path)
        try:
            done = traced(site, path.parent / "log", *options_of(*point))
            if done.returncode < 0 or done.returncode == 128 + signal.SIGKILL:
                assert not may_survive, (point, done.returncode, done.stderr[-2000:])
                struck = True
            else:
                assert done.returncode in (0, 1, 3), (point, done.returncode, done.stderr[-2000:])
                struck = "INJECTED" in (path.parent / "log").read_text(errors="replace")
            # What stands in a dépôt is whole at every moment.
            for directory in remises(site):
                assert_remise_is_whole(directory)
            converge(site, later)
            assert_sound(site, expected)
        except AssertionError as e:
            raise AssertionError(f"at {point}: {e}") from e
        shutil.rmtree(path.parent)
        return struck

    with concurrent.futures.ThreadPoolExecutor(max_workers=max(2, os.cpu_count() or 2)) as pool:
        return sum(pool.map(attempt, points))


@pytest.mark.parametrize("scene", SCENES)
def test_killed_at_any_call_nothing_is_lost_or_sent_twice(scenes, place, scene):
    counts = scenes[scene][2]
    points = [(call, n) for call in CALLS for n in spread(counts[call], 4)]

    def kill(call, n):
        return ["-e", f"trace={call}", "-e", f"inject={call}:signal=SIGKILL:when={n}"]
    struck = try_points(place, scenes[scene], points, kill, later=False, may_survive=False)
    assert struck >= len(points) * 0.8, f"only {struck} of {len(points)} passes were killed"


@pytest.mark.parametrize("scene", SCENES)
def test_when_a_call_fails_the_rest_goes_on_later(scenes, place, scene):
    """A disk that is full for a moment, or cannot be written."""
    counts = scenes[scene][2]
    # The first calls of openat and write load the program itself.
    points = [(call, n) for call in FAILING for n in spread(counts[call], 3)[-4:] if not (call == "openat" and n < 50)]

    def fail(call, n):
        return ["-e", f"trace={call}", "-e", f"inject={call}:error={FAILING[call]}:when={n}"]
    struck = try_points(place, scenes[scene], points, fail, later=True, may_survive=True)
    assert struck >= len(points) * 0.7, f"only {struck} of {len(points)} passes met the error"


@pytest.mark.parametrize("call", ["pwrite64", "fdatasync", "syncfs", "renameat2", "mkdirat"])
def test_when_a_call_fails_for_ever_nothing_is_lost(scenes, place, call):
    struck = try_points(place, scenes["from the deposits"], [(call, 1), (call, 3)],
                        lambda c, n: ["-e", f"trace={c}", "-e", f"inject={c}:error={FAILING[c]}:when={n}+"], later=True,
                        may_survive=True)
    assert struck >= 1


def test_two_crashes_in_a_row(scenes, place):
    """The recovery is cut too."""
    template, expected, counts = scenes["from the deposits"]
    dice = random.Random(20)
    for index in range(6):
        site = copy_of(template, place / f"twice-{index}")
        for _ in range(3):
            call = dice.choice(["renameat2", "fsync", "fdatasync", "unlinkat", "pwrite64"])
            traced(site, place / "log-twice", "-e", f"trace={call}", "-e",
                   f"inject={call}:signal=SIGKILL:when={dice.randint(1, counts[call])}")
        converge(site)
        assert_sound(site, expected)


def test_serve_killed_again_and_again_under_a_steady_inflow(navette, place):
    site = Site(navette, place / "soak")
    site.configure("[daemon]\nscan_every = 1s\n")
    site.deposit(habilitations("HAB-0", convention("CLI_1", LIEUX)), "caf-421", "hab.xml")
    stop = threading.Event()
    deposited = []

    def inflow():
        while not stop.is_set():
            n = len(deposited)
            communes = [["42218"], ["42207"], ["42218", "42207"]][n % 3]
            site.deposit(demandes(f"D{n}", demande(f"S{n}", communes, nom=MARK)), name=f"s{n}.xml")
            deposited.append(communes)
            stop.wait(0.06)
    feeder = threading.Thread(target=inflow)
    feeder.start()
    dice = random.Random(7)
    try:
        for _ in range(15):
            serving = site.start("serve", stderr=subprocess.DEVNULL)
            with pytest.raises(subprocess.TimeoutExpired):  # it does not end by itself
                serving.wait(timeout=dice.uniform(0.15, 0.9))
            serving.kill()
            serving.wait(timeout=30)
    finally:
        stop.set()
        feeder.join()
    assert site.delivered(), "killed too early every time: nothing was tried"
    converge(site)
    names = {"42218": "rpe-un", "42207": "rpe-deux"}
    for n, communes in enumerate(deposited):
        assert reached(site, f"S{n}") == sorted(names[c] for c in communes), n
    answered = [ElementTree.parse(p).getroot().findtext(f"{A}flux/{A}nomFichier") for p in site.accuses()]
    assert sorted(answered) == sorted(f"s{n}.xml" for n in range(len(deposited)))
    assert_sound(site, outcome(site))
    totals = Counter()
    for directory in remises(site):
        totals.update(f.text for f in ElementTree.parse(directory / "manifeste.xml").getroot().iter(f"{R}reference"))
    assert all(totals[f"S{n}"] == 2 * len(c) for n, c in enumerate(deposited)), "PDF and XML, once a lieu"
