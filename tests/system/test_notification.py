"""xslt/notification.xsl: what a lieu's agents read (R4), in correct French; and how it gets to them by a mail server (R5)."""

import datetime
import pathlib
import re
import shutil
import socket
import subprocess
import time
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import pytest

from conftest import DATA
from test_main_job import (PARIS, convention, demande, demandes, habilitations, mail_at, open_lieux, paris, rows,
                           run_at)

ROOT = pathlib.Path(__file__).resolve().parents[2]
VALUES = {
    "remise": "R-2026-000042", "lieu": "RPE « Les Éphélides » & Cie", "partenaire": "Saint-Étienne Métropole",
    "convention": "LI-2026-0007", "nombre": "3",
    "emplacement": "dépôt SFTP de votre lieu d’information, dossier /remises/R-2026-000042",
    "dernierJour": "7 décembre 2026", "delai": "15", "conservation": "6", "contact": "partenaires@caf42.example",
}
VOID = {"meta", "br"}


def notification(tmp_path, **changed):
    if shutil.which("xsltproc") is None:
        pytest.skip("xsltproc is not installed")
    values = {**VALUES, **changed}
    fields = "".join(f"<{k}>{escape(v)}</{k}>" for k, v in values.items() if v is not None)
    source = tmp_path / "notification.xml"
    source.write_text(f'<notification xmlns="urn:navette:notification:1">{fields}</notification>', encoding="utf-8")
    done = subprocess.run(["xsltproc", "--nonet", ROOT / "xslt/notification.xsl", source], capture_output=True, check=True)
    assert not done.stderr
    return ElementTree.fromstring(done.stdout)


def html_text(mail):
    return "".join(mail.find("html/body").itertext())


def test_subject_text_and_html_say_how_many_where_and_until_when(tmp_path):
    mail = notification(tmp_path)
    assert [child.tag for child in mail] == ["objet", "texte", "html"]
    assert mail.findtext("objet") == ("3\u00a0demandes d’information à retirer jusqu’au 7 décembre 2026 inclus – "
                                      "RPE « Les Éphélides » & Cie")
    for text in (mail.findtext("texte"), html_text(mail)):
        for expected in ("3\u00a0demandes d’information, déposées par des familles sur monenfant.fr, attendent",
                         "jusqu’au 7 décembre 2026 inclus", "15\u00a0jours calendaires", "6\u00a0mois au plus",
                         "PDF", "XML", "prévenez la Caf à l’adresse partenaires@caf42.example, en",
                         *(VALUES[k] for k in ("remise", "lieu", "emplacement", "partenaire", "convention"))):
            assert expected in text


def test_one_demande_is_singular(tmp_path):
    mail = notification(tmp_path, nombre="1")
    assert mail.findtext("objet").startswith("1\u00a0demande d’information à retirer")
    for text in (mail.findtext("texte"), html_text(mail)):
        assert "1\u00a0demande d’information, déposée par une famille sur monenfant.fr, attend le lieu" in text
        assert "La demande est fournie" in text and "contacter la famille." in text
        assert "demandes" not in text and "familles." not in text.replace("sur les familles", "")


def test_optional_values_may_be_missing(tmp_path):
    mail = notification(tmp_path, contact="", convention=None, partenaire=None)
    for text in (mail.findtext("texte"), html_text(mail)):
        assert "prévenez votre correspondant à la Caf, en rappelant" in text
        assert "personne habilitée. Il est envoyé" in text
    assert mail.find(".//a") is None


@pytest.mark.parametrize("nombre", ["1", "2", "250"])
def test_typography_is_french(tmp_path, nombre):
    mail = notification(tmp_path, nombre=nombre, lieu="RPE Firminy")
    for text in (mail.findtext("objet"), mail.findtext("texte"), html_text(mail)):
        assert not re.search(r"['\"]|\.\.\.| {2}", text)
        assert not re.search(r"(?<!\u00a0):", text)
        assert not re.search(r"(?<!\u202f)[;!?]", text)
        assert not re.search(r"«(?!\u00a0)|(?<!\u00a0)»", text)
        assert not re.search(r"\d (?:demande|jour|mois)", text)


