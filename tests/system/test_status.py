"""What operators are told of a pass that could not do everything, and of demandes that wait in part."""

import contextlib
import re
import sqlite3
import time

import pytest

from conftest import DATA, on_a_terminal


# ---- incidents

def test_what_the_latest_pass_could_not_do_stays_in_status_until_it_is_mended(site):
    site.deposit(DATA / "demo/habilitations.xml", "caf-421")
    site.passes()
    (site.spool / "accuses/monenfant").write_text("in the way", encoding="utf-8")
    (site.spool / "arrivee/lost.xml").write_text("x", encoding="utf-8")
    site.deposit(DATA / "demo/demandes.xml")
    ran = site.passes(code=3).stdout.split("Needs attention:")[1]
    assert "answer: 1 accusé could not" in ran and "1 entry in the wrong place" in ran
    status = site.run("status").stdout.split("Needs a person:")[1]
    for words in ("answer: 1 accusé could not", "1 entry in the wrong place", str(site.spool / "arrivee")):
        assert words in status
    first = site.json("status")["incidents"]
    assert [sorted(i) for i in first] == [["depuis", "texte"]] * 2 and all(i["depuis"] for i in first)
    site.passes(code=3)
    assert site.json("status")["incidents"] == first
    (site.spool / "accuses/monenfant").unlink()
    (site.spool / "arrivee/lost.xml").unlink()
    site.passes()
    assert site.json("status")["incidents"] == [] and "answer:" not in site.run("status").stdout


def test_what_was_claimed_but_not_recorded_still_counts_as_a_deposit(loaded):
    """A kill, a full disk or a locked database between the two."""
    work = loaded.spool / "travail/monenfant"
    assert loaded.json("status")["depots_en_attente"] == []
    known = loaded.json("flux", "list", "--emetteur", "monenfant")[0]["ticket"]
    (work / f"{known}.recorded.xml").write_bytes(b"x")
    (work / "20261122T051000Z-0000aabbccdd.a.b.xml").write_bytes(b"x")
    (work / "20261122T051000Z-0000aabbccdd").write_bytes(b"x")
    (work / ".20261122T051000Z-0001aabbccdd.tmp").write_bytes(b"x")
    loaded.deposit(DATA / "demandes/ok-minimale.xml")
    waiting = loaded.json("status")["depots_en_attente"]
    assert [(w["emetteur"], w["fichiers"]) for w in waiting] == [("monenfant", 2)] and waiting[0]["depuis"]
    loaded.passes()
    assert loaded.json("status")["depots_en_attente"] == []


def test_a_remise_that_cannot_be_packed_is_named_with_what_the_system_said(site):
    site.deposit(DATA / "demo/habilitations.xml", "caf-421")
    site.passes()
    (site.spool / "depart/rpe-gier").write_text("in the way", encoding="utf-8")
    site.deposit(DATA / "demo/demandes.xml")
    done = site.passes(code=3)
    for told in (done.stdout.split("Needs attention:")[1], site.run("status").stdout.split("Needs a person:")[1]):
        assert "the remise of rpe-gier could not be packed" in told and "Not a directory" in told


def test_flux_refused_lately_are_told(site):
    site.deposit(DATA / "demandes/bad-doctype.xml")
    site.passes(code=1)
    assert "1 flux refused whole: navette flux list --state refuse" in site.run("status").stdout


def test_what_is_many_is_counted_to_its_end(loaded):
    """However much came after it."""
    last = loaded.json("status")["derniere_livraison"]
    with contextlib.closing(sqlite3.connect(loaded.database)) as db, db:
        lately, long_ago = (int((time.time() - days * 86400) * 1000) for days in (1, 8))
        add = ("INSERT INTO flux (ticket, emetteur, nom, recu_le, taille, etat, traite_le, accuse) "
               "VALUES (?, 'monenfant', 'f.xml', ?, 1, ?, ?, 'AR.xml')")
        for i, (etat, at) in enumerate([("refuse", long_ago)] * 3 + [("refuse", lately)] * 250 + [("accepte", lately)] * 250):
            db.execute(add, (f"t{i}", at, etat, at))
        db.execute("INSERT INTO remise (nom, lieu_id, version_id, etat, composee_le, nombre, delai_retrait, prochaine) "
                   "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 250) "
                   "SELECT 'r' || i, r.lieu_id, r.version_id, 'dissoute', r.composee_le, 1, 5, 0 FROM n, "
                   "(SELECT * FROM remise LIMIT 1) r")
    assert "250 flux refused whole: " in loaded.run("status").stdout
    status = loaded.json("status")
    assert status["flux_refuses_recents"] == 250 and status["derniere_livraison"] == last


