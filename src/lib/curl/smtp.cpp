#include "lib/curl/smtp.h"

#include <algorithm>
#include <array>
#include <new>
#include <optional>
#include <set>
#include <utility>

#include <curl/curl.h>
#include <fmt/format.h>
#include <poll.h>

#include "base/fault.h"
#include "base/heartbeat.h"
#include "base/name_service.h"
#include "base/text.h"
#include "lib/curl/own_name.h"

namespace navette::curl {
namespace {

// Lines of the server, put together to replies.
class ReplyReader {
 public:
  // A whole reply when `line` was its last one.
  std::optional<Reply> take(std::string_view line) {
    constexpr std::size_t most = 1000;
    constexpr std::size_t code_size = 3;
    if (line.size() < code_size || !std::all_of(line.begin(), line.begin() + code_size, is_digit)) return {};
    const bool last = line.size() == code_size || line[code_size] != '-';
    const std::string_view words = text::trim(line.substr(std::min(line.size(), code_size + 1)));
    if (reply_.words.size() + words.size() < most)
      reply_.words += (reply_.words.empty() ? "" : " ") + std::string(words);
    if (!last) return {};
    reply_.code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
    return std::exchange(reply_, {});
  }

 private:
  static bool is_digit(char c) { return c >= '0' && c <= '9'; }
  Reply reply_;  // its lines so far
};

// What the server says while libcurl connects: greeting, EHLO, STARTTLS, AUTH.
struct Opening {
  ReplyReader reader;
  Reply last;
  bool greeting = false;             // what comes now answers EHLO
  std::set<std::string> extensions;  // their keywords in upper case, of the last EHLO
  std::stop_token stop;
};

int on_debug(CURL* /*handle*/, curl_infotype kind, char* data, std::size_t size, void* userdata) noexcept {
  constexpr std::size_t code_size = 4;  // with the sign after it
  constexpr std::size_t most_extensions = 100;
  Opening& opening = *static_cast<Opening*>(userdata);
  const std::string_view line(data, size);
  if (kind == CURLINFO_HEADER_OUT) {
    opening.greeting = line.starts_with("EHLO");
    if (opening.greeting) opening.extensions.clear();
  }
  if (kind != CURLINFO_HEADER_IN) return 0;
  if (opening.greeting && line.size() > code_size && opening.extensions.size() < most_extensions) {
    const std::string_view words = text::trim(line.substr(code_size));
    std::string keyword(words.substr(0, words.find(' ')));  // in any case, RFC 5321 2.4
    std::transform(keyword.begin(), keyword.end(), keyword.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
    opening.extensions.insert(std::move(keyword));
  }
  if (auto reply = opening.reader.take(line)) opening.last = *std::move(reply);
  return 0;
}

// libcurl calls it about once a second while it waits.
int on_progress(void* opening, curl_off_t, curl_off_t, curl_off_t, curl_off_t) noexcept {
  heartbeat::beat();
  return static_cast<Opening*>(opening)->stop.stop_requested() ? 1 : 0;
}

Fault fault_of(CURLcode code, const Reply& opening) {
  if (opening.code / 100 == 4) return Fault::busy;
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
      return Fault::resolution;
    case CURLE_COULDNT_CONNECT:
      return Fault::connection;
    case CURLE_OPERATION_TIMEDOUT:
      return Fault::timed_out;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CIPHER:
    case CURLE_USE_SSL_FAILED:
      return Fault::tls;
    case CURLE_LOGIN_DENIED:
      return Fault::login;
    default:
      return opening.code / 100 == 5 ? Fault::turned_away : Fault::lost;
  }
}

template <typename T>
void set(CURL* handle, CURLoption option, T value) {
  if (const CURLcode rc = curl_easy_setopt(handle, option, value); rc != CURLE_OK)
    throw Error(std::string("libcurl: ") + curl_easy_strerror(rc));
}

struct Cleanup {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};

// RFC 3461: what may stand in a parameter as it is; the rest as +XX.
std::string xtext(std::string_view words) {
  std::string out;
  for (const char c : words) {
    if (c > ' ' && c < 0x7F && c != '+' && c != '=') {
      out += c;
    } else {
      out += fmt::format("+{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

// RFC 5321 4.5.2, and an end of line before the last point.
std::string with_dots(std::string_view message) {
  std::string out;
  out.reserve(message.size() + message.size() / 64 + 8);
  bool line_begins = true;
  for (const char c : message) {
    if (line_begins && c == '.') out += '.';
    out += c;
    line_begins = c == '\n';
  }
  if (!line_begins) out += "\r\n";
  return out;
}

}  // namespace

// Connected and logged in from construction to destruction.
class Smtp::Connection {
 public:
  Connection(const MailServer& server, std::chrono::milliseconds patience, std::chrono::milliseconds after_message,
             const std::stop_token& stop);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Empty: the server has ended the connection before anything of this message was said.
  std::vector<Reply> transact(const Envelope& envelope, std::string_view message, const std::stop_token& stop);
  Reply greet(const std::string& from, const std::stop_token& stop);
  bool ended() const { return ended_; }  // of no use for another message
  // Nothing came since the last message, which would be its end, whatever it says.
  bool is_idle();

 private:
  // First digits of replies, beside 4 and 5.
  static constexpr int done = 2;
  static constexpr int go_on = 3;
  static constexpr int shutting_down = 421;

  bool offers(const char* extension) const { return opening_.extensions.contains(extension); }
  Reply ask(const std::string& command, int expected = done) { return ask(command, expected, patience_); }
  Reply ask(const std::string& command, int expected, std::chrono::milliseconds patience);
  Reply answer_to(const std::string& command, int expected, std::chrono::milliseconds patience);
  void name_recipients(const Envelope& envelope, bool status, std::vector<Reply>& answers);
  Reply send_content(const Envelope& envelope, std::string_view message);
  // Nothing taken for as long as patience, or not all of it by `until`: the server is given up.
  void write(std::string_view bytes, std::chrono::steady_clock::time_point until);
  Reply read_reply(std::chrono::milliseconds patience);
  std::string_view read_line(std::chrono::steady_clock::time_point until);
  void receive(std::chrono::steady_clock::time_point until);
  void wait(short events, std::chrono::steady_clock::time_point until);
  void require_silence();
  bool take_what_came();
  // Of so many bytes: once, and once more for each MiB. At 30 s that is 35 KB/s, slower than any line of today.
  std::chrono::steady_clock::time_point end_of_patience(std::size_t bytes = 0) const;
  [[noreturn]] void lost(CURLcode why) const;
  [[noreturn]] void no_smtp(const std::string& what) const;

  std::string name_;
  std::chrono::milliseconds patience_;
  std::chrono::milliseconds after_message_;
  Opening opening_;
  std::array<char, CURL_ERROR_SIZE> error_{};  // libcurl writes into it until the handle is gone
  std::unique_ptr<CURL, Cleanup> handle_;
  std::stop_token stop_;  // of the message under way
  std::string received_;  // and not yet read
  std::string line_;
  bool in_doubt_ = false;  // of the message under way
  bool begun_ = false;     // the server has answered for the message under way
  bool ended_ = false;
};

namespace {

struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using KnownAddresses = std::unique_ptr<curl_slist, FreeList>;

// For CURLOPT_RESOLVE: libcurl waits at its end for a name service that does not answer.
KnownAddresses known_addresses(const MailServer& s, std::chrono::milliseconds patience, const std::stop_token& stop) {
  if (s.host.starts_with('[')) return {};
  try {
    const Addresses found = navette::addresses_of(s.host, s.port, patience, stop);
    std::vector<std::string> numbers;
    for (const addrinfo* a = found.get(); a != nullptr; a = a->ai_next) {
      numbers.push_back(a->ai_family == AF_INET6 ? '[' + numeric(*a) + ']' : numeric(*a));
    }
    return KnownAddresses(
        curl_slist_append(nullptr, fmt::format("{}:{}:{}", s.host, s.port, text::join(numbers, ",")).c_str()));
  } catch (const NameError& e) {
    throw SmtpError(Fault::resolution, fmt::format("{}:{}: {}", s.host, s.port, e.what()), {});
  } catch (const navette::Interrupted&) {
    throw Interrupted();
  }
}

}  // namespace

Smtp::Connection::Connection(const MailServer& s, std::chrono::milliseconds patience,
                             std::chrono::milliseconds after_message, const std::stop_token& stop)
    : name_(fmt::format("{}:{}", s.host, s.port)),
      patience_(patience),
      after_message_(after_message),
      handle_(curl_easy_init()) {
  if (!handle_) throw std::bad_alloc();
  CURL* h = handle_.get();
  set(h, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
  set(h, CURLOPT_URL,
      fmt::format("{}://{}/{}", s.tls == Tls::implicit ? "smtps" : "smtp", name_, own_name(s.host, patience, stop))
          .c_str());
  set(h, CURLOPT_PROXY, "");  // whatever the environment says
  set(h, CURLOPT_NOSIGNAL, 1L);
  set(h, CURLOPT_CONNECT_ONLY, 1L);
  set(h, CURLOPT_ERRORBUFFER, error_.data());

  set(h, CURLOPT_USE_SSL, static_cast<long>(s.tls == Tls::none ? CURLUSESSL_NONE : CURLUSESSL_ALL));
  set(h, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  if (!s.ca_file.empty()) {
    set(h, CURLOPT_CAINFO, s.ca_file.c_str());
    set(h, CURLOPT_CAPATH, static_cast<const char*>(nullptr));  // else the system's count as well
  }
  if (!s.user.empty()) {
    set(h, CURLOPT_USERNAME, s.user.c_str());
    set(h, CURLOPT_PASSWORD, s.password.c_str());
    // Else libcurl tries GSSAPI or NTLM where a server offers them first, and never comes back to the password.
    set(h, CURLOPT_LOGIN_OPTIONS, "AUTH=PLAIN;AUTH=LOGIN");
  }
  const KnownAddresses known = known_addresses(s, patience, stop);
  set(h, CURLOPT_RESOLVE, known.get());
  const long seconds = std::chrono::ceil<std::chrono::seconds>(patience).count();
  set(h, CURLOPT_CONNECTTIMEOUT, seconds);
  set(h, CURLOPT_SERVER_RESPONSE_TIMEOUT, seconds);
  set(h, CURLOPT_DEBUGFUNCTION, on_debug);
  set(h, CURLOPT_DEBUGDATA, &opening_);
  set(h, CURLOPT_VERBOSE, 1L);  // for on_debug: nothing is printed
  set(h, CURLOPT_XFERINFOFUNCTION, on_progress);
  set(h, CURLOPT_XFERINFODATA, &opening_);
  set(h, CURLOPT_NOPROGRESS, 0L);

  opening_.stop = stop;
  const CURLcode rc = curl_easy_perform(h);
  opening_.stop = {};
  if (rc == CURLE_OK) return;
  if (rc == CURLE_ABORTED_BY_CALLBACK) throw Interrupted();
  const Reply& said = opening_.last;
  throw SmtpError(
      fault_of(rc, said),
      fmt::format("{}: {}", name_, error_.front() != '\0' ? std::string_view(error_.data()) : curl_easy_strerror(rc)),
      said.code >= 400 ? said : Reply{});
}

// Says QUIT without waiting for the answer.
Smtp::Connection::~Connection() {
  std::size_t sent = 0;
  constexpr std::string_view quit = "QUIT\r\n";
  curl_easy_send(handle_.get(), quit.data(), quit.size(), &sent);
}

void Smtp::Connection::lost(CURLcode why) const {
  throw SmtpError(
      why == CURLE_OPERATION_TIMEDOUT ? Fault::timed_out : Fault::lost,
      fmt::format("{}: {}", name_, why == CURLE_OK ? "the server has ended the connection" : curl_easy_strerror(why)),
      {}, in_doubt_);
}

// Nobody knows what such a server will take what follows for: the connection is of no use any more.
void Smtp::Connection::no_smtp(const std::string& what) const {
  throw SmtpError(Fault::lost, fmt::format("{}: {}", name_, what), {}, in_doubt_);
}

// Until the connection is ready; in slices, so that a stop ends it.
void Smtp::Connection::wait(short events, std::chrono::steady_clock::time_point until) {
  constexpr std::chrono::milliseconds slice = std::chrono::milliseconds(500);
  curl_socket_t fd = CURL_SOCKET_BAD;
  curl_easy_getinfo(handle_.get(), CURLINFO_ACTIVESOCKET, &fd);
  if (fd == CURL_SOCKET_BAD) lost(CURLE_OK);
  while (std::chrono::steady_clock::now() < until) {
    heartbeat::beat();
    if (stop_.stop_requested()) throw Interrupted(in_doubt_);
    pollfd waited{fd, events, 0};
    if (::poll(&waited, 1, static_cast<int>(slice.count())) > 0) return;
  }
  lost(CURLE_OPERATION_TIMEDOUT);
}

std::chrono::steady_clock::time_point Smtp::Connection::end_of_patience(std::size_t bytes) const {
  constexpr std::size_t mebibyte = std::size_t{1} << 20U;
  const auto once = std::chrono::ceil<std::chrono::seconds>(patience_);
  return std::chrono::steady_clock::now() + once + once * bytes / mebibyte;
}

void Smtp::Connection::write(std::string_view bytes, std::chrono::steady_clock::time_point until) {
  while (!bytes.empty()) {
    if (std::chrono::steady_clock::now() > until)
      throw SmtpError(Fault::timed_out, name_ + ": takes the message too slowly", {}, in_doubt_);
    std::size_t sent = 0;
    const CURLcode rc = curl_easy_send(handle_.get(), bytes.data(), bytes.size(), &sent);
    bytes.remove_prefix(sent);
    if (rc == CURLE_AGAIN) {
      wait(POLLOUT, end_of_patience());
    } else if (rc != CURLE_OK) {
      lost(rc);
    }
  }
}

std::string_view Smtp::Connection::read_line(std::chrono::steady_clock::time_point until) {
  constexpr std::size_t longest = 4096;  // RFC 5321 allows 512
  std::size_t end = 0;
  while ((end = received_.find('\n')) == std::string::npos) {
    if (received_.size() > longest) no_smtp("sends a line without an end");
    receive(until);
  }
  line_ = received_.substr(0, end);
  received_.erase(0, end + 1);
  return line_;
}

void Smtp::Connection::receive(std::chrono::steady_clock::time_point until) {
  std::array<char, 1024> buffer{};
  std::size_t size = 0;
  const CURLcode rc = curl_easy_recv(handle_.get(), buffer.data(), buffer.size(), &size);
  if (rc == CURLE_AGAIN) return wait(POLLIN, until);
  if (rc != CURLE_OK || size == 0) lost(rc);
  received_.append(buffer.data(), size);
}

// False: the server has hung up.
bool Smtp::Connection::take_what_came() {
  constexpr std::size_t enough = 4096;
  std::array<char, 1024> buffer{};
  std::size_t size = 0;
  while (received_.size() < enough) {
    const CURLcode rc = curl_easy_recv(handle_.get(), buffer.data(), buffer.size(), &size);
    if (rc == CURLE_AGAIN) return true;
    if (rc != CURLE_OK || size == 0) return false;
    received_.append(buffer.data(), size);
  }
  return true;
}

bool Smtp::Connection::is_idle() {
  return take_what_came() && received_.empty();
}

// What came before it was asked for answers nothing: taken for the next answer, it would tell of this mail what was
// said of another, or of none. A refusal may come so: who hangs up says why.
void Smtp::Connection::require_silence() {
  take_what_came();
  if (received_.empty() || received_.front() == '4' || received_.front() == '5') return;
  no_smtp("answers before it is asked");
}

// However slowly it comes, and of however many lines, it comes to an end, or the server is given up.
Reply Smtp::Connection::read_reply(std::chrono::milliseconds patience) {
  constexpr int most_lines = 200;  // each may be of read_line's longest
  const auto until = std::chrono::steady_clock::now() + std::chrono::ceil<std::chrono::seconds>(patience);
  ReplyReader reader;
  for (int lines = 0; lines < most_lines; ++lines) {
    auto reply = reader.take(read_line(until));
    begun_ = true;
    if (reply) return *std::move(reply);
  }
  no_smtp("sends an answer without an end");
}

// What is neither expected nor a refusal is no answer to it, whatever the server means by it: to take a 250 to DATA for
// the message's would lose the message.
Reply Smtp::Connection::ask(const std::string& command, int expected, std::chrono::milliseconds patience) {
  require_silence();
  write(command + "\r\n", end_of_patience());
  return answer_to(command, expected, patience);
}

Reply Smtp::Connection::answer_to(const std::string& command, int expected, std::chrono::milliseconds patience) {
  Reply reply = read_reply(patience);
  const int kind = reply.code / 100;
  if (kind != expected && kind != 4 && kind != 5)
    no_smtp(fmt::format("answers {} with {}", command.substr(0, 4), reply.code));
  return reply;
}

std::vector<Reply> Smtp::Connection::transact(const Envelope& envelope, std::string_view message,
                                              const std::stop_token& stop) {
  stop_ = stop;
  in_doubt_ = begun_ = false;
  const bool status = offers("DSN") && !envelope.id.empty();
  std::string mail = "MAIL FROM:<" + envelope.from + ">";
  if (offers("SIZE")) mail += fmt::format(" SIZE={}", message.size());
  if (status) mail += " RET=HDRS ENVID=" + xtext(envelope.id);
  try {
    if (Reply reply = ask(mail); !reply.accepted()) {
      reply.asked = Asked::sender;
      if (reply.code == shutting_down) return {};
      return std::vector<Reply>(envelope.recipients.size(), reply);
    }
  } catch (const SmtpError& e) {
    if (e.fault() == Fault::lost && !begun_) return {};
    throw;
  }
  // Some servers hang up on whom they refuse: that is said of a recipient, and not the end of all mail.
  std::vector<Reply> answers;
  std::optional<Reply> of_message;
  try {
    name_recipients(envelope, status, answers);
    const bool wanted = std::any_of(answers.begin(), answers.end(), [](const Reply& r) { return r.accepted(); });
    if (!ended_ && wanted) of_message = send_content(envelope, message);
    if (!ended_ && !wanted) ask("RSET");
  } catch (const SmtpError&) {
    if (in_doubt_ || std::all_of(answers.begin(), answers.end(), [](const Reply& r) { return r.accepted(); })) throw;
    ended_ = true;
  }
  answers.resize(envelope.recipients.size());
  for (Reply& answer : answers) {
    if (answer.accepted()) answer = of_message.value_or(Reply());
  }
  return answers;
}

// Until the server says that it hangs up.
void Smtp::Connection::name_recipients(const Envelope& envelope, bool status, std::vector<Reply>& answers) {
  for (const std::string& to : envelope.recipients) {
    answers.push_back(ask("RCPT TO:<" + to + ">" + (status ? " NOTIFY=FAILURE,DELAY ORCPT=rfc822;" + xtext(to) : "")));
    ended_ = answers.back().code == shutting_down;
    if (ended_) return;
  }
}

Reply Smtp::Connection::greet(const std::string& from, const std::stop_token& stop) {
  stop_ = stop;
  Reply reply = ask("MAIL FROM:<" + from + ">");
  if (reply.code == shutting_down) throw SmtpError(Fault::busy, name_ + ": the server ends the connection", reply);
  if (reply.accepted()) ask("RSET");
  reply.asked = Asked::sender;
  return reply;
}

// The answer of all whom the server has accepted so far.
Reply Smtp::Connection::send_content(const Envelope& envelope, std::string_view message) {
  Reply reply = ask("DATA", go_on);
  if (reply.code / 100 == go_on) {
    const std::string content = with_dots(message);
    write(content, end_of_patience(content.size()));
    require_silence();
    if (envelope.before_end) envelope.before_end();
    require_silence();
    in_doubt_ = true;  // from its end on, the message is the server's
    write(".\r\n", end_of_patience());
    reply = answer_to(".", done, after_message_);
    in_doubt_ = false;
  }
  reply.asked = Asked::content;
  return reply;
}

Smtp::Smtp(MailServer server, std::chrono::milliseconds patience, std::chrono::milliseconds after_message)
    : server_(std::move(server)), patience_(patience), after_message_(after_message) {
  static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (ready != CURLE_OK) throw Error(std::string("libcurl: ") + curl_easy_strerror(ready));
}

Smtp::Smtp(Smtp&&) noexcept = default;
Smtp& Smtp::operator=(Smtp&&) noexcept = default;
Smtp::~Smtp() = default;

std::vector<Reply> Smtp::send(const Envelope& envelope, std::string_view message, const std::stop_token& stop) {
  return fault::around(
      "smtp.send", fault::connections, [&] { return deliver(envelope, message, stop); },
      [&](fault::Kind kind) -> std::vector<Reply> {
        connection_.reset();
        throw SmtpError(Fault::lost, "the connection was lost", {}, kind == fault::Kind::after);
      });
}

std::vector<Reply> Smtp::deliver(const Envelope& envelope, std::string_view message, const std::stop_token& stop) {
  const auto attempt = [&] {
    try {
      auto answers = connection_->transact(envelope, message, stop);
      if (connection_->ended()) connection_.reset();
      return answers;
    } catch (...) {
      connection_.reset();
      throw;
    }
  };
  if (connection_ && connection_->is_idle()) {
    if (auto answers = attempt(); !answers.empty()) return answers;
  }
  connection_.reset();  // ended while nothing was sent: the server has its time-outs
  connection_ = std::make_unique<Connection>(server_, patience_, after_message_, stop);
  auto answers = attempt();
  if (!answers.empty()) return answers;
  connection_.reset();
  throw SmtpError(Fault::busy, fmt::format("{}:{}: the server has ended the connection", server_.host, server_.port),
                  {});
}

Reply Smtp::greet(const std::string& from, const std::stop_token& stop) {
  auto connection = std::make_unique<Connection>(server_, patience_, after_message_, stop);
  Reply reply = connection->greet(from, stop);
  connection_ = std::move(connection);
  return reply;
}

}  // namespace navette::curl
