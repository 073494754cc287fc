#include "lib/pdf/image.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <new>
#include <vector>

#include <fmt/format.h>
#include <png.h>
#include <turbojpeg.h>

#include "base/error.h"
#include "lib/pdf/deflate.h"

namespace navette::pdf {
namespace {

// 2,500 × 2,000, a page at 200 dpi, and twice that: a file of some bytes can claim 4 GB.
constexpr std::uint64_t most_pixels = 10'000'000;

void check_size(std::uint64_t width, std::uint64_t height) {
  if (width == 0 || height == 0) throw Error("the image is empty");
  if (width * height > most_pixels) {
    throw Error(fmt::format("the image has {} × {} pixels; {} in all are the most", width, height, most_pixels));
  }
}

// libpng's image, which must be freed however its reading ends.
struct PngReader {
  png_image image{};
  PngReader() { image.version = PNG_IMAGE_VERSION; }
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;
  ~PngReader() { png_image_free(&image); }
  [[noreturn]] void fail() const { throw Error(fmt::format("the PNG cannot be read: {}", image.message)); }
};

Image read_png(std::string_view file) {
  PngReader reader;
  png_image& png = reader.image;
  if (png_image_begin_read_from_memory(&png, file.data(), file.size()) == 0) reader.fail();
  check_size(png.width, png.height);
  // Palettes, 16 bits and gamma of the file's own become 8 bits of sRGB. libpng takes 16 bits that say nothing of their
  // gamma as linear light; nobody writes them so.
  png.flags |= PNG_IMAGE_FLAG_16BIT_sRGB;
  png.format &= PNG_FORMAT_FLAG_COLOR | PNG_FORMAT_FLAG_ALPHA;
  const bool has_alpha = (png.format & PNG_FORMAT_FLAG_ALPHA) != 0;
  std::vector<unsigned char> pixels(PNG_IMAGE_SIZE(png));
  if (png_image_finish_read(&png, nullptr, pixels.data(), 0, nullptr) == 0) reader.fail();

  Image out;
  out.width = png.width;
  out.height = png.height;
  out.components = (png.format & PNG_FORMAT_FLAG_COLOR) != 0 ? 3 : 1;
  std::string samples;
  std::string alpha;
  samples.reserve(pixels.size());
  for (std::size_t at = 0; at < pixels.size();) {
    for (unsigned c = 0; c < out.components; ++c) samples += static_cast<char>(pixels[at++]);
    if (has_alpha) alpha += static_cast<char>(pixels[at++]);
  }
  Deflate deflate(9);
  out.samples = deflate.compress(samples);
  const bool opaque = std::all_of(alpha.begin(), alpha.end(), [](char a) { return a == '\xFF'; });
  if (!opaque) out.alpha = deflate.compress(alpha);
  return out;
}

// A viewer shows what it can of damaged data, grey or not at all: whoever put the file there is told instead.
void require_sound(std::string_view jpeg, const Image& image) {
  const std::unique_ptr<void, int (*)(tjhandle)> decoder(tjInitDecompress(), tjDestroy);
  if (!decoder) throw std::bad_alloc();
  std::vector<unsigned char> pixels(std::size_t{image.width} * image.height);
  if (tjDecompress2(decoder.get(), reinterpret_cast<const unsigned char*>(jpeg.data()), jpeg.size(), pixels.data(),
                    static_cast<int>(image.width), 0, static_cast<int>(image.height), TJPF_GRAY,
                    TJFLAG_STOPONWARNING) != 0)
    throw Error(fmt::format("the JPEG is damaged: {}", tjGetErrorStr2(decoder.get())));
}

// The frame header (ITU-T T.81, B.2.2) says what kind it is.
Image read_jpeg(std::string_view file) {
  const auto byte = [&](std::size_t at) -> unsigned {
    if (at >= file.size()) throw Error("the JPEG is cut short");
    return static_cast<unsigned char>(file[at]);
  };
  const auto word = [&](std::size_t at) { return byte(at) << 8U | byte(at + 1); };
  for (std::size_t at = 2;;) {
    if (byte(at) != 0xFF) throw Error("the JPEG is damaged");
    const unsigned marker = byte(at + 1);
    if (marker == 0xFF) {  // a fill byte
      ++at;
      continue;
    }
    const bool is_frame = marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
    if (!is_frame) {
      if (marker == 0xD9 || marker == 0xDA) throw Error("the JPEG has no frame header");
      at += 2 + word(at + 2);
      continue;
    }
    Image out;
    out.height = word(at + 5);
    out.width = word(at + 7);
    out.components = byte(at + 9);
    if (marker > 0xC2 || byte(at + 4) != 8) throw Error("the JPEG is neither baseline nor progressive with 8 bits");
    if (out.components == 4) throw Error("the JPEG is CMYK; save it as RGB");
    if (out.components != 1 && out.components != 3) throw Error("the JPEG is neither gray nor RGB");
    check_size(out.width, out.height);
    require_sound(file, out);
    out.is_jpeg = true;
    out.samples = file;
    return out;
  }
}

}  // namespace

Image read_image(std::string_view file) {
  if (file.starts_with("\x89PNG\r\n\x1A\n")) return read_png(file);
  if (file.starts_with("\xFF\xD8")) return read_jpeg(file);
  throw Error("the file is neither PNG nor JPEG");
}

Image check_box(bool ticked) {
  std::string operators = "0.11 0.11 0.11 RG 0.07 w 0.05 0.05 0.9 0.9 re S";
  if (ticked) operators += " 0.13 w 1 J 1 j 0.22 0.5 m 0.42 0.27 l 0.79 0.76 l S";
  Image out;
  out.width = out.height = 1;
  out.is_drawing = true;
  out.samples = Deflate(9).compress(operators);
  return out;
}

}  // namespace navette::pdf
