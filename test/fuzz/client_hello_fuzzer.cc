// ClientHelloParser: the same whole, byte by byte and as a router asks for more; what it needs is
// more than there is and never more than may be.
#include "test/fuzz/fuzz_driver.h"
#include "test/vhosts/tls/hello_outcome.h"

namespace {

using namespace perchild::tls;
using perchild::fuzz::check;
using State = ClientHelloParser::State;

void check_outcome(const HelloOutcome& outcome) {
  check((outcome.state == State::rejected) == (outcome.alert != 0), "a rejection has an alert");
  check(outcome.state == State::rejected || outcome.reason.empty(), "and a reason");
  check(outcome.name.empty() || perchild::HostName::parse(outcome.name), "a name is a host's");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = perchild::fuzz::to_view(data, size);
  const HelloOutcome whole = parse_whole(bytes);
  check_outcome(whole);
  check(whole == parse_by_byte(bytes), "the same one byte at a time");
  const auto ask = [](std::size_t length, std::size_t needed) {
    check(needed > length, "more is needed than there is");
    check(needed <= max_hello_bytes, "no more is waited for than may be");
    return needed;
  };
  check(whole == parse_growing(bytes, 1, ask), "the same when it is asked for");
  return 0;
}
