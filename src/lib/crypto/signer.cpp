#include "lib/crypto/signer.h"

#include <algorithm>
#include <array>
#include <string_view>

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ess.h>
#include <openssl/pem.h>
#include <openssl/pkcs7.h>
#include <openssl/x509v3.h>

#include "lib/crypto/cms.h"
#include "lib/crypto/sha256.h"
#include "lib/crypto/x509.h"

namespace navette::crypto {
namespace {

struct FreeSigned {
  void operator()(PKCS7* p) const { PKCS7_free(p); }
  void operator()(ESS_SIGNING_CERT_V2* named) const { ESS_SIGNING_CERT_V2_free(named); }
  void operator()(ASN1_STRING* text) const { ASN1_STRING_free(text); }
  void operator()(EXTENDED_KEY_USAGE* uses) const { EXTENDED_KEY_USAGE_free(uses); }
};

void must(bool done) {
  if (!done) throw_openssl("cannot sign");
}

// A prompt would hang the daemon.
int passphrase_asked(char* /*buffer*/, int /*size*/, int /*writing*/, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

// The attribute that binds the signature to one certificate: without it another of the same key could be put in its
// place.
std::string named(X509* certificate) {
  constexpr int with_issuer_and_serial = 1;
  const std::unique_ptr<ESS_SIGNING_CERT_V2, FreeSigned> attribute(
      OSSL_ESS_signing_cert_v2_new_init(EVP_sha256(), certificate, nullptr, with_issuer_and_serial));
  must(attribute != nullptr);
  const int size = i2d_ESS_SIGNING_CERT_V2(attribute.get(), nullptr);
  must(size > 0);
  std::string der(static_cast<std::size_t>(size), '\0');
  auto* end = reinterpret_cast<unsigned char*>(der.data());
  i2d_ESS_SIGNING_CERT_V2(attribute.get(), &end);
  return der;
}

// NSS, which poppler asks, knows these.
bool has_nist_curve(const EVP_PKEY* key) {
  constexpr std::array known{"prime256v1", "secp384r1", "secp521r1"};
  std::array<char, 64> name{};
  return EVP_PKEY_get_group_name(key, name.data(), name.size(), nullptr) == 1 &&
         std::find(known.begin(), known.end(), std::string_view(name.data())) != known.end();
}

bool allows_signed_documents(X509* certificate) {
  // An extension that is not there leaves all bits set.
  if ((X509_get_extended_key_usage(certificate) & (XKU_SMIME | XKU_ANYEKU)) != 0) return true;
  constexpr std::array of_documents{"1.3.6.1.5.5.7.3.36", "1.3.6.1.4.1.311.10.3.12",
                                    "1.2.840.113583.1.1.5"};  // RFC 9336, Microsoft, Adobe
  const std::unique_ptr<EXTENDED_KEY_USAGE, FreeSigned> uses(
      static_cast<EXTENDED_KEY_USAGE*>(X509_get_ext_d2i(certificate, NID_ext_key_usage, nullptr, nullptr)));
  for (int i = 0; uses && i < sk_ASN1_OBJECT_num(uses.get()); ++i) {
    std::array<char, 64> oid{};
    OBJ_obj2txt(oid.data(), static_cast<int>(oid.size()), sk_ASN1_OBJECT_value(uses.get(), i), 1);
    if (std::find(of_documents.begin(), of_documents.end(), std::string_view(oid.data())) != of_documents.end())
      return true;
  }
  return false;
}

// What a reader of PDFs shows as a damaged certificate, on each of them.
void require_readable(const std::vector<X509*>& chain) {
  X509* own = chain.front();
  // An extension that is not there leaves all bits set.
  if ((X509_get_key_usage(own) & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION)) == 0)
    throw CertificateError("the keyUsage of its first certificate does not allow signatures");
  if (!allows_signed_documents(own)) {
    throw CertificateError(
        "the extendedKeyUsage of its first certificate allows neither e-mail nor documents (perhaps it is a web "
        "server's)");
  }
  if ((X509_get_extension_flags(own) & EXFLAG_CRITICAL) != 0)
    throw CertificateError("its first certificate has a critical extension that no reader knows");
  if (X509_NAME_entry_count(X509_get_subject_name(own)) == 0)
    throw CertificateError("its first certificate names nobody (empty subject)");
  for (std::size_t i = 1; i < chain.size(); ++i) {
    const bool issued = X509_check_issued(chain[i], chain[i - 1]) == X509_V_OK;
    ERR_clear_error();
    if (!issued) {
      throw CertificateError(
          fmt::format("its certificate {} did not issue the one before it: the signer's comes first, then who issued "
                      "it, and so on",
                      i + 1));
    }
  }
}

}  // namespace

void Signer::Free::operator()(x509_st* certificate) const {
  X509_free(certificate);
}
void Signer::Free::operator()(evp_pkey_st* key) const {
  EVP_PKEY_free(key);
}

Signer::Signer(Certificates certificates, std::unique_ptr<evp_pkey_st, Free> key)
    : certificates_(std::move(certificates)), key_(std::move(key)), certificate_named_(named(certificates_[0].get())) {
  // ECDSA's values differ in length, and with them the lengths of what is around them; RSA's do not. The same each
  // time: it is the size of a signature's place in a file.
  constexpr std::size_t of_lengths = 8;
  std::size_t value = 0;
  const std::size_t all = sign({}, &value).size();
  largest_ = all - value + static_cast<std::size_t>(EVP_PKEY_get_size(key_.get())) + (deterministic() ? 0 : of_lengths);
}

Signer Signer::parse(std::string_view certificates, std::string_view key) {
  ERR_clear_error();
  if (certificates.find("PRIVATE KEY-----") != std::string_view::npos)
    throw CertificateError("it holds a private key as well, which everybody may read there: take it out");
  bool asked = false;
  Certificates chain;
  const Bio in = reader_of(certificates);
  while (X509* found = PEM_read_bio_X509(in.get(), nullptr, passphrase_asked, &asked)) chain.emplace_back(found);
  // Whatever is in the file was read, or something in it is damaged.
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (chain.empty()) throw CertificateError("it holds no certificate in PEM");
  if (!at_end) throw CertificateError("what follows its certificate " + std::to_string(chain.size()) + " is damaged");
  X509* own = chain.front().get();
  require_usable_key(own);
  if (is_elliptic(own) && !has_nist_curve(X509_get0_pubkey(own))) {
    throw CertificateError(
        "its EC key must be of the curve P-256, P-384 or P-521: readers of PDFs show others as invalid");
  }

  std::unique_ptr<EVP_PKEY, Free> secret(
      PEM_read_bio_PrivateKey(reader_of(key).get(), nullptr, passphrase_asked, &asked));
  ERR_clear_error();
  if (asked) throw KeyError("it is protected by a passphrase; remove that (openssl pkey -in … -out …)");
  if (!secret) throw KeyError("it holds no private key in PEM");
  const bool fits = X509_check_private_key(own, secret.get()) == 1;
  ERR_clear_error();
  if (!fits) throw KeyError("it is not the key of the certificate; the signer's must be the first of its file");
  std::vector<X509*> in_order;
  for (const auto& certificate : chain) in_order.push_back(certificate.get());
  require_readable(in_order);
  return {std::move(chain), std::move(secret)};
}

void Signer::require_valid(Instant now) const {
  require_in_time(certificates_.front().get(), now);
}

Instant Signer::expires() const {
  return last_second(certificates_.front().get());
}

bool Signer::deterministic() const {
  return EVP_PKEY_get_base_id(key_.get()) == EVP_PKEY_RSA;
}

std::string Signer::subject() const {
  const X509_NAME* name = X509_get_subject_name(certificates_.front().get());
  const int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
  const Bio out = memory_writer();
  constexpr unsigned long form = XN_FLAG_RFC2253 & ~static_cast<unsigned long>(ASN1_STRFLGS_ESC_MSB);
  if (at < 0) {
    X509_NAME_print_ex(out.get(), name, 0, form);
  } else {
    ASN1_STRING_print_ex(out.get(), X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)),
                         ASN1_STRFLGS_ESC_CTRL | ASN1_STRFLGS_UTF8_CONVERT);
  }
  return written_to(out.get());
}

