// What is wrong with a file in a site's root, by its name, owner and mode; and how this is told by
// who looks, under the site's uid, to who asked.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace perchild {

enum class Trouble : std::uint8_t {
  written_by_others,  // every user can change it, or what is in it
  written_by_group,   // likewise the members of a group that is not the site's alone
  secret_is_read,     // its name says that it is a secret, and every user can read it
  secret_is_read_by_group,
  setuid,           // or setgid: who executes it becomes its owner
  of_another_user,  // changed and read by somebody who is not the site's user
  shared_name,      // a file of another user's that has a name elsewhere as well
  leads_out,        // a symbolic link out of the root
};
inline constexpr std::size_t troubles = 8;

struct FileInRoot {
  std::string_view path;   // relative to the root
  std::uint32_t mode = 0;  // with its type
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint64_t links = 1;
  bool leads_out = false;  // of a symbolic link
  // Whether every folder on the way lets others pass, or members of groups.
  bool others_come = false;
  bool groups_come = false;
};

struct RootOwner {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  bool shares_group = false;  // another user's site has that group too
};

// wp-config.php, .env, keys, dumps, ...
bool is_secret(std::string_view path);

std::vector<Trouble> troubles_of(const FileInRoot& file, const RootOwner& owner);

// What whoever looks is told.
struct RootExamination {
  std::uint64_t most_names = 0;
  std::uint32_t seconds = 0;
  bool others_come = false;  // to the root
  bool groups_come = false;
  bool shares_group = false;
  bool needs_landlock = true;
  std::string root{};

  std::string pack() const;
  static std::optional<RootExamination> unpack(std::string_view bytes);
};

struct TroubledFile {
  std::string path;
  std::uint32_t mode = 0;
  std::uint32_t uid = 0;
};

// What he answers. Bounded, whatever is in the root: of each trouble a few examples.
struct RootReport {
  static constexpr std::size_t most_examples = 3;
  enum class End : std::uint8_t { all, names, time };  // seen; or which bound was met

  struct Found {
    std::uint64_t count = 0;
    std::vector<TroubledFile> examples{};
  };
  End end = End::all;
  std::uint64_t names = 0;   // that were looked at
  std::uint64_t closed = 0;  // folders that the site's user cannot look into
  std::array<Found, troubles> found{};

  std::string pack() const;
  // Nullopt if it is not what pack() gives: whoever wrote it may have been led astray.
  static std::optional<RootReport> unpack(std::string_view bytes);
};

}  // namespace perchild
