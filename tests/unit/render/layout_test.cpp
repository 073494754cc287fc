// Pages: keeps, breaks, tables that go on.
#include "render/layout.h"

#include <algorithm>
#include <map>
#include <sstream>

#include <catch2/catch.hpp>

#include "lib/pdf/unicode.h"
#include "render/fo_reader.h"
#include "unit/render/pdf_tools.h"

using namespace navette;
using namespace navette::test;

namespace {

std::string blocks(int n, const std::string& attributes = "") {
  std::string out;
  for (int i = 1; i <= n; ++i) out += "<fo:block " + attributes + ">b" + std::to_string(i) + "</fo:block>\n";
  return out;
}

std::vector<std::string> pages_of(const render::Renderer::Result& result) {
  std::vector<std::string> pages;
  std::istringstream text(PdfFile(result.pdf).text());
  for (std::string page; std::getline(text, page, '\f');) pages.push_back(page);
  return pages;
}

std::string table(int rows, const std::string& cell = "c") {
  std::string out =
      "<fo:table><fo:table-column column-width=\"20mm\"/><fo:table-column/><fo:table-header><fo:table-row>"
      "<fo:table-cell><fo:block>ENTETE</fo:block></fo:table-cell><fo:table-cell/></fo:table-row></fo:table-header>"
      "<fo:table-body>";
  for (int i = 1; i <= rows; ++i) {
    out += "<fo:table-row><fo:table-cell><fo:block>r" + std::to_string(i) +
           "</fo:block></fo:table-cell><fo:table-cell>"
           "<fo:block>" +
           cell + "</fo:block></fo:table-cell></fo:table-row>";
  }
  return out + "</fo:table-body></fo:table>";
}

// A line as it stands on the page.
struct SetLine {
  double left = 1000, right = 0;  // blanks at its end apart
  std::string text;
  std::vector<double> blanks;  // widths, between words
};

// The first page, of a document whose pages' bodies are 80 mm wide.
std::vector<render::DisplayItem> painted(const std::string& flow) {
  const render::FontStore fonts(render::Renderer::default_fonts());
  render::Shaper shaper(fonts);
  const auto document = xml::Document::parse(fo_around(flow));
  const auto tree = render::read_fo(document);
  return render::lay_out(tree, shaper).pages.at(0).items;
}

std::vector<render::RectItem> rectangles(const std::string& flow) {
  std::vector<render::RectItem> out;
  for (const auto& item : painted(flow)) {
    if (const auto* rect = std::get_if<render::RectItem>(&item)) out.push_back(*rect);
  }
  return out;
}

std::vector<SetLine> set_lines(const std::string& flow) {
  const render::FontStore fonts(render::Renderer::default_fonts());
  render::Shaper shaper(fonts);
  const auto document = xml::Document::parse(fo_around(flow));
  const auto tree = render::read_fo(document);
  std::map<double, SetLine> lines;
  const auto list = render::lay_out(tree, shaper);
  for (const auto& item : list.pages.at(0).items) {
    const auto* text = std::get_if<render::TextItem>(&item);
    if (text == nullptr || text->word->text.find_first_not_of(u" ") == std::u16string::npos) continue;
    SetLine& line = lines[text->y];
    if (!line.text.empty()) line.blanks.push_back(text->x - line.right);
    if (!line.text.empty()) line.text += ' ';
    line.text += unicode::utf8(text->word->text);
    line.left = std::min(line.left, text->x);
    line.right = text->x + text->word->width * text->size / fonts.file(text->word->font).metrics().units_per_em;
  }
  std::vector<SetLine> out;
  for (auto& [y, line] : lines) out.push_back(std::move(line));
  return out;
}

const std::string prose =
    "La famille demande une place en crèche à temps plein dès la rentrée\u00A0: les deux parents travaillent, et la "
    "grand-mère qui gardait l’enfant déménage à 480\u202Fkm. Que faire\u202F? Elle écrit qu’une place chez une "
    "assistante maternelle conviendrait aussi, pourvu que ce soit au plus près de la gare.";

std::string item(const std::string& label, const std::string& body) {
  return "<fo:list-item><fo:list-item-label end-indent=\"label-end()\"><fo:block>" + label +
         "</fo:block></fo:list-item-label><fo:list-item-body start-indent=\"body-start()\"><fo:block>" + body +
         "</fo:block></fo:list-item-body></fo:list-item>";
}

std::string list(const std::vector<std::string>& items, const std::string& attributes = "") {
  std::string out = "<fo:list-block " + attributes + ">";
  for (const auto& one : items) out += one;
  return out + "</fo:list-block>";
}

const std::string wide_label = "provisional-distance-between-starts=\"20mm\"";

constexpr double body_left = 10 * 72 / 25.4;  // of the page of fo_around()
constexpr double body_right = 90 * 72 / 25.4;

}  // namespace

