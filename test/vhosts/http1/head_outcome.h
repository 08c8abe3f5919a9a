// Everything that a HeadParser says about some bytes, in a form that can be compared and printed.
// Used by the tests and by the fuzzer.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "vhosts/http1/request_head.h"

namespace perchild::http1 {

struct HeadOutcome {
  HeadParser::State state = HeadParser::State::incomplete;
  std::optional<Reject> reason;
  std::string head;  // every member of the RequestHead as text

  friend bool operator==(const HeadOutcome&, const HeadOutcome&) = default;
};
std::ostream& operator<<(std::ostream& out, const HeadOutcome& outcome);

HeadOutcome outcome_of(const HeadParser& parser, HeadParser::State state, std::string_view bytes);

HeadOutcome parse_whole(std::string_view bytes);

// Feeds the first sizes[0] bytes, then the first sizes[0] + sizes[1], ... and at last everything,
// each time in a new buffer of exactly that size. Stops when the parser does.
HeadOutcome parse_in_parts(std::string_view bytes, const std::vector<std::size_t>& sizes);

HeadOutcome parse_by_byte(std::string_view bytes);

}  // namespace perchild::http1
