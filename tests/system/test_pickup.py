"""Pickup of remises: what proves it, through the whole binary, with real OpenSSH servers on loopback."""

import datetime
import os
import pathlib
import shutil
import signal
import time

import pytest

from test_main_job import PARIS, convention, demande, demandes, envelope, habilitations, rows, validate
from test_sftp import Sshd, a_server, open_site  # noqa: F401: a_server is the fixture sshd

needs_sshd = pytest.mark.skipif(not pathlib.Path("/usr/sbin/sshd").exists(), reason="openssh-server is not installed")


def retrait(identifiant, *remises, emetteur="rpe-un", lieu=None, personne="P-1", when=None):
    """Acknowledges these remises, picked up now."""
    now = when or datetime.datetime.now(PARIS)
    records = "".join(
        f"<remiseRetiree><remise>{r}</remise><lieu>{lieu or emetteur}</lieu><dateRetrait>{now:%Y-%m-%d}</dateRetrait>"
        f"<heureRetrait>{now:%H:%M:%S}</heureRetrait><personne>{personne}</personne></remiseRetiree>" for r in remises)
    return envelope("retrait", identifiant, records, {"nombreRemises": len(remises)}, emetteur)


def with_returns(sshd, name="retour", proof="retrait"):
    directory = sshd.path / name
    directory.mkdir(exist_ok=True)
    return sshd.channel().replace(
        "<preuveRetrait>disparition</preuveRetrait>",
        f"<preuveRetrait>{proof}</preuveRetrait><repertoireRetour>{directory}</repertoireRetour>")


def the_remise(site, lieu="rpe-un"):
    found = [r for r in site.json("remises", "list") if r["lieu"] == lieu]
    assert len(found) == 1
    return found[0]


def evidence(site, lieu="rpe-un"):
    return the_remise(site, lieu)["retrait_preuve"]


def answers(site):
    """(result, code of the whole, codes of records) of each retrait flux, oldest first."""
    return rows(site, "SELECT f.etat, f.code, (SELECT group_concat(r.code) FROM refus r WHERE r.flux_id = f.id) FROM flux f "
                      "WHERE f.emetteur LIKE 'rpe-%' ORDER BY f.id")


def deliver(site, *references):
    site.deposit(demandes("D-" + references[0], *(demande(r) for r in references)), name=f"d-{references[0]}.xml")
    site.passes(code=0)


# ---- disappearance

@needs_sshd
@pytest.mark.parametrize("make_directory", [True, False])
def test_documents_gone_from_a_partners_server_are_a_pickup(site, sshd, make_directory):
    open_site(site, sshd, sshd.channel(make_directory=make_directory))
    deliver(site, "A1", "A2")
    site.passes(code=0)
    assert evidence(site) is None
    assert site.json("status")["files"]["remises_a_retirer"] == 1
    documents = [p for p in sshd.there.rglob("DI_*")]
    assert len(documents) == 4
    for path in documents[1:]:
        path.unlink()
    site.passes(code=0)
    assert evidence(site) is None, "a document is still there"
    # A directory that is not there tells nothing: the server's disk may not be mounted.
    sshd.there.rename(sshd.path / "ailleurs")
    site.passes(code=(0, 1))
    assert evidence(site) is None
    (sshd.path / "ailleurs").rename(sshd.there)
    documents[0].unlink()  # its manifest and cover sheet stay
    site.passes(code=0)
    remise = the_remise(site)
    assert remise["retrait_preuve"] == "disparition" and remise["retiree_le"] and remise["etat"] == "livree"
    assert [e["etat"] for e in site.json("echeances", "list", "--all")] == ["tenue"]
    assert site.json("echeances", "list") == []
    shown = site.run("remises", "show", remise["remise"]).stdout
    assert "evidence: disparition" in shown and "remise.retiree" in shown
    assert len([p for p in sshd.there.rglob("*") if p.is_file()]) == 2, "delivered again"
    site.passes(code=0)
    site.run("traces", "verify")


