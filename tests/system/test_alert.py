"""xslt/alerte.xsl and the daily e-mail of `serve` to each Caf: what needs a person, in correct French, nothing of a family."""

import contextlib
import pathlib
import re
import shutil
import sqlite3
import subprocess
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

import pytest

import test_courriel
import test_sftp
from test_courriel import Lieu
from test_main_job import convention, demande, demandes, habilitations, mail_at, open_lieux, rows
from test_notification import MailServer
from test_serve import Service, wait_for
from test_sftp import Sshd

ROOT = pathlib.Path(__file__).resolve().parents[2]
KINDS = ["lieu-injoignable", "remise-retenue", "remise-en-retard", "messagerie-en-defaut", "notification-en-attente",
         "notification-retenue", "rappel-en-attente", "rappel-bloque", "destruction-attendue", "demande-retenue",
         "demande-retiree", "lieu-suspendu", "flux-refuse", "commune-sans-lieu", "incident"]


def alert(tmp_path, *points):
    """points: (kind, number of all cases, [(object, name of another element, its text) named])."""
    if shutil.which("xsltproc") is None:
        pytest.skip("xsltproc is not installed")
    body = "".join(f"<point genre={quoteattr(kind)} nombre='{count}'>"
                   + "".join(f"<cas><objet>{escape(o)}</objet><{e}>{escape(t)}</{e}></cas>" for o, e, t in cases) + "</point>"
                   for kind, count, cases in points)
    source = tmp_path / "alerte.xml"
    source.write_text(f'<alerte xmlns="urn:navette:alerte:1"><caf>421</caf><jour>1er décembre 2026</jour>{body}'
                      f"<total>{sum(count for _, count, _ in points)}</total></alerte>", encoding="utf-8")
    done = subprocess.run(["xsltproc", "--nonet", ROOT / "xslt/alerte.xsl", source], capture_output=True, check=True)
    assert not done.stderr
    return ElementTree.fromstring(done.stdout)


def assert_french(text):
    assert not re.search(r"['\"]|\.\.\.", text)
    assert not re.search(r"(?<!\u00a0):", text)
    assert not re.search(r"(?<!\u202f)[;!?]", text)
    assert not re.search(r"«(?!\u00a0)|(?<!\u00a0)»", text)


def test_it_says_what_where_why_and_what_to_do(tmp_path):
    mail = alert(tmp_path, ("remise-retenue", 1, [("rpe-un-20261130-1", "cause", "operateur")]),
                 ("flux-refuse", 1, [("monenfant/T1", "motif", "Le fichier est vide")]),
                 ("commune-sans-lieu", 23, [("Firminy (42095)", "nombre", "2"), ("Unieux (42316)", "nombre", "1")]))
    assert [child.tag for child in mail] == ["objet", "texte"]
    assert mail.findtext("objet") == "navette – Caf 421\u00a0: 25 points à examiner, 1er décembre 2026"
    text = mail.findtext("texte")
    for expected in ("REMISES RETENUES (1)\n  – rpe-un-20261130-1\u00a0: retenue par un opérateur de navette\n  À faire\u00a0: une fois",
                     "  – monenfant/T1\u00a0: Le fichier est vide\n",
                     "  – Firminy (42095)\u00a0: 2 demandes\n  – Unieux (42316)\u00a0: 1 demande\n  – et d’autres, au nombre de 21\n"):
        assert expected in text
    assert text.count("\n-- \n") == 1


def test_one_point_is_singular(tmp_path):
    assert "\u00a0: 1 point à examiner, " in alert(tmp_path, ("incident", 1, [("route", "cause", "")])).findtext("objet")


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_title_and_an_advice_in_french(tmp_path, kind):
    text = alert(tmp_path, (kind, 1, [("objet", "cause", "inconnue")])).findtext("texte")
    assert re.search(r"^[A-ZÀÉÊÔ’, ]{10,} \(1\)$", text, re.MULTILINE)
    assert re.search(r"^  À faire\u00a0: .{20,}\.$", text, re.MULTILINE)
    assert_french(text)
    assert_french(alert(tmp_path, (kind, 1, [])).findtext("objet"))


