"""The main job, from a deposit to the dépôts: what arrives, at whom, when, and what is told of it.

Also the makers of flux that the other files here use; every date they write is relative to today, so that a test holds
on any day. People are invented.
"""

import datetime
import email
import email.policy
import glob
import hashlib
import os
import re
import shutil
import sqlite3
import subprocess
import zoneinfo
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import pytest

from conftest import DATA, ROOT, Site, without_cover_sheets

PARIS = zoneinfo.ZoneInfo("Europe/Paris")
SIRETS = ("24420077000018", "20006588600018", "20003573100013")
D = "{urn:navette:demandes:1}"
A = "{urn:navette:accuse:1}"
R = "{urn:navette:remise:1}"
MONTHS = ("janvier février mars avril mai juin juillet août septembre octobre novembre décembre").split()


def quick_place():
    """Parent for sites in memory, where there is such a file system: hundreds of passes need not wait for a disk."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def copy_of(template, path):
    """The same site at another place: nothing of it knows where it lies."""
    shutil.copytree(template.path, path, symlinks=True)
    site = Site.__new__(Site)
    site.__dict__.update(template.__dict__)
    site.path, site.config, site.spool = path, path / "navette.conf", path / "spool"
    site.depot, site.database = path / "depot", path / "state/navette.db"
    return site


# ---- makers of flux


def today():
    return datetime.datetime.now(PARIS).date()


def day(offset=0, base=None):
    return ((base or today()) + datetime.timedelta(days=offset)).isoformat()


def demande(reference, communes=("42218",), base=None, **fields):
    """One <demande>. `fields` replace the text of leaves; None leaves the optional ones out."""
    f = {
        "nom": "Quénéhervé", "prenom": "Maïwenn", "ligne": "14 rue des Capucines", "codePostal": "42000",
        "ville": "Saint-Étienne", "courriel": "maiwenn@example.fr", "telephone": "0465710012", "numero": "1234567",
        "enfant": "Noé", "naissance": day(-400, base), "date": day(-1, base), "debut": day(60, base),
        "commentaire": "Une place dès janvier ; merci.", **fields,
    }
    e = {k: escape(v) for k, v in f.items() if v is not None}
    comment = f"<commentaire>{e['commentaire']}</commentaire>" if "commentaire" in e else ""
    codes = "".join(f"<codeInsee>{c}</codeInsee>" for c in communes)
    return (
        f"<demande><reference>{escape(reference)}</reference><dateDemande>{e['date']}</dateDemande>"
        f"<demandeur><civilite>MME</civilite><nom>{e['nom']}</nom><prenom>{e['prenom']}</prenom>"
        f"<adresse><ligne>{e['ligne']}</ligne><codePostal>{e['codePostal']}</codePostal>"
        f"<commune>{e['ville']}</commune></adresse><courriel>{e['courriel']}</courriel>"
        f"<telephone>{e['telephone']}</telephone>"
        f"<allocataire><numeroAllocataire>{e['numero']}</numeroAllocataire></allocataire></demandeur>"
        f"<enfants><enfant><prenom>{e['enfant']}</prenom><dateNaissance>{e['naissance']}</dateNaissance></enfant>"
        "</enfants><modesAccueil><modeAccueil>creche-collective</modeAccueil></modesAccueil>"
        f"<communesSouhaitees>{codes}</communesSouhaitees><periode><dateDebut>{e['debut']}</dateDebut></periode>"
        "<besoins><creneau><jour>lundi</jour><heureDebut>08:00</heureDebut><heureFin>17:30</heureFin></creneau>"
        f"</besoins>{comment}<consentement><accord>true</accord><dateConsentement>{e['date']}</dateConsentement>"
        "</consentement></demande>")


def envelope(kind, identifiant, body, totals, emetteur, base=None):
    counts = "".join(f"<{name}>{n}</{name}>" for name, n in totals.items())
    return (f'<?xml version="1.0" encoding="UTF-8"?>\n<{kind} xmlns="urn:navette:{kind}:1" version="1"><entete>'
            f"<emetteur>{emetteur}</emetteur><identifiant>{identifiant}</identifiant>"
            f"<dateCreation>{day(0, base)}</dateCreation><heureCreation>04:30:00</heureCreation></entete>\n"
            f"{body}\n<totaux>{counts}</totaux></{kind}>\n").encode()


def demandes(identifiant, *records, emetteur="monenfant", announced=None, base=None):
    """A flux of `demandes`; `announced` lies about their number."""
    children = sum(r.count("<enfant>") for r in records)
    totals = {"nombreDemandes": len(records) if announced is None else announced, "nombreEnfants": children}
    return envelope("demandes", identifiant, "\n".join(records), totals, emetteur, base)


def personne(numero, courriel, since=-180, until=None, base=None):
    end = f"<dateFin>{day(until, base)}</dateFin>" if until is not None else ""
    return (f"<personne><numero>{numero}</numero><civilite>MME</civilite><nom>Rochetaillade</nom><prenom>Valérie</prenom>"
            f"<courriel>{courriel}</courriel><role>agent</role><dateDebut>{day(since, base)}</dateDebut>{end}</personne>")


def convention(numero, lieux, siret=SIRETS[0], version=1, cadence=None, personnes=None, delai=10, signed=-200,
               effect=-180, activated=-180, ended=None, suspended=None, base=None, canal="<depot/>"):
    """A convention « lieu d'information ». lieux: {identifiant: communes}; days are offsets from today (or `base`).
    canal: XML of the channel, of every lieu or {identifiant: XML}."""
    canaux = canal if isinstance(canal, dict) else {name: canal for name in lieux}
    activation = "" if activated is None else f"<dateActivation>{day(activated, base)}</dateActivation>"
    end = "" if ended is None else (f"<resiliation><cause>manquement</cause><dateReception>{day(ended, base)}"
                                    f"</dateReception><dateFin>{day(ended, base)}</dateFin></resiliation>")
    pause = "" if suspended is None else (f"<suspension><dateSuspension>{day(suspended, base)}</dateSuspension>"
                                          "<motif>incident</motif></suspension>")
    people = personnes or [personne("P-1", f"agent@{numero.lower().replace('_', '-')}.example.org", base=base)]
    offices = "".join(
        f"<lieu><identifiant>{name}</identifiant><nom>Relais {name}</nom><communes>"
        + "".join(f"<codeInsee>{c}</codeInsee>" for c in communes) + "</communes>"
        f"<canal>{canaux[name]}</canal></lieu>" for name, communes in lieux.items())
    return (f"<convention><numero>{numero}</numero><version>{version}</version><type>lieu-information</type>"
            f"<dateSignature>{day(signed, base)}</dateSignature>{activation}<dateEffet>{day(effect, base)}</dateEffet>"
            f"{pause}{end}<partenaire><siret>{siret}</siret><nom>Partenaire {numero}</nom><adresse>"
            "<ligne>2 place des Ribandiers</ligne><codePostal>42000</codePostal><commune>Saint-Étienne</commune>"
            f"</adresse></partenaire><personnes>{''.join(people)}</personnes><delaiRetrait>{delai}</delaiRetrait>"
            f"<conservation>6</conservation><cadence>{cadence or '<immediat/>'}</cadence><lieux>{offices}</lieux>"
            "</convention>")


def habilitations(identifiant, *conventions, emetteur="caf-421", base=None):
    contacts = "<contactsCaf><contact><courriel>contact@caf42.example.org</courriel></contact></contactsCaf>\n"
    return envelope("habilitations", identifiant, contacts + "\n".join(conventions),
                    {"nombreConventions": len(conventions)}, emetteur, base)


def open_lieux(site, lieux=None, **more):
    """Lieux that are open today, under one convention."""
    site.deposit(habilitations("HAB-0", convention("CLI_1", lieux or {"rpe-un": ["42218"]}, **more),
                               base=more.get("base")), "caf-421", "hab-0.xml")
    return site


# ---- what came out


def accuse_of(site, file_name, emetteur="monenfant"):
    """The accusé of the flux deposited under that name: (result, code of the whole, codes of its records)."""
    for path in site.accuses(emetteur):
        root = ElementTree.parse(path).getroot()
        if root.findtext(f"{A}flux/{A}nomFichier") == file_name:
            return (root.findtext(f"{A}resultat"), root.findtext(f"{A}motif/{A}code"),
                    [r.findtext(f"{A}code") for r in root.findall(f"{A}refus")])
    raise AssertionError(f"no accusé of {file_name}: {site.accuses(emetteur)}")


def delivered_names(site, lieu):
    return sorted(p.name for p in site.delivered() if p.parts[-4] == lieu and p.name != "manifeste.xml")


def reached(site, reference, emetteur="monenfant"):
    """The lieux at which a demande lies, one entry for each time."""
    return sorted(p.parts[-4] for p in site.delivered() if p.name == f"DI_{emetteur}_{reference}.xml")


def validate(schema, *files):
    done = subprocess.run(["xmllint", "--noout", "--nonet", "--schema", str(ROOT / "xsd" / schema), *map(str, files)],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def assert_remise_is_whole(directory):
    """Manifest valid, and exactly the files it names, each as it says."""
    manifest = directory / "manifeste.xml"
    validate("remise-1.xsd", manifest)
    root = ElementTree.parse(manifest).getroot()
    files = root.findall(f"{R}fichiers/{R}fichier")
    files.append(root.find(f"{R}bordereau"))
    assert {f.findtext(f"{R}nom") for f in files} | {"manifeste.xml"} == {p.name for p in directory.iterdir()}
    for f in files:
        data = (directory / f.findtext(f"{R}nom")).read_bytes()
        assert len(data) == int(f.findtext(f"{R}taille"))
        assert hashlib.sha256(data).hexdigest() == f.findtext(f"{R}sha256")
    assert root.findtext(f"{R}identifiant") == directory.name
    assert root.findtext(f"{R}lieu") == directory.parts[-3]
    assert int(root.findtext(f"{R}nombreDemandes")) * 2 + 1 == len(files)
    return root


def remises(site, lieu="*"):
    return sorted(p for p in site.depot.glob(f"{lieu}/remises/*") if p.is_dir())


def canonical(element):
    """Content that does not depend on prefixes, indentation or line ends."""
    text = (element.text or "").strip() if len(element) else (element.text or "")
    return (element.tag, sorted(element.attrib.items()), text, [canonical(child) for child in element])


def mail_at(path):
    return email.message_from_bytes(path.read_bytes(), policy=email.policy.default)


def words_of(mail, kind="plain"):
    """A body, its unbreakable blanks made plain."""
    return mail.get_body((kind,)).get_content().replace("\u00a0", " ")


def french(date):
    return f"{'1er' if date.day == 1 else date.day} {MONTHS[date.month - 1]} {date.year}"


def rows(site, sql, *values):
    connection = sqlite3.connect(f"file:{site.database}?mode=ro", uri=True)
    try:
        return connection.execute(sql, values).fetchall()
    finally:
        connection.close()


def at(moment):
    """Environment in which the binary believes it is `moment`, a datetime with its zone.

    Files keep their real times: far moments only, lest a deposit look younger than `stable_after` (hence 2031)."""
    library = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
    assert library, "faketime is not installed"
    utc = moment.astimezone(datetime.timezone.utc)
    return {**os.environ, "LD_PRELOAD": library[0], "FAKETIME": utc.strftime("@%Y-%m-%d %H:%M:%S"), "TZ": "UTC",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1", "NO_FAKE_STAT": "1",
            # The sanitizer's runtime does not come first any more; it works all the same.
            "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}


def paris(text):
    return datetime.datetime.fromisoformat(text).replace(tzinfo=PARIS)


def run_at(site, moment, *arguments, code=(0, 1)):
    return site.run("run", *arguments, code=code, env=at(moment))


def dump_of_tables(site, *but):
    """Everything the database holds, but for some tables, as bytes."""
    connection = sqlite3.connect(f"file:{site.database}?mode=ro", uri=True)
    connection.text_factory = bytes
    try:
        out = []
        tables = [r[0].decode() for r in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        assert set(but) <= set(tables)
        for table in sorted(set(tables) - set(but)):
            for row in connection.execute(f"SELECT * FROM {table}"):
                out += [v if isinstance(v, bytes) else str(v).encode() for v in row]
        return b"\0".join(out)
    finally:
        connection.close()


# ---- the demonstration

EXPECTED = {
    "rpe-saint-etienne": {"10001", "10002", "10005", "10012"},
    "rpe-gier": {"10002", "10005", "10010"},
    "rpe-ondaine": {"10006"},
    "rpe-montbrison": {"10003", "10005"},
    "rpe-rambert": {"10003", "10007"},
    "rpe-roannais": {"10004", "10011"},
}


@pytest.fixture(name="demonstration", scope="module")
def the_demonstration(navette, tmp_path_factory):
    site = Site(navette, tmp_path_factory.mktemp("demo") / "site")
    moment = paris("2031-11-23T10:15:00")
    site.deposit(DATA / "demo/habilitations.xml", "caf-421")
    run_at(site, moment)
    site.deposit(DATA / "demo/demandes.xml")
    run_at(site, moment, "--now")
    return site


def test_each_lieu_has_exactly_its_demandes_as_pdf_and_xml(demonstration):
    names = {lieu: {f"DI_monenfant_DI2026-{n}.{e}" for n in numbers for e in ("pdf", "xml")}
             for lieu, numbers in EXPECTED.items()}
    assert {d.name for d in demonstration.depot.iterdir()} == set(EXPECTED)
    for lieu, expected in names.items():
        assert set(delivered_names(demonstration, lieu)) == expected
        assert len(remises(demonstration, lieu)) == 1


def test_manifests_are_valid_and_true(demonstration):
    delays = {"rpe-montbrison": "7", "rpe-rambert": "7", "rpe-roannais": "15"}
    for directory in remises(demonstration):
        root = assert_remise_is_whole(directory)
        assert root.findtext(f"{R}delaiRetrait") == delays.get(directory.parts[-3], "10")


def test_the_xml_delivered_is_the_demande_deposited(demonstration):
    source = {d.findtext(f"{D}reference"): canonical(d)
              for d in ElementTree.parse(DATA / "demo/demandes.xml").getroot().iter(f"{D}demande")}
    files = [p for p in demonstration.delivered() if p.name.startswith("DI_") and p.suffix == ".xml"]
    validate("demandes-1.xsd", *files)
    for path in files:
        root = ElementTree.parse(path).getroot()
        assert canonical(root) == source[root.findtext(f"{D}reference")]


def test_every_pdf_opens_and_holds_its_family_and_reference(demonstration):
    source = {d.findtext(f"{D}reference"): d for d in ElementTree.parse(DATA / "demo/demandes.xml").getroot().iter(f"{D}demande")}
    for path in (p for p in demonstration.delivered() if p.suffix == ".pdf"):
        text = subprocess.run(["pdftotext", "-layout", str(path), "-"], capture_output=True, text=True, check=True).stdout
        reference = path.stem.split("_")[2]
        assert reference in text
        assert source[reference].findtext(f"{D}demandeur/{D}nom") in text


def test_a_demande_for_several_lieux_reaches_each_once_with_the_same_bytes(demonstration):
    assert reached(demonstration, "DI2026-10005") == ["rpe-gier", "rpe-montbrison", "rpe-saint-etienne"]
    for suffix in ("xml", "pdf"):
        copies = list(demonstration.depot.glob(f"*/remises/*/DI_monenfant_DI2026-10005.{suffix}"))
        assert len({c.read_bytes() for c in copies}) == 1


def test_accuses_are_valid_and_say_what_happened(demonstration):
    validate("accuse-1.xsd", *demonstration.accuses(), *demonstration.accuses("caf-421"))
    assert accuse_of(demonstration, "habilitations.xml", "caf-421") == ("accepte", None, [])
    assert accuse_of(demonstration, "demandes.xml") == ("partiel", None, ["NON_ELIGIBLE"])
    root = ElementTree.parse(demonstration.accuses()[0]).getroot()
    assert [e.text for e in root.find(f"{A}compteurs")] == ["13", "12", "0", "1"]
    refus = root.find(f"{A}refus")
    assert refus.findtext(f"{A}reference") == "DI2026-10013"
    lines = (DATA / "demo/demandes.xml").read_text(encoding="utf-8").splitlines()
    at_line = int(refus.findtext(f"{A}ligne")) - 1
    assert "<reference>DI2026-10013<" in "".join(lines[:at_line + 1]), "the line lies in another demande"
    assert refus.findtext(f"{A}chemin").startswith("/demandes/demande[13]")
    assert (demonstration.spool / "rejet/monenfant").is_dir()


def test_notifications_say_how_many_where_and_until_when(demonstration):
    agents = {
        "rpe-saint-etienne": ["helene.perigaud@sem.example.org", "cyrille.ouedraogho@sem.example.org",
                              "anais.szymanski@sem.example.org"],
        "rpe-roannais": ["valerie.rochetaillade@ra.example.org", "mickael.senoret@ra.example.org"],
        "rpe-montbrison": ["jerome.chazalviel@lfa.example.org", "severine.bonnefoy@lfa.example.org"],
    }
    last_day = {"rpe-saint-etienne": "3 décembre 2031", "rpe-roannais": "8 décembre 2031",
                "rpe-montbrison": "30 novembre 2031"}
    mails = {m["Message-ID"].strip("<>").split("@")[0]: m for m in map(mail_at, demonstration.mails())}
    assert set(mails) == {d.name for d in remises(demonstration)}
    for directory in remises(demonstration):
        mail, lieu = mails[directory.name], directory.parts[-3]
        count = len(EXPECTED[lieu])
        plain, html = (words_of(mail, kind) for kind in ("plain", "html"))
        assert mail["Subject"].startswith(f"{count}\u00a0demande{'s' if count > 1 else ''} d’information à retirer")
        assert mail["Date"].datetime == paris("2031-11-23T10:15:00").replace(second=mail["Date"].datetime.second)
        for text in (plain, html):
            assert directory.name in text and "demande" in text
            assert last_day.get(lieu, "") in text
        if lieu in agents:
            assert sorted(a.addr_spec for a in mail["To"].addresses) == sorted(agents[lieu])


def test_notifications_and_accuses_name_no_family(demonstration):
    root = ElementTree.parse(DATA / "demo/demandes.xml").getroot()
    words = set()
    for parent in root.iter():
        if parent.tag in (f"{D}demandeur", f"{D}enfant"):
            words |= {e.text for e in parent if e.tag in (f"{D}nom", f"{D}prenom", f"{D}courriel", f"{D}telephone")}
    words |= {e.text for e in root.iter(f"{D}commentaire")} | {e.text for e in root.iter(f"{D}ligne")}
    # First names that an agent of the habilitations has too.
    words -= {"Hélène", None}
    assert len(words) > 40
    for path in demonstration.mails():
        mail = mail_at(path)
        text = mail["Subject"] + str(mail["To"]) + "".join(mail.get_body((k,)).get_content() for k in ("plain", "html"))
        assert not [w for w in words if re.search(rf"\b{re.escape(w)}\b", text)]
    for path in demonstration.accuses():
        text = path.read_text(encoding="utf-8")
        assert not [w for w in words if re.search(rf"\b{re.escape(w)}\b", text)]


def test_a_demande_nobody_can_receive_waits_visibly(demonstration):
    waiting = demonstration.json("demandes", "list", "--state", "sans-lieu", "--all")
    assert {d["reference"] for d in waiting} >= {"DI2026-10008", "DI2026-10009"}
    done = run_at(demonstration, paris("2031-11-23T10:16:00"), code=1)
    assert "sans-lieu" in done.stdout + done.stderr


def test_the_trace_is_whole_and_its_loss_would_show(demonstration):
    demonstration.run("traces", "verify")
    assert len(demonstration.json("traces", "list", "--all")) > 10
    # A change beside navette: the chain tells.
    before = demonstration.database.read_bytes()
    try:
        connection = sqlite3.connect(demonstration.database)
        connection.execute("DROP TRIGGER trace_sans_modification")
        connection.execute("UPDATE trace SET action = action || 'x' WHERE seq = 3")
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        demonstration.run("traces", "verify", code=(1, 3))
    finally:
        demonstration.database.write_bytes(before)


def test_a_second_pass_changes_nothing(demonstration):
    before = {p: p.read_bytes() for p in [*demonstration.delivered(), *demonstration.mails(), *demonstration.accuses()]}
    run_at(demonstration, paris("2031-11-23T10:20:00"), "--now")
    assert {p: p.read_bytes() for p in [*demonstration.delivered(), *demonstration.mails(),
                                        *demonstration.accuses()]} == before
    assert not list((demonstration.spool / "travail").rglob("*.*"))
    assert not [p for p in (demonstration.spool / "depart").rglob("*") if p.is_file()]


def test_the_activation_of_a_convention_frees_what_waited(demonstration):
    """Last of the demonstration's: changes it (R11)."""
    demonstration.deposit(DATA / "habilitations/ok-activation.xml", "caf-421")
    run_at(demonstration, paris("2031-11-23T11:00:00"))
    assert accuse_of(demonstration, "ok-activation.xml", "caf-421")[0] == "accepte"
    assert delivered_names(demonstration, "rpe-forez-est") == sorted(
        f"DI_monenfant_DI2026-{n}.{e}" for n in ("10008", "10012") for e in ("pdf", "xml"))
    # What another lieu already had does not go there again.
    assert reached(demonstration, "DI2026-10012") == ["rpe-forez-est", "rpe-saint-etienne"]
    waiting = demonstration.json("demandes", "list", "--state", "sans-lieu", "--all")
    assert {d["reference"] for d in waiting} == {"DI2026-10009"}


