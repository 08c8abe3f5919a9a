#include "policy/docroot_troubles.h"

#include <sys/stat.h>

#include <algorithm>

#include "policy/packed.h"

namespace perchild {
namespace {

constexpr std::string_view secret_names[] = {
    "wp-config.php", "configuration.php", "settings.php", "LocalSettings.php",
    ".env",          ".htpasswd",         ".my.cnf",      ".pgpass",
    ".netrc",        ".git-credentials",  "id_rsa",       "id_dsa",
    "id_ecdsa",      "id_ed25519"};
constexpr std::string_view secret_endings[] = {".key", ".sql", ".sql.gz", ".sql.bz2", ".sql.xz"};

std::string_view name_in(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

}  // namespace

bool is_secret(std::string_view path) {
  const std::string_view name = name_in(path);
  const auto is_name = [&](std::string_view secret) { return name == secret; };
  const auto has_ending = [&](std::string_view ending) { return name.ends_with(ending); };
  return std::any_of(std::begin(secret_names), std::end(secret_names), is_name) ||
         std::any_of(std::begin(secret_endings), std::end(secret_endings), has_ending) ||
         name.starts_with(".env.") || path == ".git/config" || path.ends_with("/.git/config");
}

std::vector<Trouble> troubles_of(const FileInRoot& file, const RootOwner& owner) {
  std::vector<Trouble> all;
  if (S_ISLNK(file.mode)) {
    if (file.leads_out) all.push_back(Trouble::leads_out);
    return all;
  }
  const bool is_group = file.gid != owner.gid || owner.shares_group;
  const bool is_sticky_folder = S_ISDIR(file.mode) && (file.mode & S_ISVTX) != 0;
  if (file.others_come && (file.mode & S_IWOTH) != 0 && !is_sticky_folder) {
    all.push_back(Trouble::written_by_others);
  } else if (file.groups_come && is_group && (file.mode & S_IWGRP) != 0 && !is_sticky_folder) {
    all.push_back(Trouble::written_by_group);
  }
  if (S_ISREG(file.mode) && is_secret(file.path)) {
    if (file.others_come && (file.mode & S_IROTH) != 0) {
      all.push_back(Trouble::secret_is_read);
    } else if (file.groups_come && is_group && (file.mode & S_IRGRP) != 0) {
      all.push_back(Trouble::secret_is_read_by_group);
    }
  }
  // On folders setgid only says which group new files get.
  if (S_ISREG(file.mode) && (file.mode & (S_ISUID | S_ISGID)) != 0) {
    all.push_back(Trouble::setuid);
  }
  if (file.uid != owner.uid) {
    const bool has_other_names = S_ISREG(file.mode) && file.links > 1;
    all.push_back(has_other_names ? Trouble::shared_name : Trouble::of_another_user);
  }
  return all;
}

std::string RootExamination::pack() const {
  PackedWriter writer;
  writer.put(most_names);
  writer.put(seconds);
  for (const bool flag : {others_come, groups_come, shares_group, needs_landlock}) {
    writer.put(static_cast<std::uint8_t>(flag));
  }
  writer.put_text(root);
  return writer.take();
}

std::optional<RootExamination> RootExamination::unpack(std::string_view bytes) {
  PackedReader reader(bytes);
  RootExamination examination;
  examination.most_names = reader.get<std::uint64_t>();
  examination.seconds = reader.get<std::uint32_t>();
  for (bool* const flag : {&examination.others_come, &examination.groups_come,
                           &examination.shares_group, &examination.needs_landlock}) {
    *flag = reader.get<std::uint8_t>() != 0;
  }
  examination.root = reader.get_text();
  return reader.done() ? std::optional(std::move(examination)) : std::nullopt;
}

std::string RootReport::pack() const {
  PackedWriter writer;
  writer.put(static_cast<std::uint8_t>(end));
  writer.put(names);
  writer.put(closed);
  for (const Found& each : found) {
    writer.put(each.count);
    writer.put(static_cast<std::uint32_t>(each.examples.size()));
    for (const TroubledFile& file : each.examples) {
      writer.put_text(file.path);
      writer.put(file.mode);
      writer.put(file.uid);
    }
  }
  return writer.take();
}

std::optional<RootReport> RootReport::unpack(std::string_view bytes) {
  PackedReader reader(bytes);
  RootReport report;
  const auto end = reader.get<std::uint8_t>();
  if (end > static_cast<std::uint8_t>(End::time)) return std::nullopt;
  report.end = static_cast<End>(end);
  report.names = reader.get<std::uint64_t>();
  report.closed = reader.get<std::uint64_t>();
  for (Found& each : report.found) {
    each.count = reader.get<std::uint64_t>();
    const std::uint32_t examples = reader.get_count();
    if (examples > most_examples || examples > each.count) return std::nullopt;
    for (std::uint32_t i = 0; i < examples; ++i) {
      TroubledFile file;
      file.path = reader.get_text();
      file.mode = reader.get<std::uint32_t>();
      file.uid = reader.get<std::uint32_t>();
      each.examples.push_back(std::move(file));
    }
    // Whoever counts something has an example of it.
    if ((each.count == 0) != each.examples.empty()) return std::nullopt;
  }
  return reader.done() ? std::optional(std::move(report)) : std::nullopt;
}

}  // namespace perchild
