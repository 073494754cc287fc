#include <regex>

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/heartbeat.h"
#include "base/text.h"
#include "support/stage_site.h"

using namespace navette;
using test::replaced;
using test::slurp;
using test::StageSite;
using text::split;

namespace {

std::string sample(const std::string& name) {
  return slurp("tests/data/" + name);
}
std::string sender_of(const std::string& name) {
  if (name.starts_with("retrait")) return "rpe-gier";
  return name.find("habilitations") == std::string::npos ? "monenfant" : "caf-421";
}

void deliver_remises(StageSite& site) {
  for (const char* name : {"rpe-gier-20261119-1", "rpe-gier-20261119-2"}) site.remise(name, "rpe-gier");
  site.remise("rpe-gier-20261119-3", "rpe-gier", "prete");
  site.remise("rpe-ondaine-20261119-1", "rpe-ondaine");
}

std::string codes_of_last(const StageSite& site) {
  return site.text(
      "SELECT coalesce(group_concat(code, ' '), '') FROM (SELECT code FROM refus WHERE flux_id = (SELECT max(id) FROM "
      "flux) AND genre = 'refus' ORDER BY rang)");
}

// Without the blanks around it.
std::string line_at(const std::string& bytes, std::int64_t line) {
  const std::string text = split(bytes, '\n').at(static_cast<std::size_t>(line - 1));
  return text.substr(text.find_first_not_of(' '));
}

bool is_valid_accuse(const std::filesystem::path& file) {
  const std::string command = "xmllint --noout --nonet --schema xsd/accuse-1.xsd '" + file.string() + "' 2>/dev/null";
  return std::system(command.c_str()) == 0;
}

std::string first_demande(const std::string& identifiant, const std::string& reference) {
  return replaced(replaced(sample("demandes/ok-minimale.xml"), "T-ok-minimale", identifiant),
                  "<reference>A</reference>", "<reference>" + reference + "</reference>");
}

// A flux of n demandes.
std::string many(int n) {
  std::string bytes = sample("demandes/ok-minimale.xml");
  const auto begin = bytes.find("  <demande>");
  const auto end = bytes.find("  <totaux>");
  const std::string record = bytes.substr(begin, end - begin);
  std::string records;
  for (int i = 0; i < n; ++i) records += replaced(record, ">A<", ">R" + std::to_string(i) + "<");
  bytes.replace(begin, end - begin, records);
  return replaced(replaced(bytes, "<nombreDemandes>1<", "<nombreDemandes>" + std::to_string(n) + "<"),
                  "<nombreEnfants>1<", "<nombreEnfants>" + std::to_string(n) + "<");
}

// A convention that lists rpe-gier, as a record; `end`: its last day, empty for none.
std::string for_rpe_gier(const std::string& numero, const std::string& effect, const std::string& end) {
  const std::string bytes = sample("habilitations/bad-lieu-rattache-ailleurs.xml");
  const auto begin = bytes.rfind("  <convention>");
  std::string record = bytes.substr(begin, bytes.find("  <totaux>") - begin);
  record = replaced(record, "CLI2026_00031", numero);
  record = replaced(record, "<dateSignature>2026-05-18<", "<dateSignature>" + effect + "<");
  record = replaced(record, "<dateActivation>2026-06-01<", "<dateActivation>" + effect + "<");
  record = replaced(record, "<dateEffet>2026-06-01<", "<dateEffet>" + effect + "<");
  if (end.empty()) return record;
  return replaced(record, "    <partenaire>",
                  "    <resiliation><cause>commun-accord</cause><dateReception>" + end + "</dateReception><dateFin>" +
                      end + "</dateFin></resiliation>\n    <partenaire>");
}

// The first convention of that sample, which opens no lieu.
std::string sample_structures() {
  const std::string bytes = sample("habilitations/bad-lieu-rattache-ailleurs.xml");
  const auto begin = bytes.find("  <convention>");
  return bytes.substr(begin, bytes.rfind("  <convention>") - begin);
}

// A flux of these records; each later than the one before.
std::string habilitations(const std::vector<std::string>& records) {
  static int serial = 0;
  std::string bytes = sample("habilitations/ok-vide.xml");
  bytes = std::regex_replace(bytes, std::regex("<identifiant>.*</identifiant>"),
                             "<identifiant>H-" + std::to_string(++serial) + "</identifiant>");
  bytes = std::regex_replace(bytes, std::regex("<heureCreation>.*</heureCreation>"),
                             "<heureCreation>18:" + std::to_string(10 + serial / 50) + ":" +
                                 std::to_string(10 + serial % 50) + "</heureCreation>");
  bytes = replaced(bytes, "<nombreConventions>0<", "<nombreConventions>" + std::to_string(records.size()) + "<");
  return replaced(bytes, "  <totaux>", text::join(records, "") + "  <totaux>");
}

const std::string ended = for_rpe_gier("CLI2024", "2024-10-01", "2025-09-30");
const std::string successor = for_rpe_gier("CLI2025", "2025-10-01", "");

struct AtServer {
  std::string directory;
  bool flat = true;  // no directory a remise
  std::string returns{};
  std::string host = "sftp.example.org";
  std::string effect = "2025-10-01";
  std::string end{};
  std::string secret = "cle";
};

// A convention of a lieu of its own at a partner's server.
std::string at_server(const std::string& lieu, const AtServer& at) {
  const std::string canal =
      "<canal><sftp><hote>" + at.host + "</hote><port>22</port><utilisateur>caf</utilisateur><identifiantSecret>" +
      at.secret + "</identifiantSecret><hotesConnus>hotes</hotesConnus><repertoire>" + at.directory +
      "</repertoire><renommage>true</renommage><ecrasement>false</ecrasement><creationRepertoire>" +
      (at.flat ? "false" : "true") +
      "</creationRepertoire><controleTaille>true</controleTaille><preuveRetrait>aucune</preuveRetrait>" +
      (at.returns.empty() ? "" : "<repertoireRetour>" + at.returns + "</repertoireRetour>") +
      "<connexions>1</connexions></sftp></canal>";
  return std::regex_replace(replaced(for_rpe_gier("CLI-" + lieu, at.effect, at.end), ">rpe-gier<", ">" + lieu + "<"),
                            std::regex("<canal>.*</canal>"), canal);
}

// The codes of the second flux, or of the one that there is.
std::string refused(const std::vector<std::string>& flux_one, const std::vector<std::string>& flux_two) {
  StageSite site;
  site.take_in("caf-421", habilitations(flux_one));
  if (!flux_two.empty()) site.take_in("caf-421", habilitations(flux_two));
  return codes_of_last(site);
}

}  // namespace

