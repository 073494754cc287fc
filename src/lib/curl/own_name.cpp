#include "lib/curl/own_name.h"

#include <algorithm>
#include <array>
#include <memory>

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

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
  return name.find('.') != std::string::npos && !name.starts_with("localhost.") &&
         std::all_of(name.begin(), name.end(), in_name);
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

std::string own_name(const std::string& server) {
  std::array<char, HOST_NAME_MAX + 1> host{};
  std::string name;
  if (::gethostname(host.data(), host.size()) == 0) name = full_name(host.data());
  return name.empty() ? address_literal(server) : name;
}

}  // namespace navette::curl
