// What an examiner says, that may have been led astray: what is read is bounded, and says the same
// when it is packed again.
#include "policy/docroot_troubles.h"
#include "test/fuzz/fuzz_driver.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace perchild;
  using perchild::fuzz::check;
  const std::string_view bytes = perchild::fuzz::to_view(data, size);
  const auto report = RootReport::unpack(bytes);
  if (report) {
    check(report->pack() == bytes, "packed again it is the same");
    for (const auto& found : report->found) {
      check(found.examples.size() <= RootReport::most_examples, "a few examples");
    }
  }
  is_secret(bytes);
  return 0;
}
