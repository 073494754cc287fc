#include "channels/probe.h"

#include <algorithm>
#include <memory>
#include <optional>

#include <fmt/format.h>

#include "base/error.h"
#include "base/text.h"
#include "channels/courriel_message.h"
#include "channels/io_outcome.h"
#include "channels/returns.h"
#include "channels/sftp_access.h"
#include "lib/crypto/random.h"
#include "lib/ssh/sftp.h"
#include "model/civil_time.h"

namespace navette::channels {
namespace {

using ssh::SftpError;
using std::chrono::milliseconds;

// Steps, as the operator reads them.
constexpr const char* credential = "credential";
constexpr const char* name = "name";
constexpr const char* connection = "connection";
constexpr const char* dialogue = "SSH";
constexpr const char* host_key = "host key";
constexpr const char* login = "login";
constexpr const char* subsystem = "SFTP";
constexpr const char* directory = "directory";
constexpr const char* making = "making a directory";
constexpr const char* writing = "write";
constexpr const char* sizing = "size";
constexpr const char* renaming = "rename";
constexpr const char* replacing = "replace";
constexpr const char* removing = "removal";
constexpr const char* returning = "return directory";
constexpr const char* expiry = "validity";

// A dot in front: no software takes it for a demande or a manifest, nor do most listings show it.
std::string probe_name() {
  std::string out = ".navette-essai-";
  for (const char c : crypto::random_bytes(8)) out += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return out;
}

constexpr std::string_view probe_text = "Essai de navette, à effacer.\n";

class ProbeText final : public ssh::Source {
 public:
  std::size_t read(char* buffer, std::size_t size) override {
    const std::size_t n = left_.copy(buffer, size);
    left_.remove_prefix(n);
    return n;
  }
  bool intact() override { return true; }

 private:
  std::string_view left_ = probe_text;
};

class SftpProbing {
 public:
  SftpProbing(const model::SftpProfile& profile, const Credentials& credentials, milliseconds patience,
              std::stop_token stop)
      : profile_(profile), credentials_(credentials), patience_(patience), stop_(std::move(stop)) {}

  Probe credentials_alone() {
    try {
      try_credentials();
    } catch (const std::exception& e) {
      fail(describe(e), "its profile names it in <identifiantSecret> or <hotesConnus>");
    }
    return std::move(probe_);
  }

  Probe all() {
    try {
      if (try_credentials() && connect()) try_server();
    } catch (const Interrupted& e) {
      fail(e.what(), "run it again");
      sftp_.reset();
    } catch (const ssh::wire::MalformedPacket& e) {
      fail(e.what(), "have the partner open SFTP, and nothing else, to that account");
      sftp_.reset();
    } catch (const std::exception& e) {  // the connection was lost, as a rule
      fail(describe(e), step_ == subsystem ? "have the partner open SFTP to the account " + profile_.user
                                           : "run it again; if it stays so, ask the partner");
      sftp_.reset();
    }
    clean();
    return std::move(probe_);
  }

 private:
  void begin(const char* step) { step_ = step; }
  void pass() { probe_.passed.emplace_back(step_); }
  void fail(std::string problem, std::string advice) {
    const std::string place = fmt::format("{}:{}: ", profile_.host, profile_.port);
    if (problem.starts_with(place)) problem.erase(0, place.size());
    probe_.failed = step_;
    probe_.problem = std::move(problem);
    probe_.advice = std::move(advice);
    probe_.delivers = step_ == removing || step_ == returning;
  }

  bool try_credentials();
  bool connect();
  void connection_failed(const ssh::SshError& e);
  void try_server();
  void find_places();
  void try_deliveries();
  void try_returns();
  bool try_directory();
  bool make_directory(const std::string& path);
  void directory_not_made(const SftpError& e);
  std::optional<ssh::UploadFailure> upload(const std::string& path);
  bool is_seen(const std::string& path);
  bool try_writing(const std::string& path);
  void upload_failed(const ssh::UploadFailure& failure);
  bool try_replacing(const std::string& path);
  void clean();
  void remove_all(ssh::Sftp& sftp);

