// One request whose head has come: from the head to the log, whoever answers it.
//
// Runs in: worker.
// Does not trust: the client.
#pragma once

#include <cstdint>
#include <string_view>

#include "daemon/worker/connection.h"
#include "daemon/worker/session.h"
#include "daemon/worker/task.h"
#include "vhosts/http1/request_head.h"

namespace perchild {

// What becomes of the connection that the request has come by.
enum class Afterwards : std::uint8_t {
  keep,
  close,
  linger_and_close,
  cut_off,  // the response is not whole: that there is no more of it must be seen
};

// Of a request that is refused for its head.
struct Verdict {
  int status = 0;  // 0: go on
  std::string_view reason;
  std::string_view more_fields{};  // whole lines
};

// The head stands at the front of the connection's input, and `parser` has found it complete.
Task<Afterwards> serve_request(Connection& connection, SessionContext& context,
                               const http1::HeadParser& parser);

// The head has not come to its end, or is none.
Task<Afterwards> refuse_head(Connection& connection, SessionContext& context,
                             const http1::HeadParser& parser, Verdict verdict);

}  // namespace perchild
