#include "base/name_service.h"

#include <array>
#include <future>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace navette {
namespace {

struct Answer {
  int error = 0;  // of getaddrinfo(3)
  Addresses addresses;
};

Answer ask(const std::string& host, std::uint16_t port, int flags) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV | flags;
  addrinfo* list = nullptr;
  Answer answer;
  answer.error = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &list);
  if (answer.error == 0) answer.addresses = Addresses(list, ::freeaddrinfo);
  return answer;
}

}  // namespace

Addresses addresses_of(const std::string& host, std::uint16_t port, std::chrono::milliseconds patience,
                       const std::stop_token& stop) {
  constexpr std::chrono::milliseconds slice{50};
  if (Answer numbers = ask(host, port, AI_NUMERICHOST); numbers.error == 0) return std::move(numbers.addresses);
  std::packaged_task<Answer()> task([host, port] { return ask(host, port, 0); });
  auto asked = task.get_future();
  std::thread(std::move(task)).detach();
  const auto until = std::chrono::steady_clock::now() + patience;
  while (asked.wait_for(slice) != std::future_status::ready) {
    if (stop.stop_requested()) throw Interrupted();
    if (std::chrono::steady_clock::now() > until) {
      throw NameError(fmt::format("the name service does not answer for {} s",
                                  std::chrono::duration_cast<std::chrono::seconds>(patience).count()));
    }
  }
  Answer answer = asked.get();
  if (answer.error != 0) throw NameError(fmt::format("the name has no address: {}", ::gai_strerror(answer.error)));
  return std::move(answer.addresses);
}

std::string numeric(const addrinfo& address) {
  std::array<char, NI_MAXHOST> text{};
  if (::getnameinfo(address.ai_addr, address.ai_addrlen, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST) != 0)
    throw_errno("getnameinfo");
  return text.data();
}

}  // namespace navette
