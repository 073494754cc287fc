// An SFTP version 3 client that keeps many requests in flight: a file costs no round trip of its own.
//
// Order of an upload: OPEN; once the handle is there WRITE…, fsync@openssh.com, FSTAT and CLOSE go out together; once
// all are answered and the size is the file's, the rename. Up to 96 files are at one of these points at a time, and at
// most 4 MiB are unanswered, 128 KiB where the server is near: memory is bounded whatever the backlog. What a server
// lacks is told by its first packet (fsync, posix-rename, statvfs) or by the profile.
//
// One thread. After an SshError or MalformedPacket the connection is of no more use; both name the server, and what it
// was needed for.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/fault.h"
#include "lib/ssh/session.h"
#include "lib/ssh/sftp_wire.h"

namespace navette::ssh {

// The server's answer to one request was not the one hoped for.
class SftpError : public Error {
 public:
  // SSH_FX_… of the draft.
  enum Code : std::uint32_t {
    ok = 0,
    eof = 1,
    no_such_file = 2,
    permission_denied = 3,
    failure = 4,
    bad_message = 5,
    no_connection = 6,
    connection_lost = 7,
    unsupported = 8
  };
  SftpError(std::uint32_t code, const std::string& what) : Error(what), code_(code) {}
  std::uint32_t code() const { return code_; }

 private:
  std::uint32_t code_;
};

// There is more than the caller takes: names in a directory, bytes in a file. The connection is as good as before.
class TooMuch : public SftpError {
 public:
  explicit TooMuch(const std::string& what) : SftpError(failure, what) {}
};

// A code in our own words: a server's may tell what no log may hold.
std::string meaning_of(std::uint32_t code);

// What is to be sent: read once, from its beginning to its end.
class Source {
 public:
  Source() = default;
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;
  virtual ~Source() = default;
  virtual std::size_t read(char* buffer, std::size_t size) = 0;  // 0: the end
  virtual bool intact() = 0;                                     // after the end: were these the bytes meant?
};

struct Upload {
  std::string path;                               // final, at the server
  std::string temporary;                          // written there and renamed; empty: written under `path` itself
  std::uint64_t size = 0;                         // bytes that it must have there
  std::function<std::unique_ptr<Source>()> open;  // called when its turn comes; the source goes once it is read
};

struct UploadRules {
  bool check_size = true;  // FSTAT before CLOSE
  bool overwrite = false;  // what stands under `path` may be replaced
  // A former connection may have left its temporary files, and the server may still be at work on them: they are
  // removed, and others written, where the server lets us remove.
  bool resumed = false;
};

enum class Operation { create, write, sync, look, close, rename };

struct UploadFailure {
  std::size_t index = 0;  // of the upload
  Operation operation{};
  std::uint32_t code = 0;  // SftpError::Code; 0: the source was not intact
  std::string what;        // operation and the server's words
};

struct UploadReport {
  std::vector<bool> done;                // visible under its path, whole
  std::optional<UploadFailure> failure;  // the first one; what was in flight beside it went on to its end
};

class Sftp {
 public:
  // Negotiates the version. Throws SshError, MalformedPacket.
  explicit Sftp(Session session);

  bool has(const std::string& extension) const { return extensions_.contains(extension); }
  const std::string& host_fingerprint() const { return session_.host_fingerprint(); }

  // All of them, many at a time; after a failure no further one is begun, and what was written under a temporary name
  // goes. `report` tells what is there for certain, also when this throws: SshError, MalformedPacket, and whatever a
  // source throws.
  void upload(const std::vector<Upload>& uploads, const UploadRules& rules, UploadReport& report);

