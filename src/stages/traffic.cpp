#include "stages/traffic.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "base/text.h"
#include "flux/channel_profile.h"

namespace navette::stages {

std::optional<Access> access_of(const model::Channel& channel) {
  if (const auto* courriel = std::get_if<model::CourrielChannel>(&channel)) {
    if (flux::read_courriel_profile(courriel->xml).protection == model::Protection::none) return std::nullopt;
    return Access{};
  }
  const auto* sftp = std::get_if<model::SftpChannel>(&channel);
  if (sftp == nullptr) return std::nullopt;
  model::SftpProfile profile = flux::read_sftp_profile(sftp->xml);
  return Access{{text::lower(profile.host), profile.port, std::move(profile.user)}, profile.connections};
}

void Traffic::add(Passage passage) {
  lieux_.insert(passage.lieu);
  if (passage.first_issue == 0) {
    looked_at_.insert(passage.lieu);
  } else {
    issues_.insert(passage.first_issue);
  }
  if (passage.account) ++at_[*std::move(passage.account)];
}

bool Traffic::take(const store::DueRemise& remise) {
  if (looked_at_.contains(remise.lieu) || issues_.contains(remise.first_issue)) return false;
  const Access* access = known_access(remise.channel);
  if (access != nullptr ? !has_room(*access) : lieux_.contains(remise.lieu)) return false;
  add({remise.lieu, remise.first_issue, access != nullptr ? std::optional(access->account) : std::nullopt});
  return true;
}

bool Traffic::admits(const store::AwaitingLieu& lieu) {
  if (lieux_.contains(lieu.lieu)) return false;
  const Access* access = known_access(lieu.channel);
  return access == nullptr || has_room(*access);
}

bool Traffic::has_room(const Access& access) {
  if (closed_.contains(access.account)) return false;
  const auto at = at_.find(access.account);
  if (at == at_.end() || at->second < access.connections) return true;
  closed_.insert(access.account);
  return false;
}

const Access* Traffic::known_access(const model::Channel& channel) {
  const auto* sftp = std::get_if<model::SftpChannel>(&channel);
  const auto* courriel = std::get_if<model::CourrielChannel>(&channel);
  if (sftp == nullptr && courriel == nullptr) return nullptr;
  const std::string& xml = sftp != nullptr ? sftp->xml : courriel->xml;
  auto known = known_.find(xml);
  if (known == known_.end()) known = known_.emplace(xml, access_of(channel)).first;
  return known->second ? &*known->second : nullptr;
}

}  // namespace navette::stages
