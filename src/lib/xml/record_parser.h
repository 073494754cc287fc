// Reads an XML file of any size in bounded memory: the children of the root are given one at a time, each as a small
// tree that is freed after the call.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "lib/xml/document.h"

namespace navette::xml {

struct ParseLimits {
  std::size_t depth = 32;                         // elements in one another, the root counted
  std::size_t text = std::size_t{64} << 10U;      // bytes of one text or of the attributes of one element
  std::size_t record = std::size_t{1} << 20U;     // bytes of one child of the root
  std::size_t elements = 20'000;                  // in one child of the root
  std::size_t attributes = 32;                    // of one element, namespace declarations counted apart
  std::size_t pending = std::size_t{256} << 10U;  // bytes of one tag, comment or instruction
  std::string counted{};                          // elements to be counted in what is passed over (RecordFault)
};

enum class Fault { none, empty, encoding, malformed, doctype, depth, text, record };

struct ParseResult {
  Fault fault = Fault::none;
  bool stopped = false;  // a handler said so
  long line = 0;         // of the fault: 1-based, 0 when unknown
  long column = 0;
  std::string path;  // of the innermost element open at the fault; empty outside of the root
};

// A child of the root went beyond the limits of text, attributes, size or number of elements. What was too much is not
// kept, and after `record` nothing more of it is: memory stays bounded while the reading goes on behind it.
struct RecordFault {
  Fault fault = Fault::none;
  long line = 0;
  long column = 0;
  std::string path;
  std::uint64_t counted = 0;  // elements named ParseLimits::counted that were passed over
};

// A child of the root, whole but for what its fault says. Belongs to the parser that made it: destroyed on that
// parser's thread, before the parser. Another thread may read it meanwhile, the path and the namespaces of the root
// included.
class Record {
 public:
  Record(_xmlNode* owned, std::size_t bytes, std::optional<RecordFault> fault)
      : node_(owned), bytes_(bytes), fault_(std::move(fault)) {}
  Node node() const { return Node(node_.get()); }
  std::size_t bytes() const { return bytes_; }  // in the file
  const std::optional<RecordFault>& fault() const { return fault_; }

 private:
  struct Free {
    void operator()(_xmlNode* node) const;
  };
  std::unique_ptr<_xmlNode, Free> node_;
  std::size_t bytes_;
  std::optional<RecordFault> fault_;
};

// Called in the order of the file. Each returns false to stop reading.
class RecordHandler {
 public:
  RecordHandler() = default;
  RecordHandler(const RecordHandler&) = delete;
  RecordHandler& operator=(const RecordHandler&) = delete;
  virtual ~RecordHandler() = default;

  // With its attributes, without children. The limits may be changed for what follows.
  virtual bool root(Node root, ParseLimits& limits) = 0;
  // With its attributes, without children. Here is the place to number it: Node::set_rank.
  virtual bool begins(Node child) = 0;
  // Whole. Blank text beside elements is dropped (indentation), comments and instructions are; CDATA is text.
  virtual bool ends(Record child) = 0;
  // Text other than blanks directly in the root, which is given.
  virtual bool stray_text(Node root) = 0;
};

class RecordParser {
 public:
  explicit RecordParser(RecordHandler& handler, const ParseLimits& limits = {});
  RecordParser(const RecordParser&) = delete;
  RecordParser& operator=(const RecordParser&) = delete;
  ~RecordParser();

  // Reads `fd` from where it stands to its end; once. Accepts UTF-8 and ISO-8859-1. A document type, an entity other
  // than the five predefined, or what goes beyond the limits of depth or of one tag ends the reading: the result, not
  // an exception, says so. So do the other limits outside of the root's children; inside they are the child's fault.
  // Elements know their line and column. Throws std::system_error when reading fails, and what a handler throws.
  ParseResult read(int fd);

 private:
  class Reading;
  std::unique_ptr<Reading> reading_;
};

}  // namespace navette::xml
