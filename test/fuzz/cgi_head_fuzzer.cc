// CgiHeadParser: the same whole, one byte at a time and split anywhere; what it accepts, read again
// the simple way, holds nothing that must not be passed on.
#include <string>

#include "test/fuzz/fuzz_driver.h"
#include "vhosts/gateway/cgi_head.h"

namespace {

using namespace perchild;
using namespace perchild::gateway;
using fuzz::check;
using fuzz::is_within;
using State = CgiHeadParser::State;

struct Outcome {
  State state = State::incomplete;
  int reason = -1;
  std::string head;

  friend bool operator==(const Outcome&, const Outcome&) = default;
};

Outcome outcome_of(const CgiHeadParser& parser, State state, std::string_view bytes) {
  Outcome outcome{state, -1, {}};
  if (state == State::rejected) outcome.reason = static_cast<int>(parser.reason());
  if (state != State::complete) return outcome;
  const CgiHead head = parser.head(bytes);
  for (const std::string_view view : {head.reason, head.location, head.content_type}) {
    check(is_within(view, bytes.substr(0, head.length)), "a view is in the head");
    outcome.head.append(view).append("|");
  }
  outcome.head += std::to_string(head.status) + '|' + std::to_string(head.length) + '|' +
                  std::to_string(static_cast<int>(head.kind)) + '|' +
                  std::to_string(head.content_length.value_or(0));
  return outcome;
}

template <typename NextSize>
Outcome parse(std::string_view bytes, NextSize next_size) {
  CgiHeadParser parser;
  for (std::size_t size = next_size(); size < bytes.size(); size += next_size()) {
    const std::string part(bytes.substr(0, size));
    const State state = parser.parse(part);
    if (state != State::incomplete) return outcome_of(parser, state, part);
  }
  return outcome_of(parser, parser.parse(bytes), bytes);
}

void check_accepted(std::string_view bytes) {
  CgiHeadParser parser;
  (void)parser.parse(bytes);
  const CgiHead head = parser.head(bytes);
  const std::string_view text = bytes.substr(0, head.length);
  check(head.length <= max_answer_head_bytes, "it is not too large");
  check(text.ends_with("\n\n") || text.ends_with("\n\r\n"), "it ends with an empty line");
  check(head.status >= 200 && head.status <= 599, "it has a final status");
  std::size_t fields = 0;
  for_each_cgi_field(bytes, [&](const http1::Field& field) {
    ++fields;
    check(is_within(field.name, text) && is_within(field.value, text), "fields are in the head");
    for (const char c : field.value) {
      check(c == '\t' || static_cast<unsigned char>(c) >= 0x20, "no control character");
    }
    check(!is_hop_by_hop(field.name), "nothing is passed on that is about the connection");
  });
  check(fields <= max_answer_fields, "there are not too many");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = fuzz::to_view(data, size);
  const Outcome whole = parse(bytes, [size] { return size + 1; });
  check(whole == parse(bytes, [] { return std::size_t{1}; }), "the same one byte at a time");
  fuzz::Choices choices(bytes);
  check(whole == parse(bytes, [&] { return choices.up_to(size / 3) + 1; }), "the same in parts");
  if (whole.state == State::complete) check_accepted(bytes);
  return 0;
}