def advice(tmp_path, kind, cause="inconnue"):
    text = alert(tmp_path, (kind, 1, [("objet", "cause", cause)])).findtext("texte")
    return re.search(r"^  À faire\u00a0: (.*)$", text, re.MULTILINE)[1]


def test_no_advice_promises_what_does_not_happen(tmp_path):
    by_itself = {kind for kind in KINDS if "nouveaux essais ont lieu d’eux-mêmes" in advice(tmp_path, kind)}
    assert by_itself == {"remise-en-retard", "messagerie-en-defaut", "notification-en-attente", "rappel-en-attente"}
    assert {kind for kind in KINDS if "cinq jours" in advice(tmp_path, kind)} == {"remise-en-retard"}
    assert "navette remises taken-back" in advice(tmp_path, "destruction-attendue")
    assert "rien n’est essayé" in advice(tmp_path, "rappel-bloque") and "navette lieux retry" in advice(tmp_path, "rappel-bloque")
    assert "sous une nouvelle référence" in advice(tmp_path, "demande-retiree")
    ours = advice(tmp_path, "messagerie-en-defaut", "serveur-messagerie")
    assert "sans limite" in ours and ours.startswith("l’équipe qui exploite navette")


def test_what_has_perhaps_arrived_is_asked_for_and_not_sent_again(tmp_path):
    uncertain = advice(tmp_path, "remise-retenue", "arrivee-incertaine")
    assert uncertain.startswith("demander au lieu") and "retry" not in uncertain
    assert "navette remises picked-up" in uncertain and "navette remises taken-back" in uncertain
    other = advice(tmp_path, "remise-retenue", "message-refuse")
    assert "navette remises retry" in other and "picked-up" not in other
    for count, cases in ((2, [("un", "cause", "arrivee-incertaine"), ("deux", "cause", "message-refuse")]),
                         (21, [("un", "cause", "arrivee-incertaine")] * 20)):
        text = alert(tmp_path, ("remise-retenue", count, cases)).findtext("texte")
        assert f"retient. Pour une arrivée incertaine, en revanche, {uncertain}\n" in text
        assert_french(text)


def causes():
    """Every code that a channel or a stage gives to what does not go."""
    found = set()
    for path in [p for room in ("channels", "stages", "store") for p in (ROOT / "src" / room).glob("*.cpp")]:
        source = path.read_text(encoding="utf-8")
        for code in re.findall(r"Refused\{([^,;]*),", source):
            found |= set(re.findall(r'"([a-z-]+)"', code))
        found |= set(re.findall(r'(?:with_code\(|fmt::format\(\s*|return )"([a-z]+(?:-[a-z]+)+)(?:: |"[,;])', source))
        found |= set(re.findall(r"'([a-z]+): '", source))
    return sorted(found - {"tls", "serveur-refuse"})  # of the mail server: told as serveur-messagerie


def test_every_cause_has_a_sentence_in_french_that_says_who_must_act(tmp_path):
    found = causes()
    assert {"cle-hote", "serveur-injoignable", "justificatif", "destinataire-refuse", "message-refuse", "espace-insuffisant", "serveur-messagerie", "operateur"} <= set(found)
    text = alert(tmp_path, ("remise-retenue", len(found), [(code, "cause", code) for code in found])).findtext("texte")
    assert_french(text)
    told = dict(re.findall(r"(?m)^  – ([a-z-]+)\u00a0: (.*)$", text))
    assert sorted(told) == found and not [code for code in found if told[code].startswith("erreur technique")]
    assert all("\u202f; " in told[code] for code in found if code != "operateur")
    # What is ours is nothing to ask the partner for.
    for ours in ("justificatif", "serveur-messagerie", "cle-hote", "depot-absent"):
        assert "\u202f; l’équipe qui exploite navette doit" in told[ours]
    for theirs in ("connexion-refusee", "repertoire-absent", "espace-insuffisant"):
        assert "exploite navette" not in told[theirs] and "partenaire" in told[theirs]


