// Session tickets (RFC 8446, 4.6.1; RFC 5077): made with keys that the keeper gives to this site's
// workers only, and good for the server name only that they were given to.
//
// Runs in: worker.
#pragma once

#include <openssl/ssl.h>

namespace perchild {

bool use_tickets(::SSL_CTX* context);

}  // namespace perchild