TEST_CASE("every sample is taken in as expected.tsv says, and its accusé is valid") {
  std::size_t count = 0;
  for (const auto& line : split(sample("expected.tsv"), '\n')) {
    const auto fields = split(line, '\t');
    if (fields.size() < 3 || line[0] == '#') continue;
    ++count;
    INFO(fields[0]);
    StageSite site;
    if (fields.size() > 3) {
      for (const auto& before : split(fields[3], ' ')) {
        if (!before.empty())
          REQUIRE_THAT(site.take_in(sender_of(before), sample(before)), Catch::StartsWith("accepte"));
      }
    }
    if (fields[0].starts_with("retrait")) deliver_remises(site);
    const std::string whole = site.take_in(sender_of(fields[0]), sample(fields[0]));
    if (fields[1] == "refuse") {
      CHECK(whole == "refuse " + fields[2]);
      CHECK(site.number("SELECT count(*) FROM demande") == 0);
    } else {
      CHECK(whole == fields[1] + " ");
      CHECK(codes_of_last(site) == fields[2]);
    }
    const auto accuse = site.text("SELECT accuse FROM flux ORDER BY id DESC LIMIT 1");
    CHECK(is_valid_accuse(site.in("accuses/" + sender_of(fields[0])) / accuse));
    CHECK(site.names("travail/" + sender_of(fields[0])).empty());
    // What is refused is kept, with its accusé beside.
    const auto kept = site.names("rejet/" + sender_of(fields[0]));
    CHECK(kept.size() == (fields[1] == "accepte" ? 0U : 2U));
  }
  CHECK(count > 100);
}

TEST_CASE("the same flux again is a DOUBLON, another under the same identifier a CONFLIT; both leave the first alone") {
  StageSite site;
  CHECK(site.take_in("monenfant", first_demande("ID1", "A")) == "accepte ");
  CHECK(site.take_in("monenfant", first_demande("ID1", "A")) == "doublon DOUBLON");
  CHECK(site.take_in("monenfant", first_demande("ID1", "B")) == "refuse CONFLIT");
  CHECK(site.number("SELECT count(*) FROM demande") == 1);
  CHECK(site.names("accuses/monenfant").size() == 3);
  for (const auto& name : site.names("accuses/monenfant")) CHECK(is_valid_accuse(site.in("accuses/monenfant") / name));
}

TEST_CASE("a refused flux uses up neither identifier nor references: it may come again, corrected") {
  StageSite site;
  const std::string bad = replaced(first_demande("ID1", "A"), "<nombreDemandes>1<", "<nombreDemandes>2<");
  CHECK(site.take_in("monenfant", bad) == "refuse TOTAUX_FAUX");
  CHECK(site.take_in("monenfant", bad) == "refuse TOTAUX_FAUX");
  CHECK(site.take_in("monenfant", first_demande("ID1", "A")) == "accepte ");
}

TEST_CASE("an unknown sender and a kind that is not the sender's are refused") {
  StageSite site;
  CHECK(site.take_in("inconnu", sample("demandes/ok-minimale.xml")) == "refuse EMETTEUR_INCONNU");
  CHECK(site.take_in("monenfant", sample("habilitations/ok-annexe-loire.xml")) == "refuse TYPE_NON_AUTORISE");
  CHECK(site.take_in("caf-421", sample("demandes/ok-minimale.xml")) == "refuse TYPE_NON_AUTORISE");
}

