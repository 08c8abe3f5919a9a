#include "daemon/runner/scripts.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "daemon/runner/script_lookup.h"
#include "privsep/sealed_memory.h"

namespace perchild {
namespace {

// RFC 3875, 4.1.2: set if and only if there is a body.
bool has_body(const gateway::CgiCall& call) {
  return std::any_of(call.environment.begin(), call.environment.end(), [](const auto& variable) {
    return variable.starts_with("CONTENT_LENGTH=") && !variable.ends_with("=0");
  });
}

// A file of what is here of the body, from its first byte on; none if nothing is.
Result<UniqueFd> input_of(const gateway::CgiCall& call) {
  if (call.body.empty()) return UniqueFd();
  auto file = make_sealed_memory("body", call.body);
  if (file && ::lseek(file->get(), 0, SEEK_SET) != 0) return failure_from_errno("lseek", "body");
  return file;
}

}  // namespace

void Scripts::serve() {
  while (!waiting_.empty() && running_.size() < settings_.most_processes) start(take_first());
}

void Scripts::start(const Question& question) {
  const FoundScript script =
      find_script(parts_.root, question.call->script, ::geteuid(), ::getegid());
  if (!script.complaint.empty()) {
    // Somebody who tries names is for the worker to log.
    if (script.refusal == NotAcquiredReason::forbidden) {
      parts_.log.add({.message = "a script is not started:", .subject = script.complaint});
    }
    return parts_.desk.refuse(question, script.refusal);
  }
  auto pair = make_connected_pair();
  const auto body = input_of(*question.call);
  if (!pair || !body) return parts_.desk.refuse(question, NotAcquiredReason::cannot_start);
  UniqueFd ours = std::move(pair->ours);
  const UniqueFd scripts = std::move(pair->theirs);
  const auto pid = parts_.processes.start(
      {.command = {script.command},
       .environment = with_environment(settings_.environment, question.call->environment),
       .directory = script.folder.borrow(),
       // The socket is for both only if it must be: else a script that closes its output, and goes
       // on, would have it open still.
       .input = body->has_value()          ? body->borrow()
                : has_body(*question.call) ? scripts.borrow()
                                           : parts_.null,
       .output = scripts.borrow(),
       .walls = parts_.walls,
       .leads_session = false},
      *this);
  if (!pid) return refuse_unstarted(question, script, pid.error());
  const std::uint32_t instance = parts_.desk.give(question, number_, ours.borrow());
  running_[*pid] = {instance, std::move(ours)};
  if (instance == 0) parts_.processes.end(*pid, parts_.desk.now());
}

void Scripts::refuse_unstarted(const Question& question, const FoundScript& script,
                               const SysError& error) {
  const std::string why = why_not_run(script, error.error);
  const std::string text =
      question.call->script + " cannot be run: " + (why.empty() ? error.text() : why);
  parts_.log.add({.message = "a script", .subject = text});
  parts_.desk.refuse(question,
                     why.empty() ? NotAcquiredReason::cannot_start : NotAcquiredReason::cannot_run);
}

// It is done with whatever it says of keeping. What one that has had its time has put beside itself
// is as late as it is; of others that may be what they were asked for.
void Scripts::release(std::uint32_t instance, ReleaseTo what, std::uint32_t) {
  for (auto& [pid, running] : running_) {
    if (running.instance != instance) continue;
    running.connection.reset();
    if (what == ReleaseTo::silent) {
      return parts_.processes.end_with_descendants(pid, parts_.desk.now());
    }
    return parts_.processes.end(pid, parts_.desk.now());
  }
}

// A daemon that it leaves behind may have inherited its output. What is in the socket is read all
// the same.
void Scripts::on_end(::pid_t pid, bool) {
  const auto ended = running_.find(pid);
  if (ended != running_.end()) {
    if (ended->second.connection.has_value()) {
      ::shutdown(ended->second.connection.get(), SHUT_RDWR);
    }
    running_.erase(ended);
  }
  serve();
}

}  // namespace perchild
