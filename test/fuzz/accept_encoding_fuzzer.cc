// accepted_codings(): whatever a client sends, qualities are within their range, and only what is
// named or covered by a star is accepted.
#include "test/fuzz/fuzz_driver.h"
#include "vhosts/http1/accept_encoding.h"

namespace {

using namespace perchild;
using perchild::fuzz::check;

bool has_ignoring_case(std::string_view text, std::string_view part) {
  for (std::size_t at = 0; at + part.size() <= text.size(); ++at) {
    std::size_t i = 0;
    while (i < part.size() && (text[at + i] | 0x20) == (part[i] | 0x20)) ++i;
    if (i == part.size()) return true;
  }
  return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view field = perchild::fuzz::to_view(data, size);
  const http1::AcceptedCodings accepted = http1::accepted_codings(field);
  const bool has_star = field.find('*') != std::string_view::npos;
  for (std::size_t i = 0; i < coding_count; ++i) {
    check(accepted.quality[i] <= 1000, "a quality is at most 1");
    const bool is_named = has_ignoring_case(field, coding_names[i]);
    check(accepted.quality[i] == 0 || is_named || has_star, "what is accepted was asked for");
  }
  check(accepted.identity <= 1000, "so is that of the plain representation");
  check(accepted.identity == 1 || has_star || has_ignoring_case(field, "identity"),
        "it is acceptable unless something is said of it");
  return 0;
}
