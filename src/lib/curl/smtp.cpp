#include "lib/curl/smtp.h"

#include <algorithm>
#include <array>
#include <new>
#include <string_view>
#include <utility>

#include <curl/curl.h>
#include <fmt/format.h>
#include <sys/socket.h>

#include "base/heartbeat.h"
#include "base/text.h"

namespace navette::curl {
namespace {

// The dialogue with the server, followed line by line as libcurl leads it.
class Dialogue {
 public:
  void sent(std::string_view line) {
    if (line.starts_with("MAIL FROM:")) {
      step_ = Step::mail;
    } else if (line.starts_with("RCPT TO:")) {
      step_ = Step::recipient;
    } else if (step_ == Step::recipient && line.starts_with("DATA")) {
      step_ = Step::data;
    } else {
      step_ = Step::opening;  // greeting, EHLO, STARTTLS, AUTH; QUIT
    }
  }

  void received(std::string_view line) {
    constexpr std::size_t most = 1000;
    constexpr std::size_t code_size = 3;
    if (line.size() < code_size || !std::all_of(line.begin(), line.begin() + code_size, is_digit)) return;
    const bool last = line.size() == code_size || line[code_size] != '-';
    const std::string_view words = text::trim(line.substr(std::min(line.size(), code_size + 1)));
    if (reply_.words.size() + words.size() < most)
      reply_.words += (reply_.words.empty() ? "" : " ") + std::string(words);
    if (!last) return;
    reply_.code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
    take(std::exchange(reply_, {}));
  }

  // What the server said last before any message.
  const Reply& opening() const { return opening_; }

  // For each of `count` recipients; nothing while somebody's answer is still out.
  std::vector<Reply> answers(std::size_t count) const {
    if (mail_.code != 0 && !mail_.accepted()) return std::vector<Reply>(count, mail_);
    if (recipients_.size() != count) return {};
    std::vector<Reply> out = recipients_;
    for (Reply& r : out) {
      if (!r.accepted()) continue;
      if (content_.code == 0) return {};
      r = content_;
    }
    return out;
  }

 private:
  enum class Step { opening, mail, recipient, data, content };

  static bool is_digit(char c) { return c >= '0' && c <= '9'; }

  void take(Reply reply) {
    switch (step_) {
      case Step::opening:
        opening_ = std::move(reply);
        break;
      case Step::mail:
        mail_ = std::move(reply);
        break;
      case Step::recipient:
        recipients_.push_back(std::move(reply));
        break;
      case Step::data:
        if (reply.code / 100 == 3) {
          step_ = Step::content;
        } else {
          content_ = std::move(reply);
        }
        break;
      case Step::content:
        content_ = std::move(reply);
        break;
    }
  }

  Step step_ = Step::opening;
  Reply reply_;  // its lines so far
  Reply opening_;
  Reply mail_;
  std::vector<Reply> recipients_;
  Reply content_;  // to DATA when it is refused, else to the message
};

// What one send() is about, for the callbacks.
struct Exchange {
  Dialogue dialogue;
  std::string_view left;  // of the message
  std::stop_token stop;
};

int on_debug(CURL* /*handle*/, curl_infotype kind, char* data, std::size_t size, void* exchange) noexcept {
  Dialogue& dialogue = static_cast<Exchange*>(exchange)->dialogue;
  if (kind == CURLINFO_HEADER_OUT) dialogue.sent({data, size});
  if (kind == CURLINFO_HEADER_IN) dialogue.received({data, size});
  return 0;
}

std::size_t on_read(char* buffer, std::size_t size, std::size_t count, void* exchange) noexcept {
  std::string_view& left = static_cast<Exchange*>(exchange)->left;
  const std::size_t n = left.copy(buffer, size * count);
  left.remove_prefix(n);
  return n;
}

// libcurl calls it about once a second while it waits.
int on_progress(void* exchange, curl_off_t, curl_off_t, curl_off_t, curl_off_t) noexcept {
  heartbeat::beat();
  return static_cast<Exchange*>(exchange)->stop.stop_requested() ? 1 : 0;
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
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

std::unique_ptr<curl_slist, Cleanup> list_of(const std::vector<std::string>& addresses) {
  std::unique_ptr<curl_slist, Cleanup> list;
  for (const std::string& address : addresses) {
    curl_slist* longer = curl_slist_append(list.get(), address.c_str());
    if (longer == nullptr) throw std::bad_alloc();
    static_cast<void>(list.release());  // the same list, longer
    list.reset(longer);
  }
  return list;
}

}  // namespace

struct Smtp::State {
  CURLcode perform(Exchange& exchange) {
    CURL* h = handle.get();
    set(h, CURLOPT_DEBUGDATA, &exchange);
    set(h, CURLOPT_READDATA, &exchange);
    set(h, CURLOPT_XFERINFODATA, &exchange);
    error.front() = '\0';
    return curl_easy_perform(h);
  }

