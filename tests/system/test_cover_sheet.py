"""BORDEREAU_<remise>.pdf, which comes with each remise: what the agent reads in it, and that it is as sound as the demandes."""

import hashlib
import io
import re
import subprocess
import sys
from xml.etree import ElementTree

import pikepdf
import pytest

from conftest import ROOT
from test_courriel import channel, contents, open_site
from test_courriel import a_lieu  # noqa: F401: a fixture
from test_main_job import MONTHS, R, convention, day, demande, demandes, habilitations, validate
from test_notification import a_mail_server  # noqa: F401: a fixture
from test_pdf import corpus, faint_text

sys.path.insert(0, str(ROOT / "tests/support"))
import check_pdf  # noqa: E402
import make_demandes  # noqa: E402


def text_of(pdf):
    done = subprocess.run(["pdftotext", "-layout", "-enc", "UTF-8", "-", "-"], input=pdf, capture_output=True, check=True)
    return re.sub("[\u00A0\u202F]", " ", done.stdout.decode())


def attached(pdf):
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        return {name: spec.get_file().read_bytes() for name, spec in opened.attachments.items()}


def cover_sheets(site):
    return {path.parent.name: path.read_bytes() for path in sorted(site.depot.glob("*/remises/*/BORDEREAU_*.pdf"))}


@pytest.fixture(name="remise")
def a_remise(site):
    """Its name, with an ordinary demande, one without a telephone and one of an unborn child."""
    site.deposit(habilitations("H-1", convention("CLI_1", {"rpe-un": ["42218", "42207"]}, delai=12)), "caf-421")
    site.passes()
    silent = demande("A2", nom="Le Goff", prenom="Soizic").replace("<telephone>0465710012</telephone>", "")
    unborn = re.sub("<enfants>.*</enfants>", f"<enfants><enfant><dateNaissancePrevue>{day(20)}</dateNaissancePrevue></enfant></enfants>",
                    demande("A3", ["42218", "42207"], nom="D’Haëne", debut=day(130)))
    site.deposit(demandes("D1", demande("A1"), silent, unborn))
    site.passes(code=0)
    return site.json("remises", "list")[0]["remise"]


def test_an_agent_reads_whom_to_call_and_by_when(site, remise):
    sheet = cover_sheets(site)[remise]
    assert check_pdf.check(sheet) == []
    assert faint_text(io.BytesIO(sheet)) == []
    text = " ".join(text_of(sheet).split())
    for words in ("Bordereau de remise", remise, "Relais rpe-un", "Partenaire CLI_1 · convention n° CLI_1", "3 demandes d’information",
                  "12 jours calendaires à compter de l’envoi du courriel qui annonce la remise", "6 mois au plus à compter de la transmission",
                  "un mois après ce terme au plus tard", "Mme Maïwenn", "Quénéhervé", "04 65 71 00 12", "maiwenn@example.fr", "Noé, 1 an",
                  "à naître, environ 3 mois", "Saint-Chamond", "A1", "A2", "A3"):
        assert words in text, (words, text)
    # No date depends on when the notification leaves.
    assert not re.search(rf"\d (?:{'|'.join(MONTHS)})\b", text) and len(re.findall(r"\d\d/\d\d/\d{4}", text)) == 3
    for engagement in ("1. Joindre chaque famille", "2. Ne les confier", "3. Au terme de la conservation"):
        assert engagement in text


def test_it_carries_what_it_lists_and_the_manifest_vouches_for_it(site, remise, tmp_path):
    sheet = cover_sheets(site)[remise]
    [(name, xml)] = attached(sheet).items()
    assert name == f"BORDEREAU_{remise}.xml"
    (tmp_path / name).write_bytes(xml)
    validate("bordereau-1.xsd", tmp_path / name)
    site.run("render", tmp_path / name, "-o", tmp_path / "again.pdf")
    assert (tmp_path / "again.pdf").read_bytes() == sheet
    assert [e.text for e in ElementTree.fromstring(xml).iter("{urn:navette:bordereau:1}reference")] == ["A1", "A2", "A3"]
    manifest = site.depot / "rpe-un/remises" / remise / "manifeste.xml"
    validate("remise-1.xsd", manifest)
    entry = ElementTree.parse(manifest).getroot().find(f"{R}bordereau")
    assert [e.text for e in entry] == [f"BORDEREAU_{remise}.pdf", str(len(sheet)), hashlib.sha256(sheet).hexdigest()]
    shown = site.json("remises", "show", remise)["fichiers"]
    assert [f["genre"] for f in shown] == ["pdf", "xml"] * 3 + ["bordereau", "manifeste"]


