#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/inet_diag.h>
#include <linux/io_uring.h>
#include <linux/netlink.h>
#include <linux/perf_event.h>
#include <linux/sock_diag.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/klog.h>
#include <sys/ptrace.h>
#include <sys/quota.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <utility>
#include <vector>

#include "privsep/unique_fd.h"
#include "test/hostile/attacks.h"

namespace perchild::test {
namespace {

::sockaddr_in loopback(const std::string& port) {
  ::sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(port)));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// A multipath listener takes plain connections too.
int listen_by(int protocol, const std::string& port) {
  const UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, protocol));
  if (!socket.has_value()) return errno;
  const ::sockaddr_in address = loopback(port);
  if (::bind(socket.get(), reinterpret_cast<const ::sockaddr*>(&address), sizeof address) != 0) {
    return errno;
  }
  return result_of(::listen(socket.get(), 1));
}

// By asking for any port until it is this one.
int listen_by_chance_at(const std::string& port) {
  constexpr int most_tries = 1'000'000;
  for (int i = 0; i < most_tries; ++i) {
    const UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ::sockaddr_in address = loopback("0");
    ::socklen_t length = sizeof address;
    if (!socket.has_value() ||
        ::bind(socket.get(), reinterpret_cast<const ::sockaddr*>(&address), length) != 0 ||
        ::getsockname(socket.get(), reinterpret_cast<::sockaddr*>(&address), &length) != 0) {
      return errno;
    }
    if (address.sin_port == loopback(port).sin_port) return result_of(::listen(socket.get(), 1));
  }
  return ETIMEDOUT;
}

int bind_datagrams(const std::string& port) {
  const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const ::sockaddr_in address = loopback(port);
  return result_of(
      ::bind(socket.get(), reinterpret_cast<const ::sockaddr*>(&address), sizeof address));
}

// Who has which connection to whom, all over the machine.
int list_connections(const std::string&) {
  const UniqueFd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
  if (!socket.has_value()) return errno;
  struct {
    ::nlmsghdr head;
    ::inet_diag_req_v2 request;
  } question{};
  question.head.nlmsg_len = sizeof question;
  question.head.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  question.head.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  question.request.sdiag_family = AF_INET;
  question.request.sdiag_protocol = IPPROTO_TCP;
  question.request.idiag_states = ~0U;
  if (::send(socket.get(), &question, sizeof question, 0) < 0) return errno;
  char answer[4096];
  return result_of(::recv(socket.get(), answer, sizeof answer, 0));
}

int make_ring(const std::string&) {
  ::io_uring_params parameters{};
  const UniqueFd ring(static_cast<int>(::syscall(SYS_io_uring_setup, 1, &parameters)));
  return ring.has_value() ? 0 : errno;
}

int load_bpf(const std::string&) {
  ::bpf_attr attributes{};
  attributes.map_type = BPF_MAP_TYPE_ARRAY;
  attributes.key_size = attributes.value_size = 4;
  attributes.max_entries = 1;
  const UniqueFd map(
      static_cast<int>(::syscall(SYS_bpf, BPF_MAP_CREATE, &attributes, sizeof attributes)));
  return map.has_value() ? 0 : errno;
}

int count_events(const std::string&) {
  ::perf_event_attr attributes{};
  attributes.type = PERF_TYPE_SOFTWARE;
  attributes.size = sizeof attributes;
  attributes.config = PERF_COUNT_SW_TASK_CLOCK;
  attributes.exclude_kernel = 1;
  const UniqueFd events(
      static_cast<int>(::syscall(SYS_perf_event_open, &attributes, 0, -1, -1, 0)));
  return events.has_value() ? 0 : errno;
}

int handle_faults(const std::string&) {
  constexpr int user_mode_only = 1;
  const UniqueFd faults(static_cast<int>(::syscall(SYS_userfaultfd, O_CLOEXEC | user_mode_only)));
  return faults.has_value() ? 0 : errno;
}

int trace_child(const std::string&) {
  const ::pid_t child = ::fork();
  if (child == 0) {
    for (;;) ::pause();
  }
  const int result = result_of(::ptrace(PTRACE_SEIZE, child, nullptr, nullptr));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, __WALL);
  return result;
}

int read_kernel_log(const std::string&) {
  constexpr int size_of_buffer = 10;
  return result_of(::klogctl(size_of_buffer, nullptr, 0));
}

int new_namespaces(int flags) {
  const long pid = ::syscall(SYS_clone, flags | SIGCHLD, nullptr, nullptr, nullptr, nullptr);
  if (pid == 0) ::_exit(0);
  if (pid < 0) return errno;
  ::waitpid(static_cast<::pid_t>(pid), nullptr, 0);
  return 0;
}

