// One client connection from its first byte to its last: heads in, responses out.
//
// Runs in: worker.
// Does not trust: the client. What it sends is read by http1::HeadParser and ChunkedDecoder; when
// framing is lost, the connection ends.
#pragma once

#include "daemon/worker/connection.h"
#include "daemon/worker/served_site.h"
#include "daemon/worker/task.h"

namespace perchild {

// How long sessions wait for what; the lists that the loop's deadlines come from.
struct Patience {
  explicit Patience(const SiteTimeouts& timeouts)
      : head(timeouts.head), idle(timeouts.idle), send(timeouts.send) {}
  DeadlineList<Connection> head;
  DeadlineList<Connection> idle;
  DeadlineList<Connection> send;
  DeadlineList<Connection> linger{std::chrono::milliseconds(2000)};
};

struct SessionContext {
  ServedSite& site;
  Patience patience;
  bool draining = false;
};

// Runs until the connection has ended, and leaves it for the loop to collect.
Session serve(Connection& connection, SessionContext& context);

}  // namespace perchild