def test_the_kinds_are_those_of_the_program():
    source = (ROOT / "src/stages/alert.cpp").read_text(encoding="utf-8")
    assert re.findall(r'd\.add\("([a-z-]+)"', source) == KINDS


def alerts(site):
    return [p for p in site.mails() if p.name.startswith("alerte-")]


def test_serve_tells_the_caf_once_a_day_and_names_no_family(site):
    family = {"nom": "Zyzzogeton", "prenom": "Ulrikke", "enfant": "Quillan", "courriel": "zyzzogeton@example.fr"}
    open_lieux(site, {"rpe-un": ["42218"], "rpe-deux": ["42207"]})
    site.deposit(demandes("D1", demande("A1", **family), demande("A2", ["42095"], **family), demande("A3", ["42207"], **family)))
    site.passes()
    assert alerts(site) == []  # `run` has an exit code
    site.run("lieux", "suspend", "rpe-deux", "--why", "la famille Zyzzogeton se plaint")
    site.deposit(demandes("D2", demande("A4", **family), demande("A5", ["42207"], **family)), name="zyzzogeton.xml")
    site.passes()
    site.run("demandes", "hold", "A5", "--why", "Mme Zyzzogeton rappelle")
    site.deposit(b"<zyzzogeton/>", name="ulrikke.xml")
    service = Service(site)
    try:
        wait_for(lambda: alerts(site), what="the alert")
        # Another pass, the same day: no other mail.
        site.deposit(demandes("D3", demande("A6", **family)), name="autre.xml")
        wait_for(lambda: rows(site, "SELECT count(*) FROM remise WHERE etat = 'livree'")[0][0] >= 4, what="another pass")
        assert service.stop()[0] == 0
    finally:
        service.close()
    (path,) = alerts(site)
    mail = mail_at(path)
    assert mail["To"] == "contact@caf42.example.org" and mail["Subject"].startswith("navette – Caf 421\u00a0: ")
    text = mail.get_body(("plain",)).get_content().replace("\r\n", "\n")
    assert mail.get_content_type() == "text/plain"
    assert_french(text)
    for expected in ("LIEUX SUSPENDUS (1)\n  – rpe-deux\n",
                     "DEMANDES RETENUES (1)\n  – monenfant/A5\u00a0: retenue par un opérateur de navette\n", "COMMUNES SANS LIEU", "Firminy (42095)\u00a0: 1 demande\n",
                     "FLUX REFUSÉS EN ENTIER DEPUIS HIER (1)"):
        assert expected in text, text
    raw = path.read_bytes() + text.encode() + mail["Subject"].encode()
    for secret in (*family.values(), "plaint", "rappelle"):
        assert secret.lower().encode() not in raw.lower(), secret
    assert rows(site, "SELECT caf, tentatives, acceptee_le IS NOT NULL FROM alerte") == [("421", 1, 1)]
    assert rows(site, "SELECT count(*) FROM trace WHERE objet = 'caf:421' AND action = 'alerte.acceptee'") == [(1,)]
    # Started again the same day: it has been told.
    service = Service(site)
    service.stop()
    service.close()
    assert alerts(site) == [path]


def test_nothing_needs_a_person_no_mail(site):
    open_lieux(site)
    site.deposit(demandes("D1", demande("A1")))
    service = Service(site)
    try:
        wait_for(lambda: len(site.mails()) == 1, what="the notification")
        assert service.stop()[0] == 0
    finally:
        service.close()
    assert alerts(site) == []


