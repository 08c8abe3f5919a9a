// What systemctl(1) says of a unit: every property stands in the text, on a line of its own.
#include "daemon/command/doctor/unit_properties.h"
#include "test/fuzz/fuzz_driver.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using perchild::fuzz::check;
  const std::string_view text = perchild::fuzz::to_view(data, size);
  for (const auto& [name, value] : perchild::parse_unit_properties(text)) {
    check(!name.empty() && name.find_first_of("=\n") == name.npos, "a name is one");
    check(value.find('\n') == value.npos, "a value is on one line");
    check(text.find(name + "=" + value) != text.npos, "it says so");
    const auto all = perchild::values_of(name, text);
    check(!all.empty() && all.back() == value, "the last counts");
  }
  return 0;
}
