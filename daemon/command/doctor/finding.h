// What the doctor says: of what is wrong what, why it matters, and the command that mends it.
//
// Runs in: command, as root.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "policy/mistake.h"

namespace perchild {

struct Finding {
  Severity severity = Severity::error;
  std::string area;     // "configuration", "logs", "kernel", ...
  std::string subject;  // the path, site, process or setting that it is about; printable
  std::string wrong;    // "may be written by others than its owner"
  std::string why;
  std::string command{};  // for root's shell, on one line; empty where no command mends it
};

struct Diagnosis {
  std::vector<Finding> findings;
  std::vector<std::string> in_order;       // what has been looked at and is as it should be
  std::vector<std::string> not_looked_at;  // what, and why not

  void add(Finding finding) { findings.push_back(std::move(finding)); }
  void is_in_order(std::string what) { in_order.push_back(std::move(what)); }
  void cannot_look(std::string what) { not_looked_at.push_back(std::move(what)); }
};

}  // namespace perchild
