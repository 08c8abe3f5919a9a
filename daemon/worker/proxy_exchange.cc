#include "daemon/worker/proxy_exchange.h"

#include <algorithm>

#include "vhosts/files/response_head.h"
#include "vhosts/gateway/forwarded_head.h"
#include "vhosts/http1/chunk_framing.h"

namespace perchild {
namespace {

using gateway::AnswerFraming;

constexpr int early_hints = 103;
constexpr unsigned most_hints = 8;  // of one request

// As the client wrote it, unless a rule has led elsewhere: a backend may tell spellings apart. But
// "/admin/../x" has been let in as "/x", and is nothing else for a backend that keeps "..".
std::string target_of(const Request& request) {
  std::string target(request.head.path);
  if (request.moves != 0 || request.had_dot_segments) {
    target = files::percent_encoded_path(request.path);
  }
  if (!request.query.empty()) target.append("?").append(request.query);
  return target;
}

http1::BodyFraming framing_of(const Request& request, const ProgramInput& input) {
  if (request.head.body == http1::BodyFraming::none) return http1::BodyFraming::none;
  return input.length() ? http1::BodyFraming::content_length : http1::BodyFraming::chunked;
}

}  // namespace

ProxyExchange::ProxyExchange(Connection& connection, SessionContext& context, Request& request,
                             Response& response, BackendStream& stream, ProgramInput& input,
                             Sending& sending)
    : ProgramExchange(connection, context, request, response, stream, input, sending),
      upgrade_(gateway::wanted_upgrade(request.head, request.head_bytes)),
      sends_chunks_(framing_of(request, input) == http1::BodyFraming::chunked),
      parser_({.head = request.head_only(), .upgrade = !upgrade_.empty()}) {
  const std::string target = target_of(request);
  const bool is_written = gateway::write_forwarded_head(
      {.head = request.head,
       .bytes = request.head_bytes,
       .target = target,
       .own_host = request.site.settings.hosts.front().name.view(),
       .client = connection.peer().host(),
       .from_proxy = request.client.host() != connection.peer().host(),
       .https = request.over_https,
       .keep_alive = true,
       .upgrade = upgrade_,
       .body = framing_of(request, input),
       .content_length = input.length().value_or(0)},
      prelude());
  if (!is_written) fail(431, "the Connection field names too many options");
}

bool ProxyExchange::is_reusable() const {
  return has_head() && is_ended() && head_.keep_alive && is_clean_ && has_sent_all_input();
}

std::optional<std::string_view> ProxyExchange::bytes_of_other_protocol() const {
  if (!has_head() || head_.status != 101) return std::nullopt;
  return std::string_view(head_text_).substr(head_.length);
}

// ---- the response

// RFC 8297. Of its fields only what to fetch: whatever else it says, the final head says again. A
// client of HTTP/1.0 knows of no interim responses.
void ProxyExchange::pass_hints(std::string_view head) {
  if (hints_ == most_hints || request().head.version == http1::Version::http_1_0) return;
  std::string links;
  gateway::for_each_backend_field(head, [&](const http1::Field& field) {
    if (!http1::equals_ignoring_case(field.name, "link")) return;
    links.append("Link: ").append(field.value).append("\r\n");
  });
  if (links.empty()) return;
  ++hints_;
  put_interim("HTTP/1.1 103 Early Hints\r\n" + links + "\r\n");
}

// Whether the head is complete; then it is kept, and `bytes` begin behind it.
bool ProxyExchange::take_head(std::string_view& bytes) {
  for (;;) {
    switch (parser_.parse(bytes)) {
      case gateway::BackendHeadParser::State::incomplete:
        incomplete_.assign(bytes);
        return false;
      case gateway::BackendHeadParser::State::rejected:
        fail(502, gateway::text_of(parser_.reason()));
        return false;
      case gateway::BackendHeadParser::State::complete:
        break;
    }
    head_ = parser_.head(bytes);
    if (!head_.is_interim()) break;
    // 100 answers an Expect, which has been answered here and was not sent on.
    if (head_.status == early_hints) pass_hints(bytes);
    bytes.remove_prefix(head_.length);
    parser_.reset();
  }
  // Of another protocol all bytes that have come with the head are kept.
  head_text_.assign(head_.status == 101 ? bytes : bytes.substr(0, head_.length));
  head_ = parser_.head(head_text_);
  bytes.remove_prefix(head_.length);
  if (head_.framing == AnswerFraming::content_length || head_.has_content_length) {
    set_head(head_.content_length);
  } else {
    set_head(std::nullopt);
  }
  left_ = head_.content_length;
  return true;
}

void ProxyExchange::take_output(std::string_view bytes) {
  // Its time is for the next part: what goes on for long is no mistake of it.
  context().runner.begin_time(stream());
  if (has_head()) return take_body(bytes);
  if (!incomplete_.empty()) bytes = incomplete_.append(bytes);
  if (take_head(bytes)) take_body(bytes);
}

void ProxyExchange::take_body(std::string_view bytes) {
  switch (head_.framing) {
    case AnswerFraming::none:
      is_clean_ = bytes.empty();
      return end_body();
    case AnswerFraming::content_length: {
      const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size()));
      put_body(bytes.substr(0, count));
      left_ -= count;
      is_clean_ = count == bytes.size();
      if (left_ == 0) end_body();
      return;
    }
    case AnswerFraming::chunked:
      return take_chunks(bytes);
    case AnswerFraming::until_close:
      return put_body(bytes);
  }
}

void ProxyExchange::take_chunks(std::string_view bytes) {
  using State = http1::ChunkedDecoder::State;
  for (;;) {
    const http1::ChunkedDecoder::Step step = decoder_.next(bytes);
    bytes.remove_prefix(step.consumed);
    switch (step.state) {
      case State::data:
        put_body(step.data);
        break;
      case State::incomplete:
        return;
      case State::done:
        is_clean_ = bytes.empty();
        return end_body();
      case State::rejected:
        return fail(502, http1::text_of(decoder_.reason()));
    }
  }
}

void ProxyExchange::take_end() {
  is_clean_ = false;
  if (!has_head()) {
    parser_.finish();
    return fail(502, gateway::text_of(parser_.reason()));
  }
  if (head_.framing == AnswerFraming::until_close) return end_body();
  fail(502, "the backend closed in the middle of its response");
}

void ProxyExchange::for_each_field(const FieldSink& sink) const {
  if (head_.status == 101) {
    sink({.name = "Connection", .value = "upgrade"});
    sink({.name = "Upgrade", .value = head_.upgrade});
  }
  gateway::for_each_backend_field(head_text_, sink);
}

// ---- the request's body

// A chunk's end goes in front of what follows it.
void ProxyExchange::frame_input(std::string_view piece, std::string& before) {
  if (!sends_chunks_) return;
  http1::ChunkSizeLine size_line;
  if (has_sent_chunk_) before.append(http1::end_of_chunk);
  before.append(http1::chunk_size_line(piece.size(), size_line));
  has_sent_chunk_ = true;
}

void ProxyExchange::end_input(std::string& before) {
  if (!sends_chunks_) return;
  if (has_sent_chunk_) before.append(http1::end_of_chunk);
  before.append(http1::end_of_chunks);
}

}  // namespace perchild
