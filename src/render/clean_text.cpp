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

bool is_blank(char16_t c) {
  return c == u' ' || c == u'\u00A0' || (c >= u'\u2000' && c <= u'\u200B') || c == u'\u202F' || c == u'\u205F' ||
         c == u'\u3000';
}

// In place: of neighbouring blank lines the first stays.
void drop_repeated_blank_lines(std::u16string& text) {
  std::size_t out = 0;
  bool after_blank = false;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find(u'\n', begin), text.size() - 1) + 1;
    const auto from = text.begin() + static_cast<std::ptrdiff_t>(begin);
    const auto to = text.begin() + static_cast<std::ptrdiff_t>(end);
    const bool blank = *(to - 1) == u'\n' && std::all_of(from, to - 1, is_blank);
    if (!blank || !after_blank) {
      std::copy(from, to, text.begin() + static_cast<std::ptrdiff_t>(out));
      out += end - begin;
    }
    after_blank = blank;
    begin = end;
  }
  text.resize(out);
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
    const bool invisible = unicode::is_default_ignorable(c);  // a joiner between marks makes no new letter
    const bool mark = unicode::is_combining_mark(c) && !invisible;
    if (!mark && !invisible) marks_ = 0;
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
  CleanText out = is_plain(utf8) ? CleanText{std::u16string(utf8.begin(), utf8.end()), 0}
                                 : Cleaner().clean(unicode::nfc(unicode::utf16(utf8)));
  drop_repeated_blank_lines(out.text);
  return out;
}

std::u16string clean_line(std::string_view utf8) {
  std::u16string text = clean_text(utf8).text;
  std::replace(text.begin(), text.end(), u'\n', u' ');
  return text;
}

}  // namespace navette::render
