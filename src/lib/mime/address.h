// E-mail addresses.
#pragma once

#include <string>
#include <string_view>

namespace navette::mime {

// Whether `address` (local@domain, no display name) may stand in a header and in an SMTP envelope as it is: ASCII
// letters, digits and a few signs, dots between them, a domain of one label (a host of one's own network) or more. Much
// narrower than RFC 5321 on purpose: no quotes, comments, literals, routing signs (% ! |), control characters, blanks,
// brackets, leading hyphen (an option for some mailers) or letters beyond ASCII. libcurl writes a CR LF in an address
// raw: check here first.
bool is_valid_address(std::string_view address);

// "domain" of local@domain.
std::string domain_of(std::string_view address);

}  // namespace navette::mime
