// After a change of protocols (RFC 9110, 7.8): bytes both ways, unread, until either side ends.
//
// Runs in: worker.
// Does not trust: the client, the program.
#pragma once

#include <cstddef>
#include <string>

#include "daemon/worker/backend_stream.h"
#include "daemon/worker/program_exchange.h"

namespace perchild {

// `head_length`: of the request, which stays in front of the connection's input. `pending`: what
// the program has sent behind its head.
Task<ExchangeEnd> tunnel(Connection& connection, SessionContext& context, BackendStream& stream,
                         std::size_t head_length, std::string pending, Sending& sending);

}  // namespace perchild
