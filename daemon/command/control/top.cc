#include "daemon/command/control/top.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ostream>
#include <unordered_map>

#include "daemon/command/control/text_table.h"

namespace perchild {
namespace {

constexpr std::chrono::seconds interval{2};
constexpr std::string_view erase_to_end_of_line = "\x1b[K";

// One site since the snapshot before.
struct Row {
  const SiteStatus* site;
  double requests, errors, bytes_in, bytes_out;  // a second
  double cpu;                                    // percent of one processor
  double p50_us, p99_us;
};

std::uint64_t grown(std::uint64_t now, std::uint64_t before) {
  return now > before ? now - before : 0;
}

LatencyHistogram grown(const LatencyHistogram& now, const LatencyHistogram& before) {
  LatencyHistogram difference;
  for (std::size_t i = 0; i < LatencyHistogram::buckets; ++i) {
    difference.counts[i] = grown(now.counts[i], before.counts[i]);
  }
  return difference;
}

Row row_of(const SiteStatus& now, const SiteStatus& before, double seconds) {
  const Traffic& traffic = now.traffic;
  const auto rate = [&](std::uint64_t a, std::uint64_t b) {
    return seconds > 0 ? static_cast<double>(grown(a, b)) / seconds : 0;
  };
  const LatencyHistogram latency = grown(traffic.latency, before.traffic.latency);
  return {.site = &now,
          .requests = rate(traffic.all_requests(), before.traffic.all_requests()),
          .errors = rate(traffic.requests[5], before.traffic.requests[5]),
          .bytes_in = rate(traffic.bytes_in, before.traffic.bytes_in),
          .bytes_out = rate(traffic.bytes_out, before.traffic.bytes_out),
          .cpu = rate(now.cpu_us, before.cpu_us) / 1e4,
          .p50_us = latency.quantile_us(0.5),
          .p99_us = latency.quantile_us(0.99)};
}

double key_of(const Row& row, TopOrder order) {
  switch (order) {
    case TopOrder::requests:
      return row.requests;
    case TopOrder::cpu:
      return row.cpu;
    case TopOrder::memory:
      return static_cast<double>(row.site->memory);
    case TopOrder::bytes_out:
      return row.bytes_out;
    case TopOrder::connections:
      return row.site->connections;
    case TopOrder::name:
      break;
  }
  return 0;
}

std::vector<Row> rows_of(const Snapshot& before, const Snapshot& now, TopOrder order) {
  std::unordered_map<std::string_view, const SiteStatus*> earlier;
  for (const SiteStatus& site : before.sites) earlier.emplace(site.name.view(), &site);
  const double seconds = std::chrono::duration<double>(now.taken_at - before.taken_at).count();
  std::vector<Row> rows;
  for (const SiteStatus& site : now.sites) {
    const auto found = earlier.find(site.name.view());
    rows.push_back(row_of(site, found == earlier.end() ? site : *found->second, seconds));
  }
  std::stable_sort(rows.begin(), rows.end(), [&](const Row& a, const Row& b) {
    const double first = key_of(a, order);
    const double second = key_of(b, order);
    // What does nothing stands by its name, below what does something.
    return first != second ? first > second : a.site->name.view() < b.site->name.view();
  });
  return rows;
}

std::string decimal(double value, int digits) {
  std::array<char, 40> text;
  std::snprintf(text.data(), text.size(), "%.*f", digits, value);
  return text.data();
}

std::string bytes_rate(double value) {
  return bytes_text(static_cast<std::uint64_t>(value));
}

std::string name_of(TopOrder order) {
  static constexpr std::array<const char*, 6> names{"requests",  "cpu",         "memory",
                                                    "bytes out", "connections", "name"};
  return names[static_cast<std::size_t>(order)];
}

std::string summary_of(const Snapshot& now, const std::vector<Row>& rows) {
  double requests = 0;
  double bytes = 0;
  double cpu = 0;
  std::size_t running = 0;
  for (const Row& row : rows) {
    requests += row.requests;
    bytes += row.bytes_out;
    cpu += row.cpu;
    running += row.site->processes > 0 ? 1 : 0;
  }
  return "perchild " + now.version + ", up " + cpu_text(now.server.uptime_seconds * 1'000'000) +
         ": " + std::to_string(rows.size()) + " sites, " + std::to_string(running) + " running, " +
         decimal(requests, 1) + " requests/s, " + bytes_rate(bytes) + "/s out, " + decimal(cpu, 1) +
         "% CPU";
}

}  // namespace

std::string screen_of(const Snapshot& before, const Snapshot& now, TopOrder order,
                      Terminal::Size size) {
  std::vector<Row> rows = rows_of(before, now, order);
  std::vector<std::string> lines{summary_of(now, rows),
                                 "by " + name_of(order) + "; keys: r c m o n a  sort, q  quit", ""};
  constexpr std::size_t titles = 1;
  const std::size_t room =
      size.rows > lines.size() + titles ? size.rows - lines.size() - titles : 0;
  if (rows.size() > room) rows.resize(room);
  TextTable table({{"SITE"},
                   {"STATE"},
                   {"REQ/S", Align::right},
                   {"5XX/S", Align::right},
                   {"IN/S", Align::right},
                   {"OUT/S", Align::right},
                   {"P50", Align::right},
                   {"P99", Align::right},
                   {"%CPU", Align::right},
                   {"MEMORY", Align::right},
                   {"PROCS", Align::right},
                   {"CONNS", Align::right},
                   {"QUEUE", Align::right}});
  for (const Row& row : rows) {
    const SiteStatus& site = *row.site;
    table.add({std::string(site.name.view()), std::string(name_of(site.state)),
               decimal(row.requests, 1), decimal(row.errors, 1), bytes_rate(row.bytes_in),
               bytes_rate(row.bytes_out), row.p50_us > 0 ? latency_text(row.p50_us) : "-",
               row.p99_us > 0 ? latency_text(row.p99_us) : "-", decimal(row.cpu, 1),
               bytes_text(site.memory), std::to_string(site.processes),
               std::to_string(site.connections), std::to_string(site.waiting)});
  }
  for (const std::string& line : table.lines()) lines.push_back(line);
  if (lines.size() > size.rows) lines.resize(size.rows);
  std::string screen;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    // No line feed behind the last one, which would scroll the first one away.
    if (i > 0) screen += "\r\n";
    screen.append(lines[i].substr(0, size.columns)).append(erase_to_end_of_line);
  }
  return screen;
}