# ---- rules


def test_a_convention_whose_day_comes_frees_what_waited_without_any_flux(site):
    base = datetime.date(2031, 11, 23)
    open_lieux(site, activated=-5, effect=5, signed=-10, base=base)
    site.deposit(demandes("D1", demande("A1", base=base), base=base))
    run_at(site, paris("2031-11-23T08:00:00"))
    run_at(site, paris("2031-11-27T23:59:30"))
    assert site.delivered() == []
    run_at(site, paris("2031-11-28T00:00:30"))
    assert reached(site, "A1") == ["rpe-un"]


def test_quotidien_waits_for_its_hour_in_paris(site):
    base = datetime.date(2031, 11, 23)
    open_lieux(site, cadence="<quotidien>06:00</quotidien>", base=base)
    site.deposit(demandes("D1", demande("A1", base=base), base=base))
    run_at(site, paris("2031-11-23T07:00:00"))
    run_at(site, paris("2031-11-24T05:59:30"))
    assert site.delivered() == []
    run_at(site, paris("2031-11-24T06:00:10"))
    assert reached(site, "A1") == ["rpe-un"]
    site.deposit(demandes("D2", demande("A2", base=base), base=base), name="d2.xml")
    run_at(site, paris("2031-11-24T09:00:00"), "--now")
    assert reached(site, "A2") == ["rpe-un"]


