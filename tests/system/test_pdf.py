"""The PDF as others read it: PDF/A-3a and PDF/UA-1 by tests/support/check_pdf.py, and not a word lost, over two hundred
demandes as different as the schema lets them be, and over a document of all that a stylesheet can say. The checker
itself is held against that one, damaged.
"""

import collections
import concurrent.futures
import io
import re
import subprocess
import sys
import unicodedata
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import pikepdf
import pytest
from pikepdf import Name

from conftest import DATA, ROOT, Site
from test_main_job import D, MONTHS, convention, demandes, habilitations

sys.path.insert(0, str(ROOT / "tests/support"))
import check_pdf  # noqa: E402
import make_demandes  # noqa: E402
from varied_demandes import COUNT, corpus  # noqa: E402

# ---- what an agent must find on the page


def plain(text):
    """Without blanks and what draws nothing: how lines are broken and what turns them is not text."""
    text = unicodedata.normalize("NFC", text)
    return "".join(c for c in text if not (c.isspace() or unicodedata.category(c) == "Cf" or "\uFE00" <= c <= "\uFE0F"))


def long_date(iso):
    year, month, day = iso.split("-")
    return f"{int(day)}{'er' if day == '01' else ''} {MONTHS[int(month) - 1]} {year}"


def short_hour(text):
    hour, minutes = text.split(":")
    return f"{int(hour)} h" + (f" {minutes}" if minutes != "00" else "")


def minutes(text):
    return int(text[:2]) * 60 + int(text[3:])


def covered(slots):
    """Minutes of a day's slots, what two of them have in common once."""
    return len({m for begin, end in slots for m in range(minutes(begin), minutes(end))})


def duration(count):
    if count < 60:
        return f"{count} min"
    return f"{count // 60} h" + (f" {count % 60:02}" if count % 60 else "")


def age(born, day, about=""):
    """In whole months."""
    (year, month, date), (year_then, month_then, date_then) = (map(int, iso.split("-")) for iso in (born, day))
    months = (year_then - year) * 12 + month_then - month - (date_then < date)
    if months <= 0:
        return "à naître" if months else "moins d’un mois"
    years, rest = divmod(months, 12)
    return about + " et ".join([f"{years} an{'s' * (years > 1)}"] * (years > 0) + [f"{rest} mois"] * (rest > 0))


DAYS = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")
MODES = {"creche-collective": "crèche collective", "assistante-maternelle": "assistante maternelle", "garde-domicile": "garde à domicile"}
COMMUNES = make_demandes.name_of_communes()


def days(root):
    """A line for each day of the week table, and the heading of it."""
    week = {day: [] for day in DAYS}
    for slot in root.iter(D + "creneau"):
        week[slot.findtext(D + "jour")].append((slot.findtext(D + "heureDebut"), slot.findtext(D + "heureFin")))
    if not any(week.values()):
        yield "Semaine type Jours et horaires non renseignés."
        return
    count = sum(map(bool, week.values()))
    yield f"Semaine type : {count} jour{'s' * (count > 1)}, {duration(sum(map(covered, week.values())))}"
    for day, slots in week.items():
        if slots:
            spans = ", ".join(f"{short_hour(begin)} à {short_hour(end)}" for begin, end in sorted(slots))
            yield f"{day} {spans} {duration(covered(slots))}"
        elif day in DAYS[:5] or week["samedi"] or week["dimanche"]:
            yield f"{day} pas d’accueil –"


