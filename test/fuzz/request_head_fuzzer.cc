// HeadParser: the same whole, one byte at a time and split anywhere; what it accepts is a head that
// every reader of RFC 9112 delimits in the same way.
#include <vector>

#include "test/fuzz/fuzz_driver.h"
#include "test/vhosts/http1/head_outcome.h"
#include "vhosts/http1/request_head.h"

namespace {

using namespace perchild::http1;
using perchild::fuzz::check;
using perchild::fuzz::is_within;

void check_views(const RequestHead& head, std::string_view bytes) {
  const bool literal_path = head.path == "/" || head.path == "*";
  check(literal_path || is_within(head.path, bytes), "the path is in the buffer");
  for (const std::string_view view :
       {head.method_text, head.target, head.query, head.if_none_match, head.if_modified_since,
        head.user_agent, head.referer, head.authorization, head.range, head.if_range}) {
    check(is_within(view, bytes), "a view is in the buffer");
  }
  check(head.length <= bytes.size(), "the head is in the buffer");
}

void check_lines(std::string_view head) {
  check(head.ends_with("\r\n\r\n") && head.find("\r\n\r\n") == head.size() - 4,
        "the head ends at its first empty line");
  for (std::size_t i = 0; i < head.size(); ++i) {
    check(head[i] != '\0', "no NUL");
    if (head[i] == '\n') check(i > 0 && head[i - 1] == '\r', "no bare LF");
    if (head[i] == '\r') check(i + 1 < head.size() && head[i + 1] == '\n', "no bare CR");
  }
}

// Reads the fields again, the simple way.
void check_fields(const RequestHead& head, std::string_view bytes) {
  int hosts = 0;
  int lengths = 0;
  int encodings = 0;
  std::size_t fields = 0;
  for_each_field(bytes, [&](const Field& field) {
    ++fields;
    check(is_within(field.name, bytes) && is_within(field.value, bytes),
          "fields are in the buffer");
    check(field.name.find_first_of(" \t\r\n\v\f:") == std::string_view::npos, "names are tokens");
    if (equals_ignoring_case(field.name, "host")) ++hosts;
    if (equals_ignoring_case(field.name, "content-length")) ++lengths;
    if (equals_ignoring_case(field.name, "transfer-encoding")) ++encodings;
  });
  check(fields <= max_fields, "no more fields than allowed");
  check(hosts <= 1 && lengths + encodings <= 1, "at most one Host, and one field that frames");
  check(hosts == 1 || head.version == Version::http_1_0, "HTTP/1.1 has a Host");
  check(head.host.has_value() || head.version == Version::http_1_0, "HTTP/1.1 names a host");
  check((head.body == BodyFraming::content_length) == (lengths == 1), "a length frames");
  check((head.body == BodyFraming::chunked) == (encodings == 1), "an encoding frames");
}

void check_accepted(const RequestHead& head, std::string_view bytes) {
  const std::string_view text = bytes.substr(0, head.length);
  check(head.length <= max_head_bytes && head.target.size() <= max_target_bytes, "limits");
  check_lines(text.starts_with("\r\n") ? text.substr(2) : text);
  check_fields(head, bytes);
  check(head.path.empty() == (head.method == Method::connect), "all but CONNECT have a path");
  check(head.path.empty() || head.path == "*" || head.path.front() == '/', "paths are rooted");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = perchild::fuzz::to_view(data, size);
  const HeadOutcome whole = parse_whole(bytes);
  check(whole == parse_by_byte(bytes), "the same one byte at a time");
  perchild::fuzz::Choices choices(bytes);
  std::vector<std::size_t> sizes(8);
  for (std::size_t& part : sizes) part = choices.up_to(size / 4 + 1);
  check(whole == parse_in_parts(bytes, sizes), "the same in parts");

  HeadParser parser;
  const auto state = parser.parse(bytes);
  const RequestHead head = parser.head(bytes);
  check_views(head, bytes);
  if (state == HeadParser::State::complete) check_accepted(head, bytes);
  return 0;
}
