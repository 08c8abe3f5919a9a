#include "daemon/worker/handshake.h"

#include "daemon/worker/tls.h"

namespace perchild {
namespace {

Wait::For event_of(TlsStep step) {
  if (step == TlsStep::want_read) return Wait::For::reading;
  return step == TlsStep::want_write ? Wait::For::writing : Wait::For::answer;
}

void log_failure(const Connection& connection, SessionContext& context) {
  context.site.error_log.add({.severity = logs::Severity::warning,
                              .client = connection.client().host_and_port(),
                              .method = {},
                              .target = {},
                              .message = "the TLS handshake failed",
                              .subject = connection.tls()->problem(),
                              .error = 0});
}

// The router has looked at the name in the handshake, and at no request. So only that name, if it
// is nobody's, is the default site's besides its own.
void approve(Connection& connection) {
  connection.first_request = false;
  if (connection.by_default) connection.approved_host = connection.tls()->server_name();
}

}  // namespace

Task<HandshakeOutcome> shake_hands(Connection& connection, SessionContext& context) {
  TlsStream& tls = *connection.tls();
  bool waited = false;
  for (;;) {
    const TlsStep step = tls.shake_hands();
    if (step == TlsStep::done) break;
    if (step == TlsStep::closed) co_return HandshakeOutcome::closed;
    if (step == TlsStep::failed) {
      log_failure(connection, context);
      co_return HandshakeOutcome::failed;
    }
    if (step == TlsStep::want_job) tls.stand_in_line();
    Wait wait(connection, event_of(step), context.patience.head,
              waited ? Wait::Deadline::kept : Wait::Deadline::anew);
    waited = true;
    const WakeReason wake = co_await wait;
    if (wake == WakeReason::timed_out) co_return HandshakeOutcome::closed;
  }
  approve(connection);
  co_return HandshakeOutcome::done;
}

}  // namespace perchild