def values(root):
    """What the page says of a demande, each with what it is said to be."""
    def get(path):
        return root.findtext("/".join(D + step for step in path.split("/")))

    def each(name):
        return [element.text or "" for element in root.iter(D + name)]

    yield f"référence {get('reference')} · déposée le {long_date(get('dateDemande'))}"
    yield f"{'Mme' if get('demandeur/civilite') == 'MME' else 'M.'} {get('demandeur/prenom')} {get('demandeur/nom')}"
    yield f"Téléphone {get('demandeur/telephone') or 'non renseigné'}"
    yield f"Courriel {get('demandeur/courriel') or 'non renseigné'}"
    yield f"Adresse {', '.join(each('ligne'))}, {get('demandeur/adresse/codePostal')} {get('demandeur/adresse/commune')}"
    number = get("demandeur/allocataire/numeroAllocataire")
    yield f"Caf allocataire n° {number}" if number else "Caf non allocataire"
    wanted = each("codeInsee")
    yield f"Commune{'s' * (len(wanted) > 1)} {', '.join(f'{COMMUNES[code]} (Insee {code})' for code in wanted)}"
    yield f"Accueil {', à défaut '.join(MODES[mode] for mode in each('modeAccueil'))}"
    begin, end = get("periode/dateDebut"), get("periode/dateFin")
    yield f"Période du {long_date(begin)} au {long_date(end)}" if end else f"Période à partir du {long_date(begin)} (fin non renseignée)"
    for child in root.iter(D + "enfant"):
        born, due = child.findtext(D + "dateNaissance"), child.findtext(D + "dateNaissancePrevue")
        name = child.findtext(D + "prenom") or ("enfant à naître" if due else "prénom non renseigné")
        asked, begins = get("dateDemande"), max(get("dateDemande"), begin)
        ages = f"{age(born, asked)} {age(born, begins)}" if born else f"à naître {age(due, begins, 'environ ')}"
        yield f"{name} {'le' if born else 'prévue le'} {long_date(born or due)} {ages}"
    yield from days(root)
    yield f"Commentaire de la famille {(get('commentaire') or '')}"
    yield f"donné son accord le {long_date(get('consentement/dateConsentement'))}"


def moved_day(root):
    """A slot on the day after its own."""
    day = next(root.iter(D + "jour"), None)
    if day is not None:
        day.text = DAYS[(DAYS.index(day.text) + 1) % 7]


def other_hour(root):
    """A slot that begins at 8 h begins at 18 h, or two hours sooner."""
    begin = next(root.iter(D + "heureDebut"), None)
    if begin is not None:
        begin.text = "18" + begin.text[2:] if begin.text[:2] == "08" else f"{(int(begin.text[:2]) - 2) % 24:02}{begin.text[2:]}"


def other_order(root):
    """The mode wanted most is wanted least."""
    modes = root.find(D + "modesAccueil")
    if len(modes) > 1:
        modes.append(modes[0])
        del modes[0]


def other_civility(root):
    civility = root.find(f"{D}demandeur/{D}civilite")
    civility.text = "M" if civility.text == "MME" else "MME"


def exchanged_names(root):
    first, last = (root.find(f"{D}demandeur/{D}{name}") for name in ("prenom", "nom"))
    first.text, last.text = last.text, first.text


CHANGES = (moved_day, other_hour, other_order, other_civility, exchanged_names)


def unseen(xml, text):
    """Changes of a demande after which the text of its PDF still seems to say all of it."""
    for change in CHANGES:
        root = ElementTree.fromstring(xml)
        change(root)
        if ElementTree.tostring(root) != ElementTree.tostring(ElementTree.fromstring(xml)) and not lost(root, text):
            yield change.__name__


def lost(root, text):
    """Values that are not in the text of the PDF (pdftotext, page by page)."""
    reference = root.findtext(D + "reference")
    footer = re.compile(f"Demande{reference},transmiseparmonenfant|Donnéespersonnelles:.*?lafamille\\.|page\\d+/\\d+")
    shown = "".join(footer.sub("", plain(page)) for page in text.split("\f"))
    letters = collections.Counter(shown)
    missing = []
    for value in map(plain, values(root)):
        # No number is the beginning of another.
        if re.search(re.escape(value) + r"(?!\d)", shown):
            continue
        # Right-to-left words come in the order of the page, marks in the order of the font: all must be there.
        complex_ = any(unicodedata.bidirectional(c) in ("R", "AL", "AN") or unicodedata.combining(c) or ord(c) > 0x2FFF
                       for c in value)
        if not complex_ or collections.Counter(value) - letters:
            missing.append(value[:80])
    return missing


def verdict(task):
    """(reference, what is wrong) of one PDF."""
    reference, xml, path = task
    text = subprocess.run(["pdftotext", "-raw", "-enc", "UTF-8", path, "-"], capture_output=True, text=True, encoding="utf-8",
                          check=True).stdout
    wrong = [f"{rule}: {what}" for rule, what in check_pdf.check(path.read_bytes())]
    wrong += [f"lost: {value}" for value in lost(ElementTree.fromstring(xml), text)]
    return reference, wrong + [f"not noticed: {change}" for change in unseen(xml, text)]


