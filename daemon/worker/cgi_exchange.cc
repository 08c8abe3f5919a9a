#include "daemon/worker/cgi_exchange.h"

#include <charconv>

#include "vhosts/http1/authority.h"

namespace perchild {
namespace {

// As the client sees it: the port that it has named.
std::uint16_t server_port_of(const Request& request) {
  std::uint16_t port = request.over_https ? http1::https_port : http1::http_port;
  http1::for_each_field(request.head_bytes, [&](const http1::Field& field) {
    if (!http1::equals_ignoring_case(field.name, "host")) return;
    const auto authority = http1::split_authority(field.value);
    if (authority) port = authority->port.value_or(port);
  });
  return port;
}

std::uint16_t client_port_of(const Request& request) {
  const std::string_view text = request.client.host_and_port();
  std::uint16_t port = 0;
  const std::size_t colon = text.rfind(':');
  if (colon != std::string_view::npos) {
    std::from_chars(text.data() + colon + 1, text.data() + text.size(), port);
  }
  return port;
}

}  // namespace

gateway::CgiRequest cgi_request_of(const Request& request, const ProgramInput& input,
                                   const logs::ClientAddress& local) {
  const SiteSettings& settings = request.site.settings;
  const ProgramCall& call = *request.call;
  std::string_view root = settings.root;
  if (root.ends_with('/')) root.remove_suffix(1);
  return {.head = request.head,
          .bytes = request.head_bytes,
          .document_root = root,
          .script_name = call.script,
          // What takes every path has no script: all of the path is for it.
          .path_info = call.script.empty() ? request.path : std::string_view(call.path_info),
          .query = request.query,
          .server_name = settings.hosts.front().name.view(),
          .server_address = local.host(),
          .server_port = server_port_of(request),
          .remote_address = request.client.host(),
          .remote_port = client_port_of(request),
          .remote_user = request.user,
          .https = request.over_https,
          .content_length = input.length()};
}

// ---- the head

// Whether the head is complete; then it is kept, and `bytes` begin behind it.
bool CgiExchange::take_head(std::string_view& bytes) {
  if (!incomplete_.empty()) bytes = incomplete_.append(bytes);
  switch (parser_.parse(bytes)) {
    case gateway::CgiHeadParser::State::incomplete:
      incomplete_.assign(bytes);
      return false;
    case gateway::CgiHeadParser::State::rejected:
      fail(502, gateway::text_of(parser_.reason()));
      return false;
    case gateway::CgiHeadParser::State::complete:
      break;
  }
  head_text_.assign(bytes.substr(0, parser_.head(bytes).length));
  head_ = parser_.head(head_text_);
  bytes.remove_prefix(head_.length);
  if (head_.kind == gateway::CgiResponse::local_redirect) {
    move(head_.location);
    return false;
  }
  set_head(head_.content_length);
  return true;
}

void CgiExchange::take_output(std::string_view bytes) {
  if (has_head() || take_head(bytes)) put_body(bytes);
}

void CgiExchange::take_end() {
  if (!has_head()) {
    parser_.finish();
    return fail(502, gateway::text_of(parser_.reason()));
  }
  end_body();
}

void CgiExchange::for_each_field(const FieldSink& sink) const {
  gateway::for_each_cgi_field(head_text_, sink);
}

// ---- FastCGI

bool FastCgiExchange::begin(const gateway::CgiRequest& request, bool keep) {
  gateway::FastCgiRequest records(prelude(), keep);
  const bool is_good = gateway::write_cgi_variables(request, records);
  if (records.finish() && is_good) return true;
  fail(431, "the request does not fit into variables");
  return false;
}

void FastCgiExchange::take_output(std::string_view bytes) {
  using State = gateway::FastCgiDecoder::State;
  for (;;) {
    const auto step = decoder_.next(bytes);
    bytes.remove_prefix(step.consumed);
    switch (step.state) {
      case State::incomplete:
        return;
      case State::output:
        CgiExchange::take_output(step.data);
        break;
      case State::error_output:
        stderr_.add(step.data);
        break;
      case State::ended:
        is_clean_ = bytes.empty();
        return take_request_end();
      case State::rejected:
        return fail(502, gateway::text_of(decoder_.reason()));
    }
  }
}

// It has ended before the request did.
void FastCgiExchange::take_end() {
  fail(502, has_head() ? "the program ended in the middle of its response"
                       : "the program ended without a response");
}

void FastCgiExchange::take_request_end() {
  if (decoder_.protocol_status() == gateway::ProtocolStatus::overloaded) {
    return fail(503, "the program has too much to do");
  }
  if (decoder_.protocol_status() != gateway::ProtocolStatus::complete) {
    return fail(502, "the program refuses the request");
  }
  CgiExchange::take_end();
}

void FastCgiExchange::frame_input(std::string_view piece, std::string& before) {
  const gateway::RecordHeader header = gateway::body_record_header(piece.size());
  before.append(header.data(), header.size());
}

void FastCgiExchange::end_input(std::string& before) {
  const gateway::RecordHeader header = gateway::body_record_header(0);
  before.append(header.data(), header.size());
}

}  // namespace perchild