TEST_CASE("justified lines reach both edges, by blanks that are alike; the last one is as long as it is") {
  const auto lines = set_lines("<fo:block text-align=\"justify\">" + prose + "</fo:block>");
  REQUIRE(lines.size() >= 5);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    INFO(lines[i].text);
    CHECK(lines[i].left == Approx(body_left));
    if (i + 1 < lines.size()) CHECK(lines[i].right == Approx(body_right));
    for (const double blank : lines[i].blanks) {
      if (blank > 0) CHECK(blank == Approx(lines[i].blanks.front()));  // after a hyphen there is none
    }
    CHECK(lines[i].blanks.front() > 2.6 * 2 / 3 - 0.01);  // Noto Sans: 0.26 em
    CHECK(lines[i].blanks.front() < 2.6 * 3);
  }
  CHECK(lines.back().right < body_right - 10);
  CHECK(lines.back().blanks.front() == Approx(2.6));
}

TEST_CASE("no-break spaces neither end a line nor grow") {
  for (const std::string align : {"start", "justify"}) {
    std::string text;
    std::size_t pairs = 0;
    for (const auto& line : set_lines("<fo:block text-align=\"" + align + "\">" + prose + "</fo:block>")) {
      text += line.text + "\n";
    }
    // Words that hold one are set as one: what is inside them has the width that the font gives it.
    for (const std::string pair : {"rentrée\u00A0:", "480\u202Fkm.", "faire\u202F?"}) pairs += count(text, pair);
    CHECK(pairs == 3);
  }
}

TEST_CASE("a ragged paragraph is as even as its words allow") {
  for (const std::string align : {"start", "end", "center"}) {
    const auto lines = set_lines("<fo:block text-align=\"" + align + "\">" + prose + "</fo:block>");
    for (std::size_t i = 0; i + 1 < lines.size(); ++i) {
      INFO(lines[i].text);
      CHECK(lines[i].right - lines[i].left > (body_right - body_left) - 40);
      CHECK(lines[i].blanks.front() == Approx(2.6));
      if (align == "end") CHECK(lines[i].right == Approx(body_right));
      if (align == "center") CHECK(lines[i].left - body_left == Approx(body_right - lines[i].right));
    }
  }
}

TEST_CASE("a word leaves an earlier line where that spares a hole in the next one") {
  const std::string m = "mmmmmmmm";
  const auto lines = set_lines("<fo:block>" + m + "mmmmmm " + m + " " + m + " " + m + m + "mmmm</fo:block>");
  REQUIRE(lines.size() == 3);
  CHECK(lines[1].text == m + " " + m);
}

TEST_CASE("line ends that are kept are lines of their own, not stretched") {
  const auto lines = set_lines(
      "<fo:block text-align=\"justify\" linefeed-treatment=\"preserve\" white-space-collapse=\"false\">un mot\n"
      "   deux mots\n\n" +
      prose + "\nfin du texte</fo:block>");
  REQUIRE(lines.size() >= 8);
  CHECK(lines[0].text == "un mot");
  CHECK(lines[0].right < body_left + 60);
  CHECK(lines[1].text == "deux mots");
  CHECK(lines[1].left == Approx(body_left + 3 * 2.6));
  CHECK(lines[2].right == Approx(body_right));
  CHECK(lines.back().text == "fin du texte");
}

