#include "policy/configuration_listeners.h"

#include <arpa/inet.h>

#include <cstring>
#include <utility>

#include "policy/configuration_addresses.h"
#include "policy/configuration_values.h"
#include "policy/written_host.h"

namespace perchild {
namespace {

constexpr std::size_t most_listeners = 256;  // the second half of "*" counts
constexpr std::uint64_t last_port = 65535;
constexpr std::string_view listener_keys[] = {"address", "default", "http2", "proxy_protocol",
                                              "tls"};
constexpr std::string_view http2_choices[] = {"prior-knowledge"};
constexpr std::string_view forms = R"(an address is "*:80", "192.0.2.1:80" or "[2001:db8::1]:80")";

ParsedAddress no_address(std::string problem, std::string hint) {
  ParsedAddress parsed;
  parsed.problem = std::move(problem);
  parsed.hint = std::move(hint);
  return parsed;
}

ListenAddress make_ipv4(::in_addr address, std::uint16_t port) {
  ListenAddress listen;
  ::sockaddr_in in{};
  in.sin_family = AF_INET;
  in.sin_addr = address;
  in.sin_port = htons(port);
  std::memcpy(&listen.storage, &in, sizeof in);
  return listen;
}

ListenAddress make_ipv6(::in6_addr address, std::uint16_t port) {
  ListenAddress listen;
  ::sockaddr_in6 in6{};
  in6.sin6_family = AF_INET6;
  in6.sin6_addr = address;
  in6.sin6_port = htons(port);
  std::memcpy(&listen.storage, &in6, sizeof in6);
  return listen;
}

ParsedAddress parse_ipv6(std::string_view text, std::uint16_t port) {
  const std::string inner(text.substr(1, text.size() - 2));
  ::in6_addr address{};
  if (::inet_pton(AF_INET6, inner.c_str(), &address) != 1) {
    return no_address(in_quotes(inner) + " is not an IPv6 address", std::string(forms));
  }
  // IPv6 sockets take IPv6 only, and cannot be bound to such an address then.
  if (IN6_IS_ADDR_V4MAPPED(&address)) {
    return no_address(in_quotes(inner) + " is an IPv4 address in IPv6 clothes", "write it as IPv4");
  }
  ParsedAddress parsed;
  parsed.addresses.push_back(make_ipv6(address, port));
  return parsed;
}

struct AddressKey {
  std::string_view host;  // the bytes of the address
  std::uint16_t port = 0;
  bool any = false;
};

AddressKey key_of(const ListenAddress& address) {
  static constexpr std::string_view zeros("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", sizeof(::in6_addr));
  const auto* bytes = reinterpret_cast<const char*>(&address.storage);
  AddressKey key;
  if (address.storage.ss_family == AF_INET) {
    key.host = {bytes + offsetof(::sockaddr_in, sin_addr), sizeof(::in_addr)};
  } else {
    key.host = {bytes + offsetof(::sockaddr_in6, sin6_addr), sizeof(::in6_addr)};
  }
  static_assert(offsetof(::sockaddr_in, sin_port) == offsetof(::sockaddr_in6, sin6_port));
  std::memcpy(&key.port, bytes + offsetof(::sockaddr_in, sin_port), sizeof key.port);
  key.any = zeros.starts_with(key.host);
  return key;
}

enum class Overlap : std::uint8_t { none, same, part };

// The kernel refuses to listen on one address of a port while another socket has all of them.
Overlap overlap_of(const ListenAddress& a, const ListenAddress& b) {
  if (a.storage.ss_family != b.storage.ss_family) return Overlap::none;
  const AddressKey left = key_of(a);
  const AddressKey right = key_of(b);
  if (left.port != right.port) return Overlap::none;
  if (left.host == right.host) return Overlap::same;
  return left.any || right.any ? Overlap::part : Overlap::none;
}

class ListenersReader {
 public:
  ListenersReader(Report& report, const SiteFinder& find_site)
      : report_(report), find_site_(find_site) {}

  void read(JsonValue element) {
    if (!report_.expect_keys(element, "a listener", listener_keys)) return;
    const auto tls = element.find("tls");
    const bool speaks_tls = tls && report_.expect(*tls, JsonKind::boolean) && tls->text() == "true";
    const auto default_site = read_default(element);
    const bool plain_http2 = read_http2(element, speaks_tls);
    const auto proxies = read_proxies(element);
    const auto address = element.find("address");
    if (!address) {
      report_.error(element, R"(a listener needs an "address")", std::string(forms));
      return;
    }
    if (!report_.expect(*address, JsonKind::string)) return;
    const ParsedAddress parsed = parse_listen_address(address->text());
    if (parsed.addresses.empty()) {
      report_.error(*address, parsed.problem, parsed.hint);
      return;
    }
    if (overlaps_another(*address, parsed)) return;
    for (const ListenAddress& each : parsed.addresses) {
      Listener listener;
      listener.address = each;
      listener.optional_family = parsed.every_family && each.storage.ss_family == AF_INET6;
      listener.default_site = default_site;
      listener.proxies = proxies;
      listener.tls = speaks_tls;
      listener.plain_http2 = plain_http2;
      listener.text = address->text();
      listener.place = address->place();
      listeners_.push_back(std::move(listener));
      places_.push_back(*address);
    }
  }

