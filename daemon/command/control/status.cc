#include "daemon/command/control/status.h"

#include <ostream>

#include "daemon/command/control/snapshot.h"
#include "daemon/command/control/text_table.h"
#include "policy/json_tree.h"
#include "privsep/cgroup.h"

namespace perchild {
namespace {

std::string mechanisms_text(const ServerStatus& server) {
  std::string text;
  const auto add = [&](bool on, const std::string& name) {
    if (!text.empty()) text += ", ";
    text += (on ? "" : "no ") + name;
  };
  add(server.user_namespace != 0, "user namespace");
  add(server.seccomp_filters != 0, "seccomp");
  const bool landlock = server.landlock_abi != 0;
  add(landlock, landlock ? "Landlock ABI " + std::to_string(server.landlock_abi) : "Landlock");
  const auto controllers = static_cast<ControllerMask>(server.cgroup_controllers);
  add(controllers != 0,
      controllers != 0 ? "control groups (" + names_of(controllers) + ")" : "control groups");
  return text;
}

void write_server(const Snapshot& snapshot, std::ostream& out) {
  const ServerStatus& server = snapshot.server;
  out << "perchild " << snapshot.version << ", pid " << snapshot.pid << ", up "
      << cpu_text(server.uptime_seconds * 1'000'000) << ": " << mechanisms_text(server) << "\n";
  if (server.sites == 0) return;  // not for the caller to know
  out << server.sites << " sites, " << server.routers
      << " routers; connections: " << count_text(server.accepted) << " accepted, "
      << count_text(server.handed_over) << " handed over, " << count_text(server.refused)
      << " refused, " << count_text(server.dropped) << " dropped, " << server.held << " held\n";
  if (server.spares_wanted == 0) return;
  out << server.spares << " of " << server.spares_wanted << " spares are loaded\n";
}

void write_table(const Snapshot& snapshot, std::ostream& out) {
  TextTable table({{"SITE"},
                   {"STATE"},
                   {"UID", Align::right},
                   {"PROCS", Align::right},
                   {"CONNS", Align::right},
                   {"QUEUE", Align::right},
                   {"2XX", Align::right},
                   {"3XX", Align::right},
                   {"4XX", Align::right},
                   {"5XX", Align::right},
                   {"REFUSED", Align::right},
                   {"IN", Align::right},
                   {"OUT", Align::right},
                   {"P50", Align::right},
                   {"P99", Align::right},
                   {"CPU", Align::right},
                   {"MEMORY", Align::right},
                   {"THROTTLED", Align::right},
                   {"KILLED", Align::right},
                   {"RESTARTS", Align::right},
                   {"LAST ERROR"}});
  for (const SiteStatus& site : snapshot.sites) {
    const Traffic& traffic = site.traffic;
    const bool has_latency = traffic.latency.all() != 0;
    table.add({std::string(site.name.view()),
               std::string(name_of(site.state)),
               std::to_string(site.uid),
               std::to_string(site.processes),
               std::to_string(site.connections),
               std::to_string(site.waiting),
               count_text(traffic.requests[2]),
               count_text(traffic.requests[3]),
               count_text(traffic.requests[4]),
               count_text(traffic.requests[5]),
               count_text(site.refused),
               bytes_text(traffic.bytes_in),
               bytes_text(traffic.bytes_out),
               has_latency ? latency_text(traffic.latency.quantile_us(0.5)) : "-",
               has_latency ? latency_text(traffic.latency.quantile_us(0.99)) : "-",
               cpu_text(site.cpu_us),
               bytes_text(site.memory),
               cpu_text(site.throttled_us),
               std::to_string(site.killed),
               std::to_string(site.restarts),
               std::string(site.last_error.view())});
  }
  table.write(out);
}

void write_json(const SiteStatus& site, std::ostream& out) {
  const Traffic& traffic = site.traffic;
  out << "{\"name\":" << json_string(site.name.view())
      << ",\"state\":" << json_string(name_of(site.state)) << ",\"uid\":" << site.uid
      << ",\"processes\":" << site.processes << ",\"connections\":" << site.connections
      << ",\"queue\":" << site.waiting << ",\"refused\":" << site.refused
      << ",\"requests\":{\"1xx\":" << traffic.requests[1] << ",\"2xx\":" << traffic.requests[2]
      << ",\"3xx\":" << traffic.requests[3] << ",\"4xx\":" << traffic.requests[4]
      << ",\"5xx\":" << traffic.requests[5] << "},\"bytes_in\":" << traffic.bytes_in
      << ",\"bytes_out\":" << traffic.bytes_out
      << ",\"latency_us\":{\"p50\":" << traffic.latency.quantile_us(0.5)
      << ",\"p90\":" << traffic.latency.quantile_us(0.9)
      << ",\"p99\":" << traffic.latency.quantile_us(0.99) << "},\"cpu_us\":" << site.cpu_us
      << ",\"memory\":" << site.memory << ",\"killed\":" << site.killed
      << ",\"forks_refused\":" << site.forks_refused << ",\"throttled_us\":" << site.throttled_us
      << ",\"restarts\":" << site.restarts
      << ",\"last_error\":" << json_string(site.last_error.view()) << "}";
}

void write_json(const Snapshot& snapshot, std::ostream& out) {
  const ServerStatus& server = snapshot.server;
  out << "{\"version\":" << json_string(snapshot.version) << ",\"pid\":" << snapshot.pid
      << ",\"uptime_seconds\":" << server.uptime_seconds
      << ",\"mechanisms\":{\"user_namespace\":" << (server.user_namespace != 0 ? "true" : "false")
      << ",\"seccomp\":" << (server.seccomp_filters != 0 ? "true" : "false")
      << ",\"landlock_abi\":" << server.landlock_abi << ",\"cgroup_controllers\":"
      << json_string(names_of(static_cast<ControllerMask>(server.cgroup_controllers))) << "}";
  if (server.sites != 0) {
    out << ",\"site_count\":" << server.sites << ",\"routers\":" << server.routers
        << ",\"connections\":{\"accepted\":" << server.accepted
        << ",\"handed_over\":" << server.handed_over << ",\"refused\":" << server.refused
        << ",\"dropped\":" << server.dropped << ",\"held\":" << server.held << "}"
        << ",\"spares\":{\"loaded\":" << server.spares << ",\"wanted\":" << server.spares_wanted
        << "}";
  }
  out << ",\"sites\":[";
  const char* separator = "";
  for (const SiteStatus& site : snapshot.sites) {
    out << separator;
    write_json(site, out);
    separator = ",\n";
  }
  out << "]}\n";
}

}  // namespace

int run_status(const StatusOptions& options, std::ostream& out, std::ostream& errors) {
  auto client = ControlClient::connect(options.runtime_dir);
  const auto snapshot =
      client ? take_snapshot(*client, options.site) : Result<Snapshot>(failure(client.error()));
  if (!snapshot) {
    errors << "perchild: " << snapshot.error().text() << "\n";
    return 1;
  }
  if (options.json) {
    write_json(*snapshot, out);
  } else {
    if (options.site.empty()) write_server(*snapshot, out);
    write_table(*snapshot, out);
  }
  return 0;
}

}  // namespace perchild
