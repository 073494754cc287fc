"""What an attacker, or an unlucky partner, may put into arrivee/. Each is answered with its code; a good flux that lies
beside it reaches its dépôt in the same pass; nothing outside the spool is opened, followed or copied."""

import os
import pathlib
import pwd
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from xml.etree import ElementTree

import pytest

from conftest import DATA, Site
from test_main_job import (A, accuse_of, convention, copy_of, demande, demandes, habilitations, open_lieux, quick_place,
                           reached, rows, validate)

SENDER = "monenfant"
GOOD = "zz-bonne.xml"
# The sanitizer's search for leaks does not work under ptrace.
UNDER_STRACE = {**os.environ, "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"}


def good(site):
    """A flux that must go through whatever lies beside it."""
    site.deposit(demandes("BONNE", demande("BONNE-1")), name=GOOD)


def arrivee(site, emetteur=SENDER):
    return site.spool / "arrivee" / emetteur


@pytest.fixture(name="template", scope="module")
def a_site_with_a_lieu(navette):
    with tempfile.TemporaryDirectory(prefix="navette-bad-", dir=quick_place()) as directory:
        site = open_lieux(Site(navette, pathlib.Path(directory) / "template"))
        site.deposit(demandes("AVANT", demande("AVANT-1")), name="avant.xml")
        site.passes()
        assert reached(site, "AVANT-1") == ["rpe-un"]
        yield site


@pytest.fixture(name="site")
def a_copy_of_it(template):
    site = copy_of(template, pathlib.Path(tempfile.mkdtemp(dir=template.path.parent)) / "site")
    yield site
    shutil.rmtree(site.path.parent)


def one_pass(site, code=1, **more):
    """A pass with a good flux beside what the test deposited; `code`: of the bad one's refusal."""
    good(site)
    done = site.run("run", "--now", code=code, **more)
    assert reached(site, "BONNE-1") == ["rpe-un"], "the bad flux blocked the good one"
    assert accuse_of(site, GOOD) == ("accepte", None, [])
    return done


def files_below(path):
    return sorted(p for p in path.rglob("*") if p.is_file() or p.is_symlink())


def new_answers(site, emetteur=SENDER):
    """(result, code) of every flux but ours."""
    out = []
    for path in site.accuses(emetteur):
        validate("accuse-1.xsd", path)
        root = ElementTree.parse(path).getroot()
        if root.findtext(f"{A}flux/{A}nomFichier") not in ("avant.xml", GOOD):
            out.append((root.findtext(f"{A}resultat"), root.findtext(f"{A}motif/{A}code")))
    return sorted(out)


def assert_refused(site, code, kept=True, emetteur=SENDER):
    """One flux refused whole; what it was lies in rejet/ with its accusé beside, and nowhere else any more."""
    assert new_answers(site, emetteur) == [("refuse", code)]
    beside = sorted((site.spool / "rejet" / emetteur).glob("*.accuse.xml"))
    assert len(beside) == 1
    ticket = beside[0].name.split(".")[0]
    assert (ElementTree.parse(beside[0]).getroot().findtext(f"{A}motif/{A}code")) == code
    if kept:
        kept_as = [p for p in (site.spool / "rejet" / emetteur).iterdir() if p.name.startswith(ticket + ".") and p not in beside]
        assert len(kept_as) == 1, kept_as
        assert re.fullmatch(r"[A-Za-z0-9._-]+", kept_as[0].name), "its name comes from outside"
    assert_spool_is_quiet(site)


def assert_spool_is_quiet(site):
    assert [p.name for p in arrivee(site).iterdir()] == []
    assert files_below(site.spool / "travail") == []
    assert files_below(site.spool / "depart") == []
    site.run("traces", "verify")


# ---- contents

def nested(n):
    return demandes("PROFOND", "<demande>" + "<a>" * n + "</a>" * n + "</demande>")


LAUGHS = (DATA / "demandes/bad-milliard-de-rires.xml")
FLUX = demandes("D1", demande("A1", nom="Garçonnet"))

