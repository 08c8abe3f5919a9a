// The beginning of a connection that speaks TLS.
//
// Runs in: worker.
// Does not trust: the client.
#pragma once

#include "daemon/worker/session.h"

namespace perchild {

enum class HandshakeOutcome : std::uint8_t {
  done,
  failed,  // the client has been told why
  closed,  // by the client, or it took too long
};

// Until requests can be read. The time that it may take is a head's.
Task<HandshakeOutcome> shake_hands(Connection& connection, SessionContext& context);

}  // namespace perchild
