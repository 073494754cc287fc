// One demande as a PDF, as the daemon renders it.
#include <algorithm>
#include <filesystem>
#include <fstream>

#include <boost/program_options/value_semantic.hpp>
#include <fcntl.h>
#include <fmt/format.h>

#include "base/atomic_file.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/main.h"
#include "cli/output.h"
#include "daemon/settings.h"
#include "flux/demande_document.h"
#include "lib/xml/stylesheet.h"
#include "stages/pack.h"
#include "stages/spool.h"

namespace navette::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* help =
    "FILE is a flux of demandes, a delivered DI_*.xml, or the BORDEREAU_*.xml that a cover sheet carries.\n"
    "The PDF has the same bytes as the one that is delivered, its signature too, but for an ECDSA key; to\n"
    "sign, run it as navette, who may read the key.\n"
    "Needs no database; of the configuration only [data], [fonts] and [signature] count. An existing file\n"
    "is replaced as a whole. With --fo FILE is an XSL-FO document, which the PDF, never signed, then\n"
    "attaches, with its images beside it: for those who write a stylesheet. Errors name the line, of the\n"
    "stylesheet or of the FO document.\n\n"
    "Examples:\n"
    "  navette render DI_monenfant_D-2026-0001.xml -o demande.pdf\n"
    "  navette render flux.xml --ref D-2026-0002 -o - | lp\n"
    "  navette render --fo essai.fo -o essai.pdf\n";

void options(boost::program_options::options_description& o) {
  o.add_options()("ref", boost::program_options::value<std::string>()->value_name("REF"),
                  "which demande of the flux (default: the first)")(
      "output,o", boost::program_options::value<std::string>()->value_name("OUT.pdf"),
      "where to write; - is standard output")(
      "emetteur", boost::program_options::value<std::string>()->value_name("NAME"),
      "of a delivered file that was renamed (default: from its name DI_<emetteur>_<reference>.xml)")(
      "fo", "FILE is an XSL-FO document");
  json_option(o);
}

// A delivered file does not hold its émetteur, its name does.
std::string emetteur_of(const Invocation& call, const flux::DemandeRecord& record) {
  if (call.has("emetteur")) {
    if (!stages::is_valid_emetteur(call.text("emetteur"))) {
      throw UsageError(
          "--emetteur is a sender's name, as in the flux: small letters, digits and -, for example monenfant");
    }
    return call.text("emetteur");
  }
  if (!record.demande.emetteur.empty()) return record.demande.emetteur;
  const std::string name = fs::path(call.argument()).filename().string();
  const std::string tail = "_" + record.demande.reference + ".xml";
  constexpr std::string_view head = "DI_";
  if (!name.starts_with(head) || !name.ends_with(tail) || name.size() <= head.size() + tail.size()) {
    throw UsageError("the file's name does not tell its émetteur (DI_<emetteur>_<reference>.xml); give --emetteur");
  }
  return name.substr(head.size(), name.size() - head.size() - tail.size());
}

void write_out(const std::string& target, std::string_view bytes) {
  if (target == "-") return print(bytes);
  const fs::path path = fs::absolute(target);
  if (!path.has_filename() || fs::is_directory(path)) throw UsageError(target + " is a directory; name a file with -o");
  // A device, a pipe or a link is written to, and not replaced.
  const auto kind = fs::symlink_status(path).type();
  if (kind != fs::file_type::not_found && kind != fs::file_type::regular) {
    std::ofstream out(path, std::ios::binary);
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    out.close();
    if (!out) throw UsageError(target + " cannot be written");
    return;
  }
  const Directory directory = Directory::open(path.parent_path());
  write_file(directory, path.filename().string(), bytes);
}

struct Rendered {
  std::string reference;  // of the demande; empty: of none
  render::Renderer::Result result;
};

std::shared_ptr<const crypto::Signer> signer_of(const Invocation& call, const config::Config& config) {
  auto signer = daemon::load_signer(config);
  if (signer) daemon::require_valid(config, *signer, call.clock().now());
  return signer;
}

// What the stylesheet says (xsl:message) and what libxslt says of it, to the person who has the document.
class StylesheetWords {
 public:
  StylesheetWords() = default;
  StylesheetWords(const StylesheetWords&) = delete;
  StylesheetWords& operator=(const StylesheetWords&) = delete;
  ~StylesheetWords() {
    for (const auto& line : messages_.lines()) remark(line);
  }

