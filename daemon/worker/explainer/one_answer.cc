#include "daemon/worker/explainer/one_answer.h"

#include <memory>

#include "daemon/worker/answer.h"
#include "daemon/worker/entry.h"

namespace perchild {
namespace {

constexpr int asks_for_password = 401;

// The head as a client would see it, a field a line, without what is the same for all.
void add_head(Explanation& explanation, const Response& response) {
  http1::for_each_field(response.head, [&](const http1::Field& field) {
    if (http1::equals_ignoring_case(field.name, "date")) return;
    explanation.note("header", field.name, ": ", field.value);
  });
}

}  // namespace

void explain(ServedSite& site, const AskedRequest& asked, Explanation& explanation) {
  const std::string_view bytes = asked.head;
  http1::HeadParser parser;
  const auto state = parser.parse(bytes);
  if (state != http1::HeadParser::State::complete) {
    explanation.note("answer", std::to_string(http1::status_of(parser.reason())), ", ",
                     http1::text_of(parser.reason()));
    return;
  }
  const http1::RequestHead head = parser.head(bytes);
  const auto buffer = std::make_unique<IoBuffer>();
  const auto address = logs::ClientAddress::of(asked.client, 0);
  Request request{.site = site,
                  .buffer = *buffer,
                  .client = address,
                  .head = head,
                  .head_bytes = bytes.substr(0, head.length),
                  .persistence = files::Persistence::keep_alive};
  request.over_https = asked.over_tls;
  request.explanation = &explanation;
  Response response;
  Progress progress = begin_answer(request, response);
  while (progress == Progress::entered) {
    const bool refused = judge_entry(request, response, Clock::now()) == Entry::refused;
    if (refused && response.status != asks_for_password) break;
    // What is behind a password is explained too: who asks may read all of it anyway.
    if (refused) explanation.note("password", "asked for; to who has it, what follows");
    progress = continue_answer(request, response);
  }
  if (progress == Progress::by_program) {
    explanation.note("answer", "by the program, which is not asked");
    return;
  }
  finish_answer(request, response);
  explanation.note("answer", std::to_string(response.status), response.problem.empty() ? "" : ", ",
                   response.problem);
  add_head(explanation, response);
}

}  // namespace perchild
