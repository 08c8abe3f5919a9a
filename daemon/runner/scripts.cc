#include "daemon/runner/scripts.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/runner/script_lookup.h"

namespace perchild {

void Scripts::serve() {
  while (!waiting_.empty() && running_.size() < settings_.most_processes) start(take_first());
}

void Scripts::start(const Question& question) {
  const FoundScript script = find_script(parts_.root, question.call->script, ::geteuid());
  if (!script.complaint.empty()) {
    // Somebody who tries names is for the worker to log.
    if (script.refusal == NotAcquiredReason::forbidden) {
      parts_.log.add({.message = "a script is not started:", .subject = script.complaint});
    }
    return parts_.desk.refuse(question, script.refusal);
  }
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return parts_.desk.refuse(question, NotAcquiredReason::cannot_start);
  }
  const UniqueFd ours(ends[0]);
  const UniqueFd scripts(ends[1]);
  ::fcntl(ours.get(), F_SETFL, O_NONBLOCK);  // of this end alone
  const auto pid = parts_.processes.start(
      {.command = {script.command},
       .environment = with_environment(settings_.environment, question.call->environment),
       .directory = script.folder.borrow(),
       .input = scripts.borrow(),
       .output = scripts.borrow()},
      *this);
  if (!pid) return parts_.desk.refuse(question, NotAcquiredReason::cannot_start);
  const std::uint32_t instance = parts_.desk.give(question, number_, ours.borrow());
  running_[*pid] = instance;
  if (instance == 0) parts_.processes.end(*pid, parts_.desk.now());
}

// It is done with whatever it says of keeping.
void Scripts::release(std::uint32_t instance, bool) {
  for (const auto& [pid, held] : running_) {
    if (held == instance) return parts_.processes.end(pid, parts_.desk.now());
  }
}

void Scripts::on_end(::pid_t pid) {
  running_.erase(pid);
  serve();
}

}  // namespace perchild