TEST_CASE("justified text is read as it was written") {
  const auto text = PdfFile(render_flow("<fo:block text-align=\"justify\">" + prose + "</fo:block>").pdf).text();
  std::string joined = text;
  std::replace(joined.begin(), joined.end(), '\n', ' ');
  CHECK(contains(joined,
                 "une place en crèche à temps plein dès la rentrée : les deux parents travaillent, et la grand-mère"));
}

TEST_CASE("content flows over pages in order, each with its number and the total") {
  const auto result = render_flow(blocks(60), "p<fo:page-number/>/<fo:page-number-citation-last ref-id=\"s\"/>");
  const auto pages = pages_of(result);
  REQUIRE(pages.size() == result.pages);
  CHECK(pages.size() == 5);
  CHECK(contains(pages[0], "b1\n"));
  CHECK(contains(pages[4], "b60"));
  for (std::size_t i = 0; i < pages.size(); ++i) {
    CHECK(contains(pages[i], "p" + std::to_string(i + 1) + "/" + std::to_string(pages.size())));
  }
}

TEST_CASE("a heading stays with what follows it") {
  const std::string heading = "<fo:block keep-with-next.within-page=\"always\">TITRE</fo:block>";
  for (int before = 1; before < 20; ++before) {
    const auto pages = pages_of(render_flow(blocks(before) + heading + "<fo:block>SUITE</fo:block>"));
    for (const auto& page : pages) CHECK(contains(page, "TITRE") == contains(page, "SUITE"));
  }
}

TEST_CASE("a block kept together moves as a whole, unless no page can hold it") {
  const std::string kept = "<fo:block keep-together.within-page=\"always\">" + blocks(6) + "</fo:block>";
  const auto pages = pages_of(render_flow(blocks(10, "color=\"gray\"") + kept));
  REQUIRE(pages.size() == 2);
  CHECK(contains(pages[1], "b1\n"));
  const auto large = render_flow("<fo:block keep-together.within-page=\"always\">" + blocks(40) + "</fo:block>");
  CHECK(large.pages >= 3);
}

TEST_CASE("two lines of a paragraph at least stay on each side of a page's end") {
  std::string words;
  for (int i = 0; i < 40; ++i) words += "mot" + std::to_string(i) + " ";
  for (int before = 8; before < 16; ++before) {
    const auto pages = pages_of(render_flow(blocks(before) + "<fo:block>" + words + "</fo:block>"));
    for (const auto& page : pages) {
      std::istringstream lines(page);
      int of_paragraph = 0;
      for (std::string line; std::getline(lines, line);) of_paragraph += contains(line, "mot") ? 1 : 0;
      CHECK(of_paragraph != 1);
    }
  }
}

TEST_CASE("a break is obeyed") {
  CHECK(render_flow("<fo:block>a</fo:block><fo:block break-before=\"page\">b</fo:block>").pages == 2);
  CHECK(render_flow("<fo:block break-after=\"page\">a</fo:block><fo:block>b</fo:block>").pages == 2);
  CHECK(render_flow("<fo:block break-before=\"page\">a</fo:block>").pages == 1);
}

TEST_CASE("a table's header is repeated on each page that it continues on, and tagged once") {
  const auto result = render_flow(table(40));
  const auto pages = pages_of(result);
  CHECK(pages.size() > 2);
  for (const auto& page : pages) CHECK(count(page, "ENTETE") == 1);
  const PdfFile pdf(result.pdf);
  CHECK(count(pdf.run("pdfinfo -struct-text"), "ENTETE") == 1);
  for (int row = 1; row <= 40; ++row) CHECK(count(pdf.text() + "\n", "r" + std::to_string(row) + "\n") == 1);
}

TEST_CASE("a row that no page can hold goes on over the next ones and loses nothing") {
  std::string words;
  for (int i = 100; i < 700; ++i) words += "m" + std::to_string(i) + " ";
  const auto result = render_flow(table(1, words));
  CHECK(result.pages >= 3);
  const auto text = PdfFile(result.pdf).text();
  for (int i = 100; i < 700; ++i) CHECK(count(text, "m" + std::to_string(i)) == 1);
}

