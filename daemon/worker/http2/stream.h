// One request on an HTTP/2 connection, and its response: what has come of the one and not been
// taken by whoever answers, and what has been made of the other and not been sent.
//
// Runs in: worker (perchild-tls-worker).
// Does not trust: the client.
#pragma once

#include <nghttp2/nghttp2.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "daemon/worker/carrier.h"
#include "daemon/worker/connection.h"

namespace perchild::http2 {

class ClientConnection;

class Stream final : public Carrier {
 public:
  // `carried`: what whoever serves the request sees of it. It is given back by finish().
  struct Request {
    std::int32_t id;
    bool is_whole;       // nothing follows its head
    bool is_for_tunnel;  // it asks for WebSocket (RFC 8441)
  };
  Stream(ClientConnection& parent, Connection& carried, const Request& request);

  Connection& carried() { return carried_; }
  std::int32_t id() const { return id_; }

  Connection::Received receive(std::span<char> room, std::size_t& count) override;
  ssize_t send(std::string_view head, std::string_view body) override;
  ssize_t send_file(BorrowedFd file, off_t& offset, std::size_t count) override;
  std::uint64_t bytes_taken() override;

  // For the coroutine that serves it. The response is whole; or it will not become so.
  void end();
  void cut_off(std::uint32_t code = NGHTTP2_INTERNAL_ERROR);
  // The client has been sent all of it, or wants none of it any more.
  bool is_over() const { return closed_ || sent_all_; }
  // The last call: the stream is no more.
  void finish();

  // For ClientConnection.
  void on_data(std::string_view bytes);
  void on_end();       // of the request
  void on_sent_all();  // the response, with its end
  void on_closed();
  void wake();  // whoever waits for what has come of these
  bool takes_input() const { return !ended_ && !closed_; }
  void submit_head();
  // Bytes of the response's body; `is_last`: there are no more. None: there are none yet.
  std::size_t take_output(std::span<std::uint8_t> into, bool& is_last);

 private:
  bool take_head(std::string_view head);
  bool take_interim_heads(std::string_view heads);
  std::size_t room() const;
  void on_output();

  ClientConnection& parent_;
  Connection& carried_;
  const std::int32_t id_;
  std::string input_;
  std::size_t input_begin_ = 0;
  std::string head_;  // of the response, to be submitted
  std::string output_;
  std::size_t output_begin_ = 0;
  std::uint64_t taken_ = 0;  // see bytes_taken()
  std::optional<std::uint64_t> seen_;
  std::uint32_t events_ = 0;  // to be told to whoever serves the request
  bool input_ended_;
  const bool is_for_tunnel_;
  bool has_head_ = false;
  bool head_submitted_ = false;
  bool deferred_ = false;  // nghttp2 waits to be told of output
  bool ended_ = false;     // nothing more is written
  bool sent_all_ = false;
  bool closed_ = false;
};

}  // namespace perchild::http2