  // Sizes of paths, asked for together (STAT, or LSTAT of a server that refuses that, or for the links themselves);
  // nothing where there is no such file. Throws SftpError for any other answer.
  enum class Links { followed, themselves };
  std::vector<std::optional<wire::Attributes>> stat_all(const std::vector<std::string>& paths,
                                                        Links links = Links::followed);
  std::optional<wire::Attributes> stat(const std::string& path);
  std::optional<wire::Attributes> lstat(const std::string& path);  // of a symbolic link itself
  void make_directory(const std::string& path, std::uint32_t mode);
  bool remove(const std::string& path);  // false: there is none
  void remove_directory(const std::string& path);
  // Names, without "." and "..", sorted; TooMuch when there are more than `most` or 16 MiB of them, or longer than any
  // file system's.
  // This and `read` take ten times the session's patience at most, then SshError (timed_out).
  static constexpr std::size_t most_names = 100'000;
  std::vector<std::string> list(const std::string& path, std::size_t most = most_names);
  // The whole file, piece by piece. TooMuch when it is larger than `limit` bytes.
  void read(const std::string& path, std::uint64_t limit, const std::function<void(std::string_view)>& sink);
  std::string read(const std::string& path, std::uint64_t limit);
  // Absolute, without links, "." and "..", as the server has it.
  std::string real_path(const std::string& path);
  // Bytes free for us where `path` lies; nothing when the server cannot tell.
  std::optional<std::uint64_t> free_space(const std::string& path);

 private:
  friend class Discretion;
  struct Reply {
    wire::Type type{};
    wire::Parser body;
  };
  using Continuation = std::function<void(Reply&)>;
  class Uploading;

  std::uint32_t send(wire::Type type, const std::function<void(wire::Builder&)>& fill, Continuation then);
  std::uint32_t send_extended(const std::string& name, const std::function<void(wire::Builder&)>& fill,
                              Continuation then);
  void flush();
  void pump();  // waits for one answer at least, and passes on all that are there
  void dispatch(std::string_view packet);
  // The point where the server did what was asked and says that it did not, or is not heard any more. Inline: a release
  // build has nothing of it.
  template <typename Then>
  void take(const char* point, fault::Kinds kinds, const Then& then, Reply& reply) const {
    fault::around(
        point, kinds, [&] { then(reply); },
        [&](fault::Kind kind) {
          if (kind == fault::Kind::lost) throw SshError(Fault::lost, session_.place() + ": the connection was lost");
          const std::string status =
              wire::Builder(wire::Type::status).u32(SftpError::failure).string("Failure").finish();
          constexpr std::size_t head = 5;  // length and type
          Reply refused{wire::Type::status, wire::Parser(std::string_view(status).substr(head))};
          then(refused);
        });
  }
  // Sends, waits for the answer. Throws SftpError unless it is a status OK or of the type wanted.
  void ask(wire::Type type, const std::string& what, const std::function<void(wire::Builder&)>& fill, wire::Type wanted,
           const Continuation& then = {});
  void wait_for(const bool& answered);
  std::string shown(const std::string& path) const;  // in messages
  // A connection that is lost, or of no use, names the server and what it was needed for.
  void during(const std::string& step, const std::function<void()>& work);
  wire::Type look_type() const { return stat_ ? wire::Type::stat : wire::Type::lstat; }
  std::string open_handle(wire::Type type, const std::string& path);
  void close_handle(const std::string& handle);

  Session session_;
  std::set<std::string> extensions_;
  std::uint32_t last_id_ = 0;
  std::unordered_map<std::uint32_t, Continuation> waiting_;
  std::string out_;
  std::string in_;
  std::chrono::steady_clock::time_point answered_;                         // last, or when there was nothing to answer
  std::chrono::nanoseconds round_trip_ = std::chrono::nanoseconds::max();  // the shortest that one question took
  // What the server turned out to refuse is not asked again over this connection.
  bool stat_ = true;
  bool fstat_ = true;
  bool exclusive_works_ = false;  // a file was created so
  bool rename_ = true;            // the plain one, that replaces nothing
  std::string undisclosed_;       // with a slash behind; empty: nothing is
};

// While it lives, what looks at, reads or removes files of `directory` names none of them in its messages: their names
// are another's, personal perhaps. It ends before its Sftp does.
class Discretion {
 public:
  Discretion(Sftp& sftp, std::string directory);
  Discretion(const Discretion&) = delete;
  Discretion& operator=(const Discretion&) = delete;
  ~Discretion();

 private:
  Sftp& sftp_;
};

}  // namespace navette::ssh
