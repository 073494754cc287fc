"""xslt/notification.xsl: what a lieu's agents read (R4), in correct French."""

import pathlib
import re
import shutil
import subprocess
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
VALUES = {
    "remise": "R-2026-000042", "lieu": "RPE « Les Éphélides » & Cie", "partenaire": "Saint-Étienne Métropole",
    "convention": "LI-2026-0007", "nombre": "3",
    "emplacement": "dépôt SFTP de votre lieu d’information, dossier /remises/R-2026-000042",
    "dernierJour": "7 décembre 2026", "delai": "15", "conservation": "6", "contact": "partenaires@caf42.example",
}
VOID = {"meta", "br"}

pytestmark = pytest.mark.skipif(shutil.which("xsltproc") is None, reason="xsltproc is not installed")


def notification(tmp_path, **changed):
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
