#include "daemon/command/control/reopen.h"

#include <ostream>

#include "daemon/command/control/control_client.h"

namespace perchild {

int run_reopen(const std::string& runtime_dir, std::ostream& errors) {
  auto client = ControlClient::connect(runtime_dir);
  const auto done = client ? client->reopen_logs() : Result<LogsReopened>(failure(client.error()));
  if (!done) {
    errors << "perchild: " << done.error().text() << "\n";
    return 1;
  }
  if (done->failed == 0) return 0;
  errors << "perchild: the logs of " << done->failed << " sites cannot be opened: see the server's"
         << " own log\n";
  return 1;
}

}  // namespace perchild