TEST_CASE("a channel that this navette does not serve refuses its convention") {
  StageSite site;
  site.served = {"depot", "sftp"};
  site.take_in("caf-421", sample("habilitations/ok-canaux.xml"));
  CHECK_THAT(codes_of_last(site), Catch::Contains("CANAL_INDISPONIBLE"));
}

TEST_CASE("a demande of tomorrow is refused, one of today in Paris is not") {
  StageSite site;
  site.clock.set("2026-11-18T22:59:59Z");  // the 18th in Paris
  const auto one = replaced(first_demande("ID1", "A"), "<dateCreation>2026-11-20", "<dateCreation>2026-11-18");
  CHECK(site.take_in("monenfant", one) == "accepte ");
  site.clock.set("2026-11-17T22:59:59Z");
  site.take_in("monenfant",
               replaced(first_demande("ID2", "B"), "<dateCreation>2026-11-20", "<dateCreation>2026-11-17"));
  CHECK(codes_of_last(site) == "DATE_INVALIDE");
}

TEST_CASE("one bad flux does not block the next") {
  StageSite site;
  for (int i = 0; i < 3; ++i) {
    site.deposit("monenfant", "bad" + std::to_string(i) + ".xml", std::string("\x00\x01<<", 4));
    site.deposit("monenfant", "good" + std::to_string(i) + ".xml",
                 first_demande("ID" + std::to_string(i), "R" + std::to_string(i)));
  }
  site.claim();
  const auto report = site.intake();
  CHECK(report.flux == 6);
  CHECK(report.refused_flux == 3);
  CHECK(site.number("SELECT count(*) FROM demande WHERE admise = 1") == 3);
}

TEST_CASE("a flux whose file the system refuses us holds up no other, and stays received") {
  StageSite site;
  site.deposit("monenfant", "a.xml", first_demande("ID1", "A"));
  site.deposit("monenfant", "b.xml", first_demande("ID2", "B"));
  site.claim();
  const auto first = site.store->next_received()->claim.ticket;
  const auto file = site.in("travail/monenfant") / first;
  std::filesystem::rename(file, site.in("aside"));
  std::filesystem::create_symlink("elsewhere", file);  // opened with O_NOFOLLOW: an error of the system
  CHECK_THROWS_WITH(site.intake(), Catch::Contains("1 flux could not be read"));
  CHECK(site.number("SELECT count(*) FROM flux WHERE etat = 'accepte'") == 1);
  CHECK(site.store->next_received()->claim.ticket == first);
  std::filesystem::remove(file);
  std::filesystem::rename(site.in("aside"), file);
  CHECK_NOTHROW(site.intake());
  CHECK(site.number("SELECT count(*) FROM flux WHERE etat = 'accepte'") == 2);
}

TEST_CASE("a claimed file that somebody took away is answered as unreadable") {
  StageSite site;
  site.deposit("monenfant", "a.xml", first_demande("ID1", "A"));
  site.claim();
  std::filesystem::remove_all(site.in("travail/monenfant"));
  site.intake();
  CHECK(site.answer() == 1);
  CHECK(site.text("SELECT etat || ' ' || code FROM flux") == "refuse FICHIER_ILLISIBLE");
}

TEST_CASE("a stop in the middle leaves nothing visible; the next reading takes the whole") {
  StageSite site;
  site.deposit("monenfant", "a.xml", many(1500));
  site.claim();
  std::size_t told = 0;
  site.intake([&](std::size_t n) {
    told += n;
    if (told >= 500) site.stop.request_stop();
  });
  CHECK(told >= 500);
  CHECK(told < 1500);
  CHECK(site.text("SELECT etat FROM flux") == "recu");
  CHECK(site.number("SELECT count(*) FROM demande WHERE admise = 1") == 0);
  CHECK(site.store->unrouted(1).empty());
  site.stop = std::stop_source();
  CHECK(site.intake().records == 1500);
  CHECK(site.number("SELECT count(*) FROM demande WHERE admise = 1") == 1500);
}

TEST_CASE("a death in the middle leaves nothing visible; the next process takes the whole") {
  StageSite site;
  site.deposit("monenfant", "a.xml", many(1500));
  site.claim();
  struct Death {};
  CHECK_THROWS_AS(site.intake([](std::size_t) { throw Death(); }), Death);
  CHECK(site.number("SELECT count(*) FROM demande WHERE admise = 0") == 500);
  CHECK(site.store->unrouted(1).empty());
  site.open();
  CHECK(site.intake().records == 1500);
  CHECK(site.number("SELECT count(*) FROM demande WHERE admise = 1") == 1500);
  CHECK(site.number("SELECT count(*) FROM charge") == 1500);
}

