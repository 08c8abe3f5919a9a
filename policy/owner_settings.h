// What a site's owner says of his own content, in a file of his docroot. He is not trusted: the
// text is bounded in size and depth, and says nothing but what the operator lets him say.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "policy/content_settings.h"
#include "policy/mistake.h"

namespace perchild {

inline constexpr std::string_view owner_settings_name = ".perchild.json";
inline constexpr std::size_t most_owner_settings_bytes = 64 * 1024;

struct OwnerSettings {
  std::optional<Content> content{};  // if nothing is wrong
  std::vector<Mistake> mistakes{};
};

// `topics`: the keys that he may use. A key that is none of them is a mistake, known or not.
OwnerSettings read_owner_settings(std::string text, std::span<const std::string> topics);

}  // namespace perchild
