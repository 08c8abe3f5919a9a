#include "daemon/command/explain/url.h"

#include <algorithm>

#include "vhosts/http1/authority.h"

namespace perchild {
namespace {

constexpr std::string_view http = "http://";
constexpr std::string_view https = "https://";

}  // namespace

std::optional<Url> parse_url(std::string_view text) {
  const bool tls = text.starts_with(https);
  if (tls) {
    text.remove_prefix(https.size());
  } else if (text.starts_with(http)) {
    text.remove_prefix(http.size());
  }
  const std::size_t end = std::min(text.find_first_of("/?#"), text.size());
  // Another scheme's.
  if (text.substr(0, end).ends_with(':') && text.substr(end).starts_with("//")) return std::nullopt;
  const std::string_view name = text.substr(0, end);
  const auto authority = http1::split_authority(name);
  if (!authority || name.find('@') != std::string_view::npos) return std::nullopt;
  Url url{.host = std::string(authority->host_text),
          .port = authority->port.value_or(tls ? http1::https_port : http1::http_port),
          .tls = tls,
          .authority = std::string(name)};
  const std::string_view target = text.substr(end, text.find('#', end) - end);
  if (target.starts_with('/')) {
    url.target = target;
  } else {
    url.target.append(target);
  }
  return url;
}

std::string head_of(const Url& url) {
  return "GET " + url.target + " HTTP/1.1\r\nHost: " + url.authority + "\r\n\r\n";
}

}  // namespace perchild
