"""A new version, or another convention, while remises of the old one are begun, awaited, withdrawn or still to be told of."""

import datetime
import email
import email.policy
import os
import socket

import pytest

from conftest import Site  # noqa: F401: fixtures
from test_main_job import accuse_of, at, convention, demande, demandes, habilitations, personne, rows
from test_notification import MailServer, a_mail_server  # noqa: F401: a fixture
from test_pickup import retrait
from test_sftp import a_server, open_site, without_cover_sheets  # noqa: F401: a fixture


def inside(canal, sshd, directory, returns=None):
    """That channel, with a directory below the server's, and one for returns."""
    (sshd.there / directory).mkdir(exist_ok=True)
    canal = canal.replace(f"{sshd.there}</", f"{sshd.there}/{directory}</")
    if returns:
        (sshd.there / returns).mkdir(exist_ok=True)
        canal = canal.replace("</preuveRetrait>", f"</preuveRetrait><repertoireRetour>{sshd.there}/{returns}</repertoireRetour>")
    return canal


def grant(site, number, *conventions):
    site.deposit(habilitations(f"HAB-{number}", *conventions), "caf-421", f"hab-{number}.xml")


def told_to(site):
    mails = [email.message_from_bytes(m.read_bytes(), policy=email.policy.default) for m in site.mails()]
    return [(sorted(a.addr_spec for a in m["To"].addresses), m.get_body(("plain",)).get_content()) for m in mails]


def test_a_directory_in_which_a_lieu_still_has_remises_is_handed_to_no_other(site, sshd):
    """What navette looks for there, and takes back by name, would be the other's."""
    flat = sshd.channel(make_directory=False)
    communes = {"rpe-a": ["42218"], "rpe-b": ["42218"]}
    open_site(site, sshd, {"rpe-a": inside(flat, sshd, "a"), "rpe-b": inside(flat, sshd, "b")}, communes)
    site.deposit(demandes("D1", demande("X1")))
    site.passes(code=0)
    swapped = {"rpe-a": inside(flat, sshd, "c"), "rpe-b": inside(flat, sshd, "a")}
    grant(site, 2, convention("CLI_1", communes, version=2, canal=swapped))
    site.passes(code=None)
    assert "REPERTOIRE_PARTAGE" in str(accuse_of(site, "hab-2.xml", "caf-421"))
    assert rows(site, "SELECT max(version) FROM version") == [(1,)]
    # Once they are picked up it may be.
    for path in (sshd.there / "a").iterdir():
        path.unlink()
    site.passes(code=None)
    assert [r["etat"] for r in site.json("remises", "list") if r["lieu"] == "rpe-a"] == ["livree"]
    site.deposit(habilitations("HAB-3", convention("CLI_1", communes, version=2, canal=swapped)), "caf-421", "hab-3.xml")
    site.passes(code=None)
    assert rows(site, "SELECT max(version) FROM version") == [(2,)]
    # What is taken back of the one is not what the other has there now.
    of = {r["lieu"]: r["remise"] for r in site.json("remises", "list")}
    site.run("remises", "reissue", of["rpe-b"], "--why", "essai")
    site.passes(code=None)
    there = sorted(p.name for p in (sshd.there / "a").iterdir())
    assert {"DI_monenfant_X1.pdf", "DI_monenfant_X1.xml"} <= set(there)
    site.run("remises", "withdraw", of["rpe-a"], "--why", "essai", "--apply")
    site.passes(code=None)
    assert sorted(p.name for p in (sshd.there / "a").iterdir()) == there
    withdrawn = site.json("remises", "show", of["rpe-a"])
    assert withdrawn["etat"] == "a-detruire" and "another lieu's now" in withdrawn["motif"]


def test_what_lies_in_a_former_return_directory_that_is_anothers_now_is_left_to_it(site, sshd):
    """A convention that began when the former one ended was accepted before there was anything in the way."""
    canal = sshd.channel().replace("<preuveRetrait>disparition<", "<preuveRetrait>retrait<")
    former, next_ = inside(canal, sshd, "a", "retour"), inside(canal, sshd, "a", "retour")
    open_site(site, sshd, former)
    today = datetime.datetime.now().astimezone()
    grant(site, 1, convention("CLI_1", {"rpe-un": ["42218"]}, canal=former, ended=1))
    grant(site, 2, convention("CLI_2", {"rpe-deux": ["42218"]}, canal=next_, effect=2, activated=2))
    site.deposit(demandes("D1", demande("A1")))
    site.passes(code=0)
    later = at(today + datetime.timedelta(days=4))
    (sshd.there / "retour/ack.xml").write_bytes(retrait("R-1", "rpe-deux-x", emetteur="rpe-deux"))
    os.utime(sshd.there / "retour/ack.xml", (1, 1))
    done = site.run("run", "--now", code=1, env=later)
    assert "is another lieu's now" in done.stdout + done.stderr
    assert (sshd.there / "retour/ack.xml").exists()
    assert site.accuses("rpe-un") == [] and rows(site, "SELECT count(*) FROM flux WHERE emetteur LIKE 'rpe%'") == [(0,)]