@pytest.mark.parametrize("moment, delai, last", [
    ("2031-11-23T23:59:20", 10, "3 décembre 2031"),  # Paris still has the 23rd, UTC too
    ("2031-11-24T00:00:20", 10, "4 décembre 2031"),  # Paris has the 24th, UTC still the 23rd
    ("2031-03-27T12:00:00", 5, "1er avril 2031"),    # over the change to summer time
])
def test_the_last_day_is_counted_in_paris(site, moment, delai, last):
    base = datetime.date.fromisoformat(moment[:10])
    open_lieux(site, delai=delai, base=base)
    site.deposit(demandes("D1", demande("A1", base=base), base=base))
    run_at(site, paris(moment))
    mail, = map(mail_at, site.mails())
    assert last in words_of(mail)
    written = [datetime.date.fromisoformat(r[0]) for r in rows(site, "SELECT jour FROM echeance WHERE genre LIKE 'retrait%'")]
    assert [french(d) for d in written] == [last]


def test_an_avenant_between_routing_and_delivery_takes_the_commune_away(site):
    """R1: rights are those of the day of delivery."""
    evening = "<quotidien>06:00</quotidien>"
    base = datetime.date(2031, 11, 23)
    open_lieux(site, {"rpe-un": ["42218", "42207"], "rpe-deux": ["42095"]}, cadence=evening, base=base)
    site.deposit(demandes("D1", demande("A1", base=base), demande("A2", ["42207"], base=base), base=base))
    run_at(site, paris("2031-11-23T08:00:00"))
    assert rows(site, "SELECT count(*) FROM acheminement WHERE etat = 'a-remettre'") == [(2,)]
    avenant = convention("CLI_1", {"rpe-un": ["42207"], "rpe-deux": ["42095", "42218"]}, version=2, signed=-5, effect=1,
                         cadence=evening, base=base)
    site.deposit(habilitations("HAB-1", avenant, base=base), "caf-421", "hab-1.xml")
    run_at(site, paris("2031-11-23T09:00:00"))
    assert accuse_of(site, "hab-1.xml", "caf-421") == ("accepte", None, [])
    run_at(site, paris("2031-11-25T06:30:00"))
    assert reached(site, "A2") == ["rpe-un"]
    run_at(site, paris("2031-11-26T06:30:00"))
    assert reached(site, "A1") == ["rpe-deux"], "goes to the lieu that has the commune now, and to no other"


