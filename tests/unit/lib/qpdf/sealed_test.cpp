// Opened by the qpdf and pdftotext commands, as a reader would.
#include "lib/qpdf/sealed.h"

#include <catch2/catch.hpp>

#include "base/error.h"
#include "support/process.h"
#include "unit/base/temp_dir.h"

using namespace navette;

namespace {

const std::string password = "chaise longue 7 !";

// One page that shows `words`.
std::string pdf(const std::string& words) {
  const std::string content = "BT /F 12 Tf 72 720 Td (" + words + ") Tj ET";
  return "%PDF-1.7\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n"
         "2 0 obj\n<< /Type /Pages /Kids [3 0 R] /Count 1 >>\nendobj\n"
         "3 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /StructParents 0 /Annots [<< /Type /Annot "
         "/Subtype /Widget /FT /Sig /T (Signature) "
         "/Rect [0 0 0 0] /V << /Type /Sig /SubFilter /ETSI.CAdES.detached >> >>] /Contents 4 0 R /Resources "
         "<< /Font << /F << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> >>\nendobj\n4 0 obj\n<< "
         "/Length " +
         std::to_string(content.size()) + " >>\nstream\n" + content +
         "\nendstream\nendobj\ntrailer\n<< /Root 1 0 R >>\n";
}

struct Sealed {
  explicit Sealed(const std::vector<qpdf::Enclosed>& parts) {
    bytes = qpdf::seal(parts, "Remise R1", password);
    dir.put("sealed.pdf", bytes);
    dir.put("password", password + "\n");
  }
  std::string shown(const std::string& command) const {
    test::run({"sh", "-c", "cd '" + dir.path().string() + "' && " + command + " > shown"});
    return dir.get("shown");
  }
  std::string attached(const std::string& name) const {
    return shown("qpdf --password-file=password --show-attachment=" + name + " sealed.pdf");
  }
  std::string bytes;
  test::TempDir dir;
};

}  // namespace

TEST_CASE("one PDF holds the pages of all, and every part byte for byte") {
  const std::string xml = std::string("<demande/>\n\0\xFF", 13);
  const std::vector<qpdf::Enclosed> parts{{"A.pdf", "application/pdf", pdf("premiere"), true},
                                          {"A.xml", "application/xml", xml},
                                          {"B.pdf", "application/pdf", pdf("seconde"), true},
                                          {"vide.xml", "application/xml", ""}};
  const Sealed sealed(parts);
  for (const auto& part : parts) CHECK(sealed.attached(part.name) == part.bytes);
  const std::string text = sealed.shown("pdftotext -upw '" + password + "' sealed.pdf -");
  CHECK_THAT(text, Catch::Contains("premiere") && Catch::Contains("seconde"));
  CHECK(text.find("premiere") < text.find("seconde"));
  CHECK_THAT(sealed.shown("qpdf --password-file=password --check sealed.pdf"),
             Catch::Contains("No syntax or stream encoding errors"));
  CHECK_THAT(sealed.shown("qpdf --password-file=password --json=2 --json-key=outlines sealed.pdf"),
             Catch::Contains("\"title\": \"A\"") && Catch::Contains("\"title\": \"B\""));
}

TEST_CASE("the signatures of the parts are theirs alone, not the whole's") {
  const std::string part = pdf("signee");
  const Sealed sealed({{"A.pdf", "application/pdf", part, true}});
  CHECK(sealed.attached("A.pdf") == part);
  const std::string json = sealed.shown("qpdf --password-file=password --json=2 sealed.pdf");
  CHECK_THAT(json, !Catch::Contains("/Sig") && !Catch::Contains("/Widget") && !Catch::Contains("/AcroForm"));
}

TEST_CASE("nothing is read without the password, and AES-256 keeps it") {
  const Sealed sealed({{"DI_A.pdf", "application/pdf", pdf("Vuillermet"), true},
                       {"DI_A.xml", "application/xml", "<nom>Vuillermet</nom>"}});
  for (const char* clear : {"Vuillermet", "DI_A", "Remise R1"}) CHECK(sealed.bytes.find(clear) == std::string::npos);
  CHECK(sealed.shown("qpdf --requires-password sealed.pdf; echo $?") == "0\n");
  CHECK_THROWS(sealed.shown("qpdf --password=autre --check sealed.pdf"));
  CHECK_THAT(sealed.shown("qpdf --password-file=password --show-encryption sealed.pdf"),
             Catch::Contains("R = 6") && Catch::Contains("file encryption method: AESv3") &&
                 Catch::Contains("stream encryption method: AESv3"));
}

TEST_CASE("what is no PDF where pages are wanted is an error") {
  CHECK_THROWS_AS(qpdf::seal({{"A.pdf", "application/pdf", "rien", true}}, "R", password), Error);
}
