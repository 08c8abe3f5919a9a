// What we accept, no other parser may read differently: the same bytes go to ours, to llhttp and to
// Boost.Beast. A proxy or an application with another reading of a request is what smuggling needs.
//
// That another one rejects what we accept is no difference: it then answers an error, and nothing
// is taken for something else. (llhttp has told a head's end by the time it rejects tabs behind
// "chunked".) What is left out besides, and why:
//
//   - blanks around a field's value. llhttp hands them on behind it; they are not part of it (RFC
//     9112, 5.1), and whoever uses llhttp trims them.
//   - the body of CONNECT. llhttp takes what follows the head for the tunnel's (RFC 9110, 9.3.6).
//     perchild makes no tunnels, answers with an error and closes without looking at what follows.
#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "test/fuzz/fuzz_driver.h"
#include "test/fuzz/oracles/message.h"

namespace {

using perchild::fuzz::Message;
using perchild::fuzz::MessageField;
using End = Message::End;

[[noreturn]] void differ(const char* reader, const char* what) {
  (void)std::fprintf(stderr, "%s reads another %s than we do\n", reader, what);
  std::abort();
}

void compare_heads(const char* reader, const Message& ours, const Message& theirs) {
  if (ours.method != theirs.method) differ(reader, "method");
  if (ours.target != theirs.target) differ(reader, "target");
  if (ours.is_http_1_0 != theirs.is_http_1_0) differ(reader, "version");
  if (ours.fields != theirs.fields) differ(reader, "list of fields");
}

void compare_bodies(const char* reader, const Message& ours, const Message& theirs) {
  if (ours.chunked != theirs.chunked) differ(reader, "transfer coding");
  if (!ours.chunked && ours.content_length != theirs.content_length) differ(reader, "length");
  // We stop where we reject; the connection ends there.
  if (ours.end == End::rejected) return;
  if (ours.end != theirs.end) differ(reader, "end of the message");
  if (ours.body != theirs.body) differ(reader, "body");
  if (ours.end == End::reached && ours.length != theirs.length) differ(reader, "message length");
}

void compare(const char* reader, const Message& ours, const Message& theirs) {
  if (!theirs.has_head) {
    if (theirs.end != End::rejected) differ(reader, "end of the head");
    return;
  }
  compare_heads(reader, ours, theirs);
  if (ours.method != "CONNECT" && theirs.end != End::rejected) {
    compare_bodies(reader, ours, theirs);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = perchild::fuzz::to_view(data, size);
  const Message ours = perchild::fuzz::read_with_perchild(bytes);
  if (!ours.has_head) return 0;
  compare("llhttp", ours, perchild::fuzz::read_with_llhttp(bytes));
  compare("Boost.Beast", ours, perchild::fuzz::read_with_beast(bytes));
  return 0;
}
