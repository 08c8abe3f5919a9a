// A response on its way to the client: from memory, from a file, in parts, or through an encoder.
//
// Runs in: worker.
// Does not trust: the client, which may read slowly or not at all.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "daemon/worker/pace.h"
#include "daemon/worker/response.h"
#include "daemon/worker/session.h"

namespace perchild {

enum class SendOutcome : std::uint8_t {
  sent,
  gone,      // the client
  too_slow,  // the client: see SiteTimeouts::send
  lost,      // the file, or the means to encode it; the error log has it
};

// One response on its way. Everything that it is given outlives it; the response has to be finished
// when it is sent.
struct Sending {
  Sending(Connection& to, SessionContext& of, const Response& what);

  Connection& connection;
  SessionContext& context;
  const Response& response;
  std::uint64_t sent_of_body = 0;  // whether all of it has been sent or not
  Pace pace;
  std::string_view head, body;  // what is left of these
  int flags = 0;
};

// Most responses fit into the kernel's buffer: they take one call, and no coroutine. Without a
// value, send_rest() is to be awaited.
std::optional<SendOutcome> send_at_once(Sending& sending);
Task<SendOutcome> send_rest(Sending& sending);

// Sends an interim response, which is a whole head (RFC 9110, 15.2).
Task<SendOutcome> send_interim(Connection& connection, SessionContext& context,
                               std::string_view head);

}  // namespace perchild
