#include "daemon/worker/entry.h"

#include <array>
#include <cstdio>

#include "daemon/worker/answer.h"
#include "daemon/worker/head_rules.h"
#include "daemon/worker/worker_loop.h"

namespace perchild {
namespace {

using access::Credentials;
using access::EntryRules;

const EntryRules& rules_of(const Request& request) {
  return request.rules->entry();
}

std::optional<Credentials> credentials_of(const Request& request) {
  return access::parse_basic_credentials(request.head.authorization, request.buffer.credentials);
}

Response too_many(const Request& request, Admission::Duration wait, std::string_view problem) {
  std::array<char, 40> field;
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(wait).count();
  const int length = std::snprintf(field.data(), field.size(), "Retry-After: %lld\r\n",
                                   static_cast<long long>(seconds));
  return refuse(request, 429, problem, {field.data(), static_cast<std::size_t>(length)});
}

Response ask_for_password(const Request& request, std::string_view problem) {
  return refuse(request, 401, problem, rules_of(request).challenge());
}

}  // namespace

Entry judge_rate(Request& request, Response& response, Clock::time_point now) {
  const auto wait = request.site.admission.take_request(request.client.bytes(), now);
  if (wait.count() == 0) return Entry::granted;
  take_rules_of_root(request);
  response = too_many(request, wait, "more requests than this address may make");
  return Entry::refused;
}

Entry judge_entry(Request& request, Response& response, Clock::time_point now) {
  const EntryRules& rules = rules_of(request);
  if (!rules.addresses().permits(request.client.bytes())) {
    response = refuse(request, 403, "not permitted from this address");
    return Entry::refused;
  }
  if (!rules.list() || is_cors_preflight(request)) return Entry::granted;
  // A client that has said nothing yet is asked, which is nothing to be logged as a problem.
  if (request.head.authorization.empty()) {
    response = ask_for_password(request, {});
    return Entry::refused;
  }
  const auto credentials = credentials_of(request);
  if (!credentials) {
    response = ask_for_password(request, "the client's credentials cannot be read");
    return Entry::refused;
  }
  request.user = credentials->user;
  if (request.site.admission.passwords.knows(*rules.list(), *credentials, now)) {
    return Entry::granted;
  }
  const auto wait = request.site.admission.wait_of(request.client.bytes(), request.user, now);
  if (wait.count() == 0) return Entry::takes_password;
  response = too_many(request, wait, "too many wrong passwords, from this address or for the user");
  response.subject = request.user;
  return Entry::refused;
}

Task<Entry> check_password(Connection& connection, SessionContext& context, Request& request,
                           Response& response) {
  const std::uint32_t list = *rules_of(request).list();
  const Credentials credentials = *credentials_of(request);
  Admission& admission = request.site.admission;
  PasswordQuestion question{.connection = connection,
                            .visitor = visitor_of(request.client.bytes()),
                            .list = list,
                            .credentials = credentials};
  if (!context.checks.ask(question)) {
    response = too_many(request, std::chrono::seconds(1), "too many passwords wait to be checked");
    co_return Entry::refused;
  }
  Wait answer(connection, Wait::For::answer, context.patience.check, Wait::Deadline::anew);
  co_await answer;
  context.checks.withdraw(question);
  const Clock::time_point now = connection.loop().now();
  if (!question.verdict) {
    response = refuse(request, 503, "the password could not be checked in time");
    co_return Entry::refused;
  }
  if (*question.verdict == PasswordVerdict::right) {
    admission.passwords.remember(list, credentials, now);
    co_return Entry::granted;
  }
  if (*question.verdict == PasswordVerdict::unavailable) {
    response = refuse(request, 500, "the password list cannot be used");
    co_return Entry::refused;
  }
  admission.on_failure(request.client.bytes(), request.user, now);
  // The one who guesses waits; nobody else does.
  Wait penalty(connection, Wait::For::answer, context.patience.penalty, Wait::Deadline::anew);
  co_await penalty;
  response = ask_for_password(request, "wrong password, or no such user:");
  response.subject = request.user;
  co_return Entry::refused;
}

}  // namespace perchild