TEST_CASE("R9: refused records are kept as fragments beside the accusé, which tells no value") {
  StageSite site;
  CHECK(site.take_in("monenfant", sample("demandes/bad-deux-sur-cinq.xml")) == "partiel ");
  const auto ticket = site.text("SELECT ticket FROM flux");
  const auto rejet = Directory::open(site.in("rejet/monenfant"));
  CHECK(rejet.names() == std::vector<std::string>{ticket + ".accuse.xml", ticket + ".fragments.xml"});
  const std::string fragments = rejet.read(ticket + ".fragments.xml");
  CHECK_THAT(fragments, Catch::Contains("code=\"NON_ELIGIBLE\""));
  CHECK(split(fragments, '\n').size() >= 4);
  const std::string accuse = rejet.read(ticket + ".accuse.xml");
  CHECK(is_valid_accuse(site.in("rejet/monenfant") / (ticket + ".accuse.xml")));
  CHECK(accuse == slurp(site.in("accuses/monenfant") / site.text("SELECT accuse FROM flux")));
  for (const char* private_word : {"<nom>", "<telephone>", "<courriel>", "rue "}) {
    CHECK_THAT(fragments + "<nom><telephone><courriel>rue ", Catch::Contains(private_word));
    CHECK_THAT(accuse, !Catch::Contains(private_word));
  }
}

TEST_CASE("whole flux that were refused leave no fragments") {
  StageSite site;
  const auto bad = replaced(sample("demandes/bad-deux-sur-cinq.xml"), "<nombreDemandes>", "<nombreDemandes>1");
  CHECK(site.take_in("monenfant", bad) == "refuse TOTAUX_FAUX");
  const auto ticket = site.text("SELECT ticket FROM flux");
  CHECK(site.names("rejet/monenfant") == std::vector<std::string>{ticket + ".accuse.xml", ticket + ".depot.xml"});
}

TEST_CASE("answering again after a death at any step gives the same files, once") {
  StageSite reference;
  reference.take_in("monenfant", sample("demandes/bad-tronque.xml"));
  for (int step = 0; step < 4; ++step) {
    INFO("death after step " << step);
    StageSite site;
    site.deposit("monenfant", "depot.xml", sample("demandes/bad-tronque.xml"));
    site.claim();
    site.intake();
    const auto ticket = site.text("SELECT ticket FROM flux");
    // What a death leaves: 1 accusé written, 2 file put away, 3 accusé beside; the row knows nothing of it.
    const auto due = site.store->accuses_due(0, 1).at(0);
    const Directory rejet = site.spool.rejet.make_dir("monenfant");
    if (step >= 1) write_file(site.spool.accuses.make_dir("monenfant"), stages::accuse_name(due), "half");
    if (step >= 2) site.spool.travail.open_dir("monenfant").rename_over(ticket, rejet, ticket + ".depot.xml");
    if (step >= 3) write_file(rejet, ticket + ".accuse.xml", "half");
    CHECK(site.answer() == 1);
    CHECK(site.answer() == 0);
    CHECK(site.names("rejet/monenfant") == std::vector<std::string>{ticket + ".accuse.xml", ticket + ".depot.xml"});
    CHECK(site.names("travail/monenfant").empty());
    REQUIRE(site.names("accuses/monenfant").size() == 1);
    CHECK(is_valid_accuse(site.in("accuses/monenfant") / site.names("accuses/monenfant")[0]));
    CHECK(rejet.read(ticket + ".depot.xml") == sample("demandes/bad-tronque.xml"));
  }
}

TEST_CASE("accusés that cannot be written for one sender hold up no other sender's") {
  StageSite site;
  write_file(site.spool.accuses, "inconnu", "in the way");
  site.deposit("inconnu", "a.xml", "<a/>");
  site.deposit("monenfant", "b.xml", first_demande("ID1", "A"));
  site.claim();
  site.intake();
  CHECK_THROWS_WITH(site.answer(), Catch::Contains("1 accusé could not"));
  CHECK(site.names("accuses/monenfant").size() == 1);
  std::filesystem::remove(site.in("accuses/inconnu"));
  CHECK(site.answer() == 1);
}

TEST_CASE("R9: a flux that cannot be put away is told of by its ticket, not by the name that its sender gave it") {
  StageSite site;
  site.spool.arrivee.make_dir("monenfant");
  REQUIRE(::mkfifo((site.in("arrivee/monenfant") / "DUPONT_Marie.xml").c_str(), 0600) == 0);
  site.claim();
  site.intake();
  const auto ticket = site.text("SELECT ticket FROM flux");
  CHECK(site.names("travail/monenfant") == std::vector<std::string>{ticket + ".DUPONT_Marie.xml"});
  const auto in_the_way = site.in("rejet/monenfant") / (ticket + ".depot.xml");
  std::filesystem::create_directories(in_the_way);

  const auto log = site.in("log");
  const UniqueFd before(::dup(STDERR_FILENO));
  const UniqueFd file(::open(log.c_str(), O_WRONLY | O_CREAT, 0600));
  ::dup2(file.get(), STDERR_FILENO);
  CHECK_THROWS_AS(site.answer(), Error);
  ::dup2(before.get(), STDERR_FILENO);
  CHECK_THAT(slurp(log), Catch::Contains("answer.failed") && Catch::Contains("put " + ticket + " away"));
  CHECK_THAT(slurp(log), !Catch::Contains("DUPONT"));

  std::filesystem::remove(in_the_way);
  CHECK(site.answer() == 1);
  CHECK(site.names("rejet/monenfant") == std::vector<std::string>{ticket + ".accuse.xml", ticket + ".depot.xml"});
}