TEST_CASE("a cell that spans columns is as wide as they are, and said to span them") {
  const std::string spanning =
      "<fo:table><fo:table-column column-width='10mm'/><fo:table-column column-width='20mm'/><fo:table-column/>"
      "<fo:table-body><fo:table-row><fo:table-cell number-columns-spanned='2' "
      "background-color='#111'><fo:block>A</fo:block>"
      "</fo:table-cell><fo:table-cell background-color='#222'><fo:block>B</fo:block></fo:table-cell></fo:table-row>"
      "<fo:table-row><fo:table-cell background-color='#333'/><fo:table-cell number-columns-spanned='2' "
      "background-color='#444'/></fo:table-row></fo:table-body></fo:table>";
  constexpr double mm = 72 / 25.4;
  const auto cells = rectangles(spanning);
  REQUIRE(cells.size() == 2);  // the second row has no height
  CHECK(cells[0].x == Approx(body_left));
  CHECK(cells[0].width == Approx(30 * mm));
  CHECK(cells[1].x == Approx(body_left + 30 * mm));
  CHECK(cells[1].width == Approx(50 * mm));
  const auto tags = PdfFile(render_flow(spanning).pdf).run("pdfinfo -struct");
  CHECK(count(tags, "/ColSpan 2") == 2);
  for (const char* span : {"0", "-1", "1.5", "x"}) {
    CHECK_THROWS_WITH(
        render_flow(
            "<fo:table><fo:table-column/><fo:table-body><fo:table-row>\n<fo:table-cell number-columns-spanned='" +
            std::string(span) + "'/></fo:table-row></fo:table-body></fo:table>"),
        Catch::Contains("line 7, table-cell: number-columns-spanned"));
  }
}

TEST_CASE("a row's border lies around its cells, and takes room of the row") {
  const auto row = [](const std::string& border) {
    return "<fo:table><fo:table-column column-width='30mm'/><fo:table-column/><fo:table-body><fo:table-row " + border +
           "><fo:table-cell background-color='#eee'><fo:block>A</fo:block></fo:table-cell><fo:table-cell "
           "background-color="
           "'#ddd'><fo:block>B</fo:block></fo:table-cell></fo:table-row></fo:table-body></fo:table><fo:block>C</"
           "fo:block>";
  };
  const auto lines = set_lines(row("border='5pt solid #000'"));
  REQUIRE(lines.size() == 2);
  CHECK(lines[0].left == Approx(body_left + 5));
  const auto cells = rectangles(row("border='5pt solid #000'"));
  REQUIRE(cells.size() == 6);  // four sides, two cells
  for (std::size_t i = 4; i < 6; ++i) {
    CHECK(cells[i].y == Approx(body_left + 5));
    CHECK(cells[i].height == Approx(13.5));
  }
  CHECK(cells[1].y == Approx(body_left + 5 + 13.5));  // below
  CHECK(cells[4].x == Approx(body_left + 5));
  CHECK(cells[5].x == Approx(cells[4].x + cells[4].width));
  CHECK(cells[5].x == Approx(body_left + 30 * 72 / 25.4));
  CHECK(cells[5].x + cells[5].width == Approx(body_right - 5));
  const auto baseline = [&](const std::string& border, const std::u16string& letter) {
    for (const auto& item : painted(row(border))) {
      const auto* text = std::get_if<render::TextItem>(&item);
      if (text != nullptr && text->word->text == letter) return text->y;
    }
    return 0.0;
  };
  CHECK(baseline("border-top='10pt solid #000'", u"A") == Approx(baseline("", u"A") + 10));
  CHECK(baseline("border='5pt solid #000'", u"C") == Approx(baseline("", u"C") + 10));
  CHECK_THROWS_WITH(render_flow(row("border='30mm solid #000'")), Catch::Contains("table-cell: no width is left"));
  // A row that goes on has it on each page.
  std::string words;
  for (int i = 100; i < 700; ++i) words += "m" + std::to_string(i) + " ";
  std::string tall = table(1, words);
  tall.insert(tall.rfind("<fo:table-row") + 13, " border='8pt solid #000'");
  const auto result = render_flow(tall);
  CHECK(result.pages >= 3);
  for (int i = 100; i < 700; ++i) CHECK(count(PdfFile(result.pdf).text(), "m" + std::to_string(i)) == 1);
  const render::FontStore fonts(render::Renderer::default_fonts());
  render::Shaper shaper(fonts);
  const auto document = xml::Document::parse(fo_around(tall));
  const auto tree = render::read_fo(document);
  for (const auto& page : render::lay_out(tree, shaper).pages) {
    double bottom = 0, lowest = 0;
    for (const auto& item : page.items) {
      if (const auto* rect = std::get_if<render::RectItem>(&item)) bottom = std::max(bottom, rect->y + rect->height);
      if (const auto* text = std::get_if<render::TextItem>(&item)) lowest = std::max(lowest, text->y);
    }
    CHECK(lowest < bottom - 8);
    CHECK(bottom <= 80 * 72 / 25.4 + body_left + 0.01);
  }
}

