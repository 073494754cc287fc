"""The database taken away: nothing is promised that would be lost, nothing begins anew unasked (R11)."""

import contextlib
import json
import datetime
import os
import pathlib
import shutil
import sqlite3
import subprocess
import time

import pytest

from conftest import DATA
from test_main_job import at


def until(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def has_open(process, file):
    assert process.poll() is None
    for fd in pathlib.Path(f"/proc/{process.pid}/fd").iterdir():
        with contextlib.suppress(OSError):  # closed meanwhile
            if os.readlink(fd) == str(file) + "-wal":
                return True
    return False


# ---- deleted while in use

def test_serve_stops_when_its_database_is_deleted_and_loses_nothing(loaded, tmp_path):
    process = loaded.start("serve", stderr=subprocess.PIPE, text=True)
    try:
        until(lambda: has_open(process, loaded.database))
        # As a backup is made, and as an accident happens.
        with contextlib.closing(sqlite3.connect(loaded.database)) as live:
            live.execute("VACUUM INTO ?", (str(tmp_path / "copy.db"),))
        for file in loaded.database.parent.glob("navette.db*"):
            if not file.name.endswith(".lock"):
                file.unlink()
        said = loaded.run("status", code=3).stderr
        assert "first" not in said and str(loaded.database) in said and "restore" in said, said
        before = loaded.accuses()
        loaded.deposit(DATA / "demandes/ok-minimale.xml")
        _, err = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 3
    last = err.splitlines()[-1]
    assert str(loaded.database) in last and "deleted or replaced" in last and "restore" in last
    assert loaded.accuses() == before
    assert not loaded.database.exists()
    # With the copy back, what was deposited meanwhile is taken in.
    shutil.copy(tmp_path / "copy.db", loaded.database)
    loaded.passes()
    assert len(loaded.accuses()) == len(before) + 1
    assert loaded.json("flux", "list")[0]["etat"] == "accepte"


def test_run_stops_when_its_database_is_replaced_between_its_passes(loaded, tmp_path):
    loaded.config.write_text(loaded.config.read_text(encoding="utf-8").replace("20ms", "2s"), encoding="utf-8")
    loaded.deposit(DATA / "demandes/ok-minimale.xml")
    process = loaded.start("run", stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    until(lambda: has_open(process, loaded.database))
    loaded.database.rename(tmp_path / "away.db")
    _, err = process.communicate(timeout=30)
    assert process.returncode == 3 and "deleted or replaced" in err
    assert len(loaded.accuses()) == 1


# ---- missing or empty before a start

def emptied(site):
    forgotten(site)
    site.database.touch()


def forgotten(site):
    for file in site.database.parent.glob("navette.db*"):
        file.unlink()


@pytest.mark.parametrize("lose", [forgotten, emptied])
@pytest.mark.parametrize("keep", ["spool", "depot"])
def test_a_lost_database_is_not_replaced_unasked(loaded, lose, keep):
    delivered = loaded.delivered()
    lose(loaded)
    gone = loaded.depot if keep == "spool" else loaded.spool / "accuses"
    shutil.rmtree(gone)
    if keep == "depot":
        for name in ("rejet", "travail", "depart", "courriels"):
            shutil.rmtree(loaded.spool / name)
    loaded.deposit(DATA / "demo/demandes.xml")
    for command in ("run", "serve"):
        said = loaded.run(command, code=3).stderr
        assert "Restore" in said and str(loaded.database) in said and "--new-database" in said
        assert str(loaded.spool / "accuses" if keep == "spool" else loaded.depot) in said
        assert len(said.splitlines()) == 1
    assert not loaded.database.exists() or loaded.database.stat().st_size == 0
    assert (loaded.spool / "arrivee/monenfant/demandes.xml").exists()
    if keep == "depot":
        assert loaded.delivered() == delivered
    if lose is forgotten:
        for command in (["status"], ["traces", "verify"]):
            said = loaded.run(*command, code=3).stderr
            assert "restore" in said and "first" not in said and "intact" not in said
        assert "restore the last copy" in loaded.run("check", code=1).stdout


def test_a_new_database_is_an_operators_word_and_traced(loaded):
    forgotten(loaded)
    loaded.run("run", "--new-database", code=(0, 1))
    rows = loaded.json("traces", "list", "--all")
    assert [(r["action"], "uid" in r["acteur"]) for r in rows] == [("base.nouvelle", True)]
    assert loaded.json("traces", "verify")["intact"]
    loaded.run("run", "--new-database", code=(0, 1))  # nothing to do any more
    loaded.run("run", code=(0, 1))  # what lies about from before is forgotten, not a sign of an older copy
    assert loaded.json("traces", "list", "--all") == rows


def test_deposits_that_wait_are_no_trace_of_work(site):
    site.deposit(DATA / "demo/habilitations.xml", "caf-421")
    for name in ("accuses", "rejet", "travail", "depart", "courriels"):
        (site.spool / name / "monenfant").mkdir(parents=True)
        (site.spool / name / "README.md").write_text("x", encoding="utf-8")
    site.passes()
    assert [f["etat"] for f in site.json("flux", "list")] == ["accepte"]


def test_an_empty_journal_beside_a_used_spool_is_not_intact(site, loaded):
    site.run("traces", "verify")
    forgotten(site)
    accuses = site.spool / "accuses"
    hidden = [p for p in site.spool.iterdir() if p.name not in ("arrivee", ".lock")] + [site.depot]
    for path in hidden:
        path.rename(f"{path}.away")
    site.run("run")
    assert "intact: 0 rows" in site.run("traces", "verify").stdout
    for path in hidden:
        shutil.rmtree(path, ignore_errors=True)
        (path.parent / (path.name + ".away")).rename(path)
    done = site.run("traces", "verify", code=1)
    assert "intact" not in done.stdout and str(accuses) in done.stdout
    assert site.json("traces", "verify", code=1)["intact"] is False


# ---- a full disk

ON_A_SMALL_DISK = """
set -e
mount -t tmpfs -o size=512k tmpfs "$1"
cp "$2" "$1/navette.db"
echo 1 > "$1/navette.db.lock"
dd if=/dev/zero of="$1/filler" 2>/dev/null || true
shift 2
exec "$@"
"""


@pytest.mark.root
@pytest.mark.parametrize("command", ["run", "status"])
def test_a_full_disk_is_told_with_what_to_do(loaded, tmp_path, command):
    """In a private mount namespace. The log beside the database cannot be made: for SQLite an I/O error."""
    with contextlib.closing(sqlite3.connect(loaded.database)) as db:
        db.execute("VACUUM INTO ?", (str(tmp_path / "copy.db"),))
    with contextlib.closing(sqlite3.connect(tmp_path / "copy.db")) as db:
        db.execute("PRAGMA journal_mode=WAL")
    done = subprocess.run(["unshare", "--mount", "--propagation", "private", "sh", "-c", ON_A_SMALL_DISK, "sh",
                           loaded.database.parent, tmp_path / "copy.db", *loaded.command(command)],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert f"the disk of {loaded.database.parent} is full: free some room; nothing is lost" in done.stderr, done.stderr


@pytest.mark.root
def test_status_tells_of_a_disk_with_little_room(loaded):
    on_a_small_disk = 'set -e; mount -t tmpfs -o size=1m tmpfs "$1"; shift; exec "$@"'
    done = subprocess.run(["unshare", "--mount", "--propagation", "private", "sh", "-c", on_a_small_disk, "sh", loaded.spool,
                           *loaded.command("status", "--json")], capture_output=True, text=True, check=True)
    assert [a for a in json.loads(done.stdout)["attention"] if f"free on {loaded.spool}; make room" in a]
    assert not [a for a in loaded.json("status")["attention"] if "make room" in a]


# ---- an older copy

def later_flux():
    """Of a commune that a lieu of the demonstration covers."""
    return (DATA / "demandes/ok-minimale.xml").read_bytes().replace(b"42218", b"42187")


@pytest.fixture(name="outdated")
def a_site_whose_database_is_an_older_copy(loaded, tmp_path):
    """One flux and its remises later than the copy."""
    copy = tmp_path / "copy.db"
    with contextlib.closing(sqlite3.connect(loaded.database)) as db:
        db.execute("VACUUM INTO ?", (str(copy),))
    loaded.deposit(later_flux())
    loaded.passes()
    forgotten(loaded)
    shutil.copy(copy, loaded.database)
    return loaded


@pytest.mark.parametrize("keep", ["accuses", "depot"])
def test_an_older_copy_is_refused_and_nothing_is_done_twice(outdated, keep):
    remises = {p.parent for p in outdated.delivered()}
    if keep == "depot":
        shutil.rmtree(outdated.spool / "accuses")
    else:
        shutil.rmtree(outdated.depot)
    outdated.deposit(later_flux(), name="again.xml")
    for command in ("run", "serve"):
        said = outdated.run(command, code=3).stderr
        assert str(outdated.database) in said and "--older-database" in said and "delivered again" in said, said
        assert "the accusé of the flux" in said if keep == "accuses" else any(str(p.name) in said for p in remises), said
        assert len(said.splitlines()) == 1
    assert (outdated.spool / "arrivee/monenfant/again.xml").exists()
    assert "older than what navette did" in outdated.run("check", code=1).stdout


def test_going_on_with_an_older_copy_is_an_operators_word_and_traced_once(outdated):
    outdated.run("run", "--older-database", code=(0, 1))
    outdated.run("run", "--older-database", code=(0, 1))
    told = [r for r in outdated.json("traces", "list", "--all") if r["action"] == "base.ancienne"]
    assert len(told) == 1 and told[0]["detail"] and "uid" in told[0]["acteur"]
    outdated.run("run", code=(0, 1))  # said once and for all
    outdated.deposit(later_flux(), name="again.xml")
    outdated.passes()
    assert outdated.json("flux", "list")[0]["etat"] == "accepte"


def test_the_latest_copy_and_files_of_other_names_are_no_sign_of_an_older_one(loaded):
    (loaded.spool / "accuses/monenfant/AR_note.xml").touch()
    (loaded.spool / "accuses/monenfant/AR_29990101.txt").touch()
    lieu = next(loaded.depot.glob("*/remises"))
    (lieu / "a-lire").mkdir()
    (lieu / f"{lieu.parent.name}-20991231-x").mkdir()
    loaded.run("run", "--older-database", code=(0, 1))
    assert "base.ancienne" not in [r["action"] for r in loaded.json("traces", "list", "--all")]
    loaded.run("run", code=(0, 1))


# ---- a clock that cannot be right

PAST = datetime.datetime(2001, 1, 1, 5, tzinfo=datetime.timezone.utc)


def test_nothing_is_done_under_a_clock_far_behind_the_journal(loaded):
    before = len(loaded.json("flux", "list"))
    loaded.deposit(DATA / "demandes/ok-minimale.xml")
    done = loaded.run("run", code=3, env=at(PAST))
    assert "2001-01-01T05:00" in done.stderr and loaded.json("traces", "list", "--limit", "1")[0]["le"] in done.stderr
    # Looking under the wrong clock, which leaves a trace, does not make it a right one.
    loaded.run("conventions", "show", "CLI2025_00012", env=at(PAST))
    loaded.run("run", code=3, env=at(PAST))
    process = loaded.start("serve", stderr=subprocess.PIPE, text=True, env=at(PAST))
    for line in process.stderr:
        if "clock.refused" in line:
            break
    process.terminate()
    assert process.wait(timeout=30) == 0
    process.stderr.close()
    assert len(loaded.json("flux", "list")) == before
    loaded.passes()
    assert loaded.json("flux", "list")[0]["etat"] == "accepte"


def test_a_small_step_back_goes_on_and_a_clock_that_was_wrong_can_be_trusted_again(site):
    now = datetime.datetime.now(datetime.timezone.utc)
    site.deposit(DATA / "demo/habilitations.xml", "caf-421")
    site.passes()
    site.run("run", code=(0, 1), env=at(now - datetime.timedelta(hours=3)))
    site.run("run", code=(0, 1), env=at(now + datetime.timedelta(days=3000)))
    site.deposit(DATA / "demo/habilitations.xml", "caf-421", "again.xml")
    site.run("run", code=(0, 1), env=at(now + datetime.timedelta(days=3000)))
    site.run("run", code=3)
    site.run("run", "--trust-clock", code=(0, 1))
    site.run("run", code=(0, 1))
    assert "horloge.confirmee" in [r["action"] for r in site.json("traces", "list", "--all")]
