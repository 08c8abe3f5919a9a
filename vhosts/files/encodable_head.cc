#include "vhosts/files/encodable_head.h"

#include <algorithm>

#include "vhosts/files/compression.h"
#include "vhosts/http1/characters.h"

namespace perchild::files {
namespace {

constexpr std::string_view names_that_stay[] = {
    "content-encoding", "content-range", "content-md5", "content-digest", "repr-digest", "digest",
};

bool has_option(std::string_view list, std::string_view option) {
  while (!list.empty()) {
    const std::string_view part = list.substr(0, list.find(','));
    list.remove_prefix(std::min(list.size(), part.size() + 1));
    if (http1::equals_ignoring_case(http1::trim_whitespace(part), option)) return true;
  }
  return false;
}

}  // namespace

void EncodableHead::take(std::string_view name, std::string_view value) {
  const auto is = [name](std::string_view known) {
    return http1::equals_ignoring_case(name, known);
  };
  if (is("content-type")) {
    content_type_ = value;
  } else if (is("cache-control")) {
    stays_ = stays_ || has_option(value, "no-transform");
  } else if (is("x-accel-buffering")) {
    stays_ = stays_ || http1::equals_ignoring_case(value, "no");
  } else {
    stays_ = stays_ || std::any_of(std::begin(names_that_stay), std::end(names_that_stay), is);
  }
}

bool EncodableHead::is_encodable(std::span<const std::string> types) const {
  constexpr std::string_view events = "text/event-stream";
  const std::string_view type =
      http1::trim_whitespace(content_type_.substr(0, content_type_.find(';')));
  return !stays_ && !http1::equals_ignoring_case(type, events) && is_compressible(type, types);
}

}  // namespace perchild::files
