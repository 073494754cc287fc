#include "lib/pdf/colour_profile.h"

#include <algorithm>
#include <memory>

#include <lcms2.h>

#include "base/error.h"

namespace navette::pdf {
namespace {

struct CloseProfile {
  void operator()(void* profile) const { cmsCloseProfile(profile); }
};

}  // namespace

std::string srgb_profile() {
  const std::unique_ptr<void, CloseProfile> profile(cmsCreate_sRGBProfile());
  cmsUInt32Number size = 0;
  if (!profile || cmsSaveProfileToMem(profile.get(), nullptr, &size) == 0) throw Error("lcms2: no sRGB profile");
  std::string bytes(size, '\0');
  if (cmsSaveProfileToMem(profile.get(), bytes.data(), &size) == 0) throw Error("lcms2: no sRGB profile");
  // The header holds the moment of creation and an id made from it (ICC.1, 7.2): fixed, or no two runs would agree.
  constexpr std::size_t date_at = 24, date_size = 12, id_at = 84, id_size = 16;
  constexpr unsigned char date[date_size] = {0x07, 0xEA, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0};  // 1 January 2026
  std::copy_n(date, date_size, bytes.begin() + date_at);
  std::fill_n(bytes.begin() + id_at, id_size, '\0');
  return bytes;
}

}  // namespace navette::pdf
