// One client connection in the worker, or one stream of it, and what its session can wait for.
//
// Runs in: worker.
// Does not trust: the client.
#pragma once

#include <sys/types.h>

#include <array>
#include <coroutine>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "policy/host_name.h"
#include "privsep/unique_fd.h"
#include "vhosts/access/credentials.h"
#include "vhosts/deadline_list.h"
#include "vhosts/http1/request_head.h"
#include "vhosts/logs/client_address.h"

namespace perchild {

// Memory that a connection has only while it is doing something: an idle one holds none.
struct IoBuffer {
  // A head of any size leaves room to read a body behind it.
  std::array<char, http1::max_head_bytes + 4096> input;
  std::array<char, http1::max_target_bytes> path;  // decoded
  // A redirect's Location takes three bytes for each of its path and query; a site's own headers
  // find room too.
  std::array<char, 3 * http1::max_target_bytes + 1024 + 4096> output;
  std::array<char, access::longest_credentials> credentials;  // decoded
  // Of the request that is served. In a coroutine's frame it would make that larger than what
  // malloc(3) keeps at hand, 1032 bytes.
  http1::RequestHead head;
};

class IoBufferPool {
 public:
  std::unique_ptr<IoBuffer> take() {
    if (free_.empty()) return std::make_unique_for_overwrite<IoBuffer>();
    auto buffer = std::move(free_.back());
    free_.pop_back();
    return buffer;
  }
  void give_back(std::unique_ptr<IoBuffer> buffer) {
    if (buffer != nullptr && free_.size() < most_kept) free_.push_back(std::move(buffer));
  }

 private:
  static constexpr std::size_t most_kept = 8;
  std::vector<std::unique_ptr<IoBuffer>> free_;
};

enum class WakeReason : std::uint8_t {
  ready,
  timed_out,
  draining,  // the worker is to end; only a session that waits for a request is woken so
};

class Carrier;
class Connection;
class TlsSite;
class TlsStream;

// What a session awaits: bytes to read, room to write, its next turn (turns.h), or that somebody
// who has its answer resumes it; or that anything moves, here or at the program that answers it.
class Wait {
 public:
  enum class For : std::uint8_t { reading, writing, turn, long_turn, answer, progress };
  // Whether the time runs from now, or goes on from an earlier wait on the same list.
  enum class Deadline : std::uint8_t { anew, kept };

  Wait(Connection& connection, For what, DeadlineList<Connection>& deadlines, Deadline deadline)
      : connection_(connection), deadlines_(&deadlines), what_(what), deadline_(deadline) {}
  // Without a deadline: for what has one of its own.
  Wait(Connection& connection, For what)
      : connection_(connection), deadlines_(nullptr), what_(what), deadline_(Deadline::kept) {}
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> session);
  WakeReason await_resume() const noexcept;

 private:
  Connection& connection_;
  DeadlineList<Connection>* deadlines_;
  For what_;
  Deadline deadline_;
};

class WorkerLoop;

class Connection {
 public:
  Connection(WorkerLoop& loop, std::uint32_t index);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  std::uint32_t index() const { return index_; }
  bool open() const { return fd_.has_value() || carrier_ != nullptr; }
  // `tls`: what to speak TLS with; nullptr for plain HTTP.
  void begin(UniqueFd fd, const logs::ClientAddress& client, bool by_default, TlsSite* tls);
  // A stream of `parent`, which outlives it, as the carrier does.
  void begin_stream(const Connection& parent, Carrier& carrier);
  void finish();
  // A carrier says where bodies end; a connection does not (RFC 9112, 6).
  bool is_stream() const { return carrier_ != nullptr; }
  // Brings what stands in front of a stream's body: `head`, which fits.
  void set_input(std::string_view head);

  WorkerLoop& loop() const { return loop_; }
  TlsStream* tls() const { return tls_.get(); }  // nullptr: plain HTTP

