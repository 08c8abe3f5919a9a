#include "vhosts/sites/route_table.h"

#include <algorithm>
#include <cstring>
#include <vector>

namespace perchild {
namespace {

// Layout, all uint32 in host order:
//   listener count, site count, name count, bytes of text
//   listeners: default site + 1, or 0
//   sites:     queue limit
//   names:     offset into the text, length, site; sorted by name, each once
//   text
constexpr std::size_t header_numbers = 4;
constexpr std::size_t name_numbers = 3;
constexpr std::size_t number_size = sizeof(std::uint32_t);

// "*.name" is kept as ".name", which is no name of a host and so cannot be found by one.
std::string text_of(const HostPattern& pattern) {
  std::string text(pattern.wildcard ? "." : "");
  return text.append(pattern.name.view());
}

void put(std::string& bytes, std::size_t number) {
  const auto value = static_cast<std::uint32_t>(number);
  bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
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
  std::string bytes;
  for (const auto& [name, site] : names) text += name;
  put(bytes, configuration.listeners.size());
  put(bytes, configuration.sites.size());
  put(bytes, names.size());
  put(bytes, text.size());
  for (const Listener& listener : configuration.listeners) {
    put(bytes, listener.default_site ? listener.default_site->value + 1 : 0);
  }
  for (const Site& site : configuration.sites) put(bytes, site.limits.queue);
  std::size_t offset = 0;
  for (const auto& [name, site] : names) {
    put(bytes, offset);
    put(bytes, name.size());
    put(bytes, site);
    offset += name.size();
  }
  return bytes + text;
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
  table.listeners_at_ = header_numbers * number_size;
  table.sites_at_ = table.listeners_at_ + std::size_t{table.listener_count_} * number_size;
  table.names_at_ = table.sites_at_ + std::size_t{table.site_count_} * number_size;
  table.text_at_ = table.names_at_ + std::size_t{table.name_count_} * name_numbers * number_size;
  if (table.text_at_ + text_size != bytes.size()) return std::nullopt;
  for (std::uint32_t i = 0; i < table.listener_count_; ++i) {
    if (table.number_at(table.listeners_at_ + i * number_size) > table.site_count_) {
      return std::nullopt;
    }
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

std::uint32_t RouteTable::queue_limit(SiteId site) const {
  return number_at(sites_at_ + std::size_t{site.value} * number_size);
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
  if (host) {
    if (const auto site = find(*host)) return Route{*site, false};
  }
  const std::uint32_t fallback = number_at(listeners_at_ + std::size_t{listener} * number_size);
  if (fallback == 0) return std::nullopt;
  return Route{SiteId{fallback - 1}, true};
}

}  // namespace perchild
