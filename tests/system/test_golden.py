"""Documents as they were last found good: their pages as images and their tag trees, in tests/data/pdf/.

A document that is no longer the same fails, and its test says where the page, beside what was expected and where the two
differ, can be looked at. When it is as it should be, the same with ACCEPT=1 in the environment makes it the golden one
(docs/pdf.md). Accepted is skipped, not passed; where CI is set nothing can be accepted.
"""

import difflib
import io
import os
import re
import subprocess
import sys

import pikepdf
import pytest
from PIL import Image, ImageChops, ImageDraw

from conftest import DATA, ROOT, Site

sys.path.insert(0, str(ROOT / "tests/support"))
import tag_tree  # noqa: E402

GOLDEN = DATA / "pdf"
EXEMPLES = ROOT / "data/exemples"
DOCUMENTS = {  # name: its reference in data/exemples/demandes.xml
    "ordinaire": "DI2026-20001", "trois-enfants": "DI2026-20002", "naissance-prevue": "DI2026-20003",
    "long-commentaire": "DI2026-20004", "non-renseigne": "DI2026-20005", "hostile": "DI2026-20006",
    "exemple": None,  # tests/data/exemple.fo
    "bordereau": None,  # data/exemples/bordereau.xml: a cover sheet
}
PAGES = 2  # of each, the first ones
DPI = 72
# Channels of a pixel are kept to sixteen levels: small files, and a level more or less is no difference. A letter changed in
# the smallest text of the footer is 6 pixels that differ, a word moved by half a point 20.
LEVEL, STEPS, PIXELS = 5, 1, 3


def rendered(navette, path, name):
    """The PDF of a golden document."""
    site, out = Site(navette, path), path / f"{name}.pdf"
    reference = DOCUMENTS[name]
    if reference:
        site.run("render", EXEMPLES / "demandes.xml", "--ref", reference, "-o", out)
    elif name == "bordereau":
        site.run("render", EXEMPLES / "bordereau.xml", "-o", out)
    else:
        site.run("render", "--fo", DATA / f"{name}.fo", "-o", out)
    return out.read_bytes()


def pages_of(pdf, path):
    (path / "pages.pdf").write_bytes(pdf)
    subprocess.run(["pdftoppm", "-r", str(DPI), "-l", str(PAGES), "-png", path / "pages.pdf", path / "page"], check=True)
    return [levelled(Image.open(page)) for page in sorted(path.glob("page-*.png"))]


