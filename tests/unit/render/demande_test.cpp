// The document that an agent reads.
#include <catch2/catch.hpp>

#include "unit/render/pdf_tools.h"

using namespace navette::test;

TEST_CASE("a common demande is one page that says who, how to call, where, when and which days") {
  const auto result = render_demande(sample("demo/demandes.xml"));
  CHECK(result.pages == 1);
  CHECK(result.substituted_glyphs == 0);
  const std::string text = PdfFile(result.pdf).laid_out();
  for (const std::string part :
       {"Mme Maïwenn Quénéhervé", "04 65 71 00 12", "maiwenn.quenehervee@example.fr",
        "14 rue des Capucines, 42000 Saint-Étienne", "allocataire n° 1234567", "Saint-Étienne (Insee 42218)",
        "crèche collective", "4 janvier 2027", "2 ans et 8 mois", "2 ans et 9 mois", "8 h à 17 h 30", "9 h 30",
        "5 jours, 47 h 30", "dès notre arrivée", "page 1/1", "transmise par monenfant"}) {
    INFO(part);
    CHECK(contains(text, part));
  }
}

TEST_CASE("a period that began before the demande, or lasts a day, is said so; ages follow the later day") {
  auto xml = with_text(sample("demandes/ok-riche.xml"), "dateDebut", "2025-01-04");
  auto text = PdfFile(render_demande(xml).pdf).laid_out();
  CHECK(contains(text, "4 janvier 2025"));
  CHECK(contains(text, "début déjà passé à la date de la demande"));
  CHECK(count(text, "5 ans et 8 mois") == 2);
  xml = with_text(with_text(xml, "dateDebut", "2027-01-04"), "dateFin", "2027-01-04");
  text = PdfFile(render_demande(xml).pdf).laid_out();
  CHECK(contains(text, "le 4 janvier 2027\n"));
  CHECK(count(text, "janvier 2027") == 1);
}

TEST_CASE("what is missing is said") {
  auto xml = sample("demandes/ok-naissance-prevue.xml");
  auto text = PdfFile(render_demande(xml).pdf).laid_out();
  CHECK(contains(text, "enfant à naître"));
  CHECK(contains(text, "prévue le 30 janvier 2027"));
  CHECK(contains(text, "à naître"));
  CHECK(contains(text, "non allocataire"));
  CHECK(contains(text, "fin non renseignée"));
  CHECK(contains(text, "Pas de commentaire."));
  text = PdfFile(render_demande(with_text(xml, "besoins", "")).pdf).laid_out();
  CHECK(contains(text, "Jours et horaires non renseignés."));
  text = PdfFile(render_demande(sample("demandes/ok-riche.xml", 2)).pdf).laid_out();
  CHECK(contains(text, "Téléphone            non renseigné") == false);  // the label and the value are two cells
  CHECK(count(text, "non renseigné") >= 1);
}

TEST_CASE("ages count whole months up to the day") {
  const auto age = [](const std::string& born, const std::string& on) {
    auto xml = with_text(sample("demo/demandes.xml"), "dateNaissance", born);
    return PdfFile(render_demande(with_text(xml, "dateDemande", on)).pdf).laid_out();
  };
  CHECK(contains(age("2024-03-19", "2026-03-18"), "1 an et 11 mois"));
  CHECK(contains(age("2024-03-18", "2026-03-18"), " 2 ans  "));
  CHECK(contains(age("2026-03-01", "2026-03-18"), "moins d’un mois"));
  CHECK(contains(age("2025-12-31", "2026-03-18"), " 2 mois"));
}

TEST_CASE("the first of a month and a foreign telephone are written as they are said") {
  auto xml = with_text(sample("demo/demandes.xml"), "dateDebut", "2027-02-01");
  const auto text = PdfFile(render_demande(with_text(xml, "telephone", "+33465710034")).pdf).laid_out();
  CHECK(contains(text, "1er février 2027"));
  CHECK(contains(text, "+33 4 65 71 00 34"));
}

TEST_CASE("a commune without a name is shown by its code") {
  const auto xml = with_text(sample("demo/demandes.xml"), "communesSouhaitees", "<codeInsee>2A004</codeInsee>");
  CHECK(contains(PdfFile(render_demande(xml).pdf).laid_out(), "2A004"));
}

