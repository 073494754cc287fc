#include "lib/pdf/image.h"

#include <fstream>
#include <iterator>

#include <catch2/catch.hpp>

#include "base/error.h"

using navette::Error;
using navette::pdf::Image;
using navette::pdf::read_image;

namespace {

std::string file(const std::string& name) {
  std::ifstream in("tests/data/images/" + name, std::ios::binary);
  REQUIRE(in);
  return {std::istreambuf_iterator<char>(in), {}};
}

void check(const Image& image, unsigned components, bool is_jpeg, bool has_alpha) {
  CHECK(image.width == 16);
  CHECK(image.height == 8);
  CHECK(image.components == components);
  CHECK(image.is_jpeg == is_jpeg);
  CHECK(image.alpha.empty() != has_alpha);
}

// The marker segment that begins with `marker`, and what it says at `at`, replaced.
std::string jpeg_with(std::string bytes, char marker, std::size_t at, char value) {
  const auto found = bytes.find(std::string{'\xFF', marker});
  REQUIRE(found != std::string::npos);
  bytes[found + at] = value;
  return bytes;
}

}  // namespace

TEST_CASE("PNG of each kind become 8 bits of gray or colour, with what is transparent apart") {
  check(read_image(file("couleur.png")), 3, false, false);
  check(read_image(file("palette.png")), 3, false, false);
  check(read_image(file("gris16-entrelace.png")), 1, false, false);
  check(read_image(file("alpha.png")), 3, false, true);
}

TEST_CASE("a JPEG goes into the PDF as it is") {
  for (const char* name : {"photo.jpg", "progressif.jpg"}) {
    const auto image = read_image(file(name));
    check(image, 3, true, false);
    CHECK(image.samples == file(name));
  }
  check(read_image(file("gris.jpg")), 1, true, false);
}

TEST_CASE("an image that a PDF cannot show as it is says why") {
  CHECK_THROWS_WITH(read_image(file("cmjn.jpg")), Catch::Contains("CMYK"));
  CHECK_THROWS_WITH(read_image(file("immense.png")), Catch::Contains("60000 × 60000 pixels"));
  CHECK_THROWS_WITH(read_image("GIF89a"), Catch::Contains("neither PNG nor JPEG"));
  CHECK_THROWS_WITH(read_image(""), Catch::Contains("neither PNG nor JPEG"));
  const std::string photo = file("photo.jpg");
  CHECK_THROWS_WITH(read_image(jpeg_with(photo, '\xC0', 4, 12)), Catch::Contains("8 bits"));
  CHECK_THROWS_WITH(read_image(jpeg_with(photo, '\xC0', 1, '\xC3')),
                    Catch::Contains("neither baseline nor progressive"));
  CHECK_THROWS_WITH(read_image(jpeg_with(photo, '\xC0', 9, 2)), Catch::Contains("neither gray nor RGB"));
  CHECK_THROWS_WITH(read_image(jpeg_with(photo, '\xC0', 6, 0)), Catch::Contains("empty"));
}

TEST_CASE("a JPEG whose picture is damaged is refused") {
  for (const char* name : {"photo.jpg", "progressif.jpg", "gris.jpg"}) {
    std::string damaged = file(name);
    const auto scan = damaged.rfind("\xFF\xDA");
    REQUIRE(scan != std::string::npos);
    const auto middle = (scan + damaged.size()) / 2;
    damaged.replace(middle, 2, "\xFF\xD5");  // a restart that is none
    CHECK_THROWS_WITH(read_image(damaged), Catch::Contains("the JPEG is damaged: "));
  }
}

TEST_CASE("an image that is cut short is refused wherever it is cut") {
  for (const char* name :
       {"couleur.png", "palette.png", "gris16-entrelace.png", "alpha.png", "photo.jpg", "progressif.jpg", "gris.jpg"}) {
    const std::string whole = file(name);
    const std::size_t tail = whole.ends_with(std::string("IEND\xAE\x42\x60\x82")) ? 12 : 0;  // says nothing more
    for (std::size_t size = 0; size + tail < whole.size(); ++size) {
      INFO(name << " cut to " << size << " bytes");
      CHECK_THROWS_AS(read_image(whole.substr(0, size)), Error);
    }
  }
}

TEST_CASE("a damaged image is an image or an error, nothing else") {
  for (const char* name : {"couleur.png", "gris16-entrelace.png", "alpha.png", "photo.jpg", "gris.jpg", "cmjn.jpg"}) {
    const std::string whole = file(name);
    for (std::size_t at = 0; at < whole.size(); ++at) {
      for (const char value : {'\0', '\x01', '\x7F', '\xFF'}) {
        std::string damaged = whole;
        damaged[at] = value;
        try {
          const auto image = read_image(damaged);
          CHECK((image.width > 0 && image.height > 0 && !image.samples.empty()));
        } catch (const Error& error) {
          CHECK(std::string(error.what()).size() > 10);
        }
      }
    }
  }
}
