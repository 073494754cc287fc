#include "lib/ssh/sftp.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/fault.h"

namespace navette::ssh {
namespace {

using wire::Builder;
using wire::MalformedPacket;
using wire::Parser;
using wire::Status;
using wire::status_from;
using wire::Type;

constexpr std::uint32_t version = 3;
constexpr std::size_t max_packet = std::size_t{1} << 20U;  // of the server; OpenSSH's own limit is 256 KiB
constexpr std::size_t max_stats = 256;                     // unanswered
constexpr std::size_t flush_at = std::size_t{64} << 10U;

constexpr const char* space_extension = "statvfs@openssh.com";

bool is_refusal(std::uint32_t code) {
  return code == SftpError::permission_denied || code == SftpError::unsupported;
}

// Of something that takes many answers.
class Deadline {
 public:
  Deadline(const Session& session, std::string what)
      : place_(session.place()),
        what_(std::move(what)),
        end_(std::chrono::steady_clock::now() + 10 * session.patience()) {}
  void check() const {
    if (std::chrono::steady_clock::now() > end_)
      throw SshError(Fault::timed_out, fmt::format("{}: the server takes too long ({})", place_, what_));
  }

 private:
  std::string place_;
  std::string what_;
  std::chrono::steady_clock::time_point end_;
};

[[noreturn]] void fail(const std::string& what, const Status& s) {
  throw SftpError(s.code, what + ": " + s.words);
}

}  // namespace

std::string meaning_of(std::uint32_t code) {
  switch (code) {
    case SftpError::eof:
      return "end of file";
    case SftpError::no_such_file:
      return "no such file";
    case SftpError::permission_denied:
      return "permission denied";
    case SftpError::failure:
      return "failure";
    case SftpError::bad_message:
      return "bad message";
    case SftpError::no_connection:
    case SftpError::connection_lost:
      return "no connection";
    case SftpError::unsupported:
      return "operation unsupported";
    default:
      return fmt::format("status {}", code);
  }
}

Discretion::Discretion(Sftp& sftp, std::string directory) : sftp_(sftp) {
  if (!directory.ends_with('/')) directory += '/';
  sftp_.undisclosed_ = std::move(directory);
}

Discretion::~Discretion() {
  sftp_.undisclosed_.clear();
}

std::string Sftp::shown(const std::string& path) const {
  const bool hidden = !undisclosed_.empty() && path.size() > undisclosed_.size() && path.starts_with(undisclosed_);
  return hidden ? "a file in " + undisclosed_ : path;
}

Sftp::Sftp(Session session) : session_(std::move(session)) {
  out_ = Builder(Type::init).u32(version).finish();
  answered_ = std::chrono::steady_clock::now();
  bool answered = false;
  waiting_[0] = [&](Reply& r) {
    if (r.type != Type::version) throw MalformedPacket("the server does not speak SFTP");
    r.body.u32();
    while (!r.body.at_end()) {
      const std::string name(r.body.string());
      r.body.string();
      extensions_.insert(name);
    }
    answered = true;
  };
  during("opening SFTP", [&] { wait_for(answered); });
}

std::uint32_t Sftp::send(Type type, const std::function<void(Builder&)>& fill, Continuation then) {
  if (waiting_.empty()) answered_ = std::chrono::steady_clock::now();
  const std::uint32_t id = ++last_id_;
  Builder packet(type);
  packet.u32(id);
  fill(packet);
  waiting_[id] = std::move(then);
  out_ += packet.finish();
  if (out_.size() >= flush_at) flush();
  return id;
}

std::uint32_t Sftp::send_extended(const std::string& name, const std::function<void(Builder&)>& fill,
                                  Continuation then) {
  return send(
      Type::extended,
      [&](Builder& b) {
        b.string(name);
        fill(b);
      },
      std::move(then));
}

void Sftp::flush() {
  if (out_.empty()) return;
  session_.write(out_);
  out_.clear();
}

void Sftp::pump() {
  flush();
  std::array<char, std::size_t{32} << 10U> buffer{};
  bool wait = true;
  std::exception_ptr lost;  // what came before the end counts
  try {
    while (const std::size_t n = session_.read(buffer.data(), buffer.size(), wait)) {
      wait = false;
      in_.append(buffer.data(), n);
    }
  } catch (const SshError&) {
    if (wait) throw;
    lost = std::current_exception();
  }
  std::size_t at = 0;
  while (in_.size() - at >= 4) {
    const std::uint32_t size = Parser(std::string_view(in_).substr(at, 4)).u32();
    if (size == 0 || size > max_packet) throw MalformedPacket("the server does not speak SFTP");
    if (in_.size() - at - 4 < size) break;
    dispatch(std::string_view(in_).substr(at + 4, size));
    at += 4 + size;
  }
  in_.erase(0, at);
  if (lost) std::rethrow_exception(lost);
  // Bytes that come one by one are no answer.
  const auto now = std::chrono::steady_clock::now();
  if (at > 0) answered_ = now;
  if (now - answered_ > session_.patience())
    throw SshError(Fault::timed_out, session_.place() + ": no answer from the server any more");
}

void Sftp::dispatch(std::string_view packet) {
  Parser body(packet);
  const auto type = static_cast<Type>(body.u8());
  const std::uint32_t id = type == Type::version ? 0 : body.u32();
  const auto found = waiting_.find(id);
  if (found == waiting_.end()) throw MalformedPacket("the server answers what was not asked");
  const Continuation then = std::move(found->second);
  waiting_.erase(found);
  Reply reply{type, body};
  take("sftp.answer", fault::Kind::refused, then, reply);
}

void Sftp::wait_for(const bool& answered) {
  const auto asked = std::chrono::steady_clock::now();
  while (!answered) pump();
  round_trip_ = std::min<std::chrono::nanoseconds>(round_trip_, std::chrono::steady_clock::now() - asked);
}

void Sftp::during(const std::string& step, const std::function<void()>& work) {
  try {
    work();
  } catch (const SshError& e) {
    throw SshError(e.fault(), fmt::format("{} ({})", e.what(), step));
  } catch (const MalformedPacket& e) {
    throw MalformedPacket(fmt::format("{}: {} ({})", session_.place(), e.what(), step));
  }
}

void Sftp::ask(Type type, const std::string& what, const std::function<void(Builder&)>& fill, Type wanted,
               const Continuation& then) {
  bool answered = false;
  std::optional<Status> refused;
  const auto take = [&](Reply& r) {
    answered = true;
    if (r.type == Type::status) {
      const Status s = status_from(r.body);
      if (wanted != Type::status || s.code != SftpError::ok) refused = s;
    } else if (r.type != wanted) {
      throw MalformedPacket("the server's answer is of another kind than the request");
    } else if (then) {
      then(r);
    }
  };
  during(what, [&] {
    send(type, fill, take);
    wait_for(answered);
  });
  if (refused) fail(what, *refused);
}

// ---- one thing at a time

std::vector<std::optional<wire::Attributes>> Sftp::stat_all(const std::vector<std::string>& paths, Links links) {
  std::vector<std::optional<wire::Attributes>> out(paths.size());
  std::size_t left = paths.size();
  std::optional<std::pair<std::string, Status>> refused;
  std::size_t next = 0;
  std::size_t asked = 0;
  const Type type = links == Links::followed ? look_type() : Type::lstat;
  const auto ask_next = [&] {
    for (; next < paths.size() && asked - (paths.size() - left) < max_stats; ++next, ++asked) {
      send(
          type, [&](Builder& b) { b.string(paths[next]); },
          [&, i = next](Reply& r) {
            --left;
            if (r.type == Type::attributes) {
              out[i] = r.body.attributes();
            } else if (r.type != Type::status) {
              throw MalformedPacket("the server's answer is of another kind than the request");
            } else if (const Status s = status_from(r.body); s.code != SftpError::no_such_file) {
              refused = {paths[i], s};
            }
          });
    }
  };
  if (paths.empty()) return out;
  const std::string others = paths.size() > 1 ? fmt::format(" and {} more", paths.size() - 1) : "";
  during("look at " + shown(paths.front()) + others, [&] {
    while (left > 0) {
      ask_next();
      pump();
    }
  });
  if (refused && type == Type::stat && is_refusal(refused->second.code)) {  // of the path, or of the operation
    stat_ = false;
    try {
      return stat_all(paths);
    } catch (const SftpError&) {
      stat_ = true;
      throw;
    }
  }
  if (refused) fail("look at " + shown(refused->first), refused->second);
  return out;
}

std::optional<wire::Attributes> Sftp::stat(const std::string& path) {
  return stat_all({path}).front();
}

std::optional<wire::Attributes> Sftp::lstat(const std::string& path) {
  std::optional<wire::Attributes> found;
  try {
    ask(
        Type::lstat, "look at " + path, [&](Builder& b) { b.string(path); }, Type::attributes,
        [&](Reply& r) { found = r.body.attributes(); });
  } catch (const SftpError& e) {
    if (e.code() != SftpError::no_such_file) throw;
  }
  return found;
}

void Sftp::make_directory(const std::string& path, std::uint32_t mode) {
  ask(
      Type::mkdir, "make directory " + path,
      [&](Builder& b) {
        b.string(path).attributes({std::nullopt, mode});
      },
      Type::status);
}

bool Sftp::remove(const std::string& path) {
  try {
    ask(
        Type::remove, "remove " + shown(path), [&](Builder& b) { b.string(path); }, Type::status);
    return true;
  } catch (const SftpError& e) {
    if (e.code() != SftpError::no_such_file) throw;
    return false;
  }
}

void Sftp::remove_directory(const std::string& path) {
  ask(
      Type::rmdir, "remove directory " + path, [&](Builder& b) { b.string(path); }, Type::status);
}

std::string Sftp::open_handle(Type type, const std::string& path) {
  std::string handle;
  ask(
      type, "open " + shown(path),
      [&](Builder& b) {
        b.string(path);
        if (type == Type::open) b.u32(wire::open_read).attributes({});
      },
      Type::handle, [&](Reply& r) { handle = r.body.string(); });
  return handle;
}

void Sftp::close_handle(const std::string& handle) {
  ask(
      Type::close, "close", [&](Builder& b) { b.string(handle); }, Type::status);
}

std::vector<std::string> Sftp::list(const std::string& path, std::size_t most) {
  constexpr std::size_t longest_name = 1024;                  // 255 characters of UTF-8
  constexpr std::size_t most_bytes = std::size_t{16} << 20U;  // of all names
  std::vector<std::string> names;
  std::size_t bytes = 0;
  bool too_long = false;
  bool ended = false;  // some servers say so by a list without a name
  const std::string handle = open_handle(Type::opendir, path);
  const Deadline deadline(session_, "list " + path);
  while (!ended) {
    deadline.check();
    try {
      ask(
          Type::readdir, "list " + path, [&](Builder& b) { b.string(handle); }, Type::name,
          [&](Reply& r) {
            std::uint32_t n = r.body.u32();
            ended = n == 0;
            for (; n > 0; --n) {
              const std::string_view name = r.body.string();
              r.body.string();
              r.body.attributes();
              too_long = too_long || name.size() > longest_name;
              bytes += name.size();
              if (name != "." && name != ".." && !too_long && bytes <= most_bytes) names.emplace_back(name);
            }
          });
    } catch (const SftpError& e) {
      if (e.code() != SftpError::eof) {
        close_handle(handle);
        throw;
      }
      ended = true;
    }
    if (names.size() > most) {
      close_handle(handle);
      throw TooMuch(fmt::format("{} holds more than {} names", path, most));
    }
    if (bytes > most_bytes) {
      close_handle(handle);
      throw TooMuch(fmt::format("{} holds more than {} MiB of names", path, most_bytes >> 20U));
    }
    if (too_long) {
      close_handle(handle);
      throw TooMuch(fmt::format("{} holds a name of more than {} bytes", path, longest_name));
    }
  }
  close_handle(handle);
  std::sort(names.begin(), names.end());
  return names;
}

void Sftp::read(const std::string& path, std::uint64_t limit, const std::function<void(std::string_view)>& sink) {
  std::uint64_t size = 0;
  const std::string handle = open_handle(Type::open, path);
  const std::string what = "read " + shown(path);
  const Deadline deadline(session_, what);
  while (true) {
    deadline.check();
    try {
      ask(
          Type::read, what, [&](Builder& b) { b.string(handle).u64(size).u32(wire::chunk); }, Type::data,
          [&](Reply& r) {
            const std::string_view bytes = r.body.string();
            if (bytes.empty()) throw MalformedPacket("the server sends nothing, and does not say that this is all");
            size += bytes.size();
            if (size <= limit) sink(bytes);
          });
    } catch (const SftpError& e) {
      close_handle(handle);
      if (e.code() != SftpError::eof) throw;
      return;
    }
    if (size > limit) {
      close_handle(handle);
      throw TooMuch(fmt::format("{} is larger than {} bytes", shown(path), limit));
    }
  }
}

std::string Sftp::read(const std::string& path, std::uint64_t limit) {
  std::string bytes;
  read(path, limit, [&](std::string_view piece) { bytes += piece; });
  return bytes;
}

std::string Sftp::real_path(const std::string& path) {
  std::string real;
  ask(
      Type::realpath, "ask for the real path of " + path, [&](Builder& b) { b.string(path); }, Type::name,
      [&](Reply& r) {
        if (r.body.u32() == 0) throw MalformedPacket("the server's answer names nothing");
        real = r.body.string();
      });
  return real;
}

std::optional<std::uint64_t> Sftp::free_space(const std::string& path) {
  if (!has(space_extension)) return std::nullopt;
  std::uint64_t free = 0;
  ask(
      Type::extended, "ask for the free space of " + path, [&](Builder& b) { b.string(space_extension).string(path); },
      Type::extended_reply,
      [&](Reply& r) {
        r.body.u64();  // block size
        const std::uint64_t fragment = r.body.u64();
        r.body.u64();  // blocks
        r.body.u64();  // free blocks
        free = fragment * r.body.u64();
      });
  return free;
}

}  // namespace navette::ssh
