"""A remise taken back, and one issued again (R15), through the binary: in a dépôt and on a partner's SFTP server."""

import contextlib
import pathlib
import sqlite3

import pytest

from test_main_job import (assert_remise_is_whole, at, convention, demande, demandes, dump_of_tables, habilitations, mail_at,
                           open_lieux, paris, reached, remises, rows, run_at, validate, words_of)
from test_sftp import Sshd, open_site


WITHDRAWN = "2 demandes lately withdrawn from every lieu: navette demandes list --state retiree"


class Place:
    """Where the lieu finds its remises: {path relative to it: bytes}."""

    def __init__(self, root, flat=False):
        self.root, self.flat = root, flat

    def files(self):
        return {str(p.relative_to(self.root)): p.read_bytes() for p in self.root.rglob("*") if p.is_file()}

    def expected(self, remise, *references):
        at = "" if self.flat else f"{remise}/"
        manifest = f"{remise}_manifeste.xml" if self.flat else f"{remise}/manifeste.xml"
        return {f"{at}DI_monenfant_{r}.{e}" for r in references for e in ("pdf", "xml")} | {
            manifest, f"{at}BORDEREAU_{remise}.pdf"}


@pytest.fixture(name="place", params=["depot", "sftp", "sftp-sans-repertoire"])
def a_delivered_remise(request, site, tmp_path):
    """One lieu with one delivered remise of A1 and A2."""
    if request.param == "depot":
        open_lieux(site)
        place, server = Place(site.depot / "rpe-un/remises"), None
    else:
        if not pathlib.Path("/usr/sbin/sshd").exists():
            pytest.skip("openssh-server is not installed")
        server = Sshd(tmp_path / "serveur")
        flat = request.param == "sftp-sans-repertoire"
        open_site(site, server, server.channel(make_directory=not flat))
        place = Place(server.there, flat)
    place.server = server
    site.deposit(demandes("D1", demande("A1"), demande("A2")))
    site.passes(code=0)
    yield place
    if server:
        server.stop()


def the_remise(site):
    return site.json("remises", "list")[-1]["remise"]


def states(site):
    return [etat for (etat,) in rows(site, "SELECT etat FROM acheminement ORDER BY id")]


def test_a_withdrawn_remise_is_removed_where_it_lies(site, place):
    remise = the_remise(site)
    assert set(place.files()) == place.expected(remise, "A1", "A2")
    before, there = dump_of_tables(site), place.files()
    site.run("remises", "withdraw", remise, code=2)
    preview = site.run("remises", "withdraw", remise, "--why", "envoyée par erreur").stdout
    assert remise in preview and "its files are removed where they lie" in preview and "--apply" in preview
    site.passes(code=0)
    assert place.files() == there and dump_of_tables(site) == before

    done = site.run("remises", "withdraw", remise, "--why", "envoyée par erreur", "--apply").stdout
    assert "a-rappeler" in done and states(site) == ["retire", "retire"]
    assert {d["etat"] for d in site.json("demandes", "list", "--state", "retiree")} == {"retiree"}
    # R11: nobody has them, and that is told; what has no lieu any more has no pickup date.
    status = site.json("status")
    assert status["files"]["demandes_retirees"] == 2 == len(site.json("demandes", "list", "--state", "retiree"))
    assert WITHDRAWN in status["attention"]
    refused = site.run("demandes", "retry", "A1", code=3).stderr
    assert "withdrawn from every lieu" in refused and "under a new reference" in refused
    assert site.json("remises", "show", remise)["retrait_avant"] is None
    assert "Pickup by" not in site.run("remises", "show", remise).stdout
    assert place.files() == there  # the next pass does it
    done = site.passes(code=1).stdout
    assert WITHDRAWN in done and "0 delivered, 0 notified, 1 removed at their lieux" in done
    assert place.files() == {} and (place.flat or list(place.root.iterdir()) == [])
    shown = site.json("remises", "show", remise)
    assert shown["etat"] == "rappelee" and shown["rappel"] == "envoyée par erreur" and shown["rappelee_le"]
    assert rows(site, "SELECT DISTINCT etat FROM echeance") == [("annulee",)]
    assert "envoyée par erreur" in site.run("remises", "show", remise).stdout
    # As long as somebody may have to act on it, and `run` and `status` agree; the list and the count have it for good.
    eight_days = 8 * 86_400_000
    with contextlib.closing(sqlite3.connect(site.database)) as db, db:
        db.execute("UPDATE remise SET rappelee_le = rappelee_le - ?", (eight_days,))
    site.passes(code=0)
    status = site.json("status")
    assert status["attention"] == [] and status["files"]["demandes_retirees"] == 2 == len(site.json("demandes", "list", "--state", "retiree"))
    # Never again, and never to that lieu.
    again = site.run("remises", "withdraw", remise, "--why", "encore", code=3)
    assert "cannot be withdrawn" in again.stderr
    assert "withdrawn" in site.run("remises", "reissue", remise, "--why", "perdue", code=3).stderr
    site.passes()
    assert place.files() == {} and states(site) == ["retire", "retire"]
    site.run("traces", "verify")


