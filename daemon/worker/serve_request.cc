#include "daemon/worker/serve_request.h"

#include <optional>
#include <string>
#include <utility>

#include "daemon/worker/answer.h"
#include "daemon/worker/entry.h"
#include "daemon/worker/program_answer.h"
#include "daemon/worker/reach.h"
#include "daemon/worker/request_body.h"
#include "daemon/worker/request_log.h"
#include "daemon/worker/sending.h"
#include "daemon/worker/worker_loop.h"

namespace perchild {
namespace {

using files::Persistence;
using http1::BodyFraming;
using http1::HeadParser;
using http1::Method;
using http1::RequestHead;

// Its views point into the connection's input.
RequestHead head_of(const Connection& connection, const HeadParser& parser) {
  RequestHead head = parser.head(connection.input());
  if (connection.is_stream()) head.version = http1::Version::http_2;
  return head;
}

// In the log, of a client that did not wait for the first byte of its response.
constexpr int status_of_gone = 499;

// No file wants a request's body: it is read, so that the next request is found, and forgotten.
Task<BodyPiece> skip_body(Connection& connection, SessionContext& context,
                          const RequestHead& head) {
  RequestBody body(connection, context, head);
  BodyPiece piece{BodyPiece::Kind::data};
  while (piece.kind == BodyPiece::Kind::data) piece = co_await body.next();
  co_return piece;
}

// Sends it, and writes of it in the logs.
Task<SendOutcome> send_and_log(Connection& connection, SessionContext& context,
                               const RequestHead& head, const Response& response) {
  Sending sending(connection, context, response);
  auto sent = send_at_once(sending);
  if (!sent) sent = co_await send_rest(sending);
  log_request(sending, head, *sent);
  co_return *sent;
}

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

// What can be told from the head alone. Whatever is refused here ends the connection.
Verdict judge(Connection& connection, const SiteSettings& settings, const RequestHead& head) {
  if (!is_ours(connection, settings, head)) {
    if (!head.host) return {400, "no host is named"};
    return {421, "the host is not this site's"};
  }
  // RFC 9110, 7.4: what is to be had over TLS alone.
  if (head.is_https && !connection.over_https) {
    return {421, "an https target has come without TLS"};
  }
  if (connection.one_too_many) {
    return {429, "more connections than an address may have", "Retry-After: 1\r\n"};
  }
  if (head.body == BodyFraming::content_length && head.content_length > settings.limits.body) {
    return {413, "the body is too large"};
  }
  return {};
}

// Nothing if the whole body has come; else what is left to do for the connection.
Task<std::optional<Afterwards>> skip_body_or_close(Connection& connection, SessionContext& context,
                                                   const HeadParser& parser,
                                                   const RequestHead& head) {
  const BodyPiece body = co_await skip_body(connection, context, head);
  if (body.kind == BodyPiece::Kind::end) co_return std::nullopt;
  if (body.kind == BodyPiece::Kind::closed) co_return Afterwards::close;
  const Verdict of_body{body.status, body.problem};
  const Afterwards afterwards = co_await refuse_head(connection, context, parser, of_body);
  co_return afterwards;
}

bool wants_answer_to(Method method) {
  return method == Method::get || method == Method::head || method == Method::options;
}

// As far as it goes without waiting: until the response is there, or it is known which program is
// to give it. True if a password has to be checked first.
bool needs_password(Request& request, Response& response, Progress& progress,
                    Clock::time_point now) {
  while (progress == Progress::entered) {
    const Entry entry = judge_entry(request, response, now);
    if (entry == Entry::takes_password) return true;
    progress = entry == Entry::refused ? Progress::answered : continue_answer(request, response);
  }
  return false;
}

// The same from there on, however many passwords it takes.
Task<Progress> decide_by_password(Connection& connection, SessionContext& context, Request& request,
                                  Response& response) {
  Progress progress = Progress::entered;
  do {
    const Entry entry = co_await check_password(connection, context, request, response);
    if (entry == Entry::refused) co_return Progress::answered;
    progress = continue_answer(request, response);
  } while (needs_password(request, response, progress, connection.loop().now()));
  co_return progress;
}

// What a program has led to is asked for by GET, without the body (RFC 3875, 6.2.2).
void ask_anew(RequestHead& head) {
  if (head.method != Method::head) {
    head.method = Method::get;
    head.method_text = "GET";
  }
  head.body = BodyFraming::none;
}

SendOutcome outcome_of(ExchangeEnd end) {
  switch (end) {
    case ExchangeEnd::complete:
      return SendOutcome::sent;
    case ExchangeEnd::client_gone:
      return SendOutcome::gone;
    case ExchangeEnd::client_slow:
      return SendOutcome::too_slow;
    case ExchangeEnd::cut_off:
    case ExchangeEnd::refused:
    case ExchangeEnd::moved:
      break;
  }
  return SendOutcome::lost;
}

struct Answered {
  ExchangeEnd end = ExchangeEnd::refused;  // `refused`: the response is to be sent
  bool input_left = false;                 // the client may still be sending the request's body
};

// By programs, until one has answered or there is a response that is to be sent.
Task<Answered> answer_by_programs(Connection& connection, SessionContext& context,
                                  RequestHead& head, Request& request, Response& response,
                                  Sending& sending) {
  std::optional<RequestBody> body;
  std::optional<std::uint64_t> length;
  if (head.body != BodyFraming::none) body.emplace(connection, context, head);
  if (head.body == BodyFraming::content_length) length = head.content_length;
  ProgramInput input(context.runner.bodies(), body ? &*body : nullptr, length);
  ProgramInput no_input(context.runner.bodies(), nullptr, std::nullopt);
  Answered answered;
  Progress progress = Progress::by_program;
  std::string location;
  while (progress == Progress::by_program) {
    ProgramInput& given = head.body == BodyFraming::none ? no_input : input;
    answered.end = co_await answer_by_program(connection, context, request, response, given,
                                              sending, location);
    if (answered.end != ExchangeEnd::moved) break;
    answered.end = ExchangeEnd::refused;
    ask_anew(head);
    if (input.awaited() != nullptr) request.persistence = Persistence::close;
    progress = go_to(request, response, location);
    if (needs_password(request, response, progress, connection.loop().now())) {
      progress = co_await decide_by_password(connection, context, request, response);
    }
  }
  answered.input_left = input.awaited() != nullptr;
  co_return answered;
}

}  // namespace

Task<Afterwards> serve_request(Connection& connection, SessionContext& context,
                               const HeadParser& parser) {
  note_visitor(connection, context.site.settings.reach);
  RequestHead& head = connection.buffer().head;
  head = head_of(connection, parser);
  const Verdict verdict = judge(connection, context.site.settings, head);
  if (verdict.status != 0) {
    const Afterwards afterwards = co_await refuse_head(connection, context, parser, verdict);
    co_return afterwards;
  }
  // A body that a method brings which no file takes is not waited for. A program may want any body:
  // until that is known it is left where it is.
  const bool has_body = head.body != BodyFraming::none;
  const bool is_for_program = has_body && context.site.has_programs();
  const bool is_empty = head.body == BodyFraming::content_length && head.content_length == 0;
  bool body_unread = has_body && !is_empty && !wants_answer_to(head.method);
  if (is_for_program) {
    connection.settle_input();
  } else if (has_body && !body_unread) {
    const std::optional<Afterwards> bad =
        co_await skip_body_or_close(connection, context, parser, head);
    if (bad) co_return *bad;
  }
  if (has_body) head = head_of(connection, parser);
  Persistence if_read = Persistence::close;
  if (head.keep_alive && !context.draining) {
    if_read = head.version == http1::Version::http_1_0 ? Persistence::keep_alive_stated
                                                       : Persistence::keep_alive;
  }
  Request request{.site = context.site,
                  .buffer = connection.buffer(),
                  .client = connection.client(),
                  .head = head,
                  .head_bytes = connection.input().substr(0, head.length),
                  .persistence = body_unread ? Persistence::close : if_read};
  request.over_https = connection.over_https;
  Response response;
  const Entry entry = judge_rate(request, response, connection.loop().now());
  Progress progress =
      entry == Entry::granted ? begin_answer(request, response) : Progress::answered;
  if (needs_password(request, response, progress, connection.loop().now())) {
    progress = co_await decide_by_password(connection, context, request, response);
  }
  Sending sending(connection, context, response);
  ExchangeEnd end = ExchangeEnd::refused;
  if (progress == Progress::by_program) {
    request.persistence = if_read;
    const Answered answered =
        co_await answer_by_programs(connection, context, head, request, response, sending);
    end = answered.end;
    body_unread = answered.input_left;
  } else if (is_for_program && !body_unread) {
    // The response is made, and stays as it is: it is not in the connection's input.
    const std::optional<Afterwards> bad =
        co_await skip_body_or_close(connection, context, parser, head);
    if (bad) co_return *bad;
  }
  response.user = request.user;
  std::optional<SendOutcome> sent;
  if (end == ExchangeEnd::refused) {
    finish_answer(request, response);
    response.is_last = request.persistence == Persistence::close;
    sent = send_at_once(sending);
    if (!sent) sent = co_await send_rest(sending);
  } else {
    sent = outcome_of(end);
    if (response.status == 0) response.status = status_of_gone;
  }
  log_request(sending, head, *sent);
  connection.consume(head.length);
  if (*sent != SendOutcome::sent) co_return Afterwards::cut_off;
  if (request.persistence != Persistence::close) co_return Afterwards::keep;
  co_return connection.input().empty() && !body_unread ? Afterwards::close
                                                       : Afterwards::linger_and_close;
}

Task<Afterwards> refuse_head(Connection& connection, SessionContext& context,
                             const HeadParser& parser, Verdict verdict) {
  const RequestHead head = head_of(connection, parser);
  // Of a head that may be none, nothing is looked at any more.
  Request request{.site = context.site,
                  .buffer = connection.buffer(),
                  .client = connection.client(),
                  .head = head,
                  .head_bytes = {},
                  .persistence = Persistence::close};
  // Whoever asked for another host is not shown this site's pages.
  if (verdict.status != 421) take_rules_of_root(request);
  Response response = refuse(request, verdict.status, verdict.reason, verdict.more_fields);
  finish_answer(request, response);
  response.is_last = true;
  co_await send_and_log(connection, context, head, response);
  connection.consume(arrived_of(head, connection));
  co_return Afterwards::linger_and_close;
}

}  // namespace perchild
