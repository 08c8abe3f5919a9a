// A client that speaks HTTP/2 frame by frame: what RFC 9113 forbids it can send as well.
#pragma once

#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "test/support/tls_client.h"

namespace perchild::test {

using Http2Fields = std::vector<std::pair<std::string, std::string>>;

struct Http2Frame {
  std::uint8_t type = 0;
  std::uint8_t flags = 0;
  std::uint32_t stream = 0;
  std::string payload;
};

// A frame's bytes; `length`, if it says another one than it has.
std::string frame_bytes(const Http2Frame& frame, std::optional<std::size_t> length = std::nullopt);
std::string number_bytes(std::uint32_t number);  // of four bytes
std::string setting_bytes(std::uint16_t id, std::uint32_t value);

struct Http2Response {
  int status = 0;                             // 0: none came
  std::map<std::string, std::string> fields;  // with :status
  std::string body;
  std::vector<int> interim;
  std::optional<std::uint32_t> reset;  // the code of RST_STREAM
  bool ended = false;
};

class Http2Client {
 public:
  static constexpr std::uint8_t end_stream = 1, ack = 1, end_headers = 4, padded = 8;

  // Shakes hands, and offers HTTP/2. `settings`: of the first SETTINGS frame; nullopt: nothing is
  // sent, not even what a connection begins with.
  explicit Http2Client(std::uint16_t port, const std::string& host = "a.example",
                       const std::optional<std::string>& settings = std::string());

  bool speaks_http2() const { return tls_.protocol() == "h2"; }

  void send(const std::string& bytes) { tls_.send(bytes); }
  void send_frame(const Http2Frame& frame) { send(frame_bytes(frame)); }
  // A block of fields, never indexed.
  std::string block_of(const Http2Fields& fields);
  // The next stream's number, with a request on it.
  std::uint32_t request(const Http2Fields& fields, bool is_whole = true);
  std::uint32_t get(const std::string& path = "/", const Http2Fields& more = {});
  Http2Fields fields_of(const std::string& method, const std::string& path,
                        const Http2Fields& more = {}) const;
  void send_data(std::uint32_t stream, const std::string& bytes, bool is_last);
  std::uint32_t next_stream() { return std::exchange(stream_, stream_ + 2); }

  // The next frame; nullopt at the end. What has come for streams is kept for response().
  std::optional<Http2Frame> receive();
  // Until the response is there, it has been reset, or the connection has ended.
  Http2Response response(std::uint32_t stream);
  // Until the connection has ended: the code of its last GOAWAY.
  std::optional<std::uint32_t> last_goaway();
  // Until the server has seen all that has been sent. False if the connection ends before.
  bool settle();
  const Http2Response& so_far(std::uint32_t stream) { return responses_[stream]; }
  std::optional<std::uint32_t> goaway() const { return goaway_; }

  bool credits = true;       // windows are opened for what has come
  bool acknowledges = true;  // SETTINGS and PING

 private:
  void take(const Http2Frame& frame);
  void take_block(std::uint32_t stream, const std::string& block);

  struct Deleter {
    void operator()(::nghttp2_hd_inflater* inflater) const { ::nghttp2_hd_inflate_del(inflater); }
  };

  TlsClient tls_;
  std::string host_;
  std::string input_;
  std::unique_ptr<::nghttp2_hd_inflater, Deleter> inflater_;
  std::map<std::uint32_t, Http2Response> responses_;
  std::uint32_t stream_ = 1;
  std::optional<std::uint32_t> goaway_;
  std::uint8_t pongs_ = 0;
};

}  // namespace perchild::test
