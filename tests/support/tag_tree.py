#!/usr/bin/env python3
"""The tag tree of a PDF of ours as text: what a screen reader is given, in the order of reading.

  tag_tree.py FILE.pdf

A line for each element, deeper ones further in: its type, what is said of it (language, alternate text, attributes of
tables and lists), then its text between quotes, as the fonts' ToUnicode and ActualText give it. `pdfinfo -struct-text` of
Debian 12 does nearly that, but drops what follows an ActualText and knows no language.
"""
import collections
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
    texts, open_, font = collections.defaultdict(list), [], None
    for operands, operator in pikepdf.parse_content_stream(page):
        name = str(operator)
        if name in ("BDC", "BMC"):
            properties = operands[1] if len(operands) > 1 and isinstance(operands[1], Dictionary) else {}
            mcid, replaced, _ = open_[-1] if open_ else (None, False, False)
            mcid = int(properties["/MCID"]) if "/MCID" in properties else mcid
            if mcid is not None and "/ActualText" in properties and actual and not replaced:
                texts[mcid].append(str(properties["/ActualText"]))
            around = bool(open_) and open_[-1][2]
            leftwards = around or str(operands[0]) == "/ReversedChars"
            if mcid is not None:
                texts[mcid] += []  # an image has none
            open_.append((mcid, replaced or actual and "/ActualText" in properties, leftwards))
        elif name == "EMC":
            mcid, _, leftwards = open_.pop()
            if leftwards and mcid is not None:  # one element's content within
                texts[mcid].reverse()
        elif name == "Tf":
            font = fonts[str(operands[0])]
        elif name in ("Tj", "TJ") and open_ and open_[-1][0] is not None and not open_[-1][1]:
            for piece in all_of(operands[0]):
                if isinstance(piece, pikepdf.String):
                    codes = bytes(piece)
                    texts[open_[-1][0]] += [font.unicode.get(256 * codes[i] + codes[i + 1], "\uFFFD")
                                            for i in range(0, len(codes), 2)]
    return {mcid: "".join(pieces) for mcid, pieces in texts.items()}


def kids(element, page):
    """What an element holds: (element, its page), or (None, (page, MCID)) for content."""
    for kid in all_of(element.get("/K")):
        if isinstance(kid, Dictionary) and kid.get("/Type") != Name.MCR:
            yield kid, kid.get("/Pg", page)
        elif isinstance(kid, Dictionary):
            yield None, (kid.get("/Pg", page).objgen, int(kid["/MCID"]))
        else:
            yield None, (page.objgen, int(kid))


def lines(element, page, texts, depth=0):
    told = [f"{key[1:]}={element[key]}" for key in ("/Lang", "/Alt", "/ActualText") if key in element]
    for attribute in all_of(element.get("/A")):
        told += [f"{key[1:]}={str(value).lstrip('/')}" for key, value in attribute.items() if key not in NOT_TOLD]
    yield "  " * depth + " ".join([str(element["/S"])[1:]] + told)
    read = []  # on one page: what belongs to spans, or leftwards, is content of its own
    for kid, where in [*kids(element, page), (None, None)]:
        if read and (kid is not None or where is None or where[0] != read[-1][0] or texts.get(where) is None):
            yield "  " * (depth + 1) + one_line("".join(texts[key] for key in read))
            read = []
        if kid is not None:
            yield from lines(kid, where, texts, depth + 1)
        elif where is not None and texts.get(where) is None:
            yield "  " * (depth + 1) + one_line(None)
        elif where is not None:
            read.append(where)


def leaves(element, page, texts, roles=()):
    """(page, types of the elements around it, text) of each piece of content, in the order of reading."""
    roles = (*roles, str(element["/S"])[1:])
    for kid, where in kids(element, page):
        if kid is None:
            yield where[0], roles, texts.get(where)
        else:
            yield from leaves(kid, where, texts, roles)


def one_line(text):
    """Quoted, and what cannot be seen written out: a difference is read by people."""
    if text is None:
        return "(on no page)"
    return "“" + "".join(c if c.isprintable() or c in "\u00A0\u202F" else f"\\u{ord(c):04X}" for c in text) + "”"


def walked(walk, pdf, actual=True):
    """What `walk` (lines or leaves) yields of a whole PDF."""
    texts = {(page.obj.objgen, mcid): text for page in pdf.pages for mcid, text in shown(page.obj, actual).items()}
    for top, page in kids(pdf.Root["/StructTreeRoot"], None):
        yield from walk(top, page, texts)


def tag_tree(data):
    with pikepdf.open(io.BytesIO(data)) as pdf:
        return "".join(f"{line}\n" for line in walked(lines, pdf))


if __name__ == "__main__":
    with open(sys.argv[1], "rb") as file:
        sys.stdout.write(tag_tree(file.read()))