@pytest.mark.slow
def test_two_hundred_documents_conform_and_lose_no_text(navette, tmp_path_factory):
    with concurrent.futures.ThreadPoolExecutor(2) as two:
        sites = []
        for place in ("one", "two"):
            site = Site(navette, tmp_path_factory.mktemp(place))
            site.deposit(habilitations("H-1", convention("CLI2026_00001", {
                "lieu-un": make_demandes.DEFAULT_COMMUNES.split(",")})), "caf-421")
            sites.append(site)
        records = corpus()
        for site in sites:
            site.passes()
            site.deposit(demandes("DI-1", *records.values()))
        list(two.map(Site.passes, sites))
        delivered, again = ({p.name: p for p in site.delivered() if p.suffix == ".pdf"} for site in sites)
        assert len(delivered) == COUNT, sites[0].json("flux", "list")
        assert [n for n, p in delivered.items() if again[n].read_bytes() != p.read_bytes()] == []
        name = "DI_monenfant_{}.pdf".format
        verdicts = two.map(verdict, ((r, x, delivered[name(r)]) for r, x in records.items()))
        assert {reference: wrong for reference, wrong in verdicts if wrong} == {}
        # Every other one is as families write: few of them need a second page.
        assert sum(pages_of(delivered[name(r)]) == 1 for r in sorted(records)[1::2]) >= COUNT // 2 - 5
        assert [faint for r in records for faint in faint_text(delivered[name(r)])] == []
    assert all(len(lost(ElementTree.fromstring(x), "")) > 10 for x in records.values()), "nothing would be missed"
    reference = sorted(records)[16]
    out = tmp_path_factory.mktemp("render") / "out.pdf"
    sites[0].run("render", delivered[name(reference)].with_suffix(".xml"), "-o", out)
    assert out.read_bytes() == delivered[name(reference)].read_bytes()


def test_the_xml_attached_is_the_one_delivered_whatever_it_holds(site):
    record = next(iter(corpus().values()))
    record = re.sub(r"(?s)(?:<commentaire>.*</commentaire>\s*)?(<consentement>)", r'<commentaire>"«»\'</commentaire>\1', record)
    site.deposit(habilitations("H-1", convention("CLI2026_00001", {
        "lieu-un": make_demandes.DEFAULT_COMMUNES.split(",")})), "caf-421")
    site.passes()
    site.deposit(demandes("DI-1", record))
    site.passes()
    path = next(p for p in site.delivered() if p.name.startswith("DI_") and p.suffix == ".pdf")
    with pikepdf.open(path) as pdf:
        [attached] = [pdf.attachments[name].get_file().read_bytes() for name in pdf.attachments]
    assert attached == path.with_suffix(".xml").read_bytes()


def pages_of(path):
    with pikepdf.open(path) as pdf:
        return len(pdf.pages)


