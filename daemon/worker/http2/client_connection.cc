#include "daemon/worker/http2/client_connection.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <utility>

#include "daemon/worker/http2/callbacks.h"
#include "daemon/worker/http2/serve_stream.h"
#include "daemon/worker/worker_loop.h"

namespace perchild::http2 {
namespace {

constexpr std::uint32_t most_streams = 100;
// What comes of a body before any of it has been used.
constexpr std::int32_t window_of_stream = 128 * 1024;
constexpr std::int32_t window_of_connection = 1024 * 1024;
// Frames that wait to be sent: with more of them nothing is read that would make others.
constexpr std::size_t most_waiting_frames = 200;
// What goes into one record of TLS.
constexpr std::size_t record_size = 16 * 1024;
// A head's bytes fit into two frames.
constexpr unsigned most_continuations = 8;
// After so many rounds, or records, without a pause the other connections have a turn.
constexpr unsigned rounds_in_a_row = 32;
constexpr unsigned records_in_a_row = 256;
// By which the answer to our PING is known.
constexpr std::array<std::uint8_t, 8> end_announced{'g', 'o', 'i', 'n', 'g', ' ', 'u', 'p'};

// That could speak WebSocket.
bool has_backends(const SiteSettings& settings) {
  return std::any_of(
      settings.programs.begin(), settings.programs.end(),
      [](const ProgramSettings& program) { return program.protocol == ProgramProtocol::http; });
}

}  // namespace

ClientConnection::ClientConnection(Connection& connection, SessionContext& context)
    : connection_(connection),
      context_(context),
      session_(make_session(*this)),
      pace_(context.patience.response_pace) {
  connection.multiplexes = true;
  const std::array<::nghttp2_settings_entry, 5> settings{{
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, most_streams},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, window_of_stream},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, http1::max_head_bytes},
      // RFC 9218: the tree of RFC 7540 is what a client can make a server work at for nothing.
      {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
      {NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, has_backends(context.site.settings) ? 1U : 0U},
  }};
  ::nghttp2_submit_settings(session(), NGHTTP2_FLAG_NONE, settings.data(), settings.size());
  ::nghttp2_session_set_local_window_size(session(), NGHTTP2_FLAG_NONE, 0, window_of_connection);
}

ClientConnection::~ClientConnection() = default;

// ---- for streams

Stream* ClientConnection::find(std::int32_t id) const {
  const auto found = streams_.find(id);
  return found == streams_.end() ? nullptr : found->second.get();
}

void ClientConnection::credit(std::int32_t id, std::size_t count) {
  if (count == 0) return;
  carried_in_ += count;
  ::nghttp2_session_consume(session(), id, count);
  on_output(nullptr);
}

void ClientConnection::on_output(const Stream* with_head) {
  if (with_head != nullptr && (heads_.empty() || heads_.back() != with_head->id())) {
    heads_.push_back(with_head->id());
  }
  has_output_ = true;
  if (!runs_ && !std::exchange(wake_asked_, true)) connection_.loop().wake_later(connection_);
}

void ClientConnection::reset(std::int32_t id, std::uint32_t code) {
  ::nghttp2_submit_rst_stream(session(), NGHTTP2_FLAG_NONE, id, code);
  on_output(nullptr);
}

void ClientConnection::remove(std::int32_t id) {
  streams_.erase(id);
  on_output(nullptr);
}

bool ClientConnection::holds_back(std::int32_t id) const {
  return ::nghttp2_session_get_remote_window_size(session()) <= 0 ||
         ::nghttp2_session_get_stream_remote_window_size(session(), id) <= 0;
}

// ---- input

bool ClientConnection::take_input() {
  if (deaf_ || input_ended_ || !connection_.may_read() ||
      ::nghttp2_session_get_outbound_queue_size(session()) > most_waiting_frames) {
    return false;
  }
  if (!std::exchange(is_new_turn_, false)) context_.site.forget_checks();
  switch (connection_.receive()) {
    case Connection::Received::bytes:
      break;
    case Connection::Received::nothing_yet:
      return false;
    case Connection::Received::end:
      input_ended_ = true;
      return true;
    case Connection::Received::failed:
    case Connection::Received::full:
      gone_ = true;
      return true;
  }
  const std::string_view bytes = connection_.input();
  received_ += bytes.size();
  feed(bytes);
  connection_.consume(bytes.size());
  return true;
}

