#include "vhosts/files/compression.h"

#include <algorithm>
#include <iterator>

#include "vhosts/http1/characters.h"
#include "vhosts/http1/request_head.h"

namespace perchild::files {
namespace {

constexpr std::string_view text_types = "text/";
constexpr std::string_view structured[] = {"+json", "+xml"};  // RFC 6839: image/svg+xml, ...
constexpr std::string_view others[] = {
    "application/ecmascript",
    "application/javascript",
    "application/json",
    "application/rtf",
    "application/vnd.ms-fontobject",
    "application/wasm",
    "application/x-javascript",
    "application/x-sh",
    "application/xml",
    "application/xml-dtd",
    "application/yaml",
    "font/otf",
    "font/sfnt",
    "font/ttf",
    "image/bmp",
    "image/vnd.microsoft.icon",
    "image/x-ms-bmp",
};
static_assert(std::is_sorted(std::begin(others), std::end(others)));

bool matches(std::string_view pattern, std::string_view type) {
  if (!pattern.ends_with("/*")) return http1::equals_ignoring_case(pattern, type);
  pattern.remove_suffix(1);
  return http1::equals_ignoring_case(pattern, type.substr(0, pattern.size()));
}

}  // namespace

bool is_compressible(std::string_view content_type, std::span<const std::string> more) {
  const std::string_view type =
      http1::trim_whitespace(content_type.substr(0, content_type.find(';')));
  if (type.starts_with(text_types)) return true;
  if (std::binary_search(std::begin(others), std::end(others), type)) return true;
  for (const std::string_view suffix : structured) {
    if (type.ends_with(suffix)) return true;
  }
  return std::any_of(more.begin(), more.end(),
                     [type](const std::string& pattern) { return matches(pattern, type); });
}

bool is_negotiated(const CompressionSettings& settings, std::string_view content_type,
                   std::uint64_t size) {
  const bool is_possible = !settings.precompressed.empty() ||
                           (!settings.on_the_fly.empty() && size >= settings.min_size);
  return is_possible && is_compressible(content_type, settings.types);
}

EncodedForms::EncodedForms(const http1::AcceptedCodings& accepted,
                           const CompressionSettings& settings, bool may_be_made) {
  for (std::size_t i = 0; i < coding_count; ++i) {
    const auto coding = static_cast<ContentCoding>(i);
    const unsigned quality = accepted.of(coding);
    if (quality == 0 || quality < accepted.identity) continue;
    const auto preference = static_cast<unsigned>(coding_count - i);
    constexpr unsigned ready = coding_count + 1;
    const unsigned rank = quality * 2 * ready + preference;
    if (settings.precompressed.has(coding)) add({coding, false}, rank + ready);
    if (may_be_made && settings.on_the_fly.has(coding)) add({coding, true}, rank);
  }
}

void EncodedForms::add(EncodedForm form, unsigned rank) {
  std::size_t at = count_++;
  for (; at > 0 && ranks_[at - 1] < rank; --at) {
    forms_[at] = forms_[at - 1];
    ranks_[at] = ranks_[at - 1];
  }
  forms_[at] = form;
  ranks_[at] = rank;
}

}  // namespace perchild::files
