// Delivery by e-mail to the lieu's box, encrypted (channels/courriel_message.h): one mail a remise.
//
// The mail is made and encrypted once, and stored beside the remise (depart/<lieu>/<remise>/) before the first attempt;
// every attempt sends those bytes. Only another profile or another certificate makes another mail, what the lieu could
// not read any more being of no use to it, and only once a person has said that the former one has not arrived. The
// Message-ID is the remise's, whatever happens.
//
// What is there tells what is known: nothing, and the server has not taken the mail; "courriel.doute", and it may have:
// an attempt came to the mail's last byte and its end is not known; "courriel.parti", and it has. So a remise goes
// twice only when the server's answer was lost, with the same Message-ID, and no more than five times before a person
// is asked. A doubt ends with the lieu's word: RemiseToSend::nothing_there.
#pragma once

#include <functional>
#include <stop_token>
#include <string>

#include "base/clock.h"
#include "channels/courriel_message.h"
#include "channels/file_sender.h"
#include "channels/mail_sender.h"

namespace navette::channels {

// All of it outlives the senders.
struct CourrielTools {
  MailSender& mail;
  const Credentials& credentials;
  const Clock& clock;
  std::string from;  // address of navette
  // Subject and text for a remise.
  std::function<CourrielText(const RemiseToSend& remise, model::Protection protection)> text;
};

class CourrielSender final : public FileSender {
 public:
  // `profile.protection` is not `none`: without content there is nothing to send.
  CourrielSender(model::CourrielProfile profile, CourrielTools tools, std::stop_token stop = {})
      : profile_(std::move(profile)), tools_(std::move(tools)), stop_(std::move(stop)) {}

  // Codes of Refused that are the partner's: "justificatif" (its certificate or password), "destinataire-refuse"; the
  // remise's own: "message-refuse", "taille-depassee", "source-alteree", "nom-invalide", "adresse-invalide",
  // "arrivee-incertaine" (sent five times without an answer, or once and then to be made anew). What is wrong with our
  // mail server is a Retry: no lieu can mend it; a box that is put off is the lieu's. A stop throws Interrupted. The
  // whole mail is in memory, up to 100 MB: one at a time (stages/traffic.h).
  model::Outcome send(const RemiseToSend& remise) override;
  // Throws CannotTell, "arrivee-incertaine", when an attempt's end is not known: no server tells whether a mail
  // arrived.
  std::optional<model::Delivered> look(const RemiseToSend& remise) override;
  void forget(const RemiseToSend& remise) override;
  model::Outcome withdraw(const RemiseToSend& remise) override;  // a mail cannot be: Refused "rappel-impossible"
  std::string describe_place(const std::string& remise) const override;
  // Whether a mail of a remise that is not delivered may have arrived. `depart` holds the lieux' directories.
  static bool in_doubt(const Directory& depart, const std::string& lieu, const std::string& remise);
  // Whether the facts of a delivery are those of a mail.
  static bool wrote(const std::string& facts);

 private:
  model::Outcome attempt(const RemiseToSend& remise);
  model::Outcome transmit(const RemiseToSend& remise, Mail mail);
  std::string stored_name(const CourrielSecret& secret) const;
  std::optional<model::Refused> compose(const RemiseToSend& remise, const CourrielSecret& secret,
                                        const std::string& stored) const;
  std::string message_id_of(const RemiseToSend& remise) const;
  model::Outcome conclude(const RemiseToSend& remise, const MailOutcome& answer, std::size_t bytes);

  model::CourrielProfile profile_;
  CourrielTools tools_;
  std::stop_token stop_;
};

}  // namespace navette::channels
