#include "privsep/identity_memory.h"

#include <optional>
#include <string_view>
#include <utility>

#include "policy/packed.h"
#include "privsep/lock_down.h"
#include "privsep/sealed_memory.h"

namespace perchild {
namespace {

std::optional<Identity> unpack(std::string_view bytes) {
  PackedReader reader(bytes);
  Identity identity;
  identity.uid = Uid{reader.get<std::uint32_t>()};
  identity.gid = Gid{reader.get<std::uint32_t>()};
  for (std::uint32_t left = reader.get_count(); left > 0; --left) {
    identity.groups.push_back(Gid{reader.get<std::uint32_t>()});
  }
  return reader.done() ? std::optional(std::move(identity)) : std::nullopt;
}

}  // namespace

Result<UniqueFd> make_identity_memory(const Identity& identity) {
  PackedWriter writer;
  writer.put(identity.uid.value);
  writer.put(identity.gid.value);
  writer.put(static_cast<std::uint32_t>(identity.groups.size()));
  for (const Gid gid : identity.groups) writer.put(gid.value);
  return make_sealed_memory("identity", writer.take());
}

Result<void> take_identity(Role role, UniqueFd memory) {
  const auto mapped = SealedMapping::map(memory.borrow());
  if (!mapped) return failure(mapped.error());
  const auto identity = unpack(mapped->bytes());
  if (!identity) return failure({"load", "the ids to take", 0});
  return drop_to_identity(role, *identity);
}

}  // namespace perchild
