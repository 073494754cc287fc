#include "lib/mime/address.h"

#include <algorithm>
#include <cstddef>

namespace navette::mime {
namespace {

// Of RFC 5321.
constexpr std::size_t longest_local = 64;
constexpr std::size_t longest_address = 254;
constexpr std::size_t longest_label = 63;

// Not <cctype>: the locale has no say.
bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_local_part(std::string_view local) {
  constexpr std::string_view signs = "#$&'*+-/=?^_{}~.";
  if (local.empty() || local.size() > longest_local) return false;
  if (local.front() == '.' || local.front() == '-' || local.back() == '.') return false;
  if (local.find("..") != std::string_view::npos) return false;
  return std::all_of(local.begin(), local.end(),
                     [&](char c) { return is_letter_or_digit(c) || signs.find(c) != std::string_view::npos; });
}

bool is_label(std::string_view label) {
  if (label.empty() || label.size() > longest_label || label.front() == '-' || label.back() == '-') return false;
  return std::all_of(label.begin(), label.end(), [](char c) { return is_letter_or_digit(c) || c == '-'; });
}

bool is_domain(std::string_view domain) {
  while (true) {
    const std::size_t dot = domain.find('.');
    if (!is_label(domain.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    domain.remove_prefix(dot + 1);
  }
}

}  // namespace

bool is_valid_address(std::string_view address) {
  if (address.size() > longest_address) return false;
  const std::size_t at = address.find('@');
  return at != std::string_view::npos && is_local_part(address.substr(0, at)) && is_domain(address.substr(at + 1));
}

std::string domain_of(std::string_view address) {
  return std::string(address.substr(address.rfind('@') + 1));
}

}  // namespace navette::mime
