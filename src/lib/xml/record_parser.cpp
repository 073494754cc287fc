#include "lib/xml/record_parser.h"

#include <algorithm>
#include <array>
#include <exception>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <libxml/SAX2.h>
#include <libxml/parser.h>
#include <libxml/parserInternals.h>

#include "base/directory.h"
#include "lib/xml/byte_filter.h"
#include "lib/xml/place.h"
#include "lib/xml/setup.h"

namespace navette::xml {
namespace {

constexpr std::size_t chunk_size = std::size_t{64} << 10U;
constexpr std::size_t declaration_size = 1024;

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

long characters(const xmlChar* from, const xmlChar* to) {
  return std::count_if(from, to, [](xmlChar c) { return (c & 0xC0U) != 0x80; });
}

// Where the start tag that ends at the parser's current position began. An attribute's value holds no "<", so that the
// nearest one before is the tag's.
Place start_of_tag(const xmlParserInput& input) {
  const xmlChar* tag = input.cur;
  while (tag > input.base && *tag != '<') --tag;
  const auto lines = std::count(tag, input.cur, '\n');
  if (lines == 0) return {input.line, std::max(input.col - characters(tag, input.cur), 1L)};
  const xmlChar* line_start = tag;
  while (line_start > input.base && line_start[-1] != '\n') --line_start;
  const bool whole_line = line_start > input.base || input.consumed == 0;
  return {input.line - lines, whole_line ? characters(line_start, tag) + 1 : 0};
}

std::uint64_t offset(const xmlParserInput& input) {
  return input.consumed + static_cast<std::uint64_t>(input.cur - input.base);
}

}  // namespace

// libxml2's SAX2 functions build the tree; what stands here counts, limits, hands over and prunes.
// After xmlStopParser libxml2 may still call the document well-formed: only result_ counts.
class RecordParser::Reading {
 public:
  Reading(RecordHandler& handler, const ParseLimits& limits) : handler_(handler), limits_(limits) {
    initialise();
    context_.reset(xmlCreatePushParserCtxt(nullptr, nullptr, nullptr, 0, nullptr));
    if (!context_) throw std::bad_alloc();
    // The encoding is decided and converted by ByteFilter.
    xmlCtxtUseOptions(context_.get(), XML_PARSE_NONET | XML_PARSE_IGNORE_ENC | XML_PARSE_COMPACT);
    context_->_private = this;
    xmlSAXHandler& sax = *context_->sax;
    sax.startElementNs = on_start;
    sax.endElementNs = on_end;
    sax.characters = on_text;
    sax.ignorableWhitespace = on_text;
    sax.cdataBlock = on_text;
    sax.comment = on_comment;
    sax.processingInstruction = on_instruction;
    sax.internalSubset = on_doctype;
    sax.reference = on_reference;
    sax.serror = on_error;
  }

  ParseResult read(int fd) {
    std::vector<char> buffer(chunk_size);
    std::size_t size = read_at_least(fd, buffer, declaration_size);
    if (size == 0) {
      fail(Fault::empty, {});
      return result_;
    }
    if (filter_.begin({buffer.data(), size}) != ByteFault::none) {
      fail_on_bytes();
      return result_;
    }
    while (size > 0 && !over()) {
      feed(filter_.filter({buffer.data(), size}));
      if (!over() && filter_.fault() != ByteFault::none) fail_on_bytes();
      if (!over()) size = read_some(fd, buffer.data(), buffer.size());
    }
    if (!over()) finish();
    if (thrown_) std::rethrow_exception(thrown_);
    return result_;
  }

 private:
  bool over() const { return result_.fault != Fault::none || result_.stopped; }

  static std::size_t read_at_least(int fd, std::vector<char>& buffer, std::size_t wanted) {
    std::size_t size = 0;
    while (size < wanted) {
      const std::size_t got = read_some(fd, buffer.data() + size, buffer.size() - size);
      if (got == 0) break;
      size += got;
    }
    return size;
  }

