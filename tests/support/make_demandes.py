#!/usr/bin/env python3
"""Makes flux of invented demandes (or habilitations) of any size, for tests and benches.

  make_demandes.py 1000 -o demandes.xml                       1,000 demandes
  make_demandes.py --size-mb 250 -o demandes.xml              about 250 MB of demandes
  make_demandes.py 1000 --bad-every 10 -o demandes.xml        one demande in ten must be refused
  make_demandes.py 200 --habilitations epci.tsv -o hab.xml    conventions holding 200 lieux

The same options give the same bytes. Memory does not grow with the count. People are invented, their numbers lie in
the ranges that Arcep keeps for fiction, their mail in example.fr and example.org; communes are real.
"""
import argparse
import csv
import datetime
import os
import random
import re
import sys
from xml.sax.saxutils import escape

HERE = os.path.dirname(os.path.abspath(__file__))
COMMUNES_TSV = os.path.join(HERE, "..", "..", "data", "communes.tsv")
INSEE = re.compile(r"([0-9]{2}|2[AB])[0-9]{3}")

# Towns of the Loire, the département of the sample habilitations.
DEFAULT_COMMUNES = "42218,42207,42186,42095,42147,42279,42022,42187,42120,42182,42094,42184"

NOMS = """Abgrall Aït-Ouarab Bérenger Bonnefoy Boutaïeb Cœurdevey Chazalviel D'Haëne Delaunoÿ Désormière Étchegaray
Faÿolle Février Garçonnet Guéguen Hô-Thanh Île-Marchand Jaÿet Kérautret Kowalczyk Lebœuf L'Hénoret Le\xa0Bihan-Rousse
Maïsetti Müllenbach Nguyễn Noëllat N'Diayète Ouédraogho Pécoud Périgaud-Lassagne Quénéhervé Rabetokotany Rochetaillade
Saint-Flavien Señoret Szymański Tchakountéo Thévenoux Tuaivaïao Uzandizaga Vaïsse-Montély Vercoustre Wœhrling Yıldırımer
Ÿvrande Zouaouïne""".split()
PRENOMS = """Adèle Aïcha Anaïs André-Luc Aurélien Bénédicte Camille Chloé Clémence Cyrille Danièle Élodie Émile Éric
Fabien Fatoumata François Gaëlle Gaël Hélène Héloïse Inès Irène Jean-Noël Jérôme Joëlle Kévin Khadija Léa Léonie Loïc
Maëlle Maïwenn Marie-Ève Mélanie Mickaël Naïma Noémie Océane Özlem Pénélope Raphaël Rémi Séverine Solène Stéphane Théo
Thérèse Ulysse Valérie Véronique Xavière Yaël Zoé""".split()
ENFANTS = """Agathe Aliénor Ambre Anatole Basile Célestin Chloé Côme Éden Éléa Élio Éloi Gaspard Gaétan Inaya Isaïe
Jeanne Joséphine Léandre Lison Loïs Maël Malo Marceau Naël Noé Ophélie Rose Sacha Tiago Timéo Yuna Zélie""".split()
VOIES = """rue des Capucines;avenue du Levant;chemin des Épinettes;impasse du Vieux-Lavoir;place de la Halle-aux-Grains;
boulevard des Peupliers;allée des Hêtres;montée de la Fontaine-Froide;rue de l'Arc-en-Ciel;quai des Bateliers;
rue du Onze-Février;sentier de l'Écureuil""".replace("\n", "").split(";")
PHRASES = """Nous emménageons au printemps et cherchons une place dès notre arrivée.
L'aînée est déjà scolarisée ; seul le plus jeune a besoin d'un accueil.
Mes horaires changent une semaine sur deux, je peux fournir un planning.
Nous préférons une structure proche de la gare, accessible en transports en commun.
Notre enfant a une allergie à l'œuf, signalée à son médecin.
Une solution provisoire nous conviendrait en attendant la rentrée.
Le père travaille de nuit ; la mère reprend son activité à l'issue du congé parental.
Merci de nous rappeler après 17 h 30, plutôt en début de semaine.
Nous souhaitons visiter les lieux avant de nous engager.
Un accueil à temps partiel, deux à trois jours par semaine, suffirait.
Pourriez-vous aussi nous indiquer les aides « à la garde » auxquelles nous avons droit ?
Nous n'avons pas de voiture & cherchons à moins de 2 km (à pied ou à vélo).
Les grands-parents peuvent dépanner le mercredi, pas les autres jours.
C'est notre première demande : toute information nous sera précieuse.
Jumeaux attendus : nous aimerions qu'ils soient accueillis ensemble.""".split("\n")
TELEPHONES = ("019900", "026191", "035301", "046571", "053649", "063998")
JOURS = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")
MODES = ("creche-collective", "assistante-maternelle", "garde-domicile")


