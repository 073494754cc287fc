#include "daemon/settings.h"

#include <utility>
#include <vector>

#include "base/directory.h"
#include "base/error.h"

namespace navette::daemon {
namespace {

curl::Tls tls_of(config::MailTls tls) {
  switch (tls) {
    case config::MailTls::implicit:
      return curl::Tls::implicit;
    case config::MailTls::none:
      return curl::Tls::none;
    default:
      return curl::Tls::starttls;
  }
}

render::FontFiles font_family(const config::FontFamily& f) {
  return {f.regular.string(), f.bold.string(), f.italic.string(), f.bold_italic.string()};
}

std::vector<render::FontFiles> fonts_of(const config::Config& config) {
  return {font_family(config.fonts.main), font_family(config.fonts.fallback)};
}

}  // namespace

std::unique_ptr<render::Renderer> load_renderer(const config::Config& config,
                                                std::shared_ptr<const crypto::Signer> signer) {
  render::Signing signing;
  if (signer) {
    signing.largest = signer->largest();
    signing.sign = [signer = std::move(signer)](std::string_view before, std::string_view after) {
      return signer->sign({before, after});
    };
  }
  return std::make_unique<render::Renderer>((config.data.stylesheets() / "demande-fo.xsl").string(), fonts_of(config),
                                            std::move(signing));
}

std::unique_ptr<render::Renderer> load_fo_renderer(const config::Config& config) {
  return std::make_unique<render::Renderer>("", fonts_of(config));
}

std::set<std::string> served_channels() {
  return {model::kind_of(model::DepotChannel{}), model::kind_of(model::SftpChannel{}),
          model::kind_of(model::CourrielChannel{})};
}

stages::Senders senders_of(const config::Config& config) {
  stages::Senders senders;
  for (const auto& [name, e] : config.emetteurs) {
    senders[name] = {{e.flux.begin(), e.flux.end()}, e.caf, {e.departements.begin(), e.departements.end()}};
  }
  return senders;
}

channels::SmtpSettings mail_settings(const config::Config& config) {
  const config::Mail& m = config.mail;
  return {m.host, m.port, tls_of(m.tls), m.ca.string(), m.user, m.credential};
}

flux::Limits limits_of(const config::Config& config) {
  flux::Limits limits;
  limits.depth = config.limits.depth;
  limits.text = config.limits.text_size;
  limits.record = config.limits.record_size;
  return limits;
}

model::ReferenceData load_reference_data(const config::Config& config) {
  const auto file = config.data.communes();
  try {
    return model::ReferenceData::parse(Directory::open(file.parent_path()).read(file.filename().string()));
  } catch (const std::exception&) {
    std::throw_with_nested(Error("cannot read the list of communes " + file.string() + " (check [data] directory)"));
  }
}

}  // namespace navette::daemon