@pytest.mark.parametrize("before, after", [({"suffix": ".part"}, {"suffix": ".tmp"}), ({"suffix": ".part"}, {"rename": False}),
                                           ({"rename": False}, {"suffix": ".part"})], ids=["suffix", "none", "some"])
def test_what_an_attempt_left_under_other_names_goes(site, sshd, before, after):
    def canal(suffix=".part", **profile):
        return sshd.channel(make_directory=False, **profile).replace(">.part<", f">{suffix}<")
    open_site(site, sshd, canal(**before))
    site.deposit(demandes("D1", demande("A1"), demande("A2")))
    cut = "3+:lost@sftp.close"  # of seven files
    site.run("run", "--now", code=1, env={**os.environ, "NAVETTE_FAULT": cut})
    assert sshd.files() != []
    grant(site, 2, convention("CLI_1", {"rpe-un": ["42218"]}, version=2, canal=canal(**after)))
    for _ in range(3):
        site.run("lieux", "retry", "rpe-un", code=None)
        for remise in site.json("remises", "list"):
            site.run("remises", "retry", remise["remise"], code=None)
        site.passes(code=None)
    remise, = site.json("remises", "list")
    assert remise["etat"] == "livree"
    assert without_cover_sheets(sshd.files()) == sorted([f"DI_monenfant_{r}.{e}" for r in ("A1", "A2") for e in ("pdf", "xml")]
                                                        + [f"{remise['remise']}_manifeste.xml"])


def test_who_receives_under_the_next_convention_is_who_is_told(site, sshd):
    """The persons of that one, its number, and the place where it lies (R1, R4)."""
    dead = socket.create_server(("127.0.0.1", 0))
    port = dead.getsockname()[1]
    dead.close()
    new = inside(sshd.channel(), sshd, "neuf")
    open_site(site, sshd, sshd.channel(port=port))
    site.deposit(demandes("D1", demande("A1")))
    site.passes(code=1)
    grant(site, 2, convention("CLI_1", {"rpe-un": ["42218"]}, canal=sshd.channel(port=port), ended=-1),
          convention("CLI_2", {"rpe-un": ["42218"]}, canal=new, effect=0, activated=0, delai=15,
                     personnes=[personne("P-NEUF", "nouvelle@deux.example.org")]))
    site.passes(code=None)
    for remise in site.json("remises", "list"):
        if remise["etat"] in ("prete", "retenue"):
            site.run("remises", "taken-back", remise["remise"], "--why", "rien n'y est", code=None)
    site.run("lieux", "retry", "rpe-un", code=None)
    site.passes(code=None)
    assert [r["etat"] for r in site.json("remises", "list") if r["etat"] != "dissoute"] == ["livree"]
    [(recipients, text)] = told_to(site)
    assert recipients == ["nouvelle@deux.example.org"]
    assert "CLI_2" in text and "/neuf/" in text.replace("\n", "")


def test_references_that_differ_in_case_alone_are_no_files_of_one_remise(site, sshd):
    """On many servers they would be one file."""
    open_site(site, sshd)
    site.deposit(demandes("D1", demande("Ab1"), demande("aB1"), demande("A2")))
    site.passes(code=0)
    by_remise = sorted(sorted(p.stem for p in remise.glob("DI_*.pdf")) for remise in sshd.there.iterdir())
    assert by_remise == [["DI_monenfant_A2", "DI_monenfant_Ab1"], ["DI_monenfant_aB1"]]


def test_failures_with_a_long_pause_between_are_no_series(site, sshd):
    """Held after five days of trying, not after two attempts in eight days."""
    open_site(site, sshd)
    site.deposit(demandes("D1", demande("A1")))
    sshd.stop()
    site.passes(code=1)
    site.run("lieux", "suspend", "rpe-un", "--why", "essai")
    later = at(datetime.datetime.now().astimezone() + datetime.timedelta(days=8))
    site.run("lieux", "resume", "rpe-un", env=later)
    site.run("run", "--now", code=1, env=later)
    assert rows(site, "SELECT echecs, retenu FROM lieu") == [(2, 0)]


def test_who_picked_up_may_be_told_after_the_pickup_was_seen(site, sshd):
    open_site(site, sshd, inside(sshd.channel(), sshd, "a", "retour"))
    site.deposit(demandes("D1", demande("A1")))
    site.passes(code=0)
    [remise] = (sshd.there / "a").iterdir()
    for path in remise.iterdir():
        path.unlink()
    later = [at(datetime.datetime.now().astimezone() + datetime.timedelta(hours=h)) for h in (1, 2)]
    site.run("run", "--now", code=None, env=later[0])
    assert rows(site, "SELECT retrait_preuve, retrait_personne FROM remise") == [("disparition", None)]
    (sshd.there / "retour/ack.xml").write_bytes(retrait("R-1", remise.name, emetteur="rpe-un"))
    os.utime(sshd.there / "retour/ack.xml", (1, 1))
    site.run("run", "--now", code=None, env=later[1])
    assert rows(site, "SELECT retrait_preuve, retrait_personne FROM remise") == [("disparition", "P-1")]
    assert list((sshd.there / "retour").iterdir()) == []
