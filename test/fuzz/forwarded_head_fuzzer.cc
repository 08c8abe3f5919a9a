// write_forwarded_head: of any request it makes one that our own parser reads as it was meant, with
// the framing that was asked for and without a word for the proxy that a client has put in.
#include <string>

#include "test/fuzz/fuzz_driver.h"
#include "vhosts/gateway/forwarded_head.h"

namespace {

using namespace perchild;
using namespace perchild::gateway;
using fuzz::check;
using http1::BodyFraming;
using http1::equals_ignoring_case;

struct Counts {
  int host = 0;
  int forwarded_for = 0;
  int connection = 0;
};

Counts counts_of(std::string_view bytes) {
  Counts counts;
  http1::for_each_field(bytes, [&](const http1::Field& field) {
    if (equals_ignoring_case(field.name, "host")) ++counts.host;
    if (equals_ignoring_case(field.name, "connection")) ++counts.connection;
    check(!equals_ignoring_case(field.name, "forwarded"), "no client speaks for a proxy");
    if (!equals_ignoring_case(field.name, "x-forwarded-for")) return;
    ++counts.forwarded_for;
    check(field.value == "192.0.2.7", "the address is the client's");
  });
  return counts;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = fuzz::to_view(data, size);
  http1::HeadParser parser;
  // With what is added, a head of more bytes could be too large for the second reading.
  if (size > 8000 || parser.parse(bytes) != http1::HeadParser::State::complete) return 0;
  const http1::RequestHead head = parser.head(bytes);
  if (head.method == http1::Method::connect) return 0;
  const ForwardedRequest request{.head = head,
                                 .bytes = bytes,
                                 .target = "/x",
                                 .own_host = "own.example",
                                 .client = "192.0.2.7",
                                 .keep_alive = true,
                                 .upgrade = wanted_upgrade(head, bytes),
                                 .body = head.body,
                                 .content_length = head.content_length};
  std::string out;
  if (!write_forwarded_head(request, out)) return 0;

  http1::HeadParser again;
  if (again.parse(out) == http1::HeadParser::State::rejected) {
    check(again.reason() == http1::Reject::too_many_fields, "it is a request");
    return 0;
  }
  const http1::RequestHead read = again.head(out);
  check(read.length == out.size(), "it is one head and nothing behind it");
  check(read.method_text == head.method_text && read.target == "/x", "it asks for what it should");
  check(read.body == head.body && read.content_length == head.content_length, "it is framed alike");
  const Counts counts = counts_of(out);
  check(counts.host == 1 && counts.forwarded_for == 1, "what the proxy says is said once");
  check(counts.connection == (request.upgrade.empty() ? 0 : 1), "the connection is ours");
  return 0;
}
