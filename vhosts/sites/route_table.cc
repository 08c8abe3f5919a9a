#include "vhosts/sites/route_table.h"

#include <algorithm>
#include <cstring>
#include <vector>

namespace perchild {
namespace {

// Layout, all uint32 in host order but for what is said of text and proxies:
//   listener count, site count, name count, bytes of text, proxy count
//   listeners: default site + 1, or 0; its first proxy, and how many; 1 if it speaks TLS, 2 if
//              HTTP/2 by prior knowledge
//   sites:     queue limit, with the highest bit set if suspended, and the next if it has a
//              certificate; 0 for a number without a site
//   names:     offset into the text, length, site; sorted by name, each once
//   text
//   proxies:   of all listeners; an address of 16 bytes and a prefix length of one
constexpr std::size_t header_numbers = 5;
constexpr std::size_t listener_numbers = 4;
constexpr std::size_t name_numbers = 3;
constexpr std::uint32_t suspended_bit = 1U << 31;
constexpr std::uint32_t certificate_bit = 1U << 30;
constexpr std::uint32_t speaks_tls_bit = 1;
constexpr std::uint32_t takes_http2_bit = 2;
constexpr std::size_t number_size = sizeof(std::uint32_t);
constexpr std::size_t proxy_size = sizeof(AddressBytes) + 1;

// "*.name" is kept as ".name", which is no name of a host and so cannot be found by one.
std::string text_of(const HostPattern& pattern) {
  std::string text(pattern.wildcard ? "." : "");
  return text.append(pattern.name.view());
}

void put(std::string& bytes, std::size_t number) {
  const auto value = static_cast<std::uint32_t>(number);
  bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void put_proxy(std::string& bytes, const AddressBlock& block) {
  bytes.append(reinterpret_cast<const char*>(block.network.data()), block.network.size());
  bytes.push_back(static_cast<char>(block.length));
}

// How `prefix` + `name` compares with `other`.
int compare(std::string_view prefix, std::string_view name, std::string_view other) {
  const int head = prefix.compare(other.substr(0, prefix.size()));
  return head != 0 ? head : name.compare(other.substr(std::min(prefix.size(), other.size())));
}

}  // namespace

std::string pack_route_table(const Configuration& configuration) {
  std::vector<std::pair<std::string, std::uint32_t>> names;
  for (std::size_t site = 0; site < configuration.sites.size(); ++site) {
    for (const HostPattern& host : configuration.sites[site].hosts) {
      names.emplace_back(text_of(host), static_cast<std::uint32_t>(site));
    }
  }
  std::sort(names.begin(), names.end());
  std::string text;
  std::string proxies;
  std::string bytes;
  for (const auto& [name, site] : names) text += name;
  put(bytes, configuration.listeners.size());
  put(bytes, configuration.sites.size());
  put(bytes, names.size());
  put(bytes, text.size());
  for (const Listener& listener : configuration.listeners) {
    for (const AddressBlock& block : listener.proxies) put_proxy(proxies, block);
  }
  put(bytes, proxies.size() / proxy_size);
  std::size_t first_proxy = 0;
  for (const Listener& listener : configuration.listeners) {
    put(bytes, listener.default_site ? listener.default_site->value + 1 : 0);
    put(bytes, first_proxy);
    put(bytes, listener.proxies.size());
    first_proxy += listener.proxies.size();
    put(bytes, (listener.tls ? speaks_tls_bit : 0) | (listener.plain_http2 ? takes_http2_bit : 0));
  }
  for (const Site& site : configuration.sites) {
    if (site.hosts.empty()) {
      put(bytes, 0);
    } else {
      put(bytes, site.limits.queue | (site.life.suspended ? suspended_bit : 0) |
                     (site.certificates.empty() ? 0 : certificate_bit));
    }
  }
  std::size_t offset = 0;
  for (const auto& [name, site] : names) {
    put(bytes, offset);
    put(bytes, name.size());
    put(bytes, site);
    offset += name.size();
  }
  return bytes + text + proxies;
}

std::uint32_t RouteTable::number_at(std::size_t offset) const {
  std::uint32_t number;
  std::memcpy(&number, bytes_.data() + offset, sizeof number);
  return number;
}

std::optional<RouteTable> RouteTable::load(std::string_view bytes) {
  RouteTable table;
  table.bytes_ = bytes;
  if (bytes.size() < header_numbers * number_size) return std::nullopt;
  table.listener_count_ = table.number_at(0);
  table.site_count_ = table.number_at(number_size);
  table.name_count_ = table.number_at(2 * number_size);
  const std::size_t text_size = table.number_at(3 * number_size);
  table.proxy_count_ = table.number_at(4 * number_size);
  table.listeners_at_ = header_numbers * number_size;
  table.sites_at_ =
      table.listeners_at_ + std::size_t{table.listener_count_} * listener_numbers * number_size;
  table.names_at_ = table.sites_at_ + std::size_t{table.site_count_} * number_size;
  table.text_at_ = table.names_at_ + std::size_t{table.name_count_} * name_numbers * number_size;
  table.proxies_at_ = table.text_at_ + text_size;
  if (table.proxies_at_ + std::size_t{table.proxy_count_} * proxy_size != bytes.size()) {
    return std::nullopt;
  }
  for (std::uint32_t i = 0; i < table.listener_count_; ++i) {
    if (table.of_listener(i, 0) > table.site_count_) return std::nullopt;
    const std::uint64_t end = std::uint64_t{table.of_listener(i, 1)} + table.of_listener(i, 2);
    if (end > table.proxy_count_) return std::nullopt;
  }
  for (std::uint32_t i = 0; i < table.proxy_count_; ++i) {
    if (table.proxy_at(i).length > AddressBlock::longest) return std::nullopt;
  }
  for (std::uint32_t i = 0; i < table.name_count_; ++i) {
    const std::size_t at = table.names_at_ + std::size_t{i} * name_numbers * number_size;
    const std::size_t end = std::size_t{table.number_at(at)} + table.number_at(at + number_size);
    if (end > text_size || table.number_at(at + 2 * number_size) >= table.site_count_) {
      return std::nullopt;
    }
    if (i > 0 && table.name_at(i - 1) >= table.name_at(i)) return std::nullopt;
  }
  return table;
}

std::string_view RouteTable::name_at(std::uint32_t index) const {
  const std::size_t at = names_at_ + std::size_t{index} * name_numbers * number_size;
  return bytes_.substr(text_at_ + number_at(at), number_at(at + number_size));
}

std::uint32_t RouteTable::site_at(SiteId site) const {
  return number_at(sites_at_ + std::size_t{site.value} * number_size);
}

std::uint32_t RouteTable::queue_limit(SiteId site) const {
  return site_at(site) & ~(suspended_bit | certificate_bit);
}

bool RouteTable::suspended(SiteId site) const {
  return (site_at(site) & suspended_bit) != 0;
}

bool RouteTable::exists(SiteId site) const {
  return site_at(site) != 0;
}

bool RouteTable::speaks_tls(std::uint32_t listener) const {
  return (of_listener(listener, 3) & speaks_tls_bit) != 0;
}

bool RouteTable::takes_http2(std::uint32_t listener) const {
  return (of_listener(listener, 3) & takes_http2_bit) != 0;
}

bool RouteTable::has_certificate(SiteId site) const {
  return (site_at(site) & certificate_bit) != 0;
}

std::uint32_t RouteTable::of_listener(std::uint32_t listener, std::size_t number) const {
  return number_at(listeners_at_ +
                   (std::size_t{listener} * listener_numbers + number) * number_size);
}

AddressBlock RouteTable::proxy_at(std::uint32_t index) const {
  const std::size_t at = proxies_at_ + std::size_t{index} * proxy_size;
  AddressBlock block;
  std::memcpy(block.network.data(), bytes_.data() + at, block.network.size());
  block.length = static_cast<std::uint8_t>(bytes_[at + block.network.size()]);
  return block;
}

bool RouteTable::is_proxy(std::uint32_t listener, const AddressBytes& address) const {
  const std::uint32_t first = of_listener(listener, 1);
  for (std::uint32_t i = first; i < first + of_listener(listener, 2); ++i) {
    if (proxy_at(i).contains(address)) return true;
  }
  return false;
}

std::optional<SiteId> RouteTable::find_text(std::string_view prefix, std::string_view name) const {
  std::uint32_t low = 0;
  std::uint32_t high = name_count_;
  while (low < high) {
    const std::uint32_t middle = low + (high - low) / 2;
    const int order = compare(prefix, name, name_at(middle));
    if (order == 0) {
      const std::size_t at = names_at_ + std::size_t{middle} * name_numbers * number_size;
      return SiteId{number_at(at + 2 * number_size)};
    }
    (order < 0 ? high : low) = order < 0 ? middle : middle + 1;
  }
  return std::nullopt;
}

std::optional<SiteId> RouteTable::find(const HostName& host) const {
  std::string_view name = host.view();
  if (const auto exact = find_text("", name)) return exact;
  // From the left, so that the longest wildcard is met first.
  for (std::size_t dot = name.find('.'); dot != std::string_view::npos; dot = name.find('.')) {
    name.remove_prefix(dot + 1);
    if (const auto wildcard = find_text(".", name)) return wildcard;
  }
  return std::nullopt;
}

std::optional<Route> RouteTable::route(const std::optional<HostName>& host,
                                       std::uint32_t listener) const {
  const bool tls = speaks_tls(listener);
  if (host) {
    if (const auto site = find(*host)) {
      // Nor may the default site answer with its certificate for a name that is another's.
      return !tls || has_certificate(*site) ? std::optional(Route{*site, false}) : std::nullopt;
    }
  }
  const std::uint32_t fallback = of_listener(listener, 0);
  if (fallback == 0) return std::nullopt;
  const SiteId site{fallback - 1};
  return !tls || has_certificate(site) ? std::optional(Route{site, true}) : std::nullopt;
}

}  // namespace perchild
