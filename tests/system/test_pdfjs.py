"""The PDF as pdf.js reads it (Firefox; Chrome's extensions; many portals): a second opinion beside poppler and ours.

pdfjs-dist is installed by npm from tests/support/pdfjs/package-lock.json, which pins its version and its hash, into
build/pdfjs/. Without node, npm or the registry the tests are skipped; where CI is set a missing tool is a failure.
"""

import base64
import collections
import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
import unicodedata
from xml.etree import ElementTree

import pikepdf
import pytest
from pikepdf import Name

from conftest import DATA, ROOT, Site
from test_golden import content, first
from test_main_job import D, convention, habilitations, demandes
from test_pdf import corpus, lost, plain

sys.path.insert(0, str(ROOT / "tests/support"))
import make_demandes  # noqa: E402
import tag_tree  # noqa: E402

SOURCE, INSTALLED = ROOT / "tests/support/pdfjs", ROOT / "build/pdfjs"


def unavailable(why):
    (pytest.fail if os.environ.get("CI") else pytest.skip)(f"no pdf.js: {why}")


@pytest.fixture(name="pdfjs", scope="session")
def the_reader():
    """Reads PDFs: [path] -> [what read.mjs found]."""
    for tool in ("node", "npm"):
        if not shutil.which(tool):
            unavailable(f"{tool} is missing (tools/install-deps)")
    INSTALLED.mkdir(parents=True, exist_ok=True)
    done = INSTALLED / "installed.json"
    pinned = (SOURCE / "package-lock.json").read_bytes()
    with open(INSTALLED / "lock", "w", encoding="ascii") as lock:  # workers come together
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists() or done.read_bytes() != pinned:
            for name in ("package.json", "package-lock.json"):
                shutil.copy(SOURCE / name, INSTALLED)
            npm = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-timeout=30000",
                                  "--fetch-retries=2"], cwd=INSTALLED,
                                 capture_output=True, text=True, timeout=300, check=False)
            assert not re.search("EINTEGRITY|EUSAGE", npm.stderr), npm.stderr  # not what the lock file says
            if npm.returncode != 0:
                pytest.skip(f"no pdf.js: the registry cannot be reached: {npm.stderr[:300]}")
            done.write_bytes(pinned)

    def read(files):
        module = INSTALLED / "node_modules/pdfjs-dist/legacy/build/pdf.mjs"
        out = subprocess.run(["node", SOURCE / "read.mjs", module, *files], capture_output=True, check=True).stdout
        found = [json.loads(line) for line in out.splitlines()]
        assert [one["file"] for one in found] == [str(file) for file in files]
        assert {one["version"] for one in found} == {json.loads(pinned)["packages"]["node_modules/pdfjs-dist"]["version"]}
        return found
    return read


# ---- what must be found


def leaves(node, roles=()):
    """(types of the elements around it, text) of each piece of content, in the order of reading."""
    if isinstance(node, dict):
        for kid in node["kids"]:
            yield from leaves(kid, (*roles, node["role"]))
    else:
        yield roles, node


def elements(node, role):
    if isinstance(node, dict):
        if node["role"] == role:
            yield node
        for kid in node["kids"]:
            yield from elements(kid, role)


def text_of(node):
    return "".join(text or "" for _, text in leaves(node))


def same(theirs, ours):
    """The same letters. pdf.js turns what runs from right to left: there, in any order."""
    theirs, ours = plain(theirs), plain(ours)
    turned = any(unicodedata.bidirectional(c) in ("R", "AL", "AN") for c in ours)
    return sorted(theirs) == sorted(ours) if turned else theirs == ours


def unlike_ours(found, pdf):
    """Where the structure or the text in it is not what tag_tree.py reads. pdf.js knows no ActualText."""
    ours = collections.defaultdict(list)
    for page, roles, text in tag_tree.walked(tag_tree.leaves, pdf, actual=False):
        ours[page].append((("Root", *roles), text))
    for number, (page, known) in enumerate(zip(found["pages"], (ours[p.obj.objgen] for p in pdf.pages)), 1):
        theirs = list(leaves(page["tree"]))
        if [roles for roles, _ in theirs] != [roles for roles, _ in known]:
            yield f"page {number}: another structure"
            continue
        for (roles, text), (_, expected) in zip(theirs, known):
            if text is None or not same(text, expected):
                yield f"page {number}: {'/'.join(roles)}: {text!r} is not {expected!r}"


def unlike_poppler(found, path):
    """Where the letters of a page are not those that pdftotext finds."""
    pages = subprocess.run(["pdftotext", "-raw", "-enc", "UTF-8", path, "-"], capture_output=True, encoding="utf-8",
                           check=True).stdout.split("\f")[:-1]
    if len(pages) != len(found["pages"]):
        yield f"{len(found['pages'])} pages"
    for number, texts in enumerate(zip((page["text"] for page in found["pages"]), pages), 1):
        # Of a ligature in ActualText (U+FB01) pdf.js finds the letters, of what no font has the �.
        theirs, popplers = (collections.Counter(plain(unicodedata.normalize("NFKC", text))) for text in texts)
        more, less = theirs - popplers, popplers - theirs
        if more.keys() - {"\uFFFD"} or (less and not more):
            yield f"page {number}: {more} more than poppler, {less} less"


