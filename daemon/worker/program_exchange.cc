#include "daemon/worker/program_exchange.h"

#include <algorithm>
#include <utility>

#include "daemon/worker/answer.h"
#include "vhosts/files/response_head.h"
#include "vhosts/http1/chunk_framing.h"

namespace perchild {
namespace {

// After so many pieces without a pause the other connections have a turn.
constexpr unsigned rounds_in_a_row = 64;
// Of a request's body, in the time that a program has for its answer: an upload may take longer
// than that, but not by trickling.
constexpr std::size_t most_at_a_time = 1024 * 1024;
// Of a response's body in memory, for a client that is slower than the program.
constexpr std::size_t most_held_in_memory = 256 * 1024;

// Of a response's body, whose end may be near.
constexpr std::size_t most_awaiting_end = 16 * 1024;

bool has_no_body(const Request& request, int status) {
  return request.head_only() || status == 101 || status == 204 || status == 304;
}

}  // namespace

ProgramExchange::ProgramExchange(Connection& connection, SessionContext& context, Request& request,
                                 Response& response, BackendStream& stream, ProgramInput& input,
                                 Sending& sending)
    : connection_(connection),
      context_(context),
      request_(request),
      response_(response),
      stream_(stream),
      input_(input),
      sending_(sending),
      held_(context.runner.bodies()),
      // What gets bodies as they come gives them so: it has others to serve at the same time, and
      // may not want to be ahead of a client.
      may_fill_file_(request.site.settings.programs[request.call->program].most_kept != 0) {}

// ---- what the program says

void ProgramExchange::fail(int status, std::string_view problem) {
  if (failed_ || moved_) return;
  failed_ = true;
  if (head_made_) {
    response_.problem = problem;
    return;
  }
  // What has not been read of the body would be taken for the next request.
  if (input_.awaited() != nullptr) request_.persistence = files::Persistence::close;
  const std::string_view retry = status == 503 ? "Retry-After: 1\r\n" : "";
  response_ = refuse(request_, status, problem, retry);
  response_.subject = request_.call->script;
}

void ProgramExchange::move(std::string_view location) {
  moved_ = true;
  location_ = location;
}

void ProgramExchange::set_head(std::optional<std::uint64_t> length) {
  has_head_ = true;
  declared_ = left_ = length;
  if (has_no_body(request_, status())) left_ = 0;
}

void ProgramExchange::put_interim(std::string_view response) {
  if (head_.empty()) head_text_.clear();
  head_text_.append(response);
  head_ = head_text_;
}

void ProgramExchange::put_body(std::string_view bytes) {
  // What is longer than it says is cut: the rest would be taken for another response.
  if (left_) {
    bytes =
        bytes.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(*left_, bytes.size())));
    *left_ -= bytes.size();
  }
  if (fresh_.empty() && held_.in_memory().empty()) {
    fresh_ = bytes;
  } else {
    keep_fresh();
    held_.put(bytes);
  }
}

void ProgramExchange::keep_fresh() {
  if (!fresh_.empty()) held_.put(std::exchange(fresh_, {}));
}

void ProgramExchange::end_body() {
  ended_ = true;
  short_ = left_.value_or(0) != 0;
  if (short_ && head_made_) response_.problem = "the program's response is shorter than it says";
}

// ---- to the client

// A script mostly says what it has to say in one go, and ends: then its response has a length, and
// goes out as one. What goes on has to wait for that long only before its first byte.
bool ProgramExchange::awaits_end() const {
  return has_head_ && !head_made_ && !ended_ && !failed_ && !awaited_end_ && !declared_ &&
         ends_with_response() && input_.awaited() == nullptr &&
         unframed_in_memory() < most_awaiting_end;
}

