// Free text comes from families, and from whoever writes in their name: what it may do to a page is decided here.
#pragma once

#include <string>
#include <string_view>

namespace navette::render {

struct CleanText {
  std::u16string text;       // NFC; line ends are U+000A only
  unsigned substituted = 0;  // characters replaced by U+FFFD
};

// - bidi controls are dropped: a comment must not turn around the text beside it; the letters' own direction is kept;
// - soft hyphens are dropped: lines are broken elsewhere;
// - tabs become four spaces; U+0085, U+2028, U+2029 and CR become line ends;
// - of blank lines that follow one another one stays: they say nothing, and 4,000 of them would be 75 pages;
// - other control characters and non-characters become U+FFFD, counted;
// - past the third combining mark on a letter, the rest becomes one U+FFFD: marks must not climb over other lines;
//   what is invisible between marks makes no new letter.
CleanText clean_text(std::string_view utf8);

// The same for what is read but not laid out (a bookmark's title, what an image shows): line ends become blanks.
std::u16string clean_line(std::string_view utf8);

}  // namespace navette::render
