// What a site's programs have in common: who asks for one, and how he is answered.
//
// Runs in: runner.
// Trusts: its settings.
// Does not trust: workers, programs.
#pragma once

#include <poll.h>

#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "daemon/runner/loaded_program.h"
#include "daemon/runner/processes.h"
#include "daemon/runner/sockets.h"
#include "policy/program_settings.h"
#include "privsep/runner_messages.h"
#include "vhosts/gateway/cgi_call.h"

namespace perchild {

// A worker's question, until it is answered.
struct Question {
  std::uint32_t client;  // the number of the worker's channel
  std::uint32_t number;  // the worker's own
  std::optional<gateway::CgiCall> call{};
};

// Where answers go.
class Desk {
 public:
  virtual ~Desk() = default;
  // The instance that the worker names when it releases it; 0 if the worker has gone, or goes now.
  // `served`: requests that it has answered already.
  virtual std::uint32_t give(const Question& question, std::uint32_t program, BorrowedFd connection,
                             std::uint32_t served = 0) = 0;
  virtual void refuse(const Question& question, NotAcquiredReason reason) = 0;
  // Asks the workers that hold instances of the program for those that are at rest.
  virtual void recall(std::uint32_t program) = 0;
  virtual Clock::time_point now() const = 0;
};

// What every program finds; outlives them all.
struct RunnerParts {
  Desk& desk;
  Processes& processes;
  SocketFolder& sockets;
  logs::ErrorLog& log;
  BorrowedFd root;                 // the docroot, O_PATH
  BorrowedFd null;                 // /dev/null
  const std::string& fork_server;  // the path of what makes a program one; empty: there is none
  FurtherWalls walls{};            // of every program of the site's own
};

class Program : public ProcessOwner {
 public:
  Program(std::uint32_t number, const ProgramSettings& settings, RunnerParts& parts)
      : number_(number), settings_(settings), parts_(parts) {}

  const std::string& name() const override { return settings_.name; }
  bool takes_scripts() const { return settings_.kind == ProgramKind::cgi; }

  // What is loaded already, for a program that it is_good_for().
  virtual void take(LoadedProgram) {}

  // Answered now or later.
  void ask(Question question) {
    waiting_.push_back(std::move(question));
    serve();
  }
  // False if it does not wait (any more).
  bool withdraw(std::uint32_t client, std::uint32_t number);
  // Its questions are nobody's any more.
  void forget(std::uint32_t client);

  // `served`: requests, by it, as Desk::give() has it.
  virtual void release(std::uint32_t instance, ReleaseTo what, std::uint32_t served) = 0;
  void on_end(::pid_t pid, bool well) override = 0;

  // Before processes that have ended are reaped: what is known of them by then.
  virtual void take_reports() {}
  virtual void append_polled(std::vector<::pollfd>&) const {}
  virtual void on_polled(std::span<const ::pollfd>) {}
  virtual void on_timers() {}
  virtual std::optional<Clock::time_point> next_timer() const { return std::nullopt; }

 protected:
  // Answers those that wait, the first one first, for as long as there is something to give.
  virtual void serve() = 0;

  Question take_first() {
    Question first = std::move(waiting_.front());
    waiting_.pop_front();
    return first;
  }
  void refuse_all(NotAcquiredReason reason) {
    while (!waiting_.empty()) parts_.desk.refuse(take_first(), reason);
  }
  void say_not_started(const SysError& error);
  // The command in its folder, with descriptors as given. Why not is also in the error log.
  Result<::pid_t> start_command(const std::vector<std::string>& command,
                                const std::vector<std::string>& environment, BorrowedFd input,
                                std::optional<BorrowedFd> listener,
                                std::optional<BorrowedFd> fork_control = std::nullopt);

  const std::uint32_t number_;
  const ProgramSettings& settings_;
  RunnerParts& parts_;
  std::deque<Question> waiting_;
};

// `settings` outlives it.
std::unique_ptr<Program> make_program(std::uint32_t number, const ProgramSettings& settings,
                                      RunnerParts& parts);

}  // namespace perchild