int run_top(const std::string& runtime_dir, std::ostream& errors) {
  std::string trouble;
  {
    auto client = ControlClient::connect(runtime_dir);
    auto terminal = client ? Terminal::take() : Result<Terminal>(failure(client.error()));
    auto now = terminal ? take_snapshot(*client) : Result<Snapshot>(failure(terminal.error()));
    Snapshot before;
    if (now) before = *now;
    TopOrder order = TopOrder::requests;
    auto due = std::chrono::steady_clock::now() + std::chrono::seconds(1);
    while (now && !terminal->ended()) {
      terminal->show(screen_of(before, *now, order, terminal->size()));
      const auto left =
          std::chrono::ceil<std::chrono::milliseconds>(due - std::chrono::steady_clock::now());
      const auto key = terminal->key(std::max(left, std::chrono::milliseconds(0)));
      if (key == 'q') return 0;
      constexpr std::string_view keys = "rcmona";
      if (const std::size_t at = key ? keys.find(*key) : std::string_view::npos;
          at != std::string_view::npos) {
        order = static_cast<TopOrder>(at);
      }
      if (std::chrono::steady_clock::now() < due) continue;
      due = std::chrono::steady_clock::now() + interval;
      before = std::move(*now);
      now = take_snapshot(*client);
    }
    if (!now) trouble = now.error().text();
  }
  // Only now, with the terminal as it was.
  if (trouble.empty()) return 0;
  errors << "perchild: " << trouble << "\n";
  return 1;
}

}  // namespace perchild
