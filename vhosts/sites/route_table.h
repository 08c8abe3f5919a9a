// Which site does a host name belong to? Packed by the command into sealed memory, searched in
// place by every router: one copy for all of them, whatever the number of sites.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "policy/address_block.h"
#include "policy/configuration.h"
#include "policy/host_name.h"
#include "policy/ids.h"

namespace perchild {

// Packs hosts, listeners and queue limits of a checked configuration.
std::string pack_route_table(const Configuration& configuration);

struct Route {
  SiteId site;
  bool by_default;  // the name is no site's; the listener's default serves it
};

class RouteTable {
 public:
  // `bytes` must outlive the table. Nullopt if they are not what pack_route_table() gives.
  static std::optional<RouteTable> load(std::string_view bytes);

  std::uint32_t site_count() const { return site_count_; }
  std::uint32_t listener_count() const { return listener_count_; }
  std::uint32_t queue_limit(SiteId site) const;
  bool suspended(SiteId site) const;  // to be answered without a process
  bool exists(SiteId site) const;     // false for a number that no site has, or has any more
  // Whether connections to `listener` from `address` begin with a PROXY header.
  bool is_proxy(std::uint32_t listener, const AddressBytes& address) const;
  bool speaks_tls(std::uint32_t listener) const;
  // By prior knowledge, without TLS: its default site's.
  bool takes_http2(std::uint32_t listener) const;
  bool has_certificate(SiteId site) const;

  // The exact name, else the longest wildcard above it.
  std::optional<SiteId> find(const HostName& host) const;

  // Where a connection to `listener` goes that asks for `host`, or for none. By TLS only to sites
  // that have a certificate.
  std::optional<Route> route(const std::optional<HostName>& host, std::uint32_t listener) const;

 private:
  RouteTable() = default;
  std::uint32_t site_at(SiteId site) const;
  std::string_view name_at(std::uint32_t index) const;
  std::optional<SiteId> find_text(std::string_view prefix, std::string_view name) const;
  std::uint32_t number_at(std::size_t offset) const;
  AddressBlock proxy_at(std::uint32_t index) const;
  std::uint32_t of_listener(std::uint32_t listener, std::size_t number) const;

  std::string_view bytes_;
  std::uint32_t site_count_ = 0;
  std::uint32_t listener_count_ = 0;
  std::uint32_t name_count_ = 0;
  std::uint32_t proxy_count_ = 0;
  std::size_t listeners_at_ = 0, sites_at_ = 0, names_at_ = 0, text_at_ = 0, proxies_at_ = 0;
};

}  // namespace perchild
