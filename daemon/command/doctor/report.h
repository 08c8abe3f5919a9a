// A diagnosis as it is printed.
//
// Runs in: command.
//
// As JSON it is one object:
//
//   { "configuration": "/etc/perchild/perchild.json",
//     "errors": 1, "warnings": 0, "notes": 0, "in_order": 57,
//     "findings": [ { "severity": "error", "area": "logs", "subject": "/var/log/perchild",
//                     "wrong": "...", "why": "...", "command": "chmod go-w /var/log/perchild" } ],
//     "checked": [ "..." ],
//     "not_looked_at": [ "..." ] }
//
// "severity" is "error" (somebody can do what he must not), "warning" (a wall is missing) or
// "note"; "command" is "" where none mends it; "checked" is what is in order, in words.
#pragma once

#include <iosfwd>
#include <string>

#include "daemon/command/doctor/finding.h"

namespace perchild {

struct ReportOptions {
  std::string configuration;
  bool json = false;
  bool verbose = false;  // what is in order too
};

void write_report(const Diagnosis& diagnosis, const ReportOptions& options, std::ostream& out);

// Whether anything is worse than a note.
bool needs_attention(const Diagnosis& diagnosis);

}  // namespace perchild