def luminance(colour):
    """Relative luminance (WCAG 2.1)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def faint_text(source):
    """(page, colour, background) of text whose contrast is less than 4.5 to 1 (WCAG 2.1, AA), or that is not grey: on a
    black-and-white print the same must be read."""
    faint = set()
    with pikepdf.open(source) as pdf:
        for number, page in enumerate(pdf.pages, 1):
            colour, painted, box, pen = (0, 0, 0), [((1, 1, 1), (0, 0, 10000, 10000))], None, (0, 0)
            for operands, operator in pikepdf.parse_content_stream(page):
                values, name = operands, str(operator)
                if name in ("g", "rg"):
                    colour = tuple(map(float, values)) * (3 if name == "g" else 1)
                elif name == "re":
                    box = tuple(map(float, values))
                elif name == "f":
                    painted.append((colour, box))
                elif name == "BT":
                    pen = (0, 0)
                elif name == "Td":
                    pen = (pen[0] + float(values[0]), pen[1] + float(values[1]))
                elif name == "TJ":
                    below = [c for c, (x, y, width, height) in painted if x <= pen[0] <= x + width and y <= pen[1] <= y + height][-1]
                    light, dark = sorted((luminance(colour), luminance(below)), reverse=True)
                    if (light + 0.05) / (dark + 0.05) < 4.5 or len(set(colour)) > 1:
                        faint.add((number, colour, below))
    return sorted(faint)


@pytest.mark.parametrize("old, new", [(b"0.349 g", b"0.5 g"), (b"0.941 g", b"0.6 g"), (b"0.349 g", b"0.6 0 0 rg")])
def test_faint_text_would_be_seen(navette, tmp_path, old, new):
    site, out = Site(navette, tmp_path), tmp_path / "out.pdf"
    site.run("render", ROOT / "data/exemples/demandes.xml", "-o", out)
    assert faint_text(out) == []
    with pikepdf.open(out, allow_overwriting_input=True) as pdf:
        content(pdf, re.escape(old), new)
        pdf.save(out)
    assert len(faint_text(out)) == 1


# ---- all that a stylesheet can say


@pytest.fixture(name="document", scope="module")
def a_document(navette, tmp_path_factory):
    site = Site(navette, tmp_path_factory.mktemp("document"))
    out = site.path / "out.pdf"
    site.run("render", "--fo", DATA / "exemple.fo", "-o", out)
    return out.read_bytes()


def elements(pdf, role):
    """The elements of that role, in the order of reading."""
    found, todo = [], [pdf.Root["/StructTreeRoot"]["/K"]]
    while todo:
        element = todo.pop(0)
        if isinstance(element, pikepdf.Dictionary) and "/S" in element:
            if element["/S"] == Name("/" + role):
                found.append(element)
            kids = element.get("/K", [])
            todo = (list(kids) if isinstance(kids, pikepdf.Array) else []) + todo
    return found


def test_an_example_of_everything_conforms_and_its_text_is_read(document, tmp_path):
    (tmp_path / "a.pdf").write_bytes(document)
    assert check_pdf.check(document) == []
    text = plain(subprocess.run(["pdftotext", "-raw", tmp_path / "a.pdf", "-"], capture_output=True, text=True, check=True).stdout)
    flow = ElementTree.parse(DATA / "exemple.fo").getroot().find(".//{http://www.w3.org/1999/XSL/Format}flow")
    read = plain("".join(flow.itertext()))
    assert len(read) > 500 and read in text
    with pikepdf.open(io.BytesIO(document)) as pdf:
        assert [len(elements(pdf, role)) for role in ("L", "LI", "Lbl", "LBody", "Figure")] == [2, 4, 4, 4, 9]


def test_a_deep_tree_conforms(navette, tmp_path):
    around = "<fo:table><fo:table-column/><fo:table-body><fo:table-row><fo:table-cell>", "</fo:table-cell></fo:table-row></fo:table-body></fo:table>"
    flow = around[0] * 40 + "<fo:block>DEDANS</fo:block>" + around[1] * 40
    (tmp_path / "a.fo").write_text(PAGE.replace("<fo:block text-align", flow + "<fo:block text-align").format("fin"), encoding="utf-8")
    Site(navette, tmp_path).run("render", "--fo", tmp_path / "a.fo", "-o", tmp_path / "a.pdf")
    assert check_pdf.check((tmp_path / "a.pdf").read_bytes()) == []


# Grey and colour values, 0 to 255, at the middle of a pixel of an image.
PIXELS = {
    "du rouge au bleu": {(4, 0): (255, 0, 0), (4, 7): (45, 0, 210)},
    "plan des abords de la gare": {(0, 0): (0, 80, 160), (8, 0): (255, 255, 255)},
    "dégradé de gris": {(0, 0): (8, 8, 8), (8, 3): (136, 136, 136), (15, 7): (248, 248, 248)},
    "rouge de plus en plus opaque": {(0, 0): (255, 255, 255), (8, 0): (227, 127, 127), (15, 7): (203, 15, 15)},
    "du noir au blanc": {(0, 0): (0, 0, 0), (8, 3): (128, 128, 128), (15, 7): (240, 240, 240)},
    "photo": {(4, 0): (197, 60, 41), (15, 7): (255, 254, 255)},
    "photo, progressive": {(4, 0): (197, 60, 41), (15, 7): (255, 254, 255)},
}


def test_images_stand_where_their_figures_say_and_show_what_is_in_the_files(document, tmp_path):
    (tmp_path / "a.pdf").write_bytes(document)
    scale = 4  # pixels a point
    ppm = subprocess.run(["pdftoppm", "-r", str(72 * scale), tmp_path / "a.pdf"], capture_output=True, check=True).stdout
    header = re.match(rb"P6\n(\d+) (\d+)\n255\n", ppm)
    width, height = int(header[1]), int(header[2])
    with pikepdf.open(io.BytesIO(document)) as pdf:
        figures = {str(f["/Alt"]): [float(n) for n in f["/A"]["/BBox"]] for f in elements(pdf, "Figure")}
    assert set(figures) == {*PIXELS, "oui", "non"}  # boxes to tick, which are drawn
    for alt, (left, bottom, right, top) in figures.items():
        if alt not in PIXELS:
            continue
        assert (right - left) / (top - bottom) == pytest.approx(2, rel=0.01), "drawn undistorted"
        for (column, row), colour in PIXELS[alt].items():
            x = int(scale * (left + (column + 0.5) / 16 * (right - left)))
            y = int(height - scale * (top - (row + 0.5) / 8 * (top - bottom)))
            at = header.end() + 3 * (width * y + x)
            assert tuple(ppm[at:at + 3]) == pytest.approx(colour, abs=10), (alt, column, row)


# ---- text that wants out

EXTREMES = {
    "families of emoji": "👨‍👩‍👧‍👦" * 300,
    "half a flag": "🇫🇷" * 999 + "🇫",
    "Arabic without a space": "شسيبلا" * 600,
    "Chinese": "我们正在寻找托儿所的名额" * 300,
    "Hindi": "हिन्दी में लिखा हुआ संदेश " * 30,
    "Hebrew in brackets": "(אב" * 1000,
    "one grapheme of Hangul": "\u1100" * 2000,
    "one grapheme of number signs": "\u0600" * 2000 + "1",
    "one grapheme of spacing marks": "क" + "ा" * 2000,
    "one grapheme of Lao": "\u0E81" + "\u0EB3" * 1500,
    "marks": "".join(c + "\u0351\u036B\u0313\u0300\u0323\u0330\u0489" for c in "Zalgo est la " * 40),
    "marks through joiners": "q" + "\u0321\u200D" * 1000 + "r",
    "marks alone": "\u0300" * 1000,
    "a mark a line": "\u0489\n" * 100,
    "circles": "i\u20DD\u0489 " * 300,
    "direction": "\u202E\u2066\u202A" * 600 + "abc",
    "wide": "W" * 2000 + "\uFDFD" * 400 + "\u2E3B" * 400 + "\U0001242B" * 100,
    "high": "⎲⎳∫⌠⌡⎮Ǻ\u0302\u0303Ấ" * 100,
    "no-break spaces": "a" + "\u00A0" * 3998 + "b",
    "spaces": "a" + " " * 3998 + "b",
    "ideographic spaces": "a" + "\u3000" * 3998 + "b",
    "tabulations": "a" + "\t" * 3998 + "b",
    "controls": "".join(map(chr, range(0x7F, 0xA0))) * 20 + "fin",
    "private": "".join(map(chr, range(0xE000, 0xE800))),
    "tags": "a" + "".join(map(chr, range(0xE0020, 0xE007F))) * 20 + "b",
    "selectors": "a" + "\uFE0F" * 2000 + "b",
    "ignorable": "a" + "\u200B\u200D\u2060\uFEFF\u00AD\u180E\u115F\u3164\uFFA0" * 300 + "b",
    "what stands for objects": "\uFFF9a\uFFFAb\uFFFB\uFFFC" * 200,
    "all of the first planes": "".join(map(chr, range(0xA1, 0x3000, 3))),
    "presentation forms": "".join(map(chr, range(0xF900, 0xFDD0))),
    "mathematics": "".join(map(chr, range(0x1D400, 0x1D800))),
}
PAGE = """<fo:root xmlns:fo="http://www.w3.org/1999/XSL/Format" font-size="10pt" xml:lang="fr"><fo:layout-master-set>
<fo:simple-page-master master-name="p" page-width="100mm" page-height="140mm" margin="20mm"><fo:region-body/>
</fo:simple-page-master></fo:layout-master-set><fo:declarations><x:xmpmeta xmlns:x="adobe:ns:meta/"><RDF><Description>
<title>Essai</title></Description></RDF></x:xmpmeta></fo:declarations><fo:page-sequence master-reference="p">
<fo:flow flow-name="xsl-region-body"><fo:block text-align="justify" linefeed-treatment="preserve"
white-space-collapse="false" white-space-treatment="preserve">{}</fo:block></fo:flow></fo:page-sequence></fo:root>"""


def ink(path):
    """Left, top, right, bottom, in points, of what is not white on any page; and the pages' width and height."""
    data = subprocess.run(["pdftoppm", "-gray", "-r", "72", path], capture_output=True, check=True).stdout
    boxes, at, width, height = [], 0, 0, 0
    while at < len(data):
        header = re.compile(rb"P5\n(\d+) (\d+)\n255\n").match(data, at)
        width, height = int(header[1]), int(header[2])
        for y in range(height):
            row = data[header.end() + y * width:header.end() + (y + 1) * width]
            if row.strip(b"\xff"):
                boxes.append((width - len(row.lstrip(b"\xff")), y, len(row.rstrip(b"\xff")), y + 1))
        at = header.end() + width * height
    return [edge(box[i] for box in boxes) for i, edge in enumerate((min, min, max, max))] + [width, height]


