#include "daemon/worker/sending.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <span>

#include "daemon/worker/pace.h"
#include "vhosts/http1/chunk_framing.h"

namespace perchild {
namespace {

// After so much of a file without a pause the other connections have a turn.
constexpr std::uint64_t bytes_in_a_row = 4 * 1024 * 1024;
constexpr std::size_t file_part = 1024 * 1024;

Task<SendOutcome> wait_for_room(Connection& connection, SessionContext& context, Pace& pace) {
  for (;;) {
    const auto deadline = pace.begin([&connection] { return connection.bytes_taken(); });
    Wait wait(connection, Wait::For::writing, context.patience.send, deadline);
    const WakeReason wake = co_await wait;
    if (wake != WakeReason::timed_out) co_return SendOutcome::sent;
    if (!pace.is_kept(connection.bytes_taken())) co_return SendOutcome::too_slow;
  }
}

Task<SendOutcome> give_way(Connection& connection, SessionContext& context, Pace& pace,
                           Wait::For what) {
  const auto deadline = pace.begin([&connection] { return connection.bytes_taken(); });
  Wait turn(connection, what, context.patience.send, deadline);
  const WakeReason wake = co_await turn;
  // It is we who let the client wait.
  if (wake == WakeReason::timed_out) pace.drop_period();
  co_return SendOutcome::sent;
}

// Sends what there is room for, and takes it off. False if the client has gone. `body` counts as
// sent of the response's body, `head` does not.
bool send_some(Sending& sending, std::string_view& head, std::string_view& body, int flags) {
  const ssize_t sent = sending.connection.send(head, body, flags);
  if (sent < 0) return false;
  const auto count = static_cast<std::size_t>(sent);
  const std::size_t of_head = std::min(count, head.size());
  head.remove_prefix(of_head);
  body.remove_prefix(count - of_head);
  sending.sent_of_body += count - of_head;
  return true;
}

Task<SendOutcome> send_bytes(Sending& sending, std::string_view head, std::string_view body,
                             int flags) {
  while (!head.empty() || !body.empty()) {
    if (!send_some(sending, head, body, flags)) co_return SendOutcome::gone;
    if (head.empty() && body.empty()) break;
    const SendOutcome room =
        co_await wait_for_room(sending.connection, sending.context, sending.pace);
    if (room != SendOutcome::sent) co_return room;
  }
  co_return SendOutcome::sent;
}

void log_lost(const Sending& sending, std::string_view message, int error) {
  sending.context.site.error_log.add({.client = sending.connection.client().host_and_port(),
                                      .method = {},
                                      .target = {},
                                      .message = message,
                                      .subject = {},
                                      .error = error});
}

void log_lost_file(const Sending& sending, int error) {
  log_lost(sending, "a file cannot be read to its end, or became shorter", error);
}

Task<SendOutcome> send_file(Sending& sending, std::uint64_t from, std::uint64_t length) {
  Connection& connection = sending.connection;
  auto offset = static_cast<off_t>(from);
  std::uint64_t in_a_row = 0;
  while (length > 0) {
    const auto part = static_cast<std::size_t>(std::min<std::uint64_t>(file_part, length));
    const ssize_t sent = connection.send_file(sending.response.file.borrow(), offset, part);
    if (sent < 0) {
      // A client that goes away is nobody's fault; a file that does, or a disk, is.
      if (errno != ENODATA && errno != EIO) co_return SendOutcome::gone;
      log_lost_file(sending, errno);
      co_return SendOutcome::lost;
    }
    const auto count = static_cast<std::uint64_t>(sent);
    length -= count;
    sending.sent_of_body += count;
    in_a_row += count;
    if (!connection.may_write()) {
      const SendOutcome room = co_await wait_for_room(connection, sending.context, sending.pace);
      if (room != SendOutcome::sent) co_return room;
      in_a_row = 0;
    } else if (in_a_row >= bytes_in_a_row) {
      co_await give_way(connection, sending.context, sending.pace, Wait::For::turn);
      in_a_row = 0;
    }
  }
  co_return SendOutcome::sent;
}

Task<SendOutcome> send_parts(Sending& sending) {
  const Response& response = sending.response;
  for (const files::BodyPart& part : response.parts) {
    // The last text pushes what is held back.
    const SendOutcome text =
        co_await send_bytes(sending, {}, part.text, part.length > 0 ? MSG_MORE : 0);
    if (text != SendOutcome::sent) co_return text;
    if (response.file.has_value()) {
      const SendOutcome bytes = co_await send_file(sending, part.offset, part.length);
      if (bytes != SendOutcome::sent) co_return bytes;
    } else {
      const std::string_view bytes = response.body.substr(static_cast<std::size_t>(part.offset),
                                                          static_cast<std::size_t>(part.length));
      const SendOutcome rest = co_await send_bytes(sending, {}, bytes, MSG_MORE);
      if (rest != SendOutcome::sent) co_return rest;
    }
  }
  co_return SendOutcome::sent;
}

// What an encoder works on: a piece of the file, and a chunk of the response (RFC 9112, 7.1) with
// room behind it for its end and for that of the body.
struct EncodingBuffer {
  static constexpr std::size_t most = 16 * 1024;