def test_a_remise_is_issued_again_with_the_same_bytes(site, place):
    first = the_remise(site)
    once = place.files()
    site.run("remises", "reissue", first, code=2)
    site.run("remises", "reissue", first, "--why", "disque perdu")
    assert "already" in site.run("remises", "reissue", first, "--why", "disque perdu", code=3).stderr
    # The lieu has lost one file, another is damaged.
    names = sorted(n for n in once if n.endswith(".pdf"))
    (place.root / names[0]).unlink()
    (place.root / names[1]).write_bytes(b"?")
    site.passes(code=0)
    (second,) = [r for r in site.json("remises", "list") if r["remise"] != first]
    assert second["reemise_de"] == first and second["etat"] == "livree" and second["remise"] != first
    now = place.files()
    for reference in ("A1", "A2"):
        for extension in ("pdf", "xml"):
            name = f"DI_monenfant_{reference}.{extension}"
            at, was = (name, name) if place.flat else (f"{second['remise']}/{name}", f"{first}/{name}")
            assert now[at] == once[was]
    assert place.expected(second["remise"], "A1", "A2") <= set(now)
    validate("remise-1.xsd", *(place.root / n for n in now if n.endswith("manifeste.xml")))
    assert states(site) == ["remis", "remis"] and len(site.mails()) == 2
    mail = next(mail_at(p) for p in site.mails() if p.stem == second["remise"])
    text = mail.get_body(("plain",)).get_content()
    assert f"Cette remise met de nouveau à disposition le contenu de la remise {first}\u00a0: ce sont les mêmes demandes. La durée" in text
    assert first not in mail["Subject"] and "2 demandes d’information" in words_of(mail)
    assert "met de nouveau" in words_of(mail, "html")
    assert rows(site, "SELECT count(*) FROM echeance WHERE etat = 'ouverte'") == [(2,)]
    site.run("traces", "verify")

    # A withdrawal takes every issue, whichever is named.
    preview = site.run("remises", "withdraw", second["remise"], "--why", "par erreur").stdout
    assert first in preview and second["remise"] in preview
    site.run("remises", "withdraw", second["remise"], "--why", "par erreur", "--apply")
    site.passes()
    assert place.files() == {} and states(site) == ["retire", "retire"]
    assert {r["etat"] for r in site.json("remises", "list")} == {"rappelee"}


def test_a_withdrawal_waits_for_the_partners_server(site, place):
    if not place.server:
        pytest.skip("of a server")
    remise = the_remise(site)
    place.server.stop()
    site.run("remises", "withdraw", remise, "--why", "par erreur", "--apply")
    done = site.passes(code=1)
    assert "withdrawn, not removed at the lieu yet" in done.stdout
    assert site.json("remises", "show", remise)["etat"] == "a-rappeler"
    place.server.start()
    site.run("lieux", "retry", "rpe-un")
    site.passes()
    assert site.json("remises", "show", remise)["etat"] == "rappelee" and place.files() == {}