TEST_CASE("a row whose height no page can hold is an error; none is cut when nothing is left to go on") {
  const auto rows = [](const std::string& height, int n) {
    std::string out = table(n);
    for (std::size_t at = out.find("<fo:table-body>"); (at = out.find("<fo:table-row>", at)) != std::string::npos; ++at)
      out.replace(at, 14, "<fo:table-row height='" + height + "'>");
    return out;
  };
  CHECK_THROWS_WITH(render_flow("\n" + rows("120mm", 1)),
                    Catch::Contains("FO line 7, table-row: height: no page can hold it"));
  CHECK_THROWS_WITH(render_flow(rows("69mm", 2)), Catch::Contains("height: no page can hold it"));  // with its header
  const auto pages = pages_of(render_flow(rows("40mm", 3)));
  REQUIRE(pages.size() == 3);
  for (const auto& page : pages) CHECK(contains(page, "r"));
  // In a cell of another table, after something: it moves as a whole.
  const auto nested = pages_of(
      render_flow("<fo:table><fo:table-column/><fo:table-body><fo:table-row><fo:table-cell><fo:block>AVANT</fo:block>" +
                  rows("40mm", 3) + "</fo:table-cell></fo:table-row></fo:table-body></fo:table>"));
  for (const auto& page : nested) CHECK(contains(page, "\nr"));
}

TEST_CASE("in a row that goes on a cell stands in its part of it as it would in the whole") {
  std::string words;
  for (int i = 0; i < 300; ++i) words += "m ";
  const auto y_of = [&](const std::string& align) {
    const auto flow =
        "<fo:table><fo:table-column/><fo:table-column/><fo:table-body><fo:table-row><fo:table-cell><fo:block>" + words +
        words + "</fo:block></fo:table-cell><fo:table-cell display-align='" + align +
        "'><fo:block>X</fo:block></fo:table-cell></fo:table-row></fo:table-body></fo:table>";
    REQUIRE(render_flow(flow).pages > 1);
    double x = 0, last = 0;
    for (const auto& item : painted(flow)) {
      const auto* text = std::get_if<render::TextItem>(&item);
      if (text == nullptr) continue;
      (text->word->text == u"X" ? x : last) = text->y;
    }
    return std::pair(x, last);
  };
  CHECK(y_of("after").first == Approx(y_of("after").second));
  CHECK(y_of("before").first < body_left + 14);
  CHECK(y_of("center").first == Approx((y_of("after").first + y_of("before").first) / 2));
}

TEST_CASE("a break before the first of what has a frame leaves no part of the frame on the page before") {
  const std::string broken = " break-before='page'";
  const auto framed = [](const std::string& inside) {
    return "<fo:block>AVANT</fo:block><fo:block border='2pt solid #000' padding='3pt'>" + inside + "</fo:block>";
  };
  for (const std::string& inside :
       {"<fo:block" + broken + ">x</fo:block>", "<fo:block><fo:block" + broken + ">x</fo:block></fo:block>",
        list({item("1.", "x")}, broken), list({item("1.", "<fo:block" + broken + ">x</fo:block>")}),
        "<fo:table><fo:table-column/><fo:table-body><fo:table-row" + broken +
            "><fo:table-cell><fo:block>x</fo:block></fo:table-cell></fo:table-row></fo:table-body></fo:table>"}) {
    INFO(inside);
    CHECK(rectangles(framed(inside)).empty());
    const auto pages = pages_of(render_flow(framed(inside)));
    REQUIRE(pages.size() == 2);
    CHECK(contains(pages[1], "x"));
  }
  CHECK(rectangles(framed("a<fo:block" + broken + ">x</fo:block>")).size() > 2);
}

