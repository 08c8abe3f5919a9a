#include "vhosts/access/htpasswd.h"

#include <algorithm>

namespace perchild::access {
namespace {

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") + 1 - begin);
}

HtpasswdLine read_line(std::string_view text, std::size_t number) {
  HtpasswdLine line{.number = number, .name = {}, .hash = {}, .fault = {}};
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) {
    line.fault = "has no colon";
    return line;
  }
  line.name = text.substr(0, colon);
  line.hash = text.substr(colon + 1);
  if (!is_user_name(line.name)) {
    line.fault = "has no user name, too long a one, or a control character in it";
    return line;
  }
  const HashFault fault = classify_password_hash(line.hash).fault;
  if (fault != HashFault::none) line.fault = text_of(fault);
  return line;
}

}  // namespace

std::optional<HtpasswdLine> HtpasswdReader::next() {
  while (!rest_.empty()) {
    const std::size_t end = std::min(rest_.find('\n'), rest_.size());
    std::string_view text = trimmed(rest_.substr(0, end));
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    ++number_;
    if (text.empty() || text == "\r" || text.front() == '#') continue;
    return read_line(text, number_);
  }
  return std::nullopt;
}

}  // namespace perchild::access
