// BackendHeadParser: the same whole, one byte at a time and split anywhere; what it accepts is a
// head that every reader of RFC 9112 delimits in the same way.
#include <sstream>
#include <string>

#include "test/fuzz/fuzz_driver.h"
#include "vhosts/gateway/backend_head.h"

namespace {

using namespace perchild;
using namespace perchild::gateway;
using fuzz::check;
using fuzz::is_within;
using State = BackendHeadParser::State;

struct Outcome {
  State state = State::incomplete;
  int reason = -1;
  std::string head;

  friend bool operator==(const Outcome&, const Outcome&) = default;
};

Outcome outcome_of(const BackendHeadParser& parser, State state, std::string_view bytes) {
  Outcome outcome{state, -1, {}};
  if (state == State::rejected) outcome.reason = static_cast<int>(parser.reason());
  if (state != State::complete) return outcome;
  const BackendHead head = parser.head(bytes);
  for (const std::string_view view : {head.reason, head.upgrade}) {
    check(is_within(view, bytes.substr(0, head.length)), "a view is in the head");
    outcome.head.append(view).append("|");
  }
  outcome.head += std::to_string(head.status) + '|' + std::to_string(head.length) + '|' +
                  std::to_string(static_cast<int>(head.framing)) + '|' +
                  std::to_string(head.content_length) + (head.keep_alive ? '+' : '-');
  return outcome;
}

template <typename NextSize>
Outcome parse(std::string_view bytes, AskedOfBackend asked, NextSize next_size) {
  BackendHeadParser parser(asked);
  for (std::size_t size = next_size(); size < bytes.size(); size += next_size()) {
    const std::string part(bytes.substr(0, size));
    const State state = parser.parse(part);
    if (state != State::incomplete) return outcome_of(parser, state, part);
  }
  return outcome_of(parser, parser.parse(bytes), bytes);
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

std::string lower_case(std::string_view text) {
  std::string lower;
  for (const char c : text) lower += http1::to_lower(c);
  return lower;
}

void add_options(std::string_view list, std::string& options) {
  std::istringstream elements{std::string(list)};
  for (std::string element; std::getline(elements, element, ',');) {
    options += "," + lower_case(http1::trim_whitespace(element)) + ",";
  }
}

void check_accepted(std::string_view bytes, AskedOfBackend asked) {
  BackendHeadParser parser(asked);
  (void)parser.parse(bytes);
  const BackendHead head = parser.head(bytes);
  const std::string_view text = bytes.substr(0, head.length);
  check(head.length <= max_answer_head_bytes, "it is not too large");
  check(head.status >= 100 && head.status <= 599, "the status is one");
  check(head.status != 101 || asked.upgrade, "no other protocol but if asked for");
  check_lines(text);
  std::size_t lengths = 0;
  std::size_t encodings = 0;
  std::string options;  // ",close,x-own,"
  std::string_view rest = after_status_line(text);
  while (const auto field = next_answer_field(rest)) {
    if (http1::equals_ignoring_case(field->name, "content-length")) ++lengths;
    if (http1::equals_ignoring_case(field->name, "transfer-encoding")) ++encodings;
    if (http1::equals_ignoring_case(field->name, "connection")) add_options(field->value, options);
  }
  check(lengths + encodings <= 1, "at most one field frames");
  check(head.framing != AnswerFraming::chunked || encodings == 1, "chunks are said to be");
  check(head.framing != AnswerFraming::content_length || lengths == 1, "a length is said");
  check(head.framing == AnswerFraming::none || !asked.head, "HEAD has no body");
  for_each_backend_field(text, [&](const http1::Field& field) {
    check(is_within(field.name, text) && is_within(field.value, text), "fields are in the head");
    check(!is_hop_by_hop(field.name), "nothing is passed on that is about the connection");
    check(options.find("," + lower_case(field.name) + ",") == std::string::npos,
          "nothing is passed on that a Connection field names");
  });
}

}  // namespace

// The first byte is what was asked.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const AskedOfBackend asked{.head = (data[0] & 1) != 0, .upgrade = (data[0] & 2) != 0};
  const std::string_view bytes = fuzz::to_view(data + 1, size - 1);
  const Outcome whole = parse(bytes, asked, [size] { return size; });
  check(whole == parse(bytes, asked, [] { return std::size_t{1}; }), "the same one byte at a time");
  fuzz::Choices choices(bytes);
  check(whole == parse(bytes, asked, [&] { return choices.up_to(size / 3) + 1; }),
        "the same in parts");
  if (whole.state == State::complete) check_accepted(bytes, asked);
  return 0;
}
