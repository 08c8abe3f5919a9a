#include "daemon/worker/request_log.h"

#include <chrono>

namespace perchild {
namespace {

// Asks the clock, so only for a log that shows it.
std::uint64_t microseconds_since(const Connection& connection, const logs::AccessLog& log) {
  if (log.format() != LogFormat::json) return 0;
  const auto taken = Clock::now() - connection.request_began;
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(taken).count());
}

void log_problem(const Sending& sending, const http1::RequestHead& head, logs::Severity severity,
                 std::string_view message, std::string_view subject, int error) {
  sending.context.site.error_log.add({.severity = severity,
                                      .client = sending.connection.client().host_and_port(),
                                      .method = head.method_text,
                                      .target = head.target,
                                      .message = message,
                                      .subject = subject,
                                      .error = error});
}

}  // namespace

std::size_t arrived_of(const http1::RequestHead& head, const Connection& connection) {
  return head.length > 0 ? head.length : connection.input().size();
}

void log_request(const Sending& sending, const http1::RequestHead& head, SendOutcome outcome) {
  const Response& response = sending.response;
  Connection& connection = sending.connection;
  ServedSite& site = sending.context.site;
  const Connection::Bytes bytes = connection.take_bytes();
  const std::uint64_t bytes_in = arrived_of(head, connection) + bytes.in;
  site.traffic.count(response.status, bytes_in, bytes.out, connection.request_began);
  site.access_log.add({.host = connection.client().host(),
                       .user = response.user,
                       .method = head.method_text,
                       .target = head.target,
                       .protocol = head.method_text.empty() ? "" : http1::text_of(head.version),
                       .status = response.status,
                       .body_bytes = sending.sent_of_body,
                       .referer = head.referer,
                       .user_agent = head.user_agent,
                       .site = head.host ? head.host->view() : std::string_view(),
                       .bytes_in = bytes_in,
                       .bytes_out = bytes.out,
                       .microseconds = microseconds_since(connection, site.access_log)});
  if (outcome == SendOutcome::too_slow) {
    log_problem(sending, head, logs::Severity::warning, "the client took the response too slowly",
                {}, 0);
  }
  // A file that is not there is the visitor's matter, and in the access log already.
  if (response.problem.empty() || response.problem == no_such_file) return;
  log_problem(sending, head,
              response.status >= 500 ? logs::Severity::error : logs::Severity::warning,
              response.problem, response.subject, response.error);
}

}  // namespace perchild
