// The real perchild-runner, started as the master starts it, with the test in the places of the
// master and of its site's workers.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "privsep/channel.h"
#include "privsep/runner_messages.h"
#include "test/support/server.h"
#include "test/support/temporary_directory.h"
#include "vhosts/gateway/cgi_call.h"
#include "vhosts/sites/runner_settings.h"

namespace perchild::test {

// A worker's end of a channel to the runner.
class AskingWorker {
 public:
  explicit AskingWorker(UniqueFd socket) : channel_(std::move(socket)) {}

  // The number of the question.
  std::uint32_t acquire(std::uint32_t program = 0);
  std::uint32_t run(const gateway::CgiCall& call, std::uint32_t program = 0);
  void withdraw(std::uint32_t number) { send(Withdraw{number}); }
  void release(std::uint32_t instance, bool keep, std::uint32_t served = 0) {
    send(Release{instance, keep ? ReleaseTo::rest : ReleaseTo::end, served});
  }
  void ask_body_file() { send(AskBodyFile{}); }
  void say_silent(std::uint32_t instance) { send(Release{instance, ReleaseTo::silent, 0}); }
  void let_finish(std::uint32_t instance) { send(Release{instance, ReleaseTo::finish, 1}); }

  struct Answer {
    std::uint32_t number = 0;  // 0: none came
    std::uint32_t instance = 0;
    std::uint32_t served = 0;
    UniqueFd connection{};
    NotAcquiredReason refusal{};
    bool is_recall = false;
    UniqueFd body_file{};
    bool is_about_body_file = false;
    bool ended = false;  // the channel
    bool acquired() const { return connection.has_value(); }
  };
  Answer next(int deadline_ms = 10'000);
  // The next one that is no Recall.
  Answer answer(int deadline_ms = 10'000);

  template <typename M, typename... Fd>
  void send(const M& message, Fd... fd) {
    static_cast<void>(channel_.send(message, fd...));
  }
  BorrowedFd socket() const { return channel_.fd(); }

 private:
  Channel<Worker, Runner> channel_;
  std::uint32_t last_ = 0;
};

class RunnerUnderTest {
 public:
  // `programs` are the site's; the docroot is the site's user's, mode 0700, and below /tmp, or
  // below /srv if `tmp` takes the place of that.
  explicit RunnerUnderTest(std::vector<ProgramSettings> programs,
                           const std::vector<std::pair<std::string, std::string>>& scripts = {},
                           std::vector<std::string> writable = {}, const std::string& tmp = {});
  ~RunnerUnderTest();
  RunnerUnderTest(const RunnerUnderTest&) = delete;
  RunnerUnderTest& operator=(const RunnerUnderTest&) = delete;

  AskingWorker attach();
  Channel<Master, Runner>& master() { return *master_; }
  const std::string& root() const { return root_; }
  void add_script(const std::string& name, const std::string& text, unsigned mode = 0700);
  std::string error_log() const { return read_file(log_); }
  bool logs(const std::string& text) const;

  ::pid_t pid() const { return pid_; }
  bool runs() const;
  void kill();
  // Its processes, by the machine's numbers, the runner too.
  std::vector<::pid_t> processes() const;

  // What a script of this text writes, run to its end. It is run by sh.
  std::string output_of(const std::string& text);

 private:
  void start(const RunnerSettings& settings);

  TemporaryDirectory folder_;
  std::string root_, log_;
  ::pid_t starter_ = 0;  // in the master's place, as its parent
  ::pid_t pid_ = 0;
  UniqueFd pidfd_;
  std::optional<Channel<Master, Runner>> master_;
  std::optional<AskingWorker> worker_;
  std::uint32_t last_channel_ = 0;
};

// All that comes until the other end closes, or the deadline.
std::string read_to_end(BorrowedFd socket, int deadline_ms = 10'000);

inline constexpr std::uint32_t scripts_program = 0;  // in `script_programs()`
std::vector<ProgramSettings> script_programs();

}  // namespace perchild::test
