// Strong types for the numbers that decide who may do what.
#pragma once

#include <sys/types.h>

#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

namespace perchild {

// A host user id. Identity-mapped: the same number inside and outside the service's user namespace.
struct Uid {
  ::uid_t value;
  auto operator<=>(const Uid&) const = default;
};

// A host group id, identity-mapped like Uid.
struct Gid {
  ::gid_t value;
  auto operator<=>(const Gid&) const = default;
};

// The ids of one of our own services (master, router). Never 0.
struct ServiceIds {
  Uid uid;
  Gid gid;
  auto operator<=>(const ServiceIds&) const = default;
};

// The ids that a process runs under.
struct Identity {
  Uid uid;
  Gid gid;
  std::vector<Gid> groups{};  // supplementary
};

// The inclusive range of ids that tenants may have; the user namespace maps exactly this.
struct IdRange {
  std::uint32_t first;
  std::uint32_t last;

  constexpr bool contains(std::uint32_t id) const { return first <= id && id <= last; }
  auto operator<=>(const IdRange&) const = default;
};

// The userid of a site. It cannot be 0 and lies in the tenants' range, which holds no service id.
class TenantUid {
 public:
  static constexpr std::optional<TenantUid> make(Uid uid, IdRange range) {
    if (uid.value == 0 || !range.contains(uid.value)) return std::nullopt;
    return TenantUid(uid);
  }
  constexpr Uid uid() const { return uid_; }
  auto operator<=>(const TenantUid&) const = default;

 private:
  constexpr explicit TenantUid(Uid uid) : uid_(uid) {}
  Uid uid_;
};

// The number of a site: its index in the tables of one generation.
struct SiteId {
  std::uint32_t value;
  auto operator<=>(const SiteId&) const = default;
};

// Counts the tables that a running service has been given; the first is 1.
struct Generation {
  std::uint32_t value;
  auto operator<=>(const Generation&) const = default;
};

}  // namespace perchild

template <>
struct std::hash<perchild::SiteId> {
  std::size_t operator()(perchild::SiteId id) const noexcept { return id.value; }
};
