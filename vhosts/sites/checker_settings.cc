#include "vhosts/sites/checker_settings.h"

#include "policy/packed.h"

namespace perchild {

std::string CheckerSettings::pack() const {
  PackedWriter writer;
  writer.put(static_cast<std::uint8_t>(landlock));
  writer.put(static_cast<std::uint32_t>(lists.size()));
  for (const PasswordList& list : lists) {
    writer.put_text(list.file);
    writer.put(static_cast<std::uint32_t>(list.users.size()));
    for (const PasswordUser& user : list.users) {
      writer.put_text(user.name);
      writer.put_text(user.hash);
    }
  }
  return writer.take();
}

std::optional<CheckerSettings> CheckerSettings::unpack(std::string_view bytes) {
  PackedReader reader(bytes);
  CheckerSettings settings;
  settings.landlock = static_cast<Requirement>(reader.get<std::uint8_t>());
  for (std::uint32_t lists = reader.get_count(); lists > 0; --lists) {
    PasswordList& list = settings.lists.emplace_back();
    list.file = reader.get_text();
    for (std::uint32_t users = reader.get_count(); users > 0; --users) {
      PasswordUser& user = list.users.emplace_back();
      user.name = reader.get_text();
      user.hash = reader.get_text();
    }
  }
  const bool plausible = reader.done() && !settings.lists.empty();
  return plausible ? std::optional(std::move(settings)) : std::nullopt;
}

}  // namespace perchild
