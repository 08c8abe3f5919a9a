#include "policy/pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <algorithm>
#include <cstdlib>

namespace perchild {
namespace {

// Backtracking steps: some milliseconds. A pattern that needs more for a path is a mistake, or the
// path was made to hurt it.
constexpr std::uint32_t most_steps = 100'000;
constexpr std::uint32_t most_depth = 10'000;
constexpr std::uint32_t most_heap_kib = 4096;
constexpr std::uint32_t deepest_nesting = 50;

using CompileContext =
    std::unique_ptr<pcre2_compile_context, decltype(&pcre2_compile_context_free)>;

// NEVER_UTF: paths may hold any bytes. NEVER_BACKSLASH_C is for UTF only.
constexpr std::uint32_t options = PCRE2_NEVER_UTF | PCRE2_DOLLAR_ENDONLY;

std::string sentence_of(int error) {
  std::array<PCRE2_UCHAR, 128> text{};
  if (pcre2_get_error_message(error, text.data(), text.size()) == PCRE2_ERROR_BADDATA) return {};
  return std::string(reinterpret_cast<const char*>(text.data()));
}

}  // namespace

std::optional<Pattern> Pattern::compile(std::string_view text, PatternProblem& problem) {
  if (text.size() > longest_pattern) {
    problem = {0, "it is longer than " + std::to_string(longest_pattern) + " bytes"};
    return std::nullopt;
  }
  const CompileContext context(pcre2_compile_context_create(nullptr), &pcre2_compile_context_free);
  if (context == nullptr) std::abort();  // no memory
  pcre2_set_parens_nest_limit(context.get(), deepest_nesting);
  int error = 0;
  PCRE2_SIZE offset = 0;
  pcre2_code* const code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(),
                                         options, &error, &offset, context.get());
  if (code == nullptr) {
    problem = {std::min<std::size_t>(offset, text.size()), sentence_of(error)};
    return std::nullopt;
  }
  return Pattern(code, text);
}

std::uint32_t Pattern::groups() const {
  std::uint32_t count = 0;
  pcre2_pattern_info(code_.get(), PCRE2_INFO_CAPTURECOUNT, &count);
  return count;
}

void Pattern::Free::operator()(pcre2_code* code) const {
  pcre2_code_free(code);
}

PatternMatcher::PatternMatcher()
    : data_(pcre2_match_data_create(most_captures, nullptr)),
      context_(pcre2_match_context_create(nullptr)) {
  if (data_ == nullptr || context_ == nullptr) std::abort();  // no memory
  pcre2_set_match_limit(context_.get(), most_steps);
  pcre2_set_depth_limit(context_.get(), most_depth);
  pcre2_set_heap_limit(context_.get(), most_heap_kib);
}

MatchOutcome PatternMatcher::match(const Pattern& pattern, std::string_view subject,
                                   Captures& captures) const {
  const int result = pcre2_match(pattern.code_.get(), reinterpret_cast<PCRE2_SPTR>(subject.data()),
                                 subject.size(), 0, 0, data_.get(), context_.get());
  if (result == PCRE2_ERROR_NOMATCH) return MatchOutcome::not_matched;
  // The limits, or no memory. 0: matched, with more groups than there is room for.
  if (result < 0) return MatchOutcome::too_costly;
  const auto known = result == 0 ? most_captures : static_cast<std::size_t>(result);
  const PCRE2_SIZE* const offsets = pcre2_get_ovector_pointer(data_.get());
  for (std::size_t i = 0; i < most_captures; ++i) {
    const bool is_set = i < known && offsets[2 * i] != PCRE2_UNSET;
    // \K in a lookahead can put the start behind the end.
    const bool is_forward = is_set && offsets[2 * i] <= offsets[2 * i + 1];
    captures[i] = is_forward ? subject.substr(offsets[2 * i], offsets[2 * i + 1] - offsets[2 * i])
                             : std::string_view();
  }
  return MatchOutcome::matched;
}

void PatternMatcher::Free::operator()(pcre2_match_data* data) const {
  pcre2_match_data_free(data);
}
void PatternMatcher::Free::operator()(pcre2_match_context* context) const {
  pcre2_match_context_free(context);
}

}  // namespace perchild
