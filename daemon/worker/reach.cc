#include "daemon/worker/reach.h"

#include <algorithm>
#include <optional>

#include "daemon/worker/moves.h"
#include "vhosts/forwarded/forwarded_for.h"
#include "vhosts/http1/authority.h"
#include "vhosts/http1/characters.h"

namespace perchild {
namespace {

using http1::Method;

constexpr std::string_view www = "www.";

bool has_exactly(const SiteSettings& settings, const HostName& name) {
  return std::any_of(
      settings.hosts.begin(), settings.hosts.end(),
      [&name](const HostPattern& host) { return !host.wildcard && host.name == name; });
}

// The name that `host` stands for, if that is another. A wildcard has no www of its own: else
// every name below it would have one, and that one again.
std::optional<HostName> canonical_name(const SiteSettings& settings, const HostName& host) {
  const std::string_view text = host.view();
  std::optional<HostName> name;
  switch (settings.reach.canonical) {
    case Canonical::none:
      return std::nullopt;
    case Canonical::host:
      name = settings.reach.canonical_host;
      return name == host ? std::nullopt : name;
    case Canonical::www:
      name = HostName::parse(std::string(www).append(text));
      break;
    case Canonical::apex:
      if (text.starts_with(www)) name = HostName::parse(text.substr(www.size()));
      break;
  }
  return name && has_exactly(settings, *name) ? name : std::nullopt;
}

// As the client wrote it. The target of an absolute form has the same, or the head is rejected.
std::string port_of(const Request& request) {
  std::string port;
  http1::for_each_field(request.head_bytes, [&](const http1::Field& field) {
    if (!http1::equals_ignoring_case(field.name, "host")) return;
    const auto authority = http1::split_authority(field.value);
    const std::uint16_t usual = request.over_https ? http1::https_port : http1::http_port;
    if (!authority || authority->port.value_or(usual) == usual) return;
    port = ":" + std::to_string(*authority->port);
  });
  return port;
}

// What a URI may hold (RFC 3986, 2), or nearly: browsers send some more as they are. Escapes stay.
void append_encoded(std::string& uri, std::string_view text) {
  constexpr std::string_view hex = "0123456789ABCDEF";
  constexpr std::string_view others = "\"<>[]\\^`{|}";
  for (const char c : text) {
    if (others.find(c) == std::string_view::npos) {
      uri += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      uri.append({'%', hex[byte >> 4], hex[byte & 15]});
    }
  }
}

}  // namespace

void note_visitor(Connection& connection, const ReachSettings& reach) {
  connection.over_https = connection.over_tls;
  if (!forwarded::is_trusted(reach.trusted_proxies, connection.client().bytes())) return;
  const std::string_view head = connection.input();
  if (forwarded::is_over_https(head)) connection.over_https = true;
  if (const auto client = forwarded::client_of(head, reach.trusted_proxies)) {
    connection.set_visitor(logs::ClientAddress::of(*client, 0));
  }
}

bool redirect_to_own_name(const Request& request, Response& response) {
  const SiteSettings& settings = request.site.settings;
  const ReachSettings& reach = settings.reach;
  if (reach.canonical == Canonical::none && !reach.redirect_to_https) return false;
  const auto& host = request.head.host;
  // What names no host of ours came by default: whoever may choose the name is not sent anywhere.
  if (!host || !request.head.path.starts_with('/') || !settings.serves(*host)) return false;
  const bool to_https = reach.redirect_to_https && !request.over_https;
  std::optional<HostName> name = canonical_name(settings, *host);
  // RFC 6797, 7.2, and what browsers ask of a name that they preload: it is secured under the name
  // that was asked for, before that gives way to another.
  if (to_https && reach.hsts) name.reset();
  if (!to_https && !name) return false;

  std::string location(to_https || request.over_https ? "https://" : "http://");
  location += name.value_or(*host).view();
  if (!to_https) location += port_of(request);
  append_encoded(location, request.head.path);
  if (!request.head.query.empty()) append_encoded(location += '?', request.head.query);
  if (request.explanation != nullptr) {
    request.explanation->note(to_https ? "https" : "canonical", "the site is reached by ",
                              to_https ? "https" : "another of its names");
  }
  const Method method = request.head.method;
  // Older clients know 301, and 308 keeps a method that has a body.
  const int status = method == Method::get || method == Method::head ? 301 : 308;
  response = redirect_response(request, status, location);
  return true;
}

void add_hsts(const Request& request, Response& response) {
  const std::string& line = request.site.hsts_line;
  if (line.empty() || !request.over_https) return;
  auto& output = request.buffer.output;
  const std::string_view head = response.head;
  // Behind the last field, in front of the empty line.
  if (head.size() < 2 || head.size() + line.size() > output.size()) return;
  if (head.data() != output.data()) std::copy(head.begin(), head.end(), output.begin());
  char* const end = output.data() + head.size() - 2;
  std::copy_n("\r\n", 2, std::copy(line.begin(), line.end(), end));
  response.head = {output.data(), head.size() + line.size()};
}

}  // namespace perchild