TEST_CASE("R11, R1: a habilitations flux opens what waits; the arrondissement waits for its commune") {
  StageSite site;
  site.senders["caf-421"].departements = {};
  CHECK(site.take_in("monenfant", first_demande("ID1", "A")) == "accepte ");
  const auto marseille = replaced(first_demande("ID2", "B"), "<codeInsee>42218<", "<codeInsee>13201<");
  CHECK(site.take_in("monenfant", marseille) == "accepte ");
  CHECK(site.route().sans_lieu == 2);
  const auto annexe = replaced(sample("habilitations/ok-annexe-loire.xml"), "<codeInsee>42275<", "<codeInsee>13055<");
  CHECK_THAT(site.take_in("caf-421", annexe), Catch::StartsWith("accepte"));
  CHECK(site.route().acheminements == 2);
  CHECK(site.store->counts().sans_lieu == 0);
}

TEST_CASE("R1, R11: a suspension lifted wakes what waits for any version, not only the latest") {
  StageSite site;
  const auto record = [&](const std::string& id, const std::string& created, const std::string& change_from,
                          const std::string& change_to) {
    auto bytes = replaced(sample("habilitations/ok-annexe-loire.xml"), change_from, change_to);
    bytes = std::regex_replace(bytes, std::regex("<identifiant>[A-Za-z0-9_-]+</identifiant>(?=\\s*<dateCreation>)"),
                               "<identifiant>" + id + "</identifiant>");
    return std::regex_replace(bytes, std::regex("<dateCreation>[0-9-]+<"), "<dateCreation>" + created + "<");
  };
  const std::string suspended =
      "<suspension><dateSuspension>2026-11-19</dateSuspension><motif>incident</motif></suspension>\n      <partenaire>";
  CHECK_THAT(site.take_in("caf-421", record("S1", "2026-11-10", "<partenaire>", "<partenaire>")),
             Catch::StartsWith("accepte"));
  CHECK_THAT(site.take_in("caf-421", record("S2", "2026-11-11", "<partenaire>", suspended)),
             Catch::StartsWith("accepte"));
  CHECK(site.take_in("monenfant", first_demande("ID1", "A")) == "accepte ");
  CHECK(site.route().sans_lieu == 1);
  // An older flux undoes nothing, whenever it comes.
  site.take_in("caf-421", record("S3", "2026-11-10", "<partenaire>", "<partenaire>"));
  CHECK_THAT(codes_of_last(site), Catch::StartsWith("FLUX_ANTERIEUR"));
  CHECK(site.route().acheminements == 0);
  CHECK_THAT(site.take_in("caf-421", record("S4", "2026-11-12", "<partenaire>", "<partenaire>")),
             Catch::StartsWith("accepte"));
  CHECK(site.route().acheminements == 1);
}

TEST_CASE("R8, R11: a first load takes an ended convention and the one that follows it at the same lieu") {
  const bool ended_first = GENERATE(true, false);
  StageSite site;
  const std::vector<std::string> both = ended_first ? std::vector{ended, successor} : std::vector{successor, ended};
  CHECK(site.take_in("caf-421", habilitations(both)) == "accepte ");
  CHECK(site.take_in("caf-421", habilitations(both)) == "accepte ");
  CHECK(site.take_in("monenfant", replaced(first_demande("ID1", "A"), ">42218<", ">42187<")) == "accepte ");
  CHECK(site.route().acheminements == 1);
}

TEST_CASE("R13: a person leaves an ended convention although its lieu lives on under another") {
  StageSite site;
  REQUIRE(site.take_in("caf-421", habilitations({ended, successor})) == "accepte ");
  auto departed = ended;
  departed.insert(departed.find("      </personne>"), "  <dateFin>2026-11-19</dateFin>\n");
  CHECK(site.take_in("caf-421", habilitations({departed})) == "accepte ");
  CHECK(site.number("SELECT count(*) FROM personne WHERE au = '2026-11-19'") == 1);
}

TEST_CASE("a lieu is refused to a convention whose term has a day in common with another's") {
  const std::string early = for_rpe_gier("CLI2025", "2025-09-30", "");
  const std::string other_partner = replaced(successor, "<siret>20003573100013<", "<siret>24420077000018<");
  CHECK(refused({ended, early}, {}) == "LIEU_RATTACHE_AILLEURS");
  CHECK(refused({ended}, {early}) == "LIEU_RATTACHE_AILLEURS");
  CHECK(refused({early}, {ended}) == "LIEU_RATTACHE_AILLEURS");
  CHECK(refused({ended}, {successor}).empty());
  CHECK(refused({ended, other_partner}, {}) == "LIEU_RATTACHE_AILLEURS");
  CHECK(refused({ended}, {other_partner}) == "LIEU_RATTACHE_AILLEURS");
}

