// Regular expressions of those who configure sites: PCRE2, without its compiler to machine code,
// and with bounds on what a match may cost. They see bytes: no UTF, no locale.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct pcre2_real_code_8;
struct pcre2_real_match_data_8;
struct pcre2_real_match_context_8;

namespace perchild {

inline constexpr std::size_t longest_pattern = 1024;
inline constexpr std::size_t most_captures = 10;  // $0, the whole match, to $9

struct PatternProblem {
  std::size_t offset = 0;  // in the pattern
  std::string sentence;
};

class Pattern {
 public:
  static std::optional<Pattern> compile(std::string_view text, PatternProblem& problem);

  const std::string& text() const { return text_; }
  std::uint32_t groups() const;  // that capture, besides the whole match

 private:
  friend class PatternMatcher;
  struct Free {
    void operator()(pcre2_real_code_8* code) const;
  };
  Pattern(pcre2_real_code_8* code, std::string_view text) : code_(code), text_(text) {}
  std::unique_ptr<pcre2_real_code_8, Free> code_;
  std::string text_;
};

// What a match has captured: views of its subject, empty where a group took no part.
using Captures = std::array<std::string_view, most_captures>;

enum class MatchOutcome : std::uint8_t {
  matched,
  not_matched,
  too_costly,  // given up
};

// The memory that matches work in, for any number of patterns.
class PatternMatcher {
 public:
  PatternMatcher();

  // Allocates for costly patterns only, and keeps what it has for the next time.
  MatchOutcome match(const Pattern& pattern, std::string_view subject, Captures& captures) const;

 private:
  struct Free {
    void operator()(pcre2_real_match_data_8* data) const;
    void operator()(pcre2_real_match_context_8* context) const;
  };
  std::unique_ptr<pcre2_real_match_data_8, Free> data_;
  std::unique_ptr<pcre2_real_match_context_8, Free> context_;
};

}  // namespace perchild
