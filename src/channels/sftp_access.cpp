#include "channels/sftp_access.h"

namespace navette::channels {

ssh::Server server_of(const model::SftpProfile& profile, const Credentials& credentials) {
  ssh::Server server;
  server.host = profile.host;
  server.port = profile.port;
  server.user = profile.user;
  server.fingerprint = profile.fingerprint;
  if (!profile.known_hosts.empty()) server.known_hosts = credentials.read(profile.known_hosts);
  std::string secret = credentials.read(profile.credential);
  if (secret.starts_with("-----BEGIN ")) {
    server.key = std::move(secret);
    server.password = credentials.read_line_if_there(profile.credential + "-passphrase");
  } else {
    server.password = credentials.read_line_if_there(profile.credential);
  }
  return server;
}

std::string remote_path(std::string directory, const std::string& name) {
  while (directory.size() > 1 && directory.back() == '/') directory.pop_back();
  if (name.empty()) return directory;
  return (directory == "/" ? "/" : directory + "/") + name;
}

}  // namespace navette::channels