TEST_CASE("a directory without a directory a remise is one lieu's of its account, whichever conventions name it") {
  const std::string one = at_server("rpe-un", {"depot"});
  const std::string same = at_server("rpe-deux", {.directory = "depot/", .host = "SFTP.example.org"});
  CHECK(refused({one}, {same}) == "REPERTOIRE_PARTAGE");
  CHECK(refused({one, same}, {}) == "REPERTOIRE_PARTAGE");
  CHECK(refused({one}, {at_server("rpe-deux", {"/home/caf/depot"})}) == "REPERTOIRE_PARTAGE");
  CHECK(refused({one}, {at_server("rpe-deux", {"depot2"})}).empty());
  CHECK(refused({one}, {at_server("rpe-deux", {.directory = "depot", .host = "sftp2.example.org"})}).empty());
  const std::string apart = at_server("rpe-trois", {"depot", false});
  CHECK(refused({one}, {apart}).empty());
  CHECK(refused({at_server("rpe-un", {"depot", false})}, {apart}).empty());
  CHECK(refused({apart, one}, {same}) == "REPERTOIRE_PARTAGE");
  // What the lieu itself has there, under this version or the next, is its own.
  const std::string next = replaced(replaced(one, ">1</version>", ">2</version>"), ">8<", ">9<");
  CHECK(refused({one}, {next}).empty());
  // After the end of the other's convention, also when the same flux tells of it.
  const AtServer ended{.directory = "depot", .effect = "2024-10-01", .end = "2025-09-30"};
  const std::string ended_one = at_server("rpe-un", ended);
  CHECK(refused({ended_one}, {same}).empty());
  CHECK(refused({ended_one, same}, {}).empty());
  CHECK(refused({at_server("rpe-un", {.directory = "depot", .effect = "2024-10-01"})}, {ended_one, same}).empty());
}

TEST_CASE("a return directory is one lieu's of its account, and no directory of remises, whatever the spelling") {
  const std::string one = at_server("rpe-un", {"depot", false, "retour"});
  const auto two = [](const std::string& directory, const std::string& returns, const std::string& host) {
    return at_server("rpe-deux", {directory, false, returns, host});
  };
  const std::string host = "SFTP.example.org";
  for (const std::string& other : {two("depot", "retour", host), two("depot", "retour/", host),
                                   two("retour/", "", host), two("depot2", "depot", host)}) {
    CAPTURE(other);
    CHECK(refused({one}, {other}) == "REPERTOIRE_PARTAGE");
    CHECK(refused({other}, {one}) == "REPERTOIRE_PARTAGE");
    CHECK(refused({one, other}, {}) == "REPERTOIRE_PARTAGE");
  }
  CHECK(refused({one}, {two("depot", "retour2", host)}).empty());
  CHECK(refused({one}, {two("depot", "retour", "sftp2.example.org")}).empty());
  // Other spellings do not get past the schema.
  for (const char* spelling : {"./retour", "retour//", "a//retour", "a/./retour", "retour/."}) {
    CHECK(refused({two("depot", spelling, host)}, {}) == "ENREGISTREMENT_INVALIDE");
  }
  const std::string next = replaced(replaced(one, ">1</version>", ">2</version>"), ">8<", ">9<");
  CHECK(refused({one}, {next}).empty());
}

TEST_CASE("a profile names no credential of another Caf's nor of another use") {
  const auto with = [](const std::string& secret) {
    return refused({at_server("rpe-un", {.directory = "depot", .secret = secret})}, {});
  };
  for (const char* good : {"cle", "caf-421-cle", "caf-cle"}) CHECK(with(good).empty());
  for (const char* bad : {"caf-691-cle", "cle-passphrase", "caf-421-pilat-pdf"})
    CHECK(with(bad) == "JUSTIFICATIF_INTERDIT");
}

TEST_CASE("R8, R13: a commune that is merged away keeps nobody from leaving, suspending or ending a convention") {
  StageSite site;
  const std::string c = for_rpe_gier("CLI2024", "2024-10-01", "");
  REQUIRE(site.take_in("caf-421", habilitations({c})) == "accepte ");
  // The list of communes of the year after, and then that of a Caf whose département changed.
  const auto shrunk =
      model::ReferenceData::parse(std::regex_replace(slurp("data/communes.tsv"), std::regex("\n42187\t[^\n]*"), ""));
  REQUIRE(shrunk.find("42187") == nullptr);
  site.known_communes = &shrunk;
  auto departed = c;
  departed.insert(departed.find("      </personne>"), "  <dateFin>2026-11-19</dateFin>\n");
  CHECK(site.take_in("caf-421", habilitations({departed})) == "accepte ");
  CHECK(site.number("SELECT count(*) FROM personne WHERE au = '2026-11-19'") == 1);
  site.senders["caf-421"].departements = {"43"};
  const std::string ended_now = for_rpe_gier("CLI2024", "2024-10-01", "2026-11-19");
  auto both = ended_now;
  both.insert(both.find("      </personne>"), "  <dateFin>2026-11-19</dateFin>\n");
  CHECK(site.take_in("caf-421", habilitations({both})) == "accepte ");
  // A new version is looked at.
  CHECK(site.take_in("caf-421", habilitations({for_rpe_gier("CLI2030", "2026-11-20", "")})) == "refuse ");
  CHECK(codes_of_last(site) == "COMMUNE_INCONNUE");
}

