// Boost.Beast's parser.
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <limits>

#include "test/fuzz/oracles/message.h"

namespace perchild::fuzz {
namespace {

namespace http = boost::beast::http;
using boost::beast::error_code;
using boost::beast::string_view;

std::string text_of(string_view text) {
  return {text.data(), text.size()};
}

class Reader final : public http::basic_parser<true> {
 public:
  explicit Reader(Message& message) : message_(message) {
    eager(true);
    header_limit(std::numeric_limits<std::uint32_t>::max());
    body_limit(boost::none);
  }

 private:
  void on_request_impl(http::verb, string_view method, string_view target, int version,
                       error_code&) override {
    message_.method = text_of(method);
    message_.target = text_of(target);
    message_.is_http_1_0 = version == 10;
  }
  void on_response_impl(int, string_view, int, error_code&) override {}
  // Trailers have the same call.
  void on_field_impl(http::field, string_view name, string_view value, error_code&) override {
    if (!message_.has_head) message_.fields.push_back({text_of(name), text_of(value)});
  }
  void on_header_impl(error_code&) override {
    message_.has_head = true;
    message_.chunked = chunked();
    if (const auto length = content_length()) message_.content_length = *length;
  }
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(string_view part, error_code&) override {
    message_.body += text_of(part);
    return part.size();
  }
  void on_chunk_header_impl(std::uint64_t, string_view, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, string_view part, error_code&) override {
    message_.body += text_of(part);
    return part.size();
  }
  void on_finish_impl(error_code&) override { message_.end = Message::End::reached; }

  Message& message_;
};

}  // namespace

Message read_with_beast(std::string_view bytes) {
  Message message;
  Reader reader(message);
  error_code error;
  // Each call takes a part of the message: the head, a chunk, as much of a body as there is.
  while (message.end == Message::End::not_reached && message.length < bytes.size()) {
    const std::string_view rest = bytes.substr(message.length);
    const std::size_t taken =
        reader.put(boost::asio::const_buffer(rest.data(), rest.size()), error);
    message.length += taken;
    if (error && error != http::error::need_more) message.end = Message::End::rejected;
    if (error || taken == 0) break;
  }
  return message;
}

}  // namespace perchild::fuzz