def test_html_is_html_as_it_stands(tmp_path):
    html = notification(tmp_path).find("html")
    assert html.get("lang") == "fr" and html.findtext("head/title")
    for element in html.iter():
        assert (element.tag in VOID) == (not (element.text or len(element))), element.tag
    assert all(th.get("scope") == "row" for th in html.iter("th"))


class MailServer:
    """tests/support/smtpd.py on a port of its own, down at first. Its certificate outlives the times that tests pretend."""

    def __init__(self, directory):
        self.directory = directory / "mails"
        self.directory.mkdir()
        self.certificate = directory / "server.pem"
        self.process = None
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-days", "4000", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1",
                        "-keyout", directory / "key.pem", "-out", self.certificate], check=True, capture_output=True)
        with self.certificate.open("a") as file:
            file.write((directory / "key.pem").read_text())

    def start(self, *options):
        self.process = subprocess.Popen(["/usr/bin/python3", ROOT / "tests/support/smtpd.py", str(self.port),
                                         self.directory, "--certificate", self.certificate, *options])
        for _ in range(1000):
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.01)
        raise AssertionError("the mail server does not come up")

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def mails(self):
        return [mail_at(p) for p in sorted(self.directory.glob("*.eml"))]

    def log(self):
        return (self.directory / "log").read_text().splitlines()


@pytest.fixture(name="mail_server")
def a_mail_server(tmp_path):
    server = MailServer(tmp_path)
    yield server
    server.stop()


def test_a_notification_that_all_refuse_is_held_and_shown_until_somebody_mends_it(site, mail_server):
    agent = "agent@cli-1.example.org"
    mail_server.start("--refuse", agent)
    site.configure(f"[mail]\nfrom = navette@caf42.example\nserver = 127.0.0.1:{mail_server.port}\n"
                   f"ca = {mail_server.certificate}\n")
    site.deposit(habilitations("HAB-0", convention("CLI_1", {"rpe-un": ["42218"]})), "caf-421", "hab-0.xml")
    site.deposit(demandes("D1", demande("A1")))
    done = site.passes(code=1)
    assert "refused by all whom they are for: navette remises list --held" in done.stdout
    [held] = site.json("remises", "list", "--held")
    assert held["etat"] == "livree" and held["notification_retenue"] and held["prochain_essai"] is None
    assert "550" in held["notification_motif"]
    run_at(site, datetime.datetime.now(PARIS) + datetime.timedelta(days=2), code=1)
    assert site.json("remises", "show", held["remise"])["notification_tentatives"] == 1
    mail_server.stop()
    mail_server.start()
    site.run("remises", "retry", held["remise"])
    site.passes(code=0)
    assert site.json("remises", "list", "--held") == [] and len(mail_server.mails()) == 1


