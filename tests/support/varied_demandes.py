"""Two hundred demandes as different as the schema lets them be, for the tests of the PDF and for its bench."""

import datetime
import random
from xml.etree import ElementTree

import make_demandes

D = "{urn:navette:demandes:1}"
ElementTree.register_namespace("", D[1:-1])

COUNT = 200
LONG = "Saint-Hilaire-Cusson-la-Valmitte-des-Épinettes-du-Vieux-Lavoir et de la Fontaine-Froide, née Île-Marchand"[:100]
HOSTILE = (
    "Réponse 👨‍👩‍👧‍👦 avant midi ❤️ 🇫🇷 \U0001F476\U0001F3FD ☐ ☑ ✓ → ∞ ½ ﬁn",
    "نبحث عن مكان لابنتنا ابتداء من شهر يناير، شكرا",
    "我们正在寻找托儿所的名额。谢谢 🙏",
    "שלום, אנחנו מחפשים מקום 12 לתינוק",
    "e\u0301te\u0301 Z\u0351\u036B\u0343a\u0300\u0323 x\u0338 o\u0302\u0323",
    "a\u202Eb\u202Cc\u2066d\u2069e\u200Ff\u00ADg\uFEFFh\u200Bi\u2060j",
    "\uE000privé\uF6C5 \U000F0000 \uFB01 \u0E01\u0E33 \u1100\u1161\u11A8 \U0001D54F",
    "W" * 4000,
    "Ligne\tà\ttabulations\n\n\n\nfin\u2028ligne\u2029paragraphe\u0085suite",
    "<script>alert('&amp;')</script> ]]> %PDF-1.7 (\\) << /JS >> endobj \"«»\"",
    "Ђорђе Ελληνικά Việt Nguyễn ქართული Հայերեն हिन्दी",
    " \u00A0\u202F\u2003\n \n",
)


def corpus():
    """{reference: <demande> as text}: the same each time."""
    made = make_demandes.Demandes(random.Random(4), make_demandes.read_communes(make_demandes.DEFAULT_COMMUNES),
                                  datetime.date(2026, 2, 16))
    codes = sorted(code for code in make_demandes.name_of_communes() if code.startswith("42"))
    out = {}
    for number in range(1, COUNT + 1):
        root = ElementTree.fromstring(made.render(number)[0].replace("<demande>", f'<demande xmlns="{D[1:-1]}">', 1))
        vary(root, number, codes)
        out[root.findtext(D + "reference")] = ElementTree.tostring(root, encoding="unicode")
    return out


def vary(root, number, codes):
    """Every other one as it comes; of the rest each is odd in its own way."""
    def add(parent, name, text=None):
        child = ElementTree.SubElement(parent, D + name)
        child.text = text
        return child

    kind, turn = number % 20, number // 20
    demandeur, enfants, besoins = (root.find(D + name) for name in ("demandeur", "enfants", "besoins"))
    names = [demandeur.find(D + "nom"), demandeur.find(D + "prenom")]
    if kind == 1:
        for name in names:
            name.text = LONG
        for prenom in enfants.iter(D + "prenom"):
            prenom.text = LONG
    elif kind == 3:
        names[0].text, names[1].text = "O", "Ÿ"
    elif kind == 5:
        enfants[:] = []
        for prenom, naissance in (("Zoé", "2023-01-01"), (LONG, "2024-02-29"), ("Jean-Noël-Marie", "2025-03-01")):
            enfant = add(enfants, "enfant")
            add(enfant, "prenom", prenom)
            add(enfant, "dateNaissance", naissance)
    elif kind == 7:  # nothing but what must be there
        enfants[:] = []
        add(add(enfants, "enfant"), "dateNaissancePrevue", "2026-07-01")
        besoins[:] = []
        for comment in root.findall(D + "commentaire"):
            root.remove(comment)
        if demandeur.find(D + "telephone") is not None and demandeur.find(D + "courriel") is not None:
            demandeur.remove(demandeur.find(D + ("telephone" if turn % 2 else "courriel")))
    elif kind == 9:
        wanted = root.find(D + "communesSouhaitees")
        have = {code.text for code in wanted}
        for code in [c for c in codes if c not in have][turn * 20:][:20 - len(have)]:
            add(wanted, "codeInsee", code)
    elif kind == 11:
        adresse = demandeur.find(D + "adresse")
        for line in adresse.findall(D + "ligne"):
            adresse.remove(line)
        for index in range(4):
            line = ElementTree.Element(D + "ligne")
            line.text = f"{index} {LONG}"[:100]
            adresse.insert(index, line)
    elif kind == 13:  # twelve children, every hour of the week
        enfants[:] = enfants[:1]
        for index in range(11):
            enfant = add(enfants, "enfant")
            add(enfant, "dateNaissance", f"2025-{1 + index:02}-28")
        besoins[:] = []
        for jour in make_demandes.JOURS:
            for hour in range(6):
                slot = add(besoins, "creneau")
                for name, text in (("jour", jour), ("heureDebut", f"{4 * hour:02}:05"), ("heureFin", f"{4 * hour + 3:02}:50")):
                    add(slot, name, text)
    elif kind in (15, 17, 19):
        for found in root.findall(D + "commentaire"):
            root.remove(found)
        comment = ElementTree.Element(D + "commentaire")
        comment.text = {
            15: "\n".join(make_demandes.PHRASES[turn:] * 5)[:4000 - turn], 17: HOSTILE[turn % len(HOSTILE)],
            19: HOSTILE[(turn + 10) % len(HOSTILE)] + "\n" + make_demandes.PHRASES[turn],
        }[kind][:4000]
        root.insert(list(root).index(root.find(D + "consentement")), comment)
