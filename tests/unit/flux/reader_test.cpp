#include "flux/reader.h"

#include <algorithm>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "flux_support.h"

using namespace flux_test;
using navette::flux::Limits;

namespace {

const std::string declaration = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
const std::string header =
    "<entete><emetteur>monenfant</emetteur><identifiant>T1</identifiant>"
    "<dateCreation>2026-11-20</dateCreation><heureCreation>04:30:00</heureCreation></entete>\n";

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  const auto at = text.find(what);
  REQUIRE(at != std::string::npos);
  return text.replace(at, what.size(), by);
}

// One line, so that columns are easy to tell; starts at column 1.
std::string demande(const std::string& reference = "R1") {
  return "<demande><reference>" + reference +
         "</reference><dateDemande>2026-11-18</dateDemande><demandeur><civilite>MME</civilite><nom>Secret</nom>"
         "<prenom>Zoé</prenom><adresse><ligne>1 rue X</ligne><codePostal>42000</codePostal>"
         "<commune>Saint-Étienne</commune></adresse><telephone>0199001234</telephone><nonAllocataire/></demandeur>"
         "<enfants><enfant><dateNaissance>2024-03-09</dateNaissance></enfant></enfants>"
         "<modesAccueil><modeAccueil>garde-domicile</modeAccueil></modesAccueil>"
         "<communesSouhaitees><codeInsee>42218</codeInsee></communesSouhaitees>"
         "<periode><dateDebut>2027-01-04</dateDebut></periode><besoins/><commentaire>a  b</commentaire>"
         "<consentement><accord>true</accord><dateConsentement>2026-11-18</dateConsentement></consentement></"
         "demande>\n";
}

std::string totals(int demandes, int enfants) {
  return fmt::format("<totaux><nombreDemandes>{}</nombreDemandes><nombreEnfants>{}</nombreEnfants></totaux>\n",
                     demandes, enfants);
}

// Line 2 is the root, 3 the header, 4 the first record.
std::string flux(const std::string& body) {
  return declaration + "<demandes xmlns=\"urn:navette:demandes:1\" version=\"1\">\n" + header + body + "</demandes>\n";
}

std::string whole(const std::string& bytes, const Limits& limits = {}) {
  Recorder recorder;
  const auto result = read_bytes(bytes, recorder, limits);
  return result.refusal ? text(*result.refusal) : "accepted";
}

// In characters, from 1, of the last `tag` of a line.
long column_of(const std::string& line, const std::string& tag) {
  const auto at = static_cast<std::ptrdiff_t>(line.rfind(tag));
  return 1 + std::count_if(line.begin(), line.begin() + at, [](char c) { return (c & 0xC0) != 0x80; });
}

// The only refusal of a flux whose records are `bad` between two good ones.
std::string between(const std::string& bad) {
  Recorder recorder;
  const auto result = read_bytes(flux(demande("A") + bad + demande("B") + totals(3, 3)), recorder);
  REQUIRE_FALSE(result.refusal);
  CHECK(recorder.demandes.size() == 2);
  CHECK(result.records == 3);
  REQUIRE(recorder.refusals.size() == 1);
  CHECK(recorder.refusals[0].rank == 2);
  return text(recorder.refusals[0].refusal);
}

}  // namespace

TEST_CASE("a record is given with its rank, place and canonical form") {
  Recorder recorder;
  const auto result = read_bytes(flux(demande("A") + demande("B") + totals(2, 2)), recorder);
  REQUIRE_FALSE(result.refusal);
  CHECK(result.header->identifiant == "T1");
  REQUIRE(recorder.demandes.size() == 2);
  const auto& b = recorder.demandes[1];
  CHECK(b.rank == 2);
  CHECK(b.demande.file_stem() == "DI_monenfant_B");
  CHECK(b.demande.communes == std::vector<std::string>{"42218"});
  CHECK(b.demande.enfants.size() == 1);
  CHECK(text(b.position) == "ENREGISTREMENT_INVALIDE 5:1 /demandes/demande[2]");
  CHECK(b.xml.starts_with(declaration + "<demande xmlns=\"urn:navette:demandes:1\"><reference>B</reference>"));
  CHECK(b.xml.find("<commentaire>a  b</commentaire>") != std::string::npos);
}

