#include "policy/own_folder.h"

namespace perchild {

std::optional<std::string> objection_to_own_folder(const struct ::stat& status, Uid owner) {
  if (S_ISLNK(status.st_mode)) return "is a link";
  if (!S_ISDIR(status.st_mode)) return "is no folder";
  if (status.st_uid != owner.value) {
    return "belongs to another user, uid " + std::to_string(status.st_uid);
  }
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) return "may be written by others than its user";
  if ((status.st_mode & S_IRWXU) != S_IRWXU) return "is closed to its own user";
  return std::nullopt;
}

std::string_view tmp_that_hides(std::string_view path) {
  for (const std::string_view place : places_of_tmp) {
    if (path.starts_with(place) && (path.size() == place.size() || path[place.size()] == '/')) {
      return place;
    }
  }
  return {};
}

}  // namespace perchild
