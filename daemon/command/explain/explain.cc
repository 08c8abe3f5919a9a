#include "daemon/command/explain/explain.h"

#include <netinet/in.h>

#include <cstring>
#include <optional>
#include <ostream>
#include <vector>

#include "daemon/command/check/check.h"
#include "daemon/command/check/system_view.h"
#include "privsep/result.h"
#include "vhosts/http1/authority.h"
#include "vhosts/http1/path.h"
#include "vhosts/sites/route_table.h"

namespace perchild {
namespace {

constexpr std::string_view scheme = "http://";
constexpr std::uint16_t default_port = 80;

struct Url {
  std::string host;
  std::uint16_t port = default_port;
  std::string path = "/";
};

// "http://host[:port][/path]", or the same without its beginning.
std::optional<Url> parse_url(std::string_view text) {
  if (text.starts_with(scheme)) text.remove_prefix(scheme.size());
  const std::size_t end = std::min(text.find_first_of("/?#"), text.size());
  // Another scheme's.
  if (text.substr(0, end).ends_with(':') && text.substr(end).starts_with("//")) return std::nullopt;
  const auto authority = http1::split_authority(text.substr(0, end));
  if (!authority || text.substr(0, end).find('@') != std::string_view::npos) return std::nullopt;
  Url url;
  url.host = authority->host_text;
  url.port = authority->port.value_or(default_port);
  const std::string_view path = text.substr(end, text.find_first_of("?#", end) - end);
  if (!path.empty()) url.path = path;
  return url;
}

std::uint16_t port_of(const Listener& listener) {
  const ::sockaddr_storage& storage = listener.address.storage;
  if (storage.ss_family == AF_INET) {
    ::sockaddr_in v4;
    std::memcpy(&v4, &storage, sizeof v4);
    return ntohs(v4.sin_port);
  }
  ::sockaddr_in6 v6;
  std::memcpy(&v6, &storage, sizeof v6);
  return ntohs(v6.sin6_port);
}

std::string text_of(const HostPattern& pattern) {
  return (pattern.wildcard ? "*." : "") + std::string(pattern.name.view());
}

// The longest of the site's hosts that covers the name; an exact one before all.
std::string covering(const Site& site, const HostName& host) {
  const HostPattern* best = nullptr;
  for (const HostPattern& pattern : site.hosts) {
    if (!pattern.matches(host)) continue;
    const bool better = best == nullptr || !pattern.wildcard ||
                        (best->wildcard && pattern.name.view().size() > best->name.view().size());
    if (better) best = &pattern;
  }
  return best == nullptr ? "" : text_of(*best);
}

std::string ids_of(const Site& site) {
  std::string text =
      "uid " + std::to_string(site.uid.uid().value) + ", gid " + std::to_string(site.gid.value);
  for (std::size_t i = 0; i < site.groups.size(); ++i) {
    text += (i == 0 ? ", groups " : " ") + std::to_string(site.groups[i].value);
  }
  return text;
}

void write_site(const Site& site, const std::string& path, std::ostream& out) {
  out << "  site:     " << text_of(site.hosts.front()) << "\n";
  out << "  runs as:  " << ids_of(site) << "\n";
  out << "  root:     " << site.root << "\n";
  if (site.life.suspended) {
    out << "  answer:   503, the site is suspended\n";
    return;
  }
  std::vector<char> buffer(path.size());
  const http1::DecodedPath decoded = http1::decode_path(path, buffer);
  if (decoded.ok()) {
    out << "  path:     " << decoded.path << ", before the site's own locations and rewrites\n";
  } else {
    out << "  answer:   " << http1::status_of(decoded.outcome) << ", the path names no file\n";
  }
}

}  // namespace

bool explain(const Configuration& configuration, const std::string& text, std::ostream& out) {
  const auto url = parse_url(text);
  const auto host = url ? HostName::parse(url->host) : std::nullopt;
  if (!host) {
    out << text << " is not http://HOST[:PORT][/PATH], with the host in ASCII\n";
    return false;
  }
  const std::string packed = pack_route_table(configuration);
  const auto table = RouteTable::load(packed);
  PERCHILD_ASSERT(table);
  bool heard = false;
  bool served = false;
  for (std::uint32_t i = 0; i < configuration.listeners.size(); ++i) {
    const Listener& listener = configuration.listeners[i];
    if (port_of(listener) != url->port) continue;
    // "*" stands for an address of each family: the answer is the same.
    if (i > 0 && configuration.listeners[i - 1].text == listener.text) continue;
    heard = true;
    out << "listener " << listener.text << "\n";
    const auto route = table->route(host, i);
    if (!route) {
      out << "  answer:   421 from a router: no site is named " << host->view()
          << ", and the listener has no default\n";
      continue;
    }
    served = true;
    const Site& site = configuration.sites[route->site.value];
    out << "  because:  "
        << (route->by_default ? "no site is named " + std::string(host->view()) +
                                    ", and this one is the listener's default"
                              : "\"" + covering(site, *host) + "\" is one of its hosts")
        << "\n";
    write_site(site, url->path, out);
  }
  if (!heard) out << "no listener has port " << url->port << "\n";
  return served;
}

int run_explain(const std::string& config_path, const std::string& url, std::ostream& out,
                std::ostream& errors) {
  MachineView machine;
  const ReadConfiguration read = load_configuration(config_path, machine);
  if (!read.configuration) {
    write_findings(config_path, read, false, errors);
    return read.unreadable.empty() ? exit_mistakes : exit_unreadable;
  }
  return explain(*read.configuration, url, out) ? 0 : 1;
}

}  // namespace perchild