def test_an_act_says_when_the_next_pass_does_not_do_it(site, place):
    if not place.server:
        pytest.skip("of a server")
    first = the_remise(site)
    retry = "navette lieux retry rpe-un"
    place.server.stop()
    site.deposit(demandes("D2", demande("A3")))
    site.passes(code=1)
    second = site.json("remises", "list")[0]["remise"]
    # Its partner is tried again later.
    assert "once its partner answers again" in site.run("remises", "withdraw", first, "--why", "par erreur").stdout
    done = site.run("remises", "withdraw", first, "--why", "par erreur", "--apply").stdout
    assert "state: a-rappeler; not now: " in done and f"since its partner failed; at once: {retry}" in done
    assert f"at once: {retry}" in site.run("remises", "show", first).stdout
    site.run("remises", "hold", second, "--why", "le temps de vérifier")
    assert "state: prete; not now: " in site.run("remises", "release", second).stdout
    # Its lieu is suspended: that does not keep what is withdrawn from being removed.
    said = site.run("lieux", "suspend", "rpe-un", "--why", "incident").stdout
    assert "no remise leaves for it until" in said and "notification of what is delivered already still leaves" in said
    assert "not now: its lieu is suspended: navette lieux resume rpe-un" in site.run("remises", "retry", second).stdout
    assert "not now" not in site.run("remises", "retry", first).stdout
    site.run("lieux", "resume", "rpe-un")
    # It is held.
    key = site.path / "justificatifs/cle-partenaire"
    secret = key.read_bytes()
    key.unlink()
    site.passes(code=1)
    assert [r["remise"] for r in site.json("remises", "list", "--held")] == [second, first]
    assert "2 remises wait for a person: navette remises list --held" in site.json("status")["attention"]
    site.run("remises", "hold", second, "--why", "le temps de vérifier")
    assert "not now: its partner is held since " in site.run("remises", "release", second).stdout
    # Its server was never reached.
    assert "nothing of it has left; it is not delivered any more" in site.run("remises", "withdraw", second, "--why", "x").stdout
    key.write_bytes(secret)
    key.chmod(0o600)
    place.server.start()
    assert "not now" not in site.run("remises", "retry", second).stdout
    site.run("lieux", "retry", "rpe-un")
    assert WITHDRAWN in site.passes(code=1).stdout
    assert {r["remise"]: r["etat"] for r in site.json("remises", "list")} == {first: "rappelee", second: "livree"}


def test_what_waits_to_be_issued_again_goes_with_the_withdrawal(site):
    open_lieux(site)
    site.deposit(demandes("D1", demande("A1")))
    site.passes(code=0)
    remise = the_remise(site)
    site.run("remises", "reissue", remise, "--why", "perdue")
    site.run("remises", "withdraw", remise, "--why", "par erreur", "--apply")
    site.passes()
    assert remises(site) == [] and len(site.json("remises", "list")) == 1


def test_a_remise_that_did_not_arrive_leaves_no_more(site):
    open_lieux(site)
    site.passes()
    site.depot.mkdir(exist_ok=True)
    (site.depot / "rpe-un").write_bytes(b"")  # no dépôt can be made
    site.deposit(demandes("D1", demande("A1")))
    site.passes(code=1)
    remise = the_remise(site)
    site.run("remises", "withdraw", remise, "--why", "par erreur", "--apply")
    (site.depot / "rpe-un").unlink()
    site.deposit(demandes("D2", demande("A2")))
    site.passes()
    assert reached(site, "A1") == [] and reached(site, "A2") == ["rpe-un"] and len(site.mails()) == 1
    assert {d["reference"]: d["etat"] for d in site.json("demandes", "list")} == {"A1": "retiree", "A2": "remise"}
    site.run("remises", "retry", remise)
    assert "1 demande lately withdrawn" in site.passes(code=1).stdout
    assert site.json("remises", "show", remise)["etat"] == "rappelee"
    assert list((site.spool / "depart").rglob("*.pdf")) == []


def test_nothing_is_issued_again_after_its_retention(site):
    """Six months, quantième to quantième: 31 August is followed by 29 February (R6)."""
    base = paris("2031-08-30T10:00:00").date()
    site.deposit(habilitations("HAB-0", convention("CLI_1", {"rpe-un": ["42218"]}, base=base), base=base), "caf-421",
                 "hab-0.xml")
    site.deposit(demandes("D1", demande("A1", base=base), base=base))
    run_at(site, paris("2031-08-31T23:30:00"), code=0)
    (remise,) = remises(site)
    assert_remise_is_whole(remise)
    site.run("remises", "reissue", remise.name, "--why", "perdue", env=at(paris("2032-03-01T00:10:00")), code=3)
    site.run("remises", "reissue", remise.name, "--why", "perdue", env=at(paris("2032-02-29T23:50:00")))
    run_at(site, paris("2032-02-29T23:55:00"))
    assert len(remises(site)) == 2


