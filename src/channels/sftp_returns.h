// Fetches what a lieu leaves in the return directory at its SFTP server (returns.h: how a file comes here once).
#pragma once

#include <stop_token>
#include <string>

#include "channels/returns.h"
#include "lib/ssh/sftp.h"

namespace navette::channels {

// The files that nobody writes to any more. What the server answers to the contrary is among the faults: the connection
// is as good as before. Throws SshError when it is lost, std::system_error of our own spool, whose message tells a
// file's name, Interrupted.
Collected fetch_returns(ssh::Sftp& sftp, const std::string& directory, const Collecting& collecting,
                        const std::stop_token& stop);

}  // namespace navette::channels