  MailServer server;
  std::array<char, CURL_ERROR_SIZE> error{};  // libcurl writes into it until the handle is gone
  std::unique_ptr<CURL, Cleanup> handle;
};

Smtp::Smtp(MailServer server, std::chrono::milliseconds patience) : state_(std::make_unique<State>()) {
  static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (ready != CURLE_OK) throw Error(std::string("libcurl: ") + curl_easy_strerror(ready));
  state_->server = std::move(server);
  state_->handle.reset(curl_easy_init());
  if (!state_->handle) throw std::bad_alloc();
  const MailServer& s = state_->server;
  CURL* h = state_->handle.get();

  set(h, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
  set(h, CURLOPT_URL, fmt::format("{}://{}:{}", s.tls == Tls::implicit ? "smtps" : "smtp", s.host, s.port).c_str());
  set(h, CURLOPT_PROXY, "");  // whatever the environment says
  set(h, CURLOPT_NOSIGNAL, 1L);
  set(h, CURLOPT_ERRORBUFFER, state_->error.data());

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

  const long seconds = std::chrono::ceil<std::chrono::seconds>(patience).count();
  set(h, CURLOPT_CONNECTTIMEOUT, seconds);
  set(h, CURLOPT_SERVER_RESPONSE_TIMEOUT, seconds);
  set(h, CURLOPT_LOW_SPEED_LIMIT, 1L);  // a server that reads the message no further
  set(h, CURLOPT_LOW_SPEED_TIME, seconds);

  set(h, CURLOPT_UPLOAD, 1L);
  set(h, CURLOPT_MAIL_RCPT_ALLLOWFAILS, 1L);
  set(h, CURLOPT_READFUNCTION, on_read);
  set(h, CURLOPT_DEBUGFUNCTION, on_debug);
  set(h, CURLOPT_VERBOSE, 1L);  // for on_debug: nothing is printed
  set(h, CURLOPT_XFERINFOFUNCTION, on_progress);
  set(h, CURLOPT_NOPROGRESS, 0L);
}

Smtp::Smtp(Smtp&&) noexcept = default;
Smtp& Smtp::operator=(Smtp&&) noexcept = default;

// Says QUIT without waiting for the answer: libcurl would give a server that is stalled two minutes for it.
Smtp::~Smtp() {
  if (!state_) return;
  curl_socket_t fd = CURL_SOCKET_BAD;
  if (curl_easy_getinfo(state_->handle.get(), CURLINFO_ACTIVESOCKET, &fd) == CURLE_OK && fd != CURL_SOCKET_BAD)
    ::shutdown(fd, SHUT_RD);
}

std::vector<Reply> Smtp::send(const std::string& from, const std::vector<std::string>& recipients,
                              const std::string& message, const std::stop_token& stop) {
  CURL* h = state_->handle.get();
  Exchange exchange{{}, message, stop};
  const auto list = list_of(recipients);
  set(h, CURLOPT_MAIL_FROM, from.c_str());
  set(h, CURLOPT_MAIL_RCPT, list.get());
  set(h, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(message.size()));
  const CURLcode rc = state_->perform(exchange);

  std::vector<Reply> answers = exchange.dialogue.answers(recipients.size());
  if (answers.empty()) fail(rc, exchange.dialogue.opening());
  return answers;
}

void Smtp::greet(const std::stop_token& stop) {
  CURL* h = state_->handle.get();
  Exchange exchange{{}, {}, stop};
  set(h, CURLOPT_MAIL_RCPT, static_cast<curl_slist*>(nullptr));
  set(h, CURLOPT_CUSTOMREQUEST, "NOOP");
  set(h, CURLOPT_NOBODY, 1L);  // else its answer is written to standard output
  const CURLcode rc = state_->perform(exchange);
  set(h, CURLOPT_CUSTOMREQUEST, static_cast<const char*>(nullptr));
  set(h, CURLOPT_UPLOAD, 1L);  // takes NOBODY back
  if (rc != CURLE_OK) fail(rc, exchange.dialogue.opening());
}

void Smtp::fail(int curl_code, const Reply& opening) const {
  const auto rc = static_cast<CURLcode>(curl_code);
  if (rc == CURLE_ABORTED_BY_CALLBACK) throw Interrupted();
  throw SmtpError(
      fault_of(rc, opening),
      fmt::format("{}:{}: {}", state_->server.host, state_->server.port,
                  state_->error.front() != '\0' ? std::string_view(state_->error.data()) : curl_easy_strerror(rc)),
      opening.code >= 400 ? opening : Reply{});
}

}  // namespace navette::curl