@pytest.mark.parametrize("text", EXTREMES.values(), ids=EXTREMES)
def test_extreme_text_stays_in_its_box_and_is_read_or_counted(navette, tmp_path, text):
    site, fo, pdf = Site(navette, tmp_path), tmp_path / "a.fo", tmp_path / "a.pdf"
    fo.write_text(PAGE.format(escape(text)), encoding="utf-8")
    result = site.json("render", "--fo", fo, "-o", pdf)
    assert check_pdf.check(pdf.read_bytes()) == []
    shown = subprocess.run(["pdftotext", "-raw", "-enc", "UTF-8", pdf, "-"], capture_output=True, encoding="utf-8", check=True).stdout
    written, read = collections.Counter(plain(text)), collections.Counter(plain(shown))
    # Nothing else is missing than what src/render/clean_text.h replaces, and each time a sign stands for it.
    missing, instead = written - read, read - written
    assert {unicodedata.category(c) for c in missing} <= {"Mn", "Mc", "Me", "Cc", "Cn"}
    controls = sum(count for c, count in missing.items() if unicodedata.category(c) in ("Cc", "Cn"))
    invisible = "\u034F\u17B4\u17B5\u180B\u180C\u180D"  # marks that show nothing; Arabic's format characters do
    visible = [unicodedata.category(c) for c in unicodedata.normalize("NFC", text)
               if c.isspace() or "\u0600" <= c <= "\u08E2" or plain(c) and c not in invisible]
    piles = re.findall("MMMM+", "".join("M" if category in ("Mn", "Me") else "x" for category in visible))
    assert instead == +collections.Counter({"\uFFFD": controls + len(piles)})
    assert result["caracteres_remplaces"] >= instead.total()
    margin, overhang = 20 * 72 / 25.4, 4  # marks and swashes, a third of the font's size, and a pixel
    left, top, right, bottom, width, height = ink(pdf)
    assert left >= margin - overhang and right <= width - margin + overhang
    assert top >= margin - overhang and bottom <= height - margin + overhang