@needs_sshd
def test_a_new_server_of_the_lieu_proves_nothing_of_what_went_to_the_old_one(site, sshd, tmp_path):
    open_site(site, sshd)
    deliver(site, "A1")
    new = Sshd(tmp_path / "nouveau")
    try:
        new.admit(sshd)
        site.deposit(habilitations("HAB-1", convention("CLI_1", {"rpe-un": ["42218"]}, version=2, canal=new.channel())),
                     "caf-421", "hab-1.xml")
        site.passes(code=0)
        site.passes(code=0)
        assert evidence(site) is None
        shutil.rmtree(sshd.there / the_remise(site)["remise"])
        site.passes(code=0)
        assert evidence(site) == "disparition"
    finally:
        new.stop()


@needs_sshd
def test_a_stalled_partner_delays_nobodys_pickup_and_is_told(site, sshd, tmp_path):
    stalled = Sshd(tmp_path / "fige")
    try:
        stalled.admit(sshd)
        open_site(site, sshd, {"rpe-fige": stalled.channel(), "rpe-un": sshd.channel()},
                  {"rpe-fige": ["42218"], "rpe-un": ["42218"]})
        deliver(site, "A1")
        shutil.rmtree(sshd.there / the_remise(site)["remise"])
        stalled.process.send_signal(signal.SIGSTOP)
        done = site.run("run", code=1)
        assert "pickups of rpe-fige" in done.stdout
        assert done.stderr.index("remises.picked_up") < done.stderr.index("pickup.failed")
        assert evidence(site) == "disparition" and evidence(site, "rpe-fige") is None
        assert not site.json("lieux", "show", "rpe-fige")["retenu"]
    finally:
        stalled.stop()


# ---- acknowledgements from a return directory

@needs_sshd
def test_an_acknowledgement_is_fetched_from_the_return_directory_and_removed_there(site, sshd):
    open_site(site, sshd, with_returns(sshd))
    deliver(site, "A1")
    remise = the_remise(site)["remise"]
    retour = sshd.path / "retour"
    flux = retrait("R-1", remise)
    (retour / "retrait-1.xml").write_bytes(flux)
    validate("retrait-1.xsd", retour / "retrait-1.xml")
    others = {"retrait-2.xml.part": flux, ".retrait-3.xml": flux, "lisez-moi.txt": b"x", "DI_monenfant_A1.xml": b"x",
              "manifeste.xml": b"x"}
    for name, content in others.items():
        (retour / name).write_bytes(content)
    site.passes(code=0)
    assert sorted(p.name for p in retour.iterdir()) == sorted(others)
    shown = the_remise(site)
    assert (shown["retrait_preuve"], shown["retrait_personne"]) == ("retrait", "P-1")
    assert answers(site) == [("accepte", None, None)]
    accuse, = (site.spool / "accuses/rpe-un").iterdir()
    validate("accuse-1.xsd", accuse)
    # As after a crash between our copy and the removal there: answered, counted once.
    deliver(site, "A2")  # something waits, so that the directory is looked at
    (retour / "retrait-1.xml").write_bytes(flux)
    site.passes(code=0)
    assert answers(site)[1:] == [("doublon", "DOUBLON", None)]
    assert rows(site, "SELECT count(*) FROM trace WHERE action = 'remise.retiree'") == [(1,)]
    assert list((site.spool / "arrivee/rpe-un").iterdir()) == []


@needs_sshd
def test_what_cannot_be_fetched_is_told_and_keeps_nothing_else_waiting(site, sshd):
    open_site(site, sshd, with_returns(sshd))
    deliver(site, "A1")
    retour = sshd.path / "retour"
    for i in range(120):
        (retour / f"a{i:03}.xml").mkdir()
    with open(retour / "b.xml", "wb") as file:
        file.truncate(5 << 30)
    (retour / ("c" * 197 + ".xml")).write_bytes(retrait("R-2", the_remise(site)["remise"]))
    (retour / "d.xml").symlink_to(next(sshd.there.rglob("DI_*.xml")))
    (retour / "z.xml").write_bytes(retrait("R-1", the_remise(site)["remise"]))
    done = site.passes(code=None)
    assert "123 entries in the return directory" in done.stdout + done.stderr and "larger than 2 MiB" in done.stdout + done.stderr
    assert evidence(site) == "retrait"
    assert len(list(retour.iterdir())) == 123
    assert not list((site.spool / "rejet").rglob("*.xml"))