  BorrowedFd fd() const { return fd_.borrow(); }
  // Which of the machine's addresses the client has connected to.
  logs::ClientAddress local_address() const;
  // Whose the request is that is served: who has connected, or whom a trusted proxy names.
  // Who has connected, whoever it speaks for.
  const logs::ClientAddress& peer() const { return *client_; }
  const logs::ClientAddress& client() const { return visitor_ ? *visitor_ : *client_; }
  void set_visitor(const logs::ClientAddress& visitor) { visitor_ = visitor; }

  // Input: what has been received and not been consumed.
  enum class Received : std::uint8_t { bytes, nothing_yet, end, failed, full };
  Received receive();
  // Receives and forgets; the number of bytes goes to `count`.
  Received discard(std::uint64_t& count);
  std::string_view input() const;
  void consume(std::size_t count);
  // Takes bytes out of the middle: those of a body, behind a head that is still needed.
  void erase(std::size_t offset, std::size_t count);
  bool may_read() const { return may_read_; }
  bool may_write() const { return may_write_; }
  // Whether it has said that it will send no more, or has gone.
  bool peer_closed() const { return peer_closed_; }
  // Brings what has been received to the front of its buffer, where it stays while more comes.
  void settle_input();

  IoBuffer& buffer();
  void release_buffer();

  // Bytes sent, 0 if there is no room, -1 if the client has gone. What is no head is a `body`.
  ssize_t send(std::string_view head, std::string_view body, int flags);
  ssize_t send_file(BorrowedFd file, off_t& offset, std::size_t count);
  // Bytes that the client's machine has acknowledged since the connection began.
  std::uint64_t bytes_taken();

  // Says that nothing more will be sent; the client may still say something.
  void end_sending();

  // Of bodies and of what was discarded, and sent; since this was asked before.
  struct Bytes {
    std::uint64_t in = 0;
    std::uint64_t out = 0;
  };
  Bytes take_bytes() { return std::exchange(bytes_, {}); }
  void set_bytes(const Bytes& bytes) { bytes_ = bytes; }

  // The name that this connection has already been found to belong to the site by.
  std::optional<HostName> approved_host;
  bool by_default = false;            // see HandOver
  bool over_tls = false;              // see HandOver
  bool plain_http2 = false;           // see HandOver
  bool over_https = false;            // of the request that is served
  bool first_request = true;          // the one whose host the router has looked at; none in TLS
  bool multiplexes = false;           // it carries streams, and is woken by what these have to send
  bool is_counted = false;            // among its visitor's connections
  bool one_too_many = false;          // its visitor has as many as it may: it is told so and closed
  Clock::time_point request_began{};  // its head was complete
  DeadlineLink<Connection> deadline;

  // For the loop.
  void on_events(std::uint32_t events);
  void on_answer();
  void on_progress();
  void resume(WakeReason reason);
  bool waiting_for_turn() const {
    return waiting_ && (waiting_for_ == Wait::For::turn || waiting_for_ == Wait::For::long_turn);
  }

 private:
  friend class Wait;
  Received received(ssize_t got, std::size_t asked);
  Received receive_decrypted(std::span<char> room);
  ssize_t send_encrypted(std::string_view head, std::string_view body, bool more);
  ssize_t send_file_encrypted(BorrowedFd file, off_t& offset, std::size_t count);
  ssize_t sent_by_carrier(ssize_t sent, std::size_t asked);

  WorkerLoop& loop_;
  UniqueFd fd_;
  std::unique_ptr<TlsStream> tls_;
  const Connection* parent_ = nullptr;  // of a stream
  Carrier* carrier_ = nullptr;
  std::coroutine_handle<> waiting_;
  std::unique_ptr<IoBuffer> buffer_;
  std::optional<logs::ClientAddress> client_;
  Bytes bytes_;
  std::optional<logs::ClientAddress> visitor_;
  std::uint32_t index_;
  std::uint32_t input_begin_ = 0;
  std::uint32_t input_end_ = 0;
  Wait::For waiting_for_ = Wait::For::reading;
  WakeReason wake_ = WakeReason::ready;
  bool watched_ = false;
  // Edge-triggered: what the last event said, until a call came back short (epoll(7), Q9).
  bool may_read_ = true;
  bool may_write_ = true;
  bool peer_closed_ = false;
};

}  // namespace perchild