TEST_CASE("a flux that says it was made in days to come is refused: none that is true could follow it") {
  StageSite site;
  const std::string c = for_rpe_gier("CLI2024", "2024-10-01", "");
  const auto made_on = [&](const std::string& day) {
    return std::regex_replace(habilitations({c}), std::regex("<dateCreation>.*</dateCreation>"),
                              "<dateCreation>" + day + "</dateCreation>");
  };
  CHECK(site.take_in("caf-421", made_on("2099-12-31")) == "refuse DATE_INVALIDE");
  CHECK(site.text("SELECT chemin FROM flux") == "/habilitations/entete/dateCreation");
  CHECK(site.take_in("caf-421", made_on("2026-11-22")) == "refuse DATE_INVALIDE");
  CHECK(site.take_in("caf-421", made_on("2026-11-21")) == "accepte ");
}

TEST_CASE("a stop while conventions are applied changes nothing; the next start reads the flux again") {
  StageSite site;
  site.deposit("caf-421", "h.xml", habilitations({for_rpe_gier("CLI2024", "2024-10-01", ""), sample_structures()}));
  site.claim();
  // The beats of a small flux: its turn, what an interrupted reading had staged, its first convention.
  static std::stop_source* stop = nullptr;
  static int beats = 0;
  stop = &site.stop;
  beats = 0;
  heartbeat::listen([] {
    if (++beats == 3) stop->request_stop();
  });
  site.intake();
  heartbeat::listen(nullptr);
  CHECK(beats == 3);
  CHECK(site.text("SELECT etat || lectures FROM flux") == "recu0");
  CHECK(site.number("SELECT count(*) FROM convention") == 0);
  site.stop = {};
  site.intake();
  CHECK(site.text("SELECT etat FROM flux") == "accepte");
  CHECK(site.number("SELECT count(*) FROM convention") == 2);
}

TEST_CASE("a convention that others refuse is told with the place of the element at fault") {
  const auto place_of = [](StageSite& site, const std::string& flux) {
    site.take_in("caf-421", flux);
    return site.text("SELECT code || ' ' || chemin FROM refus WHERE flux_id = (SELECT max(id) FROM flux)") + " " +
           line_at(flux, site.number("SELECT ligne FROM refus WHERE flux_id = (SELECT max(id) FROM flux)"));
  };
  StageSite site;
  REQUIRE(site.take_in("caf-421", habilitations({for_rpe_gier("CLI2024", "2024-10-01", "")})) == "accepte ");
  const std::string taken = habilitations({for_rpe_gier("CLI2025", "2025-10-01", "")});
  CHECK(place_of(site, taken) == "LIEU_RATTACHE_AILLEURS /habilitations/convention[1]/lieux/lieu <lieu>");
  const std::string elsewhere = replaced(for_rpe_gier("CLI2026", "2026-10-01", ""), "<codeInsee>42187</codeInsee>",
                                         "<codeInsee>42187</codeInsee>\n<codeInsee>75056</codeInsee>");
  CHECK(place_of(site, habilitations({elsewhere})) ==
        "COMMUNE_HORS_CAF /habilitations/convention[1]/lieux/lieu/communes/codeInsee[2] <codeInsee>75056</codeInsee>");
  const std::string changed = replaced(for_rpe_gier("CLI2024", "2024-10-01", ""), ">8<", ">9<");
  CHECK(place_of(site, habilitations({changed})) ==
        "AVENANT_REQUIS /habilitations/convention[1]/delaiRetrait <delaiRetrait>9</delaiRetrait>");
  const std::string third = replaced(for_rpe_gier("CLI2027", "2024-10-01", ""), ">1</version>", ">3</version>");
  CHECK(place_of(site, habilitations({third})) ==
        "VERSION_NON_CONSECUTIVE /habilitations/convention[1]/version <version>3</version>");
}

TEST_CASE("a flux that ends a convention may give its lieu to the next one, in that order") {
  StageSite site;
  REQUIRE(site.take_in("caf-421", habilitations({for_rpe_gier("CLI2024", "2024-10-01", "")})) == "accepte ");
  CHECK(site.take_in("caf-421", habilitations({ended, successor})) == "accepte ");
}

