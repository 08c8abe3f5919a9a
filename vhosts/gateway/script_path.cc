#include "vhosts/gateway/script_path.h"

#include <algorithm>

#include "vhosts/http1/request_head.h"

namespace perchild::gateway {
namespace {

// The path up to the end of the name that begins at or behind `from`, which is the end of a name
// or 0. Nullopt if there is no name any more.
std::optional<ScriptPath> next_name(std::string_view path, std::size_t from) {
  if (from + 1 >= path.size() || path[from] != '/') return std::nullopt;
  const std::size_t end = std::min(path.find('/', from + 1), path.size());
  return ScriptPath{path.substr(0, end), path.substr(end)};
}

}  // namespace

bool has_extension(std::string_view name, std::span<const std::string> extensions) {
  const std::size_t dot = name.rfind('.');
  if (dot == std::string_view::npos || dot == 0) return false;
  return std::any_of(extensions.begin(), extensions.end(), [&](const std::string& extension) {
    return http1::equals_ignoring_case(name.substr(dot + 1), extension);
  });
}

std::optional<ScriptPath> next_script_by_extension(std::string_view path,
                                                   std::span<const std::string> extensions,
                                                   std::size_t from) {
  auto candidate = next_name(path, from);
  while (candidate) {
    const std::string_view script = candidate->script;
    if (has_extension(script.substr(script.rfind('/') + 1), extensions)) return candidate;
    candidate = next_name(path, script.size());
  }
  return std::nullopt;
}

std::optional<ScriptPath> next_script_below(std::string_view path, std::string_view directory,
                                            std::size_t from) {
  while (directory.ends_with('/')) directory.remove_suffix(1);
  if (!path.starts_with(directory)) return std::nullopt;
  return next_name(path, std::max(from, directory.size()));
}

}  // namespace perchild::gateway