@needs_sshd
@pytest.mark.parametrize("denied, fault, reach", [
    ("readdir", "could not be looked at: permission denied; the partner must let this account list it", "list "),
    ("read", "could not be fetched: permission denied; the partner must let this account read the files there", "read a file in "),
    ("remove", "could not be removed: permission denied; the partner must let this account remove the files there", None),
])
def test_what_the_server_denies_in_a_return_directory_is_told_in_words_and_names_no_file(site, sshd, denied, fault, reach):
    open_site(site, sshd, with_returns(sshd))
    deliver(site, "A1")
    retour = sshd.path / "retour"
    (retour / "martin-lea.xml").write_bytes(retrait("R-1", the_remise(site)["remise"]))
    sshd.stop()
    config = sshd.path / "sshd_config"
    config.write_text(config.read_text(encoding="ascii").replace("internal-sftp", f"internal-sftp -P {denied}"), encoding="ascii")
    sshd.start()
    done = site.passes(code=1)
    assert f"return directory {retour} {fault}" in done.stdout or f"file in the return directory {retour} {fault}" in done.stdout
    assert "status" not in done.stdout and "martin-lea" not in done.stdout + done.stderr
    told = [f["texte"] for f in site.json("check", "--reach", code=(0, 1)) if f["sujet"] == "reach"]
    assert "martin-lea" not in str(told)
    if reach:
        assert f", return directory: {reach}{retour}: permission denied; " in told[0]


@needs_sshd
def test_a_return_directory_of_more_names_than_are_listed_is_told(site, sshd):
    open_site(site, sshd, with_returns(sshd), patience="5s")
    deliver(site, "A1")
    retour = sshd.path / "retour"
    for i in range(100_001):
        os.mknod(retour / f"{i}")
    (retour / "retrait.xml").write_bytes(retrait("R-1", the_remise(site)["remise"]))
    done = site.passes(code=1)
    assert f"the return directory {retour} holds more than 100000 names; have the partner remove what does not belong" in done.stdout
    told, = [f for f in site.json("check", "--reach", code=(0, 1)) if f["sujet"] == "reach"]
    assert told["etat"] == "warn" and f", return directory: {retour} holds more than 100000 names; " in told["texte"]


@needs_sshd
def test_a_partner_acknowledges_no_other_lieus_remises(site, sshd, tmp_path):
    other = Sshd(tmp_path / "autre")
    try:
        other.admit(sshd)
        open_site(site, sshd, {"rpe-un": with_returns(sshd), "rpe-deux": with_returns(other)},
                  {"rpe-un": ["42218"], "rpe-deux": ["42218"]})
        deliver(site, "A1")
        theirs = the_remise(site, "rpe-deux")["remise"]
        retour = sshd.path / "retour"
        (retour / "a.xml").write_bytes(retrait("R-1", theirs, lieu="rpe-deux"))
        (retour / "b.xml").write_bytes(retrait("R-2", theirs, emetteur="rpe-deux"))
        (retour / "c.xml").write_bytes(demandes("R-3", demande("Z1"), emetteur="rpe-un"))
        site.passes()
        assert set(answers(site)) == {("refuse", None, "REMISE_INCONNUE"), ("refuse", "EMETTEUR_DIFFERENT", None),
                                      ("refuse", "TYPE_NON_AUTORISE", None)}
        assert evidence(site, "rpe-deux") is None
        assert rows(site, "SELECT count(*) FROM demande") == [(1,)]
    finally:
        other.stop()