def the_alert(site):
    """The one that `serve` sends at once."""
    service = Service(site)
    try:
        wait_for(lambda: alerts(site), what="the alert")
        assert service.stop()[0] == 0
    finally:
        service.close()
    (path,) = alerts(site)
    return path


def test_what_needs_a_person_is_told_to_its_own_caf(site):
    """Another Caf's lieux and communes stay out of it, and what its lieux send."""
    site.configure("[emetteur.caf-381]\nflux = habilitations\ncaf = 381\ndepartements = 38\n")
    open_lieux(site)
    other = habilitations("HAB-1", convention("CLI_9", {"rpe-isere": ["38185"]}, siret="21380185500015"), emetteur="caf-381")
    site.deposit(other.replace(b"caf42", b"caf38"), "caf-381", "hab-1.xml")
    site.passes()
    site.run("lieux", "suspend", "rpe-isere", "--why", "panne")
    site.deposit(b"<!DOCTYPE d><d/>", "rpe-isere", "ack.xml")
    path = the_alert(site)
    assert "rpe-isere/" in mail_at(path).get_content()
    assert path.name.startswith("alerte-381-") and mail_at(path)["To"] == "contact@caf38.example.org"


def test_what_servers_say_stays_out_and_what_is_ours_is_not_asked_of_the_partner(site, tmp_path):
    """A credential of ours is missing for one lieu, another's server is gone; the pass meets a fault of its own."""
    secrets = site.path / "justificatifs"
    secrets.mkdir()
    server = Sshd(tmp_path / "serveur")
    (secrets / "cle-partenaire").write_bytes((server.path / "cle").read_bytes())
    (secrets / "cle-partenaire").chmod(0o600)
    server.stop()
    site.configure("[credentials]\ndirectory = justificatifs\n[daemon]\npatience = 1s\n")
    ours = convention("CLI_1", {"rpe-un": ["42218"]}, canal=server.channel().replace("cle-partenaire", "cle-absente"))
    theirs = convention("CLI_2", {"rpe-deux": ["42207"]}, siret="21420207900015", canal=server.channel())
    site.deposit(habilitations("HAB-0", ours, theirs), "caf-421", "hab-0.xml")
    site.deposit(demandes("D1", demande("A1"), demande("A2", ["42207"])))
    (site.spool / "arrivee/perdu.xml").write_text("x", encoding="utf-8")
    site.passes(code=1)
    with contextlib.closing(sqlite3.connect(site.database)) as db, db:
        db.execute("UPDATE remise SET premiere_tentative = premiere_tentative - 7200000")
    site.deposit(b"<!DOCTYPE d><d/>", name="d.xml")
    path = the_alert(site)
    mail = mail_at(path)
    text = mail.get_content().replace("\r\n", "\n")
    assert_french(text)
    assert "\u00a0: 4 points à examiner, " in mail["Subject"], text
    assert re.search(r"AVANT UNE INTERVENTION \(1\)\n  – rpe-un\u00a0: la clé, .* l’équipe qui exploite navette doit y remédier\n", text)
    assert re.search(r"(?m)^  – rpe-deux-\d+-1\u00a0: le serveur du partenaire ne répond pas, ", text)
    assert re.search(r"(?m)^  – monenfant/\S+\u00a0: Une déclaration DOCTYPE est interdite$", text)
    assert "  – des fichiers ont été déposés hors du répertoire d’un émetteur\n" in text
    for english in ("credential", "connect", "127.0.0.1", "wrong place", str(site.path)):
        assert english not in text


def points_of(path):
    """Title → (its objects, its advice)."""
    text = mail_at(path).get_content().replace("\r\n", "\n")
    assert_french(text)
    found = re.findall(r"(?m)^([A-ZÀÉÊÔ’, ]{10,}) \(\d+\)\n((?:  – .*\n)+)  À faire\u00a0: (.*)$", text)
    return {title: (re.findall(r"(?m)^  – (\S+?)(?:\u00a0|$)", cases), advice) for title, cases, advice in found}


