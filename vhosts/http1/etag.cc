#include "vhosts/http1/etag.h"

#include <cstddef>

#include "vhosts/http1/characters.h"

namespace perchild::http1 {
namespace {

constexpr std::string_view weak_prefix = "W/";  // case-sensitive

// etagc: visible ASCII without '"', and obs-text.
constexpr bool is_tag_char(char c) {
  return c != '"' && c != ' ' && !is_control(c);
}

// The length of the quoted string that `text` begins with, quotes included; 0 if there is none.
std::size_t opaque_tag_length(std::string_view text) {
  if (!text.starts_with('"')) return 0;
  std::size_t end = 1;
  while (end < text.size() && is_tag_char(text[end])) ++end;
  return end < text.size() && text[end] == '"' ? end + 1 : 0;
}

std::string_view without_weakness(std::string_view tag) {
  if (tag.starts_with(weak_prefix)) tag.remove_prefix(weak_prefix.size());
  return tag;
}

}  // namespace

bool none_match_covers(std::string_view if_none_match, std::string_view tag) {
  std::string_view rest = trim_whitespace(if_none_match);
  if (rest == "*") return true;
  const std::string_view wanted = without_weakness(tag);
  bool covered = false;
  while (!rest.empty()) {
    // RFC 9110, 5.6.1: empty list elements are ignored.
    if (rest.front() == ',') {
      rest = trim_whitespace(rest.substr(1));
      continue;
    }
    rest = without_weakness(rest);
    const std::size_t length = opaque_tag_length(rest);
    if (length == 0) return false;
    if (rest.substr(0, length) == wanted) covered = true;
    rest = trim_whitespace(rest.substr(length));
    if (!rest.empty() && rest.front() != ',') return false;
  }
  return covered;
}

bool matches_strongly(std::string_view if_range, std::string_view tag) {
  return if_range == tag && opaque_tag_length(tag) == tag.size() && !tag.empty();
}

}  // namespace perchild::http1