# ---- the checker sees what is wrong


def content(pdf, old, new):
    """The first page's content with its first `old` replaced."""
    stream = pdf.pages[0].obj["/Contents"]
    data = stream.read_bytes()
    assert re.search(old, data)
    stream.write(re.sub(old, new, data, count=1))


def first(pdf, role):
    return elements(pdf, role)[0]


def font(pdf):
    return next(iter(pdf.pages[0].obj["/Resources"]["/Font"].items()))[1]


def metadata(pdf, old, new):
    stream = pdf.Root["/Metadata"]
    data = stream.read_bytes()
    assert re.search(old, data, re.S)
    stream.write(re.sub(old, new, data, flags=re.S))


def untagged(pdf):
    del pdf.Root["/StructTreeRoot"]


def no_relationship(pdf):
    del pdf.Root["/AF"][0]["/AFRelationship"]


def forgotten_attachment(pdf):
    del pdf.Root["/AF"]


def cid_set(pdf):
    font(pdf)["/DescendantFonts"][0]["/FontDescriptor"]["/CIDSet"] = pdf.make_stream(b"\xff")


def wrong_parent(pdf):
    array = pdf.Root["/StructTreeRoot"]["/ParentTree"]["/Nums"][1]
    array[0], array[1] = array[1], array[0]


