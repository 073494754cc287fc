#include "lib/pdf/unicode.h"

#include <algorithm>

#include <unicode/ubidi.h>
#include <unicode/ubrk.h>
#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>
#include <unicode/utf16.h>

#include "base/error.h"

namespace navette::unicode {
namespace {

void check(UErrorCode status, const char* what) {
  if (U_FAILURE(status)) throw Error(std::string("ICU: ") + what + ": " + u_errorName(status));
}

struct FreeBidi {
  void operator()(UBiDi* bidi) const { ubidi_close(bidi); }
};

}  // namespace

std::u16string utf16(std::string_view utf8) {
  std::u16string out(utf8.size(), u'\0');
  std::int32_t length = 0;
  UErrorCode status = U_ZERO_ERROR;
  u_strFromUTF8WithSub(out.data(), static_cast<std::int32_t>(out.size()), &length, utf8.data(),
                       static_cast<std::int32_t>(utf8.size()), 0xFFFD, nullptr, &status);
  check(status == U_STRING_NOT_TERMINATED_WARNING ? U_ZERO_ERROR : status, "UTF-8");
  out.resize(static_cast<std::size_t>(length));
  return out;
}

std::string utf8(std::u16string_view text) {
  std::string out(text.size() * 3, '\0');
  std::int32_t length = 0;
  UErrorCode status = U_ZERO_ERROR;
  u_strToUTF8WithSub(out.data(), static_cast<std::int32_t>(out.size()), &length, text.data(),
                     static_cast<std::int32_t>(text.size()), 0xFFFD, nullptr, &status);
  check(status, "UTF-8");
  out.resize(static_cast<std::size_t>(length));
  return out;
}

char32_t next(std::u16string_view text, std::size_t& at) {
  const char32_t lead = text[at++];
  if (!U16_IS_LEAD(lead) || at == text.size() || !U16_IS_TRAIL(text[at])) return lead;
  const char32_t trail = text[at++];
  return 0x10000U + ((lead - 0xD800U) << 10U) + (trail - 0xDC00U);
}

void append(std::u16string& text, char32_t c) {
  if (c <= 0xFFFF) {
    text += static_cast<char16_t>(c);
  } else {
    text += static_cast<char16_t>(U16_LEAD(c));
    text += static_cast<char16_t>(U16_TRAIL(c));
  }
}

bool is_control(char32_t c) {
  return c < 0x20 || (c >= 0x7F && c <= 0x9F) || U_IS_UNICODE_NONCHAR(c) || U_IS_SURROGATE(c);
}

bool is_bidi_control(char32_t c) {
  return c == 0x061C || c == 0x200E || c == 0x200F || (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
}

bool is_combining_mark(char32_t c) {
  return c >= 0x300 && (U_MASK(u_charType(static_cast<UChar32>(c))) & (U_GC_MN_MASK | U_GC_ME_MASK)) != 0;
}

bool is_private(char32_t c) {
  return (c >= 0xE000 && c <= 0xF8FF) || c >= 0xF0000;
}

bool is_default_ignorable(char32_t c) {
  return c >= 0xAD && u_hasBinaryProperty(static_cast<UChar32>(c), UCHAR_DEFAULT_IGNORABLE_CODE_POINT) != 0;
}

bool is_blank(char32_t c) {
  return u_charType(static_cast<UChar32>(c)) == U_SPACE_SEPARATOR;
}

bool may_be_right_to_left(std::u16string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const char32_t c = next(text, at);
    if (c < 0x590) continue;
    const auto direction = u_charDirection(static_cast<UChar32>(c));
    if (direction == U_RIGHT_TO_LEFT || direction == U_RIGHT_TO_LEFT_ARABIC || direction == U_ARABIC_NUMBER)
      return true;
  }
  return false;
}

std::u16string nfkc(std::u16string_view text) {
  UErrorCode status = U_ZERO_ERROR;
  const UNormalizer2* form = unorm2_getNFKCInstance(&status);
  check(status, "normalisation");
  std::u16string out(text.size() * 18, u'\0');  // as much as NFKC grows a UTF-16 text at most
  const auto length = unorm2_normalize(form, text.data(), static_cast<std::int32_t>(text.size()), out.data(),
                                       static_cast<std::int32_t>(out.size()), &status);
  check(status, "normalisation");
  out.resize(static_cast<std::size_t>(length));
  return out;
}

std::u16string nfc(std::u16string text) {
  // Nothing below U+0300 composes with what precedes it.
  if (std::all_of(text.begin(), text.end(), [](char16_t c) { return c < 0x300; })) return text;
  UErrorCode status = U_ZERO_ERROR;
  const UNormalizer2* form = unorm2_getNFCInstance(&status);
  check(status, "normalisation");
  std::u16string out(text.size() * 3, u'\0');  // NFC grows a UTF-16 text three times at most
  const auto length = unorm2_normalize(form, text.data(), static_cast<std::int32_t>(text.size()), out.data(),
                                       static_cast<std::int32_t>(out.size()), &status);
  check(status, "normalisation");
  out.resize(static_cast<std::size_t>(length));
  return out;
}

std::vector<std::uint8_t> bidi_levels(std::u16string_view paragraph) {
  std::vector<std::uint8_t> levels(paragraph.size(), 0);
  if (paragraph.empty()) return levels;
  const std::unique_ptr<UBiDi, FreeBidi> bidi(ubidi_open());
  UErrorCode status = U_ZERO_ERROR;
  ubidi_setPara(bidi.get(), paragraph.data(), static_cast<std::int32_t>(paragraph.size()), UBIDI_LTR, nullptr, &status);
  const UBiDiLevel* found = ubidi_getLevels(bidi.get(), &status);
  check(status, "bidirectional levels");
  std::copy_n(found, levels.size(), levels.begin());
  return levels;
}

void Boundaries::Free::operator()(UBreakIterator* iterator) const {
  ubrk_close(iterator);
}

Boundaries::Boundaries(Kind kind) {
  UErrorCode status = U_ZERO_ERROR;
  iterator_.reset(ubrk_open(kind == Kind::line ? UBRK_LINE : UBRK_CHARACTER, "fr", nullptr, 0, &status));
  check(status, "boundaries");
}

const std::vector<std::size_t>& Boundaries::of(std::u16string_view text) {
  offsets_.clear();
  UErrorCode status = U_ZERO_ERROR;
  ubrk_setText(iterator_.get(), text.data(), static_cast<std::int32_t>(text.size()), &status);
  check(status, "boundaries");
  ubrk_first(iterator_.get());
  for (auto at = ubrk_next(iterator_.get()); at != UBRK_DONE; at = ubrk_next(iterator_.get())) {
    offsets_.push_back(static_cast<std::size_t>(at));
  }
  return offsets_;
}

}  // namespace navette::unicode
