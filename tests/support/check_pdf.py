#!/usr/bin/env python3
"""Holds PDFs against what PDF/A-3a (ISO 19005-3) and PDF/UA-1 (ISO 14289-1) ask of the kind that navette writes.

  check_pdf.py FILE.pdf ...     one line for each rule broken; exit 1 when there is any

No validator is packaged in Debian: this is what can be checked without one, in a few milliseconds a document. It is
stricter than the standards where ours is the only way it is done (Type0 fonts of our own subsets, one Document element,
one cross-reference section, a signature as the one form field and annotation), and knows nothing of what we never
write (other forms and annotations, transparency groups).
RULES names each rule; tests/system/test_pdf.py damages documents to see each of them broken.
"""
import hashlib
import io
import re
import struct
import sys
import typing
from xml.etree import ElementTree

import pikepdf
from pikepdf import Array, Dictionary, Name, Stream

RULES = {
    "syntax": "qpdf finds nothing wrong; PDF 1.7 with a binary comment",
    "eol": "obj, endobj, stream and endstream stand on lines of their own (6.1.7, 6.1.9)",
    "trailer-id": "the trailer has an ID of two strings (6.1.3)",
    "encrypt": "no encryption (6.1.3)",
    "output-intent": "one output intent, GTS_PDFA1, with an RGB profile; colours are its or grey (6.2.3)",
    "xmp-pdfa": "the XMP claims PDF/A-3, conformance A (6.6.4)",
    "xmp-pdfua": "the XMP claims PDF/UA-1 (UA 5)",
    "xmp-extension-schema": "the XMP describes pdfuaid, which PDF/A does not know (6.6.2.3)",
    "title": "dc:title is there, the same as Info's, and shown (UA 7.1)",
    "mark-info": "MarkInfo says Marked and suspects nothing (6.7.2)",
    "lang": "the catalog has a language tag, elements no other kind of value (6.7.4)",
    "page-size": "pages have from 3 to 14400 units each way, and no scale of their own (6.1.13)",
    "tabs": "pages are tabbed through in the order of the structure (UA 7.18.3)",
    "actions": "no actions, scripts, layers",
    "structure": "a StructTreeRoot with one Document; each element names its parent; roles are standard (6.7.3)",
    "containment": "tables and lists are made of their parts (UA 7.2)",
    "headings": "no level is left out (UA 7.4.2)",
    "scope": "each TH has a Scope (UA 7.5)",
    "regular": "rows of one table have as many columns (UA 7.5)",
    "alternate": "each Figure has an Alt (UA 7.3)",
    "figure-box": "each Figure says where it is on its page (32000-1, 14.8.5.4.3)",
    "image": "XObjects are images of 8 bits in RGB or grey, not interpolated, with no alternates (6.2.4.2, 6.2.8), or drawings of lines alone in RGB",
    "marked": "all that is painted is tagged or an artifact, never both (UA 7.1)",
    "marked-pairs": "marked content, text objects and graphics states end in the reverse order they begin",
    "reading-order": "what a page holds is read in the order in which it is written there (UA 7.1)",
    "parent-tree": "the ParentTree leads from marked content to the element that holds it, and back",
    "font": "fonts are embedded subsets, Type0 with Identity-H and CIDToGIDMap Identity (6.2.11)",
    "cidset": "no CIDSet, which would have to be complete (6.2.11.4.2)",
    "notdef": "no code shown is .notdef or past the font's end (6.2.11.8)",
    "to-unicode": "each code shown has a ToUnicode entry; private characters only within ActualText (6.2.11.7)",
    "widths": "W agrees with hmtx (6.2.11.5)",
    "attachment": "attached files are in AF, with AFRelationship, MIME type, F and UF (6.8)",
    "outline": "bookmarks have titles and lead to pages",
    "signature": "no form field or annotation but one signature: unseen, named, tagged as Form (6.3, 6.4, UA 7.18), of the "
                 "whole file as it is (6.4.3), PAdES baseline B",
}

RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
PDFA_ID, PDFUA_ID = "{http://www.aiim.org/pdfa/ns/id/}", "{http://www.aiim.org/pdfua/ns/id/}"
EXTENSION, SCHEMA = "{http://www.aiim.org/pdfa/ns/extension/}", "{http://www.aiim.org/pdfa/ns/schema#}"
PROPERTY = "{http://www.aiim.org/pdfa/ns/property#}"
DC_TITLE = "{http://purl.org/dc/elements/1.1/}title"

ROLES = set("""Document Part Art Sect Div BlockQuote Caption TOC TOCI Index NonStruct Private P H1 H2 H3 H4 H5 H6 L LI Lbl
LBody Table THead TBody TFoot TR TH TD Span Quote Note Reference BibEntry Code Figure Formula Form""".split())
PARENTS = {"THead": "Table", "TBody": "Table", "TFoot": "Table", "TR": "Table THead TBody TFoot", "TH": "TR", "TD": "TR",
           "LI": "L", "Lbl": "LI", "LBody": "LI", "TOCI": "TOC"}
CHILDREN = {"Table": "THead TBody TFoot TR Caption", "THead": "TR", "TBody": "TR", "TFoot": "TR", "TR": "TH TD",
            "L": "L LI Caption", "LI": "Lbl LBody"}
SHOWS = {"Tj", "TJ", "'", '"'}
PAINTS = SHOWS | {"f", "F", "f*", "B", "B*", "b", "b*", "S", "s", "sh", "Do", "INLINE IMAGE"}
OTHER_COLOURS = {"k", "K", "cs", "CS", "sc", "SC", "scn", "SCN"}
CMS_SIGNED_DATA = bytes.fromhex("06092a864886f70d010702")  # object identifiers, in DER
SIGNING_TIME = bytes.fromhex("06092a864886f70d010905")
SIGNING_CERTIFICATE_V2 = bytes.fromhex("060b2a864886f70d010910022f")
MESSAGE_DIGEST = bytes.fromhex("06092a864886f70d01090431220420")  # and what comes before its 32 bytes
LONGEST_STRING = 32767  # bytes (6.1.13)
LANGUAGE = re.compile(r"[a-zA-Z]{2,3}(-[a-zA-Z0-9]{1,8})*")
PAIRS = {"ET": "BT", "EMC": "BDC", "Q": "q"}


def is_private(text):
    return any(0xE000 <= ord(c) <= 0xF8FF or ord(c) >= 0xF0000 for c in text)


