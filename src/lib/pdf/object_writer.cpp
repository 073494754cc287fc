#include "lib/pdf/object_writer.h"

#include <array>
#include <cstdint>

#include <fmt/format.h>
// PoDoFo's headers are not clean under our warnings: they come in as system headers through pkg-config's imported
// target.
#include <podofo/podofo.h>
#include <xxhash.h>

#include "base/error.h"
#include "lib/pdf/deflate.h"

namespace navette::pdf {
namespace {

// Few enough that a reader who wants one object does not decode all of a long document's.
constexpr std::size_t most_packed = 200;

PoDoFo::PdfVariant raw(std::string_view value) {
  return PoDoFo::PdfVariant(PoDoFo::PdfData(value.data(), value.size()));
}

// An identifier, not a proof: that of a PDF is its SHA-256 in the manifest.
std::string fingerprint(std::string_view bytes) {
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return fmt::format("{:016X}{:016X}", hash.high64, hash.low64);
}

std::string dictionary(const ObjectWriter::Entries& entries) {
  std::string out = "<<";
  for (const auto& [key, value] : entries) out += fmt::format("/{} {}", key, value);
  return out + ">>";
}

std::string big_endian(std::uint64_t number, std::size_t bytes) {
  std::string out(bytes, '\0');
  for (std::size_t i = bytes; i > 0; --i, number >>= 8U) out[i - 1] = static_cast<char>(number & 0xFFU);
  return out;
}

struct Item {
  std::string value;                    // of what has no stream
  PoDoFo::PdfObject* stream = nullptr;  // owned by State::streams
  bool in_clear = false;
};

}  // namespace

struct ObjectWriter::State {
  PoDoFo::PdfVecObjects streams;
  std::vector<Item> items = std::vector<Item>(1);  // by number; [0] unused
};

// One file: what has a stream, the others packed into object streams, what must be found in it as it is, and the
// cross-reference stream (ISO 32000-1, 7.5.7 and 7.5.8). PoDoFo 0.9 writes neither of these two kinds of stream.
class ObjectWriter::File {
 public:
  File(ObjectWriter& writer, Deflate& deflate) : writer_(writer), deflate_(deflate), device_(&buffer_) {
    write("%PDF-1.7\n%\xE2\xE3\xCF\xD3\n");
  }

  std::string finish(Number catalog, Number info) {
    const Number last = end();
    for (Number n = 1; n < last; ++n) {
      if (item(n).stream != nullptr) write_stream(n);
    }
    pack(last);
    for (Number n = 1; n < last; ++n) {
      if (item(n).in_clear) write_value(n);
    }
    write_cross_reference(catalog, info);
    return {buffer_.GetBuffer(), buffer_.GetSize()};
  }

 private:
  enum Kind : std::uint8_t { unused = 0, at_offset = 1, in_object_stream = 2 };
  struct Place {
    Kind kind = unused;
    std::uint64_t where = 0;  // bytes into the file, or the object stream's number
    std::uint64_t index = 0;  // in that one
  };

  Item& item(Number n) { return writer_.state_->items[n]; }
  Number end() const { return static_cast<Number>(writer_.state_->items.size()); }
  void write(std::string_view bytes) { device_.Write(bytes.data(), bytes.size()); }

  void begin(Number n) {
    places_.resize(std::max<std::size_t>(places_.size(), n + 1));
    places_[n] = {at_offset, device_.Tell(), 0};
  }

  void write_stream(Number n) {
    begin(n);
    item(n).stream->WriteObject(&device_, PoDoFo::ePdfWriteMode_Clean, nullptr);  // the default breaks PDF/A 6.1.9
  }

  void write_value(Number n) {
    begin(n);
    write(fmt::format("{} 0 obj\n{}\nendobj\n", n, item(n).value));
  }

  void pack(Number last) {
    std::vector<Number> packed;
    for (Number n = 1; n < last; ++n) {
      if (item(n).stream == nullptr && !item(n).in_clear) packed.push_back(n);
      if (packed.size() == most_packed || (n + 1 == last && !packed.empty())) {
        write_packed(packed);
        packed.clear();
      }
    }
  }

