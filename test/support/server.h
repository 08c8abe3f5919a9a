// The real executables on loopback, with sites of several uids. Needs root.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "privsep/unique_fd.h"
#include "test/support/temporary_directory.h"

namespace perchild::test {

inline constexpr ::uid_t master_uid = 19001;
inline constexpr ::uid_t router_uid = 19002;
inline constexpr ::uid_t keeper_uid = 19003;
inline constexpr ::uid_t spare_uid = 19004;
inline constexpr ::uid_t uid_a = 20001;  // of the first site, and so on
inline constexpr ::uid_t uid_b = 20002;

struct SiteSpec {
  std::string host;                          // "a.example"
  std::map<std::string, std::string> files;  // made 0600 in 0700 folders
  std::string more = {};                     // more keys of the vhost, as JSON: ", \"workers\": 2"
  std::vector<std::string> other_hosts = {};
  std::string root_below = {};  // "/public": the docroot is that, below the folder of the files
};

struct ServerSpec {
  std::vector<SiteSpec> sites;
  std::string default_host = {};  // of the listener
  std::string more = {};          // more keys of the configuration
  unsigned routers = 1;
  std::string bin = {};         // the folder of the executables, if another than bin_directory()
  std::string listen = {};      // instead of one address: "[{ \"address\": \"*:PORT\" }]"
  std::string parent = "/tmp";  // of the server's folder
  std::map<std::string, std::string> environment = {};
  // Runs in the new process before it becomes `perchild serve`; it is given the server's folder.
  std::function<void(const std::string&)> before_exec = {};
};

struct ProcessFacts {
  ::pid_t pid;
  ::uid_t uid;
  std::string name;  // "perchild-worker"
};

class Server {
 public:
  // Prepares the sites' folders and the configuration, starts `perchild serve` and waits until it
  // is ready. Throws if it is not.
  explicit Server(const ServerSpec& spec);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  std::uint16_t port() const { return port_; }
  ::pid_t master() const { return master_; }
  std::string docroot(std::size_t site) const;  // the folder of the files
  // Makes a file of a site, owned by its user, or puts it in the place of the one that is there.
  void add_file(std::size_t site, const std::string& name, const std::string& contents,
                unsigned mode = 0600);
  std::string access_log(std::size_t site) const;
  std::string error_log(std::size_t site) const;
  std::string log_directory() const { return directory_.path() + "/log"; }
  const TemporaryDirectory& directory() const { return directory_; }
  std::string configuration() const { return directory_.path() + "/perchild.json"; }

  std::vector<ProcessFacts> processes() const;  // the master and its children
  std::vector<ProcessFacts> routers() const;
  std::vector<ProcessFacts> keepers() const;  // one, or none
  std::vector<ProcessFacts> workers_of(std::size_t site) const;
  std::vector<ProcessFacts> checkers_of(std::size_t site) const;
  std::vector<ProcessFacts> runners_of(std::size_t site) const;
  std::vector<ProcessFacts> spares() const;

  // What the server has said so far, and waiting until it says something.
  std::string log();
  bool wait_for_log(const std::string& text, int deadline_ms = 10'000);
  void close_log() { log_pipe_.reset(); }  // its reader goes away

  // SIGTERM, and its exit status; nullopt if it does not end in time. A second call is harmless.
  std::optional<int> stop(int deadline_ms = 20'000);
  // The same of a server that has been told to end: a second SIGTERM would cut it short.
  std::optional<int> wait_until_ended(int deadline_ms = 20'000);
  void signal(int number);

 private:
  std::vector<ProcessFacts> children(const std::string& name) const;
  bool read_log(int deadline_ms);  // false if it has ended

  TemporaryDirectory directory_;
  ServerSpec spec_;
  std::uint16_t port_ = 0;
  ::pid_t master_ = 0;
  UniqueFd pidfd_;
  UniqueFd log_pipe_;
  std::string log_;
  std::optional<int> status_;
};

// Calls `question` until it says true; false after the deadline.
template <typename Question>
bool eventually(Question question, int deadline_ms = 10'000);

// Milliseconds since some moment, for deadlines.
std::int64_t now_ms();
void pause_briefly();  // between two questions of eventually()

template <typename Question>
bool eventually(Question question, int deadline_ms) {
  const std::int64_t end = now_ms() + deadline_ms;
  while (!question()) {
    if (now_ms() >= end) return false;
    pause_briefly();
  }
  return true;
}

// A port on which nobody listens now. Not one that the kernel chooses: those it also gives to
// whatever connects somewhere meanwhile.
std::uint16_t free_port();

// One that it does choose.
std::uint16_t free_port_of_the_kernels();

// The folder of the executables under test: $PERCHILD_BIN_DIRECTORY, or this build's.
std::string bin_directory();

}  // namespace perchild::test
