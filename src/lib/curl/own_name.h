// What this machine calls itself to a mail server (EHLO, RFC 5321 4.1.1.1): a full name, or else its address. libcurl
// says the host name up to its first dot, which servers refuse as no full name.
#pragma once

#include <chrono>
#include <stop_token>
#include <string>

namespace navette::curl {

// Of the machine called `host`: that, or its canonical name; empty if neither is a full one. May wait for the name
// service.
std::string full_name(const std::string& host);

// The address that this machine has on the way to `server` (name or address, IPv6 in brackets) as a domain literal:
// "[192.0.2.1]", "[IPv6:2001:db8::1]". Empty: there is no way. May wait for the name service.
std::string address_literal(const std::string& server);

// Of this machine, for `server`: its full name, or else its address; found once in a process. The name service is
// waited for as long as `patience`, and a stop ends that: then the host name as it is.
std::string own_name(const std::string& server, std::chrono::milliseconds patience, const std::stop_token& stop);

}  // namespace navette::curl