void ClientConnection::feed(std::string_view bytes) {
  has_output_ = true;  // an acknowledgement, perhaps
  begun_.clear();
  if (!walk_.feed(bytes, [this](const FrameHead& frame) { return permits(frame); })) {
    return nuisance_.empty() ? end_with(error_) : refuse_nuisance(nuisance_);
  }
  const auto* data = reinterpret_cast<const std::uint8_t*>(bytes.data());
  const ssize_t taken = ::nghttp2_session_mem_recv(session(), data, bytes.size());
  if (!nuisance_.empty()) return refuse_nuisance(nuisance_);
  if (taken >= 0) return;
  if (taken == NGHTTP2_ERR_FLOODED) return refuse_nuisance("too many frames that want an answer");
  end_with(NGHTTP2_PROTOCOL_ERROR);  // not even the beginning of HTTP/2, or no memory
}

void ClientConnection::end_with(std::uint32_t code) {
  deaf_ = has_output_ = true;
  ::nghttp2_session_terminate_session(session(), code);
}

// What nghttp2 lets pass: it does not remember closed streams, and ignores all of the priorities
// that we have said we do not use.
std::uint32_t ClientConnection::error_of(const FrameHead& frame) const {
  if (frame.type == FrameType::priority) {
    if (frame.stream == 0) return NGHTTP2_PROTOCOL_ERROR;
    return frame.length == 5 ? NGHTTP2_NO_ERROR : NGHTTP2_FRAME_SIZE_ERROR;
  }
  if (frame.type != FrameType::headers && frame.type != FrameType::data) return NGHTTP2_NO_ERROR;
  const bool is_past = frame.stream % 2 == 1 && frame.stream <= last_stream_ &&
                       std::find(begun_.begin(), begun_.end(), frame.stream) == begun_.end() &&
                       ::nghttp2_session_find_stream(session(), frame.stream) == nullptr;
  if (!is_past) return NGHTTP2_NO_ERROR;
  switch (closed_.who_closed(frame.stream)) {
    case ClosedBy::client:
      return NGHTTP2_STREAM_CLOSED;
    case ClosedBy::server:
      break;
    case ClosedBy::unknown:
      if (frame.type == FrameType::headers) return NGHTTP2_PROTOCOL_ERROR;
  }
  return NGHTTP2_NO_ERROR;
}

// Before anything is made of a frame. What asks for something has its bounds elsewhere.
bool ClientConnection::permits(const FrameHead& frame) {
  error_ = error_of(frame);
  if (error_ != NGHTTP2_NO_ERROR) return false;
  std::optional<Nuisance> what;
  switch (frame.type) {
    case FrameType::headers:
      continuations_ = 0;
      if (frame.stream > last_stream_) {
        last_stream_ = frame.stream;
        begun_.push_back(frame.stream);
      }
      break;
    case FrameType::continuation:
      if (++continuations_ > most_continuations) nuisance_ = "too many CONTINUATION frames";
      break;
    case FrameType::data:
      if (frame.length == 0 && (frame.flags & FrameHead::end_stream) == 0) {
        what = Nuisance::empty_data;
      }
      break;
    case FrameType::rst_stream:
      what = Nuisance::reset;
      break;
    case FrameType::settings:
      what = Nuisance::settings;
      break;
    case FrameType::ping:
      what = Nuisance::ping;
      break;
    case FrameType::priority:
    case FrameType::priority_update:
      what = Nuisance::priority;
      break;
    case FrameType::window_update:
      what = Nuisance::window_update;
      break;
    case FrameType::push_promise:
    case FrameType::goaway:
      break;
    default:
      what = Nuisance::unknown;
  }
  if (what && !budget_.spend(*what, connection_.loop().now())) nuisance_ = text_of(*what);
  return nuisance_.empty();
}

void ClientConnection::refuse_nuisance(std::string_view reason) {
  if (std::exchange(deaf_, true)) return;
  context_.site.error_log.add({.severity = logs::Severity::warning,
                               .client = connection_.client().host_and_port(),
                               .method = {},
                               .target = {},
                               .message = "an HTTP/2 connection is ended:",
                               .subject = reason,
                               .error = 0});
  ::nghttp2_session_terminate_session(session(), NGHTTP2_ENHANCE_YOUR_CALM);
  has_output_ = true;
}

