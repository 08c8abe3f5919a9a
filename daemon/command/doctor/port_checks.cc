#include "daemon/command/doctor/port_checks.h"

#include <charconv>
#include <optional>

#include "daemon/command/doctor/shell_word.h"

namespace perchild {
namespace {

constexpr const char* range_setting = "net.ipv4.ip_local_port_range";
constexpr const char* reserved_setting = "net.ipv4.ip_local_reserved_ports";

struct Range {
  std::uint32_t first = 0;
  std::uint32_t last = 0;
  bool holds(std::uint16_t port) const { return first <= port && port <= last; }
};

// "32768\t60999", or "8080,9000-9100": numbers, with whatever stands between them.
std::vector<Range> ranges_in(const std::string& text, char between) {
  std::vector<Range> ranges;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at != end) {
    Range range;
    const auto first = std::from_chars(at, end, range.first);
    if (first.ec != std::errc()) {
      ++at;
      continue;
    }
    at = first.ptr;
    range.last = range.first;
    if (at != end && *at == between) at = std::from_chars(at + 1, end, range.last).ptr;
    ranges.push_back(range);
  }
  return ranges;
}

bool is_in(const std::vector<Range>& ranges, std::uint16_t port) {
  for (const Range& range : ranges) {
    if (range.holds(port)) return true;
  }
  return false;
}

std::string value_of(const KernelFacts& facts, const char* name) {
  const auto found = facts.settings.find(name);
  return found == facts.settings.end() ? std::string() : found->second;
}

// For now and after the next boot, beside what is reserved already.
std::string reserving(const std::string& reserved, std::uint16_t port) {
  const std::string all = (reserved.empty() ? "" : reserved + ",") + std::to_string(port);
  const std::string line = std::string(reserved_setting) + " = " + all;
  return "echo " + shell_word(line) + " > /etc/sysctl.d/99-" + reserved_setting +
         ".conf && sysctl -w " + shell_word(std::string(reserved_setting) + "=" + all);
}

}  // namespace

void check_ports(const KernelFacts& facts, const std::vector<BackendPort>& backends,
                 Diagnosis& diagnosis) {
  std::string reserved = value_of(facts, reserved_setting);
  const auto given_away = ranges_in(value_of(facts, range_setting), '\t');
  for (const BackendPort& backend : backends) {
    const std::string port = std::to_string(backend.port);
    const std::string subject = backend.site + ", port " + port;
    if (is_in(given_away, backend.port) && !is_in(ranges_in(reserved, '-'), backend.port)) {
      diagnosis.add({Severity::warning, "ports", subject,
                     "lies among those that the kernel gives to whoever asks for any",
                     "while the backend is down, another user gets it in the end, and is sent the "
                     "site's visitors; reserve it, or have the backend listen at a path",
                     reserving(reserved, backend.port)});
      // Each command keeps what those before it have reserved.
      reserved += (reserved.empty() ? "" : ",") + port;
    } else if (facts.landlock_abi < abi_with_ports) {
      diagnosis.add({Severity::note, "ports", subject,
                     "can be taken by another site's program while the backend is down",
                     "this kernel's Landlock keeps no program from a port (Linux 6.7 does); a "
                     "socket at a path is the site's user's alone",
                     ""});
    } else {
      diagnosis.is_in_order("ports: " + subject + " can be taken by no other site's program");
    }
  }
}

}  // namespace perchild
