// The step between begin_answer() and continue_answer(): may this client come in here?
//
// Runs in: worker.
// Does not trust: the client.
#pragma once

#include "daemon/worker/request.h"
#include "daemon/worker/response.h"
#include "daemon/worker/session.h"
#include "daemon/worker/task.h"

namespace perchild {

enum class Entry : std::uint8_t {
  granted,
  refused,         // the response is there
  takes_password,  // it has one, which check_password() is to judge
};

// Once for each request, before anything else: a visitor that asks too often is refused.
[[nodiscard]] Entry judge_rate(Request& request, Response& response, Clock::time_point now);

// At each path that the request comes to stand at. Takes no time.
[[nodiscard]] Entry judge_entry(Request& request, Response& response, Clock::time_point now);

// After Entry::takes_password: granted or refused.
Task<Entry> check_password(Connection& connection, SessionContext& context, Request& request,
                           Response& response);

}  // namespace perchild
