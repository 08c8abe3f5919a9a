// What the fuzz drivers share: libFuzzer's entry function and a check that no build leaves out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace perchild::fuzz {

inline void check(bool holds, const char* sentence) {
  if (holds) return;
  (void)std::fprintf(stderr, "does not hold: %s\n", sentence);
  std::abort();
}

inline bool is_within(std::string_view part, std::string_view whole) {
  return part.empty() ||
         (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

inline std::string_view to_view(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// Numbers that follow from the input alone, so that a corpus file is nothing but an input.
class Choices {
 public:
  explicit Choices(std::string_view input) {
    for (const char c : input) state_ = (state_ ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  }
  std::size_t up_to(std::size_t limit) {
    state_ = state_ * 6364136223846793005 + 1442695040888963407;
    return static_cast<std::size_t>(state_ >> 33) % (limit + 1);
  }

 private:
  std::uint64_t state_ = 0xcbf29ce484222325;
};

}  // namespace perchild::fuzz
