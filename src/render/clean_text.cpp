#include "render/clean_text.h"

#include <algorithm>

#include "lib/pdf/unicode.h"

namespace navette::render {
namespace {

constexpr char32_t replacement = 0xFFFD;
constexpr unsigned most_marks = 3;  // Vietnamese needs 2

bool is_plain(std::string_view utf8) {
  return std::all_of(utf8.begin(), utf8.end(), [](char c) { return (c >= ' ' && c < 0x7F) || c == '\n'; });
}

bool is_line_end(char32_t c) {
  return c == '\r' || c == '\n' || c == 0x0B || c == 0x0C || c == 0x85 || c == 0x2028 || c == 0x2029;
}

class Cleaner {
 public:
  CleanText clean(const std::u16string& text) {
    for (std::size_t at = 0; at < text.size();) {
      const char32_t c = unicode::next(text, at);
      if (c == '\r' && at < text.size() && text[at] == u'\n') continue;
      one(c);
    }
    return std::move(out_);
  }

 private:
  void one(char32_t c) {
    const bool mark = unicode::is_combining_mark(c);
    if (!mark) marks_ = 0;
    if (is_line_end(c)) {
      out_.text += u'\n';
    } else if (c == '\t') {
      out_.text += u"    ";
    } else if (c == 0xAD || unicode::is_bidi_control(c)) {
      return;
    } else if (unicode::is_control(c)) {
      substitute();
    } else if (mark && ++marks_ > most_marks) {
      if (marks_ == most_marks + 1) substitute();
    } else {
      unicode::append(out_.text, c);
    }
  }

  void substitute() {
    unicode::append(out_.text, replacement);
    ++out_.substituted;
  }

  CleanText out_;
  unsigned marks_ = 0;
};

}  // namespace

CleanText clean_text(std::string_view utf8) {
  if (is_plain(utf8)) return {std::u16string(utf8.begin(), utf8.end()), 0};
  return Cleaner().clean(unicode::nfc(unicode::utf16(utf8)));
}

}  // namespace navette::render
