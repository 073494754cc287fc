// What is loaded: configuration, schemas, stylesheets, fonts, communes.
#include <functional>

#include <fcntl.h>
#include <fmt/format.h>

#include "base/error.h"
#include "channels/credentials.h"
#include "channels/smtp_sender.h"
#include "cli/checks.h"
#include "daemon/settings.h"
#include "flux/reader.h"
#include "lib/crypto/ca_file.h"
#include "lib/mime/address.h"
#include "lib/xml/stylesheet.h"
#include "model/civil_time.h"
#include "stages/pack.h"

namespace navette::cli {
namespace {

// `load` says what it found.
Finding tried(const std::string& subject, const std::string& advice, const std::function<std::string()>& load) {
  try {
    return {Health::ok, subject, load()};
  } catch (const std::exception& e) {
    return {Health::bad, subject, describe(e) + "; " + advice};
  }
}

// Settings and files; the server itself is not asked.
Finding mail_finding(const config::Config& config) {
  const config::Mail& m = config.mail;
  if (m.host.empty()) return {Health::ok, "mail", "no server: e-mails become files in the spool's courriels/"};
  return tried("mail", "see [mail] in the configuration", [&] {
    static_cast<void>(
        channels::server_of(daemon::mail_settings(config), channels::Credentials(config.credentials.directory)));
    try {
      if (!m.ca.empty()) crypto::require_ca_file(m.ca.string());
    } catch (const Error& e) {
      throw Error(fmt::format("ca: {}; put the certificate of the CA that signed the mail server's there", e.what()));
    }
    const char* how = m.tls == config::MailTls::none ? "in clear" : "over TLS";
    return fmt::format("{}:{} {}{}", m.host, m.port, how, m.user.empty() ? "" : ", with login");
  });
}

// Renders each demande.
class Rendering final : public flux::Handler {
 public:
  Rendering(const render::Renderer& renderer, const model::ReferenceData& reference)
      : renderer_(renderer), reference_(reference) {}
  std::optional<model::Objection> header(const flux::Header& /*header*/) override { return std::nullopt; }
  void demande(flux::DemandeRecord record) override {
    const auto parameters = stages::render_parameters(record.demande.emetteur, record.demande.communes, reference_);
    try {
      static_cast<void>(renderer_.render(record.xml, parameters));
    } catch (const std::exception&) {
      std::throw_with_nested(Error("demande " + record.demande.reference));
    }
  }
  void refused(flux::RefusedRecord record) override {
    throw Error("demande " + record.reference + ": " + std::string(model::label(record.refusal.code)));
  }

 private:
  const render::Renderer& renderer_;
  const model::ReferenceData& reference_;
};

// A stylesheet's fault may show only when it is applied: now, to the examples, and not tonight, to a family's demande.
void render_examples(const config::Config& config) {
  const auto renderer = daemon::load_renderer(config);
  try {
    const auto reference = daemon::load_reference_data(config);
    Rendering rendering(*renderer, reference);
    const auto examples = Directory::open(config.data.examples());
    const auto result = flux::read(examples.open_file("demandes.xml", O_RDONLY).get(),
                                   flux::Schemas::load(config.data.schemas().string()), reference, rendering);
    if (result.refusal) throw Error(std::string(model::label(result.refusal->code)));
    static_cast<void>(renderer->render(examples.read("bordereau.xml"), {}));
  } catch (const std::exception&) {
    std::throw_with_nested(Error("the examples in " + config.data.examples().string()));
  }
}

// Agents could not answer, and many mail servers refuse what comes from such an address.
bool is_address_of_this_machine_alone(const std::string& address) {
  return mime::domain_of(address).find('.') == std::string::npos;
}

// Whoever may put files there chooses our keys, whatever the modes of those that are there.
bool anybody_may_write(const std::filesystem::path& directory) {
  std::error_code none;
  const auto status = std::filesystem::status(directory, none);
  return std::filesystem::is_directory(status) &&
         (status.permissions() & std::filesystem::perms::others_write) != std::filesystem::perms::none;
}

}  // namespace

Findings check_configuration(const config::Config& config, const std::string& file) {
  Findings out{{Health::ok, "configuration", fmt::format("{}, {} senders", file, config.emetteurs.size())}};
  if (config.emetteurs.empty()) {
    out.push_back({Health::warn, "configuration", "no sender: every flux is refused; add [emetteur.NAME] sections"});
  }
  for (const auto& [name, emetteur] : config.emetteurs) {
    if (!emetteur.may_send("habilitations") || !emetteur.departements.empty()) continue;
    out.push_back({Health::warn, "configuration",
                   fmt::format("[emetteur.{}] in {} has no departements: its conventions may open any commune of the "
                               "country, with the demandes of its families; "
                               "add the line departements = with those of this Caf",
                               name, file)});
  }
  if (const auto& directory = config.credentials.directory; anybody_may_write(directory)) {
    out.push_back({Health::bad, "credentials",
                   fmt::format("{0} ({1}) may be written by anybody; chmod o-w {0}", directory.string(),
                               owner_and_mode(directory))});
  }
  out.push_back(mail_finding(config));
  if (const auto& mail = config.mail; !mail.host.empty() && is_address_of_this_machine_alone(mail.from)) {
    out.push_back({Health::warn, "mail",
                   fmt::format("e-mails come from {}, which nobody can answer and many servers refuse; say from = in "
                               "[mail], with an address of the Caf's that this server may send for and somebody reads",
                               mail.from)});
  }
  return out;
}

Findings check_data(const config::Config& config) {
  const std::string where = "check [data] directory in the configuration, or install navette again";
  Findings out;
  out.push_back(tried("schemas", where, [&] {
    static_cast<void>(flux::Schemas::load(config.data.schemas().string()));
    return config.data.schemas().string();
  }));
  for (const char* name : {"notification.xsl", "remise.xsl", "alerte.xsl"}) {
    out.push_back(tried("stylesheet", where, [&] {
      std::string file = (config.data.stylesheets() / name).string();
      static_cast<void>(xml::Stylesheet::load(file));
      return file;
    }));
  }
  out.push_back(tried("rendering", "check [fonts] and [data], install fonts-noto-core and fonts-dejavu-core", [&] {
    render_examples(config);
    return fmt::format("{} with {}", (config.data.stylesheets() / "demande-fo.xsl").string(),
                       config.fonts.main.regular.string());
  }));
  out.push_back(tried("communes", where, [&] {
    const auto reference = daemon::load_reference_data(config);
    return fmt::format("{} ({} communes)", config.data.communes().string(), reference.size());
  }));
  return out;
}

Findings check_signature(const config::Config& config, const Clock& clock) {
  if (!config.signature.wanted()) return {};
  constexpr auto soon = std::chrono::days(30);
  const std::string file = config.signature.certificate.string();
  try {
    const auto signer = daemon::load_signer(config);
    daemon::require_valid(config, *signer, clock.now());
    const std::string last = model::to_iso(model::paris_day(signer->expires()));
    if (signer->expires() < clock.now() + soon) {
      return {{Health::warn, "signature",
               fmt::format("the certificate {} expires on {}, and nothing is packed or delivered from then on; put its "
                           "successor and its key there, and restart navette",
                           file, last)}};
    }
    return {{Health::ok, "signature",
             fmt::format("PDFs are signed as {} until {}{}", signer->subject(), last,
                         signer->deterministic() ? "" : ", each time in other bytes (ECDSA)")}};
  } catch (const std::exception& e) {
    return {{Health::bad, "signature", describe(e)}};
  }
}

}  // namespace navette::cli