void ClientConnection::on_request(std::int32_t id, bool is_whole) {
  if (!fields_.finish(!is_whole)) return reset(id, NGHTTP2_PROTOCOL_ERROR);
  Connection* const carried =
      streams_.size() < most_streams && !deaf_ ? connection_.loop().take_stream() : nullptr;
  if (carried == nullptr) return reset(id, NGHTTP2_REFUSED_STREAM);
  const Stream::Request request{id, is_whole, fields_.is_for_tunnel()};
  streams_.emplace(id, std::make_unique<Stream>(*this, *carried, request));
  arrivals_.push_back({id, std::move(fields_.text())});
}

// Not from within nghttp2: what is served at once would call it again.
void ClientConnection::start_streams() {
  for (Arrival& arrival : std::exchange(arrivals_, {})) {
    Stream* const stream = find(arrival.id);
    waiting_ = Waiting::nothing;  // from here on an idle connection has its time anew
    carried_in_ += arrival.head.size();
    stream->carried().begin_stream(connection_, *stream);
    if (stream->is_over()) {  // taken back with the same breath
      stream->finish();
    } else {
      serve_stream(*stream, context_, std::move(arrival.head));
    }
  }
  if (connection_.one_too_many && !streams_.empty()) end_after_streams();
}

void ClientConnection::wake_streams() {
  for (const std::int32_t id : std::exchange(to_wake_, {})) {
    if (Stream* const stream = find(id)) stream->wake();
  }
}

// ---- output

// Makes a record of what nghttp2 has to say. False if that is nothing.
bool ClientConnection::gather() {
  auto& output = connection_.buffer().output;
  static_assert(sizeof output >= record_size);
  std::size_t filled = 0;
  while (filled < record_size) {
    if (rest_of_frame_.empty()) {
      const std::uint8_t* data = nullptr;
      const ssize_t length = ::nghttp2_session_mem_send(session(), &data);
      if (length < 0) gone_ = true;
      if (length <= 0) break;
      rest_of_frame_ = {reinterpret_cast<const char*>(data), static_cast<std::size_t>(length)};
    }
    const std::size_t count = rest_of_frame_.copy(output.data() + filled, record_size - filled);
    rest_of_frame_.remove_prefix(count);
    filled += count;
  }
  record_ = {output.data(), filled};
  return filled > 0;
}

bool ClientConnection::send_output() {
  for (const std::int32_t id : std::exchange(heads_, {})) {
    if (Stream* const stream = find(id)) stream->submit_head();
  }
  bool moved = false;
  while (has_output_ && connection_.may_write() && !gone_ && records_ < records_in_a_row) {
    if (record_.empty() && !gather()) {
      has_output_ = false;
      break;
    }
    const int flags = rest_of_frame_.empty() ? 0 : MSG_MORE;
    const ssize_t sent = connection_.send(record_, {}, flags);
    if (sent < 0) gone_ = true;
    if (sent <= 0) break;
    record_.remove_prefix(static_cast<std::size_t>(sent));
    ++records_;
    moved = true;
    // What is first in line has to fill its place again before others come to it.
    wake_streams();
  }
  if (!nuisance_.empty()) refuse_nuisance(nuisance_);
  return moved;
}