def test_check_looks_at_the_settings_of_the_mail_server(site, tmp_path):
    def findings():
        return [(f["etat"], f["texte"]) for f in site.json("check", code=(0, 1)) if f["sujet"] == "mail"]

    def finding():
        (found,) = findings()
        return found

    def put(name, text):
        (tmp_path / name).write_text(text, encoding="ascii")

    assert finding() == ("ok", "no server: e-mails become files in the spool's courriels/")
    site.configure(f"[mail]\nfrom = navette@caf42.example\nserver = smtp.example.org:465\ntls = implicit\nca = {tmp_path}/ca.pem\nuser = navette\n"
                   f"credential = courriel\n[credentials]\ndirectory = {tmp_path}\n")
    etat, texte = finding()
    assert etat == "bad" and f"{tmp_path}/courriel is missing" in texte
    (tmp_path / "courriel").write_text("secret\n")
    (tmp_path / "courriel").chmod(0o604)
    assert "open to everybody" in finding()[1]
    (tmp_path / "courriel").chmod(0o600)
    etat, texte = finding()
    assert etat == "bad" and "ca.pem cannot be read" in texte
    put("ca.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    etat, texte = finding()
    assert etat == "bad" and "ca.pem holds no certificate" in texte and "CA that signed the mail server's" in texte
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", "/CN=CA", "-keyout", tmp_path / "ca.key", "-out", tmp_path / "ca.pem"], check=True, capture_output=True)
    assert finding() == ("ok", "smtp.example.org:465 over TLS, with login")
    put("courriel", "Xsecret\nYsecret\n")
    etat, texte = finding()
    assert etat == "bad" and "courriel holds more than a password" in texte and "secret" not in texte
    put("courriel", "\n")
    etat, texte = finding()
    assert etat == "bad" and "courriel is empty" in texte
    put("courriel", "secret\n")
    site.configure("[mail]\nserver = smtp.example.org:587\n")
    (fine, warned) = findings()
    assert fine[0] == "ok"
    assert warned[0] == "warn" and "navette@localhost" in warned[1] and "from = in [mail]" in warned[1]


def test_day_0_is_the_day_on_which_the_mail_server_accepts(site, mail_server, tmp_path):
    (tmp_path / "credentials").mkdir()
    secret = tmp_path / "credentials" / "courriel"
    secret.write_text("mot de passe\n")
    secret.chmod(0o600)
    site.configure(f"[mail]\nfrom = navette@caf42.example\nserver = 127.0.0.1:{mail_server.port}\n"
                   f"ca = {mail_server.certificate}\nuser = navette\ncredential = courriel\n"
                   f"[credentials]\ndirectory = {secret.parent}\n")
    delivery, acceptance = paris("2031-11-24T10:00:00"), paris("2031-11-27T09:00:00")
    site.deposit(DATA / "demo/habilitations.xml", "caf-421")
    run_at(site, delivery)
    site.deposit(DATA / "demo/demandes.xml")
    run_at(site, delivery, "--now", code=1)
    remises = rows(site, "SELECT count(*) FROM remise WHERE etat = 'livree'")[0][0]
    assert remises > 3 and site.delivered()
    waiting = rows(site, "SELECT etat, tentatives, motif FROM notification")
    assert len(waiting) == remises
    assert all(etat == "a-envoyer" and n > 0 and "connect" in motif for etat, n, motif in waiting)
    assert rows(site, "SELECT count(*) FROM echeance") == [(0,)]

    mail_server.start("--login", "navette:mot de passe", "--refuse", "helene.perigaud@sem.example.org")
    done = run_at(site, acceptance)
    due = rows(site, "SELECT r.nom, r.delai_retrait, e.jour FROM echeance e JOIN remise r ON r.id = e.remise_id")
    assert len(due) == remises
    for _, days, last in due:
        assert last == (acceptance.date() + datetime.timedelta(days=days)).isoformat()
    assert {m["Message-ID"] for m in mail_server.mails()} == {f"<{name}@caf42.example>" for name, _, _ in due}
    assert len(mail_server.mails()) == remises and not site.mails()
    lines = mail_server.log()
    assert all(line.startswith("tls=yes user=navette ") for line in lines)
    assert len({re.search(r"connection=\d+", line)[0] for line in lines}) == 1
    # One person of three is refused: known by number, in the log and the trace.
    assert "notification.missed" in done.stderr and "550 5.1.1 <(address)>" in done.stderr
    assert "sem.example.org" not in done.stderr and "perigaud" not in done.stderr
    assert rows(site, "SELECT count(*) > 0 FROM trace_detail WHERE detail LIKE 'destinataires=2 non-joints=%'") == [(1,)]
    assert rows(site, "SELECT count(*) FROM trace_detail WHERE detail LIKE '%perigaud%'") == [(0,)]
    run_at(site, acceptance)
    assert len(mail_server.mails()) == remises


@pytest.mark.parametrize("words", ["421 4.4.2 Timeout", "451 4.7.0 Timeout waiting for client input", "221 2.0.0 Bye"])
def test_a_connection_that_its_server_ended_while_it_was_idle_is_made_anew(site, mail_server, words):
    """Whatever it said at its end, it was no answer to the next mail."""
    mail_server.start("--idle", words)
    site.configure(f"[mail]\nserver = 127.0.0.1:{mail_server.port}\nca = {mail_server.certificate}\n")
    open_lieux(site, {"rpe-un": ["42218"], "rpe-deux": ["42218"]})
    site.passes()
    site.deposit(demandes("D1", demande("A1")))
    site.passes(code=0)
    assert len(mail_server.mails()) == 2 and rows(site, "SELECT max(tentatives) FROM notification") == [(1,)]
    first, second = (int(line.split("connection=")[1].split()[0]) for line in mail_server.log())
    assert second == first + 1
