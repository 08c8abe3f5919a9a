#include "daemon/command/reload/reload.h"

#include <unistd.h>

#include <array>
#include <ostream>

#include "daemon/command/check/check.h"
#include "daemon/command/check/system_view.h"
#include "daemon/command/control/control_client.h"
#include "daemon/command/reload/numbering.h"
#include "daemon/command/serve/listeners.h"
#include "daemon/command/serve/passed_ports.h"
#include "daemon/command/serve/program_walls.h"
#include "daemon/command/serve/tables.h"
#include "privsep/sealed_memory.h"

namespace perchild {
namespace {

constexpr int exit_refused = 1;

// A site table, and the memory that it points into.
struct MappedTable {
  SealedMapping memory;
  SiteTable table;

  static Result<MappedTable> map(BorrowedFd fd) {
    auto memory = SealedMapping::map(fd);
    if (!memory) return failure(memory.error());
    auto table = SiteTable::unpack(memory->bytes());
    if (!table) return failure({"read", "a table of sites", 0});
    return MappedTable{std::move(*memory), std::move(*table)};
  }
};

// Those that the server has not got, by their numbers. One of a family that the kernel has not got
// becomes a number without a listener.
Result<std::vector<ControlClient::OfferedListener>> bind_added(const SiteTable& running,
                                                               Configuration& configuration) {
  std::vector<ControlClient::OfferedListener> added;
  std::vector<const Listener*> lacking;
  for (std::uint32_t i = 0; i < configuration.listeners.size(); ++i) {
    Listener& listener = configuration.listeners[i];
    const std::string address = text_of(listener.address);
    if (address.empty()) continue;
    if (i < running.listeners.size() && running.listeners[i] == address) continue;
    // Which would be gone with the next start: this command may be under no walls.
    if (!running.binds_ports) {
      if (is_beyond_kernel(listener)) {
        listener = {};
      } else {
        lacking.push_back(&listener);
      }
      continue;
    }
    auto socket = bind_listener(listener, configuration.router_limits.head);
    if (!socket) return failure(socket.error());
    if (*socket) {
      added.push_back({i, std::move(**socket)});
    } else {
      listener = {};
    }
  }
  if (auto error = why_not_served(lacking, true)) return failure(std::move(*error));
  return added;
}

const char* reason_of(ReloadOutcome outcome) {
  switch (outcome) {
    case ReloadOutcome::done:
      return "";
    case ReloadOutcome::not_current:
      return "another reload has come first: look at the configuration, and try again";
    case ReloadOutcome::stopping:
      return "the server is stopping";
    case ReloadOutcome::incomplete:
      return "the server does not understand its new tables: is it of another version?";
  }
  return "the server says something else";
}

void write_changes(const SiteChanges& changes, std::ostream& out) {
  for (const std::string& name : changes.added) out << "added " << name << "\n";
  for (const std::string& name : changes.changed) out << "changed " << name << "\n";
  for (const std::string& name : changes.removed) out << "removed " << name << "\n";
  out << changes.unchanged << (changes.unchanged == 1 ? " site is" : " sites are")
      << " unchanged\n";
}

Result<int> reload(Configuration& configuration, std::ostream& out, std::ostream& errors) {
  auto client = ControlClient::connect(configuration.runtime_dir);
  if (!client) return failure(client.error());
  const auto running_fd = client->running_table();
  if (!running_fd) return failure(running_fd.error());
  const auto running = MappedTable::map(running_fd->borrow());
  if (!running) return failure(running.error());
  number_like(running->table, configuration);
  auto added = bind_added(running->table, configuration);
  if (!added) return failure(added.error());
  const auto tables = make_site_tables(configuration, running->table);
  if (!tables) return failure(tables.error());
  const auto wanted = MappedTable::map(tables->sites.borrow());
  if (!wanted) return failure(wanted.error());
  const auto reasons = reasons_to_restart(running->table, wanted->table, configuration);
  for (const std::string& reason : reasons) errors << "perchild: " << reason << "\n";
  if (!reasons.empty()) return exit_refused;
  const std::array<ControlClient::Offer, table_kinds> offers{
      {{TableKind::sites, tables->sites.borrow()},
       {TableKind::routes, tables->routes.borrow()},
       {TableKind::router_settings, tables->router_settings.borrow()},
       {TableKind::keys, tables->keys.borrow()}}};
  const auto outcome = client->reload(running->table.generation, offers, *added);
  if (!outcome) return failure(outcome.error());
  if (*outcome != ReloadOutcome::done) {
    errors << "perchild: " << reason_of(*outcome) << "\n";
    return exit_refused;
  }
  write_changes(compare_sites(running->table, wanted->table), out);
  for (const auto& warning : {warning_of_programs(configuration, running->table.no_programs),
                              warning_of_network(configuration, running->table.binds_ports)}) {
    if (warning) errors << "perchild: warning: " << *warning << "\n";
  }
  return exit_good;
}

}  // namespace

int run_reload(const std::string& configuration_path, std::ostream& out, std::ostream& errors) {
  if (::geteuid() != 0) {
    errors << "perchild: reload needs root\n";
    return exit_refused;
  }
  MachineView machine;
  ReadConfiguration read = load_configuration(configuration_path, machine);
  if (!read.configuration || !read.mistakes.empty()) {
    write_findings(configuration_path, read, false, errors);
  }
  int status = exit_refused;
  if (read.configuration) {
    const auto done = reload(*read.configuration, out, errors);
    if (done) status = *done;
    if (!done) errors << "perchild: " << done.error().text() << "\n";
  } else if (!read.unreadable.empty()) {
    status = exit_unreadable;
  }
  if (status != exit_good) errors << "perchild: nothing has been changed\n";
  return status;
}

}  // namespace perchild