def swapped(pdf):
    kids = first(pdf, "Document")["/K"]
    kids[0], kids[1] = kids[1], kids[0]


def delayed(pdf):
    """What stands within another inline is read after all of that."""
    kids = first(pdf, "Code")["/P"]["/K"]
    assert kids[1]["/S"] == Name.Code
    kids.append(kids[1])
    del kids[1]


def unreadable(pdf):
    stream = font(pdf)["/ToUnicode"]
    stream.write(re.sub(rb"<0001> <[0-9A-F]+>", b"<0001> <FEFF>", stream.read_bytes(), count=1))


def wide(pdf):
    widths = font(pdf)["/DescendantFonts"][0]["/W"][1]
    widths[1] = int(widths[1]) + 3


def no_scope(pdf):
    del first(pdf, "TH")["/A"]


def skipped_heading(pdf):
    first(pdf, "H2")["/S"] = Name.H3


def odd_row(pdf):
    kids = first(pdf, "TR")["/K"]
    kids[0]["/A"]["/ColSpan"] = 2


def misplaced(pdf):
    first(pdf, "TBody")["/S"] = Name.Sect


def lost_parent(pdf):
    first(pdf, "H1")["/P"] = first(pdf, "H2")


def no_intent(pdf):
    del pdf.Root["/OutputIntents"]


def dead_bookmark(pdf):
    pdf.Root["/Outlines"]["/First"]["/Dest"] = pikepdf.Array([pdf.Root])


def no_alternate(pdf):
    del first(pdf, "Figure")["/Alt"]


def blank_alternate(pdf):
    first(pdf, "Figure")["/Alt"] = pikepdf.String("\u00a0 ")


def no_box(pdf):
    del first(pdf, "Figure")["/A"]


def box_off_the_page(pdf):
    first(pdf, "Figure")["/A"]["/BBox"][2] = 2000


def image(pdf):
    """The one that has a mask."""
    return next(i for _, i in pdf.pages[0].obj["/Resources"]["/XObject"].items() if "/SMask" in i)


def smoothed(pdf):
    image(pdf)["/Interpolate"] = True


def coloured_mask(pdf):
    image(pdf)["/SMask"]["/ColorSpace"] = Name.DeviceRGB


def four_colours(pdf):
    image(pdf)["/ColorSpace"] = Name.DeviceCMYK


def letters_in_a_drawing(pdf):
    drawing = next(i for _, i in pdf.pages[0].obj["/Resources"]["/XObject"].items() if i["/Subtype"] == Name.Form)
    drawing.write(drawing.read_bytes() + b" BT (x) Tj ET")


def action(pdf):
    pdf.Root["/OpenAction"] = pikepdf.Dictionary(S=Name.JavaScript, JS=pikepdf.String("app.alert(1)"))


def poster(pdf):
    pdf.pages[0].obj["/MediaBox"] = [0, 0, 14401, 842]


def blank_title(pdf):
    metadata(pdf, b"(<dc:title>.*?<rdf:li[^>]*>)[^<]*", rb"\1 ")
    pdf.trailer["/Info"]["/Title"] = pikepdf.String(" ")


def no_lang(pdf):
    pdf.Root["/Lang"] = pikepdf.String("")


def not_marked(pdf):
    del pdf.Root["/MarkInfo"]


def no_tabs(pdf):
    del pdf.pages[0].obj["/Tabs"]


def no_title(pdf):
    del pdf.Root["/ViewerPreferences"]


def other_field(pdf):
    pdf.Root["/AcroForm"] = pikepdf.Dictionary(Fields=[pdf.make_indirect(pikepdf.Dictionary(FT=Name.Tx, T=pikepdf.String("nom")))])


def note(pdf):
    pdf.pages[0].obj["/Annots"] = [pdf.make_indirect(pikepdf.Dictionary(
        Type=Name.Annot, Subtype=Name.Text, Rect=[0, 0, 9, 9], Contents=pikepdf.String("à revoir")))]


