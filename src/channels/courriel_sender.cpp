#include "channels/courriel_sender.h"

#include <charconv>
#include <system_error>

#include <fmt/format.h>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/log.h"
#include "channels/io_outcome.h"
#include "channels/mail_head.h"
#include "channels/verified_copy.h"
#include "lib/crypto/sha256.h"
#include "lib/mime/address.h"

namespace navette::channels {
namespace {

using model::Delivered;
using model::Outcome;
using model::Protection;
using model::Refused;
using model::Retry;
using model::Scope;

constexpr const char* doubt = "courriel.doute";  // holds how many attempts since the remise was last let go
constexpr const char* gone = "courriel.parti";   // holds the facts
constexpr const char* in_a_mail = " files in a mail of ";
constexpr std::uint64_t largest_stored = std::uint64_t{256} << 20U;
constexpr std::uint64_t largest_note = 4096;
// Whose answer was lost: each may have brought the lieu the same mail once more.
constexpr int most_in_doubt = 5;

bool is_stored_mail(const std::string& name) {
  return name.starts_with("courriel-") && name.ends_with(".eml");
}

void remove_mails(const Directory& source, const std::string& but) {
  for (const std::string& name : source.names()) {
    if (is_stored_mail(name) && name != but) source.remove(name);
  }
}

bool is_in_doubt(const RemiseToSend& r) {
  return !r.nothing_there && r.source.contains(doubt);
}

// Attempts whose end is not known; nothing: each is known not to have arrived.
std::optional<int> attempts_in_doubt(const RemiseToSend& r) {
  if (!is_in_doubt(r)) return std::nullopt;
  const std::string count = r.source.read(doubt, largest_note);
  int attempts = 0;
  std::from_chars(count.data(), count.data() + count.size(), attempts);
  return attempts;
}

void note_in_doubt(const Directory& source, std::optional<int> attempts) {
  if (attempts) {
    write_file(source, doubt, std::to_string(*attempts));
  } else {
    source.remove(doubt);
  }
}

// For a person, who asks the lieu.
Refused uncertain(const std::string& why) {
  return Refused{"arrivee-incertaine", why +
                                           ". Ask the lieu, then navette remises picked-up if it has the mail, navette "
                                           "remises taken-back if it has not"};
}

// Once: whoever lets it go again has asked the lieu.
Refused given_up(const Directory& source) {
  note_in_doubt(source, 0);
  return uncertain(
      fmt::format("{} times it was not heard whether the mail server took the mail over, or navette was cut short at "
                  "it: it may well have arrived",
                  most_in_doubt));
}

// For a crash before the caller has written it down. A full disk does not make it undelivered.
void remember(const Directory& source, const std::string& facts) {
  try {
    write_file(source, gone, facts);
  } catch (const std::system_error& e) {
    log::warning("courriel.unremembered", {{"error", describe(e)}});
  }
}

}  // namespace

Outcome CourrielSender::send(const RemiseToSend& r) {
  if (auto refused = check_remise(r)) return *std::move(refused);
  if (stop_.stop_requested()) throw Interrupted();
  try {
    return attempt(r);
  } catch (const CredentialError& e) {
    return Refused{"justificatif", e.what(), Scope::lieu};
  } catch (const std::system_error& e) {  // of our own spool
    return outcome_of(e);
  }
}

Outcome CourrielSender::attempt(const RemiseToSend& r) {
  if (auto before = r.source.contains(gone) ? look(r) : std::nullopt) return *std::move(before);
  const CourrielSecret secret = read_secret(profile_, tools_.credentials, tools_.clock.now());
  const std::string stored = stored_name(secret);
  if (!r.source.contains(stored)) {
    if (is_in_doubt(r)) {
      return uncertain(
          "the mail may have arrived: the mail server's answer was lost, or an attempt was cut short. Since then the "
          "lieu has another box or another certificate or password, or navette another [mail] from: another mail would "
          "be made");
    }
    if (auto refused = compose(r, secret, stored)) return *std::move(refused);
  }
  Mail mail;
  mail.name = r.remise + "-contenu";
  mail.message_id = message_id_of(r);
  mail.from = tools_.from;
  mail.recipients = {profile_.address};
  mail.bytes = r.source.read(stored, largest_stored);
  if (mail.bytes.size() > profile_.largest_message) {
    return Refused{"taille-depassee",
                   fmt::format("its mail has {} bytes, <tailleMaximale> of the lieu's profile allows {}: it was packed "
                               "under another profile; raise it, or have the remise taken apart: navette demandes "
                               "hold, then remises retry",
                               mail.bytes.size(), profile_.largest_message)};
  }
  return transmit(r, std::move(mail));
}

Outcome CourrielSender::transmit(const RemiseToSend& r, Mail mail) {
  const std::optional<int> before = attempts_in_doubt(r);
  if (before >= most_in_doubt) return given_up(r.source);  // cut short, all of them
  bool noted = false;
  mail.before_arrival = [&] {
    noted = true;
    note_in_doubt(r.source, before.value_or(0) + 1);
  };
  const MailOutcome answer = tools_.mail.send(mail, stop_);
  // What is known of this attempt settles no earlier one.
  if (noted && !answer.in_doubt && !std::holds_alternative<Delivered>(answer.outcome)) note_in_doubt(r.source, before);
  if (stop_.stop_requested() && !std::holds_alternative<Delivered>(answer.outcome)) throw Interrupted();
  if (answer.in_doubt && before.value_or(0) + 1 >= most_in_doubt) return given_up(r.source);
  Outcome outcome = conclude(r, answer, mail.bytes.size());
  if (auto* retry = std::get_if<Retry>(&outcome); retry != nullptr && (answer.in_doubt || is_in_doubt(r))) {
    retry->reason += fmt::format("; it may have arrived all the same ({} of {} times): ask the lieu",
                                 before.value_or(0) + (answer.in_doubt ? 1 : 0), most_in_doubt);
  }
  return outcome;
}

// Under a name that tells for whom: a mail for a former box or certificate is not taken for this one's. The password
// has no part in it; a new password comes under a new name.
std::string CourrielSender::stored_name(const CourrielSecret& secret) const {
  constexpr std::size_t digits = 16;
  const std::string all = profile_.address + '\0' + tools_.from + '\0' + profile_.credential + '\0' +
                          (secret.certificate ? secret.certificate->fingerprint() : "pdf");
  return "courriel-" + crypto::sha256_hex(all).substr(0, digits) + ".eml";
}

std::string CourrielSender::message_id_of(const RemiseToSend& r) const {
  // The notification's is <remise>@domain.
  return r.remise + ".contenu@" + mime::domain_of(tools_.from);
}

// Durable under its name, or not there.
std::optional<Refused> CourrielSender::compose(const RemiseToSend& r, const CourrielSecret& secret,
                                               const std::string& stored) const {
  std::vector<RemiseContent> files;
  for (const model::RemiseFile& f : r.files) {
    std::string bytes;
    if (const auto fault = read_verified(r.source, f, bytes)) return Refused{"source-alteree", f.name + " " + *fault};
    files.push_back({f.name, f.kind, std::move(bytes)});
  }
  mime::Message head = mail_head(tools_.from, {profile_.address}, message_id_of(r), tools_.clock.now());
  write_file(r.source, stored,
             compose_courriel(profile_, secret, std::move(head), tools_.text(r, profile_.protection), r.remise,
                              std::move(files)));
  remove_mails(r.source, stored);
  return std::nullopt;
}

Outcome CourrielSender::conclude(const RemiseToSend& r, const MailOutcome& answer, std::size_t bytes) {
  if (const auto* delivered = std::get_if<Delivered>(&answer.outcome)) {
    const std::string facts =
        fmt::format("{}; {}{}{} bytes, {}", delivered->facts, r.files.size(), in_a_mail, bytes,
                    profile_.protection == Protection::smime ? "S/MIME, AES-256" : "PDF, AES-256");
    remember(r.source, facts);
    return Delivered{facts};
  }
  if (scope_of(answer.outcome) == Scope::mail_server) {
    const auto* refused = std::get_if<Refused>(&answer.outcome);
    const std::string& why = refused != nullptr ? refused->reason : std::get<Retry>(answer.outcome).reason;
    return Retry{model::with_code("serveur-messagerie", why), std::nullopt, Scope::mail_server};
  }
  if (const auto* refused = std::get_if<Refused>(&answer.outcome); refused && refused->code == "destinataire-refuse") {
    return Refused{refused->code,
                   refused->reason +
                       "; the box of the lieu's profile (<adresse>) must be put right, by the partner or "
                       "by a new version of the convention",
                   refused->scope};
  }
  return answer.outcome;
}

std::optional<Delivered> CourrielSender::look(const RemiseToSend& r) {
  if (r.source.contains(gone)) return Delivered{r.source.read(gone, largest_note)};
  if (is_in_doubt(r))
    throw CannotTell(
        uncertain("the mail may have arrived: the mail server's answer was lost, or an attempt was cut short. It must "
                  "not leave any more: a demande is held, a right was lost, or the lieu is served elsewhere now"));
  return std::nullopt;
}

void CourrielSender::forget(const RemiseToSend& r) {
  remove_mails(r.source, "");
  note_in_doubt(r.source, std::nullopt);
}

Outcome CourrielSender::withdraw(const RemiseToSend& r) {
  // What is delivered has no directory any more.
  const auto lieu = r.source.find_dir(r.lieu);
  const auto stored = lieu ? lieu->find_dir(r.remise) : std::nullopt;
  const bool absent = r.nothing_there || (stored && !stored->contains(doubt));
  if (absent && !(stored && stored->contains(gone))) return Delivered{"no mail of it has left"};
  return Refused{"rappel-impossible", "a mail cannot be taken back: ask the lieu to destroy what it has"};
}

bool CourrielSender::in_doubt(const Directory& depart, const std::string& lieu, const std::string& remise) {
  const auto of_lieu = depart.find_dir(lieu);
  const auto stored = of_lieu ? of_lieu->find_dir(remise) : std::nullopt;
  return stored && stored->contains(doubt);
}

bool CourrielSender::wrote(const std::string& facts) {
  return facts.find(in_a_mail) != std::string::npos;
}

std::string CourrielSender::describe_place(const std::string& remise) const {
  const char* how =
      profile_.protection == Protection::smime ? "message chiffré (S/MIME)" : "PDF chiffré, joint à un message";
  return fmt::format("boîte des remises de votre lieu, {}, objet «\u00A0Remise {}\u00A0»", how, remise);
}

}  // namespace navette::channels
