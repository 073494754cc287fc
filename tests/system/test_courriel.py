"""Remises by e-mail: a real mail server on loopback, mails opened by `openssl cms` and `qpdf` as their readers would."""

import datetime
import email
import email.policy
import hashlib
import os
import re
import signal
import sqlite3
import subprocess
from xml.etree import ElementTree

import pytest

from test_main_job import (PARIS, convention, demande, demandes, dump_of_tables, habilitations, mail_at, remises, rows,
                           run_at, validate, words_of)
from test_notification import a_mail_server  # noqa: F401: a fixture
from test_serve import wait_for

BOX = "remises.pilat@relais.example.org"
AGENT = "agent@cli-1.example.org"
PASSWORD = "chaise longue 7 ! lune"
FAMILY = {"nom": "Zqnom", "prenom": "Zqprenom", "ligne": "14 rue Zqrue", "courriel": "zqcourriel@example.fr",
          "telephone": "0639981771", "numero": "7771771", "enfant": "Zqenfant", "commentaire": "Zqcommentaire"}
MARKS = list(FAMILY.values())


def text_of(mail):
    """As it is written, unbreakable blanks included."""
    return mail.get_body(("plain",)).get_content()


class Lieu:
    """What a lieu opens its mails with; its credential lies with navette."""

    def __init__(self, path):
        self.path = path
        (path / "justificatifs").mkdir(parents=True)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "4000", "-subj", "/CN=rpe",
                        "-keyout", path / "key.pem", "-out", path / "cert.pem"], check=True, capture_output=True)
        self.give("smime-rpe", (path / "cert.pem").read_bytes())
        self.give("rpe-pdf", PASSWORD.encode() + b"\n")

    def give(self, name, secret):
        (self.path / "justificatifs" / name).write_bytes(secret)
        (self.path / "justificatifs" / name).chmod(0o600)

    def opened(self, mail, where=None):
        """Files of the remise by name, and what a person reads; `mail`: its bytes; `where`: a directory for its PDF."""
        outer = email.message_from_bytes(mail, policy=email.policy.default)
        if outer.get_content_type() == "application/pkcs7-mime":
            clear = subprocess.run(["openssl", "cms", "-decrypt", "-binary", "-inkey", self.path / "key.pem", "-recip",
                                    self.path / "cert.pem"], input=mail, capture_output=True, check=True).stdout
            inner = email.message_from_bytes(clear, policy=email.policy.default)
            return {p.get_filename(): p.get_content() for p in inner.iter_attachments()}, text_of(inner)
        [part] = outer.iter_attachments()
        pdf = (where or self.path) / part.get_filename()
        pdf.write_bytes(part.get_content())
        command = ["qpdf", f"--password-file={self.path}/justificatifs/rpe-pdf"]
        listed = subprocess.run([*command, "--list-attachments", pdf], capture_output=True, text=True, check=True).stdout
        names = [line.split(" -> ")[0] for line in listed.splitlines() if " -> " in line]
        return {name: subprocess.run([*command, f"--show-attachment={name}", pdf], capture_output=True,
                                     check=True).stdout for name in names}, text_of(outer)


@pytest.fixture(name="lieu")
def a_lieu(tmp_path):
    return Lieu(tmp_path / "lieu")


def channel(protection="smime", largest=10_000_000, box=BOX):
    how = {"smime": "<smime><certificat>smime-rpe</certificat></smime>", "pdf": "<pdf><motDePasse>rpe-pdf</motDePasse></pdf>",
           "clair": "<clair/>"}[protection]
    return (f"<courriel><adresse>{box}</adresse><chiffrement>{how}</chiffrement><tailleMaximale>{largest}</tailleMaximale>"
            "</courriel>")


def open_site(site, mail_server, lieu, canal):
    site.configure(f"[mail]\nfrom = navette@caf42.example\nserver = 127.0.0.1:{mail_server.port}\n"
                   f"ca = {mail_server.certificate}\n[credentials]\ndirectory = {lieu.path}/justificatifs\n"
                   "[daemon]\npatience = 2s\n")
    site.deposit(habilitations("HAB-0", convention("CLI_1", {"rpe-un": ["42218"]}, canal=canal)), "caf-421", "hab-0.xml")


def contents(mail_server):
    """Bytes of the mails that carry a remise, in the order in which the server took them."""
    paths = sorted(mail_server.directory.glob("*.eml"), key=lambda p: int(p.stem))
    return [p.read_bytes() for p in paths if b".contenu@" in p.read_bytes()]


def later(site, minutes=5):
    return run_at(site, datetime.datetime.now(PARIS) + datetime.timedelta(minutes=minutes))


