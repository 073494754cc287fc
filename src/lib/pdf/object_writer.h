// PoDoFo: indirect objects and streams, written with object streams and a cross-reference stream. Its .cpp is the only
// file that includes PoDoFo, whose interface broke between 0.9 and 0.10. Its fonts, painter and dates are not used
// (docs/pdf.md says why).
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace navette::pdf {

class Deflate;

// A PDF file under construction. Values are PDF syntax written by the caller: "<</Type/Page>>", "[1 0 R]".
class ObjectWriter {
 public:
  using Number = unsigned;  // of an indirect object, from 1

  ObjectWriter();
  ObjectWriter(const ObjectWriter&) = delete;
  ObjectWriter& operator=(const ObjectWriter&) = delete;
  ~ObjectWriter();

  Number reserve();  // to be set before finish()
  void set(Number number, std::string value);
  Number add(std::string value);
  // Stands in the file as it is, behind whatever else was added: for what is written over afterwards.
  Number add_in_clear(std::string value);

  using Entries = std::vector<std::pair<std::string, std::string>>;  // key without "/", value
  // `bytes` are written as they are: already encoded when `entries` has a Filter. Length is added.
  Number add_stream(const Entries& entries, std::string_view bytes);

  // The whole file (PDF 1.7), with `info` as its Info dictionary; its ID is derived from its content, so that the same
  // objects give the same bytes. Throws Error. Nothing may be added afterwards.
  std::string finish(Number catalog, const Entries& info, Deflate& deflate);

 private:
  struct State;
  class File;
  std::unique_ptr<State> state_;
};

}  // namespace navette::pdf