  const model::SftpProfile& profile_;
  const Credentials& credentials_;
  milliseconds patience_;
  std::stop_token stop_;
  Probe probe_;
  const char* step_ = credential;
  ssh::Server server_;
  std::unique_ptr<ssh::Sftp> sftp_;
  std::vector<std::string> files_;  // that may be at the server
  std::string made_;                // directory that may be there; empty: none
};

bool SftpProbing::try_credentials() {
  try {
    server_ = server_of(profile_, credentials_);
    ssh::require_usable(server_);
  } catch (const CredentialError& e) {  // names the file, and says what to do
    fail(e.what(), "its profile names it in <identifiantSecret> or <hotesConnus>");
    return false;
  } catch (const ssh::SshError& e) {
    const bool key = e.fault() == ssh::Fault::credential;
    fail(e.what(), key ? fmt::format("mend {} (<identifiantSecret>), or its {}-passphrase", profile_.credential,
                                     profile_.credential)
                       : fmt::format("put the partner's key into {} (<hotesConnus>)", profile_.known_hosts));
    return false;
  }
  pass();
  return true;
}

bool SftpProbing::connect() {
  begin(dialogue);
  std::optional<ssh::Session> session;
  try {
    session.emplace(server_, patience_, stop_);
  } catch (const ssh::SshError& e) {
    connection_failed(e);
    return false;
  }
  for (const char* step : {name, connection, dialogue, host_key, login}) probe_.passed.emplace_back(step);
  begin(subsystem);
  sftp_ = std::make_unique<ssh::Sftp>(*std::move(session));
  pass();
  return true;
}

void SftpProbing::connection_failed(const ssh::SshError& e) {
  // What must have gone well for this to fail.
  const auto at = [&](const char* step, std::initializer_list<const char*> before) {
    begin(step);
    probe_.passed.insert(probe_.passed.end(), before.begin(), before.end());
  };
  const std::string account = profile_.user;
  probe_.answered = e.fault() > ssh::Fault::lost;
  switch (e.fault()) {
    case ssh::Fault::resolution:
      at(name, {});
      return fail(e.what(), "correct <hote> in its profile, or the name service of this machine");
    case ssh::Fault::connection:
      at(connection, {name});
      return fail(e.what(),
                  "correct <hote> or <port> in its profile; else a server that is stopped or a firewall is in the way: "
                  "ask the partner");
    case ssh::Fault::timed_out:
    case ssh::Fault::lost:
      at(dialogue, {name, connection});
      return fail(e.what(), "ask the partner what its server has; if that is no SSH server, correct <port>");
    case ssh::Fault::unheard:
      at(login, {name, connection, dialogue, host_key});
      return fail(e.what(), "ask the partner why its server says nothing more once " + account + " logs in");
    case ssh::Fault::key_exchange:
      at(dialogue, {name, connection});
      return fail(e.what(), "ask the partner: its server is too old or too strict");
    case ssh::Fault::host_key:
      at(host_key, {name, connection, dialogue});
      return fail(e.what(),
                  fmt::format("compare with the partner by another way; if it is right, put it into {} of its profile",
                              profile_.fingerprint.empty() ? profile_.known_hosts + ", the file of <hotesConnus>,"
                                                           : "<empreinteHote>"));
    case ssh::Fault::channel:
      at(subsystem, {name, connection, dialogue, host_key, login});
      return fail(e.what(), "ask the partner: its server lets " + account +
                                " in and opens no session for it; does it admit too few at a time?");
    case ssh::Fault::subsystem:
      at(subsystem, {name, connection, dialogue, host_key, login});
      return fail(e.what(), "have the partner open SFTP to the account " + account);
    default:
      at(login, {name, connection, dialogue, host_key});
      return fail(e.what(),
                  server_.key.empty()
                      ? fmt::format("correct <utilisateur>, or put the password that the partner gave for {} into {}, "
                                    "the file of <identifiantSecret>",
                                    account, profile_.credential)
                      : fmt::format("correct <utilisateur>, or the file {} of <identifiantSecret>, or have the partner "
                                    "admit our key for {}",
                                    profile_.credential, account));
  }
}

void SftpProbing::try_server() {
  find_places();
  try_deliveries();
  if (probe_.failed.empty() && !profile_.return_directory.empty()) try_returns();
}

// A directory that is not there is for other steps to tell.
void SftpProbing::find_places() {
  for (model::Place place : model::places(profile_)) {
    try {
      place.directory = sftp_->real_path(place.directory);
      place.fingerprint = sftp_->host_fingerprint();
      probe_.places.push_back(std::move(place));
    } catch (const SftpError&) {
      continue;
    }
  }
}

void SftpProbing::try_deliveries() {
  if (!try_directory()) return;
  const std::string probe = probe_name();
  std::string where = profile_.directory;
  if (profile_.make_directory) {
    where = remote_path(profile_.directory, probe);
    if (!make_directory(where)) return;
  }
  const std::string path = remote_path(where, probe);
  if (!try_writing(path) || !try_replacing(path)) return;
  begin(removing);
  clean();
  if (probe_.failed.empty()) pass();
}

bool SftpProbing::try_directory() {
  begin(directory);
  const std::string path = remote_path(profile_.directory);
  try {
    const auto there = sftp_->stat(path);
    if (there && (there->is_directory() || !there->permissions)) {
      pass();
      return true;
    }
    fail(path + (there ? " is no directory" : " is not there"),
         "have the partner make it, or correct <repertoire> in its profile");
  } catch (const SftpError& e) {
    fail(e.what(), fmt::format("have the partner let {} in, or correct <repertoire> in its profile", profile_.user));
  }
  return false;
}

// What lies there is only read: a first acknowledgement, or whatever file is first. No message names it (R9), nor is a
// server's word for a name trusted.
void SftpProbing::try_returns() {
  begin(returning);
  const std::string place = remote_path(profile_.return_directory);
  const ssh::Discretion discretion(*sftp_, place);
  std::string asked = "list " + place;
  try {
    for (const std::string& file : sftp_->list(place)) {
      if (!is_component(file) || !(file.ends_with(".xml") || file.ends_with(".XML"))) continue;
      const std::string path = remote_path(place, file);
      asked = "read a file in " + place;
      const auto there = sftp_->lstat(path);  // neither a link nor a pipe, which never ends
      if (!there || !there->is_regular() || there->size.value_or(0) > most_returned) continue;
      sftp_->read(path, most_returned, [](std::string_view) {});
      break;
    }
    pass();
  } catch (const ssh::TooMuch& e) {
    fail(e.what(), "remises arrive, acknowledgements may not: have the partner remove what does not belong there");
  } catch (const SftpError& e) {  // the server's words may tell a name as well
    fail(fmt::format("{}: {}", asked, ssh::meaning_of(e.code())),
         fmt::format("remises arrive, acknowledgements do not: have the partner let {} list, read and remove files "
                     "there, or correct <repertoireRetour> in its profile",
                     profile_.user));
  }
}

bool SftpProbing::make_directory(const std::string& path) {
  begin(making);
  made_ = path;
  try {
    sftp_->make_directory(path, remise_directory_mode);
    pass();
    return true;
  } catch (const SftpError& e) {
    directory_not_made(e);
    return false;
  }
}

// Whether it is the directory that the account may not make, or anything at all.
void SftpProbing::directory_not_made(const SftpError& e) {
  const std::string problem = e.what();
  if (const auto failure = upload(remote_path(profile_.directory, probe_name()));
      failure && failure->operation == ssh::Operation::create) {
    return fail(problem, fmt::format("nor may it write there: have the partner let {} write into {}, or correct "
                                     "<repertoire>",
                                     profile_.user, profile_.directory));
  }
  fail(problem,
       "files can be written there: have the partner let it make directories, or say "
       "<creationRepertoire>false</creationRepertoire>");
}

// As a delivery does it.
std::optional<ssh::UploadFailure> SftpProbing::upload(const std::string& path) {
  ssh::Upload u;
  u.path = path;
  if (profile_.rename) u.temporary = path + profile_.temporary_suffix;
  u.size = probe_text.size();
  u.open = [] { return std::make_unique<ProbeText>(); };
  for (const std::string& file : {u.temporary, u.path}) {
    if (!file.empty() && std::find(files_.begin(), files_.end(), file) == files_.end()) files_.push_back(file);
  }
  ssh::UploadReport report;
  sftp_->upload({u}, {profile_.check_size, profile_.overwrite}, report);
  return report.failure;
}

// Where nobody may look nothing is.
bool SftpProbing::is_seen(const std::string& path) {
  try {
    return sftp_->stat(path).has_value();
  } catch (const SftpError&) {
    return false;
  }
}

bool SftpProbing::try_writing(const std::string& path) {
  begin(writing);
  if (const auto failure = upload(path)) {
    upload_failed(*failure);
    return false;
  }
  pass();
  if (profile_.check_size) probe_.passed.emplace_back(sizing);
  if (!profile_.rename) return true;
  begin(renaming);
  if (const std::string former = path + profile_.temporary_suffix; is_seen(former)) {
    fail(former + " is still there though the server says that it renamed it",
         "have the partner let it rename, or say <renommage>false</renommage>");
    return false;
  }
  pass();
  return true;
}

void SftpProbing::upload_failed(const ssh::UploadFailure& failure) {
  using ssh::Operation;
  if (failure.operation == Operation::look) {
    pass();
    begin(sizing);
    return fail(failure.what,
                "ask the partner; where files are taken away or changed at once, say "
                "<controleTaille>false</controleTaille>");
  }
  if (failure.operation == Operation::rename) {
    pass();
    if (profile_.check_size) probe_.passed.emplace_back(sizing);
    begin(renaming);
    return fail(failure.what,
                "have the partner let it rename, or say <renommage>false</renommage>, or <ecrasement>true</ecrasement> "
                "where only a rename that replaces is allowed; a <suffixeTemporaire> may be forbidden as well");
  }
  if (failure.operation == Operation::sync)
    return fail(failure.what, "ask the partner: its server cannot keep a file for certain (disk full, quota?)");
  if (failure.operation == Operation::create && failure.code == SftpError::unsupported)
    return fail(failure.what, "say <ecrasement>true</ecrasement>: it creates no file that must not be there before");
  if (failure.code == SftpError::failure ||
      (failure.operation == Operation::write && failure.code != SftpError::permission_denied))
    return fail(failure.what, "ask the partner: is its disk full, or a quota reached?");
  fail(failure.what,
       fmt::format("have the partner let {} write there, or correct <repertoire> in its profile", profile_.user));
}

bool SftpProbing::try_replacing(const std::string& path) {
  if (!profile_.overwrite) return true;
  begin(replacing);
  if (const auto failure = upload(path)) {
    fail(failure->what, "have the partner let it replace files, or say <ecrasement>false</ecrasement>");
    return false;
  }
  pass();
  return true;
}

// What is there goes, over a connection of its own when the first one is lost or was stopped.
void SftpProbing::clean() {
  if (files_.empty() && made_.empty()) return;
  constexpr milliseconds short_patience{2000};
  try {
    if (!sftp_) sftp_ = std::make_unique<ssh::Sftp>(ssh::Session(server_, std::min(patience_, short_patience)));
    remove_all(*sftp_);
  } catch (const std::exception& e) {
    const std::string left = !files_.empty() ? files_.back() : made_;
    if (probe_.failed.empty()) {
      begin(removing);
      fail(fmt::format("{} may be left there: {}", left, describe(e)),
           "deliveries arrive, but nothing can be taken back: have the partner remove it, and let the account remove "
           "what it wrote");
    } else {
      probe_.problem += fmt::format("; {} may be left there: {}", left, describe(e));
    }
    files_.clear();
    made_.clear();
  }
}

void SftpProbing::remove_all(ssh::Sftp& sftp) {
  // Every server says it in its own way when there is nothing.
  const auto vanish = [&](const std::string& path, const auto& remove) {
    try {
      remove();
    } catch (const SftpError&) {
      if (sftp.stat(path)) throw;
    }
  };
  while (!files_.empty()) {
    vanish(files_.back(), [&] { sftp.remove(files_.back()); });
    if (is_seen(files_.back()))
      throw SftpError(SftpError::failure, "it is still there though the server says that it removed it");
    files_.pop_back();
  }
  if (!made_.empty()) vanish(made_, [&] { sftp.remove_directory(made_); });
  made_.clear();
}

}  // namespace

Probe probe_credentials(const model::SftpProfile& profile, const Credentials& credentials) {
  return SftpProbing(profile, credentials, {}, {}).credentials_alone();
}

Probe probe_credentials(const model::CourrielProfile& profile, const Credentials& credentials, Instant now) {
  constexpr std::chrono::days soon{30};
  Probe probe;
  try {
    const CourrielSecret secret = read_secret(profile, credentials, now);
    probe.passed.emplace_back(credential);
    if (secret.certificate && secret.certificate->expires() < now + soon) {
      probe.failed = expiry;
      probe.problem = fmt::format("the certificate {} expires on {}", profile.credential,
                                  model::to_iso(model::paris_day(secret.certificate->expires())));
      probe.advice = "have the lieu send its next one, and put it in its place";
    }
  } catch (const CredentialError& e) {  // names the setting
    probe = {{}, credential, e.what(), "nothing leaves for that lieu until the file is mended", false, true, {}};
  }
  return probe;
}

Probe probe_sftp(const model::SftpProfile& profile, const Credentials& credentials, milliseconds patience,
                 const std::stop_token& stop) {
  return SftpProbing(profile, credentials, patience, stop).all();
}

}  // namespace navette::channels
