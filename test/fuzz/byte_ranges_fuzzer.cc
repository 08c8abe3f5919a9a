// ByteRanges, for files of several sizes: its parts lie within the file, and are few.
#include "test/fuzz/fuzz_driver.h"
#include "vhosts/http1/byte_ranges.h"

namespace {

using namespace perchild::http1;
using perchild::fuzz::check;

void check_ranges(std::string_view field, std::uint64_t size) {
  const ByteRanges ranges(field, size);
  const bool is_partial = ranges.outcome() == ByteRanges::Outcome::partial;
  check(is_partial != ranges.parts().empty(), "parts come with 206 alone");
  check(ranges.parts().size() <= max_ranges, "they are few");
  for (const ByteRange& part : ranges.parts()) {
    check(part.first <= part.last && part.last < size, "a part lies within the file");
  }
  // Content-Range names no part of an empty file.
  if (size == 0) check(ranges.outcome() == ByteRanges::Outcome::whole, "all of nothing");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view field = perchild::fuzz::to_view(data, size);
  for (const std::uint64_t of :
       {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{1000}, ~std::uint64_t{0}}) {
    check_ranges(field, of);
  }
  return 0;
}
