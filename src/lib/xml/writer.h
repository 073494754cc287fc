// Writes XML that is well-formed whatever the values are.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace navette::xml {

// Appends `utf8`, which is valid, as the content of an element or of a double-quoted attribute. A control character
// that XML 1.0 cannot hold becomes U+FFFD.
void append_escaped(std::string& out, std::string_view utf8);
// The same for bytes that deserve no trust: what is not UTF-8 becomes U+FFFD as well.
void append_repaired(std::string& out, std::string_view bytes);

// An indented document, in UTF-8 with a declaration, given to a sink in pieces. Elements are closed in order; names are
// ours and are not checked.
class Writer {
 public:
  using Sink = std::function<void(std::string_view)>;
  explicit Writer(Sink sink);

  // `attributes` are pairs of names and values.
  void open(std::string_view name, const std::vector<std::pair<std::string_view, std::string_view>>& attributes = {});
  void close();
  // <name>text</name>
  void leaf(std::string_view name, std::string_view text);
  // After the last close(); gives the sink what is left.
  void finish();

 private:
  void indent();
  void flush(std::size_t beyond);
  Sink sink_;
  std::string buffer_;
  std::vector<std::string> open_;
};

}  // namespace navette::xml
