#include "daemon/worker/program_stderr.h"

#include <algorithm>

namespace perchild {

void ProgramStderr::add(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    const std::size_t room = logs::ErrorLog::longest_field - line_.size();
    line_.append(bytes.substr(0, std::min(end, room)));
    if (end == std::string_view::npos) return;
    end_line();
    bytes.remove_prefix(end + 1);
  }
}

void ProgramStderr::end_line() {
  if (line_.ends_with('\r')) line_.pop_back();
  if (line_.empty()) return;
  const ServedSite& site = request_.site;
  request_.site.error_log.add({.client = request_.client.host_and_port(),
                               .method = request_.head.method_text,
                               .target = request_.head.target,
                               .message = site.settings.programs[request_.call->program].name,
                               .subject = line_});
  line_.clear();
}

}  // namespace perchild
