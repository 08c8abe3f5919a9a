// The worker's side of its channel to its site's runner: connections to programs are asked for,
// used, kept at rest for the next request, and given back.
//
// Runs in: worker.
// Trusts: the site's runner, for which connection is to which program; what is no message ends the
// channel, and so does a file for bodies that is none (kept_bodies.h). Does not trust: programs.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "daemon/worker/backend_stream.h"
#include "daemon/worker/connection.h"
#include "daemon/worker/kept_bodies.h"
#include "policy/program_settings.h"
#include "privsep/channel.h"
#include "privsep/runner_messages.h"

namespace perchild {

// Lives in the coroutine that waits, which withdraws it if it does not wait any longer. Its
// connection is woken when it is answered.
struct ProgramTicket {
  Connection& connection;
  std::uint32_t program;
  std::string_view call{};          // of a script: a packed CgiCall
  bool must_be_new = false;         // not one that was at rest
  BackendStream* stream = nullptr;  // granted; to be released
  std::optional<NotAcquiredReason> refused{};
  bool reused = false;  // it has served others before

  bool is_answered() const { return stream != nullptr || refused; }
};

class RunnerClient {
 public:
  RunnerClient(std::span<const ProgramSettings> programs, WorkerLoop& loop);
  RunnerClient(const RunnerClient&) = delete;
  RunnerClient& operator=(const RunnerClient&) = delete;

  // False if too many wait for the program. The answer may be there at once.
  [[nodiscard]] bool ask(ProgramTicket& ticket);
  void withdraw(ProgramTicket& ticket);
  void release(BackendStream& stream, ReleaseTo what);
  // Something has come from a process of it: whoever else waits does so because it is busy.
  void note_life(std::uint32_t program);

  // How long requests for a program wait in line.
  DeadlineList<Connection>& queue_of(std::uint32_t program) { return programs_[program].queue; }
  // From here on the program has its time for a request, or for the next part of it.
  void begin_time(BackendStream& stream);

  // What is read from programs is used up before anything is waited for.
  std::span<char> scratch() { return *scratch_; }

  KeptBodies& bodies() { return bodies_; }

  // For the loop.
  void attach(UniqueFd channel, std::uint32_t number);
  std::optional<BorrowedFd> fd() const;
  // The number of the channel, now closed, if what came by it is no answer to any question.
  std::optional<std::uint32_t> on_readable();
  void on_stream_events(std::size_t index, std::uint32_t events);
  void on_deadlines(Clock::time_point now);
  bool has_answers() const { return !answered_.empty() || bodies_.has_room_again(); }
  void end_turn();  // wakes who has been answered, and makes places free
  std::optional<Clock::time_point> next_deadline() const;
  template <typename Visit>
  void for_each_queue(Visit visit) const {
    for (const Program& program : programs_) visit(program.queue);
  }

 private:
  struct Program {
    explicit Program(const ProgramSettings& of)
        : settings(of),
          queue(of.queue),
          request(of.request),
          idle(of.kind == ProgramKind::fastcgi_pool ? of.idle : std::min(of.idle, longest_rest)) {}
    // An application's own time begins when its connections have been given back.
    static constexpr std::chrono::milliseconds longest_rest{10'000};

    const ProgramSettings& settings;
    DeadlineList<Connection> queue;
    DeadlineList<BackendStream> request;
    DeadlineList<BackendStream> idle;
    std::vector<BackendStream*> rest;    // the last used one at the end
    std::deque<ProgramTicket*> waiting;  // in the order in which they came
    Clock::time_point heard_at{};
    bool recalled = false;  // others wait for what is released next
  };
  struct Asked {
    std::uint32_t program;
    ProgramTicket* ticket;  // nullptr: nobody waits for it any more
  };
  using Message = std::variant<Acquire, Withdraw, Release, AskBodyFile>;

  bool on_message(const Acquired& message, UniqueFd fd);
  bool on_message(const NotAcquired& message, UniqueFd fd);
  bool on_message(const Recall& message, UniqueFd fd);
  bool on_message(const BodyFile& message, UniqueFd fd);
  bool on_message(const NoBodyFile& message, UniqueFd fd);
  void ask_for_body_file();
  void call_users();
  void ask_runner();
  Result<SendStatus> send_call(std::uint32_t number, const ProgramTicket& ticket);
  bool send_question(ProgramTicket& ticket);
  void withdraw_question(const ProgramTicket& ticket);
  void grant(ProgramTicket& ticket, BackendStream& stream);
  void refuse(ProgramTicket& ticket, NotAcquiredReason reason);
  void give_back(BackendStream& stream, ReleaseTo what);
  void send(const Message& message);
  void flush();
  BackendStream& take_stream();
  bool keeps_at_rest(const BackendStream& stream) const;

  WorkerLoop& loop_;
  std::deque<Program> programs_;
  std::optional<Channel<Worker, Runner>> channel_;
  std::uint32_t channel_number_ = 0;
  std::uint32_t last_number_ = 0;
  std::unordered_map<std::uint32_t, Asked> asked_;  // at most max_acquisitions
  std::deque<ProgramTicket*> unasked_;              // there was no channel, or no room in it
  std::deque<Message> unsent_;
  std::vector<std::unique_ptr<BackendStream>> streams_;
  std::vector<std::uint32_t> unused_;    // places in streams_
  std::vector<std::uint32_t> finished_;  // to become unused when the turn is over
  std::vector<Connection*> answered_;    // to be woken
  KeptBodies bodies_;
  using Scratch = std::array<char, 64 * 1024>;
  std::unique_ptr<Scratch> scratch_;
};

}  // namespace perchild
