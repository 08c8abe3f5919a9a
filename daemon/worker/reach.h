// How a request reached the site: whose it is and over what, as far as a proxy in front may say so;
// and what follows for the name and the scheme that it should have come by.
//
// Runs in: worker.
// Does not trust: the client. A proxy is believed if its address is listed; where a client is sent
// is on a host of this site.
#pragma once

#include "daemon/worker/request.h"
#include "daemon/worker/response.h"

namespace perchild {

// Of the request whose complete head is in front of the connection's input.
void note_visitor(Connection& connection, const ReachSettings& reach);

// Redirects a request that should have come over https, or by another of the site's names. False
// if it came well.
[[nodiscard]] bool redirect_to_own_name(const Request& request, Response& response);

// Strict-Transport-Security, to whom it may be said (RFC 6797, 7.2).
void add_hsts(const Request& request, Response& response);

}  // namespace perchild