def test_a_convention_that_ended_receives_nothing(site):
    """R8, with demandes waiting for the next day's remise."""
    base = datetime.date(2031, 11, 23)
    hours = "<quotidien>06:00</quotidien>"
    open_lieux(site, cadence=hours, base=base)
    site.deposit(demandes("D1", demande("A1", base=base), base=base))
    run_at(site, paris("2031-11-23T08:00:00"))
    site.deposit(habilitations("HAB-1", convention("CLI_1", {"rpe-un": ["42218"]}, cadence=hours, ended=0, base=base),
                               base=base), "caf-421", "hab-1.xml")
    run_at(site, paris("2031-11-23T09:00:00"))
    assert accuse_of(site, "hab-1.xml", "caf-421") == ("accepte", None, [])
    run_at(site, paris("2031-11-24T06:30:00"), code=1)
    run_at(site, paris("2031-11-25T06:30:00"), "--now", code=1)
    assert site.delivered() == [] and site.mails() == []
    assert [d["reference"] for d in site.json("demandes", "list", "--state", "sans-lieu")] == ["A1"]


def test_a_suspended_convention_receives_nothing_until_it_is_taken_up(site):
    lieux = {"rpe-un": ["42218"]}
    site.deposit(habilitations("HAB-0", convention("CLI_1", lieux, suspended=0)), "caf-421", "hab-0.xml")
    site.deposit(demandes("D1", demande("A1")))
    site.passes(code=1)
    assert site.delivered() == []
    site.deposit(habilitations("HAB-1", convention("CLI_1", lieux)), "caf-421", "hab-1.xml")
    site.passes()
    assert reached(site, "A1") == ["rpe-un"]


