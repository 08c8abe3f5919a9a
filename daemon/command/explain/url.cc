#include "daemon/command/explain/url.h"

#include <algorithm>

#include "vhosts/http1/authority.h"

namespace perchild {
namespace {

constexpr std::string_view scheme = "http://";
constexpr std::uint16_t default_port = 80;

}  // namespace

std::optional<Url> parse_url(std::string_view text) {
  if (text.starts_with(scheme)) text.remove_prefix(scheme.size());
  const std::size_t end = std::min(text.find_first_of("/?#"), text.size());
  // Another scheme's.
  if (text.substr(0, end).ends_with(':') && text.substr(end).starts_with("//")) return std::nullopt;
  const std::string_view name = text.substr(0, end);
  const auto authority = http1::split_authority(name);
  if (!authority || name.find('@') != std::string_view::npos) return std::nullopt;
  Url url{.host = std::string(authority->host_text),
          .port = authority->port.value_or(default_port),
          .authority = std::string(name)};
  const std::string_view target = text.substr(end, text.find('#', end) - end);
  if (target.starts_with('/')) {
    url.target = target;
  } else {
    url.target.append(target);
  }
  return url;
}

}  // namespace perchild