def test_two_lieux_of_a_convention_share_no_return_directory_and_it_is_not_that_of_remises(site, tmp_path):
    canal = ("<sftp><hote>sftp.example.org</hote><port>22</port><utilisateur>caf</utilisateur><identifiantSecret>s"
             "</identifiantSecret><hotesConnus>h</hotesConnus><repertoire>depot</repertoire><renommage>true</renommage>"
             "<ecrasement>false</ecrasement><creationRepertoire>true</creationRepertoire><controleTaille>true"
             "</controleTaille><preuveRetrait>retrait</preuveRetrait><repertoireRetour>{}</repertoireRetour>"
             "<connexions>1</connexions></sftp>")
    for number, (one, two, good) in enumerate([("retour-1", "retour-2", True), ("retour", "retour", False),
                                               ("retour", "depot/", False)]):
        file = tmp_path / f"hab-{number}.xml"
        file.write_bytes(habilitations(f"HAB-{number}", convention(
            "CLI_1", {"rpe-un": ["42218"], "rpe-deux": ["42218"]},
            canal={"rpe-un": canal.format(one), "rpe-deux": canal.format(two)})))
        verdict, = site.json("validate", "--emetteur", "caf-421", file, code=(0, 1))
        assert (verdict["resultat"] == "accepte") == good, verdict


# ---- dépôts

def test_a_plain_depot_whose_documents_were_taken_away(site):
    site.deposit(habilitations("HAB-0", convention("CLI_1", {"rpe-un": ["42218"]})), "caf-421", "hab-0.xml")
    site.passes(code=0)
    deliver(site, "A1")
    there = site.depot / "rpe-un/remises" / the_remise(site)["remise"]
    site.depot.rename(site.path / "non-monte")
    site.passes(code=(0, 1))
    assert evidence(site) is None, "a volume that is not mounted is no pickup"
    (site.path / "non-monte").rename(site.depot)
    shutil.rmtree(there)
    site.passes(code=0)
    assert evidence(site) == "disparition"


def test_what_a_lieu_leaves_in_retour_is_taken(site):
    site.deposit(habilitations("HAB-0", convention("CLI_1", {"rpe-un": ["42218"]})), "caf-421", "hab-0.xml")
    site.passes(code=0)
    deliver(site, "A1")
    retour = site.depot / "rpe-un/retour"
    (retour / "retrait.xml.part").write_bytes(retrait("R-1", the_remise(site)["remise"]))
    (retour / "lien.xml").symlink_to(site.config)
    (retour / ("c" * 197 + ".xml")).write_bytes(retrait("R-2", the_remise(site)["remise"]))
    done = site.passes(code=1)
    assert f"2 entries in the return directory {retour} cannot be fetched" in done.stdout + done.stderr
    assert evidence(site) is None
    (retour / "retrait.xml.part").rename(retour / "retrait.xml")
    os.utime(retour / "retrait.xml")
    for _ in range(3):  # complete once it has not changed for stable_after
        site.passes()
    assert evidence(site) == "retrait"
    assert sorted(p.name for p in retour.iterdir()) == ["c" * 197 + ".xml", "lien.xml"]


def test_the_log_of_internal_sftp_proves_a_pickup(site):
    site.configure()
    site.config.write_text(site.config.read_text(encoding="utf-8").replace("create = yes", "create = yes\nsftp_log = sftp.log"),
                           encoding="utf-8")
    site.deposit(habilitations("HAB-0", convention("CLI_1", {"rpe-un": ["42218"], "rpe-deux": ["42218"]})), "caf-421",
                 "hab-0.xml")
    site.passes(code=0)
    deliver(site, "A1", "A2")
    log = site.path / "sftp.log"

    def read(pid, account, *names):
        with log.open("a", encoding="utf-8") as out:
            head = f"2026-11-20T06:00:00.5+01:00 sftp internal-sftp[{pid}]: "
            out.write(f"{head}session opened for local user {account} from [192.0.2.10]\n")
            for name in names:
                size = next((site.depot / "rpe-un/remises" / remise).glob(name)).stat().st_size
                out.write(f'{head}close "/remises/{remise}/{name}" bytes read {size} written 0\n')

    remise = the_remise(site)["remise"]
    read(10, "rpe-un", "DI_monenfant_A1.pdf", "DI_monenfant_A1.xml", "manifeste.xml")
    read(11, "rpe-deux", "DI_monenfant_A2.pdf")
    site.passes(code=0)
    assert evidence(site) is None, "of A2 the lieu has read nothing"
    read(12, "rpe-un", "DI_monenfant_A2.xml")
    site.passes(code=0)
    assert evidence(site) == "journal" and evidence(site, "rpe-deux") is None