def test_a_convention_signed_but_not_activated_receives_nothing(site):
    open_lieux(site, activated=None)
    site.deposit(demandes("D1", demande("A1")))
    site.passes(code=1)
    assert site.delivered() == []


def test_who_left_is_not_notified(site):
    """R13, without an avenant; the addresses are those of the day of the notification."""
    stays = personne("P-1", "reste@un.example.org")
    open_lieux(site, personnes=[stays, personne("P-2", "part@un.example.org"),
                                personne("P-3", "futur@un.example.org", since=3)])
    site.deposit(demandes("D1", demande("A1")))
    site.passes()
    first, = map(mail_at, site.mails())
    assert sorted(a.addr_spec for a in first["To"].addresses) == ["part@un.example.org", "reste@un.example.org"]
    left = [stays, personne("P-2", "part@un.example.org", until=-1), personne("P-3", "futur@un.example.org", since=3)]
    site.deposit(habilitations("HAB-1", convention("CLI_1", {"rpe-un": ["42218"]}, personnes=left)), "caf-421", "h1.xml")
    site.deposit(demandes("D2", demande("A2")), name="d2.xml")
    site.passes()
    assert accuse_of(site, "h1.xml", "caf-421") == ("accepte", None, [])
    second = max(map(mail_at, site.mails()), key=lambda m: m["Message-ID"])
    assert second["Message-ID"] != first["Message-ID"]
    assert [a.addr_spec for a in second["To"].addresses] == ["reste@un.example.org"]