def assert_arrives_once_mended(site, mail_server):
    mail_server.stop()
    mail_server.start()
    site.run("lieux", "retry", "rpe-un")
    site.passes(code=0)
    assert len(contents(mail_server)) == 1


def assert_is_whole(site, name, files):
    """The files of a mail are those of the remise's row, and its manifest is valid."""
    wanted = dict(rows(site, "SELECT f.nom, f.sha256 FROM remise_fichier f JOIN remise r ON r.id = f.remise_id "
                             f"WHERE r.nom = '{name}'"))
    assert {n: hashlib.sha256(data).hexdigest() for n, data in files.items()} == wanted
    return wanted


@pytest.mark.parametrize("protection", ["smime", "pdf"])
def test_only_the_lieu_reads_its_remise(site, mail_server, lieu, tmp_path, protection):
    mail_server.start()
    open_site(site, mail_server, lieu, channel(protection))
    site.deposit(demandes("D1", demande("A1", **FAMILY), demande("A2", **FAMILY)))
    done = site.passes(code=0)
    [remise] = site.json("remises", "list")
    assert remise["etat"] == "livree" and remise["notifiee_le"]
    name = remise["remise"]
    [mail] = contents(mail_server)
    files, text = lieu.opened(mail)
    assert sorted(files) == [f"BORDEREAU_{name}.pdf", *(f"DI_monenfant_A{n}.{kind}" for n in (1, 2) for kind in ("pdf", "xml")),
                             "manifeste.xml"]
    assert_is_whole(site, name, files)
    (tmp_path / "manifeste.xml").write_bytes(files["manifeste.xml"])
    validate("remise-1.xsd", tmp_path / "manifeste.xml")
    root = ElementTree.fromstring(files["DI_monenfant_A2.xml"])
    assert "Zqnom" in [e.text for e in root.iter()]

    head = email.message_from_bytes(mail, policy=email.policy.default)
    assert head["To"] == BOX and head["Message-ID"] == f"<{name}.contenu@caf42.example>"
    assert head["Subject"] == f"Remise {name}\u00a0: 2\u00a0demandes d’information"
    for words in (head["Subject"], text):
        assert not re.search(r"['\"]|\.\.\.| {2}", words)
        assert not re.search(r"(?<!\u00a0):", words) and not re.search(r"(?<!\u202f)[;!?]", words)
    assert "2\u00a0demandes d’information, déposées par des familles" in text and name in text
    assert ("mot de passe" in text) == (protection == "pdf")

    # R9: nothing of the family is in clear, in what travels or in what stays.
    notification = next(m for m in mail_server.mails() if m["Message-ID"] == f"<{name}@caf42.example>")
    assert notification["To"] == AGENT
    place = text_of(notification)
    assert "Emplacement\u00a0: boîte des remises de votre lieu, " in place
    assert f"objet «\u00a0Remise {name}\u00a0»" in place
    kept = dump_of_tables(site, "charge", "personne", "lieu_version").decode(errors="replace")
    for clear in (str(head), text, place, str(notification), done.stderr, done.stdout, kept):
        assert not any(secret in clear for secret in [*MARKS, PASSWORD])
        assert BOX not in clear.replace(f"To: {BOX}", "")
    assert not any(secret.encode() in mail for secret in [*MARKS, "DI_monenfant", "Rochetaillade"])
    assert not list(site.spool.glob("depart/*/*")) and not site.mails()
    assert "AES-256" in rows(site, "SELECT faits FROM remise")[0][0]


def test_the_pages_of_the_pdf_are_the_demandes(site, mail_server, lieu):
    mail_server.start()
    open_site(site, mail_server, lieu, channel("pdf"))
    site.deposit(demandes("D1", demande("A1", nom="Quénéhervé"), demande("A2", nom="Rochetaillade-Suc")))
    site.passes(code=0)
    lieu.opened(contents(mail_server)[0])
    [pdf] = lieu.path.glob("*.pdf")
    text = subprocess.run(["pdftotext", "-upw", PASSWORD, "-layout", pdf, "-"], capture_output=True, text=True, check=True).stdout
    assert 0 < text.index("Quénéhervé") < text.index("Rochetaillade-Suc")
    assert subprocess.run(["qpdf", "--requires-password", pdf], check=False).returncode == 0
    info = subprocess.run(["pdfinfo", "-upw", PASSWORD, pdf], capture_output=True, text=True, check=True).stdout
    assert "algorithm:AES-256" in info and f"Title:           Remise {pdf.stem}" in info


