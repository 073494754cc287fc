// ICU: characters, normalisation, boundaries, bidirectional levels. No ICU header leaves lib/pdf.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct UBreakIterator;

namespace navette::unicode {

// Bytes that are not UTF-8 become U+FFFD.
std::u16string utf16(std::string_view utf8);
std::string utf8(std::u16string_view text);

// The character that begins at text[at]; `at` moves past it. A lone surrogate is returned as it is.
char32_t next(std::u16string_view text, std::size_t& at);
void append(std::u16string& text, char32_t c);

bool is_control(char32_t c);         // C0, C1 and non-characters
bool is_bidi_control(char32_t c);    // marks, embeddings, overrides, isolates
bool is_combining_mark(char32_t c);  // stacks on the character before it
bool is_private(char32_t c);
bool is_default_ignorable(char32_t c);  // joiners, variation selectors: nothing is drawn for them
bool is_blank(char32_t c);              // a space of any width
bool may_be_right_to_left(std::u16string_view text);

// Normalisation form C: what fonts are made for.
std::u16string nfc(std::u16string text);
// Form KC: letters that differ in style, width or place alone are the plain ones.
std::u16string nfkc(std::u16string_view text);

// Level of each UTF-16 unit of a left-to-right paragraph; odd is right to left. Throws Error.
std::vector<std::uint8_t> bidi_levels(std::u16string_view paragraph);

// One a thread. Offsets into `text`, increasing, the last one is its size.
class Boundaries {
 public:
  enum class Kind { line, grapheme };
  explicit Boundaries(Kind kind);  // throws Error
  const std::vector<std::size_t>& of(std::u16string_view text);

 private:
  struct Free {
    void operator()(UBreakIterator* iterator) const;
  };
  std::unique_ptr<UBreakIterator, Free> iterator_;
  std::vector<std::size_t> offsets_;
};

}  // namespace navette::unicode
