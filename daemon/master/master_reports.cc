// What children report of their work, and what of it is kept when they have gone.
//
// Runs in: master.
// Does not trust: children. A report that the master has not permitted ends its sender, so none of
// them can keep it busy. What a worker counts is its own site's; a router's counts are its word.
#include "daemon/master/master.h"

namespace perchild {
namespace {

constexpr std::chrono::seconds report_interval{1};

}  // namespace

bool MasterLoop::on_message(WorkerChild& worker, const WorkerReport& message) {
  const bool serves =
      worker.child.state == ChildState::serving || worker.child.state == ChildState::ending;
  if (!serves || !worker.reports.take(message)) return false;
  reports_due_.push_back({now_ + report_interval, worker.child.pid, worker.site});
  return true;
}

bool MasterLoop::on_message(std::size_t index, const QueueReport& message) {
  RouterChild& router = routers_[index];
  if (router.child.state != ChildState::serving) return false;
  if (message.site.value >= table_.sites.size() || router.queue_reports_left == 0) return false;
  --router.queue_reports_left;
  const bool exists = !table_.sites[message.site.value].is_hole();
  if (message.refused > 0 && exists) histories_[message.site].refused += message.refused;
  if (message.waiting > 0) {
    router.waiting[message.site] = message.waiting;
  } else {
    router.waiting.erase(message.site);
  }
  return true;
}

bool MasterLoop::on_message(std::size_t index, const RouterReport& message) {
  RouterChild& router = routers_[index];
  if (router.child.state != ChildState::serving || !router.reports.take(message)) return false;
  reports_due_.push_back({now_ + report_interval, router.child.pid, std::nullopt});
  return true;
}

void MasterLoop::permit_reports() {
  for (; !reports_due_.empty() && reports_due_.front().at <= now_; reports_due_.pop_front()) {
    const ReportDue due = reports_due_.front();
    if (!due.site) {
      for (RouterChild& router : routers_) {
        if (router.child.pid != due.pid || router.child.state != ChildState::serving) continue;
        ++router.reports.left;
        router.queue_reports_left = QueueReport::most_in_a_report;
        send(router, MayReport{0}, UniqueFd());
      }
      continue;
    }
    const auto group = groups_.find(*due.site);
    if (group == groups_.end()) continue;
    group->second.for_each_running([&](WorkerChild& worker) {
      if (worker.child.pid != due.pid || worker.child.state != ChildState::serving) return;
      ++worker.reports.left;
      send(worker, MayReport{0});
    });
  }
}

// What it said last may not have been heard yet.
void MasterLoop::add_up_dead(WorkerChild& worker) {
  for (bool heard = worker.control.has_value(); heard;) {
    const auto received = worker.control->receive();
    heard = received.status == Channel<Master, Worker>::Status::message;
    if (!heard) break;
    const auto* report = std::get_if<WorkerReport>(&*received.message);
    heard = report == nullptr || worker.reports.take(*report);
  }
  const Traffic& traffic = worker.reports.last.traffic;
  const bool any = traffic != Traffic{} || worker.child.cpu.count() > 0;
  if (any && is_of_its_site(worker)) {
    SiteHistory& history = histories_[worker.site];
    history.traffic += traffic;
    history.cpu += worker.child.cpu;
  }
  worker.reports = {};
}

void MasterLoop::add_up_dead(RouterChild& router) {
  router.reports.last.held = 0;
  of_dead_routers_ += router.reports.last;
  router.reports = {};
  router.queue_reports_left = QueueReport::most_in_a_report;
  router.waiting.clear();
}

}  // namespace perchild