TEST_CASE("the same demande gives the same bytes whatever its spelling in the flux") {
  std::string odd =
      "<?xml version='1.0' encoding='ISO-8859-1'?>\r\n<!-- c --><p:demandes xmlns:p='urn:navette:demandes:1' "
      "version='1'>" +
      flux(demande() + totals(1, 1)).substr(flux("").find("<entete>"));
  odd = replaced(odd, "Saint-Étienne", "\n  Saint-\xC9tienne <!-- x -->\t");
  odd = replaced(odd, "Zoé", "<![CDATA[Zo\xE9]]>");
  for (std::size_t at = 0; (at = odd.find('<', at)) != std::string::npos;) {
    const bool end = odd[at + 1] == '/';
    const std::size_t name = at + (end ? 2 : 1);
    if (odd[name] >= 'a' && odd[name] <= 'z' && !odd.substr(name).starts_with("p:")) odd.insert(name, "p:");
    at = name;
  }
  for (std::size_t at = 0; (at = odd.find("><p:", at)) != std::string::npos; ++at) odd.insert(at + 1, "\r\n   ");
  Recorder plain;
  Recorder strange;
  REQUIRE_FALSE(read_bytes(flux(demande() + totals(1, 1)), plain).refusal);
  const auto result = read_bytes(odd, strange);
  INFO((result.refusal ? text(*result.refusal) : ""));
  REQUIRE(strange.demandes.size() == 1);
  CHECK(strange.demandes[0].xml == plain.demandes[0].xml);
}

TEST_CASE("a bad record is refused with code, line, column and path; the others go on") {
  // The record stands on line 5; `tag` is where the fault is expected.
  const auto check = [](const std::string& what, const std::string& by, const std::string& tag, const std::string& code,
                        const std::string& path) {
    const std::string bad = replaced(demande(), what, by);
    CHECK(between(bad) == fmt::format("{} 5:{} /demandes/demande[2]{}", code, column_of(bad, tag), path));
  };
  const std::string invalid = "ENREGISTREMENT_INVALIDE";
  check("<reference>R1", "<reference>../../x", "<reference", invalid, "/reference");
  check("<reference>R1", "<reference>a\xC2\x85", "<reference", invalid, "/reference");
  check("2027-01-04", "2027-02-31", "<dateDebut", "DATE_INVALIDE", "/periode/dateDebut");
  check("2027-01-04", "1827-01-04", "<dateDebut", "DATE_INVALIDE", "/periode/dateDebut");
  check("2027-01-04", "31/02/2027", "<dateDebut", invalid, "/periode/dateDebut");
  check("2027-01-04</dateDebut>", "2027-01-04</dateDebut><dateFin>2027-01-03</dateFin>", "<dateFin",
        "DATES_INCOHERENTES", "/periode/dateFin");
  check("42218", "42999", "<codeInsee", "COMMUNE_INCONNUE", "/communesSouhaitees/codeInsee");
  check("<codeInsee>42218", "<codeInsee>42218</codeInsee><codeInsee>42999", "<codeInsee>42999", "COMMUNE_INCONNUE",
        "/communesSouhaitees/codeInsee[2]");
  check("2024-03-09", "2014-03-09", "<enfants>", "NON_ELIGIBLE", "/enfants");
  check("2024-03-09", "2026-11-19", "<dateNaissance", "DATES_INCOHERENTES", "/enfants/enfant/dateNaissance");
  check("2026-11-18</dateConsentement>", "2026-11-19</dateConsentement>", "<dateConsentement", "DATES_INCOHERENTES",
        "/consentement/dateConsentement");
  check("<besoins/>",
        "<besoins><creneau><jour>lundi</jour><heureDebut>09:00</heureDebut><heureFin>09:00</heureFin></creneau></"
        "besoins>",
        "<heureFin", "HORAIRES_INCOHERENTS", "/besoins/creneau/heureFin");
  check("<besoins/>", "", "<commentaire", invalid, "/commentaire");
  check("Zoé", "éééé\xF0\x9F\x91\xB6</prenom><prenom>", "<prenom>", invalid, "/demandeur/prenom[2]");
  // An element of the sender's own is not named.
  check("<besoins/>", "<Dupont/>", "<Dupont", invalid, "");
}

