#include "daemon/command/explain/explain.h"

#include <netinet/in.h>
#include <unistd.h>

#include <cstring>
#include <optional>
#include <ostream>
#include <utility>
#include <vector>

#include "daemon/command/check/check.h"
#include "daemon/command/check/system_view.h"
#include "daemon/command/explain/site_answer.h"
#include "privsep/result.h"
#include "vhosts/sites/certificate_owners.h"
#include "vhosts/sites/route_table.h"

namespace perchild {
namespace {

constexpr std::uint8_t one_address = 128;

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

// What programs may ask of the kernel less or more than those of other sites.
void write_calls(const ProgramCalls& calls, std::ostream& out) {
  const char* before = "  calls:    programs are";
  for (const auto& [verb, names] :
       {std::pair(" refused", &calls.forbid), std::pair(" allowed", &calls.allow)}) {
    if (names->empty()) continue;
    out << before << verb;
    for (const std::string& name : *names) out << " " << name;
    before = ", and";
  }
  if (calls != ProgramCalls{}) out << "\n";
}

// A router's answers are in the tables; a worker's are for its own code to tell.
void write_site(const Configuration& configuration, const Listener& listener, SiteId id,
                const Url& url, const SiteAnswer& answer_of, std::ostream& out) {
  const Site& site = configuration.sites[id.value];
  out << "  site:     " << text_of(site.hosts.front()) << "\n";
  out << "  runs as:  " << ids_of(site) << "\n";
  out << "  root:     " << site.root << "\n";
  if (!site.programs.empty()) {
    for (const std::string& folder : site.writable_folders) out << "  writable: " << folder << "\n";
    write_calls(site.calls, out);
  }
  if (url.tls) {
    const bool http2 = site.http2 && !CertificateOwners(configuration).are_shared(site);
    out << "  speaks:   TLS " << (site.tls.least == TlsVersion::tls_1_2 ? "1.2 and 1.3" : "1.3")
        << (http2 ? ", HTTP/2 and HTTP/1.1" : ", HTTP/1.1") << "\n";
  } else if (listener.plain_http2 && listener.default_site == id) {
    out << "  speaks:   HTTP/2, to whoever knows beforehand, and HTTP/1.1\n";
  }
  if (site.life.suspended) {
    out << "  answer:   " << (url.tls ? "alert internal_error" : "503")
        << ", the site is suspended\n";
  } else {
    out << answer_of(id, url);
  }
}

// What a router answers where no site is to be asked.
void write_no_site(const HostName& host, bool tls, std::ostream& out) {
  out << "  answer:   " << (tls ? "alert unrecognized_name" : "421") << " from a router: no site "
      << (tls ? "with a certificate " : "") << "is named " << host.view()
      << ", and the listener has no default\n";
}

}  // namespace

bool explain(const Configuration& configuration, const std::string& text,
             const SiteAnswer& answer_of, std::ostream& out) {
  const auto url = parse_url(text);
  const auto host = url ? HostName::parse(url->host) : std::nullopt;
  if (!host) {
    out << text << " is not http[s]://HOST[:PORT][/PATH][?QUERY], with the host in ASCII\n";
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
    if (listener.tls != url->tls) {
      out << (listener.tls ? "  answer:   400 from a router: TLS is spoken there\n"
                           : "  answer:   none that is TLS, which is not spoken there\n");
      continue;
    }
    const auto route = table->route(host, i);
    if (!route) {
      write_no_site(*host, url->tls, out);
      continue;
    }
    served = true;
    const Site& site = configuration.sites[route->site.value];
    out << "  because:  "
        << (route->by_default ? "no site is named " + std::string(host->view()) +
                                    ", and this one is the listener's default"
                              : "\"" + covering(site, *host) + "\" is one of its hosts")
        << "\n";
    write_site(configuration, listener, route->site, *url, answer_of, out);
  }
  if (!heard) out << "no listener has port " << url->port << "\n";
  return served;
}

int run_explain(const std::string& config_path, const std::string& url, const std::string& from,
                std::ostream& out, std::ostream& errors) {
  const auto client = AddressBlock::parse(from);
  if (!client || client->length != one_address) {
    errors << "perchild: " << from << " is no address\n";
    return exit_mistakes;
  }
  MachineView machine;
  const ReadConfiguration read = load_configuration(config_path, machine);
  if (!read.configuration) {
    write_findings(config_path, read, false, errors);
    return read.unreadable.empty() ? exit_mistakes : exit_unreadable;
  }
  const Configuration& configuration = *read.configuration;
  const auto answer_of = [&](SiteId site, const Url& asked) -> std::string {
    if (::geteuid() != 0) return "  answer:   is told to root, who can ask as the site's user\n";
    const auto answer = ask_site(configuration, site, client->network, asked);
    return answer ? *answer : "  no answer: " + answer.error().text() + "\n";
  };
  return explain(configuration, url, answer_of, out) ? 0 : 1;
}

}  // namespace perchild