  void feed(std::string_view bytes) {
    if (bytes.empty()) return;
    xmlParseChunk(context_.get(), bytes.data(), static_cast<int>(bytes.size()), 0);
    if (over() || context_->input == nullptr) return;
    const auto pending = static_cast<std::size_t>(context_->input->end - context_->input->cur);
    if (pending > limits_.pending) fail(Fault::text, here());
  }

  void finish() {
    if (filter_.finish() != ByteFault::none) return fail_on_bytes();
    xmlParseChunk(context_.get(), nullptr, 0, 1);
    if (!over() && (context_->wellFormed == 0 || !root_closed_)) fail(Fault::malformed, here());
  }

  void fail_on_bytes() {
    fail(filter_.fault() == ByteFault::encoding ? Fault::encoding : Fault::malformed, filter_.place());
  }

  Place here() const {
    const xmlParserInput* input = context_->input;
    return input == nullptr ? Place{} : Place{input->line, input->col};
  }

  void fail(Fault fault, Place at) {
    if (over()) return;
    result_.fault = fault;
    result_.line = at.line;
    result_.column = at.column;
    if (context_->node != nullptr) result_.path = Node(context_->node).path();
    xmlStopParser(context_.get());
  }

  // What a handler throws must not pass through C: it is kept until the parser has returned.
  template <typename Call>
  void ask(Call call) {
    try {
      if (call()) return;
    } catch (...) {
      thrown_ = std::current_exception();
    }
    result_.stopped = true;
    xmlStopParser(context_.get());
  }

  void start(const xmlChar* name, const xmlChar* prefix, const xmlChar* space, int spaces, const xmlChar** declared,
             int attributes, int defaulted, const xmlChar** values) {
    const Place at = start_of_tag(*context_->input);
    add_text();
    if (over()) return;
    if (++depth_ > limits_.depth) return fail(Fault::depth, at);
    if (passing_over_) {
      if (limits_.counted == reinterpret_cast<const char*>(name)) ++record_fault_->counted;
      return;
    }
    const bool fit = attributes_fit(spaces, declared, attributes, values);
    if (!fit && depth_ == 1) return fail(Fault::text, at);
    if (!fit) attributes = defaulted = spaces = 0;
    xmlSAX2StartElementNs(context_.get(), name, prefix, space, spaces, declared, attributes, defaulted, values);
    xmlNode* node = context_->node;
    if (node == nullptr) return fail(Fault::malformed, at);
    node->_private = pack(at);
    if (depth_ == 1) ask([&] { return handler_.root(Node(node), limits_); });
    if (depth_ == 2) {
      record_start_ = offset(*context_->input);
      elements_ = 0;
      ask([&] { return handler_.begins(Node(node)); });
    }
    if (!over() && depth_ >= 2) {
      if (!fit) blame(Fault::text, at);
      check_record(at);
    }
  }

  bool attributes_fit(int spaces, const xmlChar** declared, int attributes, const xmlChar** values) const {
    const auto limit = static_cast<int>(limits_.attributes);
    if (attributes > limit || spaces > limit) return false;
    std::size_t bytes = 0;
    for (int k = 0; k < attributes; ++k) bytes += static_cast<std::size_t>(values[5 * k + 4] - values[5 * k + 3]);
    for (int k = 0; k < spaces; ++k) bytes += static_cast<std::size_t>(xmlStrlen(declared[2 * k + 1]));
    return bytes <= limits_.text;
  }

  void check_record(Place at) {
    const bool too_long = offset(*context_->input) - record_start_ > limits_.record;
    if (++elements_ <= limits_.elements && !too_long) return;
    blame(Fault::record, at);
    passing_over_ = depth_;
  }

  // The first fault of a child of the root is the one that is told.
  void blame(Fault fault, Place at) {
    if (!record_fault_) record_fault_ = {fault, at.line, at.column, Node(context_->node).path(), 0};
  }

