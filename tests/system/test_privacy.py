"""R9: families' data are where they must be and nowhere else.

Every personal field of every demande holds a mark of its own; everything is run, refusals and failures included, at the
most talkative level; then every output, every name and every file is searched for any mark.
"""

import os
import pathlib
import re
import subprocess
import tempfile

import pytest

from conftest import DATA, Site
from test_main_job import (accuse_of, convention, demande, demandes, dump_of_tables, habilitations, mail_at, quick_place,
                           reached, rows)

NAME = "Zqfichierqz"  # in names that a sender gives to deposits: told to that sender and to operators alone

FIELDS = ("nom", "prenom", "ligne", "ville", "courriel", "telephone", "numero", "enfant", "commentaire")


class Marks:
    """Values that occur nowhere else, made anew for each demande."""

    def __init__(self):
        self.count, self.all = 0, []

    def fields(self):
        self.count += 1
        n = self.count
        f = {k: f"Zq{k}x{n}qz" for k in FIELDS}
        f["courriel"] = f"zqcourriel{n}qz@example.fr"
        f["telephone"] = f"06399{81000 + n}"
        f["numero"] = f"{7770000 + n}"
        self.all += f.values()
        return f

    def demande(self, reference, communes=("42218",), **more):
        return demande(reference, communes, **{**self.fields(), **more})


def refused_records(marks):
    """One demande for each way of being refused, the bad value a mark too where it can be one."""
    long = "Zqtroplong" + "x" * 200
    bad = {"courriel": "Zqpasuncourriel", "telephone": "Zqpasuntelephone", "numero": "184127812399995", "nom": long,
           "debut": "Zqpasunedate", "naissance": "2009-07-31", "ligne": "", "enfant": "Zq<b>"}
    marks.all += [v for v in bad.values() if v.startswith("Zq") or v == "184127812399995"]
    records = [marks.demande(f"R-{k}", **{k: v}) for k, v in bad.items()]
    records.append(marks.demande("R-commune", ["42999"]))
    records.append(marks.demande("Zqreference/é"))
    records.append(marks.demande("R-element").replace("<besoins>", "<Zqelement>Zqelementtexte</Zqelement><besoins>"))
    records.append(marks.demande("R-attribut").replace("<besoins>", '<besoins Zqattribut="Zqattributvaleur">'))
    records.append(marks.demande("R-nsp").replace("<besoins>", '<z:x xmlns:z="urn:Zqespace"/><besoins>'))
    marks.all += ["Zqreference", "Zqelement", "Zqattribut", "Zqespace"]
    return records


def broken_flux(marks):
    """Flux refused whole, each in its way, with families inside."""
    whole = demandes("CASSE", marks.demande("X1"), marks.demande("X2"))
    text = whole.decode()
    yield "tronque.xml", whole[:-200]
    yield "totaux.xml", demandes("FAUX", marks.demande("X3"), announced=4)
    yield "doctype.xml", text.replace("?>\n", '?>\n<!DOCTYPE demandes [<!ENTITY Zqentite "Zqvaleur">]>\n', 1).encode()
    yield "entite.xml", text.replace("<besoins>", "&Zqentite;<besoins>", 1).encode()
    yield "croise.xml", text.replace("</prenom>", "</Zqbalise>", 1).encode()
    yield "encodage.xml", text.replace("<ligne>", "<ligne>é", 1).encode("iso-8859-1")
    yield "apres.xml", whole + b"Zqapres"
    yield "dans-enveloppe.xml", text.replace("<totaux>", "Zqenveloppe<totaux>").encode()
    yield "entete.xml", text.replace("<identifiant>CASSE", "<identifiant>Zqidentifiant é").encode()
    yield "emetteur.xml", text.replace("<emetteur>monenfant", "<emetteur>zqemetteur").encode()
    yield "long.xml", demandes("LONG", marks.demande("X4", commentaire="Zqlong" * 20_000))
    yield "profond.xml", text.replace("<besoins>", "<Zqprofond>" * 100, 1).encode()
    yield "racine.xml", text.replace("demandes", "Zqracine").encode()
    marks.all += ["Zqentite", "Zqvaleur", "Zqbalise", "Zqapres", "Zqenveloppe", "Zqidentifiant", "zqemetteur", "Zqlong",
                  "Zqprofond", "Zqracine"]


class World:
    """A site after everything happened to it, and all that was said meanwhile."""

    def __init__(self, site):
        self.site, self.said, self.marks = site, [], Marks()

    def run(self, *arguments, **more):
        done = self.site.run(*arguments, code=None, **more)
        self.said.append((" ".join(map(str, arguments)), done.stdout + done.stderr))
        return done


