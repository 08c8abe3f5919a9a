// Which responses a site sends compressed, and how.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace perchild {

// In the order of preference: the smaller result first.
enum class ContentCoding : std::uint8_t { br, zstd, gzip };
inline constexpr std::size_t coding_count = 3;
inline constexpr std::array<std::string_view, coding_count> coding_names{"br", "zstd", "gzip"};
inline constexpr std::array<std::string_view, coding_count> coding_suffixes{".br", ".zst", ".gz"};

constexpr std::size_t index_of(ContentCoding coding) {
  return static_cast<std::size_t>(coding);
}

// A set of codings.
class CodingSet {
 public:
  constexpr CodingSet() = default;
  constexpr explicit CodingSet(std::uint8_t bits) : bits_(bits) {}
  constexpr CodingSet(std::initializer_list<ContentCoding> codings) {
    for (const ContentCoding coding : codings) add(coding);
  }
  constexpr void add(ContentCoding coding) {
    bits_ = static_cast<std::uint8_t>(bits_ | 1U << index_of(coding));
  }
  constexpr bool has(ContentCoding coding) const { return (bits_ >> index_of(coding) & 1U) != 0; }
  constexpr bool empty() const { return bits_ == 0; }
  constexpr std::uint8_t bits() const { return bits_; }
  constexpr bool operator==(const CodingSet&) const = default;

 private:
  std::uint8_t bits_ = 0;
};

struct CompressionSettings {
  // Taken from files beside the one that is asked for: "page.html.br" for "page.html".
  CodingSet precompressed{ContentCoding::br, ContentCoding::zstd, ContentCoding::gzip};
  // Made while the file is sent, or once for what the worker keeps in its cache. Never zstd.
  CodingSet on_the_fly{ContentCoding::br, ContentCoding::gzip};
  // Below it, in bytes, nothing is gained: the whole response fits into one packet.
  std::uint64_t min_size = 1024;
  std::uint8_t gzip_level = 6;      // 1 to 9
  std::uint8_t brotli_quality = 5;  // 0 to 9: 10 and 11 take a second for a megabyte
  // Likewise what programs answer, whose pages can be guessed at by it: vhosts/files/compression.h.
  bool programs = false;
  // Content types, besides the textual ones that are known: "font/ttf", "application/*".
  std::vector<std::string> types;

  bool operator==(const CompressionSettings&) const = default;
};

}  // namespace perchild
