#include "stages/sftp_log.h"

#include <algorithm>
#include <charconv>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include "base/directory.h"
#include "base/error.h"
#include "base/heartbeat.h"
#include "base/log.h"
#include "channels/depot_layout.h"
#include "model/civil_time.h"

namespace navette::stages {
namespace {

constexpr std::string_view tag = "internal-sftp[";
constexpr std::size_t longest_line = std::size_t{64} << 10U;
constexpr std::size_t piece_size = std::size_t{256} << 10U;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Of names of remises, files and accounts; no quote, no blank, no slash.
bool is_name(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' || c == '.';
}

// Takes its way through a message from the left; once something is not as expected, it has failed for good.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : rest_(text) {}
  Cursor& skip(std::string_view word) {
    if (rest_.starts_with(word)) {
      rest_.remove_prefix(word.size());
    } else {
      failed_ = true;
    }
    return *this;
  }
  void skip_if_there(std::string_view word) {
    if (rest_.starts_with(word)) rest_.remove_prefix(word.size());
  }
  std::string name() { return std::string(take(is_name)); }
  template <typename Number>
  Number number() {
    const std::string_view digits = take(is_digit);
    Number value{};
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    failed_ = failed_ || error != std::errc();
    return value;
  }
  bool failed() const { return failed_; }
  bool ended() const { return !failed_ && rest_.empty(); }

 private:
  std::string_view take(bool (*fits)(char)) {
    const auto end = std::find_if_not(rest_.begin(), rest_.end(), fits);
    const std::string_view taken = rest_.substr(0, static_cast<std::size_t>(end - rest_.begin()));
    failed_ = failed_ || taken.empty();
    rest_.remove_prefix(taken.size());
    return taken;
  }

  std::string_view rest_;
  bool failed_ = false;
};

// 2026-11-20T06:10:00.123456+01:00 at the beginning of a line; nothing for any other form.
std::optional<Instant> time_of(std::string_view line) {
  const std::string_view stamp = line.substr(0, line.find(' '));
  if (stamp.size() < 20 || stamp[10] != 'T') return std::nullopt;
  const auto day = model::parse_day(stamp.substr(0, 10));
  const auto time = model::parse_time_of_day(stamp.substr(11, 5));
  const auto zone_at = stamp.find_first_of("Z+-", 19);
  if (!day || !time || zone_at == std::string_view::npos) return std::nullopt;
  std::chrono::minutes offset{0};
  if (stamp[zone_at] != 'Z') {
    const auto ahead = model::parse_time_of_day(stamp.substr(zone_at + 1));
    if (!ahead) return std::nullopt;
    offset = stamp[zone_at] == '+' ? *ahead : -*ahead;
  }
  const auto seconds = Cursor(stamp.substr(17, 2)).number<int>();
  return Instant(std::chrono::sys_days(*day)) + *time + std::chrono::seconds(seconds) - offset;
}

// `close "/remises/REMISE/FILE" bytes read N written 0`, the path perhaps relative to where sessions begin.
std::optional<store::LogEvent> read_from(std::string_view message, std::int64_t pid, std::optional<Instant> at) {
  Cursor c(message);
  c.skip("close \"").skip_if_there("/" + std::string(channels::depot::remises) + "/");
  store::FileRead read{pid, c.name(), {}, 0, at};
  c.skip("/");
  read.file = c.name();
  c.skip("\" bytes read ");
  read.bytes = c.number<std::uint64_t>();
  c.skip(" written 0");
  if (!c.ended()) return std::nullopt;
  return read;
}

// What one pass over one file needs.
class LogReading {
 public:
  LogReading(store::Store& store, const Clock& clock, const std::stop_token& stop)
      : store_(store), clock_(clock), stop_(stop) {}

  // From the position to the end of the last whole line; the position moves with it.
  void read(int fd, store::LogPosition& position) {
    std::string buffer;
    std::string piece(piece_size, '\0');
    if (::lseek(fd, static_cast<off_t>(position.offset), SEEK_SET) < 0) throw_errno("seek in " + position.file);
    while (const std::size_t n = stop_.stop_requested() ? 0 : read_some(fd, piece.data(), piece.size())) {
      heartbeat::beat();
      buffer.append(piece, 0, n);
      const std::size_t done = take_lines(buffer);
      if (done == 0) continue;
      position.offset += done;
      store_.apply_log(position, events_, clock_.now());
      events_.clear();
    }
  }