TEST_CASE("margins narrow a block, and a border at the left alone stands there") {
  const auto lines =
      set_lines("<fo:block margin-left='10pt' margin-right='100pt' text-align='justify'>" + prose + "</fo:block>");
  REQUIRE(lines.size() > 5);
  for (std::size_t i = 0; i + 1 < lines.size(); ++i) {
    CHECK(lines[i].left == Approx(body_left + 10));
    CHECK(lines[i].right == Approx(body_right - 100));
  }
  const auto bars = rectangles("<fo:block border-left='3pt solid #123456' padding-left='5pt'>a</fo:block>");
  REQUIRE(bars.size() == 1);
  CHECK(bars[0].x == Approx(body_left));
  CHECK(bars[0].width == Approx(3));
  CHECK(bars[0].height == Approx(13.5));
  CHECK(bars[0].colour == render::fo::Colour{0x12, 0x34, 0x56});
}

TEST_CASE("what shall stay with what comes before it does, a row too") {
  const std::string kept = " keep-with-previous.within-page='always'";
  const auto row = [](const std::string& text, const std::string& keep) {
    return "<fo:table-row" + keep + "><fo:table-cell><fo:block>" + text + "</fo:block></fo:table-cell></fo:table-row>";
  };
  int parted = 0;
  for (int before = 1; before < 20; ++before) {
    const auto with = [&](const std::string& keep) {
      return std::vector<std::string>{"<fo:block>AVANT</fo:block><fo:block" + keep + ">APRES</fo:block>",
                                      "<fo:table><fo:table-column/><fo:table-body>" + row("AVANT", "") +
                                          row("APRES", keep) + "</fo:table-body></fo:table>"};
    };
    for (const auto& flow : with(kept)) {
      for (const auto& page : pages_of(render_flow(blocks(before) + flow)))
        CHECK(contains(page, "AVANT") == contains(page, "APRES"));
    }
    for (const auto& flow : with("")) {
      for (const auto& page : pages_of(render_flow(blocks(before) + flow)))
        parted += contains(page, "AVANT") && !contains(page, "APRES") ? 1 : 0;
    }
  }
  CHECK(parted > 0);
}

TEST_CASE("a nested table that no page can hold goes on too") {
  const auto result =
      render_flow("<fo:table><fo:table-column/><fo:table-body><fo:table-row><fo:table-cell padding=\"3pt\">" +
                  table(60) + "</fo:table-cell></fo:table-row></fo:table-body></fo:table>");
  CHECK(result.pages >= 4);
  CHECK(contains(PdfFile(result.pdf).text(), "r60"));
}

TEST_CASE("a table has a frame, which holds the header that is repeated") {
  std::string framed = table(40);
  framed.insert(std::string("<fo:table").size(),
                " background-color='#eee' padding='5pt' border='1pt solid #000' "
                "margin='0pt 6pt'");
  const render::FontStore fonts(render::Renderer::default_fonts());
  render::Shaper shaper(fonts);
  const auto document = xml::Document::parse(fo_around(framed));
  const auto tree = render::read_fo(document);
  const auto list = render::lay_out(tree, shaper);
  REQUIRE(list.pages.size() > 2);
  for (const auto& page : list.pages) {
    const auto* back = std::get_if<render::RectItem>(&page.items.at(0));
    REQUIRE(back != nullptr);
    CHECK(back->colour == render::fo::Colour{238, 238, 238});
    CHECK(back->x == Approx(body_left + 6));
    CHECK(back->y == Approx(body_left));
    for (const auto& item : page.items) {
      const auto* text = std::get_if<render::TextItem>(&item);
      if (text == nullptr) continue;
      CHECK(text->x >= back->x + 6);
      CHECK((text->y > back->y && text->y < back->y + back->height));
    }
  }
}

