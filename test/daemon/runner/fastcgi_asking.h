// FastCGI's side of a server, spoken to a process of a pool.
#pragma once

#include <string>

#include "test/daemon/runner/runner_under_test.h"

namespace perchild::test {

// By FastCGI's rules; the connection is kept.
void send_request(const AskingWorker::Answer& answer, const std::string& script);

// One request, and all that the process answers to it.
std::string fastcgi(const AskingWorker::Answer& answer, const std::string& script);

}  // namespace perchild::test