def test_what_waits_for_our_own_mail_server_is_not_given_up_after_five_days(site, tmp_path):
    server = MailServer(tmp_path)  # down
    test_courriel.open_site(site, server, Lieu(tmp_path / "lieu"), test_courriel.channel("pdf"))
    site.deposit(demandes("D1", demande("A1")))
    site.passes(code=1)
    with contextlib.closing(sqlite3.connect(site.database)) as db, db:
        db.execute("UPDATE remise SET premiere_tentative = premiere_tentative - 7200000")
        db.execute("UPDATE lieu SET prochaine = prochaine + 3600000")
    # The alert goes another way than the server that is down.
    site.config.write_text(re.sub(r"\[mail\]\n(?:\w+ = .*\n)+", "", site.config.read_text(encoding="utf-8")), encoding="utf-8")
    [(title, (objects, advice))] = points_of(the_alert(site)).items()
    assert title == "REMISES QUI ATTENDENT LE SERVEUR DE MESSAGERIE" and objects == [site.json("remises", "list")[0]["remise"]]
    assert advice.startswith("l’équipe qui exploite navette") and "cinq jours" not in advice


def test_what_is_not_tried_again_by_itself_is_not_said_to_be(site, tmp_path):
    """A recall of a held partner, a mail that only its lieu can destroy, a notification that all refuse."""
    server = Sshd(tmp_path / "serveur")
    lieu = Lieu(tmp_path / "lieu")
    test_sftp.open_site(site, server, canal={"rpe-un": server.channel(), "rpe-deux": test_courriel.channel("pdf"), "rpe-trois": "<depot/>"},
                        lieux={"rpe-un": ["42218"], "rpe-deux": ["42207"], "rpe-trois": ["42095"]})
    shutil.copy(lieu.path / "justificatifs/rpe-pdf", site.path / "justificatifs")
    site.deposit(demandes("D1", demande("A1"), demande("A2", ["42207"]), demande("A3", ["42095"])))
    site.passes(code=0)
    remise = {r["lieu"]: r["remise"] for r in site.json("remises", "list")}
    server.stop()
    (site.path / "justificatifs/cle-partenaire").unlink()
    for name in ("rpe-un", "rpe-deux"):
        site.run("remises", "withdraw", remise[name], "--why", "par erreur", "--apply")
    site.passes(code=1)
    with contextlib.closing(sqlite3.connect(site.database)) as db, db:
        db.execute("UPDATE notification SET etat = 'a-envoyer', retenue = 1, motif = 'destinataire-refuse: no such user', retenue_par = "
                   "(SELECT coalesce(livree_par, version_id) FROM remise r WHERE r.id = remise_id) "
                   "WHERE remise_id = (SELECT id FROM remise WHERE nom = ?)", (remise["rpe-trois"],))
    points = points_of(the_alert(site))
    assert {title: objects for title, (objects, _) in points.items() if not title.startswith("LIEUX")} == {
        "REMISES RAPPELÉES, DONT L’EFFACEMENT ATTEND UNE INTERVENTION": [remise["rpe-un"]],
        "REMISES RAPPELÉES, QUE LE LIEU SEUL PEUT DÉTRUIRE": [remise["rpe-deux"]],
        "DEMANDES RETIRÉES, QU’AUCUN LIEU NE TRAITE PLUS": ["monenfant/A1", "monenfant/A2"],
        "NOTIFICATIONS REFUSÉES POUR TOUS LEURS DESTINATAIRES": [remise["rpe-trois"]]}
    assert not any("d’eux-mêmes" in advice for _, advice in points.values())
    # The operator's list is the same three, and as many are counted.
    assert {r["remise"] for r in site.json("remises", "list", "--held")} == set(remise.values())
    status = site.json("status")
    assert status["files"]["remises_retenues"] == 3
    assert "3 remises wait for a person: navette remises list --held" in status["attention"]