def live(world):
    site, marks = world.site, world.marks
    site.configure("[log]\nlevel = debug\n[emetteur.autre]\nflux = demandes\n")
    site.deposit(habilitations("H", convention("CLI_1", {"rpe-un": ["42218"], "rpe-deux": ["42207"]})), "caf-421", "h.xml")
    world.run("run", "--now")
    # Delivered, waiting, held, twice, in conflict, refused.
    good = demandes("BON", marks.demande("A1"), marks.demande("A2", ["42218", "42207"]), marks.demande("A3", ["42094"]))
    site.deposit(good, name="bon.xml")
    site.deposit(demandes("REFUS", *refused_records(marks)), name="refus.xml")
    site.deposit(demandes("AUTRE", marks.demande("A1"), emetteur="autre"), "autre", "autre.xml")
    world.run("run", "--now")
    site.deposit(good, name="encore.xml")
    site.deposit(demandes("BON", marks.demande("A9")), name="conflit.xml")
    site.deposit(demandes("CONFLIT", marks.demande("A1"), marks.demande("A2")), name="conflit-2.xml")
    for name, data in broken_flux(marks):
        site.deposit(data, name=name)
    world.run("run", "--now")
    # A stylesheet that fails on what a family wrote, and says so; a lieu that is closed; a remise that cannot leave.
    with broken_rendering(site):
        site.deposit(demandes("RENDU", marks.demande("A5")), name="rendu.xml")
        world.run("run", "--now")
        world.run("render", site.path / "x.xml", "-o", site.path / "x.pdf")
    (site.depot / "rpe-deux").rename(site.depot / "ailleurs")
    (site.depot / "rpe-deux").write_text("", encoding="utf-8")
    site.deposit(demandes("BLOQUE", marks.demande("A6", ["42207"])), name="bloque.xml")
    world.run("run", "--now")
    (site.depot / "rpe-deux").unlink()
    (site.depot / "ailleurs").rename(site.depot / "rpe-deux")
    deposit_under_a_family_s_name(world)


def deposit_under_a_family_s_name(world):
    """One of each fate: accepted, partly and wholly refused, already known, and no plain file."""
    site, marks = world.site, world.marks
    good = demandes("NOM-BON", marks.demande("N1"))
    site.deposit(good, name=f"{NAME}-bon.xml")
    site.deposit(demandes("NOM-PARTIEL", marks.demande("N2"), marks.demande("N3", ["42999"])), name=f"{NAME}-partiel.xml")
    site.deposit(demandes("NOM-REFUS", marks.demande("N4"), announced=9), name=f"{NAME}-refus.xml")
    site.deposit(b"", name=f"sans-suffixe.{NAME}")
    (site.spool / "arrivee/monenfant" / f"{NAME}-dossier.xml").mkdir()
    world.run("run", "--now")
    site.deposit(good, name=f"{NAME}-encore.xml")
    world.run("run", "--now")
    # One that cannot be put away, its name still in travail/.
    os.mkfifo(site.spool / "arrivee/monenfant" / f"{NAME}-tube.xml")
    rejet = site.spool / "rejet/monenfant"
    rejet.rename(rejet.with_name("ailleurs"))
    rejet.write_bytes(b"")
    world.run("run", "--now")
    rejet.unlink()
    rejet.with_name("ailleurs").rename(rejet)
    world.run("run", "--now")


class broken_rendering:
    """For the time being, a stylesheet that speaks of the family and gives up."""

    def __init__(self, site):
        self.site = site

    def __enter__(self):
        copy = self.site.path / "data-tree"
        copy.mkdir()
        for name in ("xsd", "data"):
            (copy / name).symlink_to(DATA.parents[1] / name)
        subprocess.run(["cp", "-r", str(DATA.parents[1] / "xslt"), str(copy / "xslt")], check=True)
        sheet = copy / "xslt/demande-fo.xsl"
        text = sheet.read_text(encoding="utf-8")
        assert text.count('<xsl:template match="/') >= 1
        sheet.write_text(re.sub(r'(<xsl:template match="/[^>]*>)(\s*(<xsl:param[^>]*/>\s*)*)',
                                r'\1\2<xsl:message terminate="yes"><xsl:value-of select="string(.)"/></xsl:message>',
                                text, count=1), encoding="utf-8")
        self.before = self.site.config.read_text(encoding="utf-8")
        self.site.config.write_text(self.before.replace(f"directory = {DATA.parents[1]}\n", f"directory = {copy}\n"),
                                    encoding="utf-8")

    def __exit__(self, *_):
        self.site.config.write_text(self.before, encoding="utf-8")
        subprocess.run(["rm", "-r", str(self.site.path / "data-tree")], check=True)


def ask_everything(world):
    """Every command that shows something, as a table and as JSON, on everything there is."""
    site = world.site
    shows = {"flux": "SELECT ticket FROM flux", "demandes": "SELECT DISTINCT reference FROM demande",
             "remises": "SELECT nom FROM remise", "lieux": "SELECT identifiant FROM lieu",
             "conventions": "SELECT numero FROM convention"}
    for json in ([], ["--json"]):
        for noun, sql in shows.items():
            world.run(noun, "list", "--all", *json)
            for (key,) in rows(site, sql):
                world.run(noun, "show", str(key), *json)
        world.run("echeances", "list", "--all", *json)
        world.run("traces", "list", "--all", *json)
        world.run("status", *json)
        world.run("traces", "verify", *json)
        world.run("check", *json)
    for path in sorted((site.spool / "rejet").rglob("*.xml")):
        world.run("validate", path)


