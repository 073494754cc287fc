// Reads an XML file of any size in bounded memory: the children of the root are given one at a time, each as a small
// tree that is freed after the call.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "lib/xml/document.h"

namespace navette::xml {

struct ParseLimits {
  std::size_t depth = 32;                       // elements in one another, the root counted
  std::size_t text = std::size_t{64} << 10U;    // bytes of one text or of the attributes of one element
  std::size_t record = std::size_t{1} << 20U;   // bytes of one child of the root
  std::size_t elements = 20'000;                // in one child of the root
  std::size_t attributes = 32;                  // of one element, namespace declarations counted apart
  std::size_t pending = std::size_t{1} << 20U;  // bytes of one tag, comment or instruction
};

enum class Fault { none, empty, encoding, malformed, doctype, depth, text, record };

struct ParseResult {
  Fault fault = Fault::none;
  bool stopped = false;  // a handler said so
  long line = 0;         // of the fault: 1-based, 0 when unknown
  long column = 0;
  std::string path;  // of the innermost element open at the fault; empty outside of the root
};

// A child of the root, whole. Belongs to the parser that made it: destroyed on that parser's thread, before the parser.
// Another thread may read it meanwhile, the path and the namespaces of the root included.
class Record {
 public:
  Record(_xmlNode* owned, std::size_t bytes) : node_(owned), bytes_(bytes) {}
  Node node() const { return Node(node_.get()); }
  std::size_t bytes() const { return bytes_; }  // in the file

 private:
  struct Free {
    void operator()(_xmlNode* node) const;
  };
  std::unique_ptr<_xmlNode, Free> node_;
  std::size_t bytes_;
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
  // than the five predefined, or what goes beyond the limits ends the reading: the result, not an exception, says so.
  // Elements know their line and column. Throws std::system_error when reading fails, and what a handler throws.
  ParseResult read(int fd);

 private:
  class Reading;
  std::unique_ptr<Reading> reading_;
};

}  // namespace navette::xml