TEST_CASE(
    "a retrait flux: the remise is picked up, by whom and when, its échéance ends; told again it is a duplicate") {
  StageSite site;
  site.take_in("caf-421", sample("habilitations/ok-annexe-loire.xml"));
  deliver_remises(site);
  CHECK(site.take_in("rpe-gier", sample("retrait/ok-une.xml")) == "accepte ");
  CHECK(site.text("SELECT retrait_preuve || ' ' || retrait_personne || ' ' || datetime(retiree_le / 1000, 'unixepoch') "
                  "FROM remise WHERE nom = 'rpe-gier-20261119-1'") == "retrait SEM-001 2026-11-19 13:05:00");
  CHECK(site.text("SELECT group_concat(etat, ' ') FROM echeance ORDER BY id") == "tenue ouverte ouverte ouverte");
  CHECK(site.text("SELECT detail FROM trace_detail JOIN trace USING (seq) WHERE action = 'remise.retiree'") ==
        "preuve=retrait le=2026-11-19T13:05:00Z personne=SEM-001");
  CHECK(site.take_in("rpe-gier", sample("retrait/ok-une.xml")) == "doublon DOUBLON");
  CHECK(site.take_in("rpe-gier", sample("retrait/ok-deux.xml")) == "accepte ");
  CHECK(site.text("SELECT recus || ' ' || acceptes || ' ' || doublons FROM flux ORDER BY id DESC LIMIT 1") == "2 1 1");
  CHECK(site.number("SELECT count(*) FROM trace WHERE action = 'remise.retiree'") == 2);
  for (const auto& name : site.names("accuses/rpe-gier")) CHECK(is_valid_accuse(site.in("accuses/rpe-gier") / name));
}

TEST_CASE("a pickup of tomorrow, before the delivery, or by a person who had left is refused") {
  StageSite site;
  site.take_in("caf-421", sample("habilitations/ok-annexe-loire.xml"));
  deliver_remises(site);
  const auto told = [&](const std::string& day, const std::string& personne) {
    site.take_in("rpe-gier", replaced(replaced(sample("retrait/ok-une.xml"), "<dateRetrait>2026-11-19<",
                                               "<dateRetrait>" + day + "<"),
                                      "SEM-001", personne));
    return codes_of_last(site);
  };
  CHECK(told("2026-11-21", "SEM-001") == "DATE_INVALIDE");
  CHECK(told("2026-11-18", "SEM-001") == "DATES_INCOHERENTES");
  site.store->connection().execute("UPDATE personne SET au = '2026-11-18' WHERE numero = 'SEM-002'");
  CHECK(told("2026-11-19", "SEM-002") == "PERSONNE_NON_HABILITEE");
  CHECK(told("2026-11-19", "SEM-003") == "");
}

TEST_CASE("a flux adds the person to a pickup that something else proved, and changes nothing else of it") {
  StageSite site;
  site.take_in("caf-421", sample("habilitations/ok-annexe-loire.xml"));
  deliver_remises(site);
  const auto at = site.clock.now();
  const auto id = site.number("SELECT id FROM remise WHERE nom = 'rpe-gier-20261119-1'");
  site.store->apply_pickups({{id, model::PickupEvidence::disappearance, at, {}, {}}}, at);
  CHECK(site.take_in("rpe-gier", sample("retrait/ok-une.xml")) == "accepte ");
  CHECK(
      site.text("SELECT retrait_preuve || ' ' || retrait_personne || ' ' || (retiree_le = livree_le) FROM remise WHERE "
                "id = " +
                std::to_string(id)) == "disparition SEM-001 0");
  CHECK(site.number("SELECT count(*) FROM trace WHERE action LIKE 'remise.ret%'") == 2);
}

TEST_CASE("a lieu sends acknowledgements only, a Caf's sender those of its own lieux") {
  StageSite site;
  site.take_in("caf-421", sample("habilitations/ok-annexe-loire.xml"));
  deliver_remises(site);
  CHECK(site.take_in("rpe-gier", sample("demandes/ok-minimale.xml")) == "refuse TYPE_NON_AUTORISE");
  CHECK(site.take_in("rpe-inconnu", sample("retrait/ok-une.xml")) == "refuse EMETTEUR_INCONNU");
  const auto by = [](const std::string& sender) {
    return replaced(sample("retrait/ok-une.xml"), "<emetteur>rpe-gier<", "<emetteur>" + sender + "<");
  };
  site.senders["extranet"] = {{"retrait"}, "421", {}};
  site.senders["extranet-381"] = {{"retrait"}, "381", {}};
  CHECK(site.take_in("extranet-381", by("extranet-381")) == "refuse ");
  CHECK(codes_of_last(site) == "REMISE_INCONNUE");
  CHECK(site.take_in("extranet", by("extranet")) == "accepte ");
}

TEST_CASE("a lieu whose identifiant is a sender's is refused: its acknowledgements would come in as that sender's") {
  StageSite site;
  site.take_in("caf-421", replaced(sample("habilitations/ok-annexe-loire.xml"), "<identifiant>rpe-gier<",
                                   "<identifiant>monenfant<"));
  CHECK(codes_of_last(site) == "IDENTIFIANT_RESERVE");
}
