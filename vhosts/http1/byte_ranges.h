// The Range field (RFC 9110, 14.2): which parts of a representation a client asks for.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace perchild::http1 {

// More in one request serve nobody but who wants the server to work (RFC 9110, 17.15).
inline constexpr std::size_t max_ranges = 16;

struct ByteRange {
  std::uint64_t first = 0;
  std::uint64_t last = 0;  // included

  std::uint64_t length() const { return last - first + 1; }
  bool operator==(const ByteRange&) const = default;
};

class ByteRanges {
 public:
  enum class Outcome : std::uint8_t {
    whole,          // the field is to be ignored: 200 with everything
    partial,        // 206 with parts()
    unsatisfiable,  // 416
  };

  // `size`: of the representation. A field that is malformed or of another unit is ignored, as one
  // is that names more than max_ranges, or more than two that overlap; so is any of an empty
  // representation, whose parts no Content-Range can name. Parts keep their order; those that begin
  // behind the end are left out.
  ByteRanges(std::string_view range, std::uint64_t size);

  Outcome outcome() const { return outcome_; }
  std::span<const ByteRange> parts() const { return {parts_.data(), count_}; }

 private:
  bool parse(std::string_view set, std::uint64_t size);
  bool overlap_too_much() const;

  std::array<ByteRange, max_ranges> parts_;
  std::size_t count_ = 0;
  Outcome outcome_ = Outcome::whole;
};

}  // namespace perchild::http1