void ClientConnection::on_sent(const ::nghttp2_frame& frame) {
  const std::int32_t id = frame.hd.stream_id;
  if (frame.hd.type == NGHTTP2_DATA) budget_.on_data_sent(frame.hd.length);
  if (frame.hd.type == NGHTTP2_RST_STREAM && frame.rst_stream.error_code != NGHTTP2_NO_ERROR &&
      !budget_.spend(Nuisance::reset, connection_.loop().now())) {
    nuisance_ = text_of(Nuisance::reset);
  }
  const bool is_of_response = frame.hd.type == NGHTTP2_DATA || frame.hd.type == NGHTTP2_HEADERS;
  if (!is_of_response || (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) return;
  if (Stream* const stream = find(id)) {
    stream->on_sent_all();
    to_wake_.push_back(id);
  }
}

// ---- the end

// RFC 9113, 6.8: in two steps, so that no request that is on its way is lost.
void ClientConnection::announce_end() {
  announced_ = has_output_ = true;
  ::nghttp2_submit_shutdown_notice(session());
  ::nghttp2_submit_ping(session(), NGHTTP2_FLAG_NONE, end_announced.data());
}

void ClientConnection::end_after_streams() {
  if (std::exchange(ending_, true)) return;
  has_output_ = true;
  ::nghttp2_submit_goaway(session(), NGHTTP2_FLAG_NONE,
                          ::nghttp2_session_get_last_proc_stream_id(session()), NGHTTP2_NO_ERROR,
                          nullptr, 0);
}

bool ClientConnection::is_over() const {
  if (gone_) return true;
  if (has_output_ || !record_.empty()) return false;
  const bool is_terminated =
      ::nghttp2_session_want_read(session()) == 0 && ::nghttp2_session_want_write(session()) == 0;
  return is_terminated || deaf_ || ((ending_ || input_ended_) && streams_.empty());
}

// ---- waiting

ClientConnection::Waiting ClientConnection::what_to_wait_for() const {
  if (!record_.empty()) return Waiting::room;
  if (walk_.is_in_head()) return Waiting::head;
  return streams_.empty() ? Waiting::request : Waiting::streams;
}

Wait::Deadline ClientConnection::deadline_of(Waiting what) {
  // Of each head, not of each frame: what trickles in does not move it.
  if (what == Waiting::head && std::exchange(awaited_head_, walk_.heads()) != walk_.heads()) {
    waiting_ = Waiting::nothing;
  }
  if (what != waiting_) pace_.drop_period();
  const bool is_same = std::exchange(waiting_, what) == what;
  if (what == Waiting::room) return pace_.begin([this] { return connection_.bytes_taken(); });
  return is_same ? Wait::Deadline::kept : Wait::Deadline::anew;
}

void ClientConnection::on_timeout(Waiting what) {
  waiting_ = Waiting::nothing;
  if (what == Waiting::request) return end_after_streams();
  if (what == Waiting::room && pace_.is_kept(connection_.bytes_taken())) return;
  gone_ = true;
}

Task<bool> ClientConnection::wait(Waiting what) {
  const Wait::Deadline deadline = deadline_of(what);
  runs_ = wake_asked_ = false;
  WakeReason wake = WakeReason::ready;
  if (what == Waiting::streams) {
    Wait progress(connection_, Wait::For::progress);
    wake = co_await progress;
  } else {
    auto& list = what == Waiting::room   ? context_.patience.send
                 : what == Waiting::head ? context_.patience.head
                                         : context_.patience.idle;
    if (what == Waiting::request) connection_.release_buffer();
    Wait progress(connection_, Wait::For::progress, list, deadline);
    wake = co_await progress;
  }
  runs_ = is_new_turn_ = true;
  if (wake == WakeReason::timed_out) on_timeout(what);
  if (wake == WakeReason::draining) end_after_streams();
  co_return true;
}

// Their coroutines end one by one; some only when what they wait for has come.
Task<bool> ClientConnection::abandon_streams() {
  gone_ = true;
  for (const auto& [id, stream] : streams_) {
    stream->on_closed();
    to_wake_.push_back(id);
  }
  for (;;) {
    wake_streams();
    if (streams_.empty()) break;
    runs_ = wake_asked_ = false;
    Wait progress(connection_, Wait::For::progress);
    co_await progress;
    runs_ = true;
  }
  co_return true;
}

// Bytes that belong to no request. Those of fields are counted as they would be without
// compression, so they can be more than have moved.
void ClientConnection::count_rest() {
  const Connection::Bytes all = connection_.take_bytes();
  connection_.set_bytes({.in = received_ - std::min(received_, carried_in_),
                         .out = all.out - std::min(all.out, carried_out_)});
}

Task<Afterwards> ClientConnection::serve() {
  for (unsigned round = 1;; ++round) {
    if (context_.draining && !announced_) announce_end();
    bool moved = take_input();
    start_streams();
    wake_streams();
    moved = send_output() || moved;
    if (is_over()) break;
    if (!moved && to_wake_.empty() && !(has_output_ && connection_.may_write())) {
      const Waiting what = what_to_wait_for();
      co_await wait(what);
      round = records_ = 0;
    } else if (round >= rounds_in_a_row || records_ >= records_in_a_row) {
      round = records_ = 0;
      waiting_ = Waiting::nothing;
      Wait turn(connection_, Wait::For::turn);
      co_await turn;
      is_new_turn_ = true;
    }
  }
  const bool can_say_more = !gone_;
  co_await abandon_streams();
  count_rest();
  connection_.multiplexes = false;
  co_return can_say_more ? Afterwards::linger_and_close : Afterwards::close;
}

}  // namespace perchild::http2