// By OpenSSL's PKCS7 functions, whose SignedData with data as content and a signer named by issuer and serial number is
// that of CMS, byte for byte: its CMS functions write the time into the signed attributes (OpenSSL 3.0 has no way
// around), which PAdES forbids, and which would make each signature another.
std::string Signer::sign(const std::vector<std::string_view>& pieces, std::size_t* value) const {
  Sha256 hash;
  for (const std::string_view piece : pieces) hash.update(piece);
  const std::string digest = hash.finish();
  ERR_clear_error();
  const std::unique_ptr<PKCS7, FreeSigned> all(PKCS7_new());
  must(all && PKCS7_set_type(all.get(), NID_pkcs7_signed) == 1);
  must(PKCS7_content_new(all.get(), NID_pkcs7_data) == 1);
  PKCS7_set_detached(all.get(), 1);
  for (const auto& certificate : certificates_) must(PKCS7_add_certificate(all.get(), certificate.get()) == 1);
  PKCS7_SIGNER_INFO* signer =
      PKCS7_add_signature(all.get(), certificates_.front().get(), key_.get(), EVP_sha256());  // owned by `all`
  must(signer != nullptr);
  must(PKCS7_add_attrib_content_type(signer, nullptr) == 1);
  must(PKCS7_add1_attrib_digest(signer, reinterpret_cast<const unsigned char*>(digest.data()),
                                static_cast<int>(digest.size())) == 1);
  std::unique_ptr<ASN1_STRING, FreeSigned> sequence(ASN1_STRING_new());
  must(sequence &&
       ASN1_STRING_set(sequence.get(), certificate_named_.data(), static_cast<int>(certificate_named_.size())) == 1);
  must(PKCS7_add_signed_attribute(signer, NID_id_smime_aa_signingCertificateV2, V_ASN1_SEQUENCE, sequence.get()) == 1);
  static_cast<void>(sequence.release());  // the attribute's now
  must(PKCS7_SIGNER_INFO_sign(signer) == 1);
  if (value != nullptr) *value = static_cast<std::size_t>(ASN1_STRING_length(signer->enc_digest));
  const Bio out = memory_writer();
  must(i2d_PKCS7_bio(out.get(), all.get()) == 1);
  return written_to(out.get());
}

}  // namespace navette::crypto