class Font:
    """What a Type0 font says of its codes."""

    def __init__(self, font, broken):
        self.unicode, self.widths, self.advances = {}, {}, []
        self.good = set()  # (code, whether within ActualText) that were looked at
        descendant = (font.get("/DescendantFonts") or [Dictionary()])[0]
        descriptor = descendant.get("/FontDescriptor") or Dictionary()
        name = str(font.get("/BaseFont"))
        if (font.get("/Subtype") != Name.Type0 or font.get("/Encoding") != Name("/Identity-H")
                or descendant.get("/Subtype") != Name.CIDFontType2 or descendant.get("/CIDToGIDMap") != Name.Identity
                or not isinstance(descriptor.get("/FontFile2"), Stream)
                or not re.fullmatch(r"/[A-Z]{6}\+.+", name) or descendant.get("/BaseFont") != font.get("/BaseFont")):
            broken("font", name)
            return
        if "/CIDSet" in descriptor:
            broken("cidset", name)
        if isinstance(font.get("/ToUnicode"), Stream):
            self.read_unicode(font["/ToUnicode"].read_bytes())
        self.read_widths(descendant.get("/W", []))
        try:
            self.read_advances(descriptor["/FontFile2"].read_bytes())
        except (KeyError, struct.error) as error:
            broken("font", f"{name}: damaged table {error}")
            return
        for code, width in self.widths.items():
            if code >= len(self.advances) or abs(float(width) - self.advances[code]) > 1:
                broken("widths", f"{name}: code {code}")

    def read_unicode(self, cmap):
        for block in re.findall(rb"beginbfchar(.*?)endbfchar", cmap, re.S):
            for code, text in re.findall(rb"<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]*)>", block):
                self.unicode[int(code, 16)] = bytes.fromhex(text.decode()).decode("utf-16-be", "replace")
        for block in re.findall(rb"beginbfrange(.*?)endbfrange", cmap, re.S):
            for first, last, text in re.findall(rb"<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]+)>", block):
                for code in range(int(first, 16), int(last, 16) + 1):
                    self.unicode[code] = chr(int(text, 16) + code - int(first, 16))

    def read_widths(self, widths):
        items = list(widths)
        while items:
            first, second = int(items.pop(0)), items.pop(0)
            if isinstance(second, Array):
                self.widths.update(enumerate(second, first))
            else:
                self.widths.update(dict.fromkeys(range(first, int(second) + 1), items.pop(0)))

    def read_advances(self, file):
        tables = {}
        for index in range(struct.unpack_from(">H", file, 4)[0]):
            tag, _, offset, length = struct.unpack_from(">4sIII", file, 12 + 16 * index)
            tables[tag] = file[offset:offset + length]
        per_em = struct.unpack_from(">H", tables[b"head"], 18)[0]
        long_metrics = struct.unpack_from(">H", tables[b"hhea"], 34)[0]
        glyphs = struct.unpack_from(">H", tables[b"maxp"], 4)[0]
        for glyph in range(glyphs):
            advance = struct.unpack_from(">H", tables[b"hmtx"], 4 * min(glyph, long_metrics - 1))[0]
            self.advances.append(advance * 1000 / per_em)


class Open(typing.NamedTuple):
    """What content stands in: the operator that began it last, and what all that is open says of it."""

    operator: typing.Optional[str]
    tagged: bool = False
    artifact: bool = False
    actual: bool = False  # its text is given by ActualText


