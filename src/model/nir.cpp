#include "model/nir.h"

#include <algorithm>
#include <cstdint>
#include <string>

namespace navette::model {
namespace {

constexpr std::size_t length = 15;
constexpr std::size_t key_at = 13;
constexpr std::size_t month_at = 3;
constexpr std::size_t departement_at = 5;

std::uint64_t number(std::string_view digits) {
  std::uint64_t value = 0;
  for (const char c : digits) value = value * 10 + static_cast<std::uint64_t>(c - '0');
  return value;
}

bool is_month(std::uint64_t month) {
  return (month >= 1 && month <= 12) || (month >= 20 && month <= 42) || month >= 50;
}

}  // namespace

bool is_nir(std::string_view text) {
  if (text.size() != length) return false;
  // The key is reckoned with 19 for 2A and 18 for 2B.
  std::string digits(text);
  const std::string_view departement = text.substr(departement_at, 2);
  if (departement == "2A") digits.replace(departement_at, 2, "19");
  if (departement == "2B") digits.replace(departement_at, 2, "18");
  if (!std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; })) return false;
  const std::string_view all = digits;
  constexpr std::string_view sexes = "123478";
  return sexes.find(all.front()) != std::string_view::npos && is_month(number(all.substr(month_at, 2))) &&
         number(all.substr(key_at)) == 97 - number(all.substr(0, key_at)) % 97;
}

}  // namespace navette::model
