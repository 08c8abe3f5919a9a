// Single values of what the configuration says of programs. Each reader says what is wrong.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "policy/configuration_report.h"
#include "policy/program_settings.h"
#include "policy/system_view.h"

namespace perchild {

// By name, as php.ini has them.
using IniValues = std::map<std::string, std::string>;

// What PHP is told where nobody says otherwise: nothing of itself to visitors, and its files to the
// site's own /tmp.
IniValues usual_php_ini();
// How long `ini` has PHP keep a session that is not used; at most a day.
std::chrono::seconds session_lifetime(const IniValues& ini);
void read_php_ini(Report& report, JsonValue value, IniValues& ini);

// "extensions": of files, in lower case, without the dot.
void take_extensions(Report& report, JsonValue object, std::vector<std::string>& extensions);

// "max_processes", "max_requests", "idle_timeout", "time_limit", "queue", "queue_timeout",
// "request_buffer", "environment", "directory": those that are there.
void take_program_values(Report& report, JsonValue object, ProgramSettings& program);

// An array: a program by its absolute path, and what it is given. False, and said so, if it cannot
// be started.
bool read_command(Report& report, SystemView& system, JsonValue value,
                  std::vector<std::string>& command);
bool expect_program(Report& report, SystemView& system, JsonValue place, const std::string& path);

// "http://127.0.0.1:3000" or "unix:/path", as ProgramSettings::address.
bool read_backend(Report& report, JsonValue value, std::string& address);
inline constexpr std::string_view backend_forms =
    R"(for example "http://127.0.0.1:3000" or "unix:/run/alice/app.sock")";

}  // namespace perchild