  std::size_t count() const { return listeners_.size(); }
  std::vector<Listener> take() { return std::move(listeners_); }

 private:
  std::optional<SiteId> read_default(JsonValue element) {
    const auto name = element.find("default");
    if (!name || !report_.expect(*name, JsonKind::string)) return std::nullopt;
    const auto host = parse_written_host(name->text()).host;
    const auto site = host ? find_site_(*host) : std::nullopt;
    if (!site) {
      report_.error(*name, "no vhost has the host " + in_quotes(name->text()),
                    R"("default" names a host as it stands in the "hosts" of a vhost)");
    }
    return site;
  }

  // Of such a connection no name can be read before it has its site.
  bool read_http2(JsonValue element, bool speaks_tls) {
    const auto http2 = element.find("http2");
    if (!http2 || !read_choice(report_, *http2, http2_choices)) return false;
    if (speaks_tls) {
      report_.error(*http2, "by TLS client and site agree on HTTP/2 without prior knowledge",
                    R"(take "http2" away here: that of a vhost says whether it is offered)");
    } else if (!element.find("default")) {
      report_.error(*http2, R"(HTTP/2 by prior knowledge needs a "default")",
                    "its connections go to one site, before they name any");
    }
    return true;
  }

  std::vector<AddressBlock> read_proxies(JsonValue element) {
    const auto list = element.find("proxy_protocol");
    if (!list) return {};
    std::vector<AddressBlock> proxies = read_address_blocks(report_, *list);
    if (list->is(JsonKind::array) && list->empty()) {
      report_.error(*list, "\"proxy_protocol\" lists no proxy",
                    "name the addresses of the proxies, or take it away");
    }
    return proxies;
  }

  bool overlaps_another(JsonValue at, const ParsedAddress& parsed) {
    for (std::size_t i = 0; i < listeners_.size(); ++i) {
      for (const ListenAddress& address : parsed.addresses) {
        const Overlap overlap = overlap_of(listeners_[i].address, address);
        if (overlap == Overlap::none) continue;
        report_.error(at, in_quotes(at.text()) + (overlap == Overlap::same ? " is" : " is partly") +
                              " what " + in_quotes(places_[i].text()) + " at " +
                              places_[i].place() + " listens on already");
        return true;
      }
    }
    return false;
  }

  Report& report_;
  const SiteFinder& find_site_;
  std::vector<Listener> listeners_;
  std::vector<JsonValue> places_;
};

}  // namespace

ParsedAddress parse_listen_address(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || text.ends_with(']')) {
    const bool is_port = !text.empty() && parse_number(text).has_value();
    return no_address(
        in_quotes(text) + " names no port",
        is_port ? "did you mean " + in_quotes("*:" + std::string(text)) + "?" : std::string(forms));
  }
  const std::string_view host = text.substr(0, colon);
  const auto port = parse_number(text.substr(colon + 1));
  if (!port || *port == 0 || *port > last_port) {
    return no_address(in_quotes(text.substr(colon + 1)) + " is not a port from 1 to 65535",
                      std::string(forms));
  }
  const auto number = static_cast<std::uint16_t>(*port);
  if (host.empty()) {
    return no_address(in_quotes(text) + " names no address",
                      "did you mean " + in_quotes("*" + std::string(text)) + "?");
  }
  ParsedAddress parsed;
  if (host == "*") {
    parsed.addresses = {make_ipv4({}, number), make_ipv6({}, number)};
    parsed.every_family = true;
    return parsed;
  }
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') return parse_ipv6(host, number);
  if (host.find(':') != std::string_view::npos) {
    return no_address(in_quotes(text) + " is not an address and a port",
                      "an IPv6 address stands in brackets: \"[::1]:80\"");
  }
  ::in_addr address{};
  if (::inet_pton(AF_INET, std::string(host).c_str(), &address) != 1) {
    return no_address(in_quotes(host) + " is not an IP address", std::string(forms));
  }
  parsed.addresses.push_back(make_ipv4(address, number));
  return parsed;
}

std::vector<Listener> read_listeners(Report& report, JsonValue listen,
                                     const SiteFinder& find_site) {
  if (!report.expect(listen, JsonKind::array)) return {};
  if (listen.empty()) report.error(listen, "there is no listener");
  ListenersReader reader(report, find_site);
  for (JsonValue element : listen) {
    reader.read(element);
    if (reader.count() > most_listeners) {
      report.error(
          element,
          "there are more than " + std::to_string(most_listeners) + " addresses to listen on",
          "\"*\" counts twice");
      break;
    }
  }
  return reader.take();
}

}  // namespace perchild
