#include "lib/curl/own_name.h"

#include <algorithm>
#include <array>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/heartbeat.h"
#include "base/unique_fd.h"

namespace navette::curl {
namespace {

using AddressList = std::unique_ptr<addrinfo, void (*)(addrinfo*)>;

AddressList addresses_of(const std::string& name, const char* service, int flags) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_DGRAM;
  hints.ai_flags = flags;
  addrinfo* list = nullptr;
  if (::getaddrinfo(name.c_str(), service, &hints, &list) != 0) list = nullptr;
  return {list, [](addrinfo* first) {
            if (first != nullptr) ::freeaddrinfo(first);
          }};
}

// Nor may it hold what libcurl would read as more than a name.
bool is_full(const std::string& name) {
  const auto in_name = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  };
  const auto dot = name.rfind('.');
  return dot != std::string::npos && dot + 1 < name.size() && (name[dot + 1] < '0' || name[dot + 1] > '9') &&
         !name.starts_with("localhost.") && std::all_of(name.begin(), name.end(), in_name);
}

std::string literal_of(const sockaddr_storage& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const void* const bytes = &address;
  if (address.ss_family == AF_INET) {
    ::inet_ntop(AF_INET, &static_cast<const sockaddr_in*>(bytes)->sin_addr, text.data(), text.size());
    return std::string("[") + text.data() + "]";
  }
  ::inet_ntop(AF_INET6, &static_cast<const sockaddr_in6*>(bytes)->sin6_addr, text.data(), text.size());
  return std::string("[IPv6:") + text.data() + "]";
}

}  // namespace

std::string full_name(const std::string& host) {
  if (is_full(host)) return host;
  const AddressList list = addresses_of(host, nullptr, AI_CANONNAME);
  if (!list || list->ai_canonname == nullptr || !is_full(list->ai_canonname)) return {};
  return list->ai_canonname;
}

// A datagram socket that is connected sends nothing, and knows its own address.
std::string address_literal(const std::string& server) {
  const bool bracketed = server.size() > 2 && server.front() == '[' && server.back() == ']';
  const AddressList list = addresses_of(bracketed ? server.substr(1, server.size() - 2) : server, "25", AI_NUMERICSERV);
  for (const addrinfo* a = list.get(); a != nullptr; a = a->ai_next) {
    const UniqueFd fd(::socket(a->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_storage own{};
    socklen_t size = sizeof own;
    void* const bytes = &own;
    if (fd && ::connect(fd.get(), a->ai_addr, a->ai_addrlen) == 0 &&
        ::getsockname(fd.get(), static_cast<sockaddr*>(bytes), &size) == 0)
      return literal_of(own);
  }
  return {};
}

// The name service may take long, and nothing ends its asking: another thread asks, once for each server.
std::string own_name(const std::string& server, std::chrono::milliseconds patience, const std::stop_token& stop) {
  constexpr std::chrono::milliseconds slice{50};
  std::array<char, HOST_NAME_MAX + 1> buffer{};
  std::string host = ::gethostname(buffer.data(), buffer.size()) == 0 ? buffer.data() : "";
  if (is_full(host)) return host;
  static std::mutex mutex;
  static std::map<std::string, std::shared_future<std::string>> names;
  std::shared_future<std::string> name;
  {
    const std::lock_guard lock(mutex);
    auto& known = names[server];
    if (!known.valid()) {
      std::packaged_task<std::string()> task([host, server] {
        const std::string full = full_name(host);
        return full.empty() ? address_literal(server) : full;
      });
      known = task.get_future().share();
      std::thread(std::move(task)).detach();
    }
    name = known;
  }
  const auto until = std::chrono::steady_clock::now() + patience;
  while (name.wait_for(slice) != std::future_status::ready) {
    heartbeat::beat();
    if (stop.stop_requested() || std::chrono::steady_clock::now() > until) return host;
  }
  if (name.get().empty()) {  // no network yet: asked for again
    const std::lock_guard lock(mutex);
    names.erase(server);
    return host;
  }
  return name.get();
}

}  // namespace navette::curl