class Checker:
    def __init__(self, data):
        self.data, self.found, self.fonts = data, [], {}
        self.marked = {}  # (page's object, MCID) -> of the content
        self.forms, self.parents = [], {}  # Form elements; what the ParentTree says of each number

    def broken(self, rule, what=""):
        assert rule in RULES, rule
        if len(self.found) < 200:
            self.found.append((rule, what))

    def need(self, holds, rule, what=""):
        if not holds:
            self.broken(rule, what)

    def run(self):
        try:
            self.pdf = pikepdf.open(io.BytesIO(self.data))
        except pikepdf.PasswordError:
            return [("encrypt", "it cannot even be opened")]
        with self.pdf:
            self.root = self.pdf.Root
            self.file()
            self.catalog()
            self.metadata()
            for page in self.pdf.pages:
                self.page(page.obj)
            self.structure()
            self.attachments()
            self.outline()
            self.signature()
        return self.found

    # ---- the file

    def file(self):
        for problem in self.pdf.check():
            self.broken("syntax", problem)
        self.need(re.match(rb"%PDF-1\.7\r?\n%[\x80-\xff]{4}", self.data), "syntax", "header")
        self.need(not self.pdf.is_encrypted and "/Encrypt" not in self.pdf.trailer, "encrypt")
        self.need(len(self.pdf.trailer.get("/ID", [])) == 2, "trailer-id")
        if not self.pdf.is_encrypted:
            self.line_ends()

    def offsets(self, xref):
        """Of the objects that stand in the file themselves: offset -> (number, generation)."""
        head = self.data[xref:xref + 40]
        if table := re.match(rb"xref\r?\n0 (\d+)\r?\n", head):
            entries = [self.data[at:at + 20] for at in range(xref + table.end(), xref + table.end() + 20 * int(table[1]), 20)]
            return {int(e[:10]): (number, int(e[11:16])) for number, e in enumerate(entries) if e[17:18] == b"n"}
        number = re.match(rb"(\d+) 0 obj\s", head)
        stream = number and self.pdf.get_object((int(number[1]), 0))
        if not isinstance(stream, Stream) or stream.get("/Type") != Name.XRef or "/Index" in stream or "/Prev" in stream:
            return {}
        kind, where, more = (int(w) for w in stream["/W"])
        table, size = stream.read_bytes(), kind + where + more
        entries = [table[at:at + size] for at in range(0, len(table), size)]
        return {int.from_bytes(e[kind:kind + where], "big"): (number, int.from_bytes(e[kind + where:], "big"))
                for number, e in enumerate(entries) if int.from_bytes(e[:kind], "big") == 1}

    def line_ends(self):
        start = re.search(rb"startxref\s+(\d+)\s+%%EOF\s*$", self.data)
        offsets = start and self.offsets(int(start[1]))
        if not offsets:
            self.broken("eol", "no cross-reference of one section")
            return
        last = self.data.rfind(b"startxref") if int(start[1]) in offsets else int(start[1])
        ends = sorted(offsets)[1:] + [last]
        for begin, end in zip(sorted(offsets), ends):
            number, generation = offsets[begin]
            text = self.data[begin:end]
            good = (self.data[begin - 1:begin] in (b"\n", b"\r") and re.search(rb"[\r\n]endobj\r?\n$", text[-12:])
                    and re.match(rb"%d %d obj\r?\n" % (number, generation), text))
            if good and b"stream" in text:
                value = self.pdf.get_object((number, generation))
                if isinstance(value, Stream):
                    raw = value.read_raw_bytes()
                    good = any(text[:-len(tail)].endswith(begin + raw) and text.endswith(tail)
                               for begin in (b"stream\n", b"stream\r\n")
                               for tail in (b"\nendstream\nendobj\n", b"\r\nendstream\r\nendobj\r\n"))
            self.need(good, "eol", f"object {number}")

    def catalog(self):
        root = self.root
        mark = root.get("/MarkInfo", {})
        self.need(mark.get("/Marked") is True and not mark.get("/Suspects", False), "mark-info")
        self.need(LANGUAGE.fullmatch(str(root.get("/Lang", ""))), "lang")
        self.need(root.get("/ViewerPreferences", {}).get("/DisplayDocTitle") is True, "title", "DisplayDocTitle")
        for key in ("/OpenAction", "/AA", "/OCProperties"):
            self.need(key not in root, "actions", key)
        self.need("/JavaScript" not in root.get("/Names", {}), "actions", "JavaScript")
        intents = list(root.get("/OutputIntents", []))
        good = len(intents) == 1 and intents[0].get("/S") == Name.GTS_PDFA1
        profile = intents[0].get("/DestOutputProfile") if good else None
        if isinstance(profile, Stream):
            icc = profile.read_bytes()
            good = profile.get("/N") == 3 and icc[12:24] == b"mntrRGB XYZ " and icc[36:40] == b"acsp" and icc[8] <= 4
        self.need(good and profile is not None, "output-intent")

    # ---- metadata

    def metadata(self):
        stream = self.root.get("/Metadata")
        try:
            rdf = ElementTree.fromstring(stream.read_bytes())
        except (ElementTree.ParseError, AttributeError):
            rdf = ElementTree.Element("none")

        def value(key):  # a property may be an element or an attribute
            for node in rdf.iter():
                if node.tag == key:
                    return "".join(node.itertext()).strip()
                if key in node.attrib:
                    return node.attrib[key]
            return None

        self.need((value(PDFA_ID + "part"), value(PDFA_ID + "conformance")) == ("3", "A"), "xmp-pdfa")
        self.need(value(PDFUA_ID + "part") == "1", "xmp-pdfua")
        described = False
        for schema in rdf.findall(f".//{EXTENSION}schemas/{RDF}Bag/{RDF}li"):
            names = [p.findtext(PROPERTY + "name") for p in schema.findall(f"{SCHEMA}property/{RDF}Seq/{RDF}li")
                     if all(p.findtext(PROPERTY + field) for field in ("valueType", "category", "description"))]
            described |= ("{" + (schema.findtext(SCHEMA + "namespaceURI") or "") + "}" == PDFUA_ID and "part" in names
                          and schema.findtext(SCHEMA + "prefix") == "pdfuaid" and bool(schema.findtext(SCHEMA + "schema")))
        self.need(described, "xmp-extension-schema")
        title = value(DC_TITLE)
        self.need((title or "").strip() and title == str(self.pdf.trailer.get("/Info", {}).get("/Title", "")), "title", "dc:title")

    # ---- pages

    def page(self, page):
        self.need(page.get("/Tabs") == Name.S, "tabs")
        left, bottom, right, top = (float(n) for n in page["/MediaBox"])
        self.need(all(3 <= side <= 14400 for side in (right - left, top - bottom)) and "/UserUnit" not in page, "page-size")
        self.need("/AA" not in page, "actions", "a page's")
        resources = page.get("/Resources", {})
        fonts = {}
        for key, font in resources.get("/Font", {}).items():
            if font.objgen not in self.fonts:
                self.fonts[font.objgen] = Font(font, self.broken)
            fonts[key] = self.fonts[font.objgen]
        for key, image in resources.get("/XObject", {}).items():
            if image.get("/Subtype") == Name.Form:
                self.drawing(key, image)
                continue
            self.image(key, image, (Name.DeviceGray, Name.DeviceRGB))
            if "/SMask" in image:
                self.image(key + "'s mask", image["/SMask"], (Name.DeviceGray,))
        seen = self.marked.setdefault(page.objgen, set())
        outside = Open(None)
        open_, font, kept = [outside], None, []
        for operands, operator in pikepdf.parse_content_stream(page):
            name, around = str(operator), open_[-1]
            if name in ("BDC", "BMC"):
                properties = operands[1] if len(operands) > 1 else {}
                if isinstance(properties, Name):
                    properties = resources["/Properties"][properties]
                open_.append(self.begin(str(operands[0]), properties, around, seen))
            elif name in PAIRS:
                self.need(around.operator == PAIRS[name], "marked-pairs", name)
                if around is not outside:
                    open_.pop()
                font = kept.pop() if name == "Q" and kept else font
            elif name in ("BT", "q"):
                open_.append(around._replace(operator=name))
                if name == "q":
                    kept.append(font)
            elif name == "Tf":
                font = fonts.get(str(operands[0]))
                self.need(font, "font", f"{operands[0]} is no resource")
            elif name in PAINTS:
                self.need(around.tagged or around.artifact, "marked", f"operator {name}")
                if name in SHOWS:
                    self.show(font, operands[-1], around.actual)
            else:
                self.need(name not in OTHER_COLOURS, "output-intent", f"operator {name}")
        self.need(open_ == [outside], "marked-pairs", "at the end of a page")

    def drawing(self, name, form):
        """Painted where it is marked; it marks nothing itself, so that no text may be in it."""
        operators = {str(operator) for _, operator in pikepdf.parse_content_stream(form)}
        self.need(operators <= {"RG", "w", "J", "j", "re", "m", "l", "S"} and "S" in operators and "/Group" not in form
                  and "/Ref" not in form and "/OPI" not in form and "/PS" not in form, "image", f"{name} is no plain drawing")

    def image(self, name, image, spaces):
        self.need(image.get("/Subtype") == Name.Image and image.get("/ColorSpace") in spaces
                  and image.get("/BitsPerComponent") == 8 and image.get("/Filter") in (Name.FlateDecode, Name.DCTDecode)
                  and not image.get("/Interpolate", False) and "/Alternates" not in image and "/OPI" not in image, "image", name)
        samples = image.read_bytes() if image.get("/Filter") == Name.FlateDecode else None
        channels = 3 if image.get("/ColorSpace") == Name.DeviceRGB else 1
        self.need(samples is None or len(samples) == image["/Width"] * image["/Height"] * channels, "image", f"{name}'s samples")

    def begin(self, tag, properties, around, seen):
        """Marked content begins inside `around`."""
        mcid, artifact = properties.get("/MCID"), tag == "/Artifact"
        if artifact:
            self.need(not around.tagged and mcid is None, "marked", "an artifact inside what is tagged")
        if mcid is not None:
            self.need(not around.artifact and not around.tagged, "marked", "tagged content inside other")
            self.need(int(mcid) not in seen, "parent-tree", f"MCID {mcid} twice on a page")
            seen.add(int(mcid))
        return Open("BDC", around.tagged or mcid is not None, around.artifact or artifact,
                    around.actual or "/ActualText" in properties)

    def show(self, font, operand, actual):
        if font is None or not font.advances:
            return  # told already
        strings = [operand] if isinstance(operand, pikepdf.String) else [
            s for s in operand if isinstance(s, pikepdf.String)]
        for string in strings:
            for (code,) in struct.iter_unpack(">H", bytes(string)):
                if (code, actual) not in font.good:
                    self.code(font, code, actual)

    def code(self, font, code, actual):
        if not 0 < code < len(font.advances):
            self.broken("notdef", f"code {code}")
            return
        self.need(code in font.widths, "widths", f"code {code} has none")
        text = font.unicode.get(code, "")
        readable = text and not set(text) & {"\0", "\ufeff", "\ufffe"} and (actual or not is_private(text))
        self.need(readable, "to-unicode", f"code {code}")
        font.good.add((code, actual))

    # ---- structure

    def structure(self):
        tree = self.root.get("/StructTreeRoot")
        if tree is None:
            self.broken("structure", "no StructTreeRoot")
            return
        self.held = {}  # (page's object, MCID) -> element's object
        self.last = {}  # page's object -> the MCID read last
        self.level, self.rows = 0, {}
        top = tree.get("/K", [])
        top = [top] if isinstance(top, Dictionary) else list(top)
        self.need(len(top) == 1 and top[0].get("/S") == Name.Document, "structure", "not one Document at the top")
        for element in top:
            self.element(element, tree, "", None, 0)
        for counts in self.rows.values():
            self.need(len(set(counts)) == 1, "regular", f"rows of {sorted(set(counts))} columns")
        numbers = tree.get("/ParentTree", {}).get("/Nums", [])
        self.parents = parents = {int(numbers[i]): numbers[i + 1] for i in range(0, len(numbers), 2)}
        back = {}
        for page in self.pdf.pages:
            array = parents.get(page.obj.get("/StructParents", -1), [])
            back.update({(page.obj.objgen, mcid): element.objgen for mcid, element in enumerate(array)})
        content = {(page, mcid) for page, mcids in self.marked.items() for mcid in mcids}
        for key in content | set(self.held) | set(back):
            self.need(key in content, "parent-tree", f"MCID {key[1]} is no content")
            self.need(self.held.get(key, 0) == back.get(key, 1), "parent-tree", f"MCID {key[1]}")

    def element(self, element, parent, above, table, depth):
        if depth > 300 or not isinstance(element, Dictionary):
            self.broken("structure", "not a tree of elements")
            return
        role = str(element.get("/S", ""))[1:]
        self.need(role in ROLES, "structure", f"role {role}")
        self.need("/Lang" not in element or LANGUAGE.fullmatch(str(element["/Lang"])), "lang", f"of a {role}")
        self.need(element.get("/P") is not None and element["/P"].objgen == parent.objgen, "structure", f"P of a {role}")
        self.need(above in PARENTS.get(role, above).split() or above == "", "containment", f"{role} in {above}")
        self.need(role in CHILDREN.get(above, role).split(), "containment", f"{role} in {above}")
        if re.fullmatch("H[1-6]", role):
            self.need(int(role[1]) <= self.level + 1, "headings", f"{role} after H{self.level}")
            self.level = int(role[1])
        attributes = element.get("/A", Dictionary())
        if isinstance(attributes, Array):
            attributes = next((a for a in attributes if isinstance(a, Dictionary) and a.get("/O") == Name.Table), Dictionary())
        if role == "TH":
            self.need(attributes.get("/Scope") in (Name.Column, Name.Row, Name.Both), "scope")
        if role in ("Figure", "Formula"):
            self.need(str(element.get("/Alt", "")).strip(), "alternate", role)
            self.need(self.is_on_page(element.get("/Pg"), attributes), "figure-box", role)
        if role == "Table":
            table = element.objgen
        elif role == "TR":
            self.rows.setdefault(table, []).append(0)
        elif role in ("TH", "TD") and self.rows.get(table):
            self.rows[table][-1] += int(attributes.get("/ColSpan", 1))
        if role == "Form":
            self.forms.append(element)
            return
        kids = element.get("/K", [])
        for kid in kids if isinstance(kids, (Array, list)) else [kids]:
            if isinstance(kid, int):
                self.hold(element.get("/Pg"), kid, element)
            elif isinstance(kid, Dictionary) and kid.get("/Type") == Name.MCR:
                self.hold(kid.get("/Pg", element.get("/Pg")), int(kid["/MCID"]), element)
            else:
                self.element(kid, element, role, table, depth + 1)

    @staticmethod
    def is_on_page(page, attributes):
        if page is None or attributes.get("/O") != Name.Layout or len(attributes.get("/BBox", [])) != 4:
            return False
        left, bottom, right, top = (float(n) for n in attributes["/BBox"])
        _, _, width, height = (float(n) for n in page["/MediaBox"])
        return 0 <= left < right <= width and 0 <= bottom < top <= height

    def hold(self, page, mcid, element):
        key = page.objgen if page is not None else None, mcid
        self.need(key not in self.held, "parent-tree", f"MCID {mcid} in two elements")
        self.held[key] = element.objgen
        self.need(mcid > self.last.get(key[0], -1), "reading-order", f"MCID {mcid} after {self.last.get(key[0])}")
        self.last[key[0]] = mcid

    # ---- attachments, outline

    def attachments(self):
        associated = {spec.objgen for spec in self.root.get("/AF", [])}
        names = self.root.get("/Names", {}).get("/EmbeddedFiles", {}).get("/Names", [])
        specs = [names[i] for i in range(1, len(names), 2)]
        self.need(associated == {spec.objgen for spec in specs}, "attachment", "AF and EmbeddedFiles differ")
        for spec in specs:
            self.need(spec.get("/AFRelationship") == Name.Source, "attachment", "AFRelationship")
            self.need(str(spec.get("/F", "")) and str(spec.get("/UF", "")), "attachment", "F, UF")
            file = spec.get("/EF", {}).get("/F")
            self.need(isinstance(file, Stream) and "/" in str(file.get("/Subtype", ""))[1:], "attachment", "Subtype")

    def outline(self):
        pages = {page.obj.objgen for page in self.pdf.pages}
        todo, seen = [self.root.get("/Outlines", {}).get("/First")], 0
        while todo:
            item = todo.pop()
            if item is None or seen > 10000:
                continue
            seen += 1
            self.need(str(item.get("/Title", "")).strip(), "outline", "Title")
            where = item.get("/Dest")
            self.need(isinstance(where, Array) and where[0].objgen in pages, "outline", "Dest")
            todo += [item.get("/Next"), item.get("/First")]

    # ---- the signature

    def signature(self):
        fields = list(self.root.get("/AcroForm", {}).get("/Fields", []))
        annotations = [a for page in self.pdf.pages for a in page.obj.get("/Annots", [])]
        if "/AcroForm" not in self.root and not annotations and not self.forms:
            return
        if not len(fields) == len(annotations) == len(self.forms) == 1 or fields[0].objgen != annotations[0].objgen:
            self.broken("signature", f"{len(fields)} fields, {len(annotations)} annotations, {len(self.forms)} Form elements")
            return
        field, form, acro_form = fields[0], self.forms[0], self.root["/AcroForm"]
        self.need(acro_form.get("/SigFlags") == 3 and set(acro_form.keys()) <= {"/Fields", "/SigFlags"}, "signature", "AcroForm")
        self.need(field.get("/Type") == Name.Annot and field.get("/Subtype") == Name.Widget and field.get("/FT") == Name.Sig
                  and "/A" not in field and "/AA" not in field, "signature", "no widget of a signature")
        self.need(field.get("/F") == 4 + 128 and [float(n) for n in field.get("/Rect", [])] == [0] * 4, "signature",
                  "neither unseen nor printable")
        self.need(str(field.get("/T", "")) and str(field.get("/TU", "")), "signature", "without T or TU")
        reference = form.get("/K")
        self.need(isinstance(reference, Dictionary) and reference.get("/Type") == Name.OBJR
                  and reference["/Obj"].objgen == field.objgen, "signature", "the Form element does not refer to the field")
        back = self.parents.get(field.get("/StructParent", -1))
        self.need(isinstance(back, Dictionary) and back.objgen == form.objgen, "signature", "the ParentTree does not lead to its Form")
        value = field.get("/V", Dictionary())
        self.need(value.get("/Type") == Name.Sig and value.get("/Filter") == Name("/Adobe.PPKLite")
                  and value.get("/SubFilter") == Name("/ETSI.CAdES.detached") and "/Reference" not in value and "/Cert" not in value
                  and value.get("/M") == self.pdf.trailer.get("/Info", {}).get("/CreationDate"), "signature", "dictionary")
        try:
            self.signed_bytes([int(n) for n in value["/ByteRange"]], bytes(value["/Contents"]))
        except (KeyError, IndexError, ValueError, TypeError) as error:
            self.broken("signature", f"value: {error}")

    def signed_bytes(self, byte_range, contents):
        zero, begin, end, length = byte_range
        covers_all = zero == 0 and end + length == len(self.data) and begin < end
        self.need(covers_all and self.data[begin:begin + 1] == b"<" and self.data[end - 1:end] == b">"
                  and bytes.fromhex(self.data[begin + 1:end - 1].decode()) == contents, "signature", "ByteRange")
        size = 4 + int.from_bytes(contents[2:4], "big")  # of a DER sequence of 256 bytes to 64 KiB
        der, rest = contents[:size], contents[size:]
        self.need(der[:2] == b"\x30\x82" and der[4:].startswith(CMS_SIGNED_DATA) and len(der) == size
                  and not rest.strip(b"\0") and len(contents) <= LONGEST_STRING, "signature", "no CMS SignedData")
        self.need(SIGNING_CERTIFICATE_V2 in der and SIGNING_TIME not in der, "signature", "signed attributes")
        digest = hashlib.sha256(self.data[:begin] + self.data[end:]).digest()
        self.need(MESSAGE_DIGEST + digest in der, "signature", "another file's")


def check(data):
    """The rules that a PDF (bytes) breaks: (rule, detail) each."""
    return Checker(data).run()


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    failed = False
    for path in sys.argv[1:]:
        with open(path, "rb") as file:
            for rule, what in check(file.read()):
                failed = True
                print(f"{path}: {rule}{': ' if what else ''}{what} ({RULES[rule]})")
    sys.exit(failed)


if __name__ == "__main__":
    main()