@pytest.fixture(name="retour", params=["depot", "sftp"])
def a_return_directory(request, site, tmp_path):
    """Of the lieu, which has one remise and has not said yet that it picked it up."""
    if request.param == "depot":
        site.deposit(habilitations("HAB-0", convention("CLI_1", {"rpe-un": ["42218"]})), "caf-421", "hab-0.xml")
        site.passes(code=0)
        deliver(site, "A1")
        yield site.depot / "rpe-un/retour"
        return
    if not pathlib.Path("/usr/sbin/sshd").exists():
        pytest.skip("openssh-server is not installed")
    server = Sshd(tmp_path / "serveur")
    try:
        open_site(site, server, with_returns(server))
        deliver(site, "A1")
        yield server.path / "retour"
    finally:
        server.stop()


@pytest.mark.parametrize("point", ["1:kill@rename", "1:killafter@rename", "2:kill@rename", "2:killafter@rename"])
def test_an_acknowledgement_is_taken_once_wherever_a_crash_comes(site, retour, point):
    """Nothing else waits for the lieu: its directory is looked at as long as this pickup is not known, and no longer."""
    (retour / "retrait.xml").write_bytes(retrait("R-1", the_remise(site)["remise"]))
    for _ in range(5):  # complete once it has not changed for stable_after
        done = site.passes(code=None, env={**os.environ, "NAVETTE_FAULT": point})
        if done.returncode == -signal.SIGKILL:
            break
        if not (retour / "retrait.xml").exists():
            pytest.skip("a binary without fault points")
    assert done.returncode == -signal.SIGKILL
    for _ in range(3):
        site.passes(code=0)
    assert evidence(site) == "retrait" and answers(site) == [("accepte", None, None)]
    assert list(retour.iterdir()) == [] and list((site.spool / "arrivee/rpe-un").iterdir()) == []
    assert len(site.accuses("rpe-un")) == 1
    site.run("traces", "verify")


def test_an_acknowledgement_that_replaces_one_kept_before_a_crash_comes_after_it(site, retour):
    first = the_remise(site)["remise"]
    deliver(site, "A2")
    second, = {r["remise"] for r in site.json("remises", "list")} - {first}
    # As a crash between the removal there and the landing here leaves it.
    arrivee = site.spool / "arrivee/rpe-un"
    arrivee.mkdir(exist_ok=True)
    (arrivee / ".retrait.xml.retour").write_bytes(retrait("R-1", first))
    (retour / "retrait.xml").write_bytes(retrait("R-2", second))
    for _ in range(6):
        site.passes(code=0)
    assert {r["retrait_preuve"] for r in site.json("remises", "list")} == {"retrait"}
    assert answers(site) == [("accepte", None, None)] * 2
    assert list(retour.iterdir()) == [] and list(arrivee.iterdir()) == []


@needs_sshd
def test_an_acknowledgement_kept_before_a_crash_is_taken_in_though_the_server_is_gone(site, sshd):
    open_site(site, sshd, with_returns(sshd))
    deliver(site, "A1")
    kept = site.spool / "arrivee/rpe-un/.retrait.xml.retour"
    kept.parent.mkdir(exist_ok=True)
    kept.write_bytes(retrait("R-1", the_remise(site)["remise"]))
    sshd.stop()
    site.passes()
    assert kept.exists() and evidence(site) is None  # it may still lie there, and come again
    os.utime(kept, (time.time() - 3601,) * 2)
    site.passes()
    site.passes()
    assert evidence(site) == "retrait" and not kept.exists()
    assert answers(site) == [("accepte", None, None)]


# ---- an operator's word

def test_an_operators_word(site):
    site.deposit(habilitations("HAB-0", convention("CLI_1", {"rpe-un": ["42218"]})), "caf-421", "hab-0.xml")
    site.passes(code=0)
    deliver(site, "A1")
    remise = the_remise(site)["remise"]
    site.run("remises", "picked-up", remise, code=2)
    site.run("remises", "picked-up", remise, "--why", "dit au téléphone")
    assert evidence(site) == "operateur"
    done = site.run("remises", "picked-up", remise, "--why", "encore", code=3)
    assert "already" in done.stderr
    history = site.json("remises", "show", remise)["historique"]
    assert any("dit au téléphone" in (h.get("detail") or "") for h in history)