def ascii_mail(text):
    for letters, plain in (("àâäãá", "a"), ("éèêëễ", "e"), ("îïı", "i"), ("ôöõóồ", "o"), ("ûüùúư", "u"), ("ÿ", "y"),
                           ("ç", "c"), ("œ", "oe"), ("ñń", "n"), ("ö", "o")):
        for letter in letters:
            text = text.replace(letter, plain).replace(letter.upper(), plain)
    return re.sub(r"[^a-z0-9-]", "", text.lower()).strip("-") or "famille"


def name_of_communes():
    with open(COMMUNES_TSV, encoding="utf-8", newline="") as file:
        return {row["code"]: row["nom"] for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)}


def code_postal(insee):
    """A postal code of the département, not the commune's own: nothing reads it but people."""
    if insee[0] == "2" and insee[1] in "AB":
        return "20" + ("0" if insee[1] == "A" else "2") + "00"
    return (insee[:3] + "00") if insee.startswith(("97", "98")) else insee[:2] + "000"


def read_communes(option):
    """--communes: a file, whose lines begin with an INSEE code, or a list of codes."""
    names = name_of_communes()
    if os.path.exists(option):
        with open(option, encoding="utf-8") as file:
            codes = [fields[0] for fields in (line.split() for line in file) if fields and INSEE.fullmatch(fields[0])]
    else:
        codes = option.replace(",", " ").split()
        for code in codes:
            if not INSEE.fullmatch(code):
                sys.exit(f"make_demandes: neither a file nor INSEE codes: {option}")
    if not codes:
        sys.exit(f"make_demandes: no commune in {option}")
    return [(code, escape(names.get(code, "Commune " + code))) for code in codes]