  std::array<char, 32 * 1024> input;
  std::array<char, most + http1::end_of_chunk.size() + http1::end_of_chunks.size()> chunk;
};

Task<SendOutcome> send_chunk(Sending& sending, EncodingBuffer& buffer, std::size_t size,
                             bool is_last) {
  if (sending.connection.is_stream()) {
    const SendOutcome bytes = co_await send_bytes(sending, {}, {buffer.chunk.data(), size}, 0);
    co_return bytes;
  }
  http1::ChunkSizeLine size_line;
  const std::string_view head = http1::chunk_size_line(size, size_line);
  char* end = buffer.chunk.data() + size;
  end += http1::end_of_chunk.copy(end, http1::end_of_chunk.size());
  if (is_last) end += http1::end_of_chunks.copy(end, http1::end_of_chunks.size());
  const auto length = static_cast<std::size_t>(end - buffer.chunk.data());
  const std::uint64_t before = sending.sent_of_body;
  const SendOutcome outcome =
      co_await send_bytes(sending, head, {buffer.chunk.data(), length}, is_last ? 0 : MSG_MORE);
  sending.sent_of_body = std::min(sending.sent_of_body, before + size);
  co_return outcome;
}

// A piece a turn, of one response: while that is encoded the others wait for a millisecond.
Task<SendOutcome> send_encoded(Sending& sending) {
  const Response& response = sending.response;
  const auto buffer = std::make_unique_for_overwrite<EncodingBuffer>();
  std::uint64_t left = response.file_size;
  auto offset = static_cast<off_t>(response.file_offset);
  std::string_view piece;
  std::size_t filled = 0;
  for (;;) {
    if (piece.empty() && left > 0) {
      const auto wanted =
          static_cast<std::size_t>(std::min<std::uint64_t>(left, buffer->input.size()));
      const ssize_t got =
          ::pread64(response.file.borrow().get(), buffer->input.data(), wanted, offset);
      if (got <= 0) {
        log_lost_file(sending, got < 0 ? errno : ENODATA);
        co_return SendOutcome::lost;
      }
      piece = {buffer->input.data(), static_cast<std::size_t>(got)};
      left -= piece.size();
      offset += got;
      if (offset > got) {
        co_await give_way(sending.connection, sending.context, sending.pace, Wait::For::long_turn);
      }
    }
    const files::Encoder::Step step = response.encoder->next(
        piece, left == 0, std::span(buffer->chunk).subspan(filled, EncodingBuffer::most - filled));
    if (step.failed) {
      log_lost(sending, "a file cannot be compressed", 0);
      co_return SendOutcome::lost;
    }
    piece.remove_prefix(step.consumed);
    filled += step.produced;
    if (!step.done && filled < EncodingBuffer::most) continue;
    const SendOutcome chunk = co_await send_chunk(sending, *buffer, filled, step.done);
    if (chunk != SendOutcome::sent || step.done) co_return chunk;
    filled = 0;
  }
}

}  // namespace

Sending::Sending(Connection& to, SessionContext& of, const Response& what)
    : connection(to), context(of), response(what), pace(of.patience.response_pace) {}

std::optional<SendOutcome> send_at_once(Sending& sending) {
  const Response& response = sending.response;
  sending.head = response.head;
  if (response.parts.empty()) sending.body = response.body;
  const bool has_more = response.file.has_value() || !response.parts.empty();
  // What closes a connection leaves in one segment with the end of the stream: the close that
  // follows pushes it.
  sending.flags = has_more || response.is_last ? MSG_MORE : 0;
  if (!send_some(sending, sending.head, sending.body, sending.flags)) return SendOutcome::gone;
  if (has_more || !sending.head.empty() || !sending.body.empty()) return std::nullopt;
  return SendOutcome::sent;
}

Task<SendOutcome> send_rest(Sending& sending) {
  const Response& response = sending.response;
  const SendOutcome start = co_await send_bytes(sending, sending.head, sending.body, sending.flags);
  if (start != SendOutcome::sent) co_return start;
  SendOutcome rest = SendOutcome::sent;
  if (!response.parts.empty()) {
    rest = co_await send_parts(sending);
  } else if (response.encoder != nullptr) {
    rest = co_await send_encoded(sending);
  } else if (response.file.has_value()) {
    rest = co_await send_file(sending, response.file_offset, response.file_size);
  }
  co_return rest;
}

Task<SendOutcome> send_interim(Connection& connection, SessionContext& context,
                               std::string_view head) {
  const Response none;
  Sending sending(connection, context, none);
  const SendOutcome outcome = co_await send_bytes(sending, head, {}, 0);
  co_return outcome;
}

}  // namespace perchild
