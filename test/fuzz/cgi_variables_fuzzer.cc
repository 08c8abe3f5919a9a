// write_cgi_variables, of any head that is a request: each name once, of characters that a
// shell takes, and within the bounds of a call.
#include <set>
#include <string>

#include "test/fuzz/fuzz_driver.h"
#include "vhosts/gateway/cgi_call.h"
#include "vhosts/gateway/cgi_variables.h"

namespace {

using namespace perchild;
using namespace perchild::gateway;
using fuzz::check;

class Checked final : public VariableSink {
 public:
  void put(std::string_view name, std::string_view value) override {
    check(names_.insert(std::string(name)).second, "a name comes once");
    check(!name.empty() && name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") ==
                               std::string_view::npos,
          "a name is of capitals, digits and '_'");
    check(value.find('\0') == std::string_view::npos, "there is no NUL");
    check(name != "HTTP_PROXY", "a client sets no proxy");
  }

 private:
  std::set<std::string> names_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = fuzz::to_view(data, size);
  http1::HeadParser parser;
  if (parser.parse(bytes) != http1::HeadParser::State::complete) return 0;
  const http1::RequestHead head = parser.head(bytes);
  const CgiRequest request{.head = head,
                           .bytes = bytes,
                           .document_root = "/srv",
                           .script_name = "/a.cgi",
                           .path_info = head.path,
                           .query = head.query,
                           .server_name = "a",
                           .server_address = "192.0.2.1",
                           .server_port = 80,
                           .remote_address = "192.0.2.2",
                           .remote_port = 1,
                           .remote_user = "u",
                           .https = true,
                           .content_length = head.content_length};
  Checked sink;
  check(write_cgi_variables(request, sink), "a head has no NUL");

  CgiCall call{"a.cgi", {}};
  EnvironmentSink environment(call.environment);
  check(write_cgi_variables(request, environment) && call.valid(), "a call holds all of them");
  check(CgiCall::unpack(call.pack()) == call, "a call comes out as it went in");
  return 0;
}
