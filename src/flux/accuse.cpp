#include "flux/accuse.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "model/civil_time.h"

namespace navette::flux {
namespace {

constexpr std::size_t file_name_limit = 255;

// A name that deserves no trust, made fit for the schema: a control character becomes U+FFFD (as, in the writer, do
// bytes that are not UTF-8).
std::string presentable(const std::string& name) {
  std::string out;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F) {
      out += "\xEF\xBF\xBD";
    } else {
      out += c;
    }
  }
  out = text::printable(out);
  if (out.empty()) return "-";
  return std::string(text::truncated(out, file_name_limit));
}

void write_place(xml::Writer& writer, const model::Refusal& refusal) {
  if (refusal.line > 0) writer.leaf("ligne", std::to_string(refusal.line));
  if (refusal.column > 0) writer.leaf("colonne", std::to_string(refusal.column));
  if (!refusal.path.empty()) writer.leaf("chemin", refusal.path);
}

void write_code(xml::Writer& writer, model::Code code) {
  writer.leaf("code", model::to_string(code));
  writer.leaf("libelle", model::label(code));
}

void write_flux(xml::Writer& writer, const AccuseHead& head) {
  writer.open("flux");
  writer.leaf("emetteur", head.emetteur);
  if (head.kind) writer.leaf("type", *head.kind);
  if (head.identifiant) writer.leaf("identifiant", *head.identifiant);
  writer.leaf("nomFichier", presentable(head.file_name));
  if (!head.sha256.empty()) writer.leaf("empreinte", head.sha256);
  writer.leaf("ticket", head.ticket);
  writer.close();
}

void write_counts(xml::Writer& writer, const AccuseHead& head) {
  writer.open("compteurs");
  writer.leaf("recus", std::to_string(head.received));
  writer.leaf("acceptes", std::to_string(head.accepted));
  writer.leaf("doublons", std::to_string(head.duplicates));
  writer.leaf("refuses", std::to_string(head.refused));
  writer.close();
}

}  // namespace

AccuseWriter::AccuseWriter(xml::Writer::Sink sink, const AccuseHead& head) : writer_(std::move(sink)) {
  writer_.open("accuse", {{"xmlns", "urn:navette:accuse:1"}, {"version", "1"}});
  write_flux(writer_, head);
  writer_.leaf("dateReception", model::to_iso_utc(head.received_at));
  writer_.leaf("dateTraitement", model::to_iso_utc(head.processed_at));
  writer_.leaf("resultat", head.result);
  if (head.refusal) {
    writer_.open("motif");
    write_code(writer_, head.refusal->code);
    write_place(writer_, *head.refusal);
    writer_.close();
  }
  write_counts(writer_, head);
}

void AccuseWriter::refused(std::uint64_t rank, std::string_view reference, const model::Refusal& refusal) {
  writer_.open("refus");
  writer_.leaf("rang", std::to_string(rank));
  if (!reference.empty()) writer_.leaf("reference", reference);
  write_code(writer_, refusal.code);
  // The schema asks for a line and a path here.
  model::Refusal place = refusal;
  place.line = std::max(place.line, 1L);
  if (place.path.empty()) place.path = "/*";
  write_place(writer_, place);
  writer_.close();
}

void AccuseWriter::duplicate(std::uint64_t rank, std::string_view reference) {
  writer_.open("doublon");
  writer_.leaf("rang", std::to_string(rank));
  writer_.leaf("reference", reference);
  writer_.close();
}

void AccuseWriter::finish() {
  writer_.close();
  writer_.finish();
}

}  // namespace navette::flux
