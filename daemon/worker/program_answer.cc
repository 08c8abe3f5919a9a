#include "daemon/worker/program_answer.h"

#include <utility>

#include "daemon/worker/answer.h"
#include "daemon/worker/cgi_exchange.h"
#include "daemon/worker/proxy_exchange.h"
#include "daemon/worker/tunnel.h"
#include "vhosts/gateway/cgi_call.h"

namespace perchild {
namespace {

constexpr std::string_view retry_soon = "Retry-After: 1\r\n";
// Connections that were at rest, and that their program has closed meanwhile.
constexpr int most_tries = 3;

const ProgramSettings& program_of(const Request& request) {
  return request.site.settings.programs[request.call->program];
}

bool is_idempotent(http1::Method method) {
  return method == http1::Method::get || method == http1::Method::head ||
         method == http1::Method::options;
}

struct Refusal {
  int status;
  std::string_view problem;
};

Refusal refusal_of(NotAcquiredReason reason) {
  switch (reason) {
    case NotAcquiredReason::cannot_start:
      break;
    case NotAcquiredReason::unreachable:
      return {502, "nobody listens where the program should"};
    case NotAcquiredReason::forbidden:
      return {403, "the script is not as it must be to be run, or the socket not the site's own"};
    case NotAcquiredReason::not_found:
      return {404, no_such_file};  // it has gone meanwhile
    case NotAcquiredReason::cannot_run:
      return {500, "the script cannot be run"};
    case NotAcquiredReason::withdrawn:
      break;  // nobody waits for that any more, if the runner says what is so
  }
  return {503, "the program cannot be started"};
}

// `input` may not be at its end: then the connection can serve no other request.
ExchangeEnd refuse_request(Request& request, Response& response, const ProgramInput& input,
                           Refusal refusal) {
  if (input.awaited() != nullptr) request.persistence = files::Persistence::close;
  response = refuse(request, refusal.status, refusal.problem,
                    refusal.status == 503 ? retry_soon : std::string_view());
  response.subject = request.call->script;
  return ExchangeEnd::refused;
}

// Until there is a connection to the program, that has been asked for; `complete` if so.
Task<ExchangeEnd> wait_for_program(Connection& connection, SessionContext& context,
                                   Request& request, Response& response, const ProgramInput& input,
                                   ProgramTicket& ticket) {
  auto deadline = Wait::Deadline::anew;
  while (!ticket.is_answered()) {
    Wait wait(connection, Wait::For::progress, context.runner.queue_of(ticket.program), deadline);
    const WakeReason wake = co_await wait;
    deadline = Wait::Deadline::kept;
    if (ticket.is_answered()) break;
    if (wake == WakeReason::timed_out || connection.peer_closed()) {
      context.runner.withdraw(ticket);
      if (wake != WakeReason::timed_out) co_return ExchangeEnd::client_gone;
      co_return refuse_request(request, response, input,
                               {503, "the program had no time for the request"});
    }
  }
  connection.deadline.unlink();
  if (!ticket.refused) co_return ExchangeEnd::complete;
  co_return refuse_request(request, response, input, refusal_of(*ticket.refused));
}

// None if it is more than the runner may be asked.
std::optional<std::string> packed_call_of(const Connection& connection, const Request& request,
                                          ProgramInput& input) {
  gateway::CgiCall call;
  call.script = request.call->script.substr(1);
  call.body = input.take_whole();
  gateway::EnvironmentSink sink(call.environment);
  const logs::ClientAddress local = connection.local_address();
  if (!gateway::write_cgi_variables(cgi_request_of(request, input, local), sink)) {
    return std::nullopt;
  }
  if (!call.valid()) return std::nullopt;
  return call.pack();
}

std::unique_ptr<ProgramExchange> exchange_of(Connection& connection, SessionContext& context,
                                             Request& request, Response& response,
                                             BackendStream& stream, ProgramInput& input,
                                             Sending& sending) {
  switch (program_of(request).protocol) {
    case ProgramProtocol::fastcgi: {
      auto exchange = std::make_unique<FastCgiExchange>(connection, context, request, response,
                                                        stream, input, sending);
      const logs::ClientAddress local = connection.local_address();
      const bool keep = program_of(request).kind == ProgramKind::fastcgi_pool;
      static_cast<void>(exchange->begin(cgi_request_of(request, input, local), keep));
      return exchange;
    }
    case ProgramProtocol::http:
      return std::make_unique<ProxyExchange>(connection, context, request, response, stream, input,
                                             sending);
    case ProgramProtocol::cgi:
      break;
  }
  return std::make_unique<CgiExchange>(connection, context, request, response, stream, input,
                                       sending);
}

// Who does not wait for an answer may want what is done for it all the same: a WordPress asks
// itself so. But nothing is to be done with half a request.
ReleaseTo what_becomes_of_program(const ProgramExchange& exchange, const BackendStream& stream,
                                  ExchangeEnd end, ProgramKind kind) {
  if (exchange.is_reusable()) return ReleaseTo::rest;
  if (stream.timed_out && (exchange.is_untouched() || kind == ProgramKind::cgi)) {
    return ReleaseTo::silent;
  }
  return end == ExchangeEnd::client_gone && exchange.has_sent_all_input() ? ReleaseTo::finish
                                                                          : ReleaseTo::end;
}

// A program of few processes is not to wait for a body: with a handful of bodies that trickle in a
// visitor would have all of them. What speaks no HTTP is told how long a body is before it gets it:
// one of which that is not known is kept to its end, as far as the site's limit lets it come.
Task<ExchangeEnd> keep_input(Request& request, Response& response, ProgramInput& input) {
  const ProgramSettings& program = program_of(request);
  const bool is_kept_whole = !input.length() && program.protocol != ProgramProtocol::http;
  const std::uint64_t most = is_kept_whole ? UINT64_MAX : program.most_kept;
  const BodyPiece kept = co_await input.keep(most);
  const bool is_enough = kept.kind == BodyPiece::Kind::data || kept.kind == BodyPiece::Kind::end;
  if (is_enough) co_return ExchangeEnd::complete;
  if (kept.kind == BodyPiece::Kind::closed) co_return ExchangeEnd::client_gone;
  co_return refuse_request(request, response, input, {kept.status, kept.problem});
}

}  // namespace

Task<ExchangeEnd> answer_by_program(Connection& connection, SessionContext& context,
                                    Request& request, Response& response, ProgramInput& input,
                                    Sending& sending, std::string& location) {
  const ProgramSettings& program = program_of(request);
  if (input.awaited() != nullptr) {
    const ExchangeEnd kept = co_await keep_input(request, response, input);
    if (kept != ExchangeEnd::complete) co_return kept;
  }
  std::optional<std::string> call;
  if (program.kind == ProgramKind::cgi) {
    call = packed_call_of(connection, request, input);
    if (!call) {
      co_return refuse_request(request, response, input,
                               {431, "the request does not fit into variables"});
    }
  }
  const bool has_input = input.awaited() != nullptr || input.length().value_or(0) != 0;
  // What may have been done already must not be done twice: it is not risked on a connection that
  // a backend may be about to close.
  const bool must_be_new = program.protocol == ProgramProtocol::http &&
                           (has_input || !is_idempotent(request.head.method));
  ExchangeEnd end = ExchangeEnd::refused;
  for (int tries = 1;; ++tries) {
    ProgramTicket ticket{.connection = connection,
                         .program = request.call->program,
                         .call = call ? std::string_view(*call) : std::string_view(),
                         .must_be_new = must_be_new};
    if (!context.runner.ask(ticket)) {
      co_return refuse_request(request, response, input,
                               {503, "too many requests wait for the program"});
    }
    if (ticket.stream == nullptr) {
      const ExchangeEnd got =
          co_await wait_for_program(connection, context, request, response, input, ticket);
      if (got != ExchangeEnd::complete) co_return got;
    }
    const auto exchange =
        exchange_of(connection, context, request, response, *ticket.stream, input, sending);
    end = co_await exchange->run();
    if (!exchange->is_untouched()) context.runner.note_life(request.call->program);
    if (const auto bytes = exchange->bytes_of_other_protocol();
        bytes && end == ExchangeEnd::complete) {
      request.persistence = files::Persistence::close;
      end = co_await tunnel(connection, context, *ticket.stream, request.head.length,
                            std::string(*bytes), sending);
    }
    connection.deadline.unlink();
    sending.pace.drop_period();
    if (!exchange->has_released()) {
      context.runner.release(*ticket.stream,
                             what_becomes_of_program(*exchange, *ticket.stream, end, program.kind));
    }
    location = exchange->location();
    // One that was silent for as long as a request may take has not been closed: it is not asked
    // for another such time.
    const bool was_closed = ticket.reused && exchange->is_untouched() && !ticket.stream->timed_out;
    const bool again = end == ExchangeEnd::refused && was_closed && !has_input &&
                       is_idempotent(request.head.method) && tries < most_tries;
    if (!again) break;
    response = {};
  }
  co_return end;
}

}  // namespace perchild