def test_a_first_load_takes_an_ended_convention_with_its_successor(site):
    """Everything a Caf has, in one flux; later a person leaves the ended convention (R8, R13)."""
    lieux = {"rpe-un": ["42218"]}
    past = {"signed": -800, "effect": -800, "activated": -800, "ended": -181}
    site.deposit(habilitations("HAB-0", convention("CLI_2", lieux), convention("CLI_1", lieux, **past)), "caf-421",
                 "hab-0.xml")
    site.deposit(demandes("D1", demande("A1")))
    site.passes()
    assert accuse_of(site, "hab-0.xml", "caf-421") == ("accepte", None, [])
    assert reached(site, "A1") == ["rpe-un"]
    left = [personne("P-1", "agent@cli-1.example.org", until=-1)]
    site.deposit(habilitations("HAB-1", convention("CLI_1", lieux, personnes=left, **past)), "caf-421", "hab-1.xml")
    site.passes()
    assert accuse_of(site, "hab-1.xml", "caf-421") == ("accepte", None, [])


def test_a_commune_and_its_arrondissements_are_one(site):
    site.configure("[emetteur.caf-131]\nflux = habilitations\ncaf = 131\ndepartements = 13\n")
    site.deposit(habilitations("H", convention("CLI_13", {"rpe-mars": ["13055"]}), emetteur="caf-131"), "caf-131", "h.xml")
    site.deposit(demandes("D1", demande("A1", ["13201"]), demande("A2", ["13055"]), demande("A3", ["13202", "13203"])))
    site.passes()
    for reference in ("A1", "A2", "A3"):
        assert reached(site, reference) == ["rpe-mars"]


