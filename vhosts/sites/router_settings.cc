#include "vhosts/sites/router_settings.h"

#include "policy/packed.h"

namespace perchild {

std::string RouterSettings::pack() const {
  PackedWriter writer;
  writer.put(limits.connections);
  writer.put(limits.per_address);
  writer.put_duration(limits.head);
  writer.put_duration(limits.queue);
  writer.put(static_cast<std::uint8_t>(landlock));
  return writer.take();
}

std::optional<RouterSettings> RouterSettings::unpack(std::string_view bytes) {
  PackedReader reader(bytes);
  RouterSettings settings;
  settings.limits.connections = reader.get<std::uint32_t>();
  settings.limits.per_address = reader.get<std::uint32_t>();
  settings.limits.head = reader.get_duration();
  settings.limits.queue = reader.get_duration();
  settings.landlock = static_cast<Requirement>(reader.get<std::uint8_t>());
  const bool plausible = reader.done() && settings.limits.connections > 0;
  return plausible ? std::optional(settings) : std::nullopt;
}

}  // namespace perchild
