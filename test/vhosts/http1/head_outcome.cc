#include "test/vhosts/http1/head_outcome.h"

#include <algorithm>
#include <ostream>
#include <sstream>

namespace perchild::http1 {
namespace {

std::string to_text(const RequestHead& head) {
  std::ostringstream out;
  out << "method " << static_cast<int>(head.method) << ' ' << head.method_text << "\nversion "
      << static_cast<int>(head.version) << "\ntarget " << head.target << "\npath " << head.path
      << "\nquery " << head.query << "\nhost " << (head.host ? head.host->view() : "(none)")
      << "\nbody " << static_cast<int>(head.body) << ' ' << head.content_length << "\nkeep_alive "
      << head.keep_alive << "\nexpect " << head.expect_continue << "\nif_none_match "
      << head.if_none_match << "\nif_modified_since " << head.if_modified_since << "\nuser_agent "
      << head.user_agent << "\nreferer " << head.referer << "\nauthorization " << head.authorization
      << "\nrange " << head.range << "\nif_range " << head.if_range << "\naccept_encoding "
      << head.accept_encoding << "\nupgrade " << head.upgrade << "\npreconditions "
      << head.has_preconditions << "\nlength " << head.length << '\n';
  return out.str();
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const HeadOutcome& outcome) {
  out << "state " << static_cast<int>(outcome.state) << '\n';
  if (outcome.reason) out << "reason " << text_of(*outcome.reason) << '\n';
  return out << outcome.head;
}

HeadOutcome outcome_of(const HeadParser& parser, HeadParser::State state, std::string_view bytes) {
  HeadOutcome outcome{state, std::nullopt, {}};
  if (state == HeadParser::State::rejected) outcome.reason = parser.reason();
  if (state != HeadParser::State::incomplete) outcome.head = to_text(parser.head(bytes));
  return outcome;
}

HeadOutcome parse_whole(std::string_view bytes) {
  HeadParser parser;
  return outcome_of(parser, parser.parse(bytes), bytes);
}

HeadOutcome parse_in_parts(std::string_view bytes, const std::vector<std::size_t>& sizes) {
  HeadParser parser;
  std::size_t size = 0;
  for (const std::size_t part : sizes) {
    size = std::min(bytes.size(), size + part);
    const std::vector<char> copy(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
    const std::string_view view(copy.data(), copy.size());
    const auto state = parser.parse(view);
    if (state != HeadParser::State::incomplete) return outcome_of(parser, state, view);
  }
  return outcome_of(parser, parser.parse(bytes), bytes);
}

HeadOutcome parse_by_byte(std::string_view bytes) {
  return parse_in_parts(bytes, std::vector<std::size_t>(bytes.size(), 1));
}

}  // namespace perchild::http1
