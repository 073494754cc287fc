#include "render/metadata.h"

#include <charconv>
#include <chrono>
#include <string_view>

#include <fmt/format.h>

#include "base/error.h"
#include "render/pdf_syntax.h"

namespace navette::render {
namespace {

constexpr std::string_view producer =
    "navette";  // no version: the bytes of a document must not change with each release

// PDF/A knows the properties of its own standard and of XMP; pdfuaid's must be described (ISO 19005-3, 6.6.2.3), or the
// claim of the one standard breaks the other.
constexpr std::string_view conformance = R"(<rdf:Description rdf:about=""
 xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/" xmlns:pdfuaid="http://www.aiim.org/pdfua/ns/id/">
<pdfaid:part>3</pdfaid:part>
<pdfaid:conformance>A</pdfaid:conformance>
<pdfuaid:part>1</pdfuaid:part>
</rdf:Description>
<rdf:Description rdf:about="" xmlns:pdfaExtension="http://www.aiim.org/pdfa/ns/extension/"
 xmlns:pdfaSchema="http://www.aiim.org/pdfa/ns/schema#" xmlns:pdfaProperty="http://www.aiim.org/pdfa/ns/property#">
<pdfaExtension:schemas><rdf:Bag><rdf:li rdf:parseType="Resource">
<pdfaSchema:schema>PDF/UA identification</pdfaSchema:schema>
<pdfaSchema:namespaceURI>http://www.aiim.org/pdfua/ns/id/</pdfaSchema:namespaceURI>
<pdfaSchema:prefix>pdfuaid</pdfaSchema:prefix>
<pdfaSchema:property><rdf:Seq><rdf:li rdf:parseType="Resource">
<pdfaProperty:name>part</pdfaProperty:name>
<pdfaProperty:valueType>Integer</pdfaProperty:valueType>
<pdfaProperty:category>internal</pdfaProperty:category>
<pdfaProperty:description>Part of ISO 14289 that the file conforms to</pdfaProperty:description>
</rdf:li></rdf:Seq></pdfaSchema:property>
</rdf:li></rdf:Bag></pdfaExtension:schemas>
</rdf:Description>
)";

bool matches(std::string_view text, std::string_view shape) {
  if (text.size() != shape.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (shape[i] == '0' ? (text[i] < '0' || text[i] > '9') : text[i] != shape[i]) return false;
  }
  return true;
}

}  // namespace

bool is_date(const std::string& created) {
  constexpr std::size_t of_day = 10;
  const auto number = [&](std::size_t at, std::size_t size) {
    unsigned value = 0;
    std::from_chars(created.data() + at, created.data() + at + size, value);
    return value;
  };
  if (!matches(created.substr(0, of_day), "0000-00-00")) return false;
  const std::chrono::year_month_day day(std::chrono::year(static_cast<int>(number(0, 4))),
                                        std::chrono::month(number(5, 2)), std::chrono::day(number(8, 2)));
  if (!day.ok()) return false;
  if (created.size() == of_day) return true;
  return matches(created, "0000-00-00T00:00:00Z") && number(11, 2) < 24 && number(14, 2) < 60 && number(17, 2) < 60;
}

std::string xmp_date(const std::string& created) {
  if (created.empty()) return "1970-01-01T00:00:00Z";
  if (matches(created, "0000-00-00")) return created + "T00:00:00Z";
  if (is_date(created)) return created;
  throw Error("xmp:CreateDate is no date");
}

std::string pdf_date(const std::string& created) {
  std::string digits;
  for (const char c : xmp_date(created)) {
    if (c >= '0' && c <= '9') digits += c;
  }
  return "(D:" + digits + "Z)";
}

std::string xmp_packet(const fo::Metadata& m, const std::string& language) {
  const std::string date = xmp_date(m.created);
  const auto alternatives = [&](std::string_view name, const std::string& text) {
    if (text.empty()) return std::string();
    return fmt::format("<dc:{0}><rdf:Alt><rdf:li xml:lang=\"x-default\">{1}</rdf:li></rdf:Alt></dc:{0}>\n", name,
                       syntax::xml_text(text));
  };
  std::string out =
      "<?xpacket begin=\"\xEF\xBB\xBF\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\n<x:xmpmeta "
      "xmlns:x=\"adobe:ns:meta/\"><rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">\n"
      "<rdf:Description rdf:about=\"\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\" "
      "xmlns:xmp=\"http://ns.adobe.com/xap/1.0/\" xmlns:pdf=\"http://ns.adobe.com/pdf/1.3/\">\n";
  out += "<dc:format>application/pdf</dc:format>\n" + alternatives("title", m.title) +
         alternatives("description", m.description);
  if (!m.creator.empty()) {
    out += "<dc:creator><rdf:Seq><rdf:li>" + syntax::xml_text(m.creator) + "</rdf:li></rdf:Seq></dc:creator>\n";
  }
  out += "<dc:language><rdf:Bag><rdf:li>" + syntax::xml_text(language) + "</rdf:li></rdf:Bag></dc:language>\n";
  out += fmt::format(
      "<xmp:CreateDate>{0}</xmp:CreateDate>\n<xmp:ModifyDate>{0}</xmp:ModifyDate>\n<pdf:Producer>{1}</pdf:Producer>\n"
      "</rdf:Description>\n",
      date, producer);
  out += conformance;
  return out + "</rdf:RDF></x:xmpmeta>\n<?xpacket end=\"r\"?>";
}

pdf::ObjectWriter::Entries info_entries(const fo::Metadata& m) {
  const std::string date = pdf_date(m.created);
  pdf::ObjectWriter::Entries entries{
      {"Producer", fmt::format("({})", producer)}, {"CreationDate", date}, {"ModDate", date}};
  if (!m.title.empty()) entries.emplace_back("Title", syntax::text_string(m.title));
  if (!m.description.empty()) entries.emplace_back("Subject", syntax::text_string(m.description));
  if (!m.creator.empty()) entries.emplace_back("Author", syntax::text_string(m.creator));
  return entries;
}

}  // namespace navette::render
