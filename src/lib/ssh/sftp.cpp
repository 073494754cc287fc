#include "lib/ssh/sftp.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/text.h"

namespace navette::ssh {
namespace {

using wire::Builder;
using wire::MalformedPacket;
using wire::Parser;
using wire::Type;

constexpr std::uint32_t version = 3;
constexpr std::size_t max_packet = std::size_t{1} << 20U;      // of the server; OpenSSH's own limit is 256 KiB
constexpr std::size_t chunk = 32768;                           // a WRITE's data: what every server takes
constexpr std::size_t max_unanswered = std::size_t{4} << 20U;  // bytes of WRITEs
constexpr std::size_t max_files = 64;                          // in flight
constexpr std::size_t flush_at = std::size_t{64} << 10U;

constexpr const char* fsync_extension = "fsync@openssh.com";
constexpr const char* rename_extension = "posix-rename@openssh.com";
constexpr const char* space_extension = "statvfs@openssh.com";

// Of a STATUS; the server's words made fit for a log line.
struct Status {
  std::uint32_t code;
  std::string words;
};
Status status_from(Parser& body) {
  Status s{body.u32(), {}};
  if (!body.at_end()) s.words = text::printable(text::truncated(text::printable(body.string()), 200));
  if (s.words.empty()) s.words = fmt::format("status {}", s.code);
  return s;
}

[[noreturn]] void fail(const std::string& what, const Status& s) {
  throw SftpError(s.code, what + ": " + s.words);
}

}  // namespace

Sftp::Sftp(Session session) : session_(std::move(session)) {
  out_ = Builder(Type::init).u32(version).finish();
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
  wait_for(answered);
}

std::uint32_t Sftp::send(Type type, const std::function<void(Builder&)>& fill, Continuation then) {
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
  while (const std::size_t n = session_.read(buffer.data(), buffer.size(), wait)) {
    wait = false;
    in_.append(buffer.data(), n);
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
  then(reply);
}

void Sftp::wait_for(const bool& answered) {
  while (!answered) pump();
}

void Sftp::ask(Type type, const std::string& what, const std::function<void(Builder&)>& fill, Type wanted,
               const Continuation& then) {
  bool answered = false;
  std::optional<Status> refused;
  send(type, fill, [&](Reply& r) {
    answered = true;
    if (r.type == Type::status) {
      const Status s = status_from(r.body);
      if (wanted != Type::status || s.code != SftpError::ok) refused = s;
    } else if (r.type != wanted) {
      throw MalformedPacket("the server's answer is of another kind than the request");
    } else if (then) {
      then(r);
    }
  });
  wait_for(answered);
  if (refused) fail(what, *refused);
}

// ---- one thing at a time

std::vector<std::optional<wire::Attributes>> Sftp::stat_all(const std::vector<std::string>& paths) {
  std::vector<std::optional<wire::Attributes>> out(paths.size());
  std::size_t left = paths.size();
  std::optional<std::pair<std::string, Status>> refused;
  std::size_t next = 0;
  std::size_t asked = 0;
  const auto ask_next = [&] {
    for (; next < paths.size() && asked - (paths.size() - left) < 4 * max_files; ++next, ++asked) {
      send(
          Type::stat, [&](Builder& b) { b.string(paths[next]); },
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
  while (left > 0) {
    ask_next();
    pump();
  }
  if (refused) fail("look at " + refused->first, refused->second);
  return out;
}

std::optional<wire::Attributes> Sftp::stat(const std::string& path) {
  return stat_all({path}).front();
}

void Sftp::make_directory(const std::string& path, std::uint32_t mode) {
  ask(
      Type::mkdir, "make directory " + path,
      [&](Builder& b) {
        b.string(path).attributes({std::nullopt, mode});
      },
      Type::status);
}

void Sftp::rename(const std::string& from, const std::string& to, bool overwrite) {
  const std::string what = "rename " + from + " to " + to;
  const bool posix = overwrite && has(rename_extension);
  if (overwrite && !posix) remove(to);
  ask(
      posix ? Type::extended : Type::rename, what,
      [&](Builder& b) {
        if (posix) b.string(rename_extension);
        b.string(from).string(to);
      },
      Type::status);
}

bool Sftp::remove(const std::string& path) {
  try {
    ask(
        Type::remove, "remove " + path, [&](Builder& b) { b.string(path); }, Type::status);
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
      type, "open " + path,
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

std::vector<std::string> Sftp::list(const std::string& path) {
  std::vector<std::string> names;
  const std::string handle = open_handle(Type::opendir, path);
  while (true) {
    try {
      ask(
          Type::readdir, "list " + path, [&](Builder& b) { b.string(handle); }, Type::name,
          [&](Reply& r) {
            for (std::uint32_t n = r.body.u32(); n > 0; --n) {
              std::string name(r.body.string());
              r.body.string();
              r.body.attributes();
              if (name != "." && name != "..") names.push_back(std::move(name));
            }
          });
    } catch (const SftpError& e) {
      close_handle(handle);
      if (e.code() != SftpError::eof) throw;
      break;
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string Sftp::read(const std::string& path, std::size_t limit) {
  std::string bytes;
  const std::string handle = open_handle(Type::open, path);
  while (true) {
    try {
      ask(
          Type::read, "read " + path, [&](Builder& b) { b.string(handle).u64(bytes.size()).u32(chunk); }, Type::data,
          [&](Reply& r) { bytes += r.body.string(); });
    } catch (const SftpError& e) {
      close_handle(handle);
      if (e.code() != SftpError::eof) throw;
      return bytes;
    }
    if (bytes.size() > limit) {
      close_handle(handle);
      throw SftpError(SftpError::failure, path + " is larger than it may be");
    }
  }
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

// ---- many at a time

class Sftp::Uploading {
 public:
  Uploading(Sftp& sftp, const std::vector<Upload>& uploads, const UploadRules& rules, UploadReport& report)
      : sftp_(sftp), uploads_(uploads), rules_(rules), report_(report), flights_(uploads.size()) {
    report_.done.assign(uploads.size(), false);
  }

  void run() {
    while (true) {
      while (!report_.failure && next_ < uploads_.size() && in_flight_ < max_files && unanswered_ < max_unanswered)
        begin(next_++);
      if (in_flight_ == 0) break;
      sftp_.pump();
      resume();
    }
  }

 private:
  struct Flight {
    std::unique_ptr<Source> source;
    std::string handle;
    std::uint64_t sent = 0;
    unsigned pending = 0;  // requests on the handle without an answer
    bool closing = false;
    bool failed = false;
  };

  const std::string& written_to(std::size_t i) const {
    return uploads_[i].temporary.empty() ? uploads_[i].path : uploads_[i].temporary;
  }

  void fail(std::size_t i, const std::string& what, std::uint32_t code) {
    flights_[i].failed = true;
    if (!report_.failure) report_.failure = UploadFailure{i, code, what};
  }

  // A STATUS; anything but OK is the file's failure.
  void expect_ok(std::size_t i, Reply& r, const char* operation) {
    if (r.type != Type::status) throw MalformedPacket("the server's answer is of another kind than the request");
    const Status s = status_from(r.body);
    if (s.code != SftpError::ok) fail(i, fmt::format("{} {}: {}", operation, written_to(i), s.words), s.code);
  }

  void begin(std::size_t i) {
    ++in_flight_;
    flights_[i].source = uploads_[i].open();
    const bool keep = uploads_[i].temporary.empty() && !rules_.overwrite;
    const std::uint32_t flags =
        wire::open_write | wire::open_create | (keep ? wire::open_exclusive : wire::open_truncate);
    sftp_.send(
        Type::open, [&](Builder& b) { b.string(written_to(i)).u32(flags).attributes({}); },
        [this, i](Reply& r) {
          if (r.type == Type::handle) {
            flights_[i].handle = r.body.string();
            advance(i);
            return;
          }
          expect_ok(i, r, "create");
          if (!flights_[i].failed) throw MalformedPacket("the server opens a file without a handle");
          end(i);
        });
  }

  // Sends as much as may be unanswered; at its end, what closes the file.
  void advance(std::size_t i) {
    Flight& f = flights_[i];
    while (!f.failed && f.sent < uploads_[i].size && unanswered_ < max_unanswered) write_chunk(i);
    if (f.closing) return;
    if (!f.failed && f.sent < uploads_[i].size) {
      stalled_.push_back(i);
      return;
    }
    if (!f.failed && !f.source->intact()) fail(i, "the bytes stored for it are not those announced", SftpError::ok);
    f.source.reset();
    close(i);
  }

  void write_chunk(std::size_t i) {
    Flight& f = flights_[i];
    std::string data(std::min<std::uint64_t>(chunk, uploads_[i].size - f.sent), '\0');
    data.resize(f.source->read(data.data(), data.size()));
    if (data.empty()) {
      fail(i, "the bytes stored for it are fewer than announced", SftpError::ok);
      return;
    }
    const std::size_t size = data.size();
    ++f.pending;
    unanswered_ += size;
    sftp_.send(
        Type::write, [&](Builder& b) { b.string(f.handle).u64(f.sent).string(data); },
        [this, i, size](Reply& r) {
          unanswered_ -= size;
          expect_ok(i, r, "write");
          answered(i);
        });
    f.sent += size;
  }

  void close(std::size_t i) {
    Flight& f = flights_[i];
    f.closing = true;
    if (!f.failed && sftp_.has(fsync_extension)) {
      ++f.pending;
      sftp_.send_extended(
          fsync_extension, [&](Builder& b) { b.string(f.handle); },
          [this, i](Reply& r) {
            expect_ok(i, r, "sync");
            answered(i);
          });
    }
    if (!f.failed && rules_.check_size) {
      ++f.pending;
      sftp_.send(
          Type::fstat, [&](Builder& b) { b.string(f.handle); },
          [this, i](Reply& r) {
            if (r.type == Type::attributes) {
              const auto size = r.body.attributes().size;
              if (size != uploads_[i].size) {
                fail(i,
                     fmt::format("{} has {} bytes at the server, not {}", written_to(i), size.value_or(0),
                                 uploads_[i].size),
                     SftpError::failure);
              }
            } else {
              expect_ok(i, r, "look at");
            }
            answered(i);
          });
    }
    ++f.pending;
    sftp_.send(
        Type::close, [&](Builder& b) { b.string(f.handle); },
        [this, i](Reply& r) {
          expect_ok(i, r, "close");
          answered(i);
        });
  }

  void answered(std::size_t i) {
    Flight& f = flights_[i];
    --f.pending;
    if (f.failed && !f.closing) {
      f.source.reset();
      close(i);
      return;
    }
    if (f.pending > 0 || !f.closing) return;
    if (f.failed || uploads_[i].temporary.empty()) {
      end(i);
    } else {
      make_visible(i);
    }
  }

  void make_visible(std::size_t i) {
    const Upload& u = uploads_[i];
    const auto renamed = [this, i](Reply& r) {
      expect_ok(i, r, "rename");
      end(i);
    };
    const auto names = [&u](Builder& b) { b.string(u.temporary).string(u.path); };
    if (rules_.overwrite && sftp_.has(rename_extension)) {
      sftp_.send_extended(rename_extension, names, renamed);
      return;
    }
    // The server answers in order: the removal is done when the rename is.
    if (rules_.overwrite)
      sftp_.send(
          Type::remove, [&](Builder& b) { b.string(u.path); }, [](Reply&) {});
    sftp_.send(Type::rename, names, renamed);
  }

  void end(std::size_t i) {
    Flight& f = flights_[i];
    f.source.reset();
    --in_flight_;
    report_.done[i] = !f.failed;
    // Best effort: the next attempt truncates what stays.
    if (f.failed && !f.handle.empty()) {
      ++in_flight_;
      sftp_.send(
          Type::remove, [&](Builder& b) { b.string(written_to(i)); }, [this](Reply&) { --in_flight_; });
    }
  }

  void resume() {
    std::deque<std::size_t> stalled;
    stalled.swap(stalled_);
    for (const std::size_t i : stalled) advance(i);
  }

  Sftp& sftp_;
  const std::vector<Upload>& uploads_;
  const UploadRules& rules_;
  UploadReport& report_;
  std::vector<Flight> flights_;
  std::deque<std::size_t> stalled_;
  std::size_t next_ = 0;
  std::size_t in_flight_ = 0;
  std::size_t unanswered_ = 0;
};

void Sftp::upload(const std::vector<Upload>& uploads, const UploadRules& rules, UploadReport& report) {
  Uploading(*this, uploads, rules, report).run();
}

}  // namespace navette::ssh