bool ProgramExchange::make_head() {
  const int status = this->status();
  const bool is_empty = has_no_body(request_, status);
  std::optional<std::uint64_t> length = declared_;
  // All of it is here.
  if (!length && ended_ && !is_empty) left_ = length = unframed_in_memory();
  if (input_.awaited() != nullptr) request_.persistence = files::Persistence::close;
  if (ProgramEncoding::may_be_wanted(request_) && !begin_encoding(length)) return false;
  if (is_empty) {
    framing_ = Framing::none;
  } else if (length) {
    framing_ = Framing::length;
  } else if (connection_.is_stream()) {
    framing_ = Framing::by_carrier;
  } else if (request_.head.version == http1::Version::http_1_1) {
    framing_ = Framing::chunked;
  } else {
    framing_ = Framing::until_close;
    request_.persistence = files::Persistence::close;
  }
  files::ResponseHead head(request_.buffer.output, request_.site.date);
  const bool changes_protocol = status == 101;
  head.start(status, reason(),
             changes_protocol ? files::Persistence::keep_alive : request_.persistence);
  for_each_field([&](const http1::Field& field) { encoding_.add_field(head, field); });
  encoding_.add_own_fields(head);
  if (length && status != 204 && !changes_protocol) head.add_number("Content-Length", *length);
  if (framing_ == Framing::chunked) head.add("Transfer-Encoding", "chunked");
  response_.status = status;
  response_.head = head.finish();
  if (response_.head.empty()) {
    static_assert(sizeof(IoBuffer::output) == 29 * 1024);
    fail(502, "the program's head does not fit into the 29 KiB of a response's");
    return false;
  }
  finish_answer(request_, response_);
  if (response_.status != status) {  // the site's own headers do not fit
    failed_ = true;
    return false;
  }
  head_ = response_.head;
  head_made_ = true;
  return true;
}

// `length` becomes that of the body as it is sent, if all of it is here.
bool ProgramExchange::begin_encoding(std::optional<std::uint64_t>& length) {
  files::EncodableHead program_head;
  for_each_field([&](const http1::Field& field) { program_head.take(field.name, field.value); });
  encoding_.choose(request_, status(), program_head, length);
  if (encoding_.changes_length()) length.reset();
  if (!encoding_.is_open() || !ended_) return true;
  keep_fresh();
  if (!encode(held_.in_memory(), !short_)) return false;
  length = held_.in_memory().size();
  return true;
}

bool ProgramExchange::encode(std::string& body, bool is_last) {
  if (encoding_.encode(body, is_last)) return true;
  fail(500, "the program's response cannot be compressed");
  return false;
}

void ProgramExchange::frame_body() {
  if (!fresh_.empty() && held_.is_empty() && framing_ != Framing::chunked && !encoding_.is_open()) {
    body_ = std::exchange(fresh_, {});
    in_flight_ = body_.size();
    body_is_kept_ = false;
    return;
  }
  keep_fresh();
  if (!held_.take(body_text_)) {
    held_.drop();
    return fail(500, "what is kept of the program's response cannot be read");
  }
  const bool is_last = ended_ && !short_ && held_.is_empty();
  if (encoding_.is_open() && !encode(body_text_, is_last)) return held_.drop();
  in_flight_ = body_text_.size();
  if (framing_ == Framing::chunked) {
    if (in_flight_ != 0) {
      http1::ChunkSizeLine size_line;
      head_text_.assign(head_).append(http1::chunk_size_line(in_flight_, size_line));
      head_ = head_text_;
      body_text_.append(http1::end_of_chunk);
    }
    if (is_last && !std::exchange(end_framed_, true)) body_text_.append(http1::end_of_chunks);
  }
  body_ = body_text_;
  body_is_kept_ = true;
}

