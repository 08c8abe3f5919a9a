#include "daemon/worker/request_body.h"

#include <algorithm>
#include <utility>

#include "daemon/worker/sending.h"

namespace perchild {
namespace {

// After so many pieces without a pause the other connections have a turn.
constexpr unsigned most_in_a_row = 64;
constexpr std::string_view please_continue = "HTTP/1.1 100 Continue\r\n\r\n";

BodyPiece too_large_piece() {
  return {BodyPiece::Kind::too_large, {}, 413, "the body is too large"};
}

}  // namespace

RequestBody::RequestBody(Connection& connection, SessionContext& context,
                         const http1::RequestHead& head)
    : connection_(connection),
      context_(context),
      head_length_(head.length),
      is_chunked_(head.body == http1::BodyFraming::chunked && !connection.is_stream()),
      ends_with_stream_(head.body == http1::BodyFraming::chunked && connection.is_stream()),
      waits_for_continue_(head.expect_continue && connection.input().size() == head.length),
      left_(head.body == http1::BodyFraming::content_length ? head.content_length : 0),
      pace_(context.patience.body_pace) {}

Task<BodyPiece> RequestBody::next() {
  BodyPiece piece{BodyPiece::Kind::closed};
  for (;;) {
    if (take(piece)) co_return piece;
    // RFC 9110, 10.1.1: not where some of the body is here already.
    if (std::exchange(waits_for_continue_, false)) {
      const SendOutcome asked = co_await send_interim(connection_, context_, please_continue);
      if (asked != SendOutcome::sent) co_return BodyPiece{BodyPiece::Kind::closed};
    }
    const auto received = [this] { return on_wire_; };
    if (++pieces_in_a_row_ % most_in_a_row == 0) {
      Wait turn(connection_, Wait::For::turn, context_.patience.body, pace_.begin(received));
      const WakeReason wake = co_await turn;
      if (wake == WakeReason::timed_out) pace_.drop_period();
    }
    while (!connection_.may_read()) {
      Wait wait(connection_, Wait::For::reading, context_.patience.body, pace_.begin(received));
      const WakeReason wake = co_await wait;
      if (wake == WakeReason::timed_out && !pace_.is_kept(on_wire_)) {
        co_return BodyPiece{BodyPiece::Kind::too_slow, {}, 408, "the body took too long"};
      }
    }
    if (!receive_more()) co_return BodyPiece{BodyPiece::Kind::closed};
  }
}

std::optional<BodyPiece> RequestBody::poll() {
  BodyPiece piece{BodyPiece::Kind::closed};
  while (!take(piece)) {
    // Nothing else is on its way to the client, so there is room.
    if (std::exchange(waits_for_continue_, false) &&
        connection_.send(please_continue, {}, 0) != ssize_t{please_continue.size()}) {
      return piece;
    }
    if (!connection_.may_read()) return std::nullopt;
    if (!receive_more()) return piece;
  }
  return piece;
}

// False if the client has gone, or said that no more comes.
bool RequestBody::receive_more() {
  const std::size_t before = connection_.input().size();
  const auto came = connection_.receive();
  on_wire_ += connection_.input().size() - before;
  stream_ended_ = stream_ended_ || came == Connection::Received::end;
  if (ends_with_stream_ && stream_ended_) return true;
  return came != Connection::Received::end && came != Connection::Received::failed;
}

// Whether there is a piece to give, be it only the news that there will be none.
bool RequestBody::take(BodyPiece& piece) {
  connection_.erase(head_length_, std::exchange(given_, 0));
  return is_chunked_ ? take_chunk(piece) : take_bytes(piece);
}

// Of a stream's body nobody has said how long it is.
bool RequestBody::take_to_end(BodyPiece& piece) {
  const std::string_view here = connection_.input().substr(head_length_);
  if (here.empty()) {
    piece.kind = BodyPiece::Kind::end;
    return stream_ended_;
  }
  given_ = here.size();
  received_ += given_;
  piece = {BodyPiece::Kind::data, here};
  if (received_ > context_.site.settings.limits.body) piece = too_large_piece();
  return true;
}

bool RequestBody::take_bytes(BodyPiece& piece) {
  if (ends_with_stream_) return take_to_end(piece);
  if (left_ == 0) {
    piece.kind = BodyPiece::Kind::end;
    return true;
  }
  const std::string_view here = connection_.input().substr(head_length_);
  if (here.empty()) return false;
  piece.kind = BodyPiece::Kind::data;
  piece.bytes =
      here.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(left_, here.size())));
  given_ = piece.bytes.size();
  left_ -= given_;
  received_ += given_;
  return true;
}

bool RequestBody::take_chunk(BodyPiece& piece) {
  const http1::ChunkedDecoder::Step step = decoder_.next(connection_.input().substr(head_length_));
  switch (step.state) {
    case http1::ChunkedDecoder::State::data:
      received_ += step.data.size();
      if (received_ > context_.site.settings.limits.body) {
        piece = too_large_piece();
        return true;
      }
      piece = {BodyPiece::Kind::data, step.data};
      given_ = step.consumed;
      return true;
    case http1::ChunkedDecoder::State::done:
      piece = {BodyPiece::Kind::end};
      connection_.erase(head_length_, step.consumed);
      return true;
    case http1::ChunkedDecoder::State::rejected:
      piece = {BodyPiece::Kind::malformed,
               {},
               http1::status_of(decoder_.reason()),
               http1::text_of(decoder_.reason())};
      return true;
    case http1::ChunkedDecoder::State::incomplete:
      connection_.erase(head_length_, step.consumed);
      return false;
  }
  return false;
}

}  // namespace perchild
