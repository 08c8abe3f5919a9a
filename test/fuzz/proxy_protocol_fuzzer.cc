// The PROXY header: what is said of a part is said of the whole, and what is consumed is there.
#include "test/fuzz/fuzz_driver.h"
#include "vhosts/proxy_protocol/proxy_header.h"

namespace {

using perchild::fuzz::check;
using perchild::proxy_protocol::max_header_bytes;
using perchild::proxy_protocol::read_header;
using perchild::proxy_protocol::Reading;

void check_reading(const Reading& reading, std::size_t size) {
  switch (reading.state) {
    case Reading::State::incomplete:
      check(reading.at_least > size, "more is needed than there is");
      check(reading.at_least <= max_header_bytes, "no more is waited for than may be");
      break;
    case Reading::State::complete:
      check(reading.header.length <= size, "the header is in the buffer");
      check(reading.header.length >= 15, "no header is shorter than UNKNOWN's line");
      break;
    case Reading::State::rejected:
      check(!text_of(reading.reason).empty(), "a reason has a sentence");
      break;
  }
}

void check_same(const Reading& part, const Reading& whole) {
  check(part.state == whole.state && part.reason == whole.reason, "a decision stays");
  check(part.header.source == whole.header.source, "the source stays");
  check(part.header.length == whole.header.length, "the length stays");
  check(part.header.over_tls == whole.header.over_tls, "TLS stays");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = perchild::fuzz::to_view(data, size);
  const Reading whole = read_header(bytes);
  check_reading(whole, size);
  // Asked again only when there is as much as the last answer wanted, as a router does.
  Reading part;
  for (std::size_t length = 0; length <= size; length = part.at_least) {
    part = read_header(bytes.substr(0, length));
    check_reading(part, length);
    if (part.state == Reading::State::incomplete) continue;
    check_same(part, whole);
    return 0;
  }
  // Not enough for the last answer.
  check(whole.state == Reading::State::incomplete, "a header is not missed by waiting for it");
  return 0;
}