 private:
  xml::XsltMessages messages_;
};

Rendered render_demande(const Invocation& call, const config::Config& config, int fd) {
  const std::string& file = call.argument();
  const auto schemas = flux::Schemas::load(config.data.schemas().string());
  const auto reference = daemon::load_reference_data(config);
  const auto record = [&] {
    try {
      return flux::find_demande(fd, schemas, reference, call.text("ref"));
    } catch (const std::exception&) {
      std::throw_with_nested(Error(file));
    }
  }();
  if (!record) {
    throw UsageError(call.has("ref") ? fmt::format("{} holds no demande {}", file, call.text("ref"))
                                     : fmt::format("{} holds no demande", file));
  }
  std::vector<std::string> communes = record->demande.communes;
  std::sort(communes.begin(), communes.end());  // as the store gives them
  const auto parameters = stages::render_parameters(emetteur_of(call, *record), communes, reference);
  const auto renderer = daemon::load_renderer(config, signer_of(call, config));
  const StylesheetWords words;
  return {record->demande.reference, renderer->render(record->xml, parameters)};
}

std::string bytes_of(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(in), {}};
  if (in.bad()) throw Error("cannot be read");
  return bytes;
}

// The XML that a cover sheet carries; of a flux, which may be large, only the beginning is looked at.
bool is_cover_sheet(const std::string& file) {
  std::string head(1024, '\0');
  std::ifstream in(file, std::ios::binary);
  in.read(head.data(), static_cast<std::streamsize>(head.size()));
  return head.find("<bordereau xmlns=\"urn:navette:bordereau:1\"") != std::string::npos;
}

Rendered render_cover_sheet(const Invocation& call, const config::Config& config) {
  if (call.has("ref") || call.has("emetteur")) throw UsageError("--ref and --emetteur are of a demande");
  try {
    const auto renderer = daemon::load_renderer(config, signer_of(call, config));
    const StylesheetWords words;
    return {"", renderer->render(bytes_of(call.argument()), {})};
  } catch (const std::exception&) {
    std::throw_with_nested(Error(call.argument()));
  }
}

Rendered render_fo(const Invocation& call, const config::Config& config) {
  if (call.has("ref") || call.has("emetteur")) throw UsageError("--ref and --emetteur are of a demande, not of --fo");
  try {
    const std::string bytes = bytes_of(call.argument());
    return {"", daemon::load_fo_renderer(config)->render_fo(xml::Document::parse(bytes), bytes,
                                                            fs::absolute(call.argument()).parent_path().string())};
  } catch (const std::exception&) {
    std::throw_with_nested(Error(call.argument()));
  }
}

int run(const Invocation& call) {
  const std::string target = call.text("output");
  if (target.empty()) throw UsageError("render: say where to write with -o OUT.pdf (- is standard output)");
  if (target == "-" && stdout_is_terminal()) throw UsageError("a PDF is not for a terminal; give -o OUT.pdf");
  if (target == "-" && call.json())
    throw UsageError("--json goes to standard output, where the PDF would; give -o OUT.pdf");
  const config::Config config = call.config_or_defaults();
  const std::string& file = call.argument();
  const UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) throw UsageError(fmt::format("{} cannot be opened: {}", file, std::generic_category().message(errno)));
  const auto [reference, result] = call.has("fo")                    ? render_fo(call, config)
                                   : is_cover_sheet(call.argument()) ? render_cover_sheet(call, config)
                                                                     : render_demande(call, config, fd.get());
  write_out(target, result.pdf);
  if (call.json()) {
    print_json({{"fichier", target},
                {"reference", json_or_null(reference)},
                {"octets", result.pdf.size()},
                {"pages", result.pages},
                {"caracteres_remplaces", result.substituted_glyphs}});
  } else if (result.substituted_glyphs > 0) {
    remark(fmt::format("navette: {} characters have no font and are shown as a replacement mark",
                       result.substituted_glyphs));
  }
  return exit_done;
}

}  // namespace

Commands render_commands() {
  return {{"render", "FILE", "renders one demande as a PDF (-o OUT.pdf)", help, 1, 1, options, run}};
}

}  // namespace navette::cli
