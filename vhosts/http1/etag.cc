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

// Whether `list` is "*", or well-formed with a tag in it for which `matches` holds.
template <typename Matches>
bool any_tag(std::string_view list, Matches matches) {
  std::string_view rest = trim_whitespace(list);
  if (rest == "*") return true;
  bool found = false;
  while (!rest.empty()) {
    // RFC 9110, 5.6.1: empty list elements are ignored.
    if (rest.front() == ',') {
      rest = trim_whitespace(rest.substr(1));
      continue;
    }
    const std::size_t prefix = rest.starts_with(weak_prefix) ? weak_prefix.size() : 0;
    const std::size_t length = opaque_tag_length(rest.substr(prefix));
    if (length == 0) return false;
    found = matches(rest.substr(0, prefix + length)) || found;
    rest = trim_whitespace(rest.substr(prefix + length));
    if (!rest.empty() && rest.front() != ',') return false;
  }
  return found;
}

}  // namespace

bool none_match_covers(std::string_view if_none_match, std::string_view tag) {
  const std::string_view wanted = without_weakness(tag);
  return any_tag(if_none_match,
                 [wanted](std::string_view listed) { return without_weakness(listed) == wanted; });
}

bool match_names(std::string_view if_match, std::string_view tag) {
  return any_tag(if_match,
                 [tag](std::string_view listed) { return matches_strongly(listed, tag); });
}

bool matches_strongly(std::string_view if_range, std::string_view tag) {
  return if_range == tag && opaque_tag_length(tag) == tag.size() && !tag.empty();
}

}  // namespace perchild::http1