def levelled(image):
    return image.convert("RGB").point(lambda value: (value + LEVEL // 2) // LEVEL * LEVEL)


def small(image):
    """The same with a palette, when it has few colours: a fifth of the size."""
    colours = image.getcolors(256)
    if not colours:
        return image
    palette = [colour for _, colour in sorted(colours, reverse=True)]
    index = {colour: number for number, colour in enumerate(palette)}
    out = Image.new("P", image.size)
    out.putpalette(sum(palette, ()))
    out.putdata([index[pixel] for pixel in image.getdata()])
    return out


def differing(expected, found):
    """A mask of the pixels that differ, and how many they are."""
    if expected.size != found.size:
        return None, max(expected.size[0] * expected.size[1], found.size[0] * found.size[1])
    channels = ImageChops.difference(expected, found).split()
    most = ImageChops.lighter(ImageChops.lighter(*channels[:2]), channels[2])
    mask = most.point(lambda value: 255 if value > STEPS * LEVEL else 0)
    return mask, mask.histogram()[255]


def side_by_side(expected, found, mask):
    """Expected, found, and found made pale with what differs in red and framed."""
    shown = found.convert("L").point(lambda value: 160 + value * 95 // 255).convert("RGB")
    if mask:
        shown.paste((200, 0, 0), mask=mask)
        left, top, right, bottom = mask.getbbox()
        ImageDraw.Draw(shown).rectangle((left - 4, top - 4, right + 3, bottom + 3), outline=(200, 0, 0))
    images = [expected, found, shown]
    out = Image.new("RGB", (sum(image.width for image in images) + 16, max(image.height for image in images)), (90, 90, 90))
    at = 0
    for image in images:
        out.paste(image, (at, 0))
        at += image.width + 8
    return out


def images_differ(expected, found, path, name):
    """What differs between the golden pages and those found, in words; what to look at is written to `path`."""
    told = []
    for number in range(max(len(expected), len(found))):
        if number >= len(expected) or number >= len(found):
            told.append(f"page {number + 1} is {'new' if number >= len(expected) else 'gone'}")
            continue
        mask, count = differing(expected[number], found[number])
        if count > PIXELS:
            look = path / f"{name}-{number + 1}-difference.png"
            side_by_side(expected[number], found[number], mask).save(look)
            told.append(f"page {number + 1}: {count} pixels differ; expected, found and difference: {look}")
    return told


def trees_differ(expected, found):
    return list(difflib.unified_diff(expected.splitlines(), found.splitlines(), "expected", "found", lineterm="", n=4))


def files_of(name):
    return [GOLDEN / f"{name}-{number}.png" for number in range(1, PAGES + 1)], GOLDEN / f"{name}.txt"


def golden(name):
    """Its pages and its tag tree, as accepted."""
    images, tree = files_of(name)
    return ([levelled(Image.open(image)) for image in images if image.exists()],
            tree.read_text(encoding="utf-8") if tree.exists() else "")


def look_of(pdf, path):
    return pages_of(pdf, path), tag_tree.tag_tree(pdf)


def differences(expected, found, path, name):
    """Lines that tell what differs; none when nothing does."""
    return trees_differ(expected[1], found[1]) + images_differ(expected[0], found[0], path, name)


def accept(name, found):
    images, tree = files_of(name)
    for number, image in enumerate(images):
        image.unlink(missing_ok=True)
        if number < len(found[0]):
            small(found[0][number]).save(image, optimize=True)
    tree.write_text(found[1], encoding="utf-8")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_document_is_the_golden_one(navette, tmp_path, name):
    found = look_of(rendered(navette, tmp_path, name), tmp_path)
    told = differences(golden(name), found, tmp_path, name)
    if not told:
        return
    if os.environ.get("ACCEPT") and not os.environ.get("CI"):
        accept(name, found)
        assert differences(golden(name), found, tmp_path, name) == []
        pytest.skip(f"accepted: tests/data/pdf/{name}* are now this document")
    how = "ACCEPT does not count where CI is set" if os.environ.get("ACCEPT") else "if it is right: ACCEPT=1, see docs/pdf.md"
    pytest.fail("\n".join([f"{name} is not the golden document ({tmp_path / name}.pdf); {how}", *told]), pytrace=False)


def test_the_golden_files_are_those_of_the_documents():
    known = {file.name for name in DOCUMENTS for images, tree in [files_of(name)] for file in [*images, tree]}
    files = {file.name for file in GOLDEN.iterdir()}
    assert files <= known
    assert {f"{name}-1.png" for name in DOCUMENTS} | {f"{name}.txt" for name in DOCUMENTS} <= files
    assert sum(file.stat().st_size for file in GOLDEN.iterdir()) < 600_000


# ---- the comparison sees what is wrong


def content(old, new):
    """An edit of the first page's content."""
    def edit(pdf):
        stream = pdf.pages[0].obj["/Contents"]
        data, count = re.subn(old, new, stream.read_bytes(), count=1)
        assert count == 1
        stream.write(data)
    return edit


def first(pdf, role):
    todo = [pdf.Root["/StructTreeRoot"]["/K"]]
    while todo:
        element = todo.pop(0)
        if isinstance(element, pikepdf.Dictionary) and "/S" in element:
            if element["/S"] == pikepdf.Name("/" + role):
                return element
            todo = tag_tree.all_of(element.get("/K")) + todo
    raise AssertionError(role)


def lost_heading(pdf):
    first(pdf, "H2")["/S"] = pikepdf.Name.P


def lost_row(pdf):
    body = first(pdf, "TBody")
    body["/K"] = pikepdf.Array(list(body["/K"])[:-1])


def lost_scope(pdf):
    del first(pdf, "TH")["/A"]


def other_order(pdf):
    sections = first(pdf, "Document")["/K"]
    sections[2], sections[3] = sections[3], sections[2]


def other_language(pdf):
    first(pdf, "H1")["/Lang"] = pikepdf.String("en")


def lost_page(pdf):
    del pdf.pages[1]


DAMAGE = {  # what, and what of the difference is told
    "a letter of a heading": (content(rb"\[\(.(\\.|.)", b"[(\0\x17"), "-    “Demande d’information”"),
    "a letter of a heading on the page": (content(rb"\[\(.(\\.|.)", b"[(\0\x17"), "page 1: "),
    "half a point to the right": (content(rb"(?s)(.*)514\.039 ", rb"\g<1>514.539 "), "page 1: "),
    "another page number": (content(rb"(?s)(.*\[\(.*)..\)\]TJ", b"\\g<1>\0!)]TJ"), "page 1: "),
    "a darker grey": (content(rb"0\.941 g", b"0.9 g"), "page 1: "),
    "a colour as dark as the grey": (content(rb"0\.349 g", b"0.1 0.45 0.3 rg"), "page 1: "),
    "a lost heading": (lost_heading, "-    H2"),
    "a lost row": (lost_row, "-              “Caf”"),
    "a lost scope": (lost_scope, "-          TH Scope=Row"),
    "another order": (other_order, "+      “Accueil recherché”"),
    "another language": (other_language, "+  H1 Lang=en"),
    "a lost page": (lost_page, "page 2 is gone"),
}


@pytest.fixture(name="sound", scope="module")
def a_sound_document(navette, tmp_path_factory):
    """A PDF of two pages, and how it looks."""
    path = tmp_path_factory.mktemp("sound")
    pdf = rendered(navette, path, "long-commentaire")
    return pdf, look_of(pdf, path)


@pytest.mark.parametrize("what", DAMAGE)
def test_the_comparison_sees(sound, tmp_path, what):
    (damage, told), (pdf, expected) = DAMAGE[what], sound
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        damage(opened)
        out = io.BytesIO()
        opened.save(out)
    lines = differences(expected, look_of(out.getvalue(), tmp_path), tmp_path, "damaged")
    assert any(line.startswith(told) for line in lines), lines
    looks = [line.split()[-1] for line in lines if "pixels differ" in line]
    assert all(Image.open(look).width > 2 * expected[0][0].width for look in looks)


def test_the_same_document_does_not_differ(sound, tmp_path):
    pdf, expected = sound
    assert differences(expected, look_of(pdf, tmp_path), tmp_path, "same") == []