CONTENTS = {
    "empty": (b"", "FICHIER_VIDE"),
    "truncated in an element": (FLUX[:len(FLUX) // 2], "XML_MAL_FORME"),
    "truncated before the last byte": (FLUX.rstrip()[:-1], "XML_MAL_FORME"),
    "truncated after the records": (FLUX[:FLUX.index(b"<totaux>")], "XML_MAL_FORME"),
    "latin-1 that says UTF-8": (FLUX.decode().encode("iso-8859-1"), "ENCODAGE_INVALIDE"),
    "UTF-16": (FLUX.decode().replace("UTF-8", "UTF-16").encode("utf-16"), "ENCODAGE_INVALIDE"),
    "an encoding nobody knows": (FLUX.replace(b"UTF-8", b"X-ROT-13"), "ENCODAGE_INVALIDE"),
    "deep nesting": (nested(2000), "PROFONDEUR_EXCESSIVE"),
    "very deep nesting": (nested(500_000), "PROFONDEUR_EXCESSIVE"),
    "billion laughs": (LAUGHS.read_bytes(), "DOCTYPE_INTERDIT"),
    "binary": (bytes(range(256)) * 4096, "XML_MAL_FORME"),
    "an ELF": (pathlib.Path("/bin/true").read_bytes(), "XML_MAL_FORME"),
    "zeros": (bytes(100_000), "ENCODAGE_INVALIDE"),
    "a zip of the flux": (b"PK\x03\x04" + FLUX, "XML_MAL_FORME"),
    "blanks": (b" \n" * 5000, "XML_MAL_FORME"),
    "two flux in one file": (FLUX + FLUX, "XML_MAL_FORME"),
    "JSON": (b'{"demandes": []}', "XML_MAL_FORME"),
    "HTML": (b"<html><body>503</body></html>", "TYPE_INCONNU"),
    "Windows-1252 that says latin-1": (FLUX.decode().replace("UTF-8", "ISO-8859-1").replace(
        "Garçonnet", "L\u2019Aîné").encode("cp1252"), "ENCODAGE_INVALIDE"),
    "a gigantic name of an element": (demandes("T", "<demande><" + "n" * 5_000_000 + "/></demande>"), "TEXTE_EXCESSIF"),
    "a gigantic attribute": (FLUX.replace(b"<demande>", b'<demande x="' + b"y" * 5_000_000 + b'">'), "TEXTE_EXCESSIF"),
    "a gigantic text before the root": (b"<!--" + b"c" * 5_000_000 + b"-->" + FLUX.split(b"\n", 1)[1], "TEXTE_EXCESSIF"),
    "totals that lie": (demandes("T", demande("A1"), announced=2), "TOTAUX_FAUX"),
    "totals that lie enormously": (demandes("T", demande("A1"), announced=10**30), None),
    "negative totals": (demandes("T", demande("A1"), announced=-1), "ENVELOPPE_INVALIDE"),
    "another sender's name inside": (demandes("T", demande("A1"), emetteur="autre"), "EMETTEUR_DIFFERENT"),
    "a path as identifier": (demandes("../../x", demande("A1")), "ENTETE_INVALIDE"),
    "a line break in the identifier": (demandes("a\nb", demande("A1")), "ENTETE_INVALIDE"),
}


@pytest.mark.parametrize("name", CONTENTS)
def test_content_is_refused_whole_with_its_code(site, name):
    data, code = CONTENTS[name]
    site.deposit(data, name="mauvais.xml")
    done = one_pass(site, timeout=60)
    if code is None:
        code = new_answers(site)[0][1]
        assert code in ("TOTAUX_FAUX", "ENVELOPPE_INVALIDE")
    assert_refused(site, code)
    kept, = (p for p in (site.spool / "rejet" / SENDER).iterdir() if p.name.endswith(".depot.xml"))
    assert kept.read_bytes() == data, "kept as it came"
    assert "navette flux list" in done.stdout + done.stderr or "refused" in done.stderr


EXTERNAL = {
    "file entity": '<!DOCTYPE demandes [<!ENTITY s SYSTEM "file://{canary}">]>',
    "http entity": '<!DOCTYPE demandes [<!ENTITY s SYSTEM "http://127.0.0.1:{port}/s">]>',
    "external DTD": '<!DOCTYPE demandes SYSTEM "file://{canary}">',
    "http DTD": '<!DOCTYPE demandes SYSTEM "http://127.0.0.1:{port}/d.dtd">',
    "parameter entity": '<!DOCTYPE demandes [<!ENTITY % p SYSTEM "file://{canary}"> %p;]>',
}


GIGANTIC = {
    "a text": (demande("GRAND", commentaire="x" * 5_000_000), "TEXTE_EXCESSIF"),
    "a record": (demande("GRAND", commentaire="x" * 60_000).replace(
        "<besoins>", "<besoins>" + ("<creneau><jour>" + "z" * 60_000 + "</jour></creneau>") * 20), "TAILLE_EXCESSIVE"),
}


@pytest.mark.parametrize("name", GIGANTIC)
def test_a_gigantic_record_is_refused_alone(site, name):
    record, code = GIGANTIC[name]
    open_lieux(site)
    site.deposit(demandes("D1", demande("A1"), record, demande("A3")), name="grand.xml")
    site.run("run", "--now", code=(0, 1))
    result, whole, codes = accuse_of(site, "grand.xml")
    assert (result, codes) == ("partiel", [code]), (result, whole, codes)
    assert reached(site, "A1") == reached(site, "A3") == ["rpe-un"]


@pytest.mark.parametrize("name", EXTERNAL)
def test_nothing_outside_is_opened_for_an_entity(site, tmp_path, name):
    canary = tmp_path / "canari"
    canary.write_text("SECRETDUCANARI", encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        doctype = EXTERNAL[name].format(canary=canary, port=server.getsockname()[1])
        text = demandes("EXT", demande("A1", commentaire="@@")).decode().replace("@@", "&s;" if "ENTITY s" in doctype else "")
        site.deposit(text.replace("?>\n", "?>\n" + doctype, 1).encode(), name="externe.xml")
        good(site)
        log = tmp_path / "strace"
        done = subprocess.run(["strace", "-f", "-qq", "-o", str(log), "-e", "trace=openat,open,connect,socket",
                               *site.command("run", "--now")], capture_output=True, text=True, timeout=120, check=False,
                              env=UNDER_STRACE)
        assert done.returncode == 1, done.stderr
        with pytest.raises(BlockingIOError):
            server.accept()
    opened = log.read_text(encoding="utf-8", errors="replace")
    assert "demandes-1.xsd" in opened, "strace saw nothing"
    assert str(canary) not in opened and "AF_INET" not in opened
    assert reached(site, "BONNE-1") == ["rpe-un"]
    assert_refused(site, "DOCTYPE_INTERDIT")
    for path in files_below(site.path):
        assert b"SECRETDUCANARI" not in path.read_bytes()


def test_schema_hints_of_a_flux_are_not_followed(site, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        hint = (' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="urn:navette:demandes:1 '
                f'http://127.0.0.1:{server.getsockname()[1]}/x.xsd" version="1"')
        site.deposit(FLUX.replace(b' version="1"', hint.encode(), 1), name="indice.xml")
        one_pass(site, code=(0, 1))
        with pytest.raises(BlockingIOError):
            server.accept()
    assert len(new_answers(site)) == 1


def test_an_xinclude_is_not_included(site, tmp_path):
    canary = tmp_path / "canari"
    canary.write_text("SECRETDUCANARI", encoding="utf-8")
    include = f'<commentaire><xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="{canary}" parse="text"/></commentaire>'
    record = re.sub("<commentaire>.*</commentaire>", include, demande("A1"))
    site.deposit(demandes("D1", record), name="inclus.xml")
    one_pass(site, code=(0, 1))
    assert accuse_of(site, "inclus.xml") == ("refuse", None, ["ENREGISTREMENT_INVALIDE"])
    for path in files_below(site.path):
        assert b"SECRETDUCANARI" not in path.read_bytes()


# ---- records: the others of the same flux go on

RECORDS = {
    "31/02": (demande("A1", debut="2027-02-31"), "DATE_INVALIDE"),
    "31/02 as born": (demande("A1", naissance="2024-02-31"), "DATE_INVALIDE"),
    "tomorrow's demande": (demande("A1", date="2099-01-01", naissance="2098-01-01", debut="2099-06-01"), "DATE_INVALIDE"),
    "a French date": (demande("A1", debut="31/02/2027"), "ENREGISTREMENT_INVALIDE"),
    "a path as reference": (demande("../../etc/passwd"), "ENREGISTREMENT_INVALIDE"),
    "a slash in the reference": (demande("A/1"), "ENREGISTREMENT_INVALIDE"),
    "dots as reference": (demande(".."), "ENREGISTREMENT_INVALIDE"),
    "a NUL written out in the reference": (demande("A%00"), "ENREGISTREMENT_INVALIDE"),
    "a line break in the reference": (demande("A\nB"), "ENREGISTREMENT_INVALIDE"),
    "a reference of 10,000 letters": (demande("A" * 10_000), "ENREGISTREMENT_INVALIDE"),
    "an unknown commune": (demande("A1", ["42999"]), "COMMUNE_INCONNUE"),
    "a child of nine": (demande("A1", naissance="2016-01-01"), "NON_ELIGIBLE"),
    "no consent": (demande("A1").replace("<accord>true", "<accord>false"), "ENREGISTREMENT_INVALIDE"),
    "an e-mail with a header in it": (demande("A1", courriel="a@example.fr\nBcc: x@example.fr"), "ENREGISTREMENT_INVALIDE"),
    "markup": (demande("A1").replace("Quénéhervé", "<script>1</script>"), "ENREGISTREMENT_INVALIDE"),
    "a social security number": (demande("A1", numero="184127812345678901"), "ENREGISTREMENT_INVALIDE"),
    "one in the place of a matricule": (demande("A1", numero="184127812399995"), "NIR_INTERDIT"),
    "a name that turns the line around": (demande("A1", nom="Quéné\u202ehervé"), "ENREGISTREMENT_INVALIDE"),
}


def test_bad_records_are_refused_alone(site):
    """Each by its code, in order; the good ones between them go on."""
    records, codes = zip(*RECORDS.values())
    mixed = [r for i, record in enumerate(records) for r in (record, demande(f"BON-{i}"))]
    site.deposit(demandes("D1", *mixed), name="partiel.xml")
    one_pass(site, code=(0, 1))
    assert accuse_of(site, "partiel.xml") == ("partiel", None, list(codes)), list(RECORDS)
    assert all(reached(site, f"BON-{i}") == ["rpe-un"] for i in range(len(records)))
    assert reached(site, "A1") == []
    fragments, = (site.spool / "rejet" / SENDER).glob("*.fragments.xml")
    kept = ElementTree.parse(fragments).getroot()
    assert [(int(f.get("rang")), f.get("code")) for f in kept] == [(2 * i + 1, c) for i, c in enumerate(codes)]
    assert len(list((site.spool / "rejet" / SENDER).glob("*.accuse.xml"))) == 1
    # Never a value (R9): what was refused is told by line and path.
    accuse = next(p for p in site.accuses() if "partiel.xml" in p.read_text(encoding="utf-8"))
    for value in ("2027-02-31", "etc/passwd", "Bcc", "script", "184127812345678901", "184127812399995", "31/02/2027", "Quénéhervé"):
        assert value in fragments.read_text(encoding="utf-8") and value not in accuse.read_text(encoding="utf-8")
    assert_spool_is_quiet(site)


def test_the_second_of_two_equal_references_is_refused(site):
    site.deposit(demandes("D1", demande("A1"), demande("A1", nom="Autre"), demande("A2")), name="double.xml")
    one_pass(site, code=(0, 1))
    assert accuse_of(site, "double.xml") == ("partiel", None, ["REFERENCE_EN_DOUBLE"])
    assert reached(site, "A1") == ["rpe-un"] and reached(site, "A2") == ["rpe-un"]
    delivered, = site.depot.glob("*/remises/*/DI_monenfant_A1.xml")
    assert "Autre" not in delivered.read_text(encoding="utf-8")


def test_a_flux_of_bad_records_alone_is_answered(site):
    site.deposit(demandes("D1", *(demande(f"A{i}", ["42999"]) for i in range(300))), name="tous.xml")
    one_pass(site, code=(0, 1))
    result, _, codes = accuse_of(site, "tous.xml")
    assert result in ("partiel", "refuse") and codes == ["COMMUNE_INCONNUE"] * 300


# ---- who sends what where

def test_a_kind_that_the_sender_may_not_send(site):
    site.deposit(habilitations("H1", convention("PIRATE", {"rpe-pirate": ["42218"]}), emetteur=SENDER), name="hab.xml")
    site.deposit(demandes("D9", demande("A1"), emetteur="caf-421"), "caf-421", "dem.xml")
    one_pass(site)
    assert accuse_of(site, "hab.xml") == ("refuse", "TYPE_NON_AUTORISE", [])
    assert accuse_of(site, "dem.xml", "caf-421") == ("refuse", "TYPE_NON_AUTORISE", [])
    assert reached(site, "A1") == []
    assert [c["convention"] for c in site.json("conventions", "list")] == ["CLI_1"]


def test_habilitations_that_claim_to_come_from_the_caf(site):
    site.deposit(habilitations("H1", convention("PIRATE", {"rpe-pirate": ["42218"]})), name="hab.xml")
    one_pass(site)
    assert new_answers(site)[0][1] in ("TYPE_NON_AUTORISE", "EMETTEUR_DIFFERENT")
    assert reached(site, "BONNE-1") == ["rpe-un"]


def test_a_directory_whose_sender_is_not_configured(site):
    site.deposit(demandes("D1", demande("A1"), emetteur="inconnu"), "inconnu", "a.xml")
    one_pass(site)
    assert_refused(site, "EMETTEUR_INCONNU", emetteur="inconnu")


def test_readmes_and_strangers_directly_in_arrivee(site):
    (site.spool / "arrivee/README.md").write_text("lisez-moi", encoding="utf-8")
    assert one_pass(site, code=0)
    (site.spool / "arrivee/perdu.xml").write_bytes(FLUX)
    (site.spool / "arrivee/Nom Impossible").mkdir()
    (site.spool / "arrivee/Nom Impossible/a.xml").write_bytes(FLUX)
    (site.spool / "arrivee/lien").symlink_to("/etc")
    os.mkfifo(site.spool / "arrivee/tube")
    site.deposit(demandes("BONNE-2", demande("BONNE-2")), name="bonne-2.xml")
    done = site.run("run", "--now", code=1)
    assert "deposit.misplaced" in done.stderr
    assert reached(site, "BONNE-2") == ["rpe-un"]
    assert (site.spool / "arrivee/perdu.xml").read_bytes() == FLUX, "left to a person"
    assert (site.spool / "arrivee/Nom Impossible/a.xml").exists()


# ---- names

NAMES = {
    "newline": b"a\nb.xml", "carriage return and escape": b"a\r\x1b[31mb.xml", "255 bytes": b"n" * 251 + b".xml",
    "255 bytes of accents": "é".encode() * 127 + b"x", "like a parent": b"a..xml", "percent": b"%s%n%2e%2e%2fx.xml",
    "not UTF-8": b"\xff\xfe\x80.xml", "blanks": b"  a b .xml", "option": b"-rf", "quotes": b"'\";`$(id)`.xml",
    "markup": b"<refus>&amp;.xml", "backslashes": b"a\\..\\..\\x.xml", "right-to-left": "a\u202elmx.xml".encode(),
    "no suffix": b"flux", "line separator": "a\u2028b.xml".encode(), "C1 control": "a\u0085b.xml".encode(),
}


def deposit_under_all_names(site, data_of):
    for index, name in enumerate(NAMES.values()):
        with open(os.fsencode(arrivee(site)) + b"/" + name, "wb") as file:
            file.write(data_of(index))


def assert_output_is_clean(*texts):
    for text in texts:
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202e]", text), text


def test_any_name_is_taken(site):
    deposit_under_all_names(site, lambda i: demandes(f"NOM-{i}", demande(f"NOM-{i}")))
    done = one_pass(site, code=0)
    assert new_answers(site) == [("accepte", None)] * len(NAMES)
    assert all(reached(site, f"NOM-{i}") == ["rpe-un"] for i in range(len(NAMES)))
    assert all(re.match(r"<\d>ts=\S+ event=\S+", line) for line in done.stderr.splitlines())
    assert_output_is_clean(done.stderr, done.stdout, site.run("flux", "list").stdout)
    assert_spool_is_quiet(site)


def test_any_name_is_refused(site):
    deposit_under_all_names(site, lambda i: b"<nothing/>")
    done = one_pass(site)
    assert new_answers(site) == [("refuse", "TYPE_INCONNU")] * len(NAMES)
    kept = [p.name for p in (site.spool / "rejet" / SENDER).iterdir()]
    assert len(kept) == 2 * len(NAMES)
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+", name) for name in kept), "a name comes from outside"
    assert_output_is_clean(done.stderr, done.stdout, site.run("flux", "list").stdout)
    assert_spool_is_quiet(site)


# ---- what is no plain file

def test_a_symlink_is_not_followed(site):
    (arrivee(site) / "passwd.xml").symlink_to("/etc/passwd")
    one_pass(site)
    assert_refused(site, "FICHIER_NON_REGULIER")
    for path in files_below(site.path):
        if not path.is_symlink():
            assert b"root:x:0" not in path.read_bytes()


def test_a_symlink_to_a_good_flux_is_not_followed(site, tmp_path):
    (tmp_path / "ailleurs.xml").write_bytes(demandes("D1", demande("A1")))
    (arrivee(site) / "lien.xml").symlink_to(tmp_path / "ailleurs.xml")
    one_pass(site)
    assert_refused(site, "FICHIER_NON_REGULIER")
    assert reached(site, "A1") == [] and (tmp_path / "ailleurs.xml").exists()


def test_a_symlink_to_nowhere_and_to_itself(site):
    (arrivee(site) / "nulle-part.xml").symlink_to("/nulle/part")
    (arrivee(site) / "soi.xml").symlink_to("soi.xml")
    one_pass(site)
    assert new_answers(site) == [("refuse", "FICHIER_NON_REGULIER")] * 2


def test_a_fifo_does_not_hang(site):
    os.mkfifo(arrivee(site) / "tube.xml")
    one_pass(site, timeout=60)
    assert_refused(site, "FICHIER_NON_REGULIER")


def test_a_socket_is_no_flux(site):
    with socket.socket(socket.AF_UNIX) as s:
        here = os.getcwd()
        os.chdir(arrivee(site))  # a socket's path is short
        try:
            s.bind("prise.xml")
        finally:
            os.chdir(here)
        one_pass(site)
    assert_refused(site, "FICHIER_NON_REGULIER")


def test_a_directory_where_a_file_should_be(site):
    (arrivee(site) / "dossier.xml").mkdir()
    (arrivee(site) / "dossier.xml/dedans.xml").write_bytes(demandes("D1", demande("A1")))
    one_pass(site)
    assert new_answers(site) == [("refuse", "FICHIER_NON_REGULIER")]
    assert reached(site, "A1") == []
    kept, = (p for p in (site.spool / "rejet" / SENDER).rglob("dedans.xml"))
    assert kept.read_bytes().startswith(b"<?xml"), "kept with what it held"


@pytest.mark.root
def test_a_device_is_no_flux(site):
    os.mknod(arrivee(site) / "zero.xml", 0o020666, os.makedev(1, 5))
    one_pass(site, timeout=60)
    assert_refused(site, "FICHIER_NON_REGULIER")


# ---- rights

def as_nobody(site, *command):
    """The command as an account without privileges, to which the site belongs."""
    nobody = pwd.getpwnam("nobody")
    for path in [site.path, *site.path.rglob("*")]:
        os.lchown(path, nobody.pw_uid, nobody.pw_gid)
    for parent in site.path.parents:
        if parent.stat().st_uid == 0 and parent != pathlib.Path("/"):
            parent.chmod(parent.stat().st_mode | 0o711)
    return ["setpriv", "--reuid", str(nobody.pw_uid), "--regid", str(nobody.pw_gid), "--clear-groups", *command]


def pass_as_nobody(site, owner_of=(), code=1, make=None):
    """A pass without privileges; `make` prepares what root alone may."""
    good(site)
    binary = site.path / "navette"  # the build tree may be closed to others
    shutil.copy(site.binary, binary)
    command = as_nobody(site, str(binary), *site.command("run", "--now")[1:])
    if make:
        make()
    for path, uid in owner_of:
        os.chown(path, uid, uid)
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == code, done.stderr
    assert reached(site, "BONNE-1") == ["rpe-un"]
    return done


def world_can_read_the_tree():
    return all((p.stat().st_mode & 0o005) == 0o005 for p in [DATA, *DATA.parents])


readable_tree = pytest.mark.skipif(not world_can_read_the_tree(), reason="the tree is closed to other accounts")


@pytest.mark.root
@readable_tree
def test_an_unreadable_file_is_refused(site):
    path = arrivee(site) / "ferme.xml"
    path.write_bytes(FLUX)
    path.chmod(0)
    # Another's, in a directory that is ours: renamed, never opened.
    pass_as_nobody(site, owner_of=[(path, 1)])
    assert_refused(site, "FICHIER_ILLISIBLE")


@pytest.mark.root
@readable_tree
def test_a_deposit_owned_by_another_is_taken_and_becomes_ours(site):
    path = arrivee(site) / "autre.xml"
    path.write_bytes(demandes("D1", demande("A1")))
    path.chmod(0o644)
    pass_as_nobody(site, owner_of=[(path, 1)], code=0)
    assert accuse_of(site, "autre.xml") == ("accepte", None, [])
    assert reached(site, "A1") == ["rpe-un"]


@pytest.mark.root
@readable_tree
def test_a_senders_directory_that_is_closed_blocks_no_other(site):
    site.configure("[emetteur.ferme]\nflux = demandes\n")
    site.deposit(demandes("D1", demande("A1"), emetteur="ferme"), "ferme")

    def close():
        os.chown(site.spool / "arrivee/ferme", 1, 1)
        (site.spool / "arrivee/ferme").chmod(0o700)
    done = pass_as_nobody(site, code=1, make=close)
    assert "claim" in done.stderr
    assert (site.spool / "arrivee/ferme/flux.xml").exists()


# ---- files that move

def test_a_file_that_grows_is_not_taken_half(site):
    """Written on and on while passes go by: taken only when it is whole, and whole."""
    flux = demandes("D1", *(demande(f"A{i}") for i in range(60)))
    path = arrivee(site) / "grandit.xml"
    site.configure("")
    site.config.write_text(site.config.read_text(encoding="utf-8").replace("20ms", "600ms"), encoding="utf-8")
    ended = threading.Event()

    def write():
        with open(path, "wb", buffering=0) as file:
            for at in range(0, len(flux), len(flux) // 20 + 1):
                file.write(flux[at:at + len(flux) // 20 + 1])
                ended.wait(0.1)
        ended.set()
    writer = threading.Thread(target=write)
    writer.start()
    while not ended.is_set():
        site.run("run", "--now", code=None)
    writer.join()
    deadline = time.monotonic() + 30
    while not [p for p in site.accuses() if "grandit.xml" in p.read_text(encoding="utf-8")]:
        assert time.monotonic() < deadline
        site.run("run", "--now", code=None)
    assert accuse_of(site, "grandit.xml") == ("accepte", None, [])
    assert all(reached(site, f"A{i}") == ["rpe-un"] for i in range(60))


def test_what_a_sender_writes_after_the_claim_changes_nothing(site, tmp_path):
    """The sender keeps it open and writes as soon as our copy stands in travail/; slow syncs give him the time."""
    flux = demandes("D1", demande("A1"))
    path = arrivee(site) / "ouvert.xml"
    path.write_bytes(flux)
    good(site)
    work, written = site.spool / "travail" / SENDER, False
    with open(path, "r+b", buffering=0) as held:
        process = subprocess.Popen(["strace", "-f", "-qq", "-o", str(tmp_path / "log"), "-e", "trace=fsync,fdatasync",
                                    "-e", "inject=fsync,fdatasync:delay_enter=50000", *site.command("run", "--now")],
                                   stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   env=UNDER_STRACE)
        while process.poll() is None:
            raw = next(work.glob("*.ouvert.xml"), None)
            if not written and raw and (work / raw.name.split(".")[0]).exists():
                held.seek(flux.index("Quénéhervé".encode()))
                held.write(b"MALVEILLANT")
                written = True
    assert written, "the pass was too quick for the test"
    assert accuse_of(site, "ouvert.xml") == ("accepte", None, [])
    delivered, = site.depot.glob("*/remises/*/DI_monenfant_A1.xml")
    assert "Quénéhervé" in delivered.read_text(encoding="utf-8")
    assert reached(site, "BONNE-1") == ["rpe-un"]


def test_a_file_that_vanishes_is_no_event(site):
    """Deposits come and go while passes run: no failure, no answer for what went."""
    stop = threading.Event()

    def flicker():
        n = 0
        while not stop.is_set():
            path = arrivee(site) / f"fugace-{n % 7}.xml"
            path.write_bytes(FLUX)
            path.unlink(missing_ok=True)
            n += 1
    thread = threading.Thread(target=flicker)
    thread.start()
    try:
        good(site)
        for _ in range(5):
            done = site.run("run", "--now", code=(0, 1))
            assert "failed" not in done.stderr
    finally:
        stop.set()
        thread.join()
    assert reached(site, "BONNE-1") == ["rpe-un"]


def test_a_claimed_file_that_vanishes_is_answered(site, tmp_path):
    """Somebody empties travail/ between the claim and the reading: the pass is killed there, then goes on."""
    site.deposit(demandes("D1", demande("A1")), name="disparu.xml")
    subprocess.run(["strace", "-f", "-qq", "-o", str(tmp_path / "log"), "-e", "trace=unlinkat",
                    "-e", "inject=unlinkat:signal=SIGKILL:when=1", *site.command("run", "--now")],
                   capture_output=True, timeout=120, check=False)
    claimed = files_below(site.spool / "travail")
    assert claimed and rows(site, "SELECT etat FROM flux WHERE nom = 'disparu.xml'") == [("recu",)]
    for path in claimed:
        path.unlink()
    one_pass(site)
    assert_refused(site, "FICHIER_ILLISIBLE", kept=False)


def test_a_deposit_with_a_second_name_is_taken_once_and_its_twin_is_left(site):
    twin = site.path / "jumeau.xml"
    twin.write_bytes(demandes("D1", demande("A1")))
    os.link(twin, arrivee(site) / "lien-dur.xml")
    one_pass(site, code=0)
    assert accuse_of(site, "lien-dur.xml") == ("accepte", None, [])
    # The claimed copy is an inode of our own; the sender's other name is the sender's.
    assert twin.read_bytes() == demandes("D1", demande("A1"))
    twin.write_bytes(b"change")
    assert reached(site, "A1") == ["rpe-un"]


def test_two_names_of_one_file_are_a_flux_and_its_doublon(site):
    path = arrivee(site) / "a.xml"
    path.write_bytes(demandes("D1", demande("A1")))
    os.link(path, arrivee(site) / "b.xml")
    one_pass(site, code=0)
    assert sorted(r for r, _ in new_answers(site)) == ["accepte", "doublon"]
    assert reached(site, "A1") == ["rpe-un"]


def test_a_huge_sparse_file_is_refused_without_being_copied(site):
    path = arrivee(site) / "creux.xml"
    with open(path, "wb") as file:
        file.truncate(2 << 30)
    before = os.statvfs(site.path).f_bavail
    start = time.monotonic()
    one_pass(site, timeout=60)
    assert time.monotonic() - start < 20
    assert_refused(site, "TAILLE_EXCESSIVE")
    kept, = (site.spool / "rejet" / SENDER).glob("*.depot.xml")
    assert kept.stat().st_size == 2 << 30 and kept.stat().st_blocks < 1000
    assert os.statvfs(site.path).f_bavail > before - (1 << 18)


def test_hundreds_of_bad_files_hold_up_nothing(site):
    for i in range(300):
        (arrivee(site) / f"mauvais-{i}.xml").write_bytes(b"<nothing/>")
    one_pass(site, timeout=120)
    assert new_answers(site) == [("refuse", "TYPE_INCONNU")] * 300
    assert_spool_is_quiet(site)


def test_validate_says_the_same_and_consumes_nothing(site, tmp_path):
    for name, (data, code) in CONTENTS.items():
        if code is None or len(data) > 1_000_000:
            continue
        path = tmp_path / "essai.xml"
        path.write_bytes(data)
        done = site.run("validate", str(path), code=(1, 3))
        assert code in done.stdout + done.stderr or code == "EMETTEUR_DIFFERENT", (name, done.stdout, done.stderr)
        assert path.read_bytes() == data


# ---- one sender with very much, the others with little

def test_a_sender_with_very_many_deposits_does_not_hold_up_the_others(site):
    """Whoever comes first in the directory, the other's demande is delivered before the last of the many is claimed."""
    many = 2500
    for emetteur in ("caf-421", SENDER):
        (arrivee(site, emetteur) / ".muet").write_bytes(b"")
    for n in range(many):
        (arrivee(site, "caf-421") / f"{n}.xml").write_bytes(b"<rien/>")
    site.deposit(demandes("SEULE", demande("SEULE")), name="seule.xml")
    time.sleep(0.05)  # [spool] stable_after
    done = site.run("run", "--now", code=1)
    events = [line for line in done.stderr.splitlines() if "event=" in line]
    claims = [i for i, line in enumerate(events) if "event=flux.claimed" in line and "emetteur=caf-421" in line]
    delivered = next(i for i, line in enumerate(events) if "event=remise.delivered" in line)
    assert len(claims) == many
    assert delivered < claims[-1]
    assert reached(site, "SEULE") == ["rpe-un"]
    assert len(site.accuses("caf-421")) == many + 1  # with that of the habilitations
    assert rows(site, "SELECT count(*) FROM flux WHERE etat = 'recu' OR accuse IS NULL") == [(0,)]
