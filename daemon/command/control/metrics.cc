#include "daemon/command/control/metrics.h"

#include <array>
#include <cstdio>
#include <functional>
#include <ostream>

namespace perchild {
namespace {

// A family at a time, as the format asks for: its description, then its samples.
class Exposition {
 public:
  void begin(std::string_view name, std::string_view type, std::string_view unit,
             std::string_view help) {
    name_ = "perchild_" + std::string(name);
    text_.append("# TYPE ").append(name_).append(" ").append(type).append("\n");
    if (!unit.empty()) text_.append("# UNIT ").append(name_).append(" ").append(unit).append("\n");
    text_.append("# HELP ").append(name_).append(" ").append(help).append("\n");
  }
  void sample(std::string_view suffix, const std::string& labels, const std::string& value) {
    text_.append(name_).append(suffix);
    if (!labels.empty()) text_.append("{").append(labels).append("}");
    text_.append(" ").append(value).append("\n");
  }
  std::string take() {
    text_ += "# EOF\n";
    return std::move(text_);
  }

 private:
  std::string name_;
  std::string text_;
};

std::string number(double value) {
  std::array<char, 40> text;
  std::snprintf(text.data(), text.size(), "%.9g", value);
  return text.data();
}

std::string seconds_of(std::uint64_t microseconds) {
  return number(static_cast<double>(microseconds) / 1e6);
}

std::string label_of(const SiteStatus& site) {
  return "site=\"" + escaped_label(site.name.view()) + "\"";
}

// Sites that have never been asked for are left out of most families: they are most of all sites,
// and all that there is to say of them is their state.
bool has_been_used(const SiteStatus& site) {
  return site.processes != 0 || site.cpu_us != 0 || site.refused != 0 || site.restarts != 0;
}

void write_server(Exposition& out, const Snapshot& snapshot) {
  const ServerStatus& server = snapshot.server;
  out.begin("build", "info", "", "The running server.");
  out.sample("_info", "version=\"" + escaped_label(snapshot.version) + "\"", "1");
  out.begin("uptime_seconds", "gauge", "seconds", "Since the server was started.");
  out.sample("", "", std::to_string(server.uptime_seconds));
  if (server.sites == 0) return;  // not for the caller to know
  out.begin("sites", "gauge", "", "Configured sites.");
  out.sample("", "", std::to_string(server.sites));
  out.begin("connections", "counter", "", "Connections, by what routers have done with them.");
  for (const auto& [what, count] :
       {std::pair{"accepted", server.accepted}, std::pair{"handed_over", server.handed_over},
        std::pair{"refused", server.refused}, std::pair{"dropped", server.dropped}}) {
    out.sample("_total", std::string("result=\"") + what + "\"", std::to_string(count));
  }
  out.begin("router_held_connections", "gauge", "", "Connections that routers hold now.");
  out.sample("", "", std::to_string(server.held));
  out.begin("spares", "gauge", "", "PHP that is loaded for sites to come.");
  out.sample("", "", std::to_string(server.spares));
}

void write_latency(Exposition& out, const Snapshot& snapshot) {
  out.begin("site_request_duration_seconds", "histogram", "seconds",
            "From a request's head to its response, sent.");
  for (const SiteStatus& site : snapshot.sites) {
    const LatencyHistogram& latency = site.traffic.latency;
    if (latency.all() == 0) continue;
    std::uint64_t below = 0;
    for (std::size_t bucket = 0; bucket < LatencyHistogram::buckets; ++bucket) {
      below += latency.counts[bucket];
      const bool last = bucket + 1 == LatencyHistogram::buckets;
      const std::string bound = last ? "+Inf" : seconds_of(LatencyHistogram::bound_us(bucket));
      out.sample("_bucket", label_of(site) + ",le=\"" + bound + "\"", std::to_string(below));
    }
    out.sample("_count", label_of(site), std::to_string(below));
    out.sample("_sum", label_of(site), seconds_of(latency.total_us));
  }
}

struct Family {
  const char* name;
  const char* type;
  const char* unit;
  const char* help;
  std::function<std::string(const SiteStatus&)> value;
};

const std::array<Family, 12>& site_families() {
  static const std::array<Family, 12> families{
      {{"site_received_bytes", "counter", "bytes", "Of requests, heads and bodies.",
        [](const SiteStatus& site) { return std::to_string(site.traffic.bytes_in); }},
       {"site_sent_bytes", "counter", "bytes", "Of responses, heads and bodies.",
        [](const SiteStatus& site) { return std::to_string(site.traffic.bytes_out); }},
       {"site_refused_connections", "counter", "",
        "Answered 503 by a router: no worker, or too many waited.",
        [](const SiteStatus& site) { return std::to_string(site.refused); }},
       {"site_restarts", "counter", "", "Processes of the site that died.",
        [](const SiteStatus& site) { return std::to_string(site.restarts); }},
       {"site_cpu_seconds", "counter", "seconds", "Processor time of the site's processes.",
        [](const SiteStatus& site) { return seconds_of(site.cpu_us); }},
       {"site_memory_kills", "counter", "", "Processes killed at the site's limit of memory.",
        [](const SiteStatus& site) { return std::to_string(site.killed); }},
       {"site_refused_forks", "counter", "", "Forks refused at the site's limit of processes.",
        [](const SiteStatus& site) { return std::to_string(site.forks_refused); }},
       {"site_throttled_seconds", "counter", "seconds",
        "Time held back by the site's limit of CPU.",
        [](const SiteStatus& site) { return seconds_of(site.throttled_us); }},
       {"site_memory_bytes", "gauge", "bytes", "Anonymous memory of the site's processes.",
        [](const SiteStatus& site) { return std::to_string(site.memory); }},
       {"site_processes", "gauge", "", "Processes of the site that run.",
        [](const SiteStatus& site) { return std::to_string(site.processes); }},
       {"site_connections", "gauge", "", "Connections open in the site's processes.",
        [](const SiteStatus& site) { return std::to_string(site.connections); }},
       {"site_queued_connections", "gauge", "", "Connections that wait for the site.",
        [](const SiteStatus& site) { return std::to_string(site.waiting); }}}};
  return families;
}

void write_sites(Exposition& out, const Snapshot& snapshot) {
  out.begin("site_state", "gauge", "", "1 for the state that the site is in.");
  for (const SiteStatus& site : snapshot.sites) {
    out.sample("", label_of(site) + ",state=\"" + std::string(name_of(site.state)) + "\"", "1");
  }
  out.begin("site_requests", "counter", "", "Requests answered, by the class of their status.");
  for (const SiteStatus& site : snapshot.sites) {
    if (!has_been_used(site)) continue;
    for (std::size_t digit = 2; digit <= 5; ++digit) {
      out.sample("_total", label_of(site) + ",class=\"" + std::to_string(digit) + "xx\"",
                 std::to_string(site.traffic.requests[digit]));
    }
  }
  for (const Family& family : site_families()) {
    out.begin(family.name, family.type, family.unit, family.help);
    const bool is_counter = std::string_view(family.type) == "counter";
    for (const SiteStatus& site : snapshot.sites) {
      if (has_been_used(site)) {
        out.sample(is_counter ? "_total" : "", label_of(site), family.value(site));
      }
    }
  }
  write_latency(out, snapshot);
}

}  // namespace

std::string escaped_label(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '\n') {
      escaped += "\\n";
      continue;
    }
    if (c == '\\' || c == '"') escaped += '\\';
    escaped += c;
  }
  return escaped;
}

std::string metrics_of(const Snapshot& snapshot) {
  Exposition out;
  write_server(out, snapshot);
  write_sites(out, snapshot);
  return out.take();
}

int run_metrics(const std::string& runtime_dir, std::ostream& out, std::ostream& errors) {
  auto client = ControlClient::connect(runtime_dir);
  const auto snapshot = client ? take_snapshot(*client) : Result<Snapshot>(failure(client.error()));
  if (!snapshot) {
    errors << "perchild: " << snapshot.error().text() << "\n";
    return 1;
  }
  out << metrics_of(*snapshot);
  return 0;
}

}  // namespace perchild
