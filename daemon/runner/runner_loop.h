// The runner's loop: workers ask for connections to the site's programs by their numbers, and give
// them back. What each program does about it is in pool.h, scripts.h, app.h and backend.h.
//
// Runs in: runner, locked down: its namespaces, and what Landlock lets programs do.
// Trusts: the master.
// Does not trust: workers, which read the network. One that sends what it may not is reported, and
// not heard again. Programs, whose words it only writes to a log.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "daemon/runner/mail.h"
#include "daemon/runner/processes.h"
#include "daemon/runner/programs.h"
#include "privsep/channel.h"
#include "privsep/lock_down.h"
#include "privsep/runner_messages.h"
#include "vhosts/logs/error_log.h"
#include "vhosts/sites/runner_settings.h"

namespace perchild {

class RunnerLoop final : public Desk {
 public:
  // `settings` outlives it. `ruleset`: its own Landlock's; none if there is none.
  RunnerLoop(LockedDown<Role::runner> proof, Channel<Runner, Master> master, UniqueFd signals,
             const RunnerSettings& settings, UniqueFd root, UniqueFd ruleset);

  // Program `number`, which it has loaded as a spare, and made the site's; before run().
  void take(std::uint32_t number, LoadedProgram loaded) {
    loaded_.emplace(number, std::move(loaded));
  }

  // A line of the site's error log.
  void complain(const std::string& sentence);

  // Until the master has gone, or the site sleeps. The process's exit status; with it all programs
  // end.
  int run();

  std::uint32_t give(const Question& question, std::uint32_t program, BorrowedFd connection,
                     std::uint32_t served) override;
  void refuse(const Question& question, NotAcquiredReason reason) override;
  void recall(std::uint32_t program) override;
  Clock::time_point now() const override { return now_; }

 private:
  using MasterChannel = Channel<Runner, Master>;
  using WorkerChannel = Channel<Runner, Worker>;

  struct Client {
    explicit Client(UniqueFd socket) : channel(std::move(socket)) {}
    WorkerChannel channel;
    std::set<std::uint32_t> asked;                // numbers that are not answered yet
    std::map<std::uint32_t, std::uint32_t> held;  // instances, with their programs
    std::optional<Clock::time_point> asked_for_body_file;
    bool lost = false;  // does not read what it is told, or has gone
  };

  bool prepare();
  void wait();
  void take_turn();
  bool on_master_readable();
  void on_message(const AttachClient& message, UniqueFd fd);
  void on_message(const ReplaceLog& message, UniqueFd fd);
  void on_message(const MailSent& message, UniqueFd fd);
  void on_message(const KeepSessions& message, UniqueFd fd);
  void on_message(const TakeSessions& message, UniqueFd fd);
  void on_signals();
  void on_client_readable(std::uint32_t number, Client& client);
  bool on_message(std::uint32_t number, Client& client, const Acquire& message, UniqueFd fd);
  bool on_message(std::uint32_t number, Client& client, const RunScript& message, UniqueFd fd);
  bool on_message(std::uint32_t number, Client& client, const RunScriptInline& message,
                  UniqueFd fd);
  bool on_message(std::uint32_t number, Client& client, const Withdraw& message, UniqueFd fd);
  bool on_message(std::uint32_t number, Client& client, const Release& message, UniqueFd fd);
  bool on_message(std::uint32_t number, Client& client, const AskBodyFile& message, UniqueFd fd);
  bool run_script(Question question, Client& client, std::uint32_t program,
                  std::string_view packed);
  bool may_ask(const Client& client, std::uint32_t number, std::uint32_t program,
               bool for_script) const;
  void drop_lost();
  void tell(Client& client, SendStatus sent);
  std::optional<Clock::time_point> next_timer() const;

  MasterChannel master_;
  UniqueFd signals_;
  const RunnerSettings& settings_;
  UniqueFd root_;
  UniqueFd ruleset_;  // for programs that are refused some calls and allowed others; else none
  UniqueFd null_;
  logs::LogClock log_clock_;
  logs::ErrorLog log_;
  Processes processes_;
  SocketFolder sockets_;
  std::optional<RunnerParts> parts_;
  std::vector<std::unique_ptr<Program>> programs_;
  std::optional<std::pair<std::uint32_t, LoadedProgram>> loaded_;  // until the programs are there
  std::optional<Mail> mail_;
  std::map<std::uint32_t, Client> clients_;  // by the numbers of their channels
  std::string no_body_file_;                 // why
  std::uint32_t last_instance_ = 0;
  bool site_sleeps_ = false;
  std::vector<::pollfd> polled_;
  Clock::time_point now_{};
};

}  // namespace perchild
