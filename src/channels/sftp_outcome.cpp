#include "channels/sftp_outcome.h"

#include <fmt/format.h>

namespace navette::channels {
namespace {

using model::Outcome;
using model::Refused;
using model::Retry;
using model::Scope;
using ssh::SftpError;

const char* code_of(ssh::Fault fault) {
  switch (fault) {
    case ssh::Fault::key_exchange:
      return "echange-cles";
    case ssh::Fault::host_key:
      return "cle-hote";
    case ssh::Fault::login:
      return "connexion-refusee";
    case ssh::Fault::credential:
      return "justificatif";
    case ssh::Fault::subsystem:
      return "sftp-absent";
    case ssh::Fault::resolution:
    case ssh::Fault::connection:
    case ssh::Fault::timed_out:
    case ssh::Fault::lost:
    case ssh::Fault::unheard:
    case ssh::Fault::channel:
      break;
  }
  return "serveur-injoignable";
}

// "Failure" is all that most servers say of whatever is no matter of rights.
std::string advice_on_failure(ssh::Operation operation) {
  switch (operation) {
    case ssh::Operation::create:
      return "ask the partner: is its disk full, a quota reached, something of that name in the way, or the name "
             "refused?";
    case ssh::Operation::write:
    case ssh::Operation::sync:
    case ssh::Operation::close:
      return "ask the partner: is its disk full, or a quota reached?";
    case ssh::Operation::look:
      return "ask the partner: does its server change files at once, or take them away? Then its profile must say "
             "<controleTaille>false</controleTaille>";
    case ssh::Operation::rename:
      return "ask the partner: does something stand there under that name, or is the name refused? Its profile may say "
             "<ecrasement>true</ecrasement> or another <suffixeTemporaire>";
  }
  return "";
}

}  // namespace

Outcome outcome_of_error(const ssh::SshError& e) {
  if (e.may_heal()) return Retry{model::with_code(code_of(e.fault()), e.what()), std::nullopt, Scope::access};
  return Refused{code_of(e.fault()), e.what(), Scope::access};
}

Outcome outcome_of_error(const SftpError& e) {
  switch (e.code()) {
    case SftpError::no_such_file:
      return Refused{"repertoire-absent", std::string(e.what()) + "; is the directory of its profile there?",
                     Scope::lieu};
    case SftpError::permission_denied:
      return Refused{"droits-insuffisants", std::string(e.what()) + "; the partner must let this account do that there",
                     Scope::lieu};
    case SftpError::unsupported:
      return Refused{"operation-absente", std::string(e.what()) + "; the server cannot do what its profile says",
                     Scope::lieu};
    default:
      return Retry{model::with_code("erreur-serveur", e.what()), std::nullopt, Scope::lieu};
  }
}

Outcome outcome_of_error(const SftpError& e, const std::string& advice) {
  Outcome outcome = outcome_of_error(e);
  const std::string reason = fmt::format("{}; {}", e.what(), advice);
  if (auto* retry = std::get_if<Retry>(&outcome)) retry->reason = model::with_code("erreur-serveur", reason);
  if (auto* refused = std::get_if<Refused>(&outcome)) refused->reason = reason;
  return outcome;
}

Outcome outcome_of_failure(const ssh::UploadFailure& failure) {
  if (failure.code == SftpError::failure) {
    return Retry{model::with_code("erreur-serveur", failure.what + "; " + advice_on_failure(failure.operation)),
                 std::nullopt};
  }
  const bool renaming = failure.operation == ssh::Operation::rename;
  if (renaming && failure.code == SftpError::no_such_file)
    return Retry{model::with_code("erreur-serveur", failure.what), std::nullopt};
  if (renaming && (failure.code == SftpError::permission_denied || failure.code == SftpError::unsupported)) {
    return Refused{"operation-absente",
                   failure.what +
                       "; the server does not rename: its profile must say <renommage>false</renommage>, or "
                       "<ecrasement>true</ecrasement> where only a rename that replaces is allowed",
                   Scope::lieu};
  }
  if (failure.operation == ssh::Operation::create && failure.code == SftpError::unsupported) {
    return Refused{"operation-absente",
                   failure.what +
                       "; the server does not create a file that must not be there before: its profile must "
                       "say <ecrasement>true</ecrasement>",
                   Scope::lieu};
  }
  return outcome_of_error(SftpError(failure.code, failure.what));
}

std::string advice_on_making_directories(const SftpError& e) {
  const bool refused = e.code() == SftpError::permission_denied || e.code() == SftpError::unsupported;
  return refused ? "the partner must let this account make directories there, or its profile say "
                   "<creationRepertoire>false</creationRepertoire>"
                 : "ask the partner: is its disk full, a quota reached, something of that name in the way, or the name "
                   "refused?";
}

}  // namespace navette::channels