def test_what_is_issued_again_says_so(site, remise):
    site.run("remises", "reissue", remise, "--why", "disque perdu")
    site.passes(code=0)
    [again] = set(cover_sheets(site)) - {remise}
    text = " ".join(text_of(cover_sheets(site)[again]).split())
    assert f"Met de nouveau à disposition le contenu de la remise {remise}." in text
    assert "à compter de la première transmission" in text


def test_two_hundred_families_however_they_write(site):
    site.deposit(habilitations("H-1", convention("CLI_1", {"rpe-un": make_demandes.DEFAULT_COMMUNES.split(",")})), "caf-421")
    site.passes()
    site.deposit(demandes("D1", *corpus().values()))
    site.passes(code=(0, 1))
    [sheet] = cover_sheets(site).values()
    assert check_pdf.check(sheet) == []
    with pikepdf.open(io.BytesIO(sheet)) as pdf:
        assert len(pdf.pages) > 10
    text = text_of(sheet)
    for reference in corpus():
        assert reference in text
    assert text.count("À partir du") == len(re.findall(r"page \d+/\d+", text))  # the table's header, on each page


def test_a_sign_that_stands_for_what_cannot_be_printed_is_explained(site, tmp_path):
    source = (ROOT / "data/exemples/bordereau.xml").read_text(encoding="utf-8")
    for prenom, explained in (("Zoé", 0), ("Zoé👶", 1)):
        path = tmp_path / "BORDEREAU_rpe-un-20261120-1.xml"
        path.write_text(re.sub("<prenom>[^<]*</prenom>", f"<prenom>{prenom}</prenom>", source, count=1), encoding="utf-8")
        site.run("render", path, "-o", tmp_path / "a.pdf", code=None)
        assert " ".join(text_of((tmp_path / "a.pdf").read_bytes()).split()).count("tient lieu d’un caractère") == explained


def test_a_birth_expected_after_the_start_is_said_once(site, tmp_path):
    source = (ROOT / "data/exemples/bordereau.xml").read_text(encoding="utf-8")
    path = tmp_path / "BORDEREAU_rpe-un-20261120-1.xml"
    children = ("<enfant><dateNaissancePrevue>2028-02-11</dateNaissancePrevue></enfant>"
                "<enfant><prenom>Zoé</prenom><dateNaissance>2026-11-01</dateNaissance></enfant>")
    source = re.sub("(?s)<enfants>.*?</enfants>", f"<enfants>{children}</enfants>", source, count=1)
    path.write_text(re.sub("<dateDebut>[^<]*", "<dateDebut>2026-01-04", source, count=1), encoding="utf-8")
    site.run("render", path, "-o", tmp_path / "a.pdf")
    text = " ".join(text_of((tmp_path / "a.pdf").read_bytes()).split())
    assert "à naître, naissance prévue" in text and "11/02/2028" in text and "à naître, à naître" not in text
    assert "Zoé, moins d’un mois" in text  # on the day of the remise: the start is past


@pytest.mark.parametrize("protection", ["smime", "pdf"])
def test_it_goes_by_mail_with_the_others(site, mail_server, lieu, protection):
    open_site(site, mail_server, lieu, channel(protection))
    site.passes()
    mail_server.start()
    site.deposit(demandes("D1", demande("A1")))
    site.passes(code=0)
    [mail] = contents(mail_server)
    files, _ = lieu.opened(mail)
    [name] = [name for name in files if name.startswith("BORDEREAU_")]
    assert check_pdf.check(files[name]) == [] and "Quénéhervé" in text_of(files[name])


def test_a_demande_of_many_communes_keeps_a_row_of_a_few_lines(site):
    codes = [f"42{n:03}" for n in (2, 3, 5, 6, 7, 8, 9, 10, 11, 12)]
    site.deposit(habilitations("H-1", convention("CLI_1", {"rpe-un": codes})), "caf-421")
    site.passes()
    site.deposit(demandes("D1", demande("A1", codes), demande("A2", codes[:8])))
    site.passes(code=0)
    [sheet] = cover_sheets(site).values()
    text = " ".join(text_of(sheet).split())
    assert text.count("autres") == 1 and re.search(r"et 4 +autres", text)
    assert check_pdf.check(sheet) == []
