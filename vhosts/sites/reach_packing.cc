#include "vhosts/sites/reach_packing.h"

namespace perchild {
namespace {

void put_block(PackedWriter& writer, const AddressBlock& block) {
  for (const std::uint8_t byte : block.network) writer.put(byte);
  writer.put(block.length);
}

AddressBlock get_block(PackedReader& reader) {
  AddressBlock block;
  for (std::uint8_t& byte : block.network) byte = reader.get<std::uint8_t>();
  block.length = reader.get<std::uint8_t>();
  return block;
}

void put_hsts(PackedWriter& writer, const HstsSettings& hsts) {
  writer.put(static_cast<std::uint64_t>(hsts.max_age.count()));
  writer.put(static_cast<std::uint8_t>(hsts.include_subdomains));
  writer.put(static_cast<std::uint8_t>(hsts.preload));
}

HstsSettings get_hsts(PackedReader& reader) {
  HstsSettings hsts;
  hsts.max_age = std::chrono::seconds(reader.get<std::uint64_t>());
  hsts.include_subdomains = reader.get<std::uint8_t>() != 0;
  hsts.preload = reader.get<std::uint8_t>() != 0;
  return hsts;
}

}  // namespace

void put_reach(PackedWriter& writer, const ReachSettings& reach) {
  writer.put(static_cast<std::uint8_t>(reach.canonical));
  if (reach.canonical == Canonical::host) writer.put_text(reach.canonical_host->view());
  writer.put(static_cast<std::uint8_t>(reach.redirect_to_https));
  writer.put(static_cast<std::uint8_t>(reach.hsts.has_value()));
  if (reach.hsts) put_hsts(writer, *reach.hsts);
  writer.put(static_cast<std::uint32_t>(reach.trusted_proxies.size()));
  for (const AddressBlock& block : reach.trusted_proxies) put_block(writer, block);
}

bool get_reach(PackedReader& reader, ReachSettings& reach) {
  const auto canonical = reader.get<std::uint8_t>();
  if (canonical > static_cast<std::uint8_t>(Canonical::host)) return false;
  reach.canonical = static_cast<Canonical>(canonical);
  if (reach.canonical == Canonical::host) {
    reach.canonical_host = HostName::parse(reader.get_text());
    if (!reach.canonical_host) return false;
  }
  reach.redirect_to_https = reader.get<std::uint8_t>() != 0;
  if (reader.get<std::uint8_t>() != 0) reach.hsts = get_hsts(reader);
  for (std::uint32_t left = reader.get_count(); left > 0; --left) {
    reach.trusted_proxies.push_back(get_block(reader));
    if (reach.trusted_proxies.back().length > AddressBlock::longest) return false;
  }
  return true;
}

}  // namespace perchild
