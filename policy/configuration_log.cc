#include "policy/configuration_log.h"

#include "policy/configuration_values.h"

namespace perchild {
namespace {

constexpr std::string_view log_keys[] = {"format"};
constexpr std::string_view format_names[] = {"combined", "json"};

}  // namespace

void read_log(Report& report, JsonValue log, LogFormat& format) {
  if (!report.expect_keys(log, R"("log")", log_keys)) return;
  if (const auto value = log.find("format")) {
    if (const auto choice = read_choice(report, *value, format_names)) {
      format = static_cast<LogFormat>(*choice);
    }
  }
}

}  // namespace perchild
