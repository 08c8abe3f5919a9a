#include "policy/configuration_life.h"

#include "policy/configuration_values.h"

namespace perchild {
namespace {

constexpr NumberRange worker_counts{1, 64};
constexpr DurationRange idle_times{Milliseconds(10), std::chrono::hours(24)};
constexpr std::string_view workers_keys[] = {"min", "max"};
constexpr std::string_view groups_keys[] = {"running", "memory", "starts_per_second", "spares",
                                            "sessions"};
constexpr std::string_view start_names[] = {"on-demand", "always"};

// 2, or { "min": 1, "max": 4 }. What is left out of the second form is as small as it can be.
void read_workers(Report& report, JsonValue workers, SiteLife& life) {
  if (!workers.is(JsonKind::object)) {
    if (const auto count = read_number(report, workers, worker_counts)) {
      life.least_workers = life.most_workers = static_cast<std::uint32_t>(*count);
    }
    return;
  }
  if (!report.expect_keys(workers, R"("workers")", workers_keys)) return;
  life.least_workers = 1;
  take_number(report, workers, "min", worker_counts, life.least_workers);
  life.most_workers = life.least_workers;
  take_number(report, workers, "max", worker_counts, life.most_workers);
  if (life.most_workers < life.least_workers) {
    report.error(*workers.find("max"), R"("max" is less than "min")");
  }
}

}  // namespace

void read_site_life(Report& report, JsonValue object, SiteLife& life) {
  if (const auto workers = object.find("workers")) read_workers(report, *workers, life);
  if (const auto start = object.find("start")) {
    if (const auto choice = read_choice(report, *start, start_names)) {
      life.start = *choice == 0 ? StartPolicy::on_demand : StartPolicy::always;
    }
  }
  take_duration(report, object, "idle_timeout", idle_times, life.idle);
  if (const auto suspended = object.find("suspended")) {
    if (report.expect(*suspended, JsonKind::boolean)) life.suspended = suspended->text() == "true";
  }
}

void read_group_limits(Report& report, JsonValue value, GroupLimits& limits) {
  if (!report.expect_keys(value, R"("child_groups")", groups_keys)) return;
  take_number(report, value, "running", {1, 100'000}, limits.running);
  take_size(report, value, "memory", {1024 * 1024, 1ULL << 50}, limits.memory);
  take_number(report, value, "starts_per_second", {1, 10'000}, limits.starts_per_second);
  take_number(report, value, "spares", {0, 64}, limits.spares);
  take_size(report, value, "sessions", {0, 1ULL << 40}, limits.sessions);
}

}  // namespace perchild