  void write_packed(const std::vector<Number>& numbers) {
    std::string head;
    std::string values;
    for (const Number n : numbers) {
      head += fmt::format("{} {} ", n, values.size());
      values += item(n).value + '\n';
    }
    const Number stream = writer_.add_stream({{"Type", "/ObjStm"},
                                              {"N", std::to_string(numbers.size())},
                                              {"First", std::to_string(head.size())},
                                              {"Filter", "/FlateDecode"}},
                                             deflate_.compress(head + values));
    write_stream(stream);
    for (std::size_t i = 0; i < numbers.size(); ++i) places_[numbers[i]] = {in_object_stream, stream, i};
  }

  void write_cross_reference(Number catalog, Number info) {
    constexpr std::array<std::size_t, 3> widths{1, 4, 1};
    const std::string id = fingerprint({buffer_.GetBuffer(), buffer_.GetSize()});
    const std::uint64_t offset = device_.Tell();
    begin(end());
    std::string table;
    for (const Place& p : places_)
      table += big_endian(p.kind, widths[0]) + big_endian(p.where, widths[1]) + big_endian(p.index, widths[2]);
    write_stream(writer_.add_stream({{"Type", "/XRef"},
                                     {"Size", std::to_string(places_.size())},
                                     {"W", fmt::format("[{}]", fmt::join(widths, " "))},
                                     {"Root", fmt::format("{} 0 R", catalog)},
                                     {"Info", fmt::format("{} 0 R", info)},
                                     {"ID", fmt::format("[<{0}><{0}>]", id)},
                                     {"Filter", "/FlateDecode"}},
                                    deflate_.compress(table)));
    write(fmt::format("startxref\n{}\n%%EOF\n", offset));
  }

  ObjectWriter& writer_;
  Deflate& deflate_;
  PoDoFo::PdfRefCountedBuffer buffer_;
  PoDoFo::PdfOutputDevice device_;
  std::vector<Place> places_;
};

ObjectWriter::ObjectWriter() : state_(std::make_unique<State>()) {
  state_->streams.SetAutoDelete(true);
}
ObjectWriter::~ObjectWriter() = default;

ObjectWriter::Number ObjectWriter::reserve() {
  state_->items.push_back({"null", nullptr, false});
  return static_cast<Number>(state_->items.size() - 1);
}

void ObjectWriter::set(Number number, std::string value) {
  state_->items.at(number).value = std::move(value);
}

ObjectWriter::Number ObjectWriter::add(std::string value) {
  const Number number = reserve();
  set(number, std::move(value));
  return number;
}

ObjectWriter::Number ObjectWriter::add_in_clear(std::string value) {
  const Number number = add(std::move(value));
  state_->items[number].in_clear = true;
  return number;
}

ObjectWriter::Number ObjectWriter::add_stream(const Entries& entries, std::string_view bytes) {
  const Number number = reserve();
  auto object =
      std::make_unique<PoDoFo::PdfObject>(PoDoFo::PdfReference(number, 0), PoDoFo::PdfVariant(PoDoFo::PdfDictionary()));
  for (const auto& [key, value] : entries)
    object->GetDictionary().AddKey(PoDoFo::PdfName(key), PoDoFo::PdfObject(raw(value)));
  state_->streams.push_back(object.get());
  state_->items[number].stream = object.release();
  PoDoFo::PdfMemoryInputStream input(bytes.data(), static_cast<PoDoFo::pdf_long>(bytes.size()));
  state_->items[number].stream->GetStream()->SetRawData(&input, static_cast<PoDoFo::pdf_long>(bytes.size()));
  return number;
}

std::string ObjectWriter::finish(Number catalog, const Entries& info, Deflate& deflate) {
  const Number described = add(dictionary(info));
  try {
    return File(*this, deflate).finish(catalog, described);
  } catch (const PoDoFo::PdfError& error) {
    throw Error(
        fmt::format("PoDoFo: the document cannot be written ({})", PoDoFo::PdfError::ErrorName(error.GetError())));
  }
}

}  // namespace navette::pdf