 private:
  // Takes the whole lines off `buffer`; how many bytes they and what was passed over before them are.
  std::size_t take_lines(std::string& buffer) {
    std::size_t begin = 0;
    for (auto end = buffer.find('\n'); end != std::string::npos; end = buffer.find('\n', begin)) {
      const std::string_view line(buffer.data() + begin, end - begin);
      const auto event = passing_ || line.size() > longest_line ? std::nullopt : parse_sftp_log_line(line);
      if (event) events_.push_back(*event);
      passing_ = false;
      begin = end + 1;
    }
    const std::size_t done = begin == 0 ? 0 : std::exchange(passed_, 0) + begin;
    buffer.erase(0, begin);
    if (buffer.size() > longest_line) {  // too long to be one of ours: passed over up to its end
      passing_ = true;
      passed_ += buffer.size();
      buffer.clear();
    }
    return done;
  }

  store::Store& store_;
  const Clock& clock_;
  const std::stop_token& stop_;
  std::vector<store::LogEvent> events_;
  bool passing_ = false;    // the line under way is none that counts
  std::size_t passed_ = 0;  // bytes of it that were let go
};

bool is_line_start(int fd, std::uint64_t offset) {
  char c = '\n';
  return offset == 0 || (::pread(fd, &c, 1, static_cast<off_t>(offset - 1)) == 1 && c == '\n');
}

// The file of that inode beside the log, under the name that rotation gave it.
std::optional<UniqueFd> find_rotated(const Directory& directory, const std::string& name, std::uint64_t inode) {
  std::optional<UniqueFd> found;
  directory.each([&](const std::string& other, FileType) {
    if (!other.starts_with(name) || other == name) return true;
    const auto st = directory.status(other);
    if (!st || st->type != FileType::regular || st->inode != inode) return true;
    found = directory.open_file(other, O_RDONLY);
    return false;
  });
  return found;
}

}  // namespace

std::optional<store::LogEvent> parse_sftp_log_line(std::string_view line) {
  // The first tag is that of the process: nothing before it is anybody's choice.
  const std::size_t at = line.find(tag);
  if (at == std::string_view::npos) return std::nullopt;
  Cursor head(line.substr(at + tag.size()));
  const auto pid = head.number<std::int64_t>();
  head.skip("]: ");
  if (head.failed()) return std::nullopt;
  const std::string_view message = line.substr(line.find("]: ", at) + 3);
  Cursor c(message);
  if (message.starts_with("session opened for local user ")) {
    c.skip("session opened for local user ");
    std::string account = c.name();
    if (c.skip(" from [").failed()) return std::nullopt;
    return store::SessionOpened{pid, std::move(account)};
  }
  if (message.starts_with("session closed for local user ")) return store::SessionClosed{pid};
  return read_from(message, pid, time_of(line));
}

void read_sftp_log(const std::filesystem::path& file, store::Store& store, const Clock& clock,
                   const std::stop_token& stop) {
  std::optional<Directory> directory;
  std::optional<UniqueFd> fd;
  const std::string name = file.filename().string();
  try {
    directory = Directory::open(file.parent_path());
    fd = directory->open_file(name, O_RDONLY | O_NONBLOCK);
  } catch (const std::system_error& e) {
    if (e.code().value() == ENOENT) return;
    throw;
  }
  const FileStatus now = status_of(fd->get());
  if (now.type != FileType::regular) throw Error(file.string() + " is not a regular file; see [depot] sftp_log");
  store::LogPosition position = store.log_position(file.string());
  LogReading reading(store, clock, stop);
  if (position.inode != 0 && position.inode != now.inode) {
    if (const auto rotated = find_rotated(*directory, name, position.inode)) {
      LogReading(store, clock, stop).read(rotated->get(), position);
    } else {
      log::warning("sftp_log.gap",
                   {{"file", file.string()}, {"do", "keep one rotated file uncompressed (delaycompress)"}});
    }
    if (stop.stop_requested()) return;
  }
  // Truncated, or another file under a number used again: from its beginning. Never from the middle of a line, where a
  // lieu's own words would stand first.
  const bool goes_on = position.inode == now.inode && is_line_start(fd->get(), position.offset);
  if (!goes_on) position = {file.string(), now.inode, 0};
  reading.read(fd->get(), position);
}

}  // namespace navette::stages