@pytest.fixture(name="world", scope="module")
def a_world_full_of_families(navette):
    with tempfile.TemporaryDirectory(prefix="navette-privacy-", dir=quick_place()) as directory:
        world = World(Site(navette, pathlib.Path(directory) / "site"))
        live(world)
        ask_everything(world)
        yield world


def found(marks, data):
    data = data if isinstance(data, bytes) else data.encode()
    return sorted({m for m in marks if m.encode() in data})


def test_the_world_is_as_full_as_it_should_be(world):
    """Else the other tests would pass on nothing."""
    site = world.site
    assert reached(site, "A1") == ["rpe-un"] and reached(site, "A2") == ["rpe-deux", "rpe-un"]
    assert rows(site, "SELECT count(*) FROM refus WHERE genre = 'refus'")[0][0] >= 13
    assert rows(site, "SELECT count(*) FROM flux WHERE etat = 'refuse'")[0][0] >= 13
    assert rows(site, "SELECT motif FROM acheminement WHERE etat = 'retenu'"), "no rendering failed"
    assert rows(site, "SELECT count(*) FROM remise WHERE etat <> 'livree'")[0][0] >= 1, "no delivery failed"
    assert accuse_of(site, "conflit.xml")[1] == "CONFLIT" and accuse_of(site, "encore.xml")[0] == "doublon"
    assert len(world.marks.all) > 200
    assert len(world.said) > 60 and all(said or "verify" in command or "check" in command or "render" in command
                                        for command, said in world.said)
    everything = b"".join(p.read_bytes() for p in site.path.rglob("*") if p.is_file())
    assert len(found(world.marks.all, everything)) > 200, "the marks are not even in the files allowed"


def test_no_log_and_no_output_names_a_family(world):
    wrong = [(command, hits) for command, said in world.said if (hits := found(world.marks.all, said))]
    assert wrong == []


def test_no_accuse_names_a_family(world):
    for path in (world.site.spool / "accuses").rglob("*.xml"):
        assert found(world.marks.all, path.read_bytes()) == [], path.name
    for path in (world.site.spool / "rejet").rglob("*.accuse.xml"):
        assert found(world.marks.all, path.read_bytes()) == [], path.name


def test_no_mail_names_a_family(world):
    assert len(world.site.mails()) == 3
    for path in world.site.mails():
        mail = mail_at(path)
        parts = [str(v) for v in mail.values()] + [p.get_content() for p in mail.walk() if not p.is_multipart()]
        assert found(world.marks.all, "\n".join(parts) + path.read_text(encoding="utf-8", errors="replace")) == []


def test_no_name_of_a_file_names_a_family(world):
    names = "\n".join(str(p) for p in world.site.path.rglob("*"))
    assert found(world.marks.all, names) == []


def test_the_name_of_a_deposit_is_told_to_its_sender_and_to_operators_alone(world):
    site = world.site
    assert rows(site, "SELECT etat, count(*) FROM flux WHERE nom LIKE ? GROUP BY etat ORDER BY etat", f"%{NAME}%") == [
        ("accepte", 1), ("doublon", 1), ("partiel", 1), ("refuse", 4)]
    assert any(NAME in said for command, said in world.said if command.startswith("flux show"))
    assert sum(NAME in path.read_text(encoding="utf-8") for path in site.accuses()) == 7
    wrong = [command for command, said in world.said if NAME in said and not command.startswith("flux ")]
    assert wrong == []
    assert [str(p) for p in site.path.rglob("*") if NAME in str(p)] == []


def test_the_database_holds_families_in_one_table(world):
    assert found(world.marks.all, dump_of_tables(world.site))
    assert found(world.marks.all, dump_of_tables(world.site, "charge")) == []


def test_files_that_hold_families_are_where_they_must_be(world):
    site = world.site
    for path in site.path.rglob("*"):
        if path.is_file() and found(world.marks.all, path.read_bytes()):
            at = path.relative_to(site.path).parts
            assert at[0] in ("state", "depot") or at[:2] in {("spool", "rejet"), ("spool", "depart"), ("spool", "travail")}, at
            if at[:2] == ("spool", "rejet"):
                assert not path.name.endswith(".accuse.xml")


def test_an_accepted_flux_is_not_kept(world):
    """What was accepted lies in the database and the dépôts; its file is gone."""
    accepted = {ticket for ticket, in rows(world.site, "SELECT ticket FROM flux WHERE etat IN ('accepte', 'doublon')")}
    assert len(accepted) >= 4
    kept = {path.name.split(".")[0] for path in (world.site.spool / "rejet").rglob("*")}
    assert kept & accepted == set()
    assert [p for p in (world.site.spool / "travail").rglob("*") if p.is_file()] == []


def test_what_holds_families_is_closed_to_others(world):
    for name in ("rejet", "travail", "depart"):
        for path in (world.site.spool / name).rglob("*"):
            assert path.stat().st_mode & 0o007 == 0 or any(
                parent.stat().st_mode & 0o007 == 0 for parent in path.parents if parent != world.site.path.parent), path
    assert world.site.database.stat().st_mode & 0o007 == 0