def unlike_the_demande(found, xml, name):
    """What the demande says that pdf.js does not find."""
    root = ElementTree.fromstring(xml)
    demandeur, enfants = root.find(D + "demandeur"), root.findall(f"{D}enfants/{D}enfant")
    title = f"Demande d’information {root.findtext(D + 'reference')}"
    civilite = "Mme" if demandeur.findtext(D + "civilite") == "MME" else "M."
    who = f"{civilite}\u00A0{demandeur.findtext(D + 'prenom')} {demandeur.findtext(D + 'nom')}"
    titles = ["Demande d’information", who, "Accueil recherché", "Enfants" if len(enfants) > 1 else "Enfant", "Semaine type",
              "Commentaire de la famille"]
    creneaux = {jour.text for jour in root.iter(D + "jour")}
    days = make_demandes.JOURS[:7 if creneaux & {"samedi", "dimanche"} else 5 if creneaux else 0]
    communes = root.findall(f"{D}communesSouhaitees/{D}codeInsee")
    headers = ["Téléphone", "Courriel", "Adresse", "Caf", "Communes" if len(communes) > 1 else "Commune", "Accueil", "Période",
               "Prénom", "Naissance", "Âge à la demande", "Âge à l’entrée",
               *(enfant.findtext(D + "prenom")
                 or ("prénom non renseigné" if enfant.findtext(D + "dateNaissance") else "enfant à naître") for enfant in enfants),
               *(["Jour", "Horaires", "Durée"] if days else []), *days]
    expected = {"title": title, "language": "fr-FR", "marked": {"Marked": True, "UserProperties": False, "Suspects": False}}
    yield from (f"{key}: {found.get(key)!r}" for key, value in expected.items() if found.get(key) != value)
    attached = {file: base64.b64decode(data) for file, data in found["attachments"].items()}
    if attached != {name: xml}:
        yield f"attached: {attached}"
    claims = {"pdfaid:part": "3", "pdfaid:conformance": "A", "pdfuaid:part": "1", "dc:title": title}
    if not claims.items() <= found["xmp"].items():
        yield f"XMP: {found['xmp']}"
    if found["bookmarks"] != [title, *titles[1:]]:
        yield f"bookmarks: {found['bookmarks']}"
    trees = [page["tree"] for page in found["pages"]]
    text = "\f".join(page["text"] for page in found["pages"])
    if "\uFFFD" in text:
        return  # text that no font has: it must be found by poppler, which reads ActualText (test_pdf.py)
    for kind, words in (("H1", titles[:1]), ("H2", titles[1:]), ("TH", headers)):
        shown = [re.split(r"\s: ", text_of(element))[0] for tree in trees for element in elements(tree, kind)]
        if len(shown) != len(words) or not all(map(same, shown, words)):
            yield f"{kind}: {shown} instead of {words}"
    yield from (f"lost: {value}" for value in lost(root, text))


def faults(found, path):
    """All that is wrong with a delivered PDF, beside which its XML lies."""
    if found["warnings"]:
        return found["warnings"]
    xml = path.with_suffix(".xml")
    with pikepdf.open(path) as pdf:
        return [*unlike_ours(found, pdf), *unlike_poppler(found, path), *unlike_the_demande(found, xml.read_bytes(), xml.name)]


def deliver(site, *fluxes):
    """The PDFs of demandes of the Loire, delivered."""
    site.deposit(habilitations("H-1", convention("CLI2026_00001", {
        "lieu-un": make_demandes.DEFAULT_COMMUNES.split(",")})), "caf-421")
    site.passes()
    for flux in fluxes:
        site.deposit(flux)
    site.passes()
    return [p for p in site.delivered() if p.suffix == ".pdf" and p.name.startswith("DI_")]


@pytest.mark.slow
def test_pdfjs_reads_the_corpus_as_it_was_written(site, pdfjs):
    records = corpus()
    files = deliver(site, demandes("DI-1", *records.values()), ROOT / "data/exemples/demandes.xml")
    assert len(files) == len(records) + 6, site.json("flux", "list")
    found = dict(zip(files, pdfjs(files)))
    wrong = {path.name: told for path, one in found.items() if (told := faults(one, path))}
    assert not wrong, json.dumps(wrong, ensure_ascii=False, indent=1)
    replaced = [path for path, one in found.items() if any("\uFFFD" in page["text"] for page in one["pages"])]
    assert 0 < len(replaced) < 20, "the words of so few are held against ours and poppler's alone"


# ---- all that a stylesheet can say


@pytest.fixture(name="example", scope="module")
def an_example_of_everything(navette, tmp_path_factory):
    path = tmp_path_factory.mktemp("example")
    Site(navette, path).run("render", "--fo", DATA / "exemple.fo", "-o", path / "exemple.pdf")
    return path / "exemple.pdf"


