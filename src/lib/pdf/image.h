// libpng, libjpeg-turbo: image files → what an image XObject of a PDF holds.
#pragma once

#include <string>
#include <string_view>

namespace navette::pdf {

struct Image {
  unsigned width = 0, height = 0;  // pixels
  unsigned components = 3;         // 1: gray, 3: RGB; both are taken as sRGB
  bool is_jpeg = false;
  bool is_drawing = false;  // no pixels: PDF operators, for a square of 1 by 1 with its origin bottom left
  std::string samples;      // the JPEG file as it is; else operators, or 8 bits a component, deflated
  std::string alpha;        // 8 bits a pixel, deflated; empty: opaque
};

// PNG of any kind (16 bits become 8), or a JPEG that every viewer knows: baseline or progressive, gray or colour.
// Throws Error: neither, damaged, CMYK, or too many pixels.
Image read_image(std::string_view file);

// A box to tick, empty or ticked: lines, sharp at any size.
Image check_box(bool ticked);

}  // namespace navette::pdf
