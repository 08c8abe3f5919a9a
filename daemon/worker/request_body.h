// The body of a request, as a stream.
//
// Runs in: worker.
// Does not trust: the client.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "daemon/worker/connection.h"
#include "daemon/worker/pace.h"
#include "daemon/worker/session.h"
#include "daemon/worker/task.h"
#include "vhosts/http1/chunked.h"
#include "vhosts/http1/request_head.h"

namespace perchild {

struct BodyPiece {
  enum class Kind : std::uint8_t {
    data,  // `bytes`, never none; good until the next call
    end,
    // The body cannot be had. All but `closed` have a status.
    too_large,
    malformed,
    too_slow,  // see SiteTimeouts::body
    closed,    // the client has gone, or there is an end where none should be
  };

  Kind kind;
  std::string_view bytes{};
  int status = 0;              // of the refusal
  std::string_view problem{};  // the reason for the log
};

// Reads one body piece by piece, and asks the client for it (100 Continue) if it waits for that.
// What is not read stays with the connection, which must then be closed.
//
// The head stays in front of the connection's input; but a call may move it, and with it all that a
// RequestHead points to.
class RequestBody {
 public:
  RequestBody(Connection& connection, SessionContext& context, const http1::RequestHead& head);
  RequestBody(const RequestBody&) = delete;
  RequestBody& operator=(const RequestBody&) = delete;

  Task<BodyPiece> next();
  // Likewise, but what is not there yet is not waited for. For who waits for other things besides.
  std::optional<BodyPiece> poll();

  // For him: whether the client has kept the pace, and whether it waits for a word first.
  Pace& pace() { return pace_; }
  std::uint64_t on_wire() const { return on_wire_; }
  bool waits_for_continue() const { return waits_for_continue_; }

  std::uint64_t received() const { return received_; }  // bytes of it so far

 private:
  bool take(BodyPiece& piece);
  bool take_bytes(BodyPiece& piece);
  bool take_to_end(BodyPiece& piece);
  bool take_chunk(BodyPiece& piece);
  bool receive_more();

  Connection& connection_;
  SessionContext& context_;
  const std::size_t head_length_;
  const bool is_chunked_;
  const bool ends_with_stream_;  // a stream's body of unknown length
  bool stream_ended_ = false;
  bool waits_for_continue_;
  std::uint64_t left_;  // with Content-Length
  std::uint64_t received_ = 0;
  std::uint64_t on_wire_ = 0;  // with the framing: a chunk extension is progress, too
  std::size_t given_ = 0;      // bytes of the input that the last piece took
  unsigned pieces_in_a_row_ = 0;
  http1::ChunkedDecoder decoder_;
  Pace pace_;
};

}  // namespace perchild
