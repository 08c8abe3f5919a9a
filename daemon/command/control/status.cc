#include "daemon/command/control/status.h"

#include <ostream>
#include <vector>

#include "daemon/command/control/control_client.h"
#include "daemon/command/control/text_table.h"
#include "policy/json_tree.h"

namespace perchild {
namespace {

std::string_view name_of(SiteState state) {
  switch (state) {
    case SiteState::idle:
      return "idle";
    case SiteState::starting:
      return "starting";
    case SiteState::serving:
      return "serving";
    case SiteState::draining:
      return "draining";
    case SiteState::crash_looping:
      return "crash-looping";
    case SiteState::suspended:
      return "suspended";
  }
  return "unknown";
}

void write_table(const std::vector<SiteStatus>& sites, std::ostream& out) {
  TextTable table({{"SITE"},
                   {"STATE"},
                   {"UID", Align::right},
                   {"PROCESSES", Align::right},
                   {"RESTARTS", Align::right},
                   {"LAST ERROR"}});
  for (const SiteStatus& site : sites) {
    table.add({std::string(site.name.view()), std::string(name_of(site.state)),
               std::to_string(site.uid), std::to_string(site.processes),
               std::to_string(site.restarts), std::string(site.last_error.view())});
  }
  table.write(out);
}

void write_json(const Greeting& server, const std::vector<SiteStatus>& sites, std::ostream& out) {
  out << "{\"version\":" << json_string(server.version.view()) << ",\"pid\":" << server.pid
      << ",\"sites\":[";
  const char* separator = "";
  for (const SiteStatus& site : sites) {
    out << separator << "{\"name\":" << json_string(site.name.view())
        << ",\"state\":" << json_string(name_of(site.state)) << ",\"uid\":" << site.uid
        << ",\"processes\":" << site.processes << ",\"restarts\":" << site.restarts
        << ",\"last_error\":" << json_string(site.last_error.view()) << "}";
    separator = ",\n";
  }
  out << "]}\n";
}

Result<std::vector<SiteStatus>> sites_asked_for(ControlClient& client, const std::string& name) {
  std::vector<SiteStatus> sites;
  if (name.empty()) {
    auto done = client.for_each_site([&](const SiteStatus& site) { sites.push_back(site); });
    if (!done) return failure(done.error());
    return sites;
  }
  const auto site = client.find_site(name);
  if (!site) return failure(site.error());
  if (!*site) return failure({"find", "a site of yours that is named " + name, 0});
  sites.push_back(**site);
  return sites;
}

}  // namespace

int run_status(const StatusOptions& options, std::ostream& out, std::ostream& errors) {
  auto client = ControlClient::connect(options.runtime_dir);
  const auto sites = client ? sites_asked_for(*client, options.site)
                            : Result<std::vector<SiteStatus>>(failure(client.error()));
  if (!sites) {
    errors << "perchild: " << sites.error().text() << "\n";
    return 1;
  }
  if (options.json) {
    write_json(client->server(), *sites, out);
  } else {
    write_table(*sites, out);
  }
  return 0;
}

}  // namespace perchild