// Afterwards nothing is left where it was read into.
std::optional<ExchangeEnd> ProgramExchange::send_output(bool& moved) {
  if (awaits_end()) {
    keep_fresh();
    return std::nullopt;
  }
  if (!has_output() && has_head_ && (head_made_ || !failed_)) {
    if (short_ && !head_made_) fail(502, "the program's response is shorter than it says");
    if (!head_made_ && (failed_ || !make_head())) return std::nullopt;
    frame_body();
  }
  while (has_output() && connection_.may_write()) {
    const ssize_t sent = connection_.send(head_, body_, 0);
    if (sent < 0) return ExchangeEnd::client_gone;
    if (sent == 0) break;
    moved = true;
    const auto count = static_cast<std::size_t>(sent);
    const std::size_t of_head = std::min(count, head_.size());
    head_.remove_prefix(of_head);
    body_.remove_prefix(count - of_head);
  }
  if (!std::exchange(body_is_kept_, true)) body_ = body_text_.assign(body_);
  keep_fresh();
  if (!has_output()) sending_.sent_of_body += std::exchange(in_flight_, 0);
  return std::nullopt;
}

// ---- from the program

// Interim heads are not gathered.
bool ProgramExchange::has_room() const {
  if (!head_made_) return !has_output();
  return held_.in_memory().size() <
         (encoding_.is_open() ? ProgramEncoding::most_gathered : most_held_in_memory);
}

// Where it is the client that does not take it.
bool ProgramExchange::make_room() {
  if (!head_made_ || !has_output() || !may_fill_file_) return false;
  held_.move_to_file(left_.value_or(0));
  return has_room();
}

bool ProgramExchange::read_program() {
  if (ended_ || failed_ || !stream_.may_read() || !(has_room() || make_room())) return false;
  std::size_t count = 0;
  switch (stream_.receive(context_.runner.scratch(), count)) {
    case BackendStream::Received::bytes:
      heard_ = true;
      take_output({context_.runner.scratch().data(), count});
      return true;
    case BackendStream::Received::nothing_yet:
      return false;
    case BackendStream::Received::end:
    case BackendStream::Received::failed:
      take_end();
      return true;
  }
  return false;
}

// ---- to the program

// Whether there is something more to send.
bool ProgramExchange::take_input() {
  if (input_ended_ || input_lost_) return false;
  RequestBody* const awaited = input_.awaited();
  // Once there is an answer, the client is not asked for a body that it has held back.
  if (awaited != nullptr && head_made_ && awaited->waits_for_continue()) return false;
  const auto piece = input_.poll();
  if (!piece) return false;
  to_program_.clear();
  switch (piece->kind) {
    case BodyPiece::Kind::data:
      frame_input(piece->bytes, to_program_);
      piece_ = piece->bytes;
      break;
    case BodyPiece::Kind::end:
      end_input(to_program_);
      input_ended_ = true;
      break;
    case BodyPiece::Kind::closed:
      input_lost_ = true;
      break;
    default:
      input_lost_ = true;
      fail(piece->status, piece->problem);
  }
  before_ = to_program_;
  return true;
}

bool ProgramExchange::write_program() {
  bool moved = false;
  while (!failed_ && !ended_) {
    if (before_.empty() && piece_.empty()) {
      if (!take_input()) break;
      moved = true;
      continue;
    }
    if (!stream_.may_write()) break;
    const ssize_t sent = stream_.send(before_, piece_);
    if (sent == 0) break;
    moved = true;
    if (sent < 0) {
      // It may have answered all the same.
      input_lost_ = true;
      before_ = piece_ = {};
      break;
    }
    const auto count = static_cast<std::size_t>(sent);
    given_ += count;
    if (!is_others_loss() || given_ >= most_at_a_time) {
      given_ = 0;
      context_.runner.begin_time(stream_);
    }
    const std::size_t of_before = std::min(count, before_.size());
    before_.remove_prefix(of_before);
    piece_.remove_prefix(count - of_before);
  }
  return moved;
}

// ---- both

// What it has come to; nothing if it goes on.
std::optional<ExchangeEnd> ProgramExchange::outcome() const {
  if (moved_) return ExchangeEnd::moved;
  if (failed_ && !head_made_) return ExchangeEnd::refused;
  if (has_output() || !held_.is_empty()) return std::nullopt;
  if (failed_) return ExchangeEnd::cut_off;
  const bool end_is_due = encoding_.is_open() || (framing_ == Framing::chunked && !end_framed_);
  if (!ended_ || !head_made_ || (end_is_due && !short_)) return std::nullopt;
  return short_ ? ExchangeEnd::cut_off : ExchangeEnd::complete;
}