TEST_CASE("a break after a row, or at the end of what has a frame, is obeyed") {
  const std::string row =
      "<fo:table-row break-after='page'><fo:table-cell><fo:block>a</fo:block></fo:table-cell>"
      "</fo:table-row>";
  CHECK(render_flow("<fo:table><fo:table-column/><fo:table-body>" + row + row + "</fo:table-body></fo:table>").pages ==
        2);
  CHECK(render_flow("<fo:block border='1pt solid #000'><fo:block break-after='page'>a</fo:block></fo:block>"
                    "<fo:block>b</fo:block>")
            .pages == 2);
}

TEST_CASE("a list's bodies stand beside their labels and nest") {
  const auto lines = set_lines(list({item("1.", prose), item("2.", "deux" + list({item("•", "trois")}))}));
  CHECK(lines.front().text.rfind("1. La famille", 0) == 0);
  CHECK(lines.front().left == Approx(body_left));
  CHECK(lines[1].left == Approx(body_left + 24));
  CHECK(lines[lines.size() - 2].text == "2. deux");
  CHECK(lines.back().text == "• trois");
  CHECK(lines.back().left == Approx(body_left + 24));
  const auto wide = set_lines(list({item("1.", "un")}, "provisional-distance-between-starts=\"5em\""));
  CHECK(wide.at(0).blanks.at(0) > 35);
}

TEST_CASE("a list is tagged with its items, labels and bodies, and how it is numbered") {
  const auto tags = PdfFile(render_flow(list({item("1.", "un"), item("2.", "deux" + list({item("•", "trois")}))})).pdf)
                        .run("pdfinfo -struct-text");
  CHECK(count(tags, "L (block)") == 2);
  CHECK(count(tags, "LI (block)") == 3);
  CHECK(count(tags, "Lbl (block)") == 3);
  CHECK(count(tags, "LBody (block)") == 3);
  CHECK(contains(tags, "/ListNumbering /Decimal"));
  CHECK(contains(tags, "/ListNumbering /Disc"));
  CHECK(tags.find("\"1.\"") < tags.find("\"un\""));
}

TEST_CASE("a label stays with its body, which goes on over pages") {
  for (int before = 1; before < 20; ++before) {
    for (const auto& page : pages_of(render_flow(blocks(before) + list({item("LABEL", prose)}, wide_label)))) {
      CHECK(contains(page, "LABEL") == contains(page, "La famille"));
    }
  }
  CHECK(render_flow(list({item("1.", prose + prose + prose + prose + prose)})).pages >= 2);
}

TEST_CASE("a label that is higher than its body keeps what follows below itself") {
  const auto lines = set_lines(
      list({item("deux lignes", "corps"), item("fin", "suite")}, "provisional-distance-between-starts=\"14mm\""));
  REQUIRE(lines.size() == 3);
  CHECK(lines[0].text == "deux corps");
  CHECK(lines[1].text == "lignes");
  CHECK(lines[2].text == "fin suite");
}

TEST_CASE("what cannot be placed is an error, not a loop") {
  CHECK_THROWS_WITH(render_flow("<fo:block font-size=\"200pt\" line-height=\"3\">A</fo:block>"),
                    Catch::Contains("line 6") && Catch::Contains("higher than a page"));
  CHECK_THROWS_WITH(render_flow("<fo:block margin=\"45mm\">a</fo:block>"), Catch::Contains("no width"));
  CHECK_THROWS_WITH(render_flow("<fo:table><fo:table-column column-width=\"200mm\"/><fo:table-body/></fo:table>"),
                    Catch::Contains("wider"));
  CHECK_THROWS_WITH(render_flow("<fo:table width=\"81mm\"><fo:table-column/><fo:table-body/></fo:table>"),
                    Catch::Contains("line 6, table: wider than the place it has"));
  CHECK_THROWS_WITH(render_flow("<fo:block/>", "<fo:block>a</fo:block><fo:block>b</fo:block><fo:block>c</fo:block>"),
                    Catch::Contains("footer"));
}

TEST_CASE("an empty flow is one empty page") {
  CHECK(render_flow("").pages == 1);
}
