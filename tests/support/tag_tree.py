#!/usr/bin/env python3
"""The tag tree of a PDF of ours as text: what a screen reader is given, in the order of reading.

  tag_tree.py FILE.pdf

A line for each element, deeper ones further in: its type, what is said of it (language, alternate text, attributes of
tables and lists), then its text between quotes, as the fonts' ToUnicode and ActualText give it. `pdfinfo -struct-text` of
Debian 12 does nearly that, but drops what follows an ActualText and knows no language.
"""
import io
import sys

import pikepdf
from pikepdf import Array, Dictionary, Name

from check_pdf import Font

# Where a figure stands is seen on the page.
NOT_TOLD = ("/O", "/BBox", "/Placement")


def all_of(value):
    """What may be nothing, one thing or an array of them."""
    return list(value) if isinstance(value, (Array, list)) else [] if value is None else [value]


def shown(page, actual=True):
    """{MCID: text} of a page. actual: what stands in an ActualText counts, not what is drawn."""
    resources = page.get("/Resources", {})
    fonts = {key: Font(font, lambda *_: None) for key, font in resources.get("/Font", {}).items()}
    texts, open_, font = {}, [], None
    for operands, operator in pikepdf.parse_content_stream(page):
        name = str(operator)
        if name in ("BDC", "BMC"):
            properties = operands[1] if len(operands) > 1 and isinstance(operands[1], Dictionary) else {}
            mcid, replaced = open_[-1] if open_ else (None, False)
            mcid = int(properties["/MCID"]) if "/MCID" in properties else mcid
            if mcid is not None:
                texts.setdefault(mcid, "")
                if "/ActualText" in properties and actual and not replaced:
                    texts[mcid] += str(properties["/ActualText"])
            open_.append((mcid, replaced or actual and "/ActualText" in properties))
        elif name == "EMC":
            open_.pop()
        elif name == "Tf":
            font = fonts[str(operands[0])]
        elif name in ("Tj", "TJ") and open_ and open_[-1][0] is not None and not open_[-1][1]:
            for piece in all_of(operands[0]):
                if isinstance(piece, pikepdf.String):
                    codes = bytes(piece)
                    texts[open_[-1][0]] += "".join(font.unicode.get(256 * codes[i] + codes[i + 1], "\uFFFD")
                                                   for i in range(0, len(codes), 2))
    return texts


def lines(element, texts, page=None, depth=0):
    page = element.get("/Pg", page)
    told = [f"{key[1:]}={element[key]}" for key in ("/Lang", "/Alt", "/ActualText") if key in element]
    for attribute in all_of(element.get("/A")):
        told += [f"{key[1:]}={str(value).lstrip('/')}" for key, value in attribute.items() if key not in NOT_TOLD]
    yield "  " * depth + " ".join([str(element["/S"])[1:]] + told)
    for kid in all_of(element.get("/K")):
        if isinstance(kid, Dictionary) and kid.get("/Type") != Name.MCR:
            yield from lines(kid, texts, page, depth + 1)
            continue
        where, mcid = (kid.get("/Pg", page), kid["/MCID"]) if isinstance(kid, Dictionary) else (page, kid)
        yield "  " * (depth + 1) + one_line(texts.get(where.objgen, {}).get(int(mcid)))


def leaves(pdf, actual=True):
    """(page, types of the elements around it, text) of each piece of content, in the order of reading."""
    texts = {page.obj.objgen: shown(page.obj, actual) for page in pdf.pages}

    def walk(element, roles, page):
        page, roles = element.get("/Pg", page), (*roles, str(element["/S"])[1:])
        for kid in all_of(element.get("/K")):
            if isinstance(kid, Dictionary) and kid.get("/Type") != Name.MCR:
                yield from walk(kid, roles, page)
            else:
                where, mcid = (kid.get("/Pg", page), kid["/MCID"]) if isinstance(kid, Dictionary) else (page, kid)
                yield where.objgen, roles, texts.get(where.objgen, {}).get(int(mcid))
    for top in all_of(pdf.Root["/StructTreeRoot"].get("/K")):
        yield from walk(top, (), None)


def one_line(text):
    """Quoted, and what cannot be seen written out: a difference is read by people."""
    if text is None:
        return "(on no page)"
    return "“" + "".join(c if c.isprintable() or c in "\u00A0\u202F" else f"\\u{ord(c):04X}" for c in text) + "”"


def tag_tree(data):
    with pikepdf.open(io.BytesIO(data)) as pdf:
        texts = {page.obj.objgen: shown(page.obj) for page in pdf.pages}
        return "".join(f"{line}\n" for top in all_of(pdf.Root["/StructTreeRoot"].get("/K")) for line in lines(top, texts))


if __name__ == "__main__":
    with open(sys.argv[1], "rb") as file:
        sys.stdout.write(tag_tree(file.read()))
