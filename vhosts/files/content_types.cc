#include "vhosts/files/content_types.h"

#include <algorithm>
#include <utility>

#include "vhosts/files/mime.h"

namespace perchild::files {
namespace {

constexpr std::string_view compiled_charset = "; charset=utf-8";

}  // namespace

ContentTypes::ContentTypes(const std::vector<TypeOfExtension>& types, std::string charset)
    : charset_(std::move(charset)) {
  for (const TypeOfExtension& one : types) {
    const bool is_text = one.type.starts_with("text/") && one.type.find(';') == std::string::npos;
    types_.insert_or_assign(one.extension, is_text ? with_charset(one.type) : one.type);
  }
}

std::string ContentTypes::with_charset(std::string_view type) const {
  return std::string(type) + (charset_.empty() ? "" : "; charset=" + charset_);
}

std::string_view ContentTypes::of(std::string_view path) const {
  if (!types_.empty()) {
    std::string extension(extension_of(path));
    std::transform(extension.begin(), extension.end(), extension.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    if (const auto own = types_.find(extension); own != types_.end()) return own->second;
  }
  const std::string_view type = content_type_of(path);
  if (!type.ends_with(compiled_charset) || compiled_charset.ends_with("=" + charset_)) return type;
  const auto recoded = recoded_.find(type);
  if (recoded != recoded_.end()) return recoded->second;
  const std::string_view bare = type.substr(0, type.size() - compiled_charset.size());
  return recoded_.emplace(type, with_charset(bare)).first->second;
}

}  // namespace perchild::files
