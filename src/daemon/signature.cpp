#include "daemon/signature.h"

#include <fmt/format.h>

#include "base/directory.h"
#include "base/error.h"
#include "channels/credentials.h"
#include "lib/crypto/cms.h"
#include "render/signing.h"

namespace navette::daemon {
namespace {

// No secret: everybody may read it.
std::string read_certificates(const std::filesystem::path& file) {
  constexpr std::uint64_t most = std::uint64_t{64} << 10U;
  try {
    return Directory::open(file.parent_path()).read(file.filename().string(), most);
  } catch (const std::exception& e) {
    throw Error(
        fmt::format("the certificate {} of [signature] cannot be read: {}; put the PEM file itself there, "
                    "readable by the account of navette",
                    file.string(), e.what()));
  }
}

}  // namespace

std::shared_ptr<const crypto::Signer> load_signer(const config::Config& config) {
  const config::Signature& s = config.signature;
  if (!s.wanted()) return nullptr;
  const std::string certificates = read_certificates(s.certificate);
  const std::string key = channels::read_secret(s.key, "the key of [signature]");
  try {
    auto signer = std::make_shared<const crypto::Signer>(crypto::Signer::parse(certificates, key));
    if (signer->largest() > render::largest_signature) {
      throw crypto::CertificateError(
          fmt::format("it makes signatures of {} bytes, and PDF/A allows {}; leave out certificates of its chain, the "
                      "root first",
                      signer->largest(), render::largest_signature));
    }
    return signer;
  } catch (const crypto::CertificateError& e) {
    throw Error(
        fmt::format("the certificate {} of [signature]: {}; a PEM certificate for signatures is wanted, then "
                    "those of its chain",
                    s.certificate.string(), e.what()));
  } catch (const crypto::KeyError& e) {
    throw Error(fmt::format("the key {} of [signature]: {}; the private key of {} is wanted, in PEM", s.key.string(),
                            e.what(), s.certificate.string()));
  }
}

void require_valid(const config::Config& config, const crypto::Signer& signer, Instant now) {
  try {
    signer.require_valid(now);
  } catch (const crypto::CertificateError& e) {
    throw Error(
        fmt::format("the certificate {} of [signature]: {}, and nothing is delivered unsigned; put one that "
                    "is valid and its key there, and restart navette",
                    config.signature.certificate.string(), e.what()));
  }
}

}  // namespace navette::daemon
