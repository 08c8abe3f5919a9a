#include "daemon/command/check/check.h"

#include <ostream>

#include "daemon/command/check/source_files.h"
#include "daemon/command/check/system_view.h"
#include "policy/json_tree.h"

namespace perchild {
namespace {

std::string counted(std::size_t count, const std::string& one, const std::string& many) {
  return std::to_string(count) + " " + (count == 1 ? one : many);
}

std::string summary(const ReadConfiguration& read) {
  const std::size_t errors = count_of(read.mistakes, Severity::error);
  const std::size_t warnings = count_of(read.mistakes, Severity::warning);
  std::string text;
  if (read.configuration) {
    text = "good: " + counted(read.configuration->sites.size(), "vhost", "vhosts") + ", " +
           counted(read.configuration->listeners.size(), "address", "addresses");
  } else {
    text = counted(errors, "error", "errors");
  }
  if (warnings != 0) text += ", " + counted(warnings, "warning", "warnings");
  return text;
}

void write_text(const std::string& path, const ReadConfiguration& read, std::ostream& out) {
  for (const Mistake& mistake : read.mistakes) out << format_mistake(mistake);
  if (read.unreadable.empty()) {
    out << path << ": " << summary(read) << "\n";
  } else {
    out << path << ": cannot be read: " << read.unreadable << "\n";
  }
}

void write_json(const std::string& path, const ReadConfiguration& read, std::ostream& out) {
  out << "{\"file\":" << json_string(path)
      << ",\"good\":" << (read.configuration ? "true" : "false");
  if (!read.unreadable.empty()) out << ",\"unreadable\":" << json_string(read.unreadable);
  if (read.configuration) {
    out << ",\"vhosts\":" << read.configuration->sites.size()
        << ",\"addresses\":" << read.configuration->listeners.size();
  }
  out << ",\"errors\":" << count_of(read.mistakes, Severity::error)
      << ",\"warnings\":" << count_of(read.mistakes, Severity::warning) << ",\"mistakes\":[";
  const char* separator = "";
  for (const Mistake& mistake : read.mistakes) {
    out << separator << mistake_as_json(mistake);
    separator = ",\n";
  }
  out << "]}\n";
}

}  // namespace

ReadConfiguration load_configuration(const std::string& path, SystemView& system) {
  SourceFiles files;
  return read_configuration(path, files, system);
}

void write_findings(const std::string& path, const ReadConfiguration& read, bool json,
                    std::ostream& out) {
  if (json) {
    write_json(path, read, out);
  } else {
    write_text(path, read, out);
  }
}

int run_check(const std::string& config_path, bool json, std::ostream& out) {
  MachineView system;
  const ReadConfiguration read = load_configuration(config_path, system);
  write_findings(config_path, read, json, out);
  if (!read.unreadable.empty()) return exit_unreadable;
  return read.configuration ? exit_good : exit_mistakes;
}

}  // namespace perchild