int go_first(const std::string&) {
  const ::sched_param parameters{1};
  return result_of(::sched_setscheduler(0, SCHED_FIFO, &parameters));
}

int leave_core(const std::string&) {
  const ::rlimit limit{4096, 4096};
  return result_of(::setrlimit(RLIMIT_CORE, &limit));
}

int start_many(const std::string& number) {
  std::vector<::pid_t> started;
  int result = 0;
  for (int i = 0; i < std::stoi(number) && result == 0; ++i) {
    const ::pid_t pid = ::fork();
    if (pid == 0) {
      for (;;) ::pause();
    }
    result = result_of(pid);
    if (pid > 0) started.push_back(pid);
  }
  for (const ::pid_t pid : started) {
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
  }
  return result;
}

// As many as there are, until this process ends: 0 if so many could be had.
int watch_by_many(const std::string& number) {
  for (int i = 0; i < std::stoi(number); ++i) {
    if (::inotify_init1(0) < 0) return errno;
  }
  return 0;
}
int queue_signals(const std::string& number) {
  const int signal = SIGRTMIN;
  ::sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, signal);
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  for (int i = 0; i < std::stoi(number); ++i) {
    if (::sigqueue(::getpid(), signal, {}) != 0) return errno;
  }
  return 0;
}

// "NUMBER:REST"
std::pair<std::size_t, std::string> number_and_rest(const std::string& argument) {
  const std::size_t colon = argument.find(':');
  return {std::stoul(argument), argument.substr(colon + 1)};
}

UniqueFd make_file(const std::string& path) {
  return UniqueFd(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
}

// So many bytes in a file of a folder, which stay: 0 if they could be had.
int take_space(const std::string& bytes_and_folder) {
  const auto [bytes, folder] = number_and_rest(bytes_and_folder);
  const UniqueFd file = make_file(folder + "/taken");
  if (!file.has_value()) return errno;
  const std::vector<char> piece(64 * 1024, 'x');
  for (std::size_t taken = 0; taken < bytes;) {
    const auto written = ::write(file.get(), piece.data(), std::min(piece.size(), bytes - taken));
    if (written < 0) return errno;
    taken += static_cast<std::size_t>(written);
  }
  return 0;
}

// So many files.
int take_files(const std::string& count_and_folder) {
  const auto [count, folder] = number_and_rest(count_and_folder);
  for (std::size_t i = 0; i < count; ++i) {
    if (!make_file(folder + "/taken." + std::to_string(i)).has_value()) return errno;
  }
  return 0;
}

// A queue of messages of its own, of which the kernel keeps what is in it.
int make_queue(const std::string& name) {
  const ::mqd_t queue = ::mq_open(name.c_str(), O_RDWR | O_CREAT, 0600, nullptr);
  if (queue < 0) return errno;
  ::mq_close(queue);
  ::mq_unlink(name.c_str());
  return 0;
}

// So many bytes on stderr, where a program's errors go, in lines of such a length.
int complain(const std::string& bytes_and_length) {
  const auto [bytes, length] = number_and_rest(bytes_and_length);
  const std::string line = std::string(std::stoul(length), 'c') + "\n";
  for (std::size_t written = 0; written < bytes; written += line.size()) {
    if (::write(STDERR_FILENO, line.data(), line.size()) < 0) return errno;
  }
  return 0;
}

const std::map<std::string, Attack> attacks_on_the_machine{
    {"listen_at", [](const std::string& port) { return listen_by(IPPROTO_TCP, port); }},
    {"listen_multipath_at", [](const std::string& port) { return listen_by(IPPROTO_MPTCP, port); }},
    {"listen_by_chance_at", listen_by_chance_at},
    {"bind_datagrams", bind_datagrams},
    {"list_connections", list_connections},
    {"make_ring", make_ring},
    {"load_bpf", load_bpf},
    {"count_events", count_events},
    {"handle_faults", handle_faults},
    {"trace_child", trace_child},
    {"read_kernel_log", read_kernel_log},
    {"user_namespace", [](const std::string&) { return new_namespaces(CLONE_NEWUSER); }},
    {"user_and_net_namespace",
     [](const std::string&) { return new_namespaces(CLONE_NEWUSER | CLONE_NEWNET); }},
    {"go_first", go_first},
    {"leave_core", leave_core},
    {"start_many", start_many},
    {"watch_by_many", watch_by_many},
    {"queue_signals", queue_signals},
    {"take_space", take_space},
    {"take_files", take_files},
    {"make_queue", make_queue},
    {"complain", complain},
};

}  // namespace

Attack attack_on_machine(const std::string& name) {
  const auto found = attacks_on_the_machine.find(name);
  return found == attacks_on_the_machine.end() ? nullptr : found->second;
}

}  // namespace perchild::test