def test_pdfjs_reads_lists_images_and_languages(example, pdfjs):
    [found] = pdfjs([example])
    assert found["warnings"] == []
    with pikepdf.open(example) as pdf:
        assert list(unlike_ours(found, pdf)) == []
    assert list(unlike_poppler(found, example)) == []
    [tree] = [page["tree"] for page in found["pages"]]
    assert [len(list(elements(tree, role))) for role in ("L", "LI", "Lbl", "LBody", "Figure")] == [2, 4, 4, 4, 9]
    source = (DATA / "exemple.fo").read_text(encoding="utf-8")
    assert [figure["alt"] for figure in elements(tree, "Figure")] == re.findall(r'fox:alt-text="([^"]*)"', source)
    assert [span["lang"] for span in elements(tree, "Span")] == ["en", "de"]
    assert [base64.b64decode(data) for data in found["attachments"].values()] == [source.encode()]


def test_words_that_run_from_right_to_left_are_words(navette, pdfjs, tmp_path):
    """And stand in the order in which they are read, for whoever copies or searches."""
    source = (DATA / "exemple.fo").read_text(encoding="utf-8")
    words = "שלום עולם", "نبحث عن مكان"
    (tmp_path / "a.fo").write_text(re.sub(r"(?s)(<fo:flow[^>]*>).*?(</fo:flow>)", lambda m: m[1] + "".join(
        f"<fo:block>{w}</fo:block>" for w in words) + m[2], re.sub(r"(?s)<fo:bookmark-tree.*</fo:bookmark-tree>", "", source)), "utf-8")
    shutil.copytree(DATA / "images", tmp_path / "images")
    Site(navette, tmp_path / "site").run("render", "--fo", tmp_path / "a.fo", "-o", tmp_path / "a.pdf")
    [found] = pdfjs([tmp_path / "a.pdf"])
    text = found["pages"][0]["text"]
    assert [w for line in words for w in line.split() if w not in text] == []
    places = [text.index(w) for line in words for w in line.split()]
    assert places == sorted(places)


# ---- what is wrong is seen


def fonts(pdf):
    return [font for _, font in pdf.pages[0].obj["/Resources"]["/Font"].items()]


def damaged_font(pdf):
    fonts(pdf)[0]["/DescendantFonts"][0]["/FontDescriptor"]["/FontFile2"].write(b"\0\1\0\0" + 200 * b"x")


def unreadable(pdf):
    for font in fonts(pdf):
        font["/ToUnicode"].write(re.sub(rb"<0003> <[0-9A-F]+>", b"<0003> <0021>", font["/ToUnicode"].read_bytes()))


def lost_heading(pdf):
    first(pdf, "H2")["/S"] = Name.P


def other_order(pdf):
    rows = first(pdf, "TBody")["/K"]
    rows[0], rows[1] = rows[1], rows[0]


def no_title(pdf):
    del pdf.trailer["/Info"]["/Title"]


def other_language(pdf):
    pdf.Root["/Lang"] = pikepdf.String("en")


def other_attachment(pdf):
    [name] = pdf.attachments
    file = pdf.attachments[name].obj["/EF"]["/F"]
    file.write(file.read_bytes().replace(b"MME", b"M"))


def no_bookmark(pdf):
    del pdf.Root["/Outlines"]


DAMAGE = {
    "damaged font": (damaged_font, "Warning: "), "unknown operator": (content(rb"\A", b"wrong\n"), "Warning: "),
    "unreadable letter": (unreadable, "lost: "), "lost heading": (lost_heading, "H2: "), "other order": (other_order, "TH: "),
    "text outside the tags": (content(rb"/H1<</MCID 0>>BDC", b"/Artifact BMC"), "page 1: Root/Document/H1: "),
    "lost text": (content(rb"\[\([^)]+", b"[("), "H1: "), "no title": (no_title, "title: "),
    "other language": (other_language, "language: "), "other attachment": (other_attachment, "attached: "),
    "no bookmarks": (no_bookmark, "bookmarks: "),
}


@pytest.fixture(name="ordinary", scope="module")
def an_ordinary_demande(navette, tmp_path_factory):
    files = deliver(Site(navette, tmp_path_factory.mktemp("ordinary")), ROOT / "data/exemples/demandes.xml")
    return next(path for path in files if "DI2026-20001" in path.name)


@pytest.mark.parametrize("what", DAMAGE)
def test_what_is_wrong_is_told(ordinary, pdfjs, tmp_path, what):
    damage, told = DAMAGE[what]
    with pikepdf.open(ordinary) as pdf:
        damage(pdf)
        pdf.save(tmp_path / ordinary.name)
    shutil.copy(ordinary.with_suffix(".xml"), tmp_path)
    [found] = pdfjs([tmp_path / ordinary.name])
    assert any(line.startswith(told) for line in faults(found, tmp_path / ordinary.name))
