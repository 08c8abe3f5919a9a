#include "daemon/worker/tunnel.h"

#include <utility>

namespace perchild {
namespace {

// After so many pieces without a pause the other connections have a turn.
constexpr unsigned turns_in_a_row = 64;

class Tunnel {
 public:
  Tunnel(Connection& connection, SessionContext& context, BackendStream& stream,
         std::size_t head_length, std::string pending, Sending& sending)
      : connection_(connection),
        context_(context),
        stream_(stream),
        head_length_(head_length),
        pending_(std::move(pending)),
        sending_(sending) {}

  Task<ExchangeEnd> run() {
    unsigned in_a_row = 0;
    context_.runner.begin_time(stream_);
    for (;;) {
      bool moved = to_program();
      moved = to_client() || moved;
      if (is_gone_) co_return ExchangeEnd::client_gone;
      if (program_ended_ && pending_.empty()) co_return ExchangeEnd::complete;
      if (moved) {
        // Its time is for the next bytes of either side.
        context_.runner.begin_time(stream_);
        if (++in_a_row < turns_in_a_row) continue;
        in_a_row = 0;
        Wait turn(connection_, Wait::For::turn);
        co_await turn;
        continue;
      }
      if (stream_.timed_out) co_return ExchangeEnd::complete;
      Wait wait(connection_, Wait::For::progress);
      co_await wait;
    }
  }

 private:
  bool to_program() {
    bool moved = false;
    while (!program_ended_) {
      const std::string_view here = connection_.input().substr(head_length_);
      if (here.empty()) {
        if (client_ended_ || !connection_.may_read()) break;
        const auto came = connection_.receive();
        if (came == Connection::Received::nothing_yet) continue;
        if (came != Connection::Received::bytes) {
          client_ended_ = true;
          stream_.end_sending();
        }
        moved = true;
        continue;
      }
      if (!stream_.may_write()) break;
      const ssize_t sent = stream_.send(here, {});
      if (sent < 0) program_ended_ = true;
      if (sent <= 0) break;
      connection_.erase(head_length_, static_cast<std::size_t>(sent));
      moved = true;
    }
    return moved;
  }

  bool to_client() {
    bool moved = false;
    if (pending_.empty() && !program_ended_ && stream_.may_read()) {
      std::size_t count = 0;
      const auto came = stream_.receive(context_.runner.scratch(), count);
      if (came == BackendStream::Received::bytes) {
        pending_.assign(context_.runner.scratch().data(), count);
      }
      program_ended_ =
          came == BackendStream::Received::end || came == BackendStream::Received::failed;
      moved = came != BackendStream::Received::nothing_yet;
    }
    while (!pending_.empty() && connection_.may_write()) {
      const ssize_t sent = connection_.send({}, pending_, 0);
      is_gone_ = sent < 0;
      if (sent <= 0) break;
      pending_.erase(0, static_cast<std::size_t>(sent));
      sending_.sent_of_body += static_cast<std::uint64_t>(sent);
      moved = true;
    }
    return moved;
  }

  Connection& connection_;
  SessionContext& context_;
  BackendStream& stream_;
  const std::size_t head_length_;
  std::string pending_;  // for the client
  Sending& sending_;
  bool client_ended_ = false;
  bool program_ended_ = false;
  bool is_gone_ = false;
};

}  // namespace

Task<ExchangeEnd> tunnel(Connection& connection, SessionContext& context, BackendStream& stream,
                         std::size_t head_length, std::string pending, Sending& sending) {
  Tunnel both_ways(connection, context, stream, head_length, std::move(pending), sending);
  const ExchangeEnd end = co_await both_ways.run();
  co_return end;
}

}  // namespace perchild