TEST_CASE("a tag that spreads over lines is where it begins") {
  const std::string spread = replaced(demande(), "<dateDebut>2027-01-04", "<!-- é -->\n  <dateDebut\n\n  >x");
  CHECK(between(spread) == "ENREGISTREMENT_INVALIDE 6:3 /demandes/demande[2]/periode/dateDebut");
}

TEST_CASE("places stay true over chunks and threads") {
  std::string body;
  for (int i = 0; i < 2'000; ++i) body += std::string(static_cast<std::size_t>(i % 50), ' ') + demande();
  Recorder recorder;
  REQUIRE_FALSE(read_bytes(flux(body + totals(2'000, 2'000)), recorder).refusal);
  for (const auto& record : recorder.demandes) {
    const auto i = static_cast<long>(record.rank) - 1;
    if (record.position.line != 4 + i || record.position.column != i % 50 + 1) FAIL(text(record.position));
  }
}

TEST_CASE("nothing that is told of a refusal holds a value") {
  Recorder recorder;
  read_bytes(flux(replaced(demande("bad/ref"), "<nom>Secret", "<nom Secret='Secret'>Secret") + totals(1, 1)), recorder);
  REQUIRE(recorder.refusals.size() == 1);
  CHECK(recorder.refusals[0].reference.empty());
  CHECK(text(recorder.refusals[0].refusal).find("Secret") == std::string::npos);
  CHECK(recorder.refusals[0].fragment.find("<nom Secret=\"Secret\">") != std::string::npos);
  CHECK(whole(flux("<Secret>") + "<Secret>").find("Secret") == std::string::npos);
}

TEST_CASE("totals count refused records and their children") {
  Recorder recorder;
  const std::string bad = replaced(demande("B"), "<besoins/>", "");
  CHECK_FALSE(read_bytes(flux(demande("A") + bad + totals(2, 2)), recorder).refusal);
  CHECK(recorder.refusals.size() == 1);
  CHECK(recorder.refusals[0].reference == "B");
  CHECK(whole(flux(demande() + totals(2, 1))) == "TOTAUX_FAUX 5:9 /demandes/totaux/nombreDemandes");
  CHECK(whole(flux(demande() + totals(1, 2))) == "TOTAUX_FAUX 5:43 /demandes/totaux/nombreEnfants");
}

TEST_CASE("the envelope is entete, records, totaux and nothing else") {
  CHECK(whole(flux(demande())) == "ENVELOPPE_INVALIDE 2:1 /demandes");
  CHECK(whole(flux(totals(0, 0))) == "accepted");
  CHECK(whole(flux(totals(0, 0) + demande())) == "ENVELOPPE_INVALIDE 5:1 /demandes/demande");
  CHECK(whole(flux("<autre/>" + totals(0, 0))) == "ENVELOPPE_INVALIDE 4:1 /demandes");
  CHECK(whole(flux("texte" + totals(0, 0))) == "ENVELOPPE_INVALIDE 2:1 /demandes");
  CHECK(whole(flux("<demande xmlns='urn:autre'/>" + totals(1, 0))).starts_with("ENVELOPPE_INVALIDE 4:1 "));
  CHECK(whole(replaced(flux(totals(0, 0)), header, "")) == "ENTETE_INVALIDE 3:1 /demandes/totaux");
  CHECK(whole(replaced(flux(totals(0, 0)), ">T1<", ">a/b<")) == "ENTETE_INVALIDE 3:39 /demandes/entete/identifiant");
  CHECK(whole("<demandes xmlns='urn:navette:demandes:1' version='1'/>") == "ENTETE_INVALIDE 1:1 /demandes");
  CHECK(whole(replaced(flux(totals(0, 0)), "version=\"1\">", "version=\"1\" x='y'>")) ==
        "ENVELOPPE_INVALIDE 2:1 /demandes");
}

TEST_CASE("an unknown kind and an unknown version are told apart") {
  CHECK(whole("<attestation xmlns='urn:navette:attestation:1'/>") == "TYPE_INCONNU 1:1 ");
  CHECK(whole("<demandes/>") == "TYPE_INCONNU 1:1 ");
  CHECK(whole("<demandes xmlns='urn:navette:demandes:2' version='2'/>") == "VERSION_INCONNUE 1:1 /demandes");
  CHECK(whole(replaced(flux(""), "version=\"1\">", "version=\"2\">")) == "VERSION_INCONNUE 2:1 /demandes");
}

TEST_CASE("what is not well-formed, or not text, has its own code") {
  CHECK(whole("") == "FICHIER_VIDE 0:0 ");
  CHECK(whole(flux(demande()).substr(0, 500)).starts_with("XML_MAL_FORME 4:"));
  CHECK(whole(flux("<a></b>")).starts_with("XML_MAL_FORME 4:"));
  CHECK(whole(flux("&inconnue;")).starts_with("XML_MAL_FORME 4:"));
  CHECK(whole(flux(totals(0, 0)) + "<a/>").starts_with("XML_MAL_FORME 6:"));
  CHECK(whole("PK\x03\x04") == "XML_MAL_FORME 1:1 ");
  CHECK(whole(flux(std::string("<a>é\0</a>", 10))) == "XML_MAL_FORME 4:5 /demandes");
  CHECK(whole(flux("<a>é\xE9</a>")) == "ENCODAGE_INVALIDE 4:5 /demandes");
  CHECK(whole("\xFF\xFE<\0") == "ENCODAGE_INVALIDE 1:1 ");
  CHECK(whole("<?xml version='1.0' encoding='windows-1252'?><a/>") == "ENCODAGE_INVALIDE 1:1 ");
  CHECK(whole("\xEF\xBB\xBF" + flux(totals(0, 0))) == "accepted");
}

TEST_CASE("DOCTYPE is refused whatever it holds") {
  const auto with = [](const std::string& doctype) {
    return whole(replaced(flux(demande()), "\n<", "\n" + doctype + "<"));
  };
  CHECK(with("<!DOCTYPE demandes>").starts_with("DOCTYPE_INTERDIT 2:"));
  CHECK(with("<!DOCTYPE d SYSTEM 'file:///etc/passwd'>").starts_with("DOCTYPE_INTERDIT 2:"));
  CHECK(with("<!DOCTYPE d [<!ENTITY a 'lol'><!ENTITY b '&a;&a;&a;'>]>").starts_with("DOCTYPE_INTERDIT 2:"));
  CHECK(with("<!DOCTYPE d [<!ENTITY a SYSTEM 'http://127.0.0.1:9/'>]>").starts_with("DOCTYPE_INTERDIT 2:"));
}

TEST_CASE("limits of depth, and of size outside of a record, refuse the whole") {
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += "<a>";
  CHECK(whole(flux("<demande>" + deep)) == "PROFONDEUR_EXCESSIVE 4:100 /demandes/demande[1]");
  const std::string long_header = replaced(flux(totals(0, 0)), ">T1<", ">" + std::string(70'000, 'x') + "<");
  CHECK(whole(long_header).starts_with("TEXTE_EXCESSIF 3:"));
  CHECK(whole(flux("<demande a='" + std::string(3'000'000, 'x') + "'/>")).starts_with("TEXTE_EXCESSIF "));
  CHECK(whole(flux("<!--" + std::string(3'000'000, 'x') + "-->")).starts_with("TEXTE_EXCESSIF "));
}

TEST_CASE("what is too large in a record refuses that record; the others go on, and the totals still count") {
  const auto with = [](const std::string& before_the_children) {
    return replaced(demande("X"), "<enfants>", before_the_children + "<enfants>");
  };
  const auto commentaire = [](const std::string& text) { return "<commentaire>" + text + "</commentaire>"; };
  CHECK(between(with(commentaire(std::string(70'000, 'x')))).starts_with("TEXTE_EXCESSIF 5:"));
  std::string accents = "x";  // no character is cut in two
  for (int i = 0; i < 40'000; ++i) accents += "é";
  CHECK(between(with(commentaire(accents))).starts_with("TEXTE_EXCESSIF 5:"));
  const std::string attribute = replaced(demande("X"), "<demande>", "<demande a='" + std::string(70'000, 'x') + "'>");
  CHECK(between(attribute) == "TEXTE_EXCESSIF 5:1 /demandes/demande[2]");
  // The child stands behind what goes beyond the limit, and is counted all the same.
  std::string wide;
  for (int i = 0; i < 6'000; ++i) wide += "<a/>";
  CHECK(between(with(commentaire(wide))).starts_with("TAILLE_EXCESSIVE 5:"));
  std::string large;
  for (int i = 0; i < 30; ++i) large += commentaire(std::string(60'000, 'x'));
  CHECK(between(with(large)).starts_with("TAILLE_EXCESSIVE 5:"));
}

TEST_CASE("a handler refuses the whole flux at its header, or stops between records") {
  Recorder recorder;
  recorder.sender = "caf-421";
  const auto result = read_bytes(flux(demande()), recorder);
  CHECK(text(*result.refusal) == "EMETTEUR_DIFFERENT 3:9 /demandes/entete/emetteur");
  Recorder stopping;
  stopping.stop_after = 1;
  const auto stopped = read_bytes(flux(demande("A") + demande("B") + totals(2, 2)), stopping);
  CHECK(stopped.interrupted);
  CHECK(stopping.demandes.size() == 1);
}

TEST_CASE("many records come in order, whichever thread judged them") {
  std::string body;
  for (int i = 0; i < 3'000; ++i) body += i % 7 == 0 ? "<demande/>" : demande(fmt::format("R{}", i));
  Recorder recorder;
  const auto result = read_bytes(flux(body + totals(3'000, 2'571)), recorder);
  REQUIRE_FALSE(result.refusal);
  CHECK(recorder.demandes.size() == 2'571);
  CHECK(recorder.refusals.size() == 429);
  CHECK(std::is_sorted(recorder.demandes.begin(), recorder.demandes.end(),
                       [](const auto& a, const auto& b) { return a.rank < b.rank; }));
  CHECK(recorder.refusals[1].refusal.path == "/demandes/demande[8]");
}

TEST_CASE("what a handler throws comes out, from the middle of a long flux too") {
  struct Throwing final : navette::flux::Handler {
    std::optional<navette::model::Objection> header(const navette::flux::Header& /*h*/) override {
      return std::nullopt;
    }
    void demande(navette::flux::DemandeRecord record) override {
      if (record.rank == 500) throw navette::Error("disk full");
    }
    void refused(navette::flux::RefusedRecord /*record*/) override {}
  };
  std::string body;
  for (int i = 0; i < 2'000; ++i) body += demande();
  const auto fd = file_of(flux(body));
  Throwing handler;
  CHECK_THROWS_WITH(navette::flux::read(fd.get(), schemas(), communes(), handler), "disk full");
}
