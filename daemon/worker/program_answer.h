// A request that a program answers: a connection to the program is got hold of, waited for if need
// be, and the request exchanged for its response.
//
// Runs in: worker.
// Does not trust: the client, the program.
#pragma once

#include <string>

#include "daemon/worker/program_exchange.h"
#include "daemon/worker/program_input.h"
#include "daemon/worker/request.h"
#include "daemon/worker/response.h"
#include "daemon/worker/sending.h"
#include "daemon/worker/session.h"
#include "daemon/worker/task.h"

namespace perchild {

// After Progress::by_program. With `refused` the response is to be finished and sent; with `moved`
// the request goes on at `location`.
Task<ExchangeEnd> answer_by_program(Connection& connection, SessionContext& context,
                                    Request& request, Response& response, ProgramInput& input,
                                    Sending& sending, std::string& location);

}  // namespace perchild
