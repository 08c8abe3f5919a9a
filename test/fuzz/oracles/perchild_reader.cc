// Our own reading, by the parts that router and worker read with.
#include "test/fuzz/oracles/message.h"
#include "vhosts/http1/chunked.h"
#include "vhosts/http1/request_head.h"

namespace perchild::fuzz {
namespace {

using http1::BodyFraming;
using http1::ChunkedDecoder;
using http1::HeadParser;

void read_chunks(std::string_view bytes, Message& message) {
  ChunkedDecoder decoder;
  for (;;) {
    const ChunkedDecoder::Step step = decoder.next(bytes);
    bytes.remove_prefix(step.consumed);
    message.length += step.consumed;
    message.body += step.data;
    switch (step.state) {
      case ChunkedDecoder::State::data:
        continue;
      case ChunkedDecoder::State::incomplete:
        return;
      case ChunkedDecoder::State::done:
        message.end = Message::End::reached;
        return;
      case ChunkedDecoder::State::rejected:
        message.end = Message::End::rejected;
        return;
    }
  }
}

}  // namespace

Message read_with_perchild(std::string_view bytes) {
  Message message;
  HeadParser parser;
  const HeadParser::State state = parser.parse(bytes);
  if (state == HeadParser::State::rejected) message.end = Message::End::rejected;
  if (state != HeadParser::State::complete) return message;
  const http1::RequestHead head = parser.head(bytes);
  message.has_head = true;
  message.method = head.method_text;
  message.target = head.target;
  message.is_http_1_0 = head.version == http1::Version::http_1_0;
  http1::for_each_field(bytes, [&](const http1::Field& field) {
    message.fields.push_back({std::string(field.name), std::string(field.value)});
  });
  message.length = head.length;
  bytes.remove_prefix(head.length);
  if (head.body == BodyFraming::chunked) {
    message.chunked = true;
    read_chunks(bytes, message);
    return message;
  }
  if (head.body == BodyFraming::content_length) message.content_length = head.content_length;
  message.body = bytes.substr(0, head.content_length);
  message.length += message.body.size();
  if (message.body.size() == head.content_length) message.end = Message::End::reached;
  return message;
}

}  // namespace perchild::fuzz
