#include "daemon/command/doctor/report.h"

#include <algorithm>
#include <ostream>

#include "policy/json_tree.h"

namespace perchild {
namespace {

std::size_t count_of(const Diagnosis& diagnosis, Severity severity) {
  return static_cast<std::size_t>(
      std::count_if(diagnosis.findings.begin(), diagnosis.findings.end(),
                    [&](const Finding& finding) { return finding.severity == severity; }));
}

std::string counted(std::size_t count, const std::string& one, const std::string& many) {
  return std::to_string(count) + " " + (count == 1 ? one : many);
}

void write_text(const Diagnosis& diagnosis, const ReportOptions& options, std::ostream& out) {
  for (const Severity severity : {Severity::error, Severity::warning, Severity::note}) {
    for (const Finding& finding : diagnosis.findings) {
      if (finding.severity != severity) continue;
      out << name_of(severity) << ": " << finding.area << ": " << finding.subject << " "
          << finding.wrong << "\n    why:  " << finding.why << "\n";
      if (!finding.command.empty()) out << "    mend: " << finding.command << "\n";
    }
  }
  if (options.verbose) {
    for (const std::string& what : diagnosis.in_order) out << "ok: " << what << "\n";
  }
  for (const std::string& what : diagnosis.not_looked_at) out << "not looked at: " << what << "\n";
  out << counted(count_of(diagnosis, Severity::error), "error", "errors") << ", "
      << counted(count_of(diagnosis, Severity::warning), "warning", "warnings") << ", "
      << counted(count_of(diagnosis, Severity::note), "note", "notes") << "; "
      << counted(diagnosis.in_order.size(), "thing is", "things are") << " in order\n";
}

void write_texts(const std::vector<std::string>& texts, std::ostream& out) {
  const char* separator = "";
  for (const std::string& text : texts) {
    out << separator << json_string(text);
    separator = ",\n";
  }
}

void write_json(const Diagnosis& diagnosis, const ReportOptions& options, std::ostream& out) {
  out << "{\"configuration\":" << json_string(options.configuration)
      << ",\"errors\":" << count_of(diagnosis, Severity::error)
      << ",\"warnings\":" << count_of(diagnosis, Severity::warning)
      << ",\"notes\":" << count_of(diagnosis, Severity::note)
      << ",\"in_order\":" << diagnosis.in_order.size() << ",\"findings\":[";
  const char* separator = "";
  for (const Finding& finding : diagnosis.findings) {
    out << separator << "{\"severity\":" << json_string(name_of(finding.severity))
        << ",\"area\":" << json_string(finding.area)
        << ",\"subject\":" << json_string(finding.subject)
        << ",\"wrong\":" << json_string(finding.wrong) << ",\"why\":" << json_string(finding.why)
        << ",\"command\":" << json_string(finding.command) << "}";
    separator = ",\n";
  }
  out << "],\"checked\":[";
  write_texts(diagnosis.in_order, out);
  out << "],\"not_looked_at\":[";
  write_texts(diagnosis.not_looked_at, out);
  out << "]}\n";
}

}  // namespace

void write_report(const Diagnosis& diagnosis, const ReportOptions& options, std::ostream& out) {
  if (options.json) {
    write_json(diagnosis, options, out);
  } else {
    write_text(diagnosis, options, out);
  }
}

bool needs_attention(const Diagnosis& diagnosis) {
  return count_of(diagnosis, Severity::error) + count_of(diagnosis, Severity::warning) != 0;
}

}  // namespace perchild
