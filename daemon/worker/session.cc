#include "daemon/worker/session.h"

#include <sys/socket.h>

#include <cerrno>
#include <string>
#include <utility>

#include "daemon/worker/answer.h"
#include "daemon/worker/worker_loop.h"
#include "vhosts/http1/chunked.h"

namespace perchild {
namespace {

using files::Persistence;
using http1::BodyFraming;
using http1::ChunkedDecoder;
using http1::HeadParser;
using http1::Method;
using http1::RequestHead;
using Received = Connection::Received;

// After so many requests, or so much of a file, without a pause the other connections have a turn.
constexpr int requests_in_a_row = 32;
constexpr int reads_in_a_row = 64;
constexpr std::uint64_t bytes_in_a_row = 4 * 1024 * 1024;
constexpr std::size_t file_part = 1024 * 1024;
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

Task<HeadOutcome> read_head(Connection& connection, SessionContext& context, HeadParser& parser) {
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
      if (idle && context.draining) co_return HeadOutcome::closed;
      if (idle) connection.release_buffer();
      // A deadline for the whole head: what trickles in does not move it.
      Wait wait(connection, Wait::For::reading,
                idle ? context.patience.idle : context.patience.head,
                idle || !partial ? Wait::Deadline::anew : Wait::Deadline::kept);
      partial = !idle;
      waited = true;
      const WakeReason wake = co_await wait;
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

enum class BodyOutcome : std::uint8_t { read, too_large, malformed, timed_out, closed };

struct BodyEnd {
  BodyOutcome outcome;
  http1::ChunkReject reason;  // with `malformed`
};

// Takes what it can of the body out of the input behind the head. True once it has ended.
struct BodyReader {
  std::uint64_t left;  // with Content-Length
  std::uint64_t most;
  std::uint64_t total = 0;
  ChunkedDecoder decoder{};
  BodyOutcome outcome = BodyOutcome::read;

  bool take(Connection& connection, const RequestHead& head) {
    return head.body == BodyFraming::chunked ? take_chunks(connection, head.length)
                                             : take_bytes(connection, head.length);
  }

 private:
  bool take_bytes(Connection& connection, std::size_t head_length) {
    const std::uint64_t here =
        std::min<std::uint64_t>(left, connection.input().size() - head_length);
    connection.erase(head_length, static_cast<std::size_t>(here));
    left -= here;
    return left == 0;
  }

  bool take_chunks(Connection& connection, std::size_t head_length) {
    const std::string_view bytes = connection.input().substr(head_length);
    std::size_t consumed = 0;
    ChunkedDecoder::State state;
    do {
      const ChunkedDecoder::Step step = decoder.next(bytes.substr(consumed));
      consumed += step.consumed;
      total += step.data.size();
      state = step.state;
    } while (state == ChunkedDecoder::State::data && total <= most);
    connection.erase(head_length, consumed);
    if (total > most) outcome = BodyOutcome::too_large;
    if (state == ChunkedDecoder::State::rejected) outcome = BodyOutcome::malformed;
    return outcome != BodyOutcome::read || state == ChunkedDecoder::State::done;
  }
};

// No file wants a request's body: it is read, so that the next request is found, and forgotten.
Task<BodyEnd> read_body(Connection& connection, SessionContext& context, const HeadParser& parser) {
  const RequestHead first = parser.head(connection.input());
  BodyReader reader{.left = first.content_length, .most = context.site.settings.limits.body};
  bool waited = false;
  for (int in_a_row = 1;; ++in_a_row) {
    // The head's views move with the input.
    const RequestHead head = parser.head(connection.input());
    if (reader.take(connection, head)) co_return BodyEnd{reader.outcome, reader.decoder.reason()};
    if (in_a_row % reads_in_a_row == 0) {
      Wait turn(connection, Wait::For::turn, context.patience.send,
                waited ? Wait::Deadline::kept : Wait::Deadline::anew);
      waited = true;
      co_await turn;
    }
    while (!connection.may_read()) {
      Wait wait(connection, Wait::For::reading, context.patience.send,
                waited ? Wait::Deadline::kept : Wait::Deadline::anew);
      waited = true;
      const WakeReason wake = co_await wait;
      if (wake == WakeReason::timed_out) co_return BodyEnd{BodyOutcome::timed_out, {}};
    }
    const Received received = connection.receive();
    if (received == Received::end || received == Received::failed) {
      co_return BodyEnd{BodyOutcome::closed, {}};
    }
  }
}

enum class SendOutcome : std::uint8_t { sent, failed };

Task<SendOutcome> wait_for_room(Connection& connection, SessionContext& context) {
  Wait wait(connection, Wait::For::writing, context.patience.send, Wait::Deadline::anew);
  const WakeReason wake = co_await wait;
  co_return wake == WakeReason::timed_out ? SendOutcome::failed : SendOutcome::sent;
}

void log_lost_file(const Connection& connection, SessionContext& context, int error) {
  context.site.error_log.add({.client = connection.client().host_and_port(),
                              .method = {},
                              .target = {},
                              .message = "a file cannot be read to its end, or became shorter",
                              .subject = {},
                              .error = error});
}

Task<SendOutcome> send_file(Connection& connection, SessionContext& context,
                            const Response& response, std::uint64_t& sent_of_body) {
  off_t offset = 0;
  std::uint64_t in_a_row = 0;
  while (sent_of_body < response.file_size) {
    const auto part = static_cast<std::size_t>(
        std::min<std::uint64_t>(file_part, response.file_size - sent_of_body));
    const ssize_t sent = connection.send_file(response.file.borrow(), offset, part);
    if (sent < 0) {
      // A client that goes away is nobody's fault; a file that does, or a disk, is.
      if (errno == ENODATA || errno == EIO) log_lost_file(connection, context, errno);
      co_return SendOutcome::failed;
    }
    sent_of_body += static_cast<std::uint64_t>(sent);
    in_a_row += static_cast<std::uint64_t>(sent);
    if (!connection.may_write()) {
      const SendOutcome room = co_await wait_for_room(connection, context);
      if (room == SendOutcome::failed) co_return room;
      in_a_row = 0;
    } else if (in_a_row >= bytes_in_a_row) {
      Wait turn(connection, Wait::For::turn, context.patience.send, Wait::Deadline::anew);
      co_await turn;
      in_a_row = 0;
    }
  }
  co_return SendOutcome::sent;
}

// Sends all of a response. `sent_of_body` says how much of the body the client was sent.
Task<SendOutcome> send_response(Connection& connection, SessionContext& context,
                                const Response& response, std::uint64_t& sent_of_body) {
  // What closes a connection leaves in one segment with the end of the stream: the close that
  // follows pushes it.
  const int flags = response.file.has_value() || response.is_last ? MSG_MORE : 0;
  std::string_view head = response.head;
  std::string_view body = response.body;
  while (!head.empty() || !body.empty()) {
    const ssize_t sent =
        head.empty() ? connection.send(body, {}, flags) : connection.send(head, body, flags);
    if (sent < 0) co_return SendOutcome::failed;
    const auto count = static_cast<std::size_t>(sent);
    const std::size_t of_head = std::min(count, head.size());
    head.remove_prefix(of_head);
    body.remove_prefix(count - of_head);
    sent_of_body = response.body.size() - body.size();
    if (head.empty() && body.empty()) break;
    const SendOutcome room = co_await wait_for_room(connection, context);
    if (room == SendOutcome::failed) co_return room;
  }
  if (!response.file.has_value()) co_return SendOutcome::sent;
  const SendOutcome file = co_await send_file(connection, context, response, sent_of_body);
  co_return file;
}

// Before a connection is closed on a client that may still be sending: the kernel would answer what
// is unread with a reset, which can overtake the response (RFC 9112, 9.6).
Task<SendOutcome> linger(Connection& connection, SessionContext& context) {
  ::shutdown(connection.fd().get(), SHUT_WR);
  std::uint64_t discarded = 0;
  bool waited = false;
  while (discarded < most_lingering) {
    if (connection.may_read()) {
      const Received received = connection.discard(discarded);
      if (received == Received::end || received == Received::failed) co_return SendOutcome::sent;
      continue;
    }
    Wait wait(connection, Wait::For::reading, context.patience.linger,
              waited ? Wait::Deadline::kept : Wait::Deadline::anew);
    waited = true;
    const WakeReason wake = co_await wait;
    if (wake == WakeReason::timed_out) co_return SendOutcome::failed;
  }
  co_return SendOutcome::sent;
}

std::string_view protocol_of(const RequestHead& head) {
  return head.version == http1::Version::http_1_0 ? "HTTP/1.0" : "HTTP/1.1";
}

void log_request(const Connection& connection, SessionContext& context, const RequestHead& head,
                 const Response& response, std::uint64_t sent_of_body) {
  ServedSite& site = context.site;
  site.access_log.add({.host = connection.client().host(),
                       .method = head.method_text,
                       .target = head.target,
                       .protocol = head.method_text.empty() ? "" : protocol_of(head),
                       .status = response.status,
                       .body_bytes = sent_of_body,
                       .referer = head.referer,
                       .user_agent = head.user_agent});
  // A file that is not there is the visitor's matter, and in the access log already.
  if (response.problem.empty() || response.status == 404) return;
  site.error_log.add(
      {.severity = response.status >= 500 ? logs::Severity::error : logs::Severity::warning,
       .client = connection.client().host_and_port(),
       .method = head.method_text,
       .target = head.target,
       .message = response.problem,
       .subject = {},
       .error = response.error});
}

enum class Afterwards : std::uint8_t { keep, close, linger_and_close };

// Whether this site may answer for the host that a request names.
bool is_ours(Connection& connection, const SiteSettings& settings, const RequestHead& head) {
  const bool first_request = std::exchange(connection.first_request, false);
  // Without a name (HTTP/1.0) it can only be the listener's default site.
  if (!head.host) return connection.by_default;
  if (connection.approved_host && *connection.approved_host == *head.host) return true;
  // Of a connection to the default site the router has found the first host to be nobody's. It has
  // not looked at any other, which may be another site's.
  const bool is_nobodys = connection.by_default && first_request;
  if (!is_nobodys && !settings.serves(*head.host)) return false;
  connection.approved_host = head.host;
  return true;
}

struct Verdict {
  int status = 0;  // 0: go on
  std::string_view reason;
};

// What can be told from the head alone. Whatever is refused here ends the connection.
Verdict judge(Connection& connection, const SiteSettings& settings, const RequestHead& head) {
  if (!is_ours(connection, settings, head)) {
    if (!head.host) return {400, "no host is named"};
    return {421, "the host is not this site's"};
  }
  if (head.body == BodyFraming::content_length && head.content_length > settings.limits.body) {
    return {413, "the body is too large"};
  }
  return {};
}

Verdict verdict_of(const BodyEnd& end) {
  switch (end.outcome) {
    case BodyOutcome::too_large:
      return {413, "the body is too large"};
    case BodyOutcome::malformed:
      return {http1::status_of(end.reason), http1::text_of(end.reason)};
    case BodyOutcome::timed_out:
      return {408, "the body took too long"};
    case BodyOutcome::read:
    case BodyOutcome::closed:
      break;
  }
  return {};
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

Task<Afterwards> refuse(Connection& connection, SessionContext& context, const HeadParser& parser,
                        Verdict verdict) {
  const RequestHead head = parser.head(connection.input());
  Response response = error_response(context.site, connection.buffer(), verdict.status,
                                     Persistence::close, head.method == Method::head);
  response.problem = verdict.reason;
  response.is_last = true;
  std::uint64_t sent_of_body = 0;
  co_await send_response(connection, context, response, sent_of_body);
  log_request(connection, context, head, response, sent_of_body);
  co_return Afterwards::linger_and_close;
}

bool wants_answer_to(Method method) {
  return method == Method::get || method == Method::head || method == Method::options;
}

Task<Afterwards> handle_request(Connection& connection, SessionContext& context,
                                const HeadParser& parser) {
  RequestHead head = parser.head(connection.input());
  const Verdict verdict = judge(connection, context.site.settings, head);
  if (verdict.status != 0) {
    const Afterwards afterwards = co_await refuse(connection, context, parser, verdict);
    co_return afterwards;
  }
  // A body that nobody has asked for yet, or that a refused method brings, is not waited for.
  const bool body_unread =
      head.body != BodyFraming::none && (head.expect_continue || !wants_answer_to(head.method));
  if (head.body != BodyFraming::none && !body_unread) {
    const BodyEnd body = co_await read_body(connection, context, parser);
    if (body.outcome == BodyOutcome::closed) co_return Afterwards::close;
    if (body.outcome != BodyOutcome::read) {
      const Verdict of_body = verdict_of(body);
      const Afterwards afterwards = co_await refuse(connection, context, parser, of_body);
      co_return afterwards;
    }
    head = parser.head(connection.input());
  }
  const bool keep = head.keep_alive && !body_unread && !context.draining;
  Persistence persistence = Persistence::close;
  if (keep) {
    persistence = head.version == http1::Version::http_1_0 ? Persistence::keep_alive_stated
                                                           : Persistence::keep_alive;
  }
  Request request{.site = context.site,
                  .buffer = connection.buffer(),
                  .client = connection.client(),
                  .head = head,
                  .head_bytes = connection.input().substr(0, head.length),
                  .persistence = persistence};
  Response response;
  Progress progress = begin_answer(request, response);
  while (progress == Progress::entered) progress = continue_answer(request, response);
  finish_answer(request, response);
  response.is_last = !keep;
  std::uint64_t sent_of_body = 0;
  const SendOutcome sent = co_await send_response(connection, context, response, sent_of_body);
  log_request(connection, context, head, response, sent_of_body);
  if (sent == SendOutcome::failed) co_return Afterwards::close;
  connection.consume(head.length);
  if (keep) co_return Afterwards::keep;
  co_return connection.input().empty() && !body_unread ? Afterwards::close
                                                       : Afterwards::linger_and_close;
}

}  // namespace

Session serve(Connection& connection, SessionContext& context) {
  Afterwards afterwards = Afterwards::keep;
  for (int in_a_row = 1; afterwards == Afterwards::keep; ++in_a_row) {
    HeadParser parser;
    const HeadOutcome outcome = co_await read_head(connection, context, parser);
    if (outcome == HeadOutcome::closed) break;
    if (outcome == HeadOutcome::complete) {
      afterwards = co_await handle_request(connection, context, parser);
    } else {
      const Verdict verdict = verdict_of(outcome, parser);
      afterwards = co_await refuse(connection, context, parser, verdict);
    }
    if (in_a_row % requests_in_a_row == 0 && afterwards == Afterwards::keep) {
      Wait turn(connection, Wait::For::turn, context.patience.send, Wait::Deadline::anew);
      co_await turn;
    }
  }
  if (afterwards == Afterwards::linger_and_close) co_await linger(connection, context);
  connection.finish();
}

}  // namespace perchild