DAMAGE = [
    ("structure", untagged), ("structure", lost_parent), ("attachment", no_relationship), ("attachment", forgotten_attachment),
    ("cidset", cid_set), ("parent-tree", wrong_parent), ("to-unicode", unreadable), ("widths", wide), ("scope", no_scope),
    ("reading-order", swapped), ("reading-order", delayed),
    ("headings", skipped_heading), ("regular", odd_row), ("containment", misplaced), ("output-intent", no_intent),
    ("outline", dead_bookmark), ("alternate", no_alternate), ("alternate", blank_alternate), ("figure-box", no_box), ("figure-box", box_off_the_page),
    ("image", smoothed), ("image", coloured_mask), ("image", four_colours), ("image", letters_in_a_drawing),
    ("actions", action), ("lang", no_lang), ("mark-info", not_marked),
    ("tabs", no_tabs), ("title", no_title), ("title", blank_title), ("page-size", poster), ("signature", other_field), ("signature", note),
    ("xmp-pdfa", lambda pdf: metadata(pdf, b"<pdfaid:part>3", b"<pdfaid:part>2")),
    ("xmp-pdfua", lambda pdf: metadata(pdf, b"<pdfuaid:part>1", b"<pdfuaid:part>2")),
    ("xmp-extension-schema", lambda pdf: metadata(pdf, b"<pdfaExtension:schemas>.*</pdfaExtension:schemas>", b"")),
    ("notdef", lambda pdf: content(pdf, rb"\[\(.(\\.|.)", b"[(\0\0")),
    ("marked", lambda pdf: content(pdf, rb"\A", b"0 0 5 5 re f\n")),
    ("marked", lambda pdf: content(pdf, rb"\A", b"/Artifact BMC\n") or content(pdf, rb"\Z", b"EMC\n")),
    ("marked-pairs", lambda pdf: content(pdf, rb"EMC\s*\Z", b"")),
    ("font", lambda pdf: font(pdf).__setitem__("/Encoding", Name.WinAnsiEncoding)),
]


def saved(pdf, **options):
    out = io.BytesIO()
    pdf.save(out, object_stream_mode=pikepdf.ObjectStreamMode.disable, **options)
    return out.getvalue()


def broken(data):
    return {rule for rule, _ in check_pdf.check(data)}


@pytest.mark.parametrize("rule, damage", DAMAGE, ids=[f"{rule}-{n}" for n, (rule, _) in enumerate(DAMAGE)])
def test_the_checker_names_the_rule_that_is_broken(document, rule, damage):
    with pikepdf.open(io.BytesIO(document)) as pdf:
        damage(pdf)
        found = broken(saved(pdf))
    assert rule in found
    assert len(found) == 1 or damage is untagged


# tests/data/pdf-temoins/README.md says how they were made.
@pytest.mark.parametrize("name, rules", [("temoin-fop.pdf", {"xmp-extension-schema"}),
                                         ("temoin-podofo.pdf", {"cidset", "structure", "marked"})])
def test_the_checker_refuses_what_other_tools_make(name, rules):
    """FOP 2.8 says PDF/A-3a and PDF/UA-1 of its own; PoDoFo's own fonts and painter."""
    assert rules <= broken((ROOT / "tests/data/pdf-temoins" / name).read_bytes())


def test_the_checker_sees_damage_to_the_file(document):
    assert broken(document) == set()
    with pikepdf.open(io.BytesIO(document)) as pdf:
        assert broken(saved(pdf)) == set(), "what pikepdf writes is no reason to fail: the damage is"
        encrypted = saved(pdf, encryption=pikepdf.Encryption(owner="x", user="", R=6))
    assert "encrypt" in broken(encrypted)
    assert broken(re.sub(rb"\nendobj", b" endobj", document, count=1)) == {"eol"}
    assert broken(re.sub(rb"/ID( ?)\[", rb"/IX\1[", document)) == {"trailer-id"}
    assert broken(document.replace(b"%PDF-1.7", b"%PDF-1.4", 1)) == {"syntax"}
    rules = {rule for rule, _ in DAMAGE} | {"encrypt", "eol", "trailer-id", "syntax"}
    assert rules == set(check_pdf.RULES)
