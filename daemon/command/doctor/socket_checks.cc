#include "daemon/command/doctor/socket_checks.h"

#include <algorithm>

#include "daemon/command/doctor/shell_word.h"
#include "daemon/command/doctor/unit_properties.h"

namespace perchild {
namespace {

constexpr const char* enabling =
    "systemctl enable perchild.socket && systemctl restart perchild.service";

std::vector<std::string> without(std::vector<std::string> all,
                                 const std::vector<std::string>& known) {
  std::erase_if(all, [&](const std::string& each) {
    return std::find(known.begin(), known.end(), each) != known.end();
  });
  return all;
}

std::string subject_of(const std::vector<std::string>& addresses) {
  std::string subject = socket_name;
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    subject += (i == 0 ? ": " : ", ") + addresses[i];
  }
  return subject;
}

// The list is emptied first, since further lines add to it.
std::string listening_at(const std::vector<std::string>& wanted) {
  const std::string folder = "/etc/systemd/system/" + std::string(socket_name) + ".d";
  std::string lines = " '[Socket]' ListenStream=";
  for (const std::string& address : wanted) lines += " " + shell_word("ListenStream=" + address);
  return "mkdir -p " + folder + " && printf '%s\\n'" + lines + " > " + folder +
         "/zz-listen.conf && systemctl daemon-reload && systemctl restart " + socket_name;
}

}  // namespace

SocketUnit parse_socket_unit(std::string_view shown) {
  const UnitProperties properties = parse_unit_properties(shown);
  const auto is = [&](std::string_view name, std::string_view value) {
    const auto found = properties.find(name);
    return found != properties.end() && found->second == value;
  };
  SocketUnit unit{.is_loaded = is("LoadState", "loaded"),
                  .is_active = is("ActiveState", "active"),
                  .is_enabled = !is("UnitFileState", "disabled")};
  for (const std::string& value : values_of("Listen", shown)) {
    // "0.0.0.0:80 (Stream)"
    unit.addresses.push_back(value.substr(0, value.find(' ')));
  }
  return unit;
}

void check_socket_unit(const SocketUnit& unit, const std::vector<std::string>& wanted,
                       bool service_binds_ports, Diagnosis& diagnosis) {
  const std::size_t before = diagnosis.findings.size();
  const bool is_needed = !service_binds_ports;
  if (is_needed && !unit.is_loaded) {
    diagnosis.add({Severity::error, "unit", socket_name, "is not installed",
                   "the service has no network to bind ports in, and does not start without it",
                   ""});
  } else if (is_needed && !unit.is_active) {
    diagnosis.add({Severity::error, "unit", socket_name, "is not active",
                   "the service has no network to bind ports in, and does not start without it",
                   enabling});
  } else if (is_needed && !unit.is_enabled) {
    diagnosis.add({Severity::warning, "unit", socket_name, "is not enabled",
                   "after the machine's next start the service does not start", enabling});
  }
  if (!unit.is_active) return;
  const auto lacking = without(wanted, unit.addresses);
  if (is_needed && !lacking.empty()) {
    diagnosis.add(
        {Severity::error, "unit", subject_of(lacking),
         std::string(lacking.size() == 1 ? "is" : "are") + " in \"listen\", and not bound",
         "the service has no network to bind it in, and does not start with it",
         listening_at(wanted)});
  }
  const auto unserved = without(unit.addresses, wanted);
  if (!unserved.empty()) {
    diagnosis.add(
        {Severity::warning, "unit", subject_of(unserved),
         std::string(unserved.size() == 1 ? "is" : "are") + " bound, and not in \"listen\"",
         "who connects there is not answered", listening_at(wanted)});
  }
  if (diagnosis.findings.size() == before) {
    diagnosis.is_in_order("unit: " + std::string(socket_name) + " binds what \"listen\" says");
  }
}

}  // namespace perchild
