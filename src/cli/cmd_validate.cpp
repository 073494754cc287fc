// What intake would answer, without consuming anything.
#include <filesystem>
#include <limits>

#include <boost/program_options/value_semantic.hpp>
#include <fmt/format.h>

#include "base/text.h"
#include "cli/command.h"
#include "cli/main.h"
#include "cli/output.h"
#include "cli/validation.h"

namespace navette::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* help =
    "Reads each file as intake would and says what the accusé would say; nothing is consumed or stored.\n"
    "One line a refused record: FILE:LINE:COLUMN: CODE: meaning (record, path). Never a value of the file.\n"
    "The sender is that of --emetteur, else of the file's directory when the configuration knows it, else\n"
    "the one the file names. References, identifiers and conventions known are compared when the database\n"
    "can be read.\n\n"
    "Exit codes: 0 all would be accepted (or were already), 1 something would be refused,\n"
    "2 usage or configuration, 3 could not read.\n\n"
    "Examples:\n"
    "  navette validate flux.xml\n"
    "  navette validate --emetteur caf-421 --json habilitations.xml\n";

void options(boost::program_options::options_description& o) {
  o.add_options()("emetteur", boost::program_options::value<std::string>()->value_name("NAME"),
                  "as if it were deposited in arrivee/NAME/");
  json_option(o);
}

std::string emetteur_of(const Invocation& call, const config::Config& config, const std::string& file) {
  if (call.has("emetteur")) return call.text("emetteur");
  const std::string directory = fs::absolute(file).parent_path().filename().string();
  return config.emetteurs.count(directory) > 0 ? directory : "";
}

std::string place_of(const std::string& file, const model::Refusal& r) {
  if (r.line == 0) return file;
  return fmt::format("{}:{}:{}", file, r.line, r.column);
}

void print_fault(const std::string& file, const RecordFault& f) {
  const std::string what = f.reference.empty() ? "" : " " + f.reference;
  print(text::printable(fmt::format("{}: {}: {} (record {}{}, {})", place_of(file, f.refusal),
                                    model::to_string(f.refusal.code), model::label(f.refusal.code), f.rank, what,
                                    f.refusal.path)) +
        "\n");
}

void print_verdict(const std::string& file, const Verdict& v) {
  if (v.refusal) {
    const std::string path = v.refusal->path.empty() ? "" : " (" + v.refusal->path + ")";
    print(text::printable(fmt::format("{}: {}: {}{}", place_of(file, *v.refusal), model::to_string(v.refusal->code),
                                      model::label(v.refusal->code), path)) +
          "\n");
  }
  const Colour colour = v.result == "accepte" ? Colour::green : v.result == "refuse" ? Colour::red : Colour::yellow;
  const std::uint64_t good = v.refusal ? 0 : v.received - v.refused - v.duplicates;
  print(text::printable(file) + ": " + coloured(v.result, colour) +
        fmt::format(": {}, {} good, {} already known, {} refused\n", text::counted(v.received, "record"), good,
                    v.duplicates, v.refused));
}

Json refusal_json(const model::Refusal& r) {
  return {{"code", model::to_string(r.code)},
          {"libelle", model::label(r.code)},
          {"ligne", r.line > 0 ? Json(r.line) : Json(nullptr)},
          {"colonne", r.column > 0 ? Json(r.column) : Json(nullptr)},
          {"chemin", json_or_null(r.path)}};
}

Json fault_json(const RecordFault& f) {
  Json j{{"rang", f.rank}, {"genre", f.duplicate ? "doublon" : "refus"}, {"reference", json_or_null(f.reference)}};
  j.update(refusal_json(f.refusal));
  return j;
}

Json verdict_json(const std::string& file, const Verdict& v, Json faults) {
  return {{"fichier", file},
          {"resultat", v.result},
          {"type", v.header ? Json(v.header->kind) : Json(nullptr)},
          {"emetteur", v.header ? Json(v.header->emetteur) : Json(nullptr)},
          {"identifiant", v.header ? Json(v.header->identifiant) : Json(nullptr)},
          {"refus", v.refusal ? refusal_json(*v.refusal) : Json(nullptr)},
          {"recus", v.received},
          {"acceptes", v.refusal ? 0 : v.received - v.refused - v.duplicates},
          {"doublons", v.duplicates},
          {"refuses", v.refused},
          {"enregistrements", std::move(faults)}};
}

int run(const Invocation& call) {
  const config::Config config = call.config_or_defaults();
  Validation validation(config, call.clock());
  if (!validation.without_database_because().empty()) {
    remark("navette: not compared with what is known: " + validation.without_database_because());
  }
  int code = exit_done;
  Json all = Json::array();
  for (const std::string& file : call.arguments()) {
    try {
      Json faults = Json::array();
      const Verdict v = validation.check(file, emetteur_of(call, config, file), [&](const RecordFault& f) {
        if (call.json()) {
          faults.push_back(fault_json(f));
        } else {
          print_fault(file, f);
        }
      });
      if (call.json()) {
        all.push_back(verdict_json(file, v, std::move(faults)));
      } else {
        print_verdict(file, v);
      }
      if (v.result == "partiel" || v.result == "refuse") code = std::max(code, exit_attention);
    } catch (const std::exception& e) {  // the other files are still looked at
      complain(describe(e));
      code = exit_failed;
    }
  }
  if (call.json()) print_json(all);
  return code;
}

}  // namespace

Commands validate_commands() {
  return {{"validate", "FILE...", "what intake would answer; consumes nothing", help, 1,
           std::numeric_limits<std::size_t>::max(), options, run}};
}

}  // namespace navette::cli