def test_the_familys_own_town_does_not_choose_the_lieu(site):
    open_lieux(site, {"rpe-un": ["42218"], "rpe-deux": ["42095"]})
    site.deposit(demandes("D1", demande("A1", ["42095"], ville="Saint-Étienne", codePostal="42000")))
    site.passes()
    assert reached(site, "A1") == ["rpe-deux"]


def test_the_same_flux_again_is_a_doublon_and_harmless(site):
    open_lieux(site)
    flux = demandes("D1", demande("A1"))
    site.deposit(flux, name="un.xml")
    site.passes()
    before = site.delivered()
    site.deposit(flux, name="deux.xml")
    site.passes()
    assert accuse_of(site, "deux.xml")[:2] in {("doublon", None), ("doublon", "DOUBLON")}
    assert site.delivered() == before and len(site.mails()) == 1


def test_the_same_identifier_with_another_content_is_a_conflict(site):
    open_lieux(site)
    site.deposit(demandes("D1", demande("A1")), name="un.xml")
    site.passes()
    site.deposit(demandes("D1", demande("A2")), name="deux.xml")
    site.passes(code=1)
    assert accuse_of(site, "deux.xml") == ("refuse", "CONFLIT", [])
    assert reached(site, "A2") == []


def test_a_reference_again_is_a_doublon_or_a_conflict_of_that_record_only(site):
    open_lieux(site)
    site.deposit(demandes("D1", demande("A1"), demande("A2")), name="un.xml")
    site.passes()
    site.deposit(demandes("D2", demande("A1"), demande("A2", nom="Autre"), demande("A3")), name="deux.xml")
    site.passes()
    result, _, codes = accuse_of(site, "deux.xml")
    assert (result, codes) == ("partiel", ["CONFLIT"])
    root = next(r for r in (ElementTree.parse(p).getroot() for p in site.accuses())
                if r.findtext(f"{A}flux/{A}identifiant") == "D2")
    assert [e.text for e in root.find(f"{A}compteurs")] == ["3", "1", "1", "1"]
    assert [d.findtext(f"{A}reference") for d in root.findall(f"{A}doublon")] == ["A1"]
    for reference in ("A1", "A2", "A3"):
        assert reached(site, reference) == ["rpe-un"]


def test_what_was_refused_may_come_again_corrected(site):
    open_lieux(site)
    site.deposit(demandes("D1", demande("A1"), announced=7), name="faux.xml")
    site.deposit(demandes("D2", demande("A2", debut="2027-02-31"), demande("A3")), name="partiel.xml")
    site.passes(code=1)
    assert accuse_of(site, "faux.xml") == ("refuse", "TOTAUX_FAUX", [])
    assert accuse_of(site, "partiel.xml") == ("partiel", None, ["DATE_INVALIDE"])
    assert reached(site, "A1") == [], "nothing of a flux with wrong totals is routed"
    site.deposit(demandes("D1", demande("A1")), name="juste.xml")
    site.deposit(demandes("D3", demande("A2")), name="corrige.xml")
    site.passes()
    assert accuse_of(site, "juste.xml") == ("accepte", None, [])
    assert accuse_of(site, "corrige.xml") == ("accepte", None, [])
    assert reached(site, "A1") == reached(site, "A2") == reached(site, "A3") == ["rpe-un"]


