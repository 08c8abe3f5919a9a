// What is said to a site's runner, and by it. The rules of messages.h hold.
//
// Runs in: runner, worker, master.
// Trusts: nobody.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <string_view>

#include "privsep/messages.h"

namespace perchild {

inline constexpr std::uint32_t max_programs = 64;       // of one site
inline constexpr std::uint32_t max_acquisitions = 256;  // asked for by a worker, not answered yet
inline constexpr std::uint32_t max_instances = 65'536;  // that a worker holds at once
// Of one worker, between the answer to one question and the next.
inline constexpr std::chrono::seconds least_between_body_files{1};

// master → runner. The runner's end of the channel of an AttachRunner.
struct AttachClient {
  static constexpr MessageType type = MessageType::attach_client;
  static constexpr std::size_t fd_count = 1;
  std::uint32_t channel;
  bool valid() const { return channel != 0; }
};

// worker → runner. A connection to program `program`: to a process of its own (a pool's), or one
// more to that which there is. Answered by Acquired or NotAcquired, in any order; waits until there
// is one, or Withdraw. Not for CGI.
struct Acquire {
  static constexpr MessageType type = MessageType::acquire;
  static constexpr std::size_t fd_count = 0;
  std::uint32_t number;  // comes back with the answer; the worker's own
  std::uint32_t program;
  bool valid() const { return number != 0 && program < max_programs; }
};

// worker → runner. Likewise, but a script is to be started: the descriptor is sealed memory with a
// CgiCall. The connection is the script's standard output, and its input unless the body is there
// too.
struct RunScript {
  static constexpr MessageType type = MessageType::run_script;
  static constexpr std::size_t fd_count = 1;
  std::uint32_t number;
  std::uint32_t program;
  bool valid() const { return number != 0 && program < max_programs; }
};

// worker → runner. RunScript with the call, which must not be longer than that, in the message: a
// file in memory for each call costs a quarter of what worker and runner do for a script.
struct RunScriptInline {
  static constexpr MessageType type = MessageType::run_script_inline;
  static constexpr std::size_t fd_count = 0;
  static constexpr std::size_t most = 3072;  // with its head, what the kernel allocates is a page
  std::uint32_t number;
  std::uint32_t program;
  std::uint32_t length;
  std::array<char, most> bytes;  // zeros behind these

