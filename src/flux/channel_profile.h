// A lieu's channel as typed values, from the XML that its convention carries (habilitations-1.xsd, Canal).
#pragma once

#include <string>
#include <vector>

#include "model/convention.h"
#include "model/partner_profile.h"

namespace navette::flux {

// `xml`: of <sftp>, valid and canonical, as the store keeps it. Throws Error for what the schema does not let in.
model::SftpProfile read_sftp_profile(const std::string& xml);
// The same for <courriel>.
model::CourrielProfile read_courriel_profile(const std::string& xml);

// model::places of a channel; none for one without a server of the partner's.
std::vector<model::Place> places(const model::Channel& channel);

// The credentials that a channel's profile names.
std::vector<model::NamedCredential> named_credentials(const model::Channel& channel);

}  // namespace navette::flux
