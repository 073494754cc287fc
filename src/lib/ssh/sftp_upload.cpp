// Many files at a time; the order of requests is told in sftp.h.
#include <algorithm>
#include <deque>

#include <fmt/format.h>

#include "base/fault.h"
#include "lib/ssh/sftp.h"

namespace navette::ssh {

using wire::Builder;
using wire::MalformedPacket;
using wire::Status;
using wire::status_from;
using wire::Type;

namespace {

// Bytes of WRITEs. What is on its way at 200 MB/s is enough: more lies in buffers of the server's, and OpenSSH copies
// all that they hold each time they grow.
constexpr std::size_t most_unanswered = std::size_t{4} << 20U;
constexpr std::size_t least_unanswered = std::size_t{128} << 10U;
constexpr std::size_t bytes_per_microsecond = 200;
// In flight: three round trips each, so that a server 20 ms away that takes a file in 0.7 ms is kept busy. More than
// that makes each fsync dearer for the server.
constexpr std::size_t max_files = 96;

constexpr std::uint32_t file_mode = 0640;  // a family's data: the directory's account and group, no others

const char* name_of(Operation operation) {
  switch (operation) {
    case Operation::create:
      return "create";
    case Operation::write:
      return "write";
    case Operation::sync:
      return "sync";
    case Operation::look:
      return "look at";
    case Operation::close:
      return "close";
    case Operation::rename:
      return "rename";
  }
  return "";
}

std::size_t unanswered_within(std::chrono::nanoseconds round_trip) {
  const auto microseconds = static_cast<std::size_t>(round_trip / std::chrono::microseconds(1));
  return std::clamp(microseconds * bytes_per_microsecond, least_unanswered, most_unanswered);
}

}  // namespace

class Sftp::Uploading {
 public:
  Uploading(Sftp& sftp, const std::vector<Upload>& uploads, const UploadRules& rules, UploadReport& report)
      : sftp_(sftp),
        uploads_(uploads),
        rules_(rules),
        report_(report),
        max_unanswered_(unanswered_within(sftp.round_trip_)),
        flights_(uploads.size()) {
    report_.done.assign(uploads.size(), false);
  }

