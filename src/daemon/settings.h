// What the configuration means to those who work: renderer, senders, mail server, limits, communes. Shared by the
// daemon and the commands that do a part of its work.
#pragma once

#include <memory>
#include <set>
#include <string>

#include "channels/smtp_sender.h"
#include "config/config.h"
#include "daemon/signature.h"
#include "flux/reader.h"
#include "model/reference_data.h"
#include "render/renderer.h"
#include "stages/intake.h"

namespace navette::daemon {

// What the daemon renders with; shared with `navette render` and `check`. `signer` (daemon/signature.h): null for none.
// Throws Error naming the font or stylesheet at fault.
std::unique_ptr<render::Renderer> load_renderer(const config::Config& config,
                                                std::shared_ptr<const crypto::Signer> signer = nullptr);
// With the same fonts, for FO documents alone: needs no stylesheet. Throws Error naming the font at fault.
std::unique_ptr<render::Renderer> load_fo_renderer(const config::Config& config);

// The senders of the configuration, as intake knows them; shared with `navette validate`.
stages::Senders senders_of(const config::Config& config);
// Kinds of channel that this navette serves; a convention that asks for another is refused.
std::set<std::string> served_channels();
// Of the mail server, where one is configured.
channels::SmtpSettings mail_settings(const config::Config& config);
flux::Limits limits_of(const config::Config& config);
// Reads data/communes.tsv. Throws Error.
model::ReferenceData load_reference_data(const config::Config& config);

}  // namespace navette::daemon
