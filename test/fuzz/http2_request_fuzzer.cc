// The fields of an HTTP/2 request: whatever they are, the head that is made of them is what
// http1::HeadParser takes for one head and no more, or refuses.
#include <algorithm>
#include <string>

#include "test/fuzz/fuzz_driver.h"
#include "vhosts/http1/request_head.h"
#include "vhosts/http2/request_fields.h"

namespace {

using namespace perchild;
using fuzz::check;

void check_head(http2::RequestFields& request, bool has_body) {
  const std::string text = request.text().substr(0, http1::max_head_bytes + 1);
  http1::HeadParser parser;
  const http1::HeadParser::State state = parser.parse(text);
  check(state != http1::HeadParser::State::incomplete, "the head is a whole one");
  if (state == http1::HeadParser::State::rejected) return;
  const http1::RequestHead head = parser.head(text);
  check(head.length == request.text().size(), "nothing stands behind the head");
  check(head.host.has_value(), "there is a host");
  check(has_body || head.body != http1::BodyFraming::chunked, "no body is made up");
  check(has_body || head.content_length == 0, "no length is made up");
  if (request.is_for_tunnel()) return;
  check(!has_body || head.body != http1::BodyFraming::none, "no body is lost");
  http1::for_each_field(text, [&](const http1::Field& field) {
    check(field.name != "connection" && field.name != "upgrade" && field.name != "keep-alive",
          "nothing is said of a connection");
    check(has_body || field.name != "transfer-encoding", "nor of an encoding");
  });
}

}  // namespace

// A byte that says whether there is a body; then fields, "NAME=VALUE" with a line feed between
// them. 0xfe stands for a line feed, which no other byte could be.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest = fuzz::to_view(data, size);
  if (rest.empty()) return 0;
  const bool has_body = rest.front() == '1';
  rest.remove_prefix(1);
  http2::RequestFields request;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    std::string field(line);
    for (char& c : field) {
      if (c == '\xfe') c = '\n';
    }
    const std::size_t middle = std::min(field.find('='), field.size());
    request.add(field.substr(0, middle),
                std::string_view(field).substr(std::min(middle + 1, field.size())));
  }
  if (request.finish(has_body)) {
    check_head(request, has_body);
  } else {
    check(!request.problem().empty(), "a refusal has its reason");
  }
  return 0;
}
