// The fields of an HTTP/2 request (RFC 9113, 8), made into the head that an HTTP/1.1 client would
// send for it. So http1::HeadParser stays the one parser, and whatever it refuses is refused here
// too. What HTTP/2 asks for besides is checked before.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace perchild::http2 {

class RequestFields {
 public:
  // One field of the block, in its order. Nothing is kept beyond what HeadParser reads of a head.
  void add(std::string_view name, std::string_view value);

  // At the block's end. False if the request is malformed (RFC 9113, 8.1.1), which is an error of
  // its stream. `has_body`: the block does not end the stream.
  [[nodiscard]] bool finish(bool has_body);

  // After finish(): the head. A body whose length is not told is announced as chunked, which it is
  // not: it ends with the stream.
  std::string& text() { return text_; }

  // Whether the client wants to speak another protocol on the stream (RFC 8441): WebSocket.
  bool is_for_tunnel() const { return protocol_.is_there; }

  // Why finish() said no.
  std::string_view problem() const { return problem_; }

  // Of all fields so far, kept or not, as SETTINGS_MAX_HEADER_LIST_SIZE counts them.
  std::size_t list_size() const { return list_size_; }

 private:
  void add_pseudo(std::string_view name, std::string_view value);
  void add_regular(std::string_view name, std::string_view value);
  void begin_regular();
  void check_pseudo();
  void append_upgrade();
  void append_line(std::string_view name, std::string_view value);
  void fail(std::string_view problem) {
    if (problem_.empty()) problem_ = problem;
  }

  // Each is there at most once.
  struct Pseudo {
    std::string value;
    bool is_there = false;
  };
  Pseudo method_, scheme_, authority_, path_, protocol_;
  std::string host_;  // of a Host field
  std::string cookie_;
  std::string text_;
  std::string_view problem_;
  std::size_t list_size_ = 0;
  bool has_host_ = false;
  bool has_regular_ = false;  // pseudo-header fields come first
  bool has_length_ = false;
  bool length_is_zero_ = false;
};

}  // namespace perchild::http2