@pytest.mark.parametrize("protection, references", [("smime", ["A1"]), ("pdf", ["A1", "A2"])])
def test_a_mail_issued_again_names_the_first_remise(site, mail_server, lieu, protection, references):
    """R15: its reader knows that these are the demandes of another mail."""
    mail_server.start()
    open_site(site, mail_server, lieu, channel(protection))
    site.deposit(demandes("D1", *(demande(r) for r in references)))
    site.passes(code=0)
    [first] = [r["remise"] for r in site.json("remises", "list")]
    site.run("remises", "reissue", first, "--why", "message effacé")
    site.passes(code=0)
    once, again = (lieu.opened(mail)[1] for mail in contents(mail_server))
    same = "c’est la même demande" if references == ["A1"] else "ce sont les mêmes demandes"
    assert f" Cette remise met de nouveau à disposition le contenu de la remise {first}\u00a0: {same}. La durée" in again
    assert "nouveau à disposition" not in once


@pytest.mark.parametrize("protection", ["smime", "pdf"])
def test_an_answer_lost_after_the_content_repeats_the_mail_as_it_was(site, mail_server, lieu, protection):
    mail_server.start("--lose", "1")
    open_site(site, mail_server, lieu, channel(protection))
    site.deposit(demandes("D1", demande("A1")))
    site.passes(code=1)
    assert rows(site, "SELECT etat FROM remise") == [("prete",)]
    assert len(contents(mail_server)) == 1
    later(site)
    first, second = contents(mail_server)
    assert first == second
    assert rows(site, "SELECT etat FROM remise") == [("livree",)]
    later(site, 10)
    assert len(contents(mail_server)) == 2


def test_a_mail_whose_answer_is_lost_five_times_waits_until_somebody_has_asked_the_lieu(site, mail_server, lieu):
    mail_server.start("--lose", "5")
    open_site(site, mail_server, lieu, channel())
    site.deposit(demandes("D1", demande("A1")))
    site.passes(code=1)
    for attempt in range(1, 8):
        later(site, 120 * attempt)
    assert len(contents(mail_server)) == 5 and len(set(contents(mail_server))) == 1
    [remise] = site.json("remises", "list", "--held")
    name = remise["remise"]
    assert remise["motif"].startswith("arrivee-incertaine: 5 times") and "remises picked-up" in remise["motif"]
    assert site.json("lieux", "show", "rpe-un")["retenu_depuis"] is None
    preview = site.run("remises", "withdraw", name, "--why", "erreur").stdout
    assert "a mail of it that may have left cannot be taken back" in preview and "remises taken-back" in preview
    site.run("remises", "picked-up", name, "--why", "le relais a le message")
    later(site, 1200)
    shown = site.json("remises", "show", name)
    assert shown["etat"] == "livree" and shown["livree_le"] and shown["retiree_le"] and not shown["notification"]
    assert site.json("demandes", "show", "A1")["etat"] == "remise"
    assert len(contents(mail_server)) == 5 and not list(site.spool.glob("depart/*/*"))


def in_doubt(site, mail_server, lieu, lost):
    """The one remise of A1, after so many attempts whose answer was lost: what it is called, and minutes until now."""
    mail_server.start("--lose", str(lost))
    open_site(site, mail_server, lieu, channel())
    site.deposit(demandes("D1", demande("A1")))
    site.passes(code=1)
    for attempt in range(1, lost):
        later(site, 120 * attempt)
    assert len(contents(mail_server)) == lost
    [remise] = site.json("remises", "list")
    return remise["remise"], 120 * lost

@pytest.mark.parametrize("lost", [1, 5])
@pytest.mark.parametrize("arrived", [True, False])
def test_a_remise_in_doubt_that_may_not_leave_any_more_is_held_until_the_lieu_is_asked(site, mail_server, lieu, lost, arrived):
    name, now = in_doubt(site, mail_server, lieu, lost)
    site.run("demandes", "hold", "A1", "--why", "la famille a déménagé")
    if lost == 5:
        site.run("remises", "retry", name)
    for day in (0, 6):
        later(site, now + day * 24 * 60)
        [remise] = site.json("remises", "list", "--held")
        assert remise["etat"] == "retenue" and remise["motif"].startswith("arrivee-incertaine: the mail may have arrived")
        assert "picked-up" in remise["motif"] and "taken-back" in remise["motif"]
    site.run("remises", "picked-up" if arrived else "taken-back", name, "--why", "demandé au relais")
    later(site, now + 8 * 24 * 60)
    shown = site.json("remises", "show", name)
    if arrived:
        assert shown["etat"] == "livree" and shown["retiree_le"]
        assert shown["livree_le"][:16] <= rows(site, "SELECT strftime('%Y-%m-%dT%H:%M', min(le) / 1000, 'unixepoch') FROM trace "
                                                     "WHERE action = 'remise.tentative'")[0][0]
    else:
        assert shown["etat"] == "dissoute"
    site.run("demandes", "release", "A1")
    later(site, now + 9 * 24 * 60)
    assert site.json("demandes", "show", "A1")["etat"] == "remise"
    assert len(contents(mail_server)) == lost + (not arrived) and not list(site.spool.glob("depart/*/*"))