  static RunScriptInline of(std::uint32_t number, std::uint32_t program, std::string_view call) {
    RunScriptInline message{number, program, static_cast<std::uint32_t>(call.size()), {}};
    std::memcpy(message.bytes.data(), call.data(), std::min(call.size(), most));
    return message;
  }
  bool valid() const {
    return number != 0 && program < max_programs && length != 0 && length <= most &&
           std::all_of(bytes.begin() + length, bytes.end(), [](char c) { return c == '\0'; });
  }
  std::string_view call() const { return {bytes.data(), length}; }
};

// worker → runner. Nobody waits for the answer to `number` any more. What has been acquired
// meanwhile comes all the same and is released.
struct Withdraw {
  static constexpr MessageType type = MessageType::withdraw;
  static constexpr std::size_t fd_count = 0;
  std::uint32_t number;
  bool valid() const { return number != 0; }
};

// runner → worker. To one Acquire, RunScript or RunScriptInline: the connection. A pool's process
// is this worker's alone until it says Release.
struct Acquired {
  static constexpr MessageType type = MessageType::acquired;
  static constexpr std::size_t fd_count = 1;
  std::uint32_t number;
  std::uint32_t instance;  // what Release names; never the same twice
  std::uint32_t served;    // requests, by a pool's process, for whatever worker
  bool valid() const { return number != 0 && instance != 0; }
};

enum class NotAcquiredReason : std::uint32_t {
  cannot_start = 1,  // the program; the site's error log says why
  unreachable,       // a backend's socket: nobody listens
  forbidden,         // a backend's socket is not of the site's user, a script is not as it must be
  not_found,         // a script
  cannot_run,        // a script, however often it is asked for; the site's error log says why
  withdrawn,
};

// runner → worker. To one of those or Withdraw: there will be no connection.
struct NotAcquired {
  static constexpr MessageType type = MessageType::not_acquired;
  static constexpr std::size_t fd_count = 0;
  std::uint32_t number;
  NotAcquiredReason reason;
  bool valid() const {
    return number != 0 && reason >= NotAcquiredReason::cannot_start &&
           reason <= NotAcquiredReason::withdrawn;
  }
};

enum class ReleaseTo : std::uint32_t {
  end,     // SIGTERM, then SIGKILL
  rest,    // the process is, and its connection may be given to somebody
  finish,  // nobody wants its answer any more: it may finish, as long as a request may take
  silent,  // nothing has come from it in the time of a request; a script: it has had that time
};

// worker → runner. The worker has done with what it acquired.
struct Release {
  static constexpr MessageType type = MessageType::release;
  static constexpr std::size_t fd_count = 0;
  std::uint32_t instance;
  ReleaseTo what;
  std::uint32_t served;  // requests, those of Acquired among them
  bool valid() const { return instance != 0 && what <= ReleaseTo::silent; }
};

// runner → worker. Others wait for program `program`: release what is at rest with you.
struct Recall {
  static constexpr MessageType type = MessageType::recall;
  static constexpr std::size_t fd_count = 0;
  std::uint32_t program;
  bool valid() const { return program < max_programs; }
};

// worker → runner. A file to keep bodies in. One question at a time, and not more often than that;
// answered at once.
struct AskBodyFile {
  static constexpr MessageType type = MessageType::ask_body_file;
  static constexpr std::size_t fd_count = 0;
  std::uint32_t reserved;
  bool valid() const { return reserved == 0; }
};

// runner → worker. The file: empty, regular, without a name, to be read and written.
struct BodyFile {
  static constexpr MessageType type = MessageType::body_file;
  static constexpr std::size_t fd_count = 1;
  std::uint32_t reserved;
  bool valid() const { return reserved == 0; }
};

// runner → worker. There can be none; the site's error log says why.
struct NoBodyFile {
  static constexpr MessageType type = MessageType::no_body_file;
  static constexpr std::size_t fd_count = 0;
  std::uint32_t reserved;
  bool valid() const { return reserved == 0; }
};

// runner → master, after a message has been handed in, and master → runner, first of all, one for
// each time: so many recipients of the site's mail from then on. The master remembers it for the
// next runner of the site.
struct MailSent {
  static constexpr MessageType type = MessageType::mail_sent;
  static constexpr std::size_t fd_count = 0;
  static constexpr std::uint32_t most = 100'000'000;
  std::uint64_t since;  // milliseconds of the clock that is never set
  std::uint32_t recipients;
  std::uint32_t reserved;
  bool valid() const { return recipients != 0 && recipients <= most && reserved == 0; }
};

// Of the memory of KeepSessions and TakeSessions, which nobody can make longer.
inline constexpr std::size_t session_memory = 1024 * 1024;

// master → runner. The site sleeps: no worker is left. End all that runs, put sessions of PHP that
// are in use into this memory, and exit.
struct KeepSessions {
  static constexpr MessageType type = MessageType::keep_sessions;
  static constexpr std::size_t fd_count = 1;
  std::uint32_t reserved;
  bool valid() const { return reserved == 0; }
};

// master → runner, before the first AttachClient. What its predecessor has put into this memory.
struct TakeSessions {
  static constexpr MessageType type = MessageType::take_sessions;
  static constexpr std::size_t fd_count = 1;
  std::uint32_t reserved;
  bool valid() const { return reserved == 0; }
};

template <>
struct Direction<Master, Runner> {
  using Messages = std::variant<AttachClient, ReplaceLog, MailSent, KeepSessions, TakeSessions>;
};
template <>
struct Direction<Runner, Master> {
  using Messages = std::variant<LockDownComplete, PeerViolation, MailSent>;
};
template <>
struct Direction<Worker, Runner> {
  using Messages =
      std::variant<Acquire, RunScript, RunScriptInline, Withdraw, Release, AskBodyFile>;
};
template <>
struct Direction<Runner, Worker> {
  using Messages = std::variant<Acquired, NotAcquired, Recall, BodyFile, NoBodyFile>;
};

}  // namespace perchild