  void end(const xmlChar* name, const xmlChar* prefix, const xmlChar* space) {
    xmlNode* node = context_->node;
    add_text();
    if (over()) return;
    if (passing_over_ && depth_ > *passing_over_) {
      --depth_;
      return;
    }
    xmlSAX2EndElementNs(context_.get(), name, prefix, space);
    --depth_;
    if (passing_over_) passing_over_ = depth_;
    if (depth_ == 0) root_closed_ = true;
    if (depth_ != 1) return;
    xmlNode* root = node->parent;
    xmlUnlinkNode(node);
    node->parent = root;  // upwards only: for paths and namespaces
    passing_over_.reset();
    Record record(node, static_cast<std::size_t>(offset(*context_->input) - record_start_),
                  std::exchange(record_fault_, std::nullopt));
    ask([&] { return handler_.ends(std::move(record)); });
  }

  void text(const xmlChar* bytes, int length) {
    if (passing_over_) return;
    text_.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(length));
    if (text_.size() <= limits_.text) return;
    if (depth_ < 2) return fail(Fault::text, here());
    blame(Fault::text, here());
    std::size_t end = limits_.text;
    while (end > 0 && (static_cast<unsigned char>(text_[end]) & 0xC0U) == 0x80U) --end;
    text_.resize(end);
  }

  // The text gathered since the last tag. Called with the element that holds it open.
  void add_text() {
    xmlNode* node = context_->node;
    if (text_.empty() || node == nullptr || over()) return;
    const bool in_leaf = node->children == nullptr && !starting_child_;
    const bool blank = is_blank(text_);
    if (depth_ == 1) {
      if (!blank) ask([&] { return handler_.stray_text(Node(node)); });
    } else if (!blank || in_leaf) {
      xmlSAX2Characters(context_.get(), reinterpret_cast<const xmlChar*>(text_.data()), static_cast<int>(text_.size()));
    }
    text_.clear();
  }

  static Reading& self(void* context) { return *static_cast<Reading*>(static_cast<xmlParserCtxt*>(context)->_private); }
  static void on_start(void* context, const xmlChar* name, const xmlChar* prefix, const xmlChar* space, int spaces,
                       const xmlChar** declared, int attributes, int defaulted, const xmlChar** values) {
    Reading& parser = self(context);
    if (parser.over()) return;
    parser.starting_child_ = true;
    parser.start(name, prefix, space, spaces, declared, attributes, defaulted, values);
    parser.starting_child_ = false;
  }
  static void on_end(void* context, const xmlChar* name, const xmlChar* prefix, const xmlChar* space) {
    if (!self(context).over()) self(context).end(name, prefix, space);
  }
  static void on_text(void* context, const xmlChar* bytes, int length) {
    if (!self(context).over()) self(context).text(bytes, length);
  }
  static void on_comment(void* /*context*/, const xmlChar* /*text*/) {}
  static void on_instruction(void* /*context*/, const xmlChar* /*target*/, const xmlChar* /*data*/) {}
  static void on_doctype(void* context, const xmlChar* /*name*/, const xmlChar* /*id*/, const xmlChar* /*system*/) {
    self(context).fail(Fault::doctype, self(context).here());
  }
  static void on_reference(void* context, const xmlChar* /*name*/) {
    self(context).fail(Fault::malformed, self(context).here());
  }
  static void on_error(void* context, xmlError* error) {
    if (error->level < XML_ERR_ERROR) return;
    self(context).fail(Fault::malformed, self(context).here());
  }

  RecordHandler& handler_;
  ParseLimits limits_;
  std::unique_ptr<xmlParserCtxt, FreeContext> context_;
  ByteFilter filter_;
  ParseResult result_;
  std::exception_ptr thrown_;
  std::string text_;
  std::size_t depth_ = 0;
  std::uint64_t record_start_ = 0;
  std::size_t elements_ = 0;
  std::optional<RecordFault> record_fault_;    // of the child of the root that is being read
  std::optional<std::size_t> passing_over_{};  // nothing more of it is kept; the depth of the last that is
  bool starting_child_ = false;
  bool root_closed_ = false;
};

void Record::Free::operator()(_xmlNode* node) const {
  xmlFreeNode(node);
}

RecordParser::RecordParser(RecordHandler& handler, const ParseLimits& limits)
    : reading_(std::make_unique<Reading>(handler, limits)) {}

RecordParser::~RecordParser() = default;

ParseResult RecordParser::read(int fd) {
  return reading_->read(fd);
}

}  // namespace navette::xml
