// AddressBlock::parse: whatever it takes is a whole prefix, and holds its own network.
#include "policy/address_block.h"
#include "test/fuzz/fuzz_driver.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace perchild;
  const auto block = AddressBlock::parse(fuzz::to_view(data, size));
  if (!block) return 0;
  fuzz::check(block->length <= 128, "the length is one");
  fuzz::check(masked(block->network, block->length) == block->network, "no bits behind it");
  fuzz::check(block->contains(block->network), "its network is in it");
  return 0;
}
