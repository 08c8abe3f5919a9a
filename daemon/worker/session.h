// One client connection from its first byte to its last: heads in, responses out.
//
// Runs in: worker.
// Does not trust: the client. What it sends is read by http1::HeadParser and ChunkedDecoder; when
// framing is lost, the connection ends.
#pragma once

#include <array>

#include "daemon/worker/connection.h"
#include "daemon/worker/pace.h"
#include "daemon/worker/password_checks.h"
#include "daemon/worker/runner_client.h"
#include "daemon/worker/served_site.h"
#include "daemon/worker/task.h"

namespace perchild {

// How long sessions wait for what, and the lists that the loop's deadlines come from.
struct Patience {
  explicit Patience(const SiteSettings& settings)
      : head(settings.timeouts.head),
        idle(settings.timeouts.idle),
        body(settings.timeouts.body),
        send(settings.timeouts.send),
        linger(settings.timeouts.linger),
        body_pace(settings.timeouts.body, settings.minimum_rates.body),
        response_pace(settings.timeouts.send, settings.minimum_rates.response) {}

  DeadlineList<Connection> head;
  DeadlineList<Connection> idle;
  DeadlineList<Connection> body;
  DeadlineList<Connection> send;
  DeadlineList<Connection> linger;
  DeadlineList<Connection> check{std::chrono::milliseconds(15'000)};    // of a password
  DeadlineList<Connection> penalty{std::chrono::milliseconds(1000)};    // for a wrong one
  DeadlineList<Connection> first_output{std::chrono::milliseconds(5)};  // waits for a script's end
  const Pace body_pace;  // each body's begins as a copy
  const Pace response_pace;

  std::array<DeadlineList<Connection>*, 8> lists() {
    return {&head, &idle, &body, &send, &linger, &check, &penalty, &first_output};
  }
};

enum class Afterwards : std::uint8_t;
struct SessionContext;

// Serves a connection that speaks HTTP/2, to its end.
using Http2Server = Task<Afterwards> (*)(Connection&, SessionContext&);
// Nullptr in an executable without it: it is linked into perchild-tls-worker alone.
Http2Server find_http2_server();

struct SessionContext {
  ServedSite& site;
  Patience patience;
  RunnerClient runner;
  PasswordChecks checks{};
  Http2Server serve_http2 = nullptr;
  bool draining = false;     // the worker is to end: each response says that it is the last one
  bool closes_idle = false;  // at once: who waits for a request is not waited for
};

// Runs until the connection has ended, and leaves it for the loop to collect.
Session serve(Connection& connection, SessionContext& context);

}  // namespace perchild
