// Where a signature stands in the file, and that nothing else changes. Real ones: tests/system/test_signature.py.
#include <filesystem>

#include <catch2/catch.hpp>

#include "unit/render/pdf_tools.h"

using namespace navette;
using namespace navette::test;

namespace {

struct Pieces {
  std::string before, after;
};

// What was given to be signed goes to `seen`; the signature is `value`.
render::Renderer signing(const std::string& value, std::size_t largest, Pieces& seen,
                         const std::string& stylesheet = "xslt/demande-fo.xsl") {
  return {stylesheet,
          render::Renderer::default_fonts(),
          {largest, [&seen, value](std::string_view before, std::string_view after) {
             seen = {std::string(before), std::string(after)};
             return value;
           }}};
}

}  // namespace

TEST_CASE("the whole file is signed but the value of the signature, padded to its place") {
  Pieces seen;
  const std::string xml = sample("demandes/ok-riche.xml");
  const std::string pdf = signing("\x30\xFF!", 5, seen).render(xml, parameters()).pdf;
  CHECK(pdf == seen.before + "<30FF210000>" + seen.after);
  CHECK(contains(seen.before, "/ByteRange[0 " + std::to_string(seen.before.size()) + " " +
                                  std::to_string(pdf.size() - seen.after.size()) + " " +
                                  std::to_string(seen.after.size()) + "]"));
  CHECK(contains(PdfFile(pdf).run("qpdf --check"), "No syntax or stream encoding errors"));
}

TEST_CASE("a text that looks like a signature is not taken for one") {
  Pieces seen;
  const std::string xml =
      with_text(sample("demandes/ok-riche.xml"), "reference", "/ByteRange[0 1 2 3]/Contents&lt;00&gt;");
  // Of the reference the stylesheet makes a file's name, which would be refused.
  const TempDir dir;
  std::filesystem::copy("xslt", dir.path(), std::filesystem::copy_options::recursive);
  std::string stylesheet = read_file("xslt/demande-fo.xsl");
  const std::string named = "concat('DI_', $emetteur, '_', d:reference, '.xml')";
  REQUIRE(contains(stylesheet, named));
  const std::string path = (dir.path() / "demande-fo.xsl").string();
  std::ofstream(path) << stylesheet.replace(stylesheet.find(named), named.size(), "'a.xml'");
  const std::string pdf = signing("abc", 3, seen, path).render(xml, parameters()).pdf;
  CHECK(pdf == seen.before + "<616263>" + seen.after);
  CHECK(contains(seen.before.substr(seen.before.size() - 200), "/Type/Sig"));
  CHECK(PdfFile(pdf).run("qpdf --check").find("WARNING") == std::string::npos);
}

TEST_CASE("it is read after everything else, on the first page of many") {
  Pieces seen;
  const auto signer = signing("abc", 3, seen);
  const std::string xml = with_text(sample("demandes/ok-riche.xml"), "commentaire", std::string(4000, 'W'));
  const auto result = signer.render(xml, parameters());
  REQUIRE(result.pages > 1);
  const PdfFile pdf(result.pdf);
  CHECK(count(pdf.run("qpdf --qdf --object-streams=disable", "-"), "/Annots [") == 1);
  const std::string tags = pdf.run("pdfinfo -struct-text");
  CHECK(count(tags, "Form\n") == 1);
  CHECK(tags.substr(tags.rfind("\n  Form")).find("\n  P") == std::string::npos);
  CHECK(pdf.text() == PdfFile(renderer().render(xml, parameters()).pdf).text());
}

TEST_CASE("what is no demande is not signed; a signature larger than its place is an error") {
  Pieces seen;
  const auto fo = xml::Document::parse(fo_around("<fo:block>x</fo:block>"));
  CHECK(signing("abc", 3, seen).render_fo(fo, "").pdf == renderer().render_fo(fo, "").pdf);
  const std::string xml = sample("demandes/ok-riche.xml");
  CHECK_THROWS(signing("abcd", 3, seen).render(xml, parameters()));
}