def test_the_same_reference_from_two_senders_is_two_demandes(site):
    site.configure("[emetteur.autre-site]\nflux = demandes\n")
    open_lieux(site)
    site.deposit(demandes("D1", demande("A1")))
    site.deposit(demandes("D1", demande("A1", nom="Autre"), emetteur="autre-site"), "autre-site")
    site.passes()
    assert reached(site, "A1") == ["rpe-un"] and reached(site, "A1", "autre-site") == ["rpe-un"]


def test_latin_1_comes_out_as_utf_8(site):
    open_lieux(site)
    flux = demandes("D1", demande("A1", nom="Garçonnet-Désormière")).decode()
    site.deposit(flux.replace("UTF-8", "ISO-8859-1").encode("iso-8859-1"))
    site.passes()
    delivered, = site.depot.glob("*/remises/*/DI_monenfant_A1.xml")
    assert "Garçonnet-Désormière".encode() in delivered.read_bytes()


def test_a_remise_that_could_not_leave_does_so_once_the_depot_is_back(site):
    site.configure("")
    site.config.write_text(site.config.read_text(encoding="utf-8").replace("create = yes", "create = no"), encoding="utf-8")
    open_lieux(site)
    site.deposit(demandes("D1", demande("A1")))
    site.passes(code=1)
    assert site.delivered() == [] and site.mails() == []
    stored = {p.name: p.read_bytes() for p in (site.spool / "depart").rglob("*") if p.is_file()}
    assert set(without_cover_sheets(stored)) == {"DI_monenfant_A1.pdf", "DI_monenfant_A1.xml", "manifeste.xml"}
    site.configure()
    held = site.json("remises", "list")
    if held[0].get("state") == "retenue" or any("retenue" in str(v) for v in held[0].values()):
        site.run("remises", "retry", str(rows(site, "SELECT nom FROM remise")[0][0]), code=(0, 1))
    run_at(site, datetime.datetime.now(PARIS) + datetime.timedelta(hours=2))
    assert {p.name: p.read_bytes() for p in site.depot.glob("*/remises/*/*")} == stored, "the bytes stored before the first attempt"
    assert len(site.mails()) == 1


def test_families_data_lie_in_one_table(site):
    open_lieux(site)
    marks = {"nom": "Zqnomfamille", "prenom": "Zqprenom", "ligne": "77 Zqligne", "ville": "Zqville",
             "courriel": "zqcourriel@example.fr", "telephone": "0639981771", "numero": "7771771", "enfant": "Zqenfant",
             "commentaire": "Zqcommentaire"}
    site.deposit(demandes("D1", demande("A1", **marks), demande("A2", ["42999"], **marks), demande("A3", ["42094"], **marks)))
    site.passes()
    everything = dump_of_tables(site)
    elsewhere = dump_of_tables(site, "charge")
    for mark in marks.values():
        assert mark.encode() in everything and mark.encode() not in elsewhere, mark


# ---- an operator holds one demande of a remise that could not leave yet

def test_a_held_demande_is_taken_out_of_the_remise_that_waits(site):
    open_lieux(site)
    site.config.write_text(site.config.read_text(encoding="utf-8").replace("create = yes", "create = no"), encoding="utf-8")
    site.deposit(demandes("D1", demande("A1"), demande("A2")))
    site.passes(code=1)  # no dépôt yet: the remise waits
    first = site.json("remises", "list")[0]
    assert first["etat"] == "prete" and site.delivered() == []
    site.run("demandes", "hold", "A1", "--why", "demande de la Caf")
    for below in ("remises", ".en-cours", "retour"):
        (site.depot / "rpe-un" / below).mkdir(parents=True)
    site.passes(code=1)
    assert reached(site, "A1") == [] and reached(site, "A2") == ["rpe-un"]
    assert site.json("remises", "show", first["remise"])["etat"] == "dissoute"
    site.run("demandes", "release", "A1")
    site.passes(code=0)
    assert reached(site, "A1") == ["rpe-un"]
    assert len(list((site.depot / "rpe-un/remises").iterdir())) == 2
    site.run("traces", "verify")


def test_a_lieu_with_more_than_a_remise_takes_gets_several(site):
    open_lieux(site)
    count = 520
    site.deposit(demandes("D1", *(demande(f"A{n}") for n in range(count))))
    site.passes(code=0)
    sizes = sorted(r["demandes"] for r in site.json("remises", "list"))
    assert sizes == [20, 500]
    assert len([p for p in site.delivered() if p.suffix == ".pdf"]) == count
    assert len(site.mails()) == 2
