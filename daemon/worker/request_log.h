// What is written and counted of a request that has been answered.
//
// Runs in: worker.
#pragma once

#include <cstddef>

#include "daemon/worker/connection.h"
#include "daemon/worker/sending.h"
#include "vhosts/http1/request_head.h"

namespace perchild {

// Bytes of the head that stand in the connection's input: all that has come of one that was
// rejected.
std::size_t arrived_of(const http1::RequestHead& head, const Connection& connection);

void log_request(const Sending& sending, const http1::RequestHead& head, SendOutcome outcome);

}  // namespace perchild
