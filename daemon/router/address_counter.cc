#include "daemon/router/address_counter.h"

#include <cstring>

namespace perchild {
namespace {

constexpr std::uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

std::uint64_t mix(std::uint64_t value) {
  value ^= value >> 32;
  value *= 0x9fb2'1c65'1e98'df25;
  return value ^ value >> 29;
}

}  // namespace

AddressCounter::Key AddressCounter::key_of(const Address& address) {
  Key key{};
  std::memcpy(&key.high, address.data(), sizeof key.high);
  if (std::memcmp(address.data(), mapped_prefix, sizeof mapped_prefix) == 0) {
    std::memcpy(&key.low, address.data() + sizeof key.high, sizeof key.low);
  }
  return key;
}

std::size_t AddressCounter::Hash::operator()(const Key& key) const noexcept {
  return mix(mix(key.high ^ seed) + key.low);
}

std::uint32_t AddressCounter::count(const Address& address) const {
  const auto found = counts_.find(key_of(address));
  return found == counts_.end() ? 0 : found->second;
}

void AddressCounter::remove(const Address& address) {
  const auto found = counts_.find(key_of(address));
  if (found != counts_.end() && --found->second == 0) counts_.erase(found);
}

}  // namespace perchild
