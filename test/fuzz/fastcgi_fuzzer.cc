// FastCgiDecoder: the same whole, one byte at a time and split anywhere; what it gives is within
// what it consumed.
#include <string>

#include "test/fuzz/fuzz_driver.h"
#include "vhosts/gateway/fastcgi_record.h"

namespace {

using perchild::fuzz::check;
using perchild::gateway::FastCgiDecoder;
using State = FastCgiDecoder::State;

struct Decoded {
  State state = State::incomplete;
  std::string output;
  std::string error_output;
  std::size_t consumed = 0;
  int reason = -1;
  std::uint32_t status = 0;

  friend bool operator==(const Decoded&, const Decoded&) = default;
};

// Takes all steps over `part`. True when the decoder wants more.
bool decode_part(FastCgiDecoder& decoder, std::string_view part, Decoded& all) {
  while (true) {
    const FastCgiDecoder::Step step = decoder.next(part);
    const bool has_data = step.state == State::output || step.state == State::error_output;
    check(step.consumed <= part.size(), "no more is consumed than there is");
    check(perchild::fuzz::is_within(step.data, part), "data is in the buffer");
    check(step.data.empty() != has_data, "data comes with its state");
    (step.state == State::output ? all.output : all.error_output) += step.data;
    all.consumed += step.consumed;
    all.state = step.state;
    if (!has_data) break;
    part.remove_prefix(step.consumed);
  }
  if (all.state == State::rejected) all.reason = static_cast<int>(decoder.reason());
  if (all.state == State::ended) all.status = decoder.application_status();
  return all.state == State::incomplete;
}

template <typename NextSize>
Decoded decode(std::string_view bytes, NextSize next_size) {
  FastCgiDecoder decoder;
  Decoded all;
  while (!bytes.empty()) {
    const std::string part(bytes.substr(0, next_size()));
    bytes.remove_prefix(part.size());
    if (!decode_part(decoder, part, all)) break;
  }
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = perchild::fuzz::to_view(data, size);
  const Decoded whole = decode(bytes, [size] { return size; });
  check(whole == decode(bytes, [] { return std::size_t{1}; }), "the same one byte at a time");
  perchild::fuzz::Choices choices(bytes);
  check(whole == decode(bytes, [&] { return choices.up_to(size / 3) + 1; }), "the same in parts");
  if (whole.state == State::incomplete) check(whole.consumed == size, "all was consumed");
  return 0;
}
