// Counts what the worker serves, and tells the master of it.
//
// Runs in: worker.
#pragma once

#include <cstdint>
#include <utility>

#include "privsep/channel.h"
#include "privsep/traffic.h"
#include "vhosts/deadline_list.h"

namespace perchild {

// Costs a request a few additions: the clock is read once a turn of the loop.
class TrafficCounter {
 public:
  void begin_turn(Clock::time_point now) { now_ = now; }
  // The moment of what happens in this turn.
  Clock::time_point now() const { return now_; }

  // A request whose head was complete at `began` has been answered.
  void count(int status, std::uint64_t in, std::uint64_t out, Clock::time_point began) {
    traffic_.count(status, in, out);
    if (began == now_) {
      ++of_this_turn_;  // how long they took is known when it is over
    } else {
      traffic_.latency.add(now_ - began);
    }
  }
  // Bytes that belong to no request.
  void count_rest(std::uint64_t in, std::uint64_t out) {
    traffic_.bytes_in += in;
    traffic_.bytes_out += out;
  }

  void end_turn(Clock::time_point now) {
    if (of_this_turn_ > 0) traffic_.latency.add(now - now_, std::exchange(of_this_turn_, 0));
  }
  const Traffic& traffic() const { return traffic_; }

 private:
  Traffic traffic_;
  Clock::time_point now_{};
  std::uint64_t of_this_turn_ = 0;
};

// A report is sent when something has changed and the master permits one, which it does once a
// second; one is kept for the end.
class TrafficReporter {
 public:
  void permit() { ++permitted_; }

  void report_change(Channel<Worker, Master>& master, const Traffic& traffic,
                     std::uint32_t connections) {
    if (permitted_ > 1) report(master, traffic, connections);
  }
  void report_end(Channel<Worker, Master>& master, const Traffic& traffic) {
    if (permitted_ > 0) report(master, traffic, 0);
  }

 private:
  void report(Channel<Worker, Master>& master, const Traffic& traffic, std::uint32_t connections) {
    const WorkerReport report{traffic, connections, 0};
    if (report == last_ || master.send(report) != SendStatus::sent) return;
    last_ = report;
    --permitted_;
  }

  WorkerReport last_{};
  std::uint32_t permitted_ = WorkerReport::permitted_at_first;
};

}  // namespace perchild
