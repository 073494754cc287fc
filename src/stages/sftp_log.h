// Reads what the log of OpenSSH's internal-sftp tells of dépôts: which account read which file to its end. A lieu that
// read of every demande the PDF or the XML has picked its remise up.
//
// Guarantees. Where reading stopped, and what was concluded, is one transaction: after a crash lines are read again,
// and nothing is counted twice. A file that was rotated (by rename or by truncation) is read to its end first, as long
// as it lies beside the new one and is not compressed. Memory is bounded, whatever the lines.
//
// Trust. A line counts for the process that wrote it, and that process for the account whose session it opened. Paths
// and names in a line are the lieu's own: they are read from the beginning of the message and must fill it to its end,
// so that none can pass for another line. The file must come from the system log (syslog, journal), which makes line
// ends in a message visible; `sshd -E` does not.
#pragma once

#include <filesystem>
#include <optional>
#include <stop_token>
#include <string_view>

#include "base/clock.h"
#include "store/store.h"

namespace navette::stages {

// Without its line end. Nothing: tells of no session and no complete reading.
std::optional<store::LogEvent> parse_sftp_log_line(std::string_view line);

// What was written since the last call. A file that is not there yet holds nothing. Throws std::system_error.
void read_sftp_log(const std::filesystem::path& file, store::Store& store, const Clock& clock,
                   const std::stop_token& stop);

}  // namespace navette::stages
