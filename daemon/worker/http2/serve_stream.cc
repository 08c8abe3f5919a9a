#include "daemon/worker/http2/serve_stream.h"

#include "daemon/worker/pace.h"
#include "daemon/worker/serve_request.h"

namespace perchild::http2 {

Session serve_stream(Stream& stream, SessionContext& context, std::string head) {
  Connection& carried = stream.carried();
  carried.request_began = context.site.traffic.now();
  // Nothing behind these bytes counts for the parser.
  carried.set_input(std::string_view(head).substr(0, http1::max_head_bytes + 1));
  http1::HeadParser parser;
  Afterwards afterwards = Afterwards::keep;
  if (parser.parse(carried.input()) == http1::HeadParser::State::complete) {
    afterwards = co_await serve_request(carried, context, parser);
  } else {
    const Verdict verdict{http1::status_of(parser.reason()), http1::text_of(parser.reason())};
    afterwards = co_await refuse_head(carried, context, parser, verdict);
  }
  if (afterwards == Afterwards::cut_off) {
    stream.cut_off();
  } else {
    stream.end();
  }
  carried.release_buffer();
  Pace pace(context.patience.response_pace);
  while (!stream.is_over()) {
    const auto deadline = pace.begin([&carried] { return carried.bytes_taken(); });
    Wait wait(carried, Wait::For::writing, context.patience.send, deadline);
    const WakeReason wake = co_await wait;
    if (wake == WakeReason::timed_out && !pace.is_kept(carried.bytes_taken())) stream.cut_off();
  }
  stream.finish();
}

}  // namespace perchild::http2