class Demandes:
    """Renders demandes one by one. What is costly and repeats (weeks, dates) is rendered once."""

    def __init__(self, rng, communes, date):
        self.rng, self.communes, self.date = rng, communes, date
        self.days_before = [(date - datetime.timedelta(days=n)).isoformat() for n in range(6 * 365)]
        self.days_after = [(date + datetime.timedelta(days=n)).isoformat() for n in range(800)]
        self.weeks = [self.week() for _ in range(96)]
        self.lines = [escape(phrase) for phrase in PHRASES]
        self.noms = [(escape(nom), ascii_mail(nom)) for nom in NOMS]
        self.prenoms = [(escape(prenom), ascii_mail(prenom)) for prenom in PRENOMS]
        self.voies = [escape(voie) for voie in VOIES]

    def week(self):
        """A week's needs: one or two slots a day."""
        rng, slots = self.rng, []
        days = rng.sample(JOURS[:5], rng.choice((2, 3, 4, 5, 5, 5))) + rng.choice(([], [], [], ["samedi"], ["dimanche"]))
        for day in sorted(days, key=JOURS.index):
            start, end = rng.choice((6, 7, 7, 8, 8, 9)), rng.choice((16, 17, 17, 18, 18, 19, 20))
            quarter = rng.choice(("00", "15", "30", "45"))
            if rng.random() < 0.25:
                slots += [(day, f"{start:02}:{quarter}", "12:00"), (day, "13:30", f"{end:02}:{quarter}")]
            elif rng.random() < 0.04:
                slots += [(day, "00:00", "06:30"), (day, "20:00", "24:00")]
            else:
                slots.append((day, f"{start:02}:{quarter}", f"{end:02}:{quarter}"))
        return "".join(
            f"      <creneau>\n        <jour>{d}</jour>\n        <heureDebut>{a}</heureDebut>\n"
            f"        <heureFin>{b}</heureFin>\n      </creneau>\n" for d, a, b in slots)

    def render(self, number, bad=None):
        """One demande and its number of children. bad: None, or the way in which it must be refused."""
        rand = self.rng.random

        def pick(choices):
            return choices[int(rand() * len(choices))]

        reference = f"DI{self.date.year}-{number:08d}"
        insee, commune = pick(self.communes)
        (nom, mail_nom), (prenom, mail_prenom) = pick(self.noms), pick(self.prenoms)
        asked = self.days_before[int(rand() * 10)]

        contact = ""
        how = rand()
        if how < 0.9:
            contact = (f"      <courriel>{mail_prenom}.{mail_nom}{number % 1000}@example."
                       f"{'fr' if rand() < 0.7 else 'org'}</courriel>\n")
        if how >= 0.25:
            tel = f"{pick(TELEPHONES)}{int(rand() * 10000):04d}"
            contact += f"      <telephone>{tel if rand() < 0.85 else '+33' + tel[1:]}</telephone>\n"
        if rand() < 0.7:
            matricule = f"{int(rand() * 1e7):07d}" if rand() < 0.8 else f"{int(rand() * 1e13):013d}AB"
            allocataire = ("      <allocataire>\n"
                           f"        <numeroAllocataire>{matricule}</numeroAllocataire>\n      </allocataire>\n")
        else:
            allocataire = "      <nonAllocataire/>\n"

        enfants, count, start = [], 1 + int(rand() * rand() * 4), 30 + int(rand() * 330)
        for index in range(count):
            line = f"        <prenom>{pick(ENFANTS)}</prenom>\n"
            if index == 0 and bad == "NON_ELIGIBLE":
                line += "        <dateNaissance>2011-03-14</dateNaissance>\n"
            elif bad == "NON_ELIGIBLE":
                line += "        <dateNaissance>2013-09-02</dateNaissance>\n"
            elif rand() < 0.2:
                due = 20 + int(rand() * 200)
                start = max(start, due + 70)
                line = f"        <dateNaissancePrevue>{self.days_after[due]}</dateNaissancePrevue>\n"
            else:
                # Under six on the day of the demande (R3): 2,180 days are less than six years, even less ten.
                line += f"        <dateNaissance>{self.days_before[40 + int(rand() * 2140)]}</dateNaissance>\n"
            enfants.append(f"      <enfant>\n{line}      </enfant>\n")

        first = int(rand() * 3)
        modes = [MODES[(first + index) % 3] for index in range(1 + int(rand() * 3))]
        wanted = {insee: None}
        while rand() < 0.35:
            wanted[pick(self.communes)[0]] = None
        if bad == "COMMUNE_INCONNUE":
            wanted = {"42999": None}
        end = f"      <dateFin>{self.days_after[start + 60 + int(rand() * 380)]}</dateFin>\n" if rand() < 0.5 else ""
        week = pick(self.weeks)
        if bad == "HORAIRES_INCOHERENTS":
            week = ("      <creneau>\n        <jour>lundi</jour>\n        <heureDebut>18:00</heureDebut>\n"
                    "        <heureFin>08:00</heureFin>\n      </creneau>\n")
        comment = ""
        if rand() < 0.75:
            at = int(rand() * len(self.lines))
            comment = "\n".join((self.lines + self.lines)[at:at + 3 + int(rand() * 12)])
            comment = f"    <commentaire>{comment}</commentaire>\n"

        begin = self.days_after[start]
        if bad == "ENREGISTREMENT_INVALIDE":
            kind = number % 3
            if kind == 0:
                contact = ""
            elif kind == 1:
                begin = "2027-02-31"
            else:
                reference = "../" + reference

        return (
            f"  <demande>\n    <reference>{reference}</reference>\n    <dateDemande>{asked}</dateDemande>\n"
            f"    <demandeur>\n      <civilite>{'MME' if rand() < 0.7 else 'M'}</civilite>\n      <nom>{nom}</nom>\n"
            f"      <prenom>{prenom}</prenom>\n      <adresse>\n"
            f"        <ligne>{1 + int(rand() * 140)} {pick(self.voies)}</ligne>\n"
            f"        <codePostal>{code_postal(insee)}</codePostal>\n        <commune>{commune}</commune>\n"
            f"      </adresse>\n{contact}{allocataire}    </demandeur>\n    <enfants>\n{''.join(enfants)}    </enfants>\n"
            f"    <modesAccueil>\n"
            + "".join(f"      <modeAccueil>{mode}</modeAccueil>\n" for mode in modes) +
            "    </modesAccueil>\n    <communesSouhaitees>\n"
            + "".join(f"      <codeInsee>{code}</codeInsee>\n" for code in wanted) +
            f"    </communesSouhaitees>\n    <periode>\n      <dateDebut>{begin}</dateDebut>\n{end}    </periode>\n"
            f"    <besoins>\n{week}    </besoins>\n{comment}    <consentement>\n      <accord>true</accord>\n"
            f"      <dateConsentement>{asked}</dateConsentement>\n    </consentement>\n  </demande>\n"), count


