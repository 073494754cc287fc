// Free text is hostile: nothing is lost silently, nothing leaves its box.
#include <algorithm>
#include <map>

#include <catch2/catch.hpp>

#include "render/clean_text.h"
#include "render/fo_reader.h"
#include "render/layout.h"
#include "unit/render/pdf_tools.h"

using namespace navette;
using namespace navette::test;

namespace {

render::DisplayList laid_out(const std::string& flow) {
  static const render::FontStore fonts(render::Renderer::default_fonts());
  render::Shaper shaper(fonts);
  const auto document = xml::Document::parse(fo_around(flow));
  return render::lay_out(render::read_fo(document), shaper);
}

// Every glyph of `flow` stays between the margins of the page of fo_around(), and so does its ink but for a third of
// the font's size.
void check_inside(const std::string& flow) {
  constexpr double margin = 10 * 72 / 25.4;
  constexpr double side = 100 * 72 / 25.4;
  constexpr double overhang = 0.34;
  const render::FontStore fonts(render::Renderer::default_fonts());
  render::Shaper shaper(fonts);
  const auto document = xml::Document::parse(fo_around(flow));
  const auto tree = render::read_fo(document);
  for (const auto& page : render::lay_out(tree, shaper).pages) {
    for (const auto& item : page.items) {
      const auto* text = std::get_if<render::TextItem>(&item);
      if (text == nullptr) continue;
      const auto& file = fonts.file(text->word->font);
      const double unit = text->size / file.metrics().units_per_em;
      double x = text->x;
      double ink_left = side, ink_right = 0, ink_top = text->y;
      for (unsigned c = text->cluster_begin; c < text->cluster_end; ++c) {
        const auto& cluster = text->word->clusters[c];
        double pen = x;
        for (unsigned g = cluster.glyph_begin; g < cluster.glyph_end; ++g) {
          const auto& glyph = text->word->glyphs[g];
          const auto ink = file.ink(glyph.id);
          if (ink.left != ink.right) {
            ink_left = std::min(ink_left, pen + (glyph.dx + ink.left) * unit);
            ink_right = std::max(ink_right, pen + (glyph.dx + ink.right) * unit);
            ink_top = std::min(ink_top, text->y - (glyph.dy + ink.top) * unit);
          }
          pen += glyph.advance * unit;
        }
        x += cluster.width * unit;
      }
      const bool blank = text->word->text.find_first_not_of(u" \u1680\u2003\u205F\u3000") == std::u16string::npos;
      CHECK(text->x >= margin - 0.01);
      CHECK(x <= side - margin + (blank ? text->size : 0.01));  // one may hang
      CHECK(ink_left >= margin - overhang * text->size);
      CHECK(ink_right <= side - margin + overhang * text->size);
      CHECK(ink_top >= margin - overhang * text->size);
      CHECK(text->y <= side - 2 * margin + 0.01);
      for (const auto& glyph : text->word->glyphs) CHECK(glyph.id != 0);
    }
  }
}

std::string comment(const std::string& text) {
  return with_text(sample("demo/demandes.xml"), "commentaire", text);
}

std::string repeated(const std::string& text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

}  // namespace

TEST_CASE("characters that no font has are shown as a substitute, counted, and still extract") {
  const auto result = render_demande(comment("Avant 你好 \U0001F469\u200D\U0001F467 après"));
  CHECK(result.substituted_glyphs == 3);  // two ideographs, one family
  const auto text = PdfFile(result.pdf).text();
  CHECK(contains(text, "Avant 你好 \U0001F469\u200D\U0001F467 après"));
}

TEST_CASE("of what no font has the plain letter is shown, counted, and read as it was written") {
  const auto shown = [](const std::string& text) {
    const render::FontStore fonts(render::Renderer::default_fonts());
    render::Shaper shaper(fonts);
    const auto written = unicode::utf16(text);
    std::vector<pdf::GlyphId> glyphs;
    for (const auto& word : shaper.shape(written, false, false, false)) {
      for (const auto& glyph : word->glyphs) glyphs.push_back(glyph.id);
    }
    return glyphs;
  };
  for (const auto& [written, plain] : {std::pair{"1\uFE0F\u20E3", "1"},
                                       {"\uFF46\uFF55\uFF4C\uFF4C", "full"},
                                       {"\U0001D4D1\U0001D4F8\U0001D4F7", "Bon"},
                                       {"\u33A9", "Pa"},
                                       {"Z\u0351\u036B\u0313", "Z"},
                                       {"\uFF12\uFF11", "21"}}) {
    INFO(written);
    CHECK(shown(written) == shown(plain));
    const auto result = render_flow("<fo:block>un " + std::string(written) + " " + plain + " fin</fo:block>");
    CHECK(result.substituted_glyphs > 0);
    CHECK(contains(PdfFile(result.pdf).text(), "un " + std::string(written) + " " + plain + " fin"));
  }
  // Nothing plain to be seen.
  for (const char* written : {"你", "\U0001F469", "\U0001F1EB", "\uFDFA"}) CHECK(shown(written) == shown("\uFFFD"));
  check_inside("<fo:block>" + repeated("\U0001D54F\uFDFA\u33A9 1\uFE0F\u20E3", 300) + "</fo:block>");
}

TEST_CASE("the second family is asked before anything is substituted") {
  const auto result = render_demande(comment("☐ ☑ ✓ → مرحبا שלום"));
  CHECK(result.substituted_glyphs == 0);
  CHECK(contains(PdfFile(result.pdf).text(), "☐ ☑ ✓ →"));
}

TEST_CASE("4,000 characters without a space are broken, none is lost, none leaves the box") {
  std::string letters;
  for (const char c : PdfFile(render_flow("<fo:block>" + repeated("abcdefghij", 400) + "</fo:block>").pdf).text()) {
    if (c >= 'a' && c <= 'z') letters += c;
  }
  CHECK(letters == repeated("abcdefghij", 400));
  check_inside("<fo:block>" + repeated("abcdefghij", 400) + "</fo:block>");
  check_inside("<fo:block>" + repeated("شسيبلا", 600) + "</fo:block>");
  check_inside("<fo:block>" + repeated("字", 2000) + "</fo:block>");
  check_inside("<fo:block>" + repeated("W\u0301\u0302", 800) + "</fo:block>");
  const std::string mixed =
      "courts mots " + repeated("abcdefghij", 30) + " et d’autres, " + repeated("شسيبلا", 60) + " fin ";
  for (const std::string align : {"start", "end", "center", "justify"}) {
    check_inside("<fo:block text-align=\"" + align + "\">" + repeated(mixed, 5) + "</fo:block>");
  }
}

TEST_CASE("marks cover no line and no word beside, whatever they are piled on, and are counted where they would") {
  for (const char* marked : {"A\u0351\u036B\u0343", "\u0300", "\u0489", "e\u0301\u200D\u0301\u200D\u0301\u200D",
                             "\u23B2\u23B3", "A\u0302\u0301\u0303", "g\u0323\u0330\u0323"}) {
    INFO(marked);
    check_inside("<fo:block>" + repeated(marked, 100) + "</fo:block>");
    check_inside("<fo:block>" + repeated(std::string(" ") + marked, 100) + "</fo:block>");
  }
  const auto piled = render_flow("<fo:block>A\u0351\u036B\u0313 fin</fo:block>");
  CHECK(piled.substituted_glyphs == 1);
  CHECK(contains(PdfFile(piled.pdf).text(), "A\u0351\u036B\u0313 fin"));
  CHECK(render_flow("<fo:block>Ấ Ḗ M\u0302 q\u0323\u0301 ạ̊ ñ́</fo:block>").substituted_glyphs == 0);
}

TEST_CASE("a grapheme as long as a page is wide is substituted as a whole, and read") {
  const std::string lao = "\u0E81" + repeated("\u0EB3", 300);
  check_inside("<fo:block>un " + lao + " deux</fo:block>");
  const auto result = render_flow("<fo:block>un " + lao + " deux</fo:block>");
  CHECK(result.substituted_glyphs == 1);
  CHECK(count(PdfFile(result.pdf).text(), "\u0EB3") == 300);
  CHECK(render_flow("<fo:block>\u0E81\u0EB3</fo:block>").substituted_glyphs == 0);
}

TEST_CASE("blanks of any kind are no wider than their line, and a font that lacks one is not asked for it") {
  const std::string kept = "<fo:block linefeed-treatment='preserve' white-space-collapse='false'>a";
  for (const char* blank : {" ", "\t", "\u3000", "\u2003", "\u205F", "\u1680", "\u00A0"}) {
    INFO(blank);
    check_inside(kept + repeated(blank, 1500) + "b</fo:block>");
    CHECK(render_flow(kept + blank + "b</fo:block>").substituted_glyphs == 0);
  }
}

TEST_CASE("joiners and selectors after a letter do not change how the others are read") {
  const std::string hidden = repeated("\uFE0F", 300) + repeated("\U000E0061", 300);
  const PdfFile file(render_flow("<fo:block>a" + hidden + " lac a\uFE0Fb</fo:block>").pdf);
  CHECK(contains(file.text(), " lac a"));
  CHECK(count(file.run("qpdf --qdf --normalize-content=n", "-"), "/ActualText") == 2);
}

TEST_CASE("bidi controls have no effect") {
  const auto clean = render::clean_text("a\u202Eb\u202C\u2066c\u2069\u200Fd\u061C");
  CHECK(clean.text == u"abcd");
  CHECK(clean.substituted == 0);
}

TEST_CASE("control characters are substituted and counted; line ends and tabs become what they mean") {
  const auto clean = render::clean_text("a\u0080b\uFDD0c\td\u2028e\r\nf\rg\u00ADh");
  CHECK(clean.text == u"a\uFFFDb\uFFFDc    d\ne\nf\ngh");
  CHECK(clean.substituted == 2);
}

TEST_CASE("marks piled on a letter do not climb over other lines") {
  const auto clean = render::clean_text("q" + repeated("\u0321", 500) + "r");
  CHECK(clean.text.size() == 1 + 3 + 1 + 1);
  CHECK(clean.substituted == 1);
  CHECK(render::clean_text("Nguye\u0302\u0303n").text == u"Nguy\u1EC5n");
  CHECK(render::clean_text("q" + repeated("\u0321\u200D", 100)).substituted == 1);
  CHECK(render::clean_text("q" + repeated("\uFE0F", 100)).substituted == 0);
}

TEST_CASE("of blank lines that follow one another one is shown") {
  CHECK(render::clean_text("a\n\n\n\nb\n\nc\nd\n\n\n").text == u"a\n\nb\n\nc\nd\n\n");
  CHECK(render::clean_text("\n\n\na\n \t\n\r\n\u2028\u00A0\u3000\n  b\n  ").text == u"\na\n     \n  b\n  ");
  CHECK(render::clean_text("\n\n\n").text == u"\n");
  CHECK(render::clean_text("").text.empty());
}

TEST_CASE("a comment of 4,000 characters makes 51 pages at most, and line ends alone make none") {
  const auto usual = render_demande(comment("ab")).pages;
  CHECK(render_demande(comment("a" + repeated("\n", 3998) + "b")).pages == usual);
  CHECK(render_demande(comment("a" + repeated(" \n", 1999) + "b")).pages == usual);
  // The worst: three characters make two lines.
  const auto worst = render_demande(comment(repeated("a\n\n", 1333) + "a"));
  CHECK(worst.pages <= 51);
  CHECK(count(PdfFile(worst.pdf).text(), "a\n") >= 1334);  // nothing that says something is lost
  CHECK(render_demande(comment(repeated("\u2E3B", 4000))).pages <= 51);
  CHECK(render_demande(comment(repeated("\u0645 ", 2000))).pages <= 51);
}

TEST_CASE("what stands on two lines is two words to who has it read aloud") {
  const auto result = render_flow(
      "<fo:block linefeed-treatment='preserve' white-space-collapse='false'>un\ndeux\n\ntrois\n  quatre</fo:block>");
  CHECK(contains(PdfFile(result.pdf).run("pdfinfo -struct-text"), "\"un deux trois   quatre\""));
}

TEST_CASE("a line ends where the family ended it, whatever blanks the next begins with") {
  for (const std::string blank : {"\u00A0", "\u202F", "\u2007"}) {
    const std::string kept = "<fo:block linefeed-treatment='preserve' white-space-collapse='false'>un\n";
    const auto result = render_flow(kept + blank + "- deux\n" + blank + "\ntrois</fo:block>");
    CHECK(result.substituted_glyphs == 0);
    CHECK(contains(PdfFile(result.pdf).laid_out(), "un\n"));
    CHECK(contains(PdfFile(result.pdf).laid_out(), "- deux\n"));
  }
}

TEST_CASE("blank lines at the end of a comment take no place") {
  std::string lines;
  for (int n = 1; n < 60; ++n) lines += "x\n";
  CHECK(render_demande(comment(lines + "y\n\n")).pages == render_demande(comment(lines + "y")).pages);
  const auto list = laid_out("<fo:block linefeed-treatment='preserve' white-space-collapse='false'>x\n\n\n</fo:block>");
  CHECK(list.pages.at(0).items.size() == 2);  // and the blank behind it
}

TEST_CASE("no page begins with a blank line of the family's") {
  for (int lines = 60; lines < 64; ++lines) {
    const auto list =
        laid_out("<fo:block linefeed-treatment='preserve' white-space-collapse='false' orphans='1' widows='1'>" +
                 repeated("r\n", lines % 4) + repeated("r\n\n", lines) + "r</fo:block>");
    REQUIRE(list.pages.size() > 1);
    const auto top = [&](std::size_t page) { return std::get<render::TextItem>(list.pages.at(page).items.at(0)).y; };
    for (std::size_t page = 1; page < list.pages.size(); ++page) CHECK(top(page) == Approx(top(0)));
  }
}

TEST_CASE("a name that is read from right to left turns no number behind it") {
  const auto list = laid_out("<fo:block><fo:inline>שרה</fo:inline>, 3 ans</fo:block>");
  std::map<double, std::u16string> seen;
  for (const auto& item : list.pages.at(0).items) {
    const auto& word = std::get<render::TextItem>(item);
    seen[word.x] += word.word->text;
  }
  std::u16string line;
  for (const auto& [x, word] : seen) line += word;
  CHECK(line == u"שרה, 3 ans");
}

TEST_CASE("direction marks in a comment turn nothing around it") {
  const auto plain = PdfFile(render_demande(comment("dit abc fin")).pdf).laid_out();
  CHECK(PdfFile(render_demande(comment("\u202Edit \u2067abc \u202B\u200Ffin\u2066")).pdf).laid_out() == plain);
}

TEST_CASE("right-to-left words stand in the order they are read") {
  const auto result = render_flow("<fo:block>un שלום עולם deux</fo:block>");
  CHECK(result.substituted_glyphs == 0);
  CHECK(contains(PdfFile(result.pdf).text(), "שלום עולם"));
  CHECK(count(PdfFile(result.pdf).run("qpdf --qdf --normalize-content=n", "-"), "/ReversedChars BMC") == 3);
  std::u16string read;
  double x = 0;
  std::vector<bool> rightwards;
  const auto list = laid_out("<fo:block>un שלום עולם deux</fo:block>");
  for (const auto& item : list.pages.at(0).items) {
    const auto& word = std::get<render::TextItem>(item);
    read += word.word->text;
    rightwards.push_back(word.x >= x);
    x = word.x;
  }
  CHECK(read == u"un שלום עולם deux");
  CHECK(std::count(rightwards.begin(), rightwards.end(), false) > 0);
  check_inside("<fo:block>" + repeated("un שלום עולם deux 123 (trois) ", 100) + "</fo:block>");
}

TEST_CASE("joiners and selectors alone draw nothing and harm nothing") {
  const auto result = render_demande(comment("a \u200D\uFE0F\u2060 b \U000E0041 c"));
  CHECK(result.substituted_glyphs == 0);
  CHECK(contains(PdfFile(result.pdf).run("qpdf --check"), "No syntax or stream encoding errors"));
}

TEST_CASE("an opportunity before a no-break space is not taken") {
  const std::string text = repeated("8\u00A0h\u00A0–\u00A017\u00A0h, ", 60);
  const auto lines = PdfFile(render_flow("<fo:block>" + text + "</fo:block>").pdf).text();
  CHECK(count(lines, "8 h – 17 h,") == 60);
}
