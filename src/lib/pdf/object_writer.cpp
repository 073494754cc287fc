#include "lib/pdf/object_writer.h"

#include <cstdint>

#include <fmt/format.h>
// PoDoFo's headers are not clean under our warnings: they come in as system headers through pkg-config's imported
// target.
#include <podofo/podofo.h>

#include "base/error.h"

namespace navette::pdf {
namespace {

PoDoFo::PdfVariant raw(std::string_view value) {
  return PoDoFo::PdfVariant(PoDoFo::PdfData(value.data(), value.size()));
}

// Streams and Info must be dictionaries to PoDoFo; elsewhere raw syntax is faster. Assigned through the base class:
// PdfObject's own assignment wipes the object's number.
void fill(PoDoFo::PdfObject& object, const ObjectWriter::Entries& entries) {
  static_cast<PoDoFo::PdfVariant&>(object) = PoDoFo::PdfVariant(PoDoFo::PdfDictionary());
  for (const auto& [key, value] : entries) {
    object.GetDictionary().AddKey(PoDoFo::PdfName(key), PoDoFo::PdfObject(raw(value)));
  }
}

// FNV-1a, twice with different starts: an identifier, not a proof. The proof of a PDF is its SHA-256 in the manifest.
std::string fingerprint(std::string_view bytes) {
  std::uint64_t a = 0xcbf29ce484222325U;
  std::uint64_t b = 0x84222325cbf29ce4U;
  for (const char c : bytes) {
    a = (a ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
    b = (b ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
    b ^= b >> 29U;
  }
  return fmt::format("{:016X}{:016X}", a, b);
}

// PoDoFo derives the ID from the Info dictionary alone: two contents would share it. Replaced by one of the same
// length.
void set_identifier(std::string& file) {
  constexpr std::size_t hex = 32;
  const std::size_t key = file.rfind("/ID");
  const std::size_t first = key == std::string::npos ? key : file.find('<', key);
  const std::size_t second = first == std::string::npos ? first : file.find('<', first + 1);
  if (second == std::string::npos || file.find('>', first) != first + 1 + hex ||
      file.find('>', second) != second + 1 + hex) {
    throw Error("PoDoFo: no ID of the expected form in the trailer");
  }
  const std::string id = fingerprint(std::string_view(file).substr(0, key));
  file.replace(first + 1, hex, id);
  file.replace(second + 1, hex, id);
}

}  // namespace

struct ObjectWriter::State {
  PoDoFo::PdfVecObjects objects;
  std::vector<PoDoFo::PdfObject*> by_number;  // [0] unused; owned by `objects`
};

ObjectWriter::ObjectWriter() : state_(std::make_unique<State>()) {
  state_->objects.SetAutoDelete(true);
  state_->by_number.push_back(nullptr);
}
ObjectWriter::~ObjectWriter() = default;

ObjectWriter::Number ObjectWriter::reserve() {
  state_->by_number.push_back(state_->objects.CreateObject(raw("null")));
  return static_cast<Number>(state_->by_number.size() - 1);
}

void ObjectWriter::set(Number number, std::string_view value) {
  static_cast<PoDoFo::PdfVariant&>(*state_->by_number.at(number)) = raw(value);
}

ObjectWriter::Number ObjectWriter::add(std::string_view value) {
  const Number number = reserve();
  set(number, value);
  return number;
}

ObjectWriter::Number ObjectWriter::add_stream(const Entries& entries, std::string_view bytes) {
  const Number number = reserve();
  PoDoFo::PdfObject* object = state_->by_number[number];
  fill(*object, entries);
  PoDoFo::PdfMemoryInputStream input(bytes.data(), static_cast<PoDoFo::pdf_long>(bytes.size()));
  object->GetStream()->SetRawData(&input, static_cast<PoDoFo::pdf_long>(bytes.size()));
  return number;
}

std::string ObjectWriter::finish(Number catalog, const Entries& info) {
  try {
    PoDoFo::PdfObject* described = state_->by_number.at(reserve());
    fill(*described, info);
    PoDoFo::PdfObject trailer;
    trailer.GetDictionary().AddKey("Root", state_->by_number.at(catalog)->Reference());
    trailer.GetDictionary().AddKey("Info", described->Reference());
    PoDoFo::PdfWriter writer(&state_->objects, &trailer);
    writer.SetPdfVersion(PoDoFo::ePdfVersion_1_7);
    writer.SetWriteMode(PoDoFo::ePdfWriteMode_Clean);  // the default breaks PDF/A 6.1.9
    PoDoFo::PdfRefCountedBuffer buffer;
    PoDoFo::PdfOutputDevice device(&buffer);
    writer.Write(&device);
    std::string file(buffer.GetBuffer(), buffer.GetSize());
    set_identifier(file);
    return file;
  } catch (const PoDoFo::PdfError& error) {
    throw Error(
        fmt::format("PoDoFo: the document cannot be written ({})", PoDoFo::PdfError::ErrorName(error.GetError())));
  }
}

}  // namespace navette::pdf
