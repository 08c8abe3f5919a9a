// The four forms of a request target (RFC 9112, 3.2) and the authority that it names.
#include "vhosts/http1/authority.h"
#include "vhosts/http1/characters.h"
#include "vhosts/http1/request_head.h"

namespace perchild::http1 {
namespace {

struct Scheme {
  std::string_view prefix;
  std::uint16_t port;
};
constexpr Scheme schemes[] = {{"http://", http_port}, {"https://", https_port}};

}  // namespace

void HeadParser::finish_target(std::string_view bytes) {
  if (method_ == Method::connect) return finish_authority_target(bytes);
  const std::string_view target = target_.of(bytes);
  if (target.front() == '/') return;
  if (target == "*" && method_ == Method::options) return;
  for (const Scheme& scheme : schemes) {
    if (!equals_ignoring_case(target.substr(0, scheme.prefix.size()), scheme.prefix)) continue;
    default_port_ = scheme.port;
    return finish_absolute_target(bytes, scheme.prefix.size());
  }
  reject(Reject::bad_target);
}

void HeadParser::finish_authority_target(std::string_view bytes) {
  const auto authority = split_authority(target_.of(bytes));
  // RFC 9110, 9.3.6: a port is required, and there is no default.
  if (!authority || authority->port.value_or(0) == 0) return reject(Reject::bad_target);
  if (!HostName::is_valid(authority->host_text)) return reject(Reject::bad_target);
  has_target_host_ = true;
  host_ = slice(bytes, authority->host_text);
  target_port_ = default_port_ = *authority->port;
  path_ = query_ = Slice{};
}

void HeadParser::finish_absolute_target(std::string_view bytes, std::size_t scheme_length) {
  // The authority ends at the first '/' or at the '?', where path_ ends already.
  const std::string_view rest = path_.of(bytes).substr(scheme_length);
  const std::string_view text = rest.substr(0, rest.find('/'));
  if (text.find('@') != std::string_view::npos) return reject(Reject::bad_target);  // 9110, 4.2.4
  const auto authority = split_authority(text);
  if (!authority || !HostName::is_valid(authority->host_text)) return reject(Reject::host_invalid);
  has_target_host_ = true;
  host_ = slice(bytes, authority->host_text);
  target_port_ = authority->port.value_or(default_port_);
  path_ = slice(bytes, rest.substr(text.size()));
}

}  // namespace perchild::http1