def test_a_flux_without_a_good_record_is_counted_once(site):
    site.deposit(DATA / "demo/habilitations.xml", "caf-421")
    site.deposit(DATA / "demandes/bad-non-eligible.xml")
    out = site.passes(code=1).stdout
    etat = [f["etat"] for f in site.json("flux", "list", "--emetteur", "monenfant")]
    told = [etat == ["refuse"], etat == ["partiel"]]
    assert ["flux refused whole" in out.split("attention")[1], "1 record refused" in out] == told, out


# ---- demandes

def test_a_demande_served_in_part_says_for_which_commune_it_waits(loaded):
    partly = [d for d in loaded.json("demandes", "list", "--all")
              if d["etat"] != "sans-lieu" and any(c["etat"] == "attente" for c in d["communes"])]
    assert partly
    assert loaded.json("demandes", "list", "--waiting") == partly
    status = loaded.json("status")
    assert status["files"]["demandes_servies_en_partie"] == len(partly)
    assert f"{len(partly)} demande{'s' if len(partly) > 1 else ''} of which a commune waits" in loaded.run("status").stdout
    one = partly[0]
    commune = [c["insee"] for c in one["communes"] if c["etat"] == "attente"][0]
    shown = loaded.run("demandes", "show", one["reference"]).stdout
    assert re.search(rf"^Waits: +for a lieu that covers .*{commune}", shown, re.M)
    assert commune + "*" in loaded.run("demandes", "list", "--waiting").stdout


def test_a_delivered_demande_says_when(loaded):
    demande = loaded.json("demandes", "list", "--state", "remise")[0]
    lieu = loaded.json("demandes", "show", demande["reference"])["lieux"][0]
    remise = loaded.json("remises", "show", lieu["remise"])
    assert lieu["livree_le"] == remise["livree_le"] is not None
    header = re.search(r"^LIEU .*", loaded.run("demandes", "show", demande["reference"]).stdout, re.M)[0].split()
    assert header == ["LIEU", "STATE", "DUE", "DELIVERED", "REMISE", "WHY"]


def test_a_refused_demande_leads_to_its_flux(loaded):
    flux = [f for f in loaded.json("flux", "list") if f["etat"] == "partiel"][0]
    record = loaded.json("flux", "show", flux["ticket"])["enregistrements"][0]
    for ref in (record["reference"], f"{flux['emetteur']}/{record['reference']}"):
        said = loaded.run("demandes", "show", ref, code=2).stderr
        assert flux["ticket"] in said and record["code"] in said
    assert "demandes list" in loaded.run("demandes", "show", "NONE", code=2).stderr


# ---- terminals

@pytest.mark.parametrize("columns", [60, 80, 100])
@pytest.mark.parametrize("command, key", [("flux list", "ticket"), ("demandes list", "reference"),
                                          ("remises list", "remise"), ("lieux list", "lieu"),
                                          ("conventions list", "convention")])
def test_what_names_a_row_is_whole_on_a_terminal(loaded, command, key, columns):
    names = [row[key] for row in loaded.json(*command.split())]
    lines = on_a_terminal(loaded.command(*command.split()), columns).replace("\r", "").splitlines()
    assert [line.split()[0].split("/")[-1] for line in lines[1:]] == names
    assert all(len(line) <= columns for line in lines), lines


def test_the_bar_of_run_shows_how_much_there_is_to_render(site):
    site.deposit(DATA / "demo/habilitations.xml", "caf-421")
    site.passes()
    site.deposit(DATA / "demo/demandes.xml")
    out = on_a_terminal(site.command("run", "--now"))
    total = len(site.json("demandes", "list", "--all")) and sum(
        len(d["lieux"]) for d in site.json("demandes", "list", "--all"))
    assert re.search(rf"\r\x1b\[K\[[ =]{{6}}\] render \d+ of {total} \(\d+ %\)", out), out
    assert "event=" not in out and "answered" in out