  void run() {
    while (true) {
      while (!report_.failure && next_ < uploads_.size() && in_flight_ < max_files && unanswered_ < max_unanswered_)
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
    unsigned pending = 0;    // requests on the handle without an answer
    bool cleared = false;    // what stood under its temporary name was to be removed,
    bool stays = false;      // which the server lets nobody do
    bool replacing = false;  // what stood under its final name was to be removed
    bool closing = false;
    bool failed = false;
  };

  const std::string& written_to(std::size_t i) const {
    return uploads_[i].temporary.empty() ? uploads_[i].path : uploads_[i].temporary;
  }

  void fail(std::size_t i, Operation operation, const std::string& what, std::uint32_t code) {
    flights_[i].failed = true;
    if (!report_.failure) report_.failure = UploadFailure{i, operation, code, what};
  }

  // A STATUS; anything but OK is the file's failure.
  void expect_ok(std::size_t i, Reply& r, Operation operation) {
    if (r.type != Type::status) throw MalformedPacket("the server's answer is of another kind than the request");
    const Status s = status_from(r.body);
    if (s.code != SftpError::ok)
      fail(i, operation, fmt::format("{} {}: {}", name_of(operation), written_to(i), s.words), s.code);
  }

  void begin(std::size_t i) {
    ++in_flight_;
    const bool temporary = !uploads_[i].temporary.empty();
    if (temporary && rules_.resumed) clear(i);
    open(i, temporary || !rules_.overwrite);
  }

  void clear(std::size_t i) {
    flights_[i].cleared = true;
    sftp_.send(
        Type::remove, [&](Builder& b) { b.string(written_to(i)); },
        [this, i](Reply& r) {
          const Status s = status_from(r.body);
          flights_[i].stays = s.code != SftpError::ok && s.code != SftpError::no_such_file;
        });
  }

  // Exclusive: never through a link that somebody of the partner's put there, nor into a file that a former connection
  // has open. Only what an attempt of ours left and the server lets nobody remove is written to; or where nothing
  // stands, of a server that knows no such thing.
  void open(std::size_t i, bool exclusive) {
    const std::uint32_t flags =
        wire::open_write | wire::open_create | (exclusive ? wire::open_exclusive : wire::open_truncate);
    sftp_.send(
        Type::open,
        [&](Builder& b) {
          b.string(written_to(i)).u32(flags).attributes({std::nullopt, file_mode});
        },
        [this, i, exclusive](Reply& r) {
          if (r.type == Type::status && exclusive && !uploads_[i].temporary.empty()) {
            if (flights_[i].stays && rules_.resumed) return open(i, false);
            if (!flights_[i].cleared) {
              clear(i);
              return open(i, true);
            }
            if (!sftp_.exclusive_works_ && !flights_[i].stays && !is_status(r, SftpError::permission_denied))
              return open_if_nothing_is_there(i);
          }
          if (r.type == Type::handle) {
            sftp_.exclusive_works_ = sftp_.exclusive_works_ || exclusive;
            flights_[i].handle = r.body.string();
            advance(i);
            return;
          }
          expect_ok(i, r, Operation::create);
          if (!flights_[i].failed) throw MalformedPacket("the server opens a file without a handle");
          end(i);
        });
  }

  // Of a server that may not know what exclusive means. One that has opened a file so does.
  void open_if_nothing_is_there(std::size_t i) {
    sftp_.send(
        Type::lstat, [&](Builder& b) { b.string(written_to(i)); },
        [this, i](Reply& r) {
          if (is_status(r, SftpError::no_such_file)) return open(i, false);
          fail(i, Operation::create,
               fmt::format("create {}: the server does not let it be created, and something may stand there",
                           written_to(i)),
               SftpError::failure);
          end(i);
        });
  }

  // Sends as much as may be unanswered; at its end, what closes the file.
  void advance(std::size_t i) {
    Flight& f = flights_[i];
    if (f.closing) return;
    // When its turn has come, not before: few descriptors however many are in flight.
    if (!f.source && !f.failed && unanswered_ < max_unanswered_) f.source = uploads_[i].open();
    while (!f.failed && f.sent < uploads_[i].size && unanswered_ < max_unanswered_) write_chunk(i);
    if (!f.failed && (!f.source || f.sent < uploads_[i].size)) {
      stalled_.push_back(i);
      return;
    }
    if (!f.failed && !f.source->intact())
      fail(i, Operation::write, "the bytes stored for it are not those announced", SftpError::ok);
    f.source.reset();
    close(i);
  }

  void write_chunk(std::size_t i) {
    Flight& f = flights_[i];
    std::string data(std::min<std::uint64_t>(wire::chunk, uploads_[i].size - f.sent), '\0');
    data.resize(f.source->read(data.data(), data.size()));
    if (data.empty()) {
      fail(i, Operation::write, "the bytes stored for it are fewer than announced", SftpError::ok);
      return;
    }
    const std::size_t size = data.size();
    ++f.pending;
    unanswered_ += size;
    sftp_.send(
        Type::write, [&](Builder& b) { b.string(f.handle).u64(f.sent).string(data); },
        [this, i, size](Reply& r) {
          unanswered_ -= size;
          expect_ok(i, r, Operation::write);
          answered(i);
        });
    f.sent += size;
  }

  void close(std::size_t i) {
    Flight& f = flights_[i];
    f.closing = true;
    if (!f.failed && sftp_.has(wire::fsync)) {
      ++f.pending;
      sftp_.send_extended(
          wire::fsync, [&](Builder& b) { b.string(f.handle); },
          [this, i](Reply& r) {
            if (!lacks(wire::fsync, r)) expect_ok(i, r, Operation::sync);
            answered(i);
          });
    }
    if (!f.failed && rules_.check_size && sftp_.fstat_) look(i, Type::fstat, f.handle);
    ++f.pending;
    const auto closed = [this, i](Reply& r) {
      expect_ok(i, r, Operation::close);
      answered(i);
    };
    sftp_.send(
        Type::close, [&](Builder& b) { b.string(f.handle); },
        [this, closed](Reply& r) { sftp_.take("sftp.close", fault::Kind::lost, closed, r); });
    // By name, of a server without FSTAT: once it is closed.
    if (!f.failed && rules_.check_size && !sftp_.fstat_) look(i, sftp_.look_type(), written_to(i));
  }

  // Its size, by its handle or by its name.
  void look(std::size_t i, Type type, const std::string& what) {
    ++flights_[i].pending;
    sftp_.send(
        type, [&](Builder& b) { b.string(what); },
        [this, i, type](Reply& r) {
          if (r.type == Type::attributes) {
            const auto size = r.body.attributes().size;
            if (size != uploads_[i].size) {
              fail(i, Operation::look,
                   fmt::format("{} has {} bytes at the server, not {}", written_to(i), size.value_or(0),
                               uploads_[i].size),
                   SftpError::failure);
            }
          } else if (const Type other = instead_of(type, r); other != type) {
            look(i, other, written_to(i));
          } else {
            expect_ok(i, r, Operation::look);
            if (!flights_[i].failed) throw MalformedPacket("the server says OK and no size where it was asked for one");
          }
          answered(i);
        });
  }

  // FSTAT, STAT, LSTAT: the first that the server does not refuse, remembered. `type` when there is no other.
  Type instead_of(Type type, const Reply& refusal) {
    if (refusal.type != Type::status) return type;
    wire::Parser body = refusal.body;
    const std::uint32_t code = status_from(body).code;
    if (type == Type::fstat && code == SftpError::failure) return sftp_.look_type();  // of that file, perhaps
    if (!refuses(code)) return type;
    if (type == Type::fstat) {
      sftp_.fstat_ = false;
      return sftp_.look_type();
    }
    if (type == Type::stat) sftp_.stat_ = false;
    return sftp_.look_type();
  }

  // Says that it cannot, or lets nobody (`internal-sftp -P`).
  static bool refuses(std::uint32_t code) {
    return code == SftpError::permission_denied || code == SftpError::unsupported;
  }
  static bool refuses(const Reply& reply) {
    return is_status(reply, SftpError::permission_denied) || is_status(reply, SftpError::unsupported);
  }
  static bool is_status(const Reply& reply, std::uint32_t code) {
    if (reply.type != Type::status) return false;
    wire::Parser body = reply.body;
    return status_from(body).code == code;
  }

  // Some servers name an extension that they do not have: as if they had not named it, from here on.
  bool lacks(const char* extension, const Reply& refusal) {
    if (!refuses(refusal)) return false;
    sftp_.extensions_.erase(extension);
    return true;
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
    const bool posix = sftp_.has(wire::posix_rename);
    if (rules_.overwrite && posix) return rename(i, Renaming::replacing);
    if (posix && !sftp_.rename_) return rename_unless_there(i);
    rename(i, Renaming::plain);
  }

  enum class Renaming { plain, replacing };

  void rename(std::size_t i, Renaming how) {
    const auto is_ok = [this, i, how](Reply& r) {
      if (how == Renaming::replacing && lacks(wire::posix_rename, r)) return make_visible(i);
      if (how == Renaming::plain && !rules_.overwrite && sftp_.has(wire::posix_rename) && refuses(r)) {
        sftp_.rename_ = false;
        return make_visible(i);
      }
      // Only a server that renames removes anything for it: where it lets nobody, what stands there stays.
      if (how == Renaming::plain && rules_.overwrite && !flights_[i].replacing && may_be_in_the_way(r))
        return replace(i);
      expect_ok(i, r, Operation::rename);
      end(i);
    };
    const auto renamed = [this, is_ok](Reply& r) {
      sftp_.take("sftp.rename", fault::Kinds(fault::Kind::refused) | fault::Kind::lost, is_ok, r);
    };
    const auto names = [&](Builder& b) { b.string(uploads_[i].temporary).string(uploads_[i].path); };
    if (how == Renaming::replacing) {
      sftp_.send_extended(wire::posix_rename, names, renamed);
    } else {
      sftp_.send(Type::rename, names, renamed);
    }
  }

  // Some tell it by the code of later versions.
  static bool may_be_in_the_way(const Reply& refusal) {
    constexpr std::uint32_t file_already_exists = 11;
    return is_status(refusal, SftpError::failure) || is_status(refusal, file_already_exists);
  }

  // The server answers in order: the removal is done when the rename is.
  void replace(std::size_t i) {
    flights_[i].replacing = true;
    sftp_.send(
        Type::remove, [&](Builder& b) { b.string(uploads_[i].path); }, [](Reply&) {});
    rename(i, Renaming::plain);
  }

  // Where only the rename that replaces is allowed: once nothing stands there.
  void rename_unless_there(std::size_t i) {
    sftp_.send(
        sftp_.look_type(), [&](Builder& b) { b.string(uploads_[i].path); },
        [this, i](Reply& r) {
          if (is_status(r, SftpError::no_such_file)) return rename(i, Renaming::replacing);
          fail(i, Operation::rename,
               fmt::format("rename {}: the server lets nobody rename but onto what may be replaced, and something may "
                           "stand there",
                           written_to(i)),
               SftpError::failure);
          end(i);
        });
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
  const std::size_t max_unanswered_;
  std::vector<Flight> flights_;
  std::deque<std::size_t> stalled_;
  std::size_t next_ = 0;
  std::size_t in_flight_ = 0;
  std::size_t unanswered_ = 0;
};

void Sftp::upload(const std::vector<Upload>& uploads, const UploadRules& rules, UploadReport& report) {
  if (uploads.empty()) return;
  const std::string others = uploads.size() > 1 ? fmt::format(" and {} more", uploads.size() - 1) : "";
  during("send " + uploads.front().path + others, [&] { Uploading(*this, uploads, rules, report).run(); });
}

}  // namespace navette::ssh
