// A client's connection that speaks HTTP/2: its frames, which nghttp2 reads and writes, its
// streams, each served by a coroutine of its own, and what it may ask of them.
//
// Runs in: worker (perchild-tls-worker).
// Does not trust: the client. What nghttp2 takes for a request is checked again
// (vhosts/http2/request_fields.h) and parsed by http1::HeadParser; who only makes work is sent away
// (vhosts/http2/nuisance.h).
#pragma once

#include <nghttp2/nghttp2.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "daemon/worker/connection.h"
#include "daemon/worker/http2/stream.h"
#include "daemon/worker/pace.h"
#include "daemon/worker/serve_request.h"
#include "daemon/worker/session.h"
#include "daemon/worker/task.h"
#include "vhosts/http2/closed_streams.h"
#include "vhosts/http2/frame_walk.h"
#include "vhosts/http2/nuisance.h"
#include "vhosts/http2/request_fields.h"

namespace perchild::http2 {

class ClientConnection {
 public:
  ClientConnection(Connection& connection, SessionContext& context);
  ClientConnection(const ClientConnection&) = delete;
  ClientConnection& operator=(const ClientConnection&) = delete;
  ~ClientConnection();

  // Until it has ended and no stream is left.
  Task<Afterwards> serve();

  // For streams.
  ::nghttp2_session* session() const { return session_.get(); }
  Stream* find(std::int32_t id) const;
  // Bytes of a request's body have been used: the client may send as many more.
  void credit(std::int32_t id, std::size_t count);
  // Something is to be sent; of `with_head`, the head first.
  void on_output(const Stream* with_head);
  void reset(std::int32_t id, std::uint32_t code);
  void wake_later(std::int32_t id) { to_wake_.push_back(id); }
  void remove(std::int32_t id);
  std::uint64_t bytes_taken() const { return connection_.bytes_taken(); }
  // Whether it is by the client's windows that nothing of the stream is sent.
  bool holds_back(std::int32_t id) const;
  void count_carried(std::size_t sent) { carried_out_ += sent; }

 private:
  friend struct Callbacks;

  // What it waits for, which is what its deadline is of.
  enum class Waiting : std::uint8_t { nothing, streams, head, room, request };

  bool take_input();
  void feed(std::string_view bytes);
  bool permits(const FrameHead& frame);
  std::uint32_t error_of(const FrameHead& frame) const;
  void end_with(std::uint32_t code);
  void start_streams();
  void wake_streams();
  bool send_output();
  bool gather();
  Waiting what_to_wait_for() const;
  Wait::Deadline deadline_of(Waiting what);
  void on_timeout(Waiting what);
  void announce_end();
  void end_after_streams();
  bool is_over() const;
  void refuse_nuisance(std::string_view reason);
  Task<bool> wait(Waiting what);
  Task<bool> abandon_streams();
  void count_rest();

  // What nghttp2 has found.
  void on_request(std::int32_t id, bool is_whole);
  void on_sent(const ::nghttp2_frame& frame);

  struct SessionDeleter {
    void operator()(::nghttp2_session* session) const { ::nghttp2_session_del(session); }
  };

  Connection& connection_;
  SessionContext& context_;
  std::unique_ptr<::nghttp2_session, SessionDeleter> session_;
  std::map<std::int32_t, std::unique_ptr<Stream>> streams_;
  struct Arrival {
    std::int32_t id;
    std::string head;
  };
  std::vector<Arrival> arrivals_;      // to be started
  std::vector<std::int32_t> to_wake_;  // what waits for what has happened to these
  std::vector<std::int32_t> heads_;    // responses that are to be submitted
  FrameWalk walk_;
  NuisanceBudget budget_;
  ClosedStreams closed_;
  std::int32_t last_stream_ = 0;            // that has been begun
  std::vector<std::int32_t> begun_;         // in the bytes that nghttp2 is about to be given
  RequestFields fields_;                    // of the block that is coming
  unsigned continuations_ = 0;              // in it
  std::string_view nuisance_;               // of which there has been too much
  std::uint32_t error_ = NGHTTP2_NO_ERROR;  // of the client\'s, which nghttp2 does not look for
  // Output: the part of a record that has been sealed and not sent, and of nghttp2's last frame
  // what did not fit.
  std::string_view record_, rest_of_frame_;
  unsigned records_ = 0;  // since others have had a turn
  Pace pace_;
  Waiting waiting_ = Waiting::nothing;
  std::uint64_t awaited_head_ = 0;  // by its number, with Waiting::head
  std::uint64_t received_ = 0;      // bytes
  std::uint64_t carried_out_ = 0;
  std::uint64_t carried_in_ = 0;
  bool runs_ = true;  // serve() does, and does not wait
  bool wake_asked_ = false;
  bool has_output_ = true;
  bool is_new_turn_ = true;
  bool input_ended_ = false;
  bool gone_ = false;       // nothing can be sent any more
  bool deaf_ = false;       // nothing is read any more
  bool announced_ = false;  // that it is going to end
  bool ending_ = false;     // no stream is begun any more
};

}  // namespace perchild::http2