BAD = ("ENREGISTREMENT_INVALIDE", "COMMUNE_INCONNUE", "NON_ELIGIBLE", "HORAIRES_INCOHERENTS")


def entete(flux, emetteur, identifiant, date):
    return (f'<?xml version="1.0" encoding="UTF-8"?>\n<{flux} xmlns="urn:navette:{flux}:1" version="1">\n  <entete>\n'
            f"    <emetteur>{emetteur}</emetteur>\n    <identifiant>{identifiant}</identifiant>\n"
            f"    <dateCreation>{date.isoformat()}</dateCreation>\n    <heureCreation>04:30:00</heureCreation>\n"
            "  </entete>\n")


def write_demandes(options, out):
    demandes = Demandes(random.Random(options.seed), read_communes(options.communes), options.date)
    size = out.write(entete("demandes", options.emetteur, options.identifiant, options.date).encode())
    limit = int(options.size_mb * 1e6) if options.size_mb else None
    number = children = bad = 0
    while number < options.count if limit is None else size < limit:
        number += 1
        kind = None
        if options.bad_every and number % options.bad_every == 0:
            kind, bad = BAD[bad % len(BAD)], bad + 1
        text, count = demandes.render(number, kind)
        children += count
        size += out.write(text.encode())
    out.write((f"  <totaux>\n    <nombreDemandes>{number}</nombreDemandes>\n    <nombreEnfants>{children}</nombreEnfants>\n"
               "  </totaux>\n</demandes>\n").encode())


def luhn(digits):
    """Whether a number passes Luhn's check."""
    total = 0
    for index, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + index % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def siret(siren):
    """A SIRET of this SIREN: its first plausible NIC."""
    return next(siren + nic for nic in (f"0001{n}" for n in range(10)) if luhn(siren + nic))