def test_a_remise_held_in_doubt_leaves_again_once_the_lieu_says_that_it_has_it_not(site, mail_server, lieu):
    name, now = in_doubt(site, mail_server, lieu, 5)
    site.run("remises", "taken-back", name, "--why", "le relais n'a rien")
    later(site, now)
    assert site.json("remises", "show", name)["etat"] == "livree" and len(contents(mail_server)) == 6


def test_a_remise_that_waits_in_doubt_is_not_sent_again_once_the_lieu_says_that_it_has_it(site, mail_server, lieu):
    name, now = in_doubt(site, mail_server, lieu, 2)
    site.run("remises", "picked-up", name, "--why", "le relais a le message")
    later(site, now)
    shown = site.json("remises", "show", name)
    assert shown["etat"] == "livree" and shown["retiree_le"] and not shown["notification"]
    assert len(list(mail_server.directory.glob("*.eml"))) == 2 and site.json("status")["attention"] == []


def test_what_is_known_not_to_have_arrived_is_not_picked_up(site, mail_server, lieu):
    mail_server.start("--defer", BOX)
    open_site(site, mail_server, lieu, channel())
    site.deposit(demandes("D1", demande("A1")))
    site.passes(code=1)
    [remise] = site.json("remises", "list")
    assert "is not delivered" in site.run("remises", "picked-up", remise["remise"], "--why", "oui", code=3).stderr


