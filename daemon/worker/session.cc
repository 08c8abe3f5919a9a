#include "daemon/worker/session.h"

#include "daemon/worker/handshake.h"
#include "daemon/worker/serve_request.h"
#include "daemon/worker/tls.h"

namespace perchild {
namespace {

using http1::HeadParser;
using Received = Connection::Received;

// After so many requests without a pause the other connections have a turn.
constexpr int requests_in_a_row = 32;
// What is read and forgotten of a connection that has had its last answer.
constexpr std::uint64_t most_lingering = 1024 * 1024;

enum class HeadOutcome : std::uint8_t {
  complete,
  rejected,
  timed_out,  // in the middle of a head
  cut_off,    // the client closed its side in the middle of a head
  closed,     // between requests
};

HeadOutcome ended(const Connection& connection) {
  return connection.input().empty() ? HeadOutcome::closed : HeadOutcome::cut_off;
}

// `is_first`: of the connection. Whoever has just shaken hands is on his way to send it.
Task<HeadOutcome> read_head(Connection& connection, SessionContext& context, HeadParser& parser,
                            bool is_first) {
  bool partial = false;  // the head's deadline runs
  bool waited = connection.first_request;
  for (;;) {
    if (!connection.input().empty()) {
      const HeadParser::State state = parser.parse(connection.input());
      if (state == HeadParser::State::complete) co_return HeadOutcome::complete;
      if (state == HeadParser::State::rejected) co_return HeadOutcome::rejected;
    }
    while (!connection.may_read()) {
      const bool idle = connection.input().empty();
      if (idle && context.closes_idle && !is_first) co_return HeadOutcome::closed;
      if (idle) connection.release_buffer();
      // A deadline for the whole head: what trickles in does not move it.
      Wait wait(connection, Wait::For::reading,
                idle ? context.patience.idle : context.patience.head,
                idle || !partial ? Wait::Deadline::anew : Wait::Deadline::kept);
      partial = !idle;
      waited = true;
      const WakeReason wake = co_await wait;
      if (wake == WakeReason::draining) co_return HeadOutcome::closed;
      if (wake == WakeReason::timed_out) {
        co_return idle ? HeadOutcome::closed : HeadOutcome::timed_out;
      }
    }
    // In the turn of an earlier response, which the client may have read before it asked again.
    if (!waited) context.site.forget_checks();
    switch (connection.receive()) {
      case Received::bytes:
      case Received::nothing_yet:
        break;
      case Received::end:
        co_return ended(connection);
      case Received::failed:
      case Received::full:  // the parser has rejected a head of that size
        co_return HeadOutcome::closed;
    }
  }
}

// Before a connection is closed on a client that may still be sending: the kernel would answer what
// is unread with a reset, which can overtake the response (RFC 9112, 9.6).
Task<WakeReason> linger(Connection& connection, SessionContext& context) {
  connection.end_sending();
  std::uint64_t discarded = 0;
  WakeReason wake = WakeReason::ready;
  bool waited = false;
  while (discarded < most_lingering && wake == WakeReason::ready) {
    if (connection.may_read()) {
      const Received received = connection.discard(discarded);
      if (received == Received::end || received == Received::failed) break;
      continue;
    }
    Wait wait(connection, Wait::For::reading, context.patience.linger,
              waited ? Wait::Deadline::kept : Wait::Deadline::anew);
    waited = true;
    wake = co_await wait;
  }
  co_return wake;
}

Verdict verdict_of(HeadOutcome outcome, const HeadParser& parser) {
  switch (outcome) {
    case HeadOutcome::rejected:
      return {http1::status_of(parser.reason()), http1::text_of(parser.reason())};
    case HeadOutcome::timed_out:
      return {408, "the head took too long"};
    case HeadOutcome::cut_off:
      return {400, "the head ends early"};
    case HeadOutcome::complete:
    case HeadOutcome::closed:
      break;
  }
  return {};
}

}  // namespace

Session serve(Connection& connection, SessionContext& context) {
  Afterwards afterwards = Afterwards::keep;
  bool speaks_http2 = connection.plain_http2;
  if (connection.tls() != nullptr) {
    const HandshakeOutcome handshake = co_await shake_hands(connection, context);
    if (handshake == HandshakeOutcome::failed) afterwards = Afterwards::linger_and_close;
    if (handshake == HandshakeOutcome::closed) afterwards = Afterwards::close;
    speaks_http2 = afterwards == Afterwards::keep && connection.tls()->has_chosen_http2();
  }
  if (speaks_http2) afterwards = co_await context.serve_http2(connection, context);
  for (int in_a_row = 1; afterwards == Afterwards::keep; ++in_a_row) {
    HeadParser parser;
    const HeadOutcome outcome = co_await read_head(connection, context, parser, in_a_row == 1);
    if (outcome == HeadOutcome::closed) break;
    connection.request_began = context.site.traffic.now();
    if (outcome == HeadOutcome::complete) {
      afterwards = co_await serve_request(connection, context, parser);
    } else {
      const Verdict verdict = verdict_of(outcome, parser);
      afterwards = co_await refuse_head(connection, context, parser, verdict);
    }
    if (in_a_row % requests_in_a_row == 0 && afterwards == Afterwards::keep) {
      Wait turn(connection, Wait::For::turn, context.patience.send, Wait::Deadline::anew);
      co_await turn;
    }
  }
  if (afterwards == Afterwards::linger_and_close) co_await linger(connection, context);
  const Connection::Bytes rest = connection.take_bytes();
  context.site.traffic.count_rest(rest.in + connection.input().size(), rest.out);
  connection.finish();
}

}  // namespace perchild