def write_habilitations(options, out):
    rng = random.Random(options.seed)
    departements = tuple(options.departements.replace(",", " ").split()) if options.departements else ()
    with open(options.habilitations, encoding="utf-8", newline="") as file:
        epci = []
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            codes = [code for code in row["communes"].split() if not departements or code.startswith(departements)]
            if codes and luhn(row["siren"]):
                epci.append((row["siren"], row["nom"], codes))
    # One lieu for each convention; when there are more lieux than EPCI, as many for each as it takes.
    epci = epci[:options.count]
    lieux = [1] * len(epci)
    missing, index = options.count - len(epci), 0
    room = sum(min(len(codes), 500) for _, _, codes in epci)
    if missing > 0 and room < options.count:
        sys.exit(f"make_demandes: {options.count} lieux asked for, room for {room}")
    while missing > 0:
        if lieux[index] < min(len(epci[index][2]), 500):
            lieux[index], missing = lieux[index] + 1, missing - 1
        index = (index + 1) % len(epci)

    names = name_of_communes()
    signed = (options.date - datetime.timedelta(days=200)).isoformat()
    active = (options.date - datetime.timedelta(days=180)).isoformat()
    out.write(entete("habilitations", options.emetteur, options.identifiant, options.date).encode())
    out.write(b"  <contactsCaf>\n    <contact><courriel>lieux-information@example.org</courriel></contact>\n  </contactsCaf>\n")
    for number, ((siren, nom, codes), count) in enumerate(zip(epci, lieux), 1):
        seat, town = code_postal(codes[0]), escape(names.get(codes[0], "Commune"))
        adresse = ("<adresse><ligne>1 place de la Halle-aux-Grains</ligne>"
                   f"<codePostal>{seat}</codePostal><commune>{town}</commune></adresse>")
        text = (f"  <convention>\n    <numero>CLI{options.date.year}_{number:05d}</numero>\n    <version>1</version>\n"
                f"    <type>lieu-information</type>\n    <dateSignature>{signed}</dateSignature>\n"
                f"    <dateActivation>{active}</dateActivation>\n    <dateEffet>{active}</dateEffet>\n"
                f"    <partenaire>\n      <siret>{siret(siren)}</siret>\n      <nom>{escape(nom)}</nom>\n      {adresse}\n"
                "    </partenaire>\n    <personnes>\n")
        for person, role in enumerate(("gestionnaire-principal", "agent"), 1):
            p_nom, p_prenom = rng.choice(NOMS), rng.choice(PRENOMS)
            text += (f"      <personne><numero>A{number:05d}-{person}</numero><civilite>{rng.choice(('M', 'MME'))}</civilite>"
                     f"<nom>{escape(p_nom)}</nom><prenom>{escape(p_prenom)}</prenom>"
                     f"<courriel>{ascii_mail(p_prenom)}.{ascii_mail(p_nom)}{number}-{person}@example.org</courriel>"
                     f"<role>{role}</role><dateDebut>{active}</dateDebut></personne>\n")
        cadence = "<immediat/>" if rng.random() < 0.3 else f"<quotidien>{rng.choice(('06:00', '07:30'))}</quotidien>"
        text += (f"    </personnes>\n    <delaiRetrait>{rng.randint(5, 15)}</delaiRetrait>\n    <conservation>6</conservation>\n"
                 f"    <cadence>{cadence}</cadence>\n    <lieux>\n")
        for lieu in range(count):
            identifiant = f"lieu-{siren}" + (f"-{lieu + 1}" if lieu else "")
            text += (f"      <lieu>\n        <identifiant>{identifiant}</identifiant>\n"
                     f"        <nom>Relais petite enfance n° {lieu + 1} – {escape(nom[:150])}</nom>\n        <communes>\n"
                     + "".join(f"          <codeInsee>{code}</codeInsee>\n" for code in codes[lieu::count])
                     + "        </communes>\n        <canal><depot/></canal>\n      </lieu>\n")
        out.write((text + "    </lieux>\n  </convention>\n").encode())
    out.write((f"  <totaux>\n    <nombreConventions>{len(epci)}</nombreConventions>\n  </totaux>\n"
               "</habilitations>\n").encode())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("count", type=int, nargs="?", help="number of demandes (of lieux with --habilitations)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--date", type=datetime.date.fromisoformat, default=datetime.date(2026, 11, 20),
                        help="day of the flux (default 2026-11-20)")
    parser.add_argument("--communes", default=DEFAULT_COMMUNES,
                        help="a file whose lines begin with an INSEE code, or a list of codes (default: the Loire)")
    parser.add_argument("--emetteur", help="default: monenfant, or caf-421 with --habilitations")
    parser.add_argument("--identifiant", help="default: made of the date, the seed and the count")
    parser.add_argument("--bad-every", type=int, default=0, metavar="K",
                        help="every K-th demande is refused: in turn " + ", ".join(BAD))
    parser.add_argument("--size-mb", type=float, help="stop at this size, in 10^6 bytes, instead of a count")
    parser.add_argument("--habilitations", metavar="EPCI", help="conventions from a table of EPCI (siren, nom, communes)")
    parser.add_argument("--departements", help="with --habilitations: only the communes of these, for instance 42,43")
    parser.add_argument("-o", "--output", required=True, help="- for standard output")
    options = parser.parse_args()
    if options.count is None and (options.size_mb is None or options.habilitations):
        parser.error("a count is needed (or --size-mb)")
    options.emetteur = options.emetteur or ("caf-421" if options.habilitations else "monenfant")
    options.identifiant = options.identifiant or (
        f"{'HAB' if options.habilitations else 'DI'}-{options.date.isoformat()}-{options.seed}-"
        f"{options.count if options.size_mb is None else f'{options.size_mb:g}MB'.replace('.', '_')}")
    out = sys.stdout.buffer if options.output == "-" else open(options.output, "wb", buffering=1 << 20)
    with out:
        (write_habilitations if options.habilitations else write_demandes)(options, out)


if __name__ == "__main__":
    main()