def test_a_killed_attempt_is_taken_up_with_the_same_bytes(site, mail_server, lieu):
    mail_server.start("--stall", "content")
    open_site(site, mail_server, lieu, channel())
    site.run("run", code=0)
    site.deposit(demandes("D1", demande("A1", **FAMILY)))
    process = site.start("run", "--now", stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    wait_for(lambda: list(site.spool.glob("depart/*/*/courriel.doute")), what="the attempt")
    process.send_signal(signal.SIGKILL)
    process.wait()
    [stored] = site.spool.glob("depart/*/*/courriel-*.eml")
    bytes_stored = stored.read_bytes()
    assert not any(mark.encode() in bytes_stored for mark in MARKS)
    # Beside the remise's own files, which wait there as for any channel: the encrypted mail, and nothing else.
    assert sorted(p.name for p in stored.parent.iterdir() if not p.name.startswith("DI_")) == [
        f"BORDEREAU_{stored.parent.name}.pdf", stored.name, "courriel.doute", "manifeste.xml"]
    mail_server.stop()
    mail_server.start()
    site.passes(code=0)
    assert contents(mail_server) == [bytes_stored]
    assert not list(site.spool.glob("depart/*/*"))


@pytest.mark.parametrize("lie", [("--data", "354 Go on\r\n250 2.0.0 Ok: queued"), ("--recipient", "* 250 2.1.5 Ok\r\n354 Go on\r\n250 2.0.0 Ok")])
def test_what_is_said_before_it_is_asked_is_no_answer(site, mail_server, lieu, lie):
    mail_server.start(*lie)
    open_site(site, mail_server, lieu, channel())
    site.deposit(demandes("D1", demande("A1")))
    site.passes(code=1)
    [remise] = site.json("remises", "list")
    assert remise["etat"] == "prete" and "answers before it is asked" in remise["motif"]
    assert not contents(mail_server) and not list(site.spool.glob("depart/*/*/courriel.doute"))
    assert_arrives_once_mended(site, mail_server)


def test_attempts_cut_short_before_the_mail_could_arrive_count_for_nothing(site, mail_server, lieu):
    """As often as one likes: a mail whose last byte has not left has not arrived, and nobody is asked about it."""
    mail_server.start("--stall", "greeting")
    open_site(site, mail_server, lieu, channel())
    site.run("run", code=0)
    site.deposit(demandes("D1", demande("A1")))
    stalled = mail_server.directory / "stalled"
    for _ in range(6):
        stalled.unlink(missing_ok=True)
        process = site.start("run", "--now", stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        wait_for(stalled.exists, what="the attempt")
        assert list(site.spool.glob("depart/*/*/courriel-*.eml"))
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert not list(site.spool.glob("depart/*/*/courriel.doute"))
    mail_server.stop()
    mail_server.start()
    site.passes(code=0)
    assert len(contents(mail_server)) == 1
    assert [r["etat"] for r in site.json("remises", "list")] == ["livree"]


@pytest.mark.parametrize("protection, largest", [("smime", 400_000), ("pdf", 400_000)])
def test_what_is_too_much_for_one_mail_leaves_in_several(site, mail_server, lieu, protection, largest):
    mail_server.start()
    open_site(site, mail_server, lieu, channel(protection, largest))
    site.deposit(demandes("D1", *(demande(f"A{n:02}") for n in range(20))))
    site.passes(code=0)
    mails = contents(mail_server)
    assert len(mails) > 1 and all(len(m) <= largest for m in mails)
    each = [sorted(n for n in lieu.opened(m)[0] if n.endswith(".xml") and n.startswith("DI_")) for m in mails]
    assert sorted(sum(each, [])) == [f"DI_monenfant_A{n:02}.xml" for n in range(20)]
    # As many as there is room for: one more would not have fitted.
    one = max(len(m) / len(names) for m, names in zip(mails, each))
    assert all(len(m) + 2 * one > largest for m in mails[:-1])
    assert len({email.message_from_bytes(m)["Message-ID"] for m in mails}) == len(mails)


@pytest.mark.parametrize("by_server", [True, False])
def test_what_would_be_taken_back_says_that_a_mail_cannot_be(site, mail_server, lieu, by_server):
    mail_server.start()
    open_site(site, mail_server, lieu, channel())
    if not by_server:  # then mails become files
        site.config.write_text(re.sub(r"\[mail\]\n(?:\w+ = .*\n)+", "", site.config.read_text(encoding="utf-8")), encoding="utf-8")
    site.deposit(demandes("D1", demande("A1")))
    site.passes(code=0)
    assert bool(site.mails()) != by_server
    [remise] = [r["remise"] for r in site.json("remises", "list")]
    words = "a mail cannot be taken back: ask the lieu to destroy what it has"
    preview = site.run("remises", "withdraw", remise, "--why", "erreur de lieu").stdout
    assert words in preview and "removed where they lie" not in preview
    site.run("remises", "withdraw", remise, "--why", "erreur de lieu", "--apply")
    site.passes(code=None)
    assert rows(site, "SELECT etat FROM remise") == [("a-detruire",)]
    assert any(words in detail for detail, in rows(site, "SELECT detail FROM trace_detail"))


def test_a_mail_that_may_have_arrived_is_not_taken_back_by_the_channel_that_the_lieu_has_since(site, mail_server, lieu):
    """Neither is that promised, nor does it wait for the mail server."""
    mail_server.start("--lose", "1")
    open_site(site, mail_server, lieu, channel())
    site.deposit(demandes("D1", demande("A1")))
    site.passes(code=1)
    [remise] = site.json("remises", "list")
    assert "it may have arrived all the same (1 of 5 times)" in remise["motif"]
    mail_server.stop()
    site.run("lieux", "suspend", "rpe-un", "--why", "essai")
    site.deposit(habilitations("HAB-1", convention("CLI_1", {"rpe-un": ["42218"]}, version=2)), "caf-421", "hab-1.xml")
    site.passes(code=None)
    with sqlite3.connect(site.database) as db:  # nothing else leaves for that lieu, either
        db.execute("UPDATE lieu SET retenu = 1, echecs = 1, erreur_le = 0, derniere_erreur = 'essai'")
    why = ("--why", "erreur de lieu")
    preview = site.run("remises", "withdraw", remise["remise"], *why).stdout
    assert "cannot be taken back" in preview and "is removed" not in preview
    assert "not now" not in site.run("remises", "withdraw", remise["remise"], *why, "--apply").stdout
    assert site.json("remises", "list")[0]["prochain_essai"] <= f"{datetime.datetime.now(datetime.timezone.utc):%Y-%m-%dT%H:%M:%SZ}"
    site.passes(code=None)
    assert rows(site, "SELECT etat FROM remise") == [("a-detruire",)]


def avenant(site, canal, version=2):
    site.deposit(habilitations(f"HAB-{version}", convention("CLI_1", {"rpe-un": ["42218"]}, version=version, canal=canal)),
                 "caf-421", f"hab-{version}.xml")
    site.passes(code=None)


def test_what_lies_in_the_depot_is_taken_back_there_though_the_lieu_has_encrypted_mails_since(site, mail_server, lieu):
    mail_server.start()
    open_site(site, mail_server, lieu, channel("clair"))
    site.deposit(demandes("D1", demande("A1")))
    site.passes(code=0)
    [there] = remises(site)
    assert list(there.glob("DI_*.pdf"))
    avenant(site, channel())
    why = ("--why", "erreur de lieu")
    assert "removed where they lie" in site.run("remises", "withdraw", there.name, *why).stdout
    site.run("remises", "withdraw", there.name, *why, "--apply")
    site.passes(code=None)
    assert rows(site, "SELECT etat FROM remise") == [("rappelee",)] and not remises(site)
    assert not contents(mail_server)


def test_an_encrypted_mail_is_not_held_for_taken_back_because_the_lieu_has_its_remises_in_the_depot_since(site, mail_server, lieu):
    mail_server.start()
    open_site(site, mail_server, lieu, channel())
    site.deposit(demandes("D1", demande("A1")))
    site.passes(code=0)
    [remise] = site.json("remises", "list")
    avenant(site, channel("clair"))
    why = ("--why", "erreur de lieu")
    assert "cannot be taken back" in site.run("remises", "withdraw", remise["remise"], *why).stdout
    site.run("remises", "withdraw", remise["remise"], *why, "--apply")
    site.passes(code=None)
    assert rows(site, "SELECT etat FROM remise") == [("a-detruire",)]
    assert any("only the lieu can destroy" in item for item in site.json("status")["attention"])


@pytest.mark.parametrize("now", ["clair", "<depot/>"])
def test_a_mail_in_doubt_is_not_put_in_the_depot_as_well(site, mail_server, lieu, now):
    mail_server.start("--lose", "1")
    open_site(site, mail_server, lieu, channel())
    site.deposit(demandes("D1", demande("A1")))
    site.passes(code=1)
    [remise] = site.json("remises", "list")
    avenant(site, channel(now) if now == "clair" else now)
    site.run("remises", "retry", remise["remise"])
    site.passes(code=1)
    [remise] = site.json("remises", "list", "--held")
    assert remise["motif"].startswith("arrivee-incertaine: ") and not remises(site) and len(contents(mail_server)) == 1


def test_what_a_crash_left_in_the_depot_goes_before_the_mail_leaves(site, mail_server, lieu):
    """Cut short between its last rename and the row; then the lieu has encrypted mails."""
    mail_server.start()
    open_site(site, mail_server, lieu, channel("clair"))
    site.run("run", code=0)
    site.deposit(demandes("D1", demande("A1")))
    for n in range(1, 400):
        site.run("run", "--now", code=None, env={**os.environ, "NAVETTE_FAULT": f"{n}:killafter@rename"})
        if remises(site) and rows(site, "SELECT etat FROM remise") == [("prete",)]:
            break
        assert not rows(site, "SELECT 1 FROM remise WHERE etat = 'livree'"), "never between"
    avenant(site, channel())
    assert site.json("remises", "list")[0]["etat"] == "livree"
    # What an attempt left in the dépôt was removed there before the mail left: the lieu has it once.
    assert len(contents(mail_server)) + len(remises(site)) == 1


def test_a_demande_too_large_for_any_mail_is_held_with_the_reason(site, mail_server, lieu):
    mail_server.start()
    open_site(site, mail_server, lieu, channel("smime", 65_536))
    site.deposit(demandes("D1", demande("A1")))
    site.passes(code=1)
    [held] = site.json("demandes", "list", "--state", "retenue")
    assert held["reference"] == "A1"
    assert re.search(r"its mail could have \d+ bytes, <tailleMaximale> of the lieu's profile allows 65536",
                     site.run("demandes", "show", "A1").stdout)
    assert not contents(mail_server) and not list(site.spool.glob("depart/*/*"))


def test_what_no_longer_fits_in_one_mail_is_not_issued_again_in_part(site, mail_server, lieu):
    mail_server.start()
    open_site(site, mail_server, lieu, channel("smime", 2_000_000))
    site.deposit(demandes("D1", *(demande(f"A{n:02}") for n in range(20))))
    site.passes(code=0)
    [remise] = [r["remise"] for r in site.json("remises", "list")]
    site.deposit(habilitations("HAB-2", convention("CLI_1", {"rpe-un": ["42218"]}, version=2, canal=channel("smime", 400_000))),
                 "caf-421", "hab-2.xml")
    site.passes(code=0)
    site.run("remises", "reissue", remise, "--why", "boîte perdue")
    done = site.passes(code=3)
    assert re.search(r"cannot be issued again: only \d+ of its 20 demandes .*<tailleMaximale>", done.stderr)
    assert len(contents(mail_server)) == 1 and not list(site.spool.glob("depart/*/*"))
    # It is no longer asked for, and can be once the limit is as it was.
    site.passes(code=0)
    site.deposit(habilitations("HAB-3", convention("CLI_1", {"rpe-un": ["42218"]}, version=3, canal=channel("smime", 2_000_000))),
                 "caf-421", "hab-3.xml")
    site.passes(code=0)
    site.run("remises", "reissue", remise, "--why", "boîte perdue")
    site.passes(code=0)
    first, again = (lieu.opened(m)[0] for m in contents(mail_server))
    assert {n: b for n, b in again.items() if n.startswith("DI_")} == {n: b for n, b in first.items() if n.startswith("DI_")}


@pytest.mark.parametrize("options", [[], ["--hang-up"]])
def test_a_box_that_is_refused_holds_its_lieu_with_the_servers_words(site, mail_server, lieu, options):
    mail_server.start("--refuse", BOX, *options)
    open_site(site, mail_server, lieu, channel())
    site.deposit(demandes("D1", demande("A1")))
    done = site.passes(code=1)
    shown = site.json("lieux", "show", "rpe-un")
    for words in (str(shown), done.stderr, str(rows(site, "SELECT detail FROM trace_detail"))):
        assert "550 5.1.1 <(address)>" in words
        assert "remises.pilat" not in words.replace(str(shown.get("convention", "")), "")
    assert_arrives_once_mended(site, mail_server)


def test_a_box_put_off_for_five_days_holds_its_lieu_and_one_word_frees_all_its_remises(site, mail_server, lieu):
    mail_server.start("--defer", BOX)
    open_site(site, mail_server, lieu, channel())
    for n in (1, 2):
        site.deposit(demandes(f"D{n}", demande(f"A{n}")), name=f"d{n}.xml")
        site.passes(code=1)
    for day in range(1, 8):
        later(site, day * 24 * 60)
    shown = site.json("lieux", "show", "rpe-un")
    assert shown["retenu_depuis"] and "destinataire-differe: the mail server says: 451" in str(shown)
    assert rows(site, "SELECT etat FROM remise") == [("prete",)] * 2
    mail_server.stop()
    mail_server.start()
    site.run("lieux", "retry", "rpe-un")
    later(site, 8 * 24 * 60)
    assert len(contents(mail_server)) == 2 and rows(site, "SELECT DISTINCT etat FROM remise") == [("livree",)]


@pytest.mark.parametrize("where, answer, advice", [
    ("--content", "451 4.7.1 Greylisted by a filter", ""),
    ("--recipient", "* 451 4.3.5 Server configuration error", ""),
    ("--recipient", "* 554 5.7.1 Relay access denied", "; it must let this machine send"),
    ("--sender", "553 5.7.1 Not owned by user", "; check [mail] from: the server must let that address send")])
def test_what_the_mail_server_would_say_to_anybody_holds_nobody(site, mail_server, lieu, where, answer, advice):
    mail_server.start(where, answer)
    open_site(site, mail_server, lieu, channel())
    site.deposit(demandes("D1", demande("A1")))
    site.passes(code=1)
    for day in range(1, 8):
        later(site, day * 24 * 60)
    [remise] = site.json("remises", "list")
    assert remise["etat"] == "prete" and not remise["partenaire_retenu_depuis"]
    assert remise["motif"] == f"serveur-messagerie: the mail server says: {answer.removeprefix('* ')}{advice}"
    mail_server.stop()
    mail_server.start()
    later(site, 8 * 24 * 60)
    assert len(contents(mail_server)) == 1


def test_a_mail_that_was_sent_is_withdrawn_when_the_lieu_says_that_it_destroyed_it(site, mail_server, lieu):
    mail_server.start()
    open_site(site, mail_server, lieu, channel())
    site.deposit(demandes("D1", demande("A1")))
    site.passes(code=0)
    [remise] = site.json("remises", "list")
    name, why = remise["remise"], ["--why", "envoyée par erreur"]
    preview = site.run("remises", "withdraw", name, *why).stdout
    assert "a mail cannot be taken back" in preview and "remises taken-back" in preview
    assert site.json("remises", "show", name)["etat"] == "livree"
    site.run("remises", "taken-back", name, *why, code=3)
    site.run("remises", "withdraw", name, *why, "--apply")
    done = site.passes(code=1)
    assert "only the lieu can destroy what it has" in done.stdout
    for _ in range(2):  # until somebody says so, it is asked for, and nothing is tried
        assert site.json("remises", "show", name)["etat"] == "a-detruire"
        assert any("remises taken-back" in item for item in site.json("status")["attention"])
        later(site, 24 * 60)
    site.run("remises", "retry", name, code=3)
    site.run("remises", "taken-back", name, "--why", "détruite, dit le relais")
    shown = site.json("remises", "show", name)
    assert shown["etat"] == "rappelee" and shown["rappelee_le"] and "détruite, dit le relais" in shown["rappel_faits"]
    # R11: that nobody has the demande is all that is left to tell.
    assert site.json("status")["attention"] == ["1 demande lately withdrawn from every lieu: navette demandes list --state retiree"]
    assert len(contents(mail_server)) == 1


def test_of_a_mail_that_never_left_nothing_is_to_be_destroyed(site, mail_server, lieu):
    open_site(site, mail_server, lieu, channel())  # no server
    site.deposit(demandes("D1", demande("A1")))
    site.passes(code=1)
    [remise] = site.json("remises", "list")
    assert remise["tentatives"] == 1
    site.run("remises", "withdraw", remise["remise"], "--why", "par erreur", "--apply")
    mail_server.start()
    later(site)
    shown = site.json("remises", "show", remise["remise"])
    assert shown["etat"] == "rappelee" and shown["rappel_faits"] == "no mail of it has left" and contents(mail_server) == []


def test_check_looks_at_what_protects_the_mails_as_a_delivery_does(site, mail_server, lieu):
    open_site(site, mail_server, lieu, channel())

    def said(*options):
        (found,) = [f for f in site.json("check", *options, code=(0, 1)) if f["sujet"] == "partner"]
        return found["etat"], found["texte"]

    site.passes()
    secret = lieu.path / "justificatifs/smime-rpe"
    for days, state, words in ((90, "ok", "has its credentials"), (10, "warn", "expires on")):
        subprocess.run(["openssl", "req", "-x509", "-key", lieu.path / "key.pem", "-subj", "/CN=rpe", "-days", str(days),
                        "-out", lieu.path / "autre.pem"], check=True, capture_output=True)
        lieu.give("smime-rpe", (lieu.path / "autre.pem").read_bytes())
        found = said()
        assert found[0] == state and words in found[1], found
    lieu.give("smime-rpe", (lieu.path / "key.pem").read_bytes())
    for options in ((), ("--reach",)):
        found = said(*options)
        assert found[0] == "bad" and "<certificat>smime-rpe</certificat> of the lieu's profile: it is not a certificate" in found[1]
    secret.unlink()
    assert said()[0] == "bad" and "is missing" in said()[1]


def test_a_certificate_that_does_not_do_names_the_setting(site, mail_server, lieu):
    mail_server.start()
    lieu.give("smime-rpe", (lieu.path / "key.pem").read_bytes())
    open_site(site, mail_server, lieu, channel())
    site.deposit(demandes("D1", demande("A1")))
    site.passes(code=1)
    assert "<certificat>smime-rpe</certificat> of the lieu's profile: it is not a certificate" in str(
        site.json("lieux", "show", "rpe-un"))
    lieu.give("smime-rpe", (lieu.path / "cert.pem").read_bytes())
    site.run("lieux", "retry", "rpe-un")
    site.passes(code=0)
    assert lieu.opened(contents(mail_server)[0])[0]["manifeste.xml"]


def test_in_clear_a_mail_says_that_a_remise_waits_and_carries_nothing(site, mail_server, lieu):
    mail_server.start()
    open_site(site, mail_server, lieu, channel("clair"))
    site.deposit(demandes("D1", demande("A1", **FAMILY)))
    site.passes(code=0)
    assert remises(site, "rpe-un")  # in its dépôt
    [mail] = mail_server.mails()
    assert sorted(mail["To"].split(", ")) == [AGENT, BOX]
    assert "dépôt SFTP" in words_of(mail)
    assert not any(mark in str(mail) + words_of(mail) for mark in MARKS)


def test_delivery_status_is_asked_for_where_the_server_offers_it(site, mail_server, lieu):
    mail_server.start("--dsn")
    open_site(site, mail_server, lieu, channel())
    site.deposit(demandes("D1", demande("A1")))
    site.passes(code=0)
    name = site.json("remises", "list")[0]["remise"]
    asked = (mail_server.directory / "dsn").read_text().splitlines()
    assert asked == [f"MAIL FROM:<navette@caf42.example> RET=HDRS ENVID={name}{what}@caf42.example" if line % 2 == 0 else
                     f"RCPT TO:<{to}> NOTIFY=FAILURE,DELAY ORCPT=rfc822;{to}"
                     for line, what, to in ((0, ".contenu", BOX), (1, "", BOX), (2, "", AGENT), (3, "", AGENT))]


def test_without_a_mail_server_the_mail_is_a_file(site, lieu):
    site.configure(f"[credentials]\ndirectory = {lieu.path}/justificatifs\n")
    site.deposit(habilitations("HAB-0", convention("CLI_1", {"rpe-un": ["42218"]}, canal=channel())), "caf-421", "h.xml")
    site.deposit(demandes("D1", demande("A1")))
    site.passes(code=0)
    content, notification = site.mails()
    assert notification.stem + "-contenu" == content.stem or content.stem.endswith("-contenu")
    files, _ = lieu.opened(content.read_bytes())
    assert "DI_monenfant_A1.pdf" in files and mail_at(content)["To"] == BOX
