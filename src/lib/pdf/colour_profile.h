// Little CMS: the sRGB profile that an archived document names as its output intent.
#pragma once

#include <string>

namespace navette::pdf {

// The bytes of an ICC profile, the same at every call. Throws Error.
std::string srgb_profile();

}  // namespace navette::pdf
