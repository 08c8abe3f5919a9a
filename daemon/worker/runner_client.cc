#include "daemon/worker/runner_client.h"

#include <algorithm>
#include <utility>

#include "daemon/worker/worker_loop.h"
#include "privsep/sealed_memory.h"

namespace perchild {
namespace {

// Until a channel that was full is tried again: its reader makes no event.
constexpr std::chrono::milliseconds until_next_try{20};

}  // namespace

RunnerClient::RunnerClient(std::span<const ProgramSettings> programs, WorkerLoop& loop)
    : loop_(loop) {
  for (const ProgramSettings& settings : programs) programs_.emplace_back(settings);
  if (!programs.empty()) scratch_ = std::make_unique_for_overwrite<Scratch>();
}

bool RunnerClient::ask(ProgramTicket& ticket) {
  Program& program = programs_[ticket.program];
  if (!program.rest.empty() && !ticket.must_be_new) {
    BackendStream& stream = *program.rest.back();
    program.rest.pop_back();
    ticket.reused = true;
    grant(ticket, stream);
    return true;
  }
  if (program.waiting.size() >= program.settings.longest_queue) return false;
  program.waiting.push_back(&ticket);
  unasked_.push_back(&ticket);
  ask_runner();
  return true;
}

void RunnerClient::ask_runner() {
  while (channel_ && !unasked_.empty() && asked_.size() < max_acquisitions) {
    if (!send_question(*unasked_.front())) return;
    unasked_.pop_front();
  }
}

Result<SendStatus> RunnerClient::send_call(std::uint32_t number, const ProgramTicket& ticket) {
  if (ticket.call.size() <= RunScriptInline::most) {
    return channel_->send(RunScriptInline::of(number, ticket.program, ticket.call));
  }
  const auto call = make_sealed_memory("call", ticket.call);
  if (!call) return failure(call.error());
  return channel_->send(RunScript{number, ticket.program}, call->borrow());
}

// False if it has to be tried again.
bool RunnerClient::send_question(ProgramTicket& ticket) {
  const std::uint32_t number = last_number_ + 1;
  SendStatus status = SendStatus::failed;
  if (programs_[ticket.program].settings.kind == ProgramKind::cgi) {
    const auto sent = send_call(number, ticket);
    // Without memory for it there is none for the script either.
    if (!sent) {
      refuse(ticket, NotAcquiredReason::cannot_start);
      return true;
    }
    status = *sent;
  } else {
    status = channel_->send(Acquire{number, ticket.program});
  }
  if (status != SendStatus::sent) return false;
  last_number_ = number == UINT32_MAX ? 0 : number;
  asked_[number] = {ticket.program, &ticket};
  return true;
}

void RunnerClient::withdraw(ProgramTicket& ticket) {
  std::erase(programs_[ticket.program].waiting, &ticket);
  std::erase(unasked_, &ticket);
  withdraw_question(ticket);
  if (ticket.stream != nullptr) release(*std::exchange(ticket.stream, nullptr), ReleaseTo::rest);
}

void RunnerClient::withdraw_question(const ProgramTicket& ticket) {
  for (auto& [number, asked] : asked_) {
    if (asked.ticket != &ticket) continue;
    asked.ticket = nullptr;
    send(Withdraw{number});
    return;
  }
}

void RunnerClient::grant(ProgramTicket& ticket, BackendStream& stream) {
  std::erase(programs_[ticket.program].waiting, &ticket);
  ticket.stream = &stream;
  stream.user = &ticket.connection;
  stream.deadline.unlink();
  stream.timed_out = false;
  ++stream.requests;
}

void RunnerClient::refuse(ProgramTicket& ticket, NotAcquiredReason reason) {
  std::erase(programs_[ticket.program].waiting, &ticket);
  ticket.refused = reason;
  answered_.push_back(&ticket.connection);
}

void RunnerClient::begin_time(BackendStream& stream) {
  stream.timed_out = false;
  programs_[stream.origin().program].request.set(stream.deadline, loop_.now());
}

void RunnerClient::note_life(std::uint32_t program) {
  programs_[program].heard_at = loop_.now();
}

bool RunnerClient::keeps_at_rest(const BackendStream& stream) const {
  const ProgramSettings& settings = programs_[stream.origin().program].settings;
  // A FastCGI server of somebody else's may have one process: it is not to wait for our next
  // request.
  if (settings.kind == ProgramKind::backend && settings.protocol == ProgramProtocol::fastcgi) {
    return false;
  }
  return settings.protocol != ProgramProtocol::cgi && stream.origin().channel == channel_number_ &&
         (settings.kind != ProgramKind::fastcgi_pool || settings.most_requests == 0 ||
          stream.requests < settings.most_requests);
}

void RunnerClient::release(BackendStream& stream, ReleaseTo what) {
  Program& program = programs_[stream.origin().program];
  stream.user = nullptr;
  stream.deadline.unlink();
  // What others have heard says nothing of a script.
  const bool is_busy = program.settings.kind != ProgramKind::cgi &&
                       program.heard_at + program.settings.request > loop_.now();
  if (what == ReleaseTo::silent && is_busy) what = ReleaseTo::end;
  if (what != ReleaseTo::rest || stream.peer_closed() || !keeps_at_rest(stream)) {
    give_back(stream, what == ReleaseTo::rest ? ReleaseTo::end : what);
  } else if (std::exchange(program.recalled, false)) {
    give_back(stream, ReleaseTo::rest);
  } else if (!program.waiting.empty() && !program.waiting.front()->must_be_new) {
    // Who waits here need not wait for a process that is started.
    ProgramTicket& next = *program.waiting.front();
    std::erase(unasked_, &next);
    withdraw_question(next);
    next.reused = true;
    grant(next, stream);
    answered_.push_back(&next.connection);
  } else {
    program.rest.push_back(&stream);
    program.idle.set(stream.deadline, loop_.now());
  }
}

// To the runner, if it is the one that it came from.
void RunnerClient::give_back(BackendStream& stream, ReleaseTo what) {
  std::erase(programs_[stream.origin().program].rest, &stream);
  if (stream.origin().channel == channel_number_) {
    send(Release{stream.origin().instance, what, stream.requests});
  }
  // The runner has a copy, so closing alone would not take it out of epoll.
  loop_.forget(stream.fd());
  stream.finish();
  finished_.push_back(stream.index());
}

void RunnerClient::send(const Message& message) {
  unsent_.push_back(message);
  flush();
}

void RunnerClient::flush() {
  while (channel_ && !unsent_.empty()) {
    const SendStatus status = std::visit(
        [this](const auto& message) { return channel_->send(message); }, unsent_.front());
    if (status == SendStatus::would_block) return;
    unsent_.pop_front();  // a runner that has gone has a successor that knows nothing of it
  }
}

BackendStream& RunnerClient::take_stream() {
  if (unused_.empty()) {
    unused_.push_back(static_cast<std::uint32_t>(streams_.size()));
    streams_.push_back(std::make_unique<BackendStream>(unused_.back()));
  }
  BackendStream& stream = *streams_[unused_.back()];
  unused_.pop_back();
  return stream;
}

void RunnerClient::attach(UniqueFd channel, std::uint32_t number) {
  channel_.emplace(std::move(channel));
  channel_number_ = number;
  unsent_.clear();
  asked_.clear();
  unasked_.clear();
  bodies_.forget_question();
  for (Program& program : programs_) {
    program.recalled = false;
    // Their processes have ended with their runner; those in use tell their users so.
    while (!program.rest.empty()) give_back(*program.rest.back(), ReleaseTo::end);
    unasked_.insert(unasked_.end(), program.waiting.begin(), program.waiting.end());
  }
  ask_runner();
}

std::optional<BorrowedFd> RunnerClient::fd() const {
  return channel_ ? std::optional(channel_->fd()) : std::nullopt;
}

std::optional<std::uint32_t> RunnerClient::on_readable() {
  using Status = Channel<Worker, Runner>::Status;
  while (channel_) {
    auto received = channel_->receive();
    if (received.status == Status::would_block) break;
    // A message with a descriptor for which there is no room is lost: so is who waits for it.
    if (received.status == Status::peer_gone || received.status == Status::out_of_fds) {
      channel_.reset();
      break;
    }
    const bool permitted =
        received.status == Status::message &&
        std::visit([&](const auto& message) { return on_message(message, std::move(received.fd)); },
                   *received.message);
    if (permitted) continue;
    channel_.reset();
    return channel_number_;
  }
  ask_runner();
  return std::nullopt;
}

bool RunnerClient::on_message(const Acquired& message, UniqueFd fd) {
  const auto found = asked_.find(message.number);
  if (found == asked_.end()) return false;
  const Asked asked = found->second;
  asked_.erase(found);
  Program& program = programs_[asked.program];
  BackendStream& stream = take_stream();
  stream.begin(std::move(fd), {asked.program, message.instance, channel_number_});
  stream.requests = message.served;
  if (!loop_.watch(stream)) {
    give_back(stream, ReleaseTo::end);
    if (asked.ticket != nullptr) refuse(*asked.ticket, NotAcquiredReason::cannot_start);
  } else if (asked.ticket != nullptr) {
    grant(*asked.ticket, stream);
    answered_.push_back(&asked.ticket->connection);
  } else if (program.settings.kind == ProgramKind::cgi) {
    give_back(stream, ReleaseTo::end);
  } else {
    release(stream, ReleaseTo::rest);
  }
  return true;
}

bool RunnerClient::on_message(const NotAcquired& message, UniqueFd) {
  const auto found = asked_.find(message.number);
  if (found == asked_.end()) return false;
  ProgramTicket* const ticket = found->second.ticket;
  asked_.erase(found);
  if (ticket != nullptr) refuse(*ticket, message.reason);
  return true;
}

bool RunnerClient::on_message(const Recall& message, UniqueFd) {
  if (message.program >= programs_.size()) return false;
  Program& program = programs_[message.program];
  program.recalled = program.rest.empty();
  while (!program.rest.empty()) give_back(*program.rest.back(), ReleaseTo::rest);
  return true;
}

bool RunnerClient::on_message(const BodyFile&, UniqueFd fd) {
  return bodies_.take_file(std::move(fd), loop_.now());
}

bool RunnerClient::on_message(const NoBodyFile&, UniqueFd) {
  return bodies_.note_refusal(loop_.now());
}

// Whose response waits for its client for want of room in the file is one of them.
void RunnerClient::call_users() {
  for (const auto& stream : streams_) {
    if (stream->user != nullptr) answered_.push_back(stream->user);
  }
}

void RunnerClient::ask_for_body_file() {
  const auto at = bodies_.asks_at();
  if (!channel_ || !at || *at > loop_.now()) return;
  bodies_.note_asked();
  send(AskBodyFile{});
}

void RunnerClient::on_stream_events(std::size_t index, std::uint32_t events) {
  BackendStream& stream = *streams_[index];
  // One that has finished keeps its place until the turn is over.
  if (!stream.is_open()) return;
  stream.on_events(events);
  if (stream.user != nullptr) {
    stream.user->on_progress();
  } else if (stream.may_read()) {
    // At rest it has nothing to say but that it ends.
    give_back(stream, ReleaseTo::end);
  }
}

void RunnerClient::on_deadlines(Clock::time_point now) {
  for (Program& program : programs_) {
    while (BackendStream* stream = program.request.expired(now)) {
      stream->deadline.unlink();
      stream->timed_out = true;
      if (stream->user != nullptr) stream->user->on_progress();
    }
    while (BackendStream* stream = program.idle.expired(now)) give_back(*stream, ReleaseTo::end);
    while (Connection* connection = program.queue.expired(now)) {
      connection->deadline.unlink();
      connection->resume(WakeReason::timed_out);
    }
  }
  flush();
  ask_runner();
}

void RunnerClient::end_turn() {
  while (has_answers()) {
    if (bodies_.take_room_again()) call_users();
    for (Connection* connection : std::exchange(answered_, {})) connection->on_progress();
  }
  unused_.insert(unused_.end(), finished_.begin(), finished_.end());
  finished_.clear();
  ask_for_body_file();
}

std::optional<Clock::time_point> RunnerClient::next_deadline() const {
  std::optional<Clock::time_point> first;
  const auto take = [&](std::optional<Clock::time_point> at) {
    if (at && (!first || *at < *first)) first = at;
  };
  for (const Program& program : programs_) {
    take(program.queue.next_deadline());
    take(program.request.next_deadline());
    take(program.idle.next_deadline());
  }
  if (channel_) take(bodies_.asks_at());
  const bool has_question = !unasked_.empty() && asked_.size() < max_acquisitions;
  if (channel_ && (!unsent_.empty() || has_question)) {
    take(loop_.now() + until_next_try);
  }
  return first;
}

}  // namespace perchild