// Whether it is the client that everything waits for.
bool ProgramExchange::awaits_client() const {
  const RequestBody* const awaited = input_.awaited();
  const bool is_held_back = awaited != nullptr && head_made_ && awaited->waits_for_continue();
  const bool for_input =
      awaited != nullptr && !is_held_back && !input_lost_ && before_.empty() && piece_.empty();
  return has_output() || for_input;
}

// What the next wait finds is a period of its own: it has another deadline, or none.
void ProgramExchange::drop_periods() {
  sending_.pace.drop_period();
  if (input_.awaited() != nullptr) input_.awaited()->pace().drop_period();
}

// At the end of a period. The pace is asked anew with the next wait.
bool ProgramExchange::client_is_slow() {
  return paced_by_body_ ? !input_.awaited()->pace().is_kept(input_.awaited()->on_wire())
                        : !sending_.pace.is_kept(connection_.bytes_taken());
}

// Its answer is here, however long the client takes for it.
void ProgramExchange::release_program() {
  if (!ended_ || failed_ || moved_ || released_ || bytes_of_other_protocol()) return;
  released_ = true;
  context_.runner.release(stream_, is_reusable() ? ReleaseTo::rest : ReleaseTo::end);
}

Task<ExchangeEnd> ProgramExchange::run() {
  context_.runner.begin_time(stream_);
  before_ = to_program_;
  if (input_.awaited() == nullptr && input_.length().value_or(0) == 0) {
    end_input(to_program_);
    before_ = to_program_;
    input_ended_ = true;
  }
  unsigned in_a_row = 0;
  auto begun = Wait::Deadline::anew;
  for (;;) {
    bool moved = write_program();
    moved = read_program() || moved;
    if (const auto end = send_output(moved)) co_return *end;
    if (const auto end = outcome()) co_return *end;
    release_program();
    const bool has_encoded = encoding_.has_worked();
    if (moved && ++in_a_row < rounds_in_a_row && !has_encoded) continue;
    if (moved) {
      in_a_row = 0;
      drop_periods();
      Wait turn(connection_, has_encoded ? Wait::For::long_turn : Wait::For::turn);
      co_await turn;
      continue;
    }
    if (!released_ && stream_.timed_out) {
      // Not while it was the client that took its time.
      if (!has_room()) {
        context_.runner.begin_time(stream_);
      } else {
        fail(504, "the program took too long");
        continue;
      }
    }
    in_a_row = 0;
    const bool by_body = !has_output();
    if (awaits_end()) {
      Wait wait(connection_, Wait::For::progress, context_.patience.first_output,
                std::exchange(begun, Wait::Deadline::kept));
      awaited_end_ = co_await wait == WakeReason::timed_out;
    } else if (!awaits_client()) {
      drop_periods();
      Wait wait(connection_, Wait::For::progress);
      co_await wait;
    } else {
      if (by_body != paced_by_body_) drop_periods();
      paced_by_body_ = by_body;
      const auto received = [this] { return input_.awaited()->on_wire(); };
      const auto taken = [this] { return connection_.bytes_taken(); };
      const Wait::Deadline deadline =
          by_body ? input_.awaited()->pace().begin(received) : sending_.pace.begin(taken);
      Wait wait(connection_, Wait::For::progress,
                by_body ? context_.patience.body : context_.patience.send, deadline);
      const WakeReason wake = co_await wait;
      if (wake == WakeReason::timed_out && client_is_slow()) {
        if (!by_body) co_return ExchangeEnd::client_slow;
        fail(408, "the body took too long");
        continue;
      }
    }
    if (connection_.peer_closed()) co_return ExchangeEnd::client_gone;
  }
}

}  // namespace perchild