TEST_CASE("overlapping hours are counted once") {
  const auto slot = [](const std::string& from, const std::string& to) {
    return "<creneau><jour>lundi</jour><heureDebut>" + from + "</heureDebut><heureFin>" + to + "</heureFin></creneau>";
  };
  const auto xml = with_text(sample("demo/demandes.xml"), "besoins", slot("08:00", "12:00") + slot("10:00", "13:15"));
  CHECK(contains(PdfFile(render_demande(xml).pdf).laid_out(), "1 jour, 5 h 15"));
}

TEST_CASE("a comment of 4,000 characters flows over pages and loses nothing") {
  const auto xml = sample("demandes/ok-commentaire-4000.xml");
  const auto result = render_demande(xml);
  CHECK(result.pages == 2);
  const auto text = PdfFile(result.pdf).laid_out();
  CHECK(contains(text, "page 1/2"));
  CHECK(contains(text, "page 2/2"));
  CHECK(count(text, "Nous cherchons") == count(xml, "Nous cherchons"));
}

TEST_CASE("every sample of a good demande can be rendered") {
  for (const char* name : {"ok-blancs", "ok-cdata", "ok-communes", "ok-minimale", "ok-noms", "ok-riche", "ok-bom"}) {
    INFO(name);
    const auto result = render_demande(sample("demandes/" + std::string(name) + ".xml"));
    CHECK(result.substituted_glyphs == 0);
    CHECK(contains(PdfFile(result.pdf).run("qpdf --check"), "No syntax or stream encoding errors"));
  }
}

TEST_CASE("names of other scripts are extractable") {
  auto xml = with_text(sample("demo/demandes.xml"), "nom", "Nguyễn Ωμέγα Привет Ŵœßłđ");
  CHECK(contains(PdfFile(render_demande(xml).pdf).text(), "Nguyễn Ωμέγα Привет Ŵœßłđ"));
}

TEST_CASE("each paragraph of a comment is one to a reader, however blank lines part them") {
  const auto paragraphs = [](const std::string& comment) {
    const std::string tree = PdfFile(render_demande(with_text(sample("demo/demandes.xml"), "commentaire", comment)).pdf)
                                 .run("pdfinfo -struct-text");
    const auto from = tree.find("Commentaire de la famille");
    REQUIRE(from != std::string::npos);
    return count(tree.substr(from), "P (block)") - 1;  // and the family's consent
  };
  CHECK(paragraphs("Un.") == 1);
  CHECK(paragraphs("Un.\nDeux.") == 1);
  CHECK(paragraphs("\n\n\nUn.\n\nDeux.\n\n\n\nTrois.\n\n") == 3);
  std::string many;
  for (int i = 0; i < 1333; ++i) many += "a\n\n";
  CHECK(paragraphs(many) == 1333);
  CHECK(paragraphs("Un.&#13;&#10;&#13;&#10;Deux.&#13;&#10;Encore.&#13;&#10;&#13;&#10;Trois.") == 3);
  CHECK(paragraphs("Un.&#13;&#13;Deux.&#x2029;&#x2029;Trois.") == 3);
  CHECK(paragraphs(std::string(3999, '\n') + "x") == 1);
}

TEST_CASE("a comment of what nobody sees is none") {
  const auto text = [](const std::string& comment) {
    return PdfFile(render_demande(with_text(sample("demo/demandes.xml"), "commentaire", comment)).pdf).laid_out();
  };
  for (const std::string comment :
       {" ", "\u00A0", "\u200B \u00AD", "\u3000\u2800", "\u2003\u2009", "\u2060\uFEFF", "\u200E\n\u202E",
        "&#x85;\u2028\u2029", "\u205F\u2066\u206F", "\uFE0F\uFE00", "\u3164\uFFA0\u115F\u1160",
        "\u034F\u061C\u180E\u1680\u17B4", "\U000E0061\U000E007F\U000E0100\U000E01EF\U0001D173"}) {
    INFO(comment);
    CHECK(contains(text(comment), "Pas de commentaire."));
  }
  for (const std::string comment : {"\u2003x\u2009", ".", "\u2610\uFE0F", "0", "&#x86;", "\uE000", "&amp;"}) {
    INFO(comment);
    CHECK_FALSE(contains(text(comment), "Pas de commentaire."));
  }
}