@pytest.fixture(name="sshd")
def a_server(tmp_path):
    if not pathlib.Path("/usr/sbin/sshd").exists():
        pytest.skip("openssh-server is not installed")
    server = Sshd(tmp_path / "serveur")
    yield server
    server.stop()


@pytest.mark.parametrize("retried", [False, True])
def test_what_navette_did_not_write_stays_when_a_remise_is_withdrawn(site, sshd, retried):
    open_site(site, sshd, sshd.channel(make_directory=False))
    site.passes()
    theirs = sshd.there / "DI_monenfant_A1.pdf"
    theirs.write_bytes(b"of the partner's own")
    site.deposit(demandes("D1", demande("A1")))
    site.passes(code=(0, 1))
    remise = the_remise(site)
    assert site.json("remises", "show", remise)["motif"].startswith("remise-differente")
    if retried:
        site.run("remises", "retry", remise)
        site.passes(code=(0, 1))
    assert "nothing of it has left" in site.run("remises", "withdraw", remise, "--why", "x").stdout
    site.run("remises", "withdraw", remise, "--why", "x", "--apply")
    shown = site.json("remises", "show", remise)
    assert (shown["etat"], shown["rappel_faits"]) == ("rappelee", "nothing had left")
    site.passes()
    assert sshd.files() == [theirs.name] and theirs.read_bytes() == b"of the partner's own"


def test_a_withdrawal_takes_no_other_lieus_remise_from_a_directory_of_two_names(site, sshd):
    # Nothing but the server tells that it is the same one.
    canal = sshd.channel(make_directory=False)
    (sshd.path / "lien").symlink_to(sshd.there)
    open_site(site, sshd, {"rpe-un": canal, "rpe-deux": canal.replace(f"{sshd.there}<", f"{sshd.path}/lien<")},
              {"rpe-un": ["42218"], "rpe-deux": ["42218"]})
    site.deposit(demandes("D1", demande("A1")))
    site.passes()
    delivered = sshd.files()
    by_state = {r["etat"]: r["remise"] for r in site.json("remises", "list")}
    assert set(by_state) == {"livree", "retenue"} and len(delivered) == 3
    # Its files have the same names and sizes.
    site.run("remises", "retry", by_state["retenue"])
    site.passes(code=(0, 1))
    site.run("remises", "withdraw", by_state["retenue"], "--why", "x", "--apply")
    site.passes()
    site.passes()
    assert sshd.files() == delivered
    assert {r["etat"]: r["retiree_le"] for r in site.json("remises", "list")} == {"livree": None, "rappelee": None}


def test_what_is_withdrawn_while_its_place_is_not_there_stays_to_be_removed(site, place, tmp_path):
    """A disk that is not mounted comes back with what lies on it."""
    remise = the_remise(site)
    if place.server is None:
        pytest.skip("a dépôt that is not there is told by another test")
    there = place.files()
    place.root.rename(tmp_path / "ailleurs")
    site.run("remises", "withdraw", remise, "--why", "envoyée par erreur", "--apply")
    site.passes(code=None)
    shown = site.json("remises", "show", remise)
    assert shown["etat"] == "a-rappeler" and "is its disk mounted" in shown["motif"], shown
    (tmp_path / "ailleurs").rename(place.root)
    assert place.files() == there
    site.run("lieux", "retry", "rpe-un", code=None)
    site.passes(code=None)
    assert site.json("remises", "show", remise)["etat"] == "rappelee" and place.files() == {}


@pytest.mark.parametrize("some", [True, False])
def test_what_the_lieu_took_before_it_was_removed_is_to_be_destroyed_there(site, place, some):
    remise = the_remise(site)
    taken = [p for p in place.root.rglob("DI_*") if p.is_file()]
    for path in taken[:1] if some else taken:
        path.unlink()
    site.run("remises", "withdraw", remise, "--why", "envoyée par erreur", "--apply")
    site.passes(code=None)
    shown = site.json("remises", "show", remise)
    assert shown["etat"] == "a-detruire" and "the lieu took them" in shown["motif"], shown
    assert place.files() == {}
    site.run("remises", "taken-back", remise, "--why", "détruite par le lieu")
    assert site.json("remises", "show", remise)["etat"] == "rappelee"
