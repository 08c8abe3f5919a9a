// ChunkedDecoder: the same whole, one byte at a time and split anywhere; what it takes for a body
// encodes to no more bytes than it consumed.
#include <string>

#include "test/fuzz/fuzz_driver.h"
#include "vhosts/http1/chunked.h"

namespace {

using namespace perchild::http1;
using perchild::fuzz::check;
using State = ChunkedDecoder::State;

struct Decoded {
  State state = State::incomplete;
  std::string body;
  std::size_t consumed = 0;
  int reason = -1;

  friend bool operator==(const Decoded&, const Decoded&) = default;
};

// Takes all steps over `part`. True when the decoder wants more.
bool decode_part(ChunkedDecoder& decoder, std::string_view part, Decoded& all) {
  while (true) {
    const ChunkedDecoder::Step step = decoder.next(part);
    check(step.consumed <= part.size(), "no more is consumed than there is");
    check(perchild::fuzz::is_within(step.data, part), "data is in the buffer");
    check(step.data.empty() == (step.state != State::data), "data comes with its state");
    all.body += step.data;
    all.consumed += step.consumed;
    all.state = step.state;
    if (step.state == State::rejected) all.reason = static_cast<int>(decoder.reason());
    if (step.state != State::data) break;
    part.remove_prefix(step.consumed);
  }
  return all.state == State::incomplete;
}

template <typename NextSize>
Decoded decode(std::string_view bytes, NextSize next_size) {
  ChunkedDecoder decoder;
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

  check(whole.consumed <= size && whole.body.size() <= whole.consumed, "bodies do not grow");
  if (whole.state == State::incomplete) check(whole.consumed == size, "all was consumed");
  if (whole.state == State::done) {
    check(bytes.substr(0, whole.consumed).ends_with("\r\n"), "a body ends with a line");
  }
  return 0;
}
